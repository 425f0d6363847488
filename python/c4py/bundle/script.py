"""`extract.sh`, the shell script of a bundle: the text beside this module, with the manifest's name and ID in it."""

from __future__ import annotations

import os

from c4py._rust import C4ID


def extract_script(manifest_name: str, manifest_id: C4ID) -> bytes:
    r"""Write the script for a manifest of any name.

    >>> from c4py.bundle.script import quoted
    >>> quoted("it's\n")
    b"'it'\\''s\n'"
    """
    with open(os.path.join(os.path.dirname(__file__), "extract.sh"), "rb") as file:
        script = file.read()
    script = script.replace(b"@MANIFEST_ID@", quoted(str(manifest_id)), 1)
    return script.replace(b"@MANIFEST@", quoted(manifest_name), 1)


def quoted(text: str) -> bytes:
    """Write a text as one word of a shell, whatever is in it."""
    return b"'" + os.fsencode(text).replace(b"'", b"'\\''") + b"'"
