"""What is done to a directory, told alike by all verbs that bring one to a state.

For people an operation of a dry run is a line, and so is what was done; what went wrong goes to stderr. With `--json` a
dry run is one JSON document, and all else is JSON lines (c4py.cli.messages): what is told there is not told again on
stderr. A run that ends without a summary has failed: stderr says why.
"""

from __future__ import annotations

import sys

from c4py._visible import visible
from c4py.cli import CommandError, fail, issue_text
from c4py.cli.chain import absent_stores
from c4py.cli.terminal import shown_progress
from c4py.errors import MissingContent

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from c4py._rust import C4ID, ScanIssue
    from c4py.cli.messages import Messages, StatusMessages
    from c4py.reconcile import ReconcilePlan, ReconcileResult

    Missing = Sequence[tuple[str, C4ID]]

#: Missing files that are named to people.
SHOWN = 20

#: What a summary counts: what was done, what was not, and files without content, because of which nothing was.
COUNTS = ("created", "updated", "moved", "removed", "unchanged", "not_made", "failed", "missing")


class Outcome:
    """Tells what a verb finds out and does, in the form that its options choose.

    command: what messages begin with. summary: the stream for what was done, where people read it. remedy: what to do
    about missing content, a sentence.
    """

    def __init__(self, options: argparse.Namespace, command: str, *, summary: TextIO, remedy: str) -> None:
        self._command = command
        self._summary = summary
        self._remedy = remedy
        self._is_json = bool(options.json)
        self._messages: Messages | None = None
        self._issues: list[ScanIssue] = []
        self.progress: bool | StatusMessages = shown_progress(options)
        if self._is_json and not getattr(options, "dry_run", False):
            from c4py.cli.messages import Messages

            self._messages = Messages(sys.stdout)
            self.progress = False if options.quiet else self._messages.progress

    def tell_change(self, patch: bytes) -> None:
        """Tell the change that is about to be made, whole, before anything is touched."""
        if self._messages is not None:
            self._messages.send("change", patch=patch.decode())
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(patch)
            sys.stdout.buffer.flush()

    def tell_unread(self, issues: Iterable[ScanIssue], root: str) -> int:
        """Tell what a scan could not read, and what else is worth knowing; the exit code."""
        unread = 0
        for issue in issues:
            self._issues.append(issue)
            unread += issue.is_error
            if self._messages is not None and issue.is_error:
                self._messages.send("error", message=issue_text(issue, root))
            else:
                fail(f"{self._command}: {issue_text(issue, root)}", 0)
        if not unread:
            return 0
        if self._messages is not None:
            self._send_summary(failed=unread)
        elif self._is_json:
            _write_plan(None, self._issues, sys.stdout.write)
        else:
            fail(f"{self._command}: nothing was changed", 0)
        return 3

    def tell(self, reconcile: Callable[[], ReconcilePlan | ReconcileResult]) -> int:
        """Reconcile, and tell what was done, or would be; the exit code."""
        from c4py.reconcile import ReconcilePlan

        try:
            done = reconcile()
        except MissingContent as error:
            if self._messages is None:
                raise CommandError(self._missing_text(error.missing)) from None
            for item in missing_objects(error.missing):
                self._messages.send("missing", **item)
            self._send_summary(missing=len(error.missing))
            return 1
        return self._tell_plan(done) if isinstance(done, ReconcilePlan) else self._tell_result(done)

    def _tell_plan(self, plan: ReconcilePlan) -> int:
        if self._is_json:
            _write_plan(plan, self._issues, sys.stdout.write)
            return 1 if plan.missing else 0
        count = len(plan.operations)
        fail(f"{count} {'operation' if count == 1 else 'operations'} planned", 0)
        for operation in plan.operations:
            print(visible(str(operation), is_escaped=True))
        self._tell_not_made(plan.not_made)
        if plan.missing:
            raise CommandError(self._missing_text(plan.missing_paths))
        return 0

    def _tell_result(self, result: ReconcileResult) -> int:
        if self._messages is not None:
            from c4py._rust import utf8_name

            for error in result.errors:
                self._messages.send("error", message=visible(error, is_escaped=True))
            for path in result.not_made:
                self._messages.send("not_made", path=utf8_name(path))
            self._send_summary(
                created=result.created,
                updated=result.updated,
                moved=result.moved,
                removed=result.removed,
                unchanged=result.skipped,
                not_made=len(result.not_made),
                failed=len(result.errors),
            )
        else:
            for error in result.errors:
                fail(f"{self._command}: {visible(error, is_escaped=True)}", 0)
            print(_counts(result), file=self._summary)
            self._tell_not_made(result.not_made)
        return 4 if result.is_corrupt else 1 if result.errors else 0

    def _tell_not_made(self, paths: Sequence[str]) -> None:
        for path in paths:
            fail(f"{self._command}: {visible(path)}: a device, pipe or socket is not made", 0)

    def _missing_text(self, missing: Missing) -> str:
        return f"{missing_text(missing)}{absent_stores()}\n{self._remedy}"

    def _send_summary(self, **counts: int) -> None:
        assert self._messages is not None
        self._messages.send("summary", **dict.fromkeys(COUNTS, 0) | counts)


def missing_text(missing: Missing) -> str:
    """List content that is nowhere to be had, for people."""
    lines = [f"Missing content for {len(missing)} entries:"]
    lines += [f"  {visible(path)} {c4id}" for path, c4id in missing[:SHOWN]]
    if len(missing) > SHOWN:
        lines.append(f"  and {len(missing) - SHOWN:,} more; --json lists all")
    return "\n".join(lines)


def _counts(result: ReconcileResult) -> str:
    counts = {
        "created": result.created,
        "updated": result.updated,
        "moved": result.moved,
        "removed": result.removed,
        "unchanged": result.skipped,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do"


def missing_objects(missing: Missing) -> list[dict[str, str]]:
    """Make the JSON objects of content that is nowhere to be had."""
    from c4py._rust import utf8_name

    return [{"path": utf8_name(path), "c4id": str(c4id)} for path, c4id in missing]


def _write_plan(plan: ReconcilePlan | None, issues: Iterable[ScanIssue], write: Callable[[str], object]) -> None:
    """Write what would be done as one JSON object, piece by piece; None is a plan that nobody can make."""
    import json

    from c4py._json import issue_object, write_objects
    from c4py._rust import utf8_name

    write('{"operations": [')
    if plan is not None:
        operations = (
            {"type": done.type, "path": utf8_name(done.path), "source": done.source and utf8_name(done.source)}
            for done in plan.operations
        )
        write_objects(operations, write)
    others = {
        "missing": missing_objects(plan.missing_paths) if plan else [],
        "not_made": list(map(utf8_name, plan.not_made)) if plan else [],
        "unchanged": plan.skipped if plan else None,
        "bytes": plan.bytes if plan else None,
        "errors": list(map(issue_object, issues)),
    }
    write(f"], {json.dumps(others)[1:]}\n")
