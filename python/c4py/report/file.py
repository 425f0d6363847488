"""A verification as a file, whose form is that of the name's extension."""

from __future__ import annotations

import os

#: Forms of a report by the extension of a file; the method of a VerifyReport that writes one is `to_` and the form.
FORMS = {".json": "json", ".html": "html", ".csv": "csv", ".xml": "junit"}


def form_of(path: str) -> str:
    """Give the form of a file's report. Raises ValueError with the extensions that there are for any other.

    >>> from c4py.report.file import form_of
    >>> form_of("nightly/report.xml")
    'junit'
    """
    extension = os.path.splitext(path)[1]
    try:
        return FORMS[extension.lower()]
    except KeyError:
        known = f"{', '.join([*FORMS][:-1])} or {[*FORMS][-1]} (JUnit)"
        raise ValueError(f"the name of a report ends in {known}, not {extension!r}: {path!r}") from None
