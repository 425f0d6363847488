"""Servers that speak S3, on loopback: moto's, s3s-fs, and a proxy that spoils what one of them says."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from obstore.store import S3Store

#: Seconds that a server has to answer its first request.
START_TIMEOUT = 30

BUCKET = "bucket"
ACCESS_KEY = "AKIATESTTESTTESTTEST"
SECRET_KEY = "TheSecretThatNobodyMaySee"

#: What `make servers` builds.
S3S = Path(__file__).parent.parent / "target" / "s3s" / "bin" / "s3s-fs"


@dataclass
class Server:
    """A server under a URL; `replace(key, content)` puts other bytes in an object's place."""

    url: str
    replace: Callable[[str, bytes], None]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Run a server until it is not needed; it must listen within START_TIMEOUT."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} does not listen: {log.read_text()}") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)


@contextlib.contextmanager
def moto(directory: Path) -> Iterator[Server]:
    """Run moto's server, which checks no signatures, with one bucket."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    code = "import sys; from moto.server import main; main(sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, "-H", "127.0.0.1", "-p", str(port)]

    def replace(key: str, content: bytes) -> None:
        client = S3Store(
            BUCKET,
            endpoint=url,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )
        client.put(key, content)

    with running(command, port, directory / "moto.log"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT)
        connection.request("PUT", f"/{BUCKET}")
        assert connection.getresponse().status == 200
        connection.close()
        yield Server(url, replace)


@contextlib.contextmanager
def s3s(directory: Path) -> Iterator[Server]:
    """Run s3s-fs, which checks signatures, with one bucket."""
    if not S3S.exists():
        raise RuntimeError(f"{S3S} is not there: make servers")
    port = free_port()
    root = directory / "s3s"
    (root / BUCKET).mkdir(parents=True)
    command = [str(S3S), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, str(root)]

    def replace(key: str, content: bytes) -> None:
        assert (root / BUCKET / key).exists()
        (root / BUCKET / key).write_bytes(content)

    with running(command, port, directory / "s3s.log"):
        yield Server(f"http://127.0.0.1:{port}", replace)
    shutil.rmtree(root)


class FaultProxy:
    """A proxy before a server that spoils answers: it takes the next of `faults` for each request that `matches`.

    The faults: "503" and "403" are such answers, "drop" a connection that closes without one, "lost" the same after the
    server has done what was asked, "slow" an answer that does not come; "truncated" is half a body and then nothing,
    "short" half a body that says it is whole, "long" a body that is said to be longer than it is, "more" a body with
    bytes after its end that are counted in, "flipped" a body with another bit, "other range" one that says it has other
    bytes, "nothing" a 200 with no body that the server knows nothing of. None is the server's own answer. When the
    list is over, `then` goes on. `one_key` asks the server for pages of one key.
    """

    def __init__(self, target: str, silence: float = 2.0) -> None:
        self.target = urllib.parse.urlsplit(target).netloc
        self.silence = silence
        self.faults: list[str | None] = []
        self.then: str | None = None
        self.matches: Callable[[str, str], bool] = lambda _method, _path: True
        self.one_key = False
        self.requests: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    proxy._serve(self.rfile, self.wfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, method: str) -> int:
        """Count the requests of a method."""
        return sum(1 for found, _, _ in self.requests if found == method)

    def _serve(self, incoming: BufferedIOBase, outgoing: BufferedIOBase) -> None:
        """Answer one request; the connection closes after it."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = incoming.readline()
            if not line:
                return
            head += line
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        body = incoming.read(int(headers.get("content-length", 0)))
        with self._lock:
            fault = None
            if self.matches(method, path):
                fault = self.faults.pop(0) if self.faults else self.then
            self.requests.append((method, path, headers.get("range", "")))
        if fault == "drop":
            return
        if fault == "slow":
            time.sleep(self.silence)
            return
        if fault in ("503", "403"):
            code = "SlowDown" if fault == "503" else "AccessDenied"
            text = f"<Error><Code>{code}</Code></Error>".encode()
            outgoing.write(f"HTTP/1.1 {fault} No\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
            return
        if fault == "nothing":
            outgoing.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n')
            return
        if self.one_key and "list-type=2" in path:
            path += "&max-keys=1"
        connection = http.client.HTTPConnection(self.target, timeout=START_TIMEOUT)
        names = ("host", "content-length", "connection")
        passed = {name: value for name, value in headers.items() if name not in names}
        connection.request(method, path, body, passed)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fault == "lost":
            return
        outgoing.write(self._spoiled(fault, answer, content, method))

    def _spoiled(self, fault: str | None, answer: http.client.HTTPResponse, content: bytes, method: str) -> bytes:
        length = int(answer.headers.get("Content-Length") or len(content))
        content_range = answer.headers.get("Content-Range", "")
        if fault == "truncated":
            content = content[: len(content) // 2]
        elif fault == "short":
            content = content[: len(content) // 2]
            length = len(content)
        elif fault == "long":
            length += 10
        elif fault == "more":
            content += b"0123456789"
            length += 10
        elif fault == "flipped":
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        elif fault == "other range":
            content_range = re.sub(
                r"(\d+)-(\d+)", lambda found: f"{int(found[1]) + 1}-{int(found[2]) + 1}", content_range
            )
        kept = ("ETag", "Last-Modified", "Content-Type")
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", f"Content-Length: {length}", "Connection: close"]
        lines += [f"{name}: {answer.headers[name]}" for name in kept if name in answer.headers]
        lines += [f"Content-Range: {content_range}"] if content_range else []
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if method == "HEAD" else content)
