"""Where the objects of a bucket lie: the parts of a store's URI.

    s3://BUCKET/PREFIX?region=REGION&endpoint=URL
    gs://BUCKET/PREFIX?endpoint=URL
    az://CONTAINER/PREFIX?endpoint=URL

The key of an object is the prefix and the ID with nothing between: under `s3://b/pre/` it is `pre/<ID>`, under
`s3://b/pre` it is `pre<ID>`. A prefix is percent-decoded. Credentials are no part of a URI; one that has some is
refused, and not shown.
"""

from __future__ import annotations

from c4py._visible import visible

#: The kinds of store, and what the query of their URIs may say.
_OPTIONS = {"s3": ("region", "endpoint"), "gs": ("endpoint",), "az": ("endpoint",)}

#: What names have besides letters and digits.
_PUNCTUATION = str.maketrans("", "", "._-")


class Location:
    """A bucket (a container of Azure), a prefix of keys, and where the service is, if that is not the usual place."""

    __slots__ = ("bucket", "endpoint", "prefix", "region", "scheme")

    scheme: str
    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None

    def __init__(self, uri: str) -> None:
        from urllib.parse import parse_qsl, unquote, urlsplit

        if not isinstance(uri, str):
            raise TypeError(f"uri must be str, not {type(uri).__name__}")
        shown = visible(_shown(uri))
        try:
            parts = urlsplit(uri)
        except ValueError:
            # Its message has the whole authority in it, credentials included.
            raise ValueError(f"{shown}: the name of the bucket has characters that no URI may have there") from None
        if parts.scheme not in _OPTIONS:
            raise ValueError(f"{shown}: the URI of a store begins with {', '.join(f'{s}://' for s in _OPTIONS)}")
        # A secret may have a slash, and then it is no part of the authority.
        if "@" in parts.netloc or (":" in parts.netloc and "@" in parts.path):
            raise ValueError(f"{shown}: credentials come from the environment, not from the URI")
        if not parts.netloc:
            raise ValueError(f"{shown} names no bucket")
        if not _is_bucket(parts.netloc, parts.scheme):
            raise ValueError(
                f"{shown}: the name of a bucket is letters and digits of ASCII, '.', '_' and '-', not {parts.netloc!r}"
            )
        if parts.fragment:
            raise ValueError(f"{shown}: a # of a prefix must be written %23")
        options: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name not in _OPTIONS[parts.scheme] or not value or name in options:
                known = " and ".join(_OPTIONS[parts.scheme])
                raise ValueError(f"{shown}: after the ? come {known}, once and with a value; not {visible(name)!r}")
            options[name] = value
        self.scheme = parts.scheme
        self.bucket = parts.netloc
        self.prefix = unquote(parts.path, errors="surrogateescape")[1:]
        self.region = options.get("region")
        self.endpoint = options.get("endpoint")
        segments = self.prefix.split("/")
        if any(segment in ("", ".", "..") for segment in segments[:-1]) or not self.prefix.isprintable():
            raise ValueError(f"{shown}: a prefix has no empty, '.' or '..' parts and no control characters")
        if self.region is not None and not _is_name(self.region):
            raise ValueError(f"{shown}: region must be a name such as eu-central-1, not {visible(self.region)!r}")
        if self.endpoint is not None:
            if not _is_endpoint(self.endpoint):
                raise ValueError(
                    f"{shown}: endpoint must be an http:// or https:// URL: a host, a port and a path if need be, "
                    "without credentials, query or fragment"
                )
            self.endpoint = self.endpoint.rstrip("/")


def _shown(uri: str) -> str:
    """Take what may be shown of a URI: neither what is before an @ nor a query."""
    scheme, separator, rest = uri.partition("://")
    rest = rest.partition("?")[0].partition("#")[0]
    host, slash, path = rest.partition("/")
    if not separator:
        return uri.partition("?")[0].rpartition("@")[2]
    if ":" in host and "@" in path:
        return f"{scheme}{separator}{path.rpartition('@')[2]}"
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _is_name(name: str) -> bool:
    """Say whether a text can stand in the host or the path of a URL as it is."""
    return name.isascii() and name[:1].isalnum() and name.translate(_PUNCTUATION).isalnum() and len(name) <= 255


def _is_bucket(name: str, scheme: str) -> bool:
    """Say whether a text can be the name of a bucket; what the services allow beyond that is theirs to say."""
    # Containers of Azure with a role of their own: $web, $root, $logs.
    return _is_name(name.removeprefix("$") if scheme == "az" else name)


def _is_endpoint(url: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_port = parts.port != 0
    except ValueError:
        return False
    is_host = _is_name(host) or (":" in host and _is_name(host.replace(":", "")))
    is_plain = url.isascii() and url.isprintable() and not set(url) & set('?# "<>\\^`{|}')
    return parts.scheme in ("http", "https") and is_host and is_port and is_plain and "@" not in parts.netloc
