"""Runs the command as a user does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "c4py"]

#: Runs a command and prints, as the last line of stderr, the most memory that it held, in MiB.
MEASURED = [
    sys.executable,
    "-c",
    "import os, resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr); sys.exit(code)",
    *COMMAND,
]


def environment(home: Path, store: Path | str | None = None) -> dict[str, str]:
    variables = {"TZ": "UTC", "PATH": os.environ["PATH"], "HOME": str(home)}
    return variables if store is None else variables | {"C4_STORE": str(store)}


def hear_signals() -> None:
    """Undo in a child that whoever runs the tests ignores signals, as nohup does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def c4py_run(
    *arguments: str | bytes | Path, home: Path, store: Path | str | None = None, piped: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a home directory of its own, with the store of C4_STORE, if one is given."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=home,
        env=environment(home, store),
        input=piped,
        stdin=subprocess.DEVNULL if piped is None else None,
        capture_output=True,
        timeout=120,
        check=False,
    )
