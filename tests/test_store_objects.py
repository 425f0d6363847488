"""Contents in buckets: the conformance suite on real servers, and what happens when a server or the network fails."""

from __future__ import annotations

import io
import itertools
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py.store import ObjectStore
from c4py.store.failure import failure_reason
from c4py.store.location import Location
from c4py.store.network import Network
from c4py.store.objects import PART_BYTES
from command import hear_signals
from object_servers import ACCESS_KEY, BUCKET, SECRET_KEY, FaultProxy, Server, moto, s3s
from store_conformance import StoreConformance, Subject, content, put, read

#: Seconds within which a store of these tests gives up, and those that a request of it may take.
QUICKLY = {"retry_timeout": 0.5, "request_timeout": 0.5}

#: The same for a store that overcomes what it meets.
PATIENTLY = {"retry_timeout": 30.0, "request_timeout": 1.0}

prefixes = itertools.count()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture(scope="module")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def s3s_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3s(tmp_path_factory.mktemp("s3s")) as server:
        yield server


@pytest.fixture
def proxy(moto_server: Server) -> Iterator[FaultProxy]:
    proxy = FaultProxy(moto_server.url)
    yield proxy
    proxy.close()


def uri(url: str, prefix: str | None = None) -> str:
    """Name a store at a server, under a prefix that no other test uses."""
    prefix = f"test-{next(prefixes)}/" if prefix is None else prefix
    return f"s3://{BUCKET}/{prefix}?region=us-east-1&endpoint={url}"


def subject_of(server: Server) -> Subject:
    store = ObjectStore(uri(server.url))
    prefix = Location(store.uri).prefix
    return Subject(store, lambda c4id, data: server.replace(f"{prefix}{c4id}", data))


class TestMoto(StoreConformance):
    @pytest.fixture
    def subject(self, moto_server: Server) -> Subject:
        return subject_of(moto_server)


@pytest.mark.servers
class TestS3s(StoreConformance):
    @pytest.fixture
    def subject(self, s3s_server: Server) -> Subject:
        return subject_of(s3s_server)


