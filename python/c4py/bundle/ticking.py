"""How far a bundle is: a function that is called, or a line on stderr."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py.pool import Progress
    from c4py.scanner import _Line


class Ticking:
    """Called with (path or ID, objects done, objects in all); the line is removed when the `with` block ends."""

    def __init__(self, progress: Progress) -> None:
        self._line: _Line | None = None
        self._next = 0.0
        if progress is True:
            from c4py.scanner import _Line

            self._line = _Line()
        elif progress is not None and progress is not False and not callable(progress):
            raise TypeError(f"progress must be a function or True, not {type(progress).__name__}")
        self._progress = progress if callable(progress) else None

    def __call__(self, name: str, done: int, total: int) -> None:
        """Say how far it is."""
        if self._progress is not None:
            self._progress(name, done, total)
        elif self._line is not None:
            import time

            now = time.monotonic()
            if now >= self._next:
                self._line.write(f"{done:,} of {total:,} objects" if total else f"{done:,} objects")
                self._next = now + 0.1

    def __enter__(self) -> Ticking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.end()
