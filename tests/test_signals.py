"""Commands that are interrupted, terminated, or whose output nobody wants: they end soon, quietly, and clean up."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import c4py
import pytest
from command import COMMAND, environment
from terminals import OnTerminal

#: A file of holes that takes minutes to read.
ENDLESS = 2**38
C4ID = c4py.identify_bytes(b"other content")

NAMED = "c4py: interrupted"


@pytest.fixture
def home(home: Path) -> Path:
    """Make a home with directories, a store, a manifest and a bundle, in each of which is a file that does not end."""
    for directory in ("d", "store", "bundle/store"):
        (home / directory).mkdir(parents=True)
    for path in ("d/endless", "d/twin", f"store/{C4ID}", f"bundle/store/{C4ID}"):
        with (home / path).open("wb") as file:
            file.truncate(ENDLESS)
    (home / "d" / "small").write_bytes(b"small")
    manifest = c4py.Manifest([c4py.Entry("endless", mode=0o644, size=ENDLESS, c4id=C4ID)])
    c4py.dump(manifest, home / "m.c4m")
    (home / "bundle" / "m.c4m").write_bytes((home / "m.c4m").read_bytes())
    (home / "bundle" / "store.ids").write_text(f"{c4py.identify_file(home / 'm.c4m')}\n{C4ID}\n")
    return home


def shows(what: str) -> Callable[[str, Path], bool]:
    return lambda sent, _home: what in sent


def writes(directory: str) -> Callable[[str, Path], bool]:
    """Wait for content that is on its way into a directory."""
    return lambda _sent, home: any(file.stat().st_size for file in (home / directory).rglob("*") if file.is_file())


#: Commands, what tells that they are in the middle, and what may be left: directories, and a workspace's state.
LONG: dict[str, tuple[Callable[[str, Path], bool], set[str]]] = {
    "id -i d/endless": (shows("reading"), set()),
    "id d": (shows("reading"), set()),
    "id -s d": (shows("reading"), set()),
    "verify m.c4m d": (shows("reading"), set()),
    "dupes d": (shows("reading"), set()),
    "store verify": (shows("reading"), set()),
    "store gc --yes m.c4m": (shows("listing"), set()),
    "pool m.c4m out": (shows("copying"), {"out", "out/store"}),
    "pool m.c4m out.tar": (shows("copying"), set()),
    "ingest --store other bundle": (shows("copying"), {"other"}),
    "patch m.c4m out": (writes("out"), {"out"}),
    "workspace checkout -C out m.c4m": (writes("out/.c4-reconcile"), {"out", "out/.c4-workspace.json"}),
}


def listing(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in home.rglob("*")}


def middle_of(command: str, home: Path, **options: Any) -> OnTerminal:
    """Start a command, and wait until it is in the middle of its work."""
    is_there, _ = LONG[command]
    running = OnTerminal(home, command.split(), store=home / "store", **options)
    running.wait_for(lambda sent: is_there(sent, home))
    return running


@pytest.fixture
def _lock(home: Path) -> Iterator[None]:
    """Have the store in use: garbage collection waits until it is not."""
    descriptor = os.open(home / "store", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    yield
    os.close(descriptor)


@pytest.mark.usefixtures("_lock")
@pytest.mark.parametrize("without", ["", "rich"])
@pytest.mark.parametrize("command", LONG)
def test_ctrl_c_ends_a_command_and_leaves_nothing_half_written(home: Path, command: str, without: str) -> None:
    before = listing(home)
    running = middle_of(command, home, WITHOUT=without)
    running.interrupt()
    code, _, screen = running.end()
    # The terminal shows what was pressed: where nothing is drawn it stays.
    assert (code, screen.text.removeprefix("^C")) == (-signal.SIGINT, NAMED)
    assert listing(home) - before <= LONG[command][1]
    assert before <= listing(home)


@pytest.mark.usefixtures("_lock")
@pytest.mark.parametrize("command", ["id -i d/endless", "verify m.c4m d", "pool m.c4m out.tar", "patch m.c4m out"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_and_leaves_nothing_half_written(
    home: Path, command: str, number: signal.Signals
) -> None:
    before = listing(home)
    running = middle_of(command, home)
    running.process.send_signal(number)
    assert running.end()[0] == -number
    assert listing(home) - before <= LONG[command][1]


def test_ctrl_c_ends_the_loop_of_a_shell(home: Path) -> None:
    loop = 'for i in 1 2 3; do "$@"; echo $? >> ended; done'
    running = middle_of("id -i d/endless", home, runner=["bash", "-c", loop, "-"])
    running.interrupt()
    code, _, screen = running.end()
    assert (code, screen.text.removeprefix("^C")) == (-signal.SIGINT, NAMED)
    assert not (home / "ended").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_shell_tells_which_signal_ended_a_command(home: Path, number: signal.Signals) -> None:
    # The shell itself ignores what only the command is sent.
    wait = '"$@" & child=$!; echo $child > child; wait $child; echo $? > ended'
    running = OnTerminal(home, ["id", "-i", "d/endless"], runner=["bash", "-mc", wait, "-"], code=None)
    running.wait_for(lambda _: is_reading(home / "child"))
    os.kill(int((home / "child").read_text()), number)
    assert running.end()[0] == 0
    assert (home / "ended").read_text() == f"{128 + number}\n"


def is_reading(child: Path) -> bool:
    """Say whether the process of which a file has the number has opened the file without an end."""
    if not child.exists() or not child.read_text().endswith("\n"):
        return False
    opened = Path(f"/proc/{int(child.read_text())}/fd")
    return any(os.readlink(file).endswith("/endless") for file in list(opened.iterdir()) if file.is_symlink())


#: Calls `main` in the main thread or another, prints what it gives, and that the handlers are those from before.
CALLED = """
import signal, sys, threading
from c4py.cli import main
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)]
codes = []
def call():
    codes.append(main(sys.argv[2:]))
