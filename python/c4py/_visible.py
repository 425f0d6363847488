"""Text of others in messages and on screens: every character is seen, and none is obeyed."""

from __future__ import annotations


def visible(text: str, *, is_escaped: bool = False) -> str:
    r"""Write a text so that all of it is seen: control characters, direction marks and lone surrogates as escapes.

    A backslash becomes two, so that no two texts look the same, unless the text is a message that `is_escaped` already
    in part.

    >>> from c4py._visible import visible
    >>> print(visible("a\x1b[31m\\"))
    a\x1b[31m\\
    """
    kept = "\\" if is_escaped else ""
    if text.isprintable() and (is_escaped or "\\" not in text):
        return text
    return "".join(
        c
        if c == kept or (c.isprintable() and c != "\\")
        else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in text
    )
