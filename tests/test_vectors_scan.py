"""The reference results of scans and of `c4 id`: `vectors/scan.jsonl`, and the `id` cases of `vectors/cli.jsonl`."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import c4py
from vector_cases import Case, check_all, create, raw


@contextmanager
def directory() -> Iterator[bytes]:
    """Make a directory that any user may look into."""
    path = tempfile.mkdtemp().encode()
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, onerror=_make_removable)


def _make_removable(_function: object, path: str, _error: object) -> None:
    os.chmod(path, 0o700)
    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def run_id(arguments: list[str], cwd: bytes, case: Case) -> subprocess.CompletedProcess[bytes]:
    environment = {"TZ": "UTC", "PATH": os.environ["PATH"], "HOME": os.fsdecode(cwd)}
    environment |= dict(variable.split("=", 1) for variable in case.get("env", []))
    command = [sys.executable, "-m", "c4py", *arguments]
    if "stdin_b64" in case:
        piped = base64.b64decode(case["stdin_b64"])
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, timeout=60, check=False, input=piped
        )
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def scan_deviation(name: str, args: list[str]) -> str | None:
    """Why the output of a run is not that of the reference."""
    given = " ".join(args)
    if name.startswith("mtime-epoch-fraction") and "-m s" not in given:
        return "half a second after the epoch is the epoch, in text and in memory alike"
    if name in ("seq-nested-plain-files", "seq-same-names-in-two-dirs"):
        return "files fold within their own directory"
    if name == "exclude":
        if "**/x.tmp" in given:
            return "`**` spans directories"
        if "sub/keep.txt" in given or "sub/deep" in given:
            return "what is excluded counts in no ID either"
        if "deep/*" in given and "-m" not in args:
            return "a pattern is matched with paths from the root, in IDs too"
    if name == "guide" and "g2.c4m" in given:
        return "directories have the IDs of what is listed"
    return None


def test_scans_of_a_user_who_bypasses_no_permissions_and_of_root() -> None:
    counted = {"same": 0, "deviation": 0, "never ends": 0, "refused": 0, "kept going": 0}

    def check(case: Case) -> None:
        with directory() as cwd:
            create(case["tree"], os.path.join(cwd, b"tree"))
            create(case.get("beside", []), cwd)
            unprivileged = os.geteuid() == 0 and "nonroot" in case.get("requires", [])
            if unprivileged:
                for path, _, files in os.walk(cwd):
                    for name in (path, *(os.path.join(path, file) for file in files)):
                        os.chown(name, 65534, 65534, follow_symlinks=False)
                os.setegid(65534)
                os.seteuid(65534)
            try:
                for run in case["runs"]:
                    check_run(case, run, cwd)
            finally:
                if unprivileged:
                    os.seteuid(0)
                    os.setegid(0)

    def check_run(case: Case, run: Case, cwd: bytes) -> None:
        args: list[str] = run["args"]
        if "reference_does_not_finish" in run:
            counted["never ends"] += 1
            manifest = c4py.scan(os.path.join(cwd, b"tree"), workers=2)
            assert any(issue.code == "link-cycle" for issue in manifest.errors)
            return
        if os.geteuid() != 0 and "nonroot" in case.get("requires", []):
            check_in_process(case, run, cwd)
            return
        result = run_id(["id", *args, "tree"], cwd, run)
        reason = scan_deviation(case["case"], args)
        if run["exit_code"] == 1:
            counted["refused"] += 1
            assert result.returncode == 1
            assert result.stdout == b""
            assert result.stderr.count(b"\n") == 1
        elif reason:
            counted["deviation"] += 1
            assert result.stdout != raw(run, "stdout"), f"no deviation: {reason}"
            assert result.returncode == 0
        else:
            counted["same"] += 1
            assert result.stdout == raw(run, "stdout"), args
            assert result.returncode == 0, result.stderr

    def check_in_process(case: Case, run: Case, cwd: bytes) -> None:
        mode = {"s": "structure", "m": "metadata"}.get(run["args"][-1] if run["args"] else "", "full")
        manifest = c4py.scan(os.path.join(cwd, b"tree"), mode=mode, on_error="record")  # type: ignore[arg-type]
        if run["exit_code"] == 1:
            # The reference gives up; here all that can be read is listed, and what cannot is reported.
            counted["kept going"] += 1
            unreadable = [issue for issue in manifest.errors if issue.code == "unreadable" and issue.is_error]
            # A structure scan needs only the names, which a directory without search permission still gives.
            assert unreadable or (mode == "structure" and case["case"] == "read-only-dir-no-execute")
            assert len(manifest) == len(case["tree"])
        else:
            counted["same"] += 1
            assert c4py.dumps(manifest).encode() == raw(run, "stdout")

    check_all("scan", check, count=115)
    assert counted["same"] > 300
    assert counted == counted | {"never ends": 4, "refused": 1}, counted


#: `id` cases of cli.jsonl that c4py decides differently.
CLI_DEVIATIONS = {
    "id-c4m-chain-closed": "the closing ID that `c4 diff` writes is accepted",
    "id-diff-file": "the closing ID that `c4 diff` writes is accepted",
    "id-c4m-orphan-in-patch": "an entry of a patch without a directory is an error, not a crash",
}


def test_id_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["id"]:
            return
        seen.add(case["case"])
        with directory() as cwd:
            create(case["files"], cwd)
            result = run_id(case["argv"], cwd, case)
        if case["case"] in CLI_DEVIATIONS:
            expected = 1 if case["case"] == "id-c4m-orphan-in-patch" else 0
            assert result.returncode == expected, CLI_DEVIATIONS[case["case"]]
            return
        assert result.stdout == raw(case, "stdout"), result.stderr.decode()
        assert result.returncode == case["exit_code"], result.stderr.decode()
        if case["exit_code"]:
            message = result.stderr.decode()
            assert message.startswith(("c4py id: ", "usage: c4py id")), message
            assert "Traceback" not in message

    check_all("cli", check, count=393)
    assert len(seen) == 68
    assert set(CLI_DEVIATIONS) <= seen