if sys.argv[1] == "thread":
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
else:
    call()
after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)]
print("lives on:", *codes, before == after, file=sys.stderr)
"""


def test_who_calls_main_lives_on_after_an_interrupt(home: Path) -> None:
    running = OnTerminal(home, ["main", "id", "-i", "d/endless"], code=CALLED)
    running.wait_for(shows_reading)
    running.interrupt()
    code, _, screen = running.end()
    assert (code, screen.text.removeprefix("^C")) == (0, f"{NAMED}\nlives on: 130 True")


def shows_reading(sent: str) -> bool:
    return "reading" in sent


@pytest.mark.parametrize("where", ["main", "thread"])
def test_who_calls_main_lives_on_when_nobody_reads(home: Path, where: str) -> None:
    read, write = os.pipe()
    os.close(read)
    code, _, screen = OnTerminal(home, [where, "id", "d/small"], code=CALLED, stdout=write).end()
    os.close(write)
    assert (code, screen.text) == (0, "lives on: 141 True")


def test_main_works_in_any_thread(home: Path) -> None:
    code, out, screen = OnTerminal(home, ["thread", "id", "-i", "d/small"], code=CALLED).end()
    assert (code, out.decode().strip()) == (0, str(c4py.identify_bytes(b"small")))
    assert screen.text == "lives on: 0 True"


#: Runs a command in the background of its terminal, where others must not be written over, or are stopped by it.
IN_BACKGROUND = 'stty tostop; "$@" & exec 2> /dev/null; wait $!; echo $? > ended'


@pytest.mark.parametrize("without", ["", "rich"])
def test_nothing_is_drawn_in_the_background(home: Path, without: str) -> None:
    arguments = ["id", "-i", "d/small", "d/small"]
    running = OnTerminal(home, arguments, runner=["bash", "-mc", IN_BACKGROUND, "-"], stdin=None, WITHOUT=without)
    code, out, _ = running.end()
    assert (code, running.sent, (home / "ended").read_text()) == (0, b"", "0\n")
    assert out.decode().split() == [str(c4py.identify_bytes(b"small"))] * 2
    # What says that it would be drawn in the foreground.
    running = OnTerminal(home, arguments, stdin=None, WITHOUT=without)
    assert running.end()[0] == 0
    assert b"finishing" in running.sent


def test_ctrl_c_while_a_pipe_is_read(home: Path) -> None:
    read, write = os.pipe()
    for command in ("id", "verify - d"):
        running = OnTerminal(home, command.split(), stdin=read, code=None)
        running.wait_for(lambda _, pid=running.process.pid: waits_for_input(pid))  # type: ignore[misc]
        running.interrupt()
        code, _, screen = running.end()
        assert (code, screen.text.removeprefix("^C")) == (-signal.SIGINT, NAMED)
    os.close(read)
    os.close(write)


def waits_for_input(pid: int) -> bool:
    """Say whether a process waits for its input: the system call that it is in is a read of descriptor 0."""
    call = Path(f"/proc/{pid}/syscall").read_text().split()
    return call[:2] == ["0", "0x0"]


@pytest.mark.parametrize(
    "command", ["id many", "dupes many", "store ls --store kept", "store ls -l --store kept", "patch many"]
)
@pytest.mark.parametrize("more", ["", "2>&-"])
def test_output_that_nobody_reads_to_its_end_ends_quietly(tmp_path: Path, command: str, more: str) -> None:
    home = tmp_path / "home"
    (home / "many").mkdir(parents=True)
    store = c4py.FSStore(home / "kept", durability="none")
    # Of the shortest output, IDs alone, there is three times as much as a pipe takes.
    for number in range(4500):
        content = b"%d" % (number // 2)
        (home / "many" / f"{'n' * 100}{number}").write_bytes(content)
    c4py.scan(home / "many", store=store)
    done = subprocess.run(
        ["bash", "-c", f'"{COMMAND[0]}" -m c4py {command} {more} | head -n 1; exit ${{PIPESTATUS[0]}}'],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (141, b"")
    assert done.stdout.count(b"\n") == 1
