"""`c4py store`: make, list, check and clean the content store.

The store is that of `--store`, else the one that is configured. What checks or removes works on one store: where
several are configured it has to be named.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import human_size, utf8_name
from c4py._visible import visible
from c4py.cli import fail, reason
from c4py.cli.parser import WRONG_USAGE, Parser, run_action
from c4py.cli.terminal import shown_progress, told_progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    from c4py.cli.messages import Messages
    from c4py.cli.parser import Action
    from c4py.store import ObjectStore
    from c4py.store.report import GcReport, StoreReport

    OneStore = c4py.FSStore | ObjectStore
    #: The ID of an object, its size in bytes, its store, and its file where that is a directory.
    Stored = tuple[c4py.C4ID, int, str, str | None]
    Listed = TypeVar("Listed", tuple[c4py.C4ID], Stored)

#: What is told of a store, as its StoreStats has it.
COUNTED = ("objects", "bytes", "depths", "misplaced", "stray", "temporary", "quarantined", "quarantined_bytes")

#: Seconds of the units of a duration.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def build_actions() -> dict[str, Action]:
    """Give the actions by name, each with what it does, the parser of its arguments, and its function."""
    return {
        "init": ("name a store in ~/.c4/config, and make its directory", _init_parser, _init),
        "info": ("tell which store is configured, and what it holds", _info_parser, _info),
        "ls": ("list the IDs of a store", _ls_parser, _ls),
        "verify": ("hash the objects of a store again and report what is wrong", _verify_parser, _verify),
        "gc": ("remove what no root refers to", _gc_parser, _gc),
    }


def run(arguments: Sequence[str]) -> int:
    """Run an action on a store."""
    return run_action("store", build_actions(), arguments)


def _parser(action: str, description: str, epilog: str, *, has_store: bool = True) -> Parser:
    parser = Parser(usage_code=WRONG_USAGE, prog=f"c4py store {action}", description=description, epilog=epilog)
    if has_store:
        parser.add_argument("--store", metavar="DIRECTORY|URI", help="the store, instead of the one that is configured")
    return parser


def _init_parser() -> Parser:
    parser = _parser(
        "init",
        "Name a store in ~/.c4/config, where the tools of the family look for it, and make its directory.",
        """\
examples:
  c4py store init                       the store is ~/.c4/store
  c4py store init /mnt/fast/c4          it is in this directory
  c4py store init --replace 's3://plates/c4/?region=eu-central-1'
                                        it is a bucket; the one named before is not meant any more

exit codes: 0 done, 1 an error, also where another store is named, 2 wrong usage
""",
        has_store=False,
    )
    parser.add_argument("place", nargs="*", metavar="DIRECTORY|URI", help="the store; without it ~/.c4/store")
    parser.add_argument("--replace", action="store_true", help="take the place of a store that is named already")
    parser.add_json()
    return parser


def _init(parser: Parser, arguments: list[str]) -> int:
    from c4py.store import init_store

    options = parser.parse_mixed(arguments, "place")
    if len(options.place) > 1:
        parser.error("one DIRECTORY or URI is expected")
    for place in options.place:
        if "://" not in place and os.path.lexists(place) and not os.path.isdir(place):
            return fail(f"c4py store init: {visible(place)} is a file, and a store is a directory or a URI", 1)
    store = init_store(*options.place, replace=options.replace)
    is_overridden = bool(os.environ.get("C4_STORE"))
    if options.json:
        import json

        print(json.dumps({"store": utf8_name(store), "overridden_by": "C4_STORE" if is_overridden else None}))
    else:
        fail(f"the store is {visible(store)}", 0)
    if is_overridden:
        fail("c4py store init: C4_STORE is set, and goes before the file", 0)
    return 0


def _info_parser() -> Parser:
    parser = _parser(
        "info",
        "Tell which stores are configured, by what, and what each holds. Its directory is walked, no object is read.",
        """\
examples:
  c4py store info                               the stores that are configured
  c4py store info --store /mnt/old              another one
  c4py store info --json | jq '.stores[0].bytes'
                                                the size of the first, in bytes

