"""Names as text: any bytes without NUL become printable text and come back unchanged."""

from __future__ import annotations

from c4py._rust import escape_field, safe_name, unescape_field, unsafe_name

__all__ = ["escape_field", "safe_name", "unescape_field", "unsafe_name"]
