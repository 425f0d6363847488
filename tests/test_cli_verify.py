"""`c4py verify`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import COMMAND, c4py_run, environment
from terminals import OnTerminal


@pytest.fixture
def delivery(home: Path) -> Path:
    """Make a directory and its manifest beside it."""
    root = home / "delivery"
    (root / "d").mkdir(parents=True)
    (root / "a").write_text("content of a")
    (root / "d" / "b").write_text("content of b")
    (root / "d" / "c").write_text("content of c")
    c4py.dump(c4py.scan(root), home / "delivery.c4m")
    return root


def verify(home: Path, *arguments: str, piped: bytes | None = None) -> tuple[int, str, str]:
    done = c4py_run("verify", *arguments, home=home, piped=piped)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.usefixtures("delivery")
def test_what_is_right_is_one_line(home: Path) -> None:
    assert verify(home, "delivery.c4m", "delivery") == (0, "OK: 3 files verified, 36 B\n", "")
    manifest = (home / "delivery.c4m").read_bytes()
    assert verify(home, "-", "delivery/", piped=manifest) == (0, "OK: 3 files verified, 36 B\n", "")
    assert verify(home, "-q", "delivery.c4m", "delivery") == (0, "", "")


def test_what_is_wrong_is_listed(home: Path, delivery: Path) -> None:
    (delivery / "a").write_text("content of A")
    (delivery / "d" / "b").rename(delivery / "\x1b[31m")
    (delivery / "d" / "c").unlink()
    (delivery / "d" / "c").symlink_to("\u202e")
    expected, actual = c4py.identify_bytes(b"content of a"), c4py.identify_bytes(b"content of A")
    code, out, err = verify(home, "delivery.c4m", "delivery")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "ok: 1 entry matches",
        "missing: 1 entry",
        "  - d/b",
        "corrupt: 1 entry",
        "  ! a",
        f"    expected: {expected}",
        f"    actual:   {actual}",
        "extra: 1 entry",
        "  + \\x1b[31m",
        "changed: 1 value",
        "  ~ d/c: type file, is symlink",
        "moved: 1 entry",
        "  > d/b is \\x1b[31m",
        "next: copy what is corrupt or missing again, and verify again",
        "next: to see what would make the directory right: c4py patch --dry-run delivery.c4m delivery",
        "FAILED: 1 corrupt, 1 missing, 1 changed, 1 extra; 2 of 3 files read, 24 B",
    ]
    assert verify(home, "-q", "delivery.c4m", "delivery") == (1, "", "")


def test_quick_sample_and_metadata(home: Path, delivery: Path) -> None:
    code, out, _ = verify(home, "delivery.c4m", "delivery", "--quick")
    assert (code, out) == (0, "OK: 3 files, 0 of them read (quick: no file was read)\n")
    code, out, _ = verify(home, "delivery.c4m", "delivery", "--sample", "34%")
    assert (code, out) == (0, "OK: 3 files, 2 of them read, 24 B (sample of 34%)\n")
    os.utime(delivery / "a", (0, 1_600_000_000))
    code, out, _ = verify(home, "delivery.c4m", "delivery", "--quick")
    assert code == 1
    assert "  ~ a: time " in out
    assert "unverified: 2 entries\n" in out
    assert out.endswith("\nFAILED: 1 changed; 0 of 3 files read\n")
    assert verify(home, "delivery.c4m", "delivery", "--drop-cache", "--workers", "1")[0] == 0
    assert verify(home, "delivery.c4m", "delivery", "--metadata")[0] == 1


def test_a_manifest_in_other_words_is_accepted_when_asked(home: Path, delivery: Path) -> None:
    (delivery / "note.c4m").write_bytes(b"- - 1 a -\n- - 2 b -\n")
    c4py.dump(c4py.scan(delivery), home / "delivery.c4m")
    (delivery / "note.c4m").write_bytes(b"- - 2 b -\n- - 1 a -\n")
    code, out, _ = verify(home, "delivery.c4m", "delivery")
    assert code == 1
    assert out.splitlines() == [
        "ok: 4 entries match",
        "canonical only: 1 entry",
        "  = note.c4m",
        "next: --accept-canonical accepts manifests that are right in canonical form",
        "FAILED: 1 canonical form only; 4 of 4 files read, 56 B",
    ]
    assert verify(home, "delivery.c4m", "delivery", "--accept-canonical")[0] == 0


@pytest.mark.usefixtures("unprivileged")
def test_a_file_that_cannot_be_read_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        (root / "a").write_text("a")
        c4py.dump(c4py.scan(root), Path(folder, "m.c4m"))
        (root / "a").chmod(0)
        arguments = ["verify", str(Path(folder, "m.c4m")), str(root)]
        assert main(arguments) == 3
        assert capsys.readouterr().out.splitlines() == [
            "unreadable: 1 entry",
            "  ? a: cannot open the file: Permission denied",
            "next: make what is unreadable readable, and verify again",
            "FAILED: 1 unreadable; 0 of 1 file read",
        ]
        (root / "b").write_text("b")
        assert main(arguments) == 1


@pytest.mark.usefixtures("unprivileged")
def test_a_file_that_cannot_be_read_is_not_all_where_another_has_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        (root / "a").write_text("a")
        (root / "b").write_text("b")
        manifest = c4py.scan(root)
        for entry in manifest:
            if entry.name == "b":
                entry.c4id = None
        c4py.dump(manifest, Path(folder, "m.c4m"))
        (root / "a").chmod(0)
        arguments = ["verify", str(Path(folder, "m.c4m")), str(root)]
        assert main(arguments) == 1
        assert "unverified: 1 entry\n  . b\nnext: " in capsys.readouterr().out
        # A sample reads what it reads: nothing that is left out of it is wrong.
        assert main([*arguments, "--sample", "1"]) == 3


@pytest.mark.usefixtures("delivery")
def test_what_is_not_compared_ends_with_2(home: Path) -> None:
    (home / "bad.c4m").write_text("no manifest\n")
    (home / "evil.c4m").write_text("- - 1 ../x -\n")
    for arguments, message in (
        ([], "required: MANIFEST, DIRECTORY"),
        (["delivery.c4m"], "required: DIRECTORY"),
        (["nothing.c4m", "delivery"], "nothing.c4m: No such file or directory"),
        (["delivery.c4m", "nothing"], "nothing: No such file or directory"),
        (["delivery.c4m", "delivery.c4m"], "delivery.c4m: Not a directory"),
        (["bad.c4m", "delivery"], "bad.c4m: line 1"),
        (["evil.c4m", "delivery"], "evil.c4m: line 1, column 10"),
        (["delivery.c4m", "delivery", "--sample", "0"], "--sample"),
        (["delivery.c4m", "delivery", "--sample", "2"], "--sample"),
        (["delivery.c4m", "delivery", "--sample", "0.1", "--quick"], "not allowed with"),
        (["delivery.c4m", "delivery", "--workers", "0"], "--workers"),
        (["delivery.c4m", "delivery", "--workers", "-1"], "--workers"),
        (["delivery.c4m", "delivery", "--workers", "1025"], "--workers: not a number from 1 to 1024"),
        (["delivery.c4m", "delivery", "--workers", "9" * 5000], "--workers"),
        (["delivery.c4m", "delivery", "--workers", "two"], "--workers"),
        (["delivery.c4m", "delivery", "--report", "r.pdf"], ".json, .html, .csv or .xml (JUnit), not '.pdf'"),
        (["delivery.c4m", "delivery", "--report", "-"], "not ''"),
        (["delivery.c4m", "delivery", "--json", "-"], "unrecognized"),
        (["delivery.c4m", "delivery", "--no-such-flag"], "unrecognized"),
    ):
        code, out, err = verify(home, *arguments)
        assert (code, out) == (2, ""), (arguments, err)
        assert message in err
        assert "Traceback" not in err


def test_reports_are_those_of_the_library(home: Path, delivery: Path) -> None:
    (delivery / "a").write_text("content of A")
    flags = [f"--report=r{extension}" for extension in (".json", ".csv", ".XML", ".html")]
    code, out, err = verify(home, "delivery.c4m", "delivery", *flags)
    assert (code, err) == (1, "")
    assert out.startswith("ok: 3 entries match\ncorrupt: 1 entry\n")
    actual = str(c4py.identify_bytes(b"content of A"))
    for name, first in (("json", "{"), ("csv", "status,"), ("XML", "<?xml"), ("html", "<!doctype html>")):
        text = (home / f"r.{name}").read_text()
        assert text.lower().startswith(first)
        assert actual in text
    assert not [name for name in os.listdir(home) if name.endswith(".tmp")]


def test_a_report_that_cannot_be_written_is_an_error_and_keeps_no_other_from_being_written(
    home: Path, delivery: Path
) -> None:
    (home / "full.csv").symlink_to("/dev/full")
    (home / "r.html").mkdir()
    flags = [f"--report={path}" for path in ("nowhere/r.json", "r.html", "full.csv", "r.xml")]
    code, out, err = verify(home, "delivery.c4m", "delivery", *flags)
    assert (code, out) == (2, "OK: 3 files verified, 36 B\n")
    assert err.splitlines() == [
        "c4py verify: nowhere/r.json: No such file or directory",
        "c4py verify: r.html: Is a directory",
        "c4py verify: full.csv: No space left on device",
    ]
    assert (home / "r.xml").read_text().startswith("<?xml")
    (delivery / "a").unlink()
    code, out, err = verify(home, "delivery.c4m", "delivery", "--json", "--report", "nowhere/r.csv")
    assert (code, err) == (2, "c4py verify: nowhere/r.csv: No such file or directory\n")
    assert json.loads(out)["is_ok"] is False


def test_json_goes_to_standard_output_instead_of_text(home: Path, delivery: Path) -> None:
    (delivery / "a").unlink()
    code, out, err = verify(home, "delivery.c4m", "delivery", "--json", "--report", "r.json")
    assert (code, err) == (1, "")
    assert json.loads(out)["missing"] == ["a"]
    assert out.count("\n") == 1
    assert json.loads((home / "r.json").read_text())["is_ok"] is False
    assert verify(home, "delivery.c4m", "delivery", "--json", "-q") == (1, "", "")


def test_a_report_is_saved_in_the_form_of_its_name(home: Path, delivery: Path) -> None:
    report = c4py.verify_tree(home / "delivery.c4m", delivery)
    report.save(home / "R.HTML")
    assert (home / "R.HTML").read_text() == report.to_html()
    report.save(os.fsencode(home / "r.xml"))
    assert (home / "r.xml").read_text() == report.to_junit()
    for name in ("report", "r.txt", ".json"):
        with pytest.raises(ValueError, match=r"\.json, \.html, \.csv or \.xml"):
            report.save(home / name)
    assert not (home / "r.txt").exists()


def test_a_screen_has_colours_and_the_same_words(home: Path, delivery: Path) -> None:
    (delivery / "a").write_text("content of A")
    (delivery / "\x1b[31m").touch()
    arguments = [*COMMAND, "verify", "delivery.c4m", "delivery"]
    plain = subprocess.run(arguments, cwd=home, env=environment(home), capture_output=True, check=False).stdout
    for variables, is_painted in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
        leader, follower = os.openpty()
        subprocess.run(arguments, cwd=home, env=environment(home) | variables, stdout=follower, check=False)
        os.close(follower)
        shown = os.read(leader, 100_000).replace(b"\r\n", b"\n")
        os.close(leader)
        assert (b"\x1b[31mFAILED\x1b[0m: 1 corrupt" in shown) is is_painted
        assert (b"\x1b[31mcorrupt: 1 entry\x1b[0m\n" in shown) is is_painted
        for code in (b"\x1b[31m", b"\x1b[32m", b"\x1b[33m", b"\x1b[0m"):
            shown = shown.replace(code, b"")
        assert shown == plain


def test_an_interrupt_ends_it(home: Path, delivery: Path) -> None:
    shutil.rmtree(delivery)
    delivery.mkdir()
    with open(delivery / "large", "wb") as file:
        file.truncate(40_000_000_000)
    c4id = c4py.identify_bytes(b"other")
    (home / "delivery.c4m").write_text(f"-rw-r--r-- - 40000000000 large {c4id}\n")
    running = OnTerminal(home, ["verify", "delivery.c4m", "delivery"])
    running.wait_for(lambda sent: "reading" in sent)
    running.process.send_signal(signal.SIGINT)
    code, out, screen = running.end()
    assert (code, out, screen.text) == (-signal.SIGINT, b"", "c4py: interrupted")