exit codes: 0 done, 1 an error, 2 wrong usage
""",
    )
    parser.add_json()
    parser.add_quiet()
    return parser


def _info(parser: Parser, arguments: list[str]) -> int:
    from c4py.store import is_store_automatic

    options = parser.parse_args(arguments)
    source, stores = _stores(options)
    automatic = is_store_automatic()
    progress = shown_progress(options)
    described = [_described(store, is_first=at == 0, progress=progress) for at, store in enumerate(stores)]
    if options.json:
        import json

        for one in described:
            one["store"] = utf8_name(str(one["store"]))
        print(json.dumps({"source": utf8_name(source), "store_auto": automatic, "stores": described}))
    else:
        print(f"configured by {visible(source)}" + (", id stores without -s" if automatic else ""))
        for one in described:
            print("\n" + "\n".join(_description(one)))
    return 1 if any(one["error"] for one in described) else 0


def _described(store: OneStore, *, is_first: bool, progress: bool) -> dict[str, object]:
    """Tell what a store holds, or why that cannot be told."""
    described: dict[str, object] = {"store": _place(store), "written": is_first, "made": _is_made(store), "error": None}
    try:
        stats = store.stats(progress=progress)
    except OSError as error:
        return described | {"error": reason(error)} | dict.fromkeys(COUNTED)
    return described | {name: getattr(stats, name) for name in COUNTED}


def _description(described: dict[str, object]) -> Iterator[str]:
    """Give the lines that describe a store; what there is none of is left out, but for objects."""
    use = "written and read" if described["written"] else "read"
    yield f"{visible(str(described['store']))} ({use}{'' if described['made'] else ', not made yet'})"
    for name, value in described.items():
        match name, value:
            case _, None:
                pass
            case "objects", _:
                yield f"  {name:<18}{value:,}"
            case "bytes" | "quarantined_bytes", int(size) if size:
                yield f"  {name:<18}{size:,} ({human_size(size)})"
            case "depths", [*counts] if len(counts) > 1:
                yield f"  {name:<18}" + ", ".join(
                    f"{count:,} at {depth}" for depth, count in enumerate(counts) if count
                )
            case "error", _:
                yield f"  {name:<18}{value}"
            case _, int(count) if count and name not in ("written", "made"):
                yield f"  {name:<18}{count:,}"


def _ls_parser() -> Parser:
    parser = _parser(
        "ls",
        "List the IDs of a store, one a line; of several stores, each ID once.",
        """\
examples:
  c4py store ls | wc -l                 how many objects
  c4py store ls -l | sort -n | tail     the largest objects
  c4py store ls --json | jq '[.objects[].size] | add'
                                        the bytes of all, for a program

exit codes: 0 done, 1 an error, also where there is no such directory, 2 wrong usage, 130 interrupted
""",
    )
    parser.add_argument("-l", "--long", action="store_true", help="sizes in bytes, IDs and paths")
    parser.add_json()
    parser.add_quiet()
    return parser


def _ls(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)

    _, stores = _stores(options)
    made = [store for store in stores if _is_made(store)]
    # On a terminal the list itself shows how far it is.
    progress = shown_progress(options) and not sys.stdout.isatty()
    absent = [_place(store) for store in stores if not _is_made(store)]
    if options.json:
        import json

        from c4py._json import write_objects

        sys.stdout.write('{"objects": [')
        write_objects(map(_stored_object, _listed(made, _stored, progress)), sys.stdout.write)
        sys.stdout.write(f'], "not_made": {json.dumps(list(map(utf8_name, absent)))}}}\n')
    elif options.long:
        for c4id, size, place, file in _listed(made, _stored, progress):
            sys.stdout.write(f"{size} {c4id} {visible(file or place)}\n")
    else:
        for (c4id,) in _listed(made, zip, progress):
            sys.stdout.write(f"{c4id}\n")
    for place in absent:
        fail(f"c4py store ls: {visible(place)}: the store is not made yet", 1)
    return 1 if absent else 0


def _listed(stores: list[OneStore], of: Callable[[OneStore], Iterable[Listed]], progress: bool) -> Iterator[Listed]:
    """Give what stores have, the ID first, and nothing twice."""
    from c4py.progress import Steps

    for at, store in enumerate(stores):
        with Steps(progress, phase="walk") as steps:
            for number, listed in enumerate(of(store)):
                steps.begin(str(listed[0]), number)
                if not any(earlier.has(listed[0]) for earlier in stores[:at]):
                    yield listed


def _stored(store: OneStore) -> Iterator[Stored]:
    place = _place(store)
    if not isinstance(store, c4py.FSStore):
        for c4id, size in store.objects():
            yield c4id, size, place, None
        return
    for c4id in store:
        try:
            path = store.path(c4id)
            yield c4id, path.stat().st_size, place, str(path)
        except (FileNotFoundError, c4py.ContentNotFound):
            continue  # it was removed meanwhile


def _stored_object(stored: Stored) -> dict[str, str | int | None]:
    c4id, size, store, path = stored
    return {
        "c4id": str(c4id),
        "size": size,
        "store": utf8_name(store),
        "path": None if path is None else utf8_name(path),
    }


def _verify_parser() -> Parser:
    parser = _parser(
        "verify",
        "Hash the objects of a store again, and report what is corrupt, unreadable, out of place, or does not belong.",
        """\
examples:
  c4py store verify                         all of it
  c4py store verify --sample 5%             a twentieth
  c4py store verify --time-limit 8h         for a night; it says where to resume
  c4py store verify --resume c43inc2q...    go on from there
  c4py store verify --quarantine            corrupt objects are moved aside, into quarantine/

