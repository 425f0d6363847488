"""Why a request to a bucket failed, in words that show nothing secret."""

from __future__ import annotations

from c4py._visible import visible

#: What is said where nobody gives credentials.
NO_CREDENTIALS = "the environment has no credentials for it"
#: What is said of a panic: its own words may show what the environment has.
PANIC = "obstore cannot work with an endpoint, a region or another setting of the environment"


class RequestFailed(Exception):
    """A request that failed, with a `status` if there was an answer.

    `is_missing` where that says no such object, and `may_pass` where the same request may succeed later.
    """

    def __init__(self, reason: str, *, is_missing: bool = False, may_pass: bool = False) -> None:
        self.status = int(reason[:3]) if reason[:3].isdigit() else None
        self.is_missing = is_missing
        self.may_pass = may_pass and (self.status is None or self.status >= 500 or self.status in (408, 429))
        super().__init__(reason)


def failure_reason(error: Exception) -> str:
    """Say why a request failed: its status and the service's code for it, or what the network said.

    The rest of an answer, URLs (those of Azure may hold a signature) and what obstore shows of its insides stay out.
    """
    import re

    text = str(error)
    # Where the environment has no credentials, obstore asks the services that a machine of a cloud has for it.
    if re.search(r"//(169\.254\.169\.254|169\.254\.170\.2|169\.254\.170\.23|metadata(\.google\.internal)?)/", text):
        return NO_CREDENTIALS
    status = re.search(r"status code: (\d{3}[A-Za-z ]*)", text)
    if status is not None:
        code = re.search(r"<Code>([A-Za-z]{1,60})</Code>", text)
        return status[1].strip() + (f" ({code[1]})" if code is not None else "")
    shown = text.partition("\n")[0].rpartition(" - ")[2]
    shown = re.sub(r"[a-z]+://\S+", "...", shown)
    inner = re.search(r'message: "([A-Za-z ]{1,80})"', text) or re.search(r"\b(TimedOut|IncompleteMessage)\b", text)
    return visible(shown[:200]) + (f" ({inner[1]})" if inner is not None else "")


def is_panic(error: BaseException) -> bool:
    """Say whether this is a panic of obstore's, whose class is no Exception and is nowhere to be imported from."""
    return type(error).__name__ == "PanicException"
