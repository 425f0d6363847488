"""Whether a chain of patches says of itself what it holds: the IDs between its sections, and the one at its end.

Reading takes a chain that contradicts itself (FORMAT section 9), so that it can be looked at. What acts on one asks
here first: a patch that stands there twice removes what it added. Of a chain so long that the validator leaves links
out (`unchecked-link`), those before are checked.
"""

from __future__ import annotations

import os
import stat

from c4py._rust import dumps_bytes, identify_bytes, parse, validate_manifest
from c4py.diff import EMPTY, chain_base, resolve_chain
from c4py.errors import PatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._rust import C4ID, Manifest
    from c4py._types import StrPath
    from c4py.store.manifests import SourceOfContent

#: Bytes at the end of a text in which its closing ID is, if it has one.
ENDING_BYTES = 4096


def sound_state(
    manifest: Manifest, *, store: SourceOfContent | None = None, stop_at: int = 0, ending: bytes = b""
) -> Manifest:
    """Give the state of a chain after its first `stop_at` sections, as `resolve_chain` does, for what acts on it.

    ending: the end of the chain's text, whose closing ID is compared as well. Sections that are not applied are not
    looked at: what stands above a contradiction can be gone back to.

    Raises PatchError, with the number of the section, for a chain that contradicts itself, and where the manifest that
    it continues from is not in the store.
    """
    if manifest.base is None and not manifest.patch_sections:
        return manifest
    base = chain_base(manifest, store=store)
    state = resolve_chain(manifest, base=base, stop_at=stop_at)
    found = contradiction(manifest, base=base, stop_at=stop_at, ending=ending)
    if found is not None:
        raise found
    return state


def own_state(manifest: Manifest, *, ending: bytes = b"") -> Manifest:
    """Give the last state of a chain as `sound_state` does; a patch of a manifest that lies elsewhere stays one."""
    return sound_state(manifest, ending=ending) if manifest.base in (None, EMPTY) else manifest


def contradiction(
    manifest: Manifest, *, base: Manifest | None = None, stop_at: int = 0, ending: bytes = b""
) -> PatchError | None:
    """Find the first section of a chain that is a patch of something else than what stands above it.

    A chain that continues from an external manifest needs that as `base`: without it nothing is known of its states.
    """
    sections = len(manifest.patch_sections)
    if not sections or (manifest.base is not None and base is None):
        return None
    is_whole = not 0 < stop_at < sections
    applied = sections if is_whole else stop_at
    if applied > 1:
        before = 0 if base is None else 1
        checked = manifest if base is None else _behind(base, manifest)
        for _, message, _, code, _, _ in validate_manifest(checked, 1)[0]:
            if code == "chain-link":
                section = int(message.removeprefix("the ID above section ").split(maxsplit=1)[0]) - before
                actual = message.rpartition(", ")[2]
                return _error(section, actual) if section <= applied else None
    closing = closing_id(ending) if is_whole else None
    if closing is not None:
        state = resolve_chain(manifest, base=base)
        actual_id = state.compute_c4id()
        # Either of the two IDs that a manifest has: of its listing, and of its whole text.
        if closing not in (actual_id, identify_bytes(dumps_bytes(state))):
            return PatchError(
                f"the chain contradicts itself: it ends with {closing}, and its last state, that of section "
                f"{sections}, is {actual_id}",
                sections,
            )
    return None


def _error(section: int, actual: str) -> PatchError:
    last = section - 1
    hint = f"; up to section {last} it is sound (-n {last}, stop_at={last})" if last else ""
    return PatchError(
        f"the chain contradicts itself: the ID above section {section} is not that of what stands above it, "
        f"{actual}{hint}",
        section,
    )


def _behind(base: Manifest, manifest: Manifest) -> Manifest:
    """Make one chain of a manifest and the sections that continue from it.

    By the pickled form, in which sections have their IDs: text of two sources can differ in its indent. The ID above
    the first section was compared with the base when that was resolved.
    """
    build, (state, *_) = manifest.__reduce__()[:2]
    (rows, *_) = base.__reduce__()[1]
    (_, first), *rest = state["sections"]
    joined: Manifest = build(state | {"base": None, "sections": [(None, rows["rows"]), (None, first), *rest]})
    return joined


def closing_id(ending: bytes) -> C4ID | None:
    """Read the ID that is the last line of a text, if it is one."""
    try:
        return parse(ending.rstrip().rpartition(b"\n")[2].decode())
    except ValueError:
        return None


def read_ending(path: StrPath) -> bytes:
    """Read the end of a file; of what is no regular file nothing is left to read."""
    with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return b""
        file.seek(max(0, status.st_size - ENDING_BYTES))
        return file.read(ENDING_BYTES)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