exit codes: 0 sound as far as it was checked, 1 objects that no reader finds, or an error, 2 wrong usage,
3 something could not be read, 4 corrupt objects, 130 interrupted
""",
    )
    parser.add_argument("--sample", type=_sample, metavar="PART", help="check a part (0.05, 5%%), or so many objects")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another number, another sample")
    parser.add_argument("--time-limit", type=_duration, metavar="TIME", help="begin no object after it: 90s, 15m, 8h")
    parser.add_argument("--resume", metavar="C4ID", help="where a verification that was not complete is to go on")
    parser.add_argument("--quarantine", action="store_true", help="move corrupt objects into quarantine/")
    parser.add_json_lines()
    parser.add_quiet()
    return parser


def _verify(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    if options.resume is not None:
        try:
            c4py.parse(options.resume)
        except ValueError:
            parser.error(f"argument --resume: not a C4 ID: {options.resume!r}")
    store = _one_store(parser, options)
    if options.quarantine and not isinstance(store, c4py.FSStore):
        parser.error(f"--quarantine needs a directory, and {_place(store)} is none")
    messages, progress = told_progress(options)
    limits = {
        "sample": options.sample,
        "seed": options.seed,
        "time_limit": options.time_limit,
        "resume": options.resume,
        "progress": progress,
    }
    if isinstance(store, c4py.FSStore):
        report = store.verify(**limits, quarantine=options.quarantine)
    else:
        report = store.verify(**limits)
    _tell(report, messages)
    if report.corrupt:
        return 4
    if report.unreadable:
        return 3
    return 0 if report.is_ok else 1


def _gc_parser() -> Parser:
    parser = _parser(
        "gc",
        "Remove the objects of a store that no root refers to, or say what would be removed.",
        """\
A root is a manifest, or the ID of an object, which is kept with all that it refers to: the files and directories of a
manifest, and theirs. A root that cannot be read is an error, and nothing is removed.

examples:
  c4py store gc *.c4m                       what would be removed
  c4py store gc --yes *.c4m                 remove it
  c4py store gc --yes --grace 2w c45x7nM2...
                                            keep what was put in the last two weeks

exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted
""",
    )
    parser.add_argument("roots", nargs="*", metavar="MANIFEST|C4ID", help="the roots: what is kept")
    parser.add_argument("--yes", "--force", dest="yes", action="store_true", help="remove; without it nothing changes")
    parser.add_argument(
        "--grace",
        type=_duration,
        default=86_400.0,
        metavar="TIME",
        help="keep what is younger: 15m, 8h, 2d, 1w (1d)",
    )
    parser.add_json_lines()
    parser.add_quiet()
    return parser


def _tell(report: StoreReport | GcReport, messages: Messages | None) -> None:
    if messages is None:
        print(report)
    else:
        messages.send("summary", **report.as_object())


def _gc(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_mixed(arguments, "roots")
    if not options.roots:
        parser.error("at least one MANIFEST or C4ID is expected: without any, everything would be removed")
    store = _one_store(parser, options)
    if not isinstance(store, c4py.FSStore):
        parser.error(f"gc needs a directory, and {_place(store)} is none")
    roots = [_root(root) for root in options.roots]
    messages, progress = told_progress(options)
    report = store.gc(roots, dry_run=not options.yes, grace=options.grace, progress=progress)
    _tell(report, messages)
    if not options.yes and not options.json:
        fail("c4py store gc: nothing was removed; --yes removes", 0)
    return 0 if report.is_ok else 1


def _stores(options: argparse.Namespace) -> tuple[str, list[OneStore]]:
    """Open the stores that are meant, and say what names them."""
    from c4py.store import configured_stores

    if options.store is not None:
        source, opened = "--store", c4py.open_store(options.store)
    else:
        source, _ = configured_stores()
        opened = c4py.open_store()
    return source, list(opened.stores) if isinstance(opened, c4py.MultiStore) else [opened]  # type: ignore[arg-type]


def _one_store(parser: Parser, options: argparse.Namespace) -> OneStore:
    _, stores = _stores(options)
    if len(stores) > 1:
        parser.error(f"several stores are configured, name one with --store: {', '.join(map(_place, stores))}")
    return stores[0]


def _place(store: OneStore) -> str:
    return store.tree.root if isinstance(store, c4py.FSStore) else store.uri


def _is_made(store: OneStore) -> bool:
    """Say whether a store is there: the first put makes a directory, and the disk it lies on may not be mounted."""
    return not isinstance(store, c4py.FSStore) or os.path.lexists(store.tree.root)


def _root(text: str) -> c4py.C4ID | str:
    """Take an ID as one, and all else for a path."""
    try:
        return c4py.parse(text)
    except ValueError:
        return text


def _sample(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        if text.isdecimal():
            return int(text)
        part = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise ArgumentTypeError(f"neither a part (0.05, 5%) nor a number of objects: {text!r}")
    return part


def _duration(text: str) -> float:
    seconds = float(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS else float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


# What argparse calls it in its messages.
_duration.__name__ = "duration"
