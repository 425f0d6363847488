"""C4 IDs and listings by the shortest code that does it: what the package is compared with.

Nothing of c4py is used here but the tables of printable characters, which are data of the format.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time

from vector_cases import VECTORS

DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PRINTABLE = {
    code
    for low, high in json.loads((VECTORS / "is_print_ranges.json").read_text())["ranges"]
    for code in range(low, high + 1)
}
LETTERS = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}


def c4(content: bytes) -> str:
    number = int.from_bytes(hashlib.sha512(content).digest(), "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = DIGITS[digit] + text
    return "c4" + text.rjust(88, "1")


def safe(name: bytes, escaped: str) -> str:
    """Write a name's safe form with field escapes."""
    out, run = "", b""
    for c in name.decode("utf-8", "surrogateescape") + "\0":
        plain = (ord(c) in PRINTABLE and c != "¤") or c in LETTERS
        if plain and run:
            out += "¤" + "".join(chr(0x2800 + byte) for byte in run) + "¤"
            run = b""
        if not plain:
            run += c.encode("utf-8", "surrogateescape")
        else:
            out += LETTERS.get(c, f"\\{c}" if c in escaped else c)
    return out.removesuffix("\\0")


def natural(name: bytes) -> list[tuple[object, ...]]:
    runs: list[tuple[object, ...]] = []
    for run in re.findall(rb"[0-9]+|[^0-9]+", name):
        if run[:1].isdigit():
            value = (int(run) + 2**63) % 2**64 - 2**63
            runs.append((1, value, len(run)))
        else:
            text = run.decode("utf-8", "surrogateescape")
            runs.append((0, "".join("\ufffd" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)))
    return [*runs, (-1, name)]


def listing(path: bytes, mode: str, depth: int = 0) -> tuple[list[str], str, int]:
    """Give the indented lines of a directory, its one-level text, and its size; -1 is unknown."""
    children = []
    for name in os.listdir(path):
        status = os.lstat(os.path.join(path, name))
        is_directory = stat.S_ISDIR(status.st_mode)
        children.append((is_directory, natural(name + b"/" if is_directory else name), name, status))
    lines: list[str] = []
    text, total = "", 0
    for is_directory, _, name, status in sorted(children, key=lambda child: child[:2]):
        full = os.path.join(path, name)
        below: list[str] = []
        one, size, target = "-", status.st_size, ""
        if is_directory:
            below, child_text, size = listing(full, mode, depth + 1)
            one = c4(child_text.encode()) if mode == "full" else "-"
        elif stat.S_ISLNK(status.st_mode):
            target = " -> " + safe(os.readlink(full), ' "')
            one = link_id(full, mode)
        elif stat.S_ISREG(status.st_mode) and mode == "full":
            with open(full, "rb") as file:
                one = c4(file.read())
        if mode == "structure":
            size = size if is_directory else -1
            fields = f"- 0001-01-01T00:00:00Z {size if size >= 0 else '-'}"
        else:
            seconds = status.st_mtime_ns // 10**9
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else "-"
            letters = stat.filemode(status.st_mode)
            fields = f"{'-' if letters == '-' * 10 else letters} {when} {size if size >= 0 else '-'}"
        slash = "/" if is_directory else ""
        line = f"{fields} " + safe(name, ' "[]') + f"{slash}{target} {one}"
        lines += ["  " * depth + line, *below]
        text += line + "\n"
        total = -1 if total < 0 or size < 0 else total + size
    return lines, text, -1 if total < 0 else total + len(text.encode())


def link_id(path: bytes, mode: str) -> str:
    target = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    if mode != "full" or os.path.islink(target):
        return "-"
    if os.path.isfile(target):
        with open(target, "rb") as file:
            return c4(file.read())
    return c4(listing(target, mode)[1].encode()) if os.path.isdir(target) else "-"
