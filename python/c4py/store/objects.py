"""Contents in a bucket: S3 and what speaks like it, Google Cloud Storage, Azure.

The network is obstore's (`pip install 'c4py[s3]'`); credentials are those of the environment that it reads (`AWS_*`,
`GOOGLE_*`, `AZURE_*`), which appear in no message, repr or pickle. Invariants:

- An object is the content whose ID is the end of its key. Nothing is concluded from an ETag: what is read is hashed,
  and what was written must be there in its full size before `put` returns.
- Every request ends: a failing one is repeated with pauses that grow, until `retry_timeout` seconds are over. The
  pauses are ours, not obstore's, which hears no Ctrl-C and no scan that was cancelled; but the parts of an upload it
  repeats itself, for we would have to begin with the first.
- A failure is a StoreError that names the endpoint and the key, or ContentNotFound.
"""

from __future__ import annotations

import io
import os
from functools import partial

from c4py._rust import C4ID
from c4py._visible import visible
from c4py.errors import ContentNotFound, InvalidC4ID, StoreError
from c4py.store.content import READ_BYTES, pieces, verified
from c4py.store.failure import NO_CREDENTIALS, PANIC, RequestFailed, failure_reason, is_panic
from c4py.store.location import Location
from c4py.store.network import network
from c4py.store.protocol import Store, as_id
from c4py.store.report import StoreStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tempfile
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, BinaryIO, TypeVar

    from obstore import GetResult, ObjectMeta
    from obstore.store import ClientConfig, RetryConfig

    from c4py._types import Progress
    from c4py.store.network import Network

    T = TypeVar("T")

#: Bytes of a part: what is asked for at once, held in memory, and sent in one piece of a multipart upload.
PART_BYTES = 8 * 1024 * 1024
#: Parts of an upload that are under way at once.
_PARTS_AT_ONCE = 4
#: Parts that S3 allows an object to have.
_MAX_PARTS = 10_000
#: Keys that are asked for at once.
_PAGE_KEYS = 1000
#: Seconds of the first and of the longest pause before a request is repeated.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
#: Seconds between two looks at whether a scan was cancelled.
_LOOK = 0.1
#: Seconds that obstore may repeat a request, or ask again for credentials, before we hear of it.
_UNHEARD = 1.0