@pytest.mark.servers
def test_a_wrong_secret_is_a_store_error_that_does_not_tell_it(
    s3s_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = ObjectStore(uri(s3s_server.url), **QUICKLY)
    c4id = put(good, b"signed")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "AnotherSecretOfMine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "TokenOfMine")
    store: ObjectStore = pickle.loads(pickle.dumps(good))
    attempts: list[Callable[[], object]] = [
        lambda: store.has(c4id),
        lambda: store.get(c4id),
        lambda: put(store, b"other"),
        lambda: store.remove(c4id),
        lambda: list(store),
        lambda: len(store),
        store.stats,
    ]
    for attempt in attempts:
        with pytest.raises(c4py.StoreError, match="403 Forbidden") as caught:
            attempt()
        shown = f"{caught.value!r} {caught.value} {pickle.dumps(caught.value)!r} {caught.value.__cause__!r}"
        assert s3s_server.url in str(caught.value)
        for secret in (ACCESS_KEY, SECRET_KEY, "AnotherSecretOfMine", "TokenOfMine"):
            assert secret not in shown
    for secret in (ACCESS_KEY, SECRET_KEY, "AnotherSecretOfMine", "TokenOfMine"):
        assert secret not in repr(store) + str(vars(store))
        assert secret.encode() not in pickle.dumps(store)


def test_keys_are_the_prefix_and_the_id_with_nothing_between(moto_server: Server) -> None:
    c4id = c4py.identify_bytes(b"key")
    for prefix, key in (("", ""), ("pre", "pre"), ("pre/", "pre/"), ("a%20b/%C3%A9%25+/x", "a b/é%+/x")):
        store = ObjectStore(uri(moto_server.url, prefix))
        put(store, b"key")
        assert list(store) == [c4id]
        moto_server.replace(f"{key}{c4id}", b"found behind its back")
        assert store.get(c4id, verify=False).read() == b"found behind its back"
        assert store.remove(c4id)
        assert not store.has(c4id)


def test_other_keys_in_the_bucket_are_no_objects(moto_server: Server) -> None:
    store = ObjectStore(uri(moto_server.url, "crowded/pre-"))
    c4id = put(store, b"the only one")
    for key in (
        f"crowded/{c4id}", f"crowded/pre-{c4id}.tmp", f"crowded/pre-{c4id}/x", f"crowded/pre-x{str(c4id)[1:]}",
        "crowded/pre-", "crowded/other", f"{c4id}", "crowded/pre-c4", f"crowded/a/pre-{c4id}",
    ):  # fmt: skip
        moto_server.replace(key, b"stray")
    assert list(store) == [c4id]
    assert store.stats().bytes == len(b"the only one")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory a process had")
def test_large_content_goes_in_parts_and_memory_is_bounded(moto_server: Server, tmp_path: Path) -> None:
    store = ObjectStore(uri(moto_server.url))
    code = (
        "import re, sys, c4py\n"
        "class Zeros:\n"
        "    left = 100_000_000\n"
        "    def read(self, size):\n"
        "        count = min(size, self.left)\n"
        "        self.left -= count\n"
        "        return bytes(count)\n"
        "store = c4py.open_store(sys.argv[1])\n"
        "c4id = store.put(Zeros())\n"
        "with store.open(c4id) as stream:\n"
        "    while stream.read(1 << 20): pass\n"
        # Of this process alone: getrusage counts the pages of the one that it was forked from.
        "print(c4id, re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    command = [sys.executable, "-c", code, store.uri]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    c4id, peak_kib = result.stdout.split()
    assert int(peak_kib) * 1024 < 180_000_000
    assert store.stats().bytes == 100_000_000
    assert store.remove(c4id)
    assert list(tmp_path.iterdir()) == []


def test_an_object_of_another_size_is_replaced_by_put(moto_server: Server) -> None:
    store = ObjectStore(uri(moto_server.url))
    c4id = put(store, b"whole content")
    moto_server.replace(f"{Location(store.uri).prefix}{c4id}", b"who")
    assert put(store, b"whole content") == c4id
    assert read(store, c4id) == b"whole content"


def test_what_is_there_is_not_sent_again(proxy: FaultProxy) -> None:
    store = ObjectStore(uri(proxy.url))
    for data in (b"small", content(PART_BYTES + 1)):
        put(store, data)
        sent = proxy.count("PUT")
        put(store, data)
        assert proxy.count("PUT") == sent


@pytest.mark.parametrize("kind", ["s3", "gs", "az"])
def test_without_obstore_the_error_says_what_to_install(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setattr("c4py.store.network._network", (os.getpid(), None))
    with pytest.raises(c4py.StoreError, match=r"pip install 'c4py\[s3\]'"):
        c4py.open_store(f"{kind}://bucket/prefix")


def test_importing_the_package_does_not_load_obstore() -> None:
    code = "import sys, c4py, c4py.store; assert not [n for n in sys.modules if 'obstore' in n or 'store.objects' in n]"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://KEY:SECRET@bucket/x", "s3://bucket/x: credentials come from the environment, not from the URI"),
        ("s3://bucket/x?secret_access_key=SECRET", "after the ? come region and endpoint, once and with a value; not"),
        ("s3://bucket/x?endpoint=http://KEY:SECRET@host", "without credentials, query or fragment"),
        ("s3://bucket/x?endpoint=http://KEY:SEC/RET@host", "without credentials, query or fragment"),
        ("s3://bucket/x?endpoint=host", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://host:port", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://host:70000", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://my%20host", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://host/a%20b", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://[::1", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://h\u2100st", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://host/%3Fa=b", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?endpoint=http://host/%23a", "endpoint must be an http:// or https:// URL"),
        ("s3://bucket/x?region=eu%20central-1", "region must be a name such as eu-central-1, not 'eu central-1'"),
        ("s3://KEY:SECRET@b\u2100/x", "s3://b\u2100/x: the name of the bucket has characters"),
        ("s3://KEY:SEC/SECRET@bucket/x", "s3://bucket/x: credentials come from the environment"),
        ("s3:/KEY:SECRET@bucket/x?a", "bucket/x names no bucket"),
        ("s3://[b/x", "s3://[b/x: the name of the bucket has characters"),
        ("s3://my bucket/x?region=a", "s3://my bucket/x: the name of a bucket is letters and digits of ASCII"),
        ("s3://b\xfccket/x", "the name of a bucket is"),
        ("s3://bucket:80/x", "the name of a bucket is"),
        ("s3://../x", "the name of a bucket is"),
        ("s3://$web/x", "the name of a bucket is"),
        ("s3://bucket/x?region=", "once and with a value; not 'region'"),
        ("s3://bucket/x?region=a&region=b", "once and with a value; not 'region'"),
        ("gs://bucket/x?region=a", "after the ? come endpoint, once"),
        ("s3://bucket/a//b", "has no empty, '.' or '..' parts"),
        ("s3://bucket//b", "has no empty, '.' or '..' parts"),
        ("s3://bucket/a/../b", "has no empty, '.' or '..' parts"),
        ("s3://bucket/a%0Ab", "no control characters"),
        ("s3://bucket/a%FFb", "no control characters"),
        ("s3://bucket/a#b", "a # of a prefix must be written %23"),
        ("s3:///a", "s3:///a names no bucket"),
        ("http://bucket/a", "the URI of a store begins with s3://, gs://, az://"),
        ("\x1b[31m://bucket/a", "begins with"),
    ],
)
def test_a_wrong_uri_is_told_and_its_secrets_are_not(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        ObjectStore(text)
    assert message in str(caught.value)
    assert not {"SECRET", "KEY"} & set(re.findall("[A-Z]+", str(caught.value)))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert str(caught.value).isprintable()
    with pytest.raises(TypeError, match="uri must be str, not bytes"):
        ObjectStore(b"s3://bucket")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "s3://My_old.bucket-1/x?region=us-gov-west-1&endpoint=https://minio.studio.lan:9000/s3%40home/",
        "s3://b?endpoint=http://[::1]:9000",
        "az://$web/x?endpoint=http://127.0.0.1:10000/devstoreaccount1",
    ],
)
def test_an_unusual_uri_is_taken(text: str) -> None:
    assert ObjectStore(text).uri == text


@pytest.mark.parametrize("url", ["http://my host", "http://host:port", "http://[::1", "nowhere", "http://a b:SECRET@c"])
def test_an_environment_that_obstore_fails_at_is_a_store_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    store = ObjectStore("s3://bucket/x?region=a", **QUICKLY)
    c4id = c4py.identify_bytes(b"x")
    attempts: list[Callable[[], object]] = [
        lambda: put(store, b"x"),
        lambda: store.get(c4id),
        lambda: store.has(c4id),
        lambda: list(store),
    ]
    for attempt in attempts:
        with pytest.raises(c4py.StoreError, match="s3://bucket/x") as caught:
            attempt()
        assert "SECRET" not in str(caught.value)


def test_the_endpoint_is_that_of_the_uri_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ObjectStore("s3://bucket").endpoint == "https://s3.amazonaws.com"
    assert ObjectStore("gs://bucket").endpoint == "https://storage.googleapis.com"
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "studio")
    assert ObjectStore("az://bucket").endpoint == "https://studio.blob.core.windows.net"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://KEY:SECRET@minio:9000/x@y")
    assert ObjectStore("s3://bucket").endpoint == "http://minio:9000/x@y"
    assert ObjectStore("s3://bucket?endpoint=https://other/").endpoint == "https://other"


