"""What `progress` may be, wherever it is taken, and what is shown of it."""

from __future__ import annotations

import importlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import ScanStats, progress
from c4py.progress import Listener, Speed, Steps, figures, fitting, last_of_path
from command import environment
from dict_store import DictStore
from terminals import SHOWN, OnTerminal

#: A name that would write over the line, change its colour, turn its direction, or need cells that are not there.
HOSTILE = "a\x1b[2J\r\n[red]\u202e\u65e5\u672c" + "\u65e5" * 20


class Observer:
    """Keeps what it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.told: list[ScanStats] = []
        self.failure = failure

    def update(self, stats: ScanStats) -> None:
        self.told.append(stats)
        if self.failure is not None:
            raise self.failure


#: Functions that take `progress`, given a directory with what they need; the phase that is told of last.
Work = Callable[[Path, Any], object]
WORK: dict[str, tuple[Work, str]] = {
    "scan": (lambda at, progress: c4py.scan(at / "source", progress=progress), "done"),
    "identify_files": (
        lambda at, progress: c4py.identify_files([at / "source" / "a.txt"], progress=progress),
        "done",
    ),
    "verify_tree": (lambda at, progress: c4py.verify_tree(at / "m.c4m", at / "source", progress=progress), "done"),
    "reconcile": (
        lambda at, progress: c4py.reconcile(at / "m.c4m", at / "new", store=store_of(at), progress=progress),
        "apply",
    ),
    "reconcile keeping": (
        lambda at, progress: c4py.reconcile(
            c4py.Manifest(), at / "source", store=store_of(at), progress=progress, keep_removed=True
        ),
        "apply",
    ),
    "checkout": (
        lambda at, progress: c4py.Workspace(at / "ws", store=store_of(at)).checkout(at / "m.c4m", progress=progress),
        "apply",
    ),
    "snapshot": (
        lambda at, progress: c4py.Workspace(at / "source", store=store_of(at)).snapshot(progress=progress),
        "done",
    ),
    "pool": (lambda at, progress: c4py.pool(at / "m.c4m", at / "out", store=store_of(at), progress=progress), "copy"),
    "pool to a file": (
        lambda at, progress: c4py.pool(at / "m.c4m", at / "out.tar", store=store_of(at), progress=progress),
        "copy",
    ),
    "pool from a store of one's own": (
        lambda at, progress: c4py.pool(at / "m.c4m", at / "out.tar.gz", store=own_store(at), progress=progress),
        "copy",
    ),
    "ingest": (
        lambda at, progress: c4py.ingest(at / "bundle", store=DictStore(), destination=at, progress=progress),
        "copy",
    ),
    "store.verify": (lambda at, progress: store_of(at).verify(progress=progress), "hash"),
    "store.gc": (lambda at, progress: store_of(at).gc(at / "m.c4m", progress=progress), "sweep"),
    "store.stats": (lambda at, progress: store_of(at).stats(progress=progress), "walk"),
    "MultiStore.verify": (
        lambda at, progress: c4py.MultiStore([store_of(at), c4py.MemoryStore()]).verify(progress=progress),
        "hash",
    ),
    "MultiStore.stats": (lambda at, progress: c4py.MultiStore([store_of(at)]).stats(progress=progress), "walk"),
}

#: Those whose total is not known.
WITHOUT_TOTAL = ("store.gc", "store.stats", "MultiStore.stats")


def store_of(at: Path) -> c4py.FSStore:
    return c4py.FSStore(at / "store")


def own_store(at: Path) -> DictStore:
    store = DictStore()
    for c4id in store_of(at):
        with store_of(at).get(c4id) as file:
            store.put(file)
    return store


@pytest.fixture
def place(tmp_path: Path, stored: c4py.Manifest, bundle: Path) -> Path:
    """Make a directory `source`, its manifest, a store with its content, and a bundle."""
    c4py.dump(stored, tmp_path / "m.c4m")
    assert bundle == tmp_path / "bundle"
    return tmp_path


@pytest.fixture(params=WORK)
def work(request: pytest.FixtureRequest) -> tuple[str, Work, str]:
    return request.param, *WORK[request.param]


def test_an_object_is_told_everywhere(place: Path, work: tuple[str, Work, str]) -> None:
    name, function, phase = work
    observer = Observer()
    function(place, observer)
    last = observer.told[-1]
    assert isinstance(last, ScanStats)
    assert last.phase == phase
    if name not in WITHOUT_TOTAL:
        assert last.files_done == last.files_total > 0 or name == "reconcile keeping"
        assert last.bytes_done == last.bytes_total or last.bytes_total == 0


def test_a_function_is_called_everywhere(place: Path, work: tuple[str, Work, str]) -> None:
    name, function, _ = work
    calls: list[tuple[Any, ...]] = []
    function(place, lambda *values: calls.append(values))
    if name.endswith("stats"):
        return  # it has ended before there are files: of a listing a function is not told
    assert calls
    kinds = (str, str, int, int) if name in ("reconcile", "reconcile keeping", "checkout") else (str, int, int)
    assert all(tuple(map(type, call)) == kinds for call in calls)


def test_nothing_is_told_where_nobody_listens(
    place: Path, work: tuple[str, Work, str], capfd: pytest.CaptureFixture[str]
) -> None:
    _, function, _ = work
    function(place, False)
    assert capfd.readouterr() == ("", "")


def test_work_that_is_quick_shows_nothing(
    place: Path, work: tuple[str, Work, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("c4py.progress.SHOWN_AFTER", 3600.0)
    _, function, _ = work
    function(place, True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("_shown_at_once")
def test_what_is_shown_is_gone_at_the_end(
    place: Path, work: tuple[str, Work, str], capfd: pytest.CaptureFixture[str]
) -> None:
    _, function, _ = work
    function(place, True)
    err = capfd.readouterr().err
    assert err.isprintable() is False
    assert err.strip("\r ") != ""
    assert err.endswith("\r")
    assert err.split("\r")[-2].strip() == ""


def test_an_exception_of_an_object_stops_the_work(place: Path, work: tuple[str, Work, str]) -> None:
    _, function, _ = work
    with pytest.raises(ZeroDivisionError, match="in update"):
        function(place, Observer(ZeroDivisionError("in update")))


def test_what_progress_cannot_be_is_named(place: Path, work: tuple[str, Work, str]) -> None:
    _, function, _ = work
    for wrong in (1, "yes", object()):
        kind = type(wrong).__name__
        with pytest.raises(
            TypeError, match=rf"progress must be a function, True or an object with update\(\), not {kind}"
        ):
            function(place, wrong)


def test_an_object_that_is_also_called_is_updated() -> None:
    class Both(Observer):
        def __call__(self, *_: object) -> None:
            raise AssertionError

    both = Both()
    with Steps(both, total=1) as steps:
        steps.begin("a", 0)
        steps.end(1)
    assert [stats.files_done for stats in both.told] == [0, 1]


def test_pool_tells_the_bytes_that_the_manifest_names(place: Path, stored: c4py.Manifest) -> None:
    sizes = [entry.size for _, entry in stored.flat_entries() if not entry.is_dir() and not entry.is_symlink()]
    for _ in range(2):  # the second time all is there, and nothing is read
        observer = Observer()
        c4py.pool(place / "m.c4m", place / "out", store=store_of(place), progress=observer)
        assert observer.told[-1].bytes_total == observer.told[-1].bytes_done == sum(sizes)


@pytest.mark.usefixtures("_shown_at_once")
def test_bytes_are_told_while_an_object_is_read() -> None:
    observer = Observer()
    with Steps(observer, total=2, bytes_total=30) as steps:
        steps.begin("a", 0, 20)
        source = steps.reading(io.BytesIO(bytes(20)))
        while source.read(8):
            pass
        # What was in place already is not read, and counts.
        steps.begin("b", 1, 10)
        steps.end(2)
    assert [stats.bytes_done for stats in observer.told] == [0, 8, 16, 20, 20, 20, 30]
    assert [stats.path for stats in observer.told] == ["a"] * 5 + ["b", ""]


def test_a_listener_is_what_progress_may_be_for_a_part(tree: Path) -> None:
    observer = Observer()
    with Listener(observer) as listener:
        c4py.scan(tree, progress=listener)
    assert observer.told[-1].phase == "done"


def test_stats_can_be_made() -> None:
    made = ScanStats("copy", files_done=1, files_total=2, bytes_done=3, bytes_total=4, entries=5, path="a\udcff")
    assert (made.phase, made.files_done, made.files_total, made.bytes_done) == ("copy", 1, 2, 3)
    assert (made.bytes_total, made.entries, made.path, made.files_known) == (4, 5, "a\udcff", 0)
    assert made == ScanStats(
        "copy", files_done=1, files_total=2, bytes_done=3, bytes_total=4, entries=5, path=b"a\xff", bytes_known=0
    )
    assert made != ScanStats("copy")
    with pytest.raises(ValueError, match=r'phase must be one of \["walk", .*not "eat"'):
        ScanStats("eat")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        ScanStats("copy", files_done=-1)


# Figures


def speed(*moments: tuple[float, ScanStats]) -> Speed:
    made = Speed()
    for now, stats in moments:
        made.note(now, stats)
    return made


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"bytes_done": 2048, "bytes_total": 10_240}, "20 %, 2.0 KB of 10.0 KB, 1.0 KB/s, 0:08 left"),
        ({"bytes_done": 2048, "bytes_total": 1 << 30}, "0 %, 2.0 KB of 1.0 GB, 1.0 KB/s, 12 days left"),
        ({"bytes_done": 2048, "bytes_total": 1 << 24}, "0 %, 2.0 KB of 16.0 MB, 1.0 KB/s, 4:33:02 left"),
        ({"files_done": 20, "files_total": 50}, "20 of 50 files, 40 %, 10 files/s, 0:03 left"),
        ({"files_done": 50, "files_total": 50}, "50 of 50 files, 100 %, 25 files/s"),
        ({"bytes_done": 2048}, "2.0 KB, 1.0 KB/s"),
        ({"files_done": 1234}, "1,234 files, 617 files/s"),
        ({"bytes_done": 99, "bytes_total": 10}, "100 %, 99 B of 10 B, 49 B/s"),
        ({}, ""),
    ],
)
def test_figures_are_told_as_far_as_they_are_known(values: dict[str, int], expected: str) -> None:
    now = ScanStats("hash", **values)  # type: ignore[arg-type]
    assert figures(now, speed((0.0, ScanStats("hash")), (2.0, now))) == expected


def test_what_has_no_room_is_left_out_whole_and_rate_and_time_left_last() -> None:
    now = ScanStats("hash", files_done=20, files_total=50, bytes_done=2048, bytes_total=10_240)
    so_far = speed((0.0, ScanStats("hash")), (2.0, now))
    expected = [
        "reading 20 of 50 files, 20 %, 2.0 KB of 10.0 KB, 1.0 KB/s, 0:08 left",
        "reading 20 of 50 files, 20 %, 1.0 KB/s, 0:08 left",
        "reading 20 %, 1.0 KB/s, 0:08 left",
        "20 %, 1.0 KB/s, 0:08 left",
        "20 %, 0:08 left",
        "20 %",
        "",
    ]
    seen = []
    for cells in range(100, -1, -1):
        what, words, rest = fitting(now, so_far, cells)
        text = f"{what} {words}".strip()
        assert len(text) <= cells
        # Path and bar go first.
        assert rest == (cells - len(text) if text == expected[0] else 0)
        if text not in seen:
            seen.append(text)
    assert seen == expected
    assert fitting(ScanStats("walk", entries=1234), Speed(), 30) == ("listing", "1,234 entries", 9)
    assert fitting(ScanStats("hash"), Speed(), 10) == ("reading", "", 3)


@pytest.mark.parametrize("without", ["", "rich"])
@pytest.mark.parametrize("columns", [15, 30, 45, 60, 75, 90])
def test_no_part_of_a_line_is_cut(home: Path, columns: int, without: str) -> None:
    (home / "a").write_bytes(b"a" * 5000)
    (home / "b").write_bytes(b"b" * 5000)
    _, _, lines, _ = shown(home, "id a b", WITHOUT=without, columns=columns)
    whole = re.compile(
        r"(finishing |reading )?(\S+ )?(2 of 2 files, )?100 %(, 9.8 KB of 9.8 KB)?(, [0-9.]+ \wB/s)?(\s+\S+)?"
    )
    assert any(whole.fullmatch(line) for line in lines), lines


def test_a_speed_is_that_of_the_last_seconds_of_a_phase() -> None:
    moments = [(float(second), ScanStats("hash", bytes_done=1000 * min(second, 10))) for second in range(30)]
    assert speed(*moments[:11]).bytes == 1000
    assert speed(*moments).bytes == 0
    assert speed(*moments, (31.0, ScanStats("apply", bytes_done=5))).bytes == 0
    assert Speed().bytes == Speed().files == 0


def test_the_time_that_is_left_is_not_guessed_at_once() -> None:
    half = ScanStats("hash", files_done=50, files_total=100)
    assert "left" not in figures(half, speed((0.0, ScanStats("hash")), (0.5, half)))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("cells", [4, 16, 40, 1000])
def test_a_path_is_its_end_and_fits(encoding: str, cells: int) -> None:
    for path in ("", "a" * 2000, "short", HOSTILE, HOSTILE * 50, "\udcff" * 30, "\\" * 30, "\u65e5" * 1000):
        shown = last_of_path(path, cells, encoding)
        assert shown.isprintable()
        shown.encode(encoding)
        assert sum(1 if c.isascii() else 2 for c in shown) <= cells
    assert last_of_path("d/ab/file.exr", 11, "utf-8") == "...file.exr"
    assert last_of_path("d/ab/file.exr", 13, "utf-8") == "d/ab/file.exr"


def test_it_is_drawn_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    written: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    monkeypatch.setattr("c4py.progress.time.monotonic", lambda: now)
    monkeypatch.setattr(sys, "stderr", Stream())
    with Listener(True) as listener:
        for hundredth in range(200):
            now = hundredth / 100
            listener.update(ScanStats("hash", files_done=hundredth, files_total=200))
            assert written or hundredth <= 30
    drawn = [text for text in written if text.strip("\r ")]
    assert 15 <= len(drawn) <= 18
    assert written[-1].strip() == ""


@pytest.mark.usefixtures("_shown_at_once")
@pytest.mark.parametrize("stderr", [None, "closed", "full"])
def test_work_does_not_fail_because_nothing_can_be_shown(
    tree: Path, monkeypatch: pytest.MonkeyPatch, stderr: str | None
) -> None:
    stream = None
    if stderr is not None:
        stream = open("/dev/full", "w")  # noqa: SIM115 - the test closes it
        if stderr == "closed":
            stream.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        assert len(c4py.scan(tree, progress=True)) > 0
    if stderr == "full":
        with pytest.raises(OSError, match="No space"):
            stream.close()  # type: ignore[union-attr]


@pytest.mark.usefixtures("_shown_at_once")
def test_what_is_shown_is_gone_when_the_work_fails(
    tmp_path: Path, stored: c4py.Manifest, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").touch()
    with pytest.raises(c4py.MissingContent):
        c4py.reconcile(stored, tmp_path / "new", store=DictStore(), progress=True)
    err = capfd.readouterr().err
    assert err.strip("\r ") != ""
    assert err.split("\r")[-2].strip() == ""


# The command


@pytest.fixture
def shots(home: Path) -> Path:
    """Make a directory of files with hostile names, its manifest, a store with its content, and a bundle."""
    shots = home / "shots"
    (shots / HOSTILE).mkdir(parents=True)
    for number in range(20):
        (shots / HOSTILE / f"{HOSTILE}{number}").write_bytes(b"content of two" if number % 2 else b"%d" % number)
    store = c4py.FSStore(home / "store")
    manifest = c4py.scan(shots, store=store)
    c4py.dump(manifest, home / "m.c4m")
    c4py.pool(home / "m.c4m", home / "bundle", store=store)
    return shots


#: Commands that may take long, with what their lines begin with.
SHOWING = {
    "id shots": "finishing",
    "id -i m.c4m": "finishing",
    "verify m.c4m shots": "finishing",
    "dupes shots": "finishing",
    "store info": "listing",
    "store ls": "listing",
    "store verify": "reading",
    "store gc m.c4m": "sweeping",
    "pool m.c4m out": "copying",
    "pool m.c4m out.tar": "copying",
    "ingest --store other bundle": "copying",
    "workspace checkout -C ws m.c4m": "writing",
}


def shown(home: Path, command: str, **options: Any) -> tuple[int, bytes, list[str], str]:
    """Run a command on a terminal: exit code, output, the lines that were there, and what is left of them."""
    code, out, screen = OnTerminal(home, command.split(), store=home / "store", **options).end()
    return code, out, [line for line in screen.seen if line], screen.text


@pytest.mark.usefixtures("shots")
@pytest.mark.parametrize("without", ["", "rich"])
@pytest.mark.parametrize("command", SHOWING)
def test_a_command_shows_how_far_it_is(home: Path, command: str, without: str) -> None:
    code, _, lines, left = shown(home, command, WITHOUT=without)
    assert code in (0, 1)
    assert any(line.startswith(SHOWING[command]) for line in lines), lines
    left = left.replace("c4py store gc: nothing was removed; --yes removes", "")
    assert left == "" or "unchanged" in left or "created" in left


@pytest.mark.usefixtures("shots")
@pytest.mark.parametrize("command", SHOWING)
def test_nothing_is_shown_when_it_is_not_wanted(home: Path, command: str) -> None:
    for options in ({"TERM": "dumb"}, {"TERM": ""}, {"quiet": "-q"}):
        if command.startswith("workspace") and "quiet" in options:
            continue
        quiet = options.pop("quiet", "")
        fresh = command.replace("out", f"out{quiet}").replace("other", f"other{quiet}").replace("ws", f"ws{quiet}")
        code, _, lines, left = shown(home, f"{fresh} {quiet}", **options)
        assert code in (0, 1)
        told = "\n".join([*lines, left])
        assert not any(word in told for word in ("reading", "listing", "copying", "writing", "sweeping", "finishing"))


@pytest.mark.usefixtures("shots")
def test_nothing_is_shown_when_stderr_is_no_terminal(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, "id", "-i", "shots"],
        cwd=home,
        env=environment(home) | {"TERM": "xterm"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


@pytest.mark.usefixtures("shots")
@pytest.mark.parametrize("without", ["", "rich"])
@pytest.mark.parametrize("columns", [1, 2, 5, 20, 40, 80, 200])
def test_a_line_fits_whatever_the_width_and_the_names(home: Path, columns: int, without: str) -> None:
    # Screen refuses a line that goes beyond it, and text that is not printable.
    code, _, lines, left = shown(home, "id shots", WITHOUT=without, columns=columns)
    assert (code, left) == (0, "")
    assert all(len(line) <= columns for line in lines)
    if columns == 200:
        assert any("\\x1b[2J\\r\\n[red]\\u202e\u65e5\u672c" in line or "...\u65e5" in line for line in lines)


@pytest.mark.usefixtures("shots")
def test_there_are_no_colours_where_they_are_not_wanted(home: Path) -> None:
    for no_color, is_coloured in (("", True), ("1", False)):
        running = OnTerminal(home, ["id", "shots"], NO_COLOR=no_color)
        code, _, screen = running.end()
        assert code == 0
        assert (b"\x1b[38;" in running.sent or b"\x1b[9" in running.sent or b"\x1b[3" in running.sent) is is_coloured
        # A bar that differs in nothing but colours is left out, and leaves no gap.
        assert any("finishing 20 of 20 files, " in line for line in screen.seen) is not is_coloured


def test_a_terminal_without_a_name_is_dumb(home: Path) -> None:
    (home / "file").write_bytes(b"content")
    for runner, is_shown in (([], True), (["env", "-u", "TERM"], False)):
        running = OnTerminal(home, ["id", "file"], runner=runner)
        assert running.end()[0] == 0
        assert bool(running.sent) is is_shown


@pytest.mark.parametrize("without", ["", "rich"])
def test_the_progress_of_several_files_is_that_of_all(home: Path, without: str) -> None:
    for number in range(30):
        (home / f"{number}").write_bytes(bytes(1000))
    for flags in ("", "-i"):
        _, _, lines, left = shown(home, f"id {flags} " + " ".join(map(str, range(30))), WITHOUT=without)
        assert any("30 of 30 files, 100 %, 29.3 KB of 29.3 KB" in line for line in lines), lines
        assert not any(" 1 files" in line for line in lines)
        assert left == ""


def test_a_line_that_is_longer_than_the_window_has_become_is_not_continued_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    line = progress._Line(stream)
    now = ScanStats("hash", files_done=20, files_total=50, path="a" * 40)
    monkeypatch.setenv("COLUMNS", "80")
    line.show(now, Speed())
    monkeypatch.setenv("COLUMNS", "30")
    line.show(now, Speed())
    line.end()
    wide, *narrow = [part for part in stream.getvalue().split("\r") if part]
    assert (len(wide) > 60, max(map(len, narrow))) == (True, 29)


@pytest.mark.parametrize("without", ["", "rich"])
def test_the_bytes_of_a_stream_are_shown(home: Path, without: str) -> None:
    code = "import os; [os.write(1, bytes(65536)) for _ in range(64)]"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as piped:
        assert piped.stdout is not None
        _, out, lines, left = shown(home, "id", stdin=piped.stdout.fileno(), WITHOUT=without)
    assert out.decode().strip() == str(c4py.identify_bytes(bytes(64 * 65536)))
    assert any(" MB" in line or " KB" in line for line in lines)
    assert left == ""
    (home / "file").write_bytes(bytes(2_000_000))
    with (home / "file").open() as file:
        _, _, lines, _ = shown(home, "id", stdin=file.fileno(), WITHOUT=without)
    assert any("100 %, 1.9 MB of 1.9 MB" in line for line in lines)


def test_quick_commands_import_neither_rich_nor_what_shows(home: Path) -> None:
    (home / "file").write_bytes(b"content")
    code = (
        "import sys; from c4py.cli import main; code = main();"
        "sys.exit(code or 'rich' in sys.modules or 'c4py._rich_progress' in sys.modules)"
    )
    assert shown(home, "id file", code=code)[0] == 0
    code = "import sys, c4py; sys.exit('c4py.progress' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_verb_that_shows_progress_can_be_quiet() -> None:
    from c4py.cli.parser import Parser

    verbs = ("id", "verify", "dupes", "pool", "ingest")
    parsers: list[Parser] = [importlib.import_module(f"c4py.cli.{verb}").build_parser() for verb in verbs]
    store = importlib.import_module("c4py.cli.store").build_actions()
    parsers += [store[action][1]() for action in ("info", "ls", "verify", "gc")]
    for parser in parsers:
        assert "--quiet" in parser.format_help(), parser.prog