class ObjectStore(Store):
    """A store in a bucket: `s3://bucket/prefix?region=&endpoint=`, `gs://bucket/prefix`, `az://container/prefix`.

    The key of an object is the prefix and the ID with nothing between, so a prefix that is to look like a directory
    ends in a slash. Content is verified while it is read, by `get` as by `open`, unless `verify=False` says otherwise.

    Content of more than 8 MiB is kept in a temporary file without a name (in `TMPDIR`) until its ID is known, and then
    uploaded in parts. An upload that is broken off may leave parts that are in no object, and are paid for, until a
    rule of the bucket removes them.

    `request_timeout` is how many seconds one request and its answer of up to 8 MiB may take, `retry_timeout` after how
    many seconds a failing request is not repeated any more. Threads may use a store at once; pickling takes the URI
    along, and processes may be forked at any time. Stores of the same URI are equal.

    Raises ValueError for a URI that names no bucket, StoreError where obstore is not installed.

    >>> store = c4py.open_store("s3://bucket/c4/?region=eu-central-1")  # doctest: +SKIP
    >>> with open("plate.exr", "rb") as file:                           # doctest: +SKIP
    ...     c4id = store.put(file)
    """

    #: Threads of a scan that may call `put` at once.
    concurrency = 16

    uri: str
    retry_timeout: float
    request_timeout: float

    def __init__(self, uri: str, *, retry_timeout: float = 120.0, request_timeout: float = 60.0) -> None:
        self._location = Location(uri)
        self.uri = uri
        self.retry_timeout = float(retry_timeout)
        self.request_timeout = float(request_timeout)
        self._has_bucket = False
        self._clients: dict[bool, tuple[int, Network, Any]] = {}
        network()

    @property
    def endpoint(self) -> str:
        """Where the service is: the endpoint of the URI or of the environment, else the provider's own."""
        location = self._location
        if location.endpoint is not None:
            return location.endpoint
        if location.scheme == "s3":
            named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"))
            return next((_without_credentials(endpoint) for endpoint in named if endpoint), "https://s3.amazonaws.com")
        if location.scheme == "gs":
            return "https://storage.googleapis.com"
        account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
        return f"https://{account}.blob.core.windows.net"

    def has(self, c4id: C4ID | str) -> bool:
        """Say whether the bucket has the content of an ID."""
        c4id = as_id(c4id)
        if self._size(c4id) is not None:
            return True
        self._find_bucket(c4id)
        return False

    def get(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open the content of an ID; raise ContentNotFound where there is none.

        It is read in ranges of 8 MiB, and where a connection breaks, reading goes on from the byte that was reached.
        With `verify`, reading to the end raises StoreCorrupt if the bytes do not have the ID.
        """
        c4id = as_id(c4id)
        content = _Content(self, c4id)
        return verified(content, c4id) if verify else io.BufferedReader(content, READ_BYTES)

    def open(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open the content of an ID; with `verify`, reading to the end raises StoreCorrupt if it is not that."""
        return self.get(c4id, verify=verify)

    def put(self, source: BinaryIO) -> C4ID:
        """Store what is left in a binary stream, and return its ID.

        The stream is read to its end before anything is sent: of one that fails, nothing is stored. An object that is
        there in its size is not sent again; one of another size is replaced.
        """
        import hashlib
        import tempfile

        digest = hashlib.sha512()
        with tempfile.SpooledTemporaryFile(PART_BYTES) as spool:
            for piece in pieces(source):
                digest.update(piece)
                spool.write(piece)
            c4id = C4ID(digest.digest())
            size = spool.tell()
            if self._size(c4id, source) != size:
                spool.seek(0)
                self._send(c4id, _Cancellable(spool, source), size)
                stored = self._size(c4id, source)
                if stored != size:
                    found = "is not there" if stored is None else f"has {stored:,} bytes"
                    raise self._failure("store", c4id, f"the object {found} after {size:,} bytes were sent")
        return c4id

    def remove(self, c4id: C4ID | str) -> bool:
        """Remove the content of an ID, and say whether it was there."""
        c4id = as_id(c4id)
        if self._size(c4id) is None:
            self._find_bucket(c4id)
            return False
        try:
            self._ask("remove", c4id, lambda net, client: net.delete(client, self._key(c4id)))
        except ContentNotFound:
            return False
        return True

    def stats(self, *, progress: Progress = None) -> StoreStats:
        """Count the objects and their bytes, by listing all of them."""
        from c4py.progress import Steps

        objects = size = 0
        with Steps(progress, phase="walk") as steps:
            for c4id, object_size in self.objects():
                objects += 1
                size += object_size
                steps.begin(str(c4id), objects)
            steps.end(objects)
        return StoreStats(objects, size)

    def flush(self) -> None:
        """Do nothing: what `put` has returned from is durable."""

    def close(self) -> None:
        """Let go of the connections; the next request makes new ones."""
        self._clients = {}

    def _size(self, c4id: C4ID, source: object = None) -> int | None:
        """Give the size of an object, or None where there is none."""
        call = partial(_head, self._key(c4id))
        try:
            return int(self._ask("look up", c4id, call, source)["size"])
        except ContentNotFound:
            return None

    def _find_bucket(self, c4id: C4ID) -> None:
        """Raise StoreError where the bucket is missing: the answer to HEAD has no body that tells that from a key."""
        if self._has_bucket:
            return
        attempts = self._attempts()
        next(attempts)
        while True:
            try:
                # No key is like this: the answer is short, and who may list the prefix only may ask.
                self._request(partial(_any_key, self._key(c4id)))
                break
            except RequestFailed as failed:
                # Whoever may not list cannot be told.
                if failed.status in (401, 403):
                    break
                if not failed.may_pass or not next(attempts, False):
                    raise self._failure("look up", c4id, str(failed)) from None
        self._has_bucket = True

    def _send(self, c4id: C4ID, content: _Cancellable, size: int) -> None:
        key = self._key(c4id)
        if size <= PART_BYTES:
            data = content.read()
            self._ask(
                "store", c4id, lambda net, client: net.put(client, key, data, use_multipart=False), content.source
            )
            return
        part = max(PART_BYTES, -(-size // _MAX_PARTS))
        at_once = max(1, _PARTS_AT_ONCE * PART_BYTES // part)
        try:
            self._request(
                lambda net, client: net.put(
                    client, key, content, use_multipart=True, chunk_size=part, max_concurrency=at_once
                ),
                in_parts=True,
            )
        except RequestFailed as failed:
            raise self._failure("store", c4id, str(failed)) from None

    def _read(self, c4id: C4ID, start: int, end: int) -> tuple[int, bytes]:
        """Read the bytes of an object from `start` to `end`, or to its end; give its size as well."""
        found = bytearray()
        reason = ""
        for _ in self._attempts():
            at = start + len(found)
            try:
                result = self._request(partial(_range, self._key(c4id), at, end))
            except RequestFailed as failed:
                if failed.is_missing:
                    raise ContentNotFound(c4id) from None
                if failed.status == 416 and start == 0 and self._size(c4id) == 0:
                    return 0, b""
                reason = str(failed)
                if not failed.may_pass:
                    break
                continue
            size = int(result.meta["size"])
            missing = min(end, size) - at
            if result.range[0] != at or missing <= 0:
                reason = f"the answer has the bytes {result.range[0]:,} to {result.range[1]:,} of {size:,}"
                continue
            try:
                for piece in result.stream(min_chunk_size=READ_BYTES):
                    missing -= len(piece)
                    if missing < 0:
                        break
                    found += piece
            except (OSError, network().Error) as error:
                reason = failure_reason(error)
            if missing == 0:
                return size, bytes(found)
            if missing < 0:
                reason = "the answer has more bytes than were asked for"
                break
            reason = reason or f"the answer is {missing:,} bytes too short"
        raise self._failure("read", c4id, reason)

    def objects(self) -> Iterator[tuple[C4ID, int]]:
        """List the objects with their sizes; other keys are passed over."""
        prefix = self._location.prefix
        # A prefix of obstore ends at a slash: where ours does not, the keys beside it are seen too.
        directory = prefix.rpartition("/")[0] or None
        last: str | None = None
        stream: Iterator[Sequence[ObjectMeta]] | None = None
        attempts = self._attempts()
        next(attempts)
        while True:
            try:
                if stream is None:
                    stream = self._request(partial(_pages, directory, last))
                page = self._request(partial(_next_page, stream))
            except RequestFailed as failed:
                if not failed.may_pass or not next(attempts, False):
                    raise self._failure("list", None, str(failed)) from None
                stream = None
                continue
            if page is None:
                return
            attempts = self._attempts()
            next(attempts)
            for found in page:
                last = found["path"]
                c4id = _id_of(last, prefix)
                if c4id is not None:
                    yield c4id, int(found["size"])

    def _ask(self, action: str, c4id: C4ID, call: Callable[[Network, Any], T], source: object = None) -> T:
        """Send a request for an object, again while there is time, and say what failed in words for the user."""
        attempts = self._attempts(source)
        next(attempts)
        while True:
            try:
                return self._request(call)
            except RequestFailed as failed:
                if failed.is_missing and action != "store":
                    raise ContentNotFound(c4id) from None
                if not failed.may_pass or not next(attempts, False):
                    raise self._failure(action, c4id, str(failed)) from None

    def _request(self, call: Callable[[Network, Any], T], *, in_parts: bool = False) -> T:
        """Send a request once; one of many parts, each of which obstore repeats while there is time."""
        net, client = self._client(in_parts=in_parts)
        try:
            return call(net, client)
        except (FileNotFoundError, net.Error) as error:
            is_missing = isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error)
            reason = failure_reason(error)
            may_pass = isinstance(error, net.GenericError) and reason != NO_CREDENTIALS
            raise RequestFailed(reason, is_missing=is_missing, may_pass=may_pass) from None
        except BaseException as error:
            if not is_panic(error):
                raise
            raise RequestFailed(PANIC) from None

    def _attempts(self, source: object = None) -> Iterator[bool]:
        """Give True, again after pauses that grow, until the time for it is over or the source's scan cancelled."""
        import random
        import time

        end = time.monotonic() + self.retry_timeout
        pause = _FIRST_PAUSE
        while True:
            yield True
            again = time.monotonic() + random.uniform(pause / 2, pause)
            if again > end:
                return
            while (left := again - time.monotonic()) > 0 and not _is_cancelled(source):
                time.sleep(min(left, _LOOK))
            if _is_cancelled(source):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _client(self, *, in_parts: bool) -> tuple[Network, Any]:
        """Give this process's client, and the network that it belongs to."""
        # Two threads that both make one do no harm; a lock would be held for ever in a process forked meanwhile.
        made = self._clients.get(in_parts)
        if made is None or made[0] != os.getpid():
            net = network()
            self._clients[in_parts] = made = os.getpid(), net, self._connect(net, in_parts=in_parts)
        return made[1], made[2]

    def _connect(self, net: Network, *, in_parts: bool) -> Any:
        from datetime import timedelta

        location = self._location
        request = timedelta(seconds=self.request_timeout)
        client: ClientConfig = {"timeout": request, "connect_timeout": min(request, timedelta(seconds=5))}
        if location.endpoint is not None and location.endpoint.startswith("http://"):
            client["allow_http"] = True
        unheard = self.retry_timeout if in_parts else min(self.retry_timeout, _UNHEARD)
        retry: RetryConfig = {
            "max_retries": 1000,
            "retry_timeout": timedelta(seconds=unheard),
            "backoff": {
                "init_backoff": timedelta(seconds=_FIRST_PAUSE),
                "max_backoff": timedelta(seconds=_LONGEST_PAUSE if in_parts else _UNHEARD / 2),
                "base": 2,
            },
        }
        names = {"region": "region", "endpoint": "base_url" if location.scheme == "gs" else "endpoint"}
        config = {names[name]: value for name in names if (value := getattr(location, name)) is not None}
        if location.scheme == "s3":
            # Many servers that speak S3 cannot remove several objects at once.
            config["disable_bulk_delete"] = True
        try:
            return net.stores[location.scheme](
                location.bucket, config=config, client_options=client, retry_config=retry
            )
        except (ValueError, net.Error) as error:
            raise StoreError(f"cannot use {visible(self.uri)}: {failure_reason(error)}") from None
        except BaseException as error:
            if not is_panic(error):
                raise
            raise StoreError(f"cannot use {visible(self.uri)}: {PANIC}") from None

    def _key(self, c4id: C4ID) -> str:
        return f"{self._location.prefix}{c4id}"

    def _failure(self, action: str, c4id: C4ID | None, reason: str) -> StoreError:
        location = self._location
        place = f"{location.scheme}://{location.bucket}/{location.prefix}{c4id or ''}"
        return StoreError(f"cannot {action} {visible(place)} at {visible(self.endpoint)}: {reason}")

    def __contains__(self, c4id: C4ID | str) -> bool:
        return self.has(c4id)

    def __iter__(self) -> Iterator[C4ID]:
        return (c4id for c4id, _ in self.objects())

    def __len__(self) -> int:
        return sum(1 for _ in self.objects())

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> ObjectStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        return self.uri == other.uri if isinstance(other, ObjectStore) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.uri)

    def __repr__(self) -> str:
        return f"ObjectStore({self.uri!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _object_store, (type(self), self.uri, self.retry_timeout, self.request_timeout)


class _Cancellable:
    """A spooled content, of which nothing more is read once the scan that `source` is of was cancelled."""

    def __init__(self, content: tempfile.SpooledTemporaryFile[bytes], source: object) -> None:
        self._content = content
        self.source = source

    def read(self, size: int = -1, /) -> bytes:
        if _is_cancelled(self.source):
            raise OSError("the scan was cancelled")
        return self._content.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()


class _Content(io.RawIOBase):
    """The bytes of an object, asked for part by part."""

    def __init__(self, store: ObjectStore, c4id: C4ID) -> None:
        self._store = store
        self._c4id = c4id
        self._size, part = store._read(c4id, 0, PART_BYTES)
        self._part = memoryview(part)
        self._reached = len(part)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        if not self._part and self._reached < self._size:
            size, part = self._store._read(self._c4id, self._reached, min(self._reached + PART_BYTES, self._size))
            if size != self._size:
                raise self._store._failure("read", self._c4id, f"its size went from {self._size:,} to {size:,} bytes")
            self._part = memoryview(part)
            self._reached += len(part)
        count = min(len(view), len(self._part))
        view[:count] = self._part[:count]
        self._part = self._part[count:]
        return count


def _object_store(kind: type[ObjectStore], uri: str, retry_timeout: float, request_timeout: float) -> ObjectStore:
    return kind(uri, retry_timeout=retry_timeout, request_timeout=request_timeout)


def _is_cancelled(source: object) -> bool:
    """Say whether a content is a scan's, and the scan was asked to stop."""
    return bool(getattr(source, "cancelled", False))


def _head(key: str, net: Network, client: Any) -> ObjectMeta:
    found: ObjectMeta = net.head(client, key)
    return found


def _range(key: str, start: int, end: int, net: Network, client: Any) -> GetResult:
    result: GetResult = net.get(client, key, options={"range": (start, end)})
    return result


def _pages(directory: str | None, after: str | None, net: Network, client: Any) -> Iterator[Sequence[ObjectMeta]]:
    stream: Iterator[Sequence[ObjectMeta]] = net.list(client, directory, offset=after, chunk_size=_PAGE_KEYS)
    return stream


def _any_key(directory: str, net: Network, client: Any) -> None:
    next(net.list(client, directory, chunk_size=1), None)


def _next_page(stream: Iterator[Sequence[ObjectMeta]], _net: Network, _client: Any) -> Sequence[ObjectMeta] | None:
    return next(stream, None)


def _id_of(key: str, prefix: str) -> C4ID | None:
    """Take the ID out of an object's key; None for a key that is no object's."""
    if not key.startswith(prefix):
        return None
    try:
        return C4ID(key[len(prefix) :])
    except InvalidC4ID:
        return None


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"