def test_stores_of_the_same_uri_are_equal() -> None:
    store, same, other = ObjectStore("s3://bucket/x"), ObjectStore("s3://bucket/x"), ObjectStore("s3://bucket/y")
    assert store == same
    assert hash(store) == hash(same)
    assert store != other
    assert store != "s3://bucket/x"
    assert pickle.loads(pickle.dumps(store)) == store
    assert {store, same, other} == {store, other}


def test_a_store_of_the_environment_is_read_and_written(moto_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C4_STORE", uri(moto_server.url))
    store = c4py.open_store()
    assert isinstance(store, ObjectStore)
    assert read(store, put(store, b"configured")) == b"configured"
    assert repr(store) == f"ObjectStore('{os.environ['C4_STORE']}')"


def test_a_bucket_that_is_not_there_is_no_missing_content(moto_server: Server) -> None:
    store = ObjectStore(f"s3://no-such-bucket/?endpoint={moto_server.url}", **QUICKLY)
    c4id = c4py.identify_bytes(b"x")
    attempts: list[Callable[[], object]] = [
        lambda: put(store, b"x"),
        lambda: store.get(c4id),
        lambda: store.has(c4id),
        lambda: c4id in store,
        lambda: store.remove(c4id),
        lambda: list(store),
    ]
    for attempt in attempts:
        with pytest.raises(c4py.StoreError, match=r"no-such-bucket.*404 Not Found \(NoSuchBucket\)$") as caught:
            attempt()
        assert not isinstance(caught.value, c4py.ContentNotFound)


def test_the_bucket_is_looked_for_once(proxy: FaultProxy) -> None:
    store = ObjectStore(uri(proxy.url))
    for number in range(3):
        assert not store.has(c4py.identify_bytes(b"%d" % number))
        assert not store.remove(c4py.identify_bytes(b"%d" % number))
    assert (proxy.count("HEAD"), proxy.count("GET")) == (6, 1)


def test_whoever_may_not_list_can_ask_for_an_object(proxy: FaultProxy) -> None:
    store = ObjectStore(uri(proxy.url))
    proxy.matches = lambda method, _: method == "GET"
    proxy.then = "403"
    assert not store.has(c4py.identify_bytes(b"x"))


def test_a_refused_connection_is_a_store_error() -> None:
    store = ObjectStore("s3://bucket/x?endpoint=http://127.0.0.1:1", retry_timeout=0.5, request_timeout=1)
    c4id = c4py.identify_bytes(b"x")
    for attempt in (lambda: put(store, b"x"), lambda: store.get(c4id), lambda: store.has(c4id), lambda: list(store)):
        with pytest.raises(c4py.StoreError, match=r"s3://bucket/x.* at http://127\.0\.0\.1:1: .*Connection refused"):
            attempt()


def test_missing_credentials_are_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def without_credentials(key: str, net: Network, _client: object) -> None:
        asked.append(key)
        raise net.GenericError("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error")

    monkeypatch.setattr("c4py.store.objects._head", without_credentials)
    store = ObjectStore("s3://bucket/x", retry_timeout=10_000)
    with pytest.raises(c4py.StoreError, match="the environment has no credentials for it$"):
        store.has(c4py.identify_bytes(b"x"))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 1ms - "
            "Server returned non-2xx status code: 403 Forbidden: denied",
            "the environment has no credentials for it",
        ),
        (
            "Generic S3 error: Error performing HEAD http://169.254.7.7:9000/b/k in 1ms - HTTP error: refused",
            "HTTP error: refused",
        ),
        (
            "Generic S3 error: Error performing GET http://h/b/k in 1ms - "
            "Server returned non-2xx status code: 403 Forbidden: <Code>AccessDenied</Code>",
            "403 Forbidden (AccessDenied)",
        ),
    ],
)
def test_the_reason_of_a_failure_is_short(text: str, reason: str) -> None:
    assert failure_reason(Exception(text)) == reason


