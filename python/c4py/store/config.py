"""Which store is meant: an argument, `C4_STORE`, or the file `~/.c4/config`, which the tools of the family share.

`C4_STORE` is a path, a URI, or several with commas between: the first is written, all are read in order. The file has
lines `key = value`. Each `store` line names one store or, with commas, several; `store_auto = true` says that
identifying stores what it reads without being told. Whatever else stands there belongs to other tools, or to a person,
and is left alone; a `store` or `store_auto` that says nothing sensible is an error when a store is asked for. `~` at
the beginning of a path is the home directory. A path that has a comma in its name can be given as an argument only.
"""

from __future__ import annotations

import os

from c4py._replace import replace_path
from c4py._visible import visible
from c4py.errors import StoreNotConfigured
from c4py.store.multi import MultiStore
from c4py.store.tree import FSStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from c4py._types import StrPath
    from c4py.store.objects import ObjectStore

#: Ways of saying yes and no in the configuration file.
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Configuration:
    """What the configuration file says.

    `path` is the file's path, `stores` the paths and URIs of its `store` lines in order, and `store_auto` whether
    identifying stores what it reads without being told.
    """

    __slots__ = ("path", "store_auto", "stores")

    path: str
    stores: tuple[str, ...]
    store_auto: bool

    def __init__(self, path: str, stores: tuple[str, ...] = (), *, store_auto: bool = False) -> None:
        self.path = path
        self.stores = stores
        self.store_auto = store_auto

    def __repr__(self) -> str:
        return f"Configuration({self.path!r}, {self.stores!r}, store_auto={self.store_auto})"


def read_configuration() -> Configuration:
    """Read `~/.c4/config`; a file that is not there says nothing.

    Raises StoreNotConfigured, with the file and the line, for a `store` that is empty, and a `store_auto` that is
    neither true nor false.
    """
    path = _path()
    stores: list[str] = []
    store_auto = False
    for number, key, value in _settings(path):
        if key == "store":
            named = _split(value)
            if not named:
                raise _bad_line(path, number, "store names no store")
            stores += named
        elif key == "store_auto":
            if value.lower() not in _YES + _NO:
                raise _bad_line(path, number, f"store_auto must be true or false, not {value!r}")
            store_auto = value.lower() in _YES
    return Configuration(path, tuple(stores), store_auto=store_auto)


def open_store(
    path_or_uri: StrPath | None = None,
    *,
    path: StrPath | None = None,
    durability: Literal["full", "batch", "none"] = "full",
) -> FSStore | MultiStore | ObjectStore:
    """Open the store of a path or URI, or the one that is configured.

    The argument is a directory, or a URI: `s3://bucket/prefix?region=&endpoint=`, `gs://bucket/prefix`,
    `az://container/prefix` (these need `pip install 'c4py[s3]'`). Without it the stores of the environment variable
    `C4_STORE` are meant, else those of `~/.c4/config`; several become a MultiStore. `path` is another name of the
    argument, which 1.0.20 has. `durability` is that of FSStore, where the store is a directory.

    Raises StoreNotConfigured where nothing names a store, ValueError for a URI that names none, and TypeError where the
    store is named twice.

    >>> import io, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = c4py.open_store(directory)
    ...     c4id = store.put(io.BytesIO(b"hello world"))
    ...     with store.open(c4id) as content:
    ...         content.read()
    b'hello world'
    """
    if path is not None and path_or_uri is not None:
        raise TypeError("path_or_uri and path are two names of one argument: give one of them")
    given = path if path_or_uri is None else path_or_uri
    if given is not None:
        return _open(_name(given), durability)
    source, names = configured_stores()
    try:
        stores = [_open(name, durability) for name in names]
    except ValueError as error:
        raise StoreNotConfigured(f"{visible(source)}: {error}") from error
    return stores[0] if len(stores) == 1 else MultiStore(stores)


