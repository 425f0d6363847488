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
        parts = urlsplit(uri)
        shown = visible(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        if parts.scheme not in _OPTIONS:
            raise ValueError(f"{shown}: the URI of a store begins with {', '.join(f'{s}://' for s in _OPTIONS)}")
        if "@" in parts.netloc:
            raise ValueError(f"{shown}: credentials come from the environment, not from the URI")
        if not parts.netloc:
            raise ValueError(f"{shown} names no bucket")
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
        if self.endpoint is not None:
            endpoint = urlsplit(self.endpoint)
            if endpoint.scheme not in ("http", "https") or not endpoint.netloc or "@" in endpoint.netloc:
                raise ValueError(f"{shown}: endpoint must be an http:// or https:// URL without credentials")
            self.endpoint = self.endpoint.rstrip("/")