INTERRUPTED = """
import io, sys, c4py
store = c4py.open_store("s3://bucket/x?region=a&endpoint=http://127.0.0.1:1")
store.retry_timeout = 1000.0
print("started", flush=True)
try:
    if sys.argv[1] == "scan":
        c4py.scan(sys.argv[2], store=store)
    elif sys.argv[1] == "put":
        store.put(io.BytesIO(b"x"))
    elif sys.argv[1] == "get":
        store.get(c4py.identify_bytes(b"x"))
    else:
        list(store)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("action", ["scan", "put", "get", "list"])
def test_an_interrupt_is_heard_while_nobody_answers(action: str, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"file {number}").write_bytes(b"%d" % number)
    command = [sys.executable, "-c", INTERRUPTED, action, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=hear_signals) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        try:
            assert child.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            child.kill()


class Cancelled(io.BytesIO):
    """A content as a scan gives it that is cancelled after it was read."""

    @property
    def cancelled(self) -> bool:
        return self.tell() == len(self.getbuffer())


def test_what_a_cancelled_scan_puts_is_not_tried_again() -> None:
    store = ObjectStore("s3://bucket/x?region=a&endpoint=http://127.0.0.1:1", retry_timeout=10_000)
    with pytest.raises(c4py.StoreError, match="cannot look up s3://bucket/x.*Connection refused"):
        store.put(Cancelled(b"x"))


def test_an_upload_of_a_cancelled_scan_ends(moto_server: Server) -> None:
    store = ObjectStore(uri(moto_server.url))
    data = bytes(PART_BYTES + 1)
    with pytest.raises(OSError, match="cancelled"):
        store.put(Cancelled(data))
    assert list(store) == []


#: Faults of an answer with a body that pass.
PASSING = ["503", "drop", "lost", "slow", "truncated", "short", "long", "other range"]


@pytest.mark.parametrize("size", [1, PART_BYTES + 300_000])
@pytest.mark.parametrize("fault", PASSING)
def test_reading_goes_on_after_a_fault(proxy: FaultProxy, fault: str, size: int) -> None:
    data = content(size)
    store = ObjectStore(uri(proxy.url), **PATIENTLY)
    c4id = put(store, data)
    proxy.matches = lambda method, path: method == "GET" and str(c4id) in path
    proxy.faults = [fault, None, fault]
    assert read(store, c4id) == data
    assert len(proxy.faults) <= (0 if size > PART_BYTES else 1)


@pytest.mark.parametrize("fault", ["503", "403", "drop", "lost", "slow", "truncated", "other range"])
def test_a_fault_that_does_not_pass_is_a_store_error(proxy: FaultProxy, fault: str) -> None:
    store = ObjectStore(uri(proxy.url), **QUICKLY)
    c4id = put(ObjectStore(store.uri), content(300_000))
    proxy.matches = lambda method, path: method == "GET" and str(c4id) in path
    proxy.then = fault
    with pytest.raises(c4py.StoreError) as caught:
        read(store, c4id)
    assert not isinstance(caught.value, (c4py.ContentNotFound, c4py.StoreCorrupt))
    for named in (proxy.url, f"s3://{BUCKET}/", str(c4id)):
        assert named in str(caught.value)


def test_reading_goes_on_at_the_byte_that_was_reached(proxy: FaultProxy) -> None:
    data = content(4_000_000)
    store = ObjectStore(uri(proxy.url), retry_timeout=30)
    c4id = put(store, data)
    proxy.matches = lambda method, path: method == "GET" and str(c4id) in path
    proxy.faults = ["short", "short"]
    assert read(store, c4id) == data
    ranges = [found for method, _, found in proxy.requests if method == "GET"]
    assert ranges == [f"bytes={start}-{PART_BYTES - 1}" for start in (0, 2_000_000, 3_000_000)]


@pytest.mark.parametrize("fault", ["flipped", "more"])
def test_wrong_bytes_are_never_taken_for_the_content(proxy: FaultProxy, fault: str) -> None:
    store = ObjectStore(uri(proxy.url))
    data = content(300_000)
    c4id = put(store, data)
    proxy.matches = lambda method, path: method == "GET" and str(c4id) in path
    proxy.then = fault
    with pytest.raises(c4py.StoreError):
        read(store, c4id)
    proxy.then = None
    assert read(store, c4id) == data


@pytest.mark.parametrize(
    ("method", "size"),
    [("HEAD", 5), ("PUT", 5), ("HEAD", PART_BYTES + 5), ("PUT", PART_BYTES + 5), ("POST", PART_BYTES + 5)],
)
@pytest.mark.parametrize("fault", ["503", "drop", "lost", "slow"])
def test_storing_goes_on_after_a_fault(proxy: FaultProxy, fault: str, method: str, size: int) -> None:
    store = ObjectStore(uri(proxy.url), **PATIENTLY)
    data = content(size)
    proxy.matches = lambda found, _: found == method
    proxy.faults = [fault, None, fault]
    c4id = put(store, data)
    proxy.faults = []
    assert read(store, c4id) == data
    assert list(store) == [c4id]


@pytest.mark.parametrize("size", [5, PART_BYTES + 5])
@pytest.mark.parametrize("method", ["HEAD", "PUT"])
@pytest.mark.parametrize("fault", ["503", "403", "drop", "slow", "nothing"])
def test_what_could_not_be_stored_is_a_store_error(proxy: FaultProxy, fault: str, method: str, size: int) -> None:
    store = ObjectStore(uri(proxy.url), **QUICKLY)
    data = content(size)
    proxy.matches = lambda found, _: found == method
    proxy.then = fault
    with pytest.raises(c4py.StoreError) as caught:
        put(store, data)
    c4id = c4py.identify_bytes(data)
    assert not isinstance(caught.value, (c4py.ContentNotFound, c4py.StoreCorrupt))
    for named in (proxy.url, f"s3://{BUCKET}/", str(c4id)):
        assert named in str(caught.value)
    proxy.then = None
    patient = ObjectStore(store.uri)
    assert not patient.has(c4id) or read(patient, c4id) == data
    assert read(patient, put(patient, data)) == data


def test_a_listing_of_one_key_a_page_gives_all(proxy: FaultProxy) -> None:
    store = ObjectStore(uri(proxy.url))
    ids = [put(store, b"%d" % number) for number in range(12)]
    proxy.one_key = True
    assert sorted(store) == sorted(ids)
    assert proxy.count("GET") >= 12


@pytest.mark.parametrize("fault", ["503", "drop", "lost", "slow", "truncated", "short", "long"])
def test_a_listing_goes_on_after_a_fault(proxy: FaultProxy, fault: str) -> None:
    store = ObjectStore(uri(proxy.url), **PATIENTLY)
    ids = [put(store, b"%d" % number) for number in range(6)]
    proxy.one_key = True
    proxy.matches = lambda _, path: "list-type" in path
    proxy.faults = [fault, None, None, fault]
    assert sorted(store) == sorted(ids)
    assert proxy.faults == []
    proxy.then = fault
    quick = ObjectStore(store.uri, **QUICKLY)
    with pytest.raises(c4py.StoreError, match=f"cannot list s3://{BUCKET}/.* at {proxy.url}"):
        list(quick)


def test_another_store_has_what_a_failing_one_does_not_give(proxy: FaultProxy) -> None:
    archive = c4py.MemoryStore()
    c4id = put(archive, b"archived")
    proxy.then = "503"
    store = c4py.MultiStore([ObjectStore(uri(proxy.url), retry_timeout=0.3), archive])
    assert store.has(c4id)
    assert read(store, c4id) == b"archived"
    with pytest.raises(c4py.StoreError, match="503"):
        store.has(c4py.identify_bytes(b"nowhere"))


def in_another_process(store: ObjectStore, c4id: c4py.C4ID, answers: Any) -> None:
    """Read and store in a process of its own."""
    try:
        answers.put((read(store, c4id), str(put(store, b"from a child"))))
    except c4py.StoreError as error:
        answers.put(("StoreError", str(error)))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("start", ["spawn", "forkserver", "fork"])
def test_another_process_uses_a_pickled_store(moto_server: Server, start: str) -> None:
    store = ObjectStore(uri(moto_server.url))
    c4id = put(store, b"from the parent")
    context: Any = multiprocessing.get_context(start)
    answers = context.Queue()
    process = context.Process(target=in_another_process, args=(store, c4id, answers))
    process.start()
    assert answers.get(timeout=60) == (b"from the parent", str(c4py.identify_bytes(b"from a child")))
    process.join()


@pytest.mark.parametrize("used", [False, True])
def test_a_forked_process_uses_it_too(moto_server: Server, tmp_path: Path, used: bool) -> None:
    stored = put(ObjectStore(uri(moto_server.url, "forked/")), b"stored before")
    code = f"""
import io, os, sys, c4py
store = c4py.open_store(sys.argv[1])
c4id = c4py.parse(sys.argv[2])
if {used}:
    assert c4id in store
def use():
    with store.open(c4id) as content:
        assert content.read() == b"stored before"
    assert store.has(store.put(io.BytesIO(b"stored by a child")))
    assert sorted(store) == sorted([c4id, c4py.identify_bytes(b"stored by a child")])
    assert c4py.identify_bytes(b"never stored") not in store
child = os.fork()
if child == 0:
    use()
    grandchild = os.fork()
    if grandchild == 0:
        use()
        print("used by both", flush=True)
        os._exit(0)
    os.waitpid(grandchild, 0)
    use()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
use()
print(sorted(os.listdir(os.environ["TMPDIR"])))
"""
    command = [sys.executable, "-W", "ignore", "-c", code, uri(moto_server.url, "forked/"), str(stored)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert result.stdout == "used by both\n[]\n"