def configured_stores() -> tuple[str, tuple[str, ...]]:
    """Give what names the stores, "C4_STORE" or the path of the configuration file, and the paths and URIs it names.

    Raises StoreNotConfigured where nothing names a store.
    """
    variable = os.environ.get("C4_STORE", "")
    if variable:
        names = _split(variable)
        if not names:
            raise StoreNotConfigured("C4_STORE names no store")
        return "C4_STORE", tuple(names)
    configuration = read_configuration()
    if not configuration.stores:
        raise StoreNotConfigured(
            "no content store is configured: give its path or URI, set C4_STORE, or write a line 'store = PATH' in "
            f"{visible(configuration.path)} (c4py store init does)"
        )
    return configuration.path, configuration.stores


def is_store_automatic() -> bool:
    """Say whether the configuration says that identifying stores what it reads without being told.

    Where no store is asked for, nothing that the file says is an error: what is no clear yes is a no, and so is a file
    that this user may not read, or a home directory that is none.
    """
    automatic = False
    try:
        for _, key, value in _settings(_path()):
            if key == "store_auto":
                automatic = value.lower() in _YES
    except OSError:
        return False
    return automatic


def init_store(path_or_uri: StrPath | None = None, *, replace: bool = False) -> str:
    """Name a store in `~/.c4/config`, make its directory, and return its path or URI.

    Without an argument it is `~/.c4/store`. The file is replaced as a whole, so that nobody reads half of it; its other
    lines stay. New directories are their owner's alone. A URI is written down and nothing is made.

    Raises StoreNotConfigured where the file names another store already, unless `replace` says to take its place, and
    ValueError for a path that the file cannot express: one with a comma or a line break, or a space at its end.
    """
    configuration = read_configuration()
    name = os.path.join(os.path.dirname(_path()), "store") if path_or_uri is None else _name(path_or_uri)
    is_uri = "://" in name
    if is_uri:
        _open(name)
    else:
        name = os.path.abspath(os.path.expanduser(name))
    if _split(name) != [name] or "\n" in name or "\r" in name:
        raise ValueError(f"{visible(configuration.path)} cannot name a store at {visible(name)!r}")
    known = [_full(store) for store in configuration.stores]
    if known and known != [name] and not replace:
        raise StoreNotConfigured(f"{visible(configuration.path)} names another store: {visible(', '.join(known))}")
    if not is_uri:
        os.makedirs(name, mode=0o700, exist_ok=True)
    if known != [name]:
        lines = [line for line in _lines(configuration.path) if line.partition("=")[0].strip() != "store"]
        _replace(configuration.path, "".join(f"{line}\n" for line in [*lines, f"store = {name}"]))
    return name


def _name(given: StrPath) -> str:
    if not isinstance(given, (str, bytes, os.PathLike)):
        raise TypeError(f"path_or_uri must be str, bytes or os.PathLike, not {type(given).__name__}")
    name = os.fsdecode(given)
    if not name:
        raise ValueError("path_or_uri must not be empty")
    return name


def _path() -> str:
    return os.path.join(os.path.expanduser("~"), ".c4", "config")


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            text = os.fsdecode(file.read())
    except FileNotFoundError:
        return []
    return text.removesuffix("\n").split("\n") if text else []


def _settings(path: str) -> Iterator[tuple[int, str, str]]:
    """Give the number, the key and the value of each line that has them."""
    for number, line in enumerate(_lines(path), 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals and not key.startswith("#"):
            yield number, key, value


def _replace(path: str, text: str) -> None:
    """Give a file other content at once; where it is a link, the file that it names."""
    os.makedirs(os.path.dirname(os.path.realpath(path)), mode=0o700, exist_ok=True)
    replace_path(path, os.fsencode(text), mode=0o600)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _full(name: str) -> str:
    return name if "://" in name else os.path.abspath(os.path.expanduser(name))


def _open(name: str, durability: Literal["full", "batch", "none"] = "full") -> FSStore | ObjectStore:
    if "://" not in name:
        return FSStore(os.path.expanduser(name), durability=durability)
    from c4py.store.objects import ObjectStore

    return ObjectStore(name)


def _bad_line(path: str, number: int, message: str) -> StoreNotConfigured:
    return StoreNotConfigured(f"{visible(path)}: line {number}: {visible(message, is_escaped=True)}")
