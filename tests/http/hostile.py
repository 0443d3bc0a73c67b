"""Requests that no well-meaning client sends, made from an operation's description and values that break programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.runtime import openapi
from tests.access.matrix import example
from tests.http.served import Served

LONG = "à" * 5000
TEXTS = (
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",  # a surrogate by itself
    "%25",
    "..%2f..%2fetc",
    "'%20or%201=1;--",
    quote("𝕏\u202e\u0300"),
    quote("%_\\*(["),  # what means something in LIKE, in tsquery, in a regular expression
    quote(":*&|!<->"),
    "-1",
    "0",
    "9" * 400,
    "9223372036854775808",
    "1e400",
    "NaN",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "99999-01-01",
    "9999-12-31T23:59:59.999999%2B00:00",
    "0001-01-01T00:00:00%2B14:00",
    "2026-01-31T10:00:00",
    "true",
    "null",
    quote(LONG),
    "",
)
"""Percent-encoded, for paths and queries."""


def cursor(*held: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")


CURSORS = (
    "!",
    "A",
    "AAAA",
    cursor(),
    cursor(1),
    cursor(0, None),
    cursor({"a": 1}),
    base64.urlsafe_b64encode(b"[" * 900).decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
)
VALUES: tuple[Any, ...] = (
    "\x00",
    "a\x00b",
    "\ud800",
    "a\udfffb",
    "𝕏\u202e\u0300",
    LONG,
    "",
    " ",
    "=cmd()",
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    1e308,
    0.1,
    [],
    {},
    ["\x00"],
    [[[[]]]],
    {"a": {"b": "\x00"}},
    {"\x00": 1, "\ud800": 2},
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "99999-01-01",
    "9999-12-31T23:59:59.999999+00:00",
    "0001-01-01T00:00:00+14:00",
    "00000000-0000-0000-0000-000000000000",
    "E507\x00",
)
"""For fields of JSON; sent with \\u escapes, so that lone surrogates and NUL pass."""
BODIES: tuple[tuple[str | None, bytes], ...] = (
    (None, b""),
    (None, b"{}"),
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b"null"),
    ("application/json", b"[]"),
    ("application/json", b'"\\ud800"'),
    ("application/json", b"NaN"),
    ("application/json", b'{"a": NaN, "b": Infinity}'),
    ("application/json", b'{"a": 1' + b"0" * 5000 + b"}"),
    ("application/json", b"\xff\xfe{\x00}\x00"),
    ("application/json", b'{"a": "\xff\xfe"}'),
    ("application/json", b"\xef\xbb\xbf{}"),
    ("application/json", b'{"a": "\x00"}'),
    ("application/json", b"[" * 100_000),
    ("application/json", b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    ("application/json", b"[" * 20_000 + b"]" * 20_000),
    ("application/json", b'{"a": "' + b"x" * 1_200_000 + b'"}'),
    ("application/json; charset=utf-16", "{}".encode("utf-16")),
    ("application/json; charset=nonsense", b"{}"),
    ("application/vnd.x+json", b"{"),
    ("text/plain", b"hello"),
    ("text/plain; charset=\xff", b"hello"),
    ("application/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    ("application/x-www-form-urlencoded", b"a=%00&b=%ff&c"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(3000))),
    ("application/x-www-form-urlencoded; charset=nonsense", b"a=1"),
    ("multipart/form-data", b"--x\r\n"),
    ("multipart/form-data; boundary=", b"--\r\n"),
    ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"--x"),
    ("multipart/form-data; boundary=x", b"nonsense"),
    ("multipart/form-data; boundary=x", b"--x\r\n\xff\xff: \x00\r\n\r\na\r\n--x--\r\n"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--x--\r\n'),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff\x00.csv"\r\n\r\n\x00\xff\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="\xff"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n'
        b"\xff\r\n--x--\r\n",
    ),
    (
        "multipart/form-data; boundary=x",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % n for n in range(1500))
        + b"--x--\r\n",
    ),
    (
        "multipart/form-data; boundary=" + "y" * 5000,
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na\r\n--x--\r\n',
    ),
    ("\x7f", b"{}"),
    ("/", b"{}"),
    (";;;", b"{}"),
    ("application/json", b"\x1f\x8b\x08\x00"),
)
HEADERS: tuple[dict[str, bytes], ...] = (
    *(
        {"if-match": v}
        for v in (b"", b"*", b'"', b'"a"', b"3", b'W/"1"', b'"1", "2"', b'"-1"', b'"999999999"', b"\xff")
    ),
    *({"if-match": v} for v in (b'"99999999999999999999"', b'"1"' * 2000, '"١"'.encode())),
    *({"idempotency-key": v} for v in (b"", b" ", b"a", b"x" * 256, b"x" * 8000, b"\xff\xfe", b"a b", b"%00", b'"')),
    *(
        {"accept-language": v}
        for v in (b"", b"*", b"en;q=x", b"it;q=NaN", b"en;q=1e400", b"\xff", b"," * 5000, b"x" * 9000)
    ),
    *({"accept-language": v} for v in (b"en;q=-1,it;q=0", b";q=1", b"en-" + b"a" * 3000)),
    *({"traceparent": v} for v in (b"", b"00", b"\xff" * 55, b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00")),
    *({"traceparent": v} for v in (b"ff-" + b"f" * 32 + b"-" + b"f" * 16 + b"-ff", b"00-" + b"g" * 49, b"-" * 5000)),
    {"traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", "tracestate": b"\xff=\xff,=,a"},
    *({"accept": v} for v in (b"", b"text/csv", b"text/csv;q=0", b"\xff", b"*/*;q=x", b"image/png", b"text/html,")),
    *(
        {"authorization": v}
        for v in (b"", b"Bearer", b"Bearer ", b"Basic Og==", b"Bearer \xff", b"Bearer a.b.c", b"\xff")
    ),
    *(
        {"authorization": b"Bearer " + v}
        for v in (b"trama_", b"trama_x_y", b"x" * 9000, b"." * 100, b"e30.e30.", b"trama_" + b"0" * 32 + b"_")
    ),
    {"authorization": b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"none"}') + b".e30."},
    {"authorization": b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"ES256","kid":[1]}') + b".e30.AA"},
    {
        "authorization": b"Bearer "
        + base64.urlsafe_b64encode(b"[]")
        + b"."
        + base64.urlsafe_b64encode(b"[" * 900)
        + b".AA"
    },
    *({"origin": v} for v in (b"null", b"\xff", b"http://", b"x" * 5000, b"http://[::1")),
    {"origin": b"http://a", "access-control-request-method": b"\xff", "access-control-request-headers": b"\xff"},
    *({"if-none-match": v} for v in (b"", b"*", b"\xff", b'"' * 5000)),
    *({"x-forwarded-for": v} for v in (b"\xff", b"unknown", b"1.2.3.4, " * 500, b"[::1]:99999999999")),
    *({"x-forwarded-proto": v, "x-forwarded-host": b"\xff"} for v in (b"\xff", b"javascript", b"")),
    *({"host": v} for v in (b"", b"\xff", b"a:b", b"[::1", b"x" * 5000, b"evil.example")),
    *({"cookie": v} for v in (b"\xff", b"trama-oidc=\xff", b"trama-oidc=a.b.c", b"=;" * 3000, b"a=b; =; ;")),
    {"expect": b"100-continue"},
    {"content-encoding": b"gzip"},
    {"te": b"trailers", "upgrade": b"websocket", "connection": b"upgrade, close"},
    {"range": b"bytes=0-,-1", "accept-encoding": b"\xff"},
    {"x-http-method-override": b"DELETE"},
)


@dataclass(frozen=True)
class Request:
    """One request and why it is hostile; `url` is as it goes over the wire."""

    method: str
    url: str
    why: str
    headers: Mapping[str, bytes] = field(default_factory=dict)
    content: bytes | None = None

    def __str__(self) -> str:
        url = self.url if len(self.url) < 200 else self.url[:200] + "…"
        return f"{self.method} {url} ({self.why})"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: list[dict[str, Any]]
    media_type: str | None
    body: Any
    fields: tuple[str, ...]


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in openapi.METHODS:
            if method in item:
                content = item[method].get("requestBody", {}).get("content", {})
                kind = next(iter(content), None)
                schema = content[kind]["schema"] if kind else {}
                body = example(schema, document) if kind else None
                fields = tuple(resolved(schema, document).get("properties", {}))
                yield Operation(method.upper(), path, item[method].get("parameters", []), kind, body, fields)


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def requests(served: Served) -> Iterator[Request]:
    for operation in operations(served.document):
        yield from _paths(served, operation)
        yield from _queries(served, operation)
        yield from _fields(served, operation)
        yield from _bodies(served, operation)
        yield from _headers(served, operation)
    yield from _nowhere(served)


def _paths(served: Served, operation: Operation) -> Iterator[Request]:
    for name in [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]:
        for value in TEXTS:
            given = _given(operation)
            yield Request(operation.method, served.filled(operation.path, **{name: value}), f"path {name}", *given)


def _queries(served: Served, operation: Operation) -> Iterator[Request]:
    url, given = served.filled(operation.path), _given(operation)
    known = [p["name"] for p in operation.parameters if p["in"] == "query"]
    for name in [*known, "seen", "unknown%00", "%ff"]:
        for value in (*TEXTS, *(CURSORS if name == "after" else ())):
            yield Request(operation.method, f"{url}?{name}={value}", f"query {name}", *given)
    for query in ("&&&", "=", "=&=", "%", "a=%zz", "limit=1&limit=2", "limit[]=1", "a" * 6000, "\\", ";"):
        yield Request(operation.method, f"{url}?{query}", "query", *given)


def _fields(served: Served, operation: Operation) -> Iterator[Request]:
    if operation.media_type == "multipart/form-data":
        for name in operation.fields:
            for text in (b"\x00", b"\xff", b"", b"x" * 5000):
                parts = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), text)
                parts += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na\r\n--x--\r\n'
                headers = {"content-type": b"multipart/form-data; boundary=x"}
                yield Request("POST", served.filled(operation.path), f"form field {name}", headers, parts)
        return
    for name in operation.fields:
        for value in VALUES:
            body = {**operation.body, name: value}
            headers = {"content-type": b"application/json", "if-match": b'"1"'}
            content = json.dumps(body).encode()
            why = f"field {name} = {str(value)[:40]!r}"
            yield Request(operation.method, served.filled(operation.path), why, headers, content)


def _bodies(served: Served, operation: Operation) -> Iterator[Request]:
    if operation.method in ("GET", "DELETE") and operation.media_type is None:
        return
    for kind, content in BODIES:
        headers = {"if-match": b'"1"', **({"content-type": kind.encode("latin-1")} if kind else {})}
        why = f"body {kind} {content[:30]!r}"
        yield Request(operation.method, served.filled(operation.path), why, headers, content)


def _headers(served: Served, operation: Operation) -> Iterator[Request]:
    headers, content = _given(operation)
    for given in HEADERS:
        why = f"headers { {n: v[:30] for n, v in given.items()} }"
        yield Request(operation.method, served.filled(operation.path), why, {**headers, **given}, content)


def _given(operation: Operation) -> tuple[dict[str, bytes], bytes | None]:
    """A body as the document describes it, so that the one odd thing of a request is what it is about."""
    if operation.media_type == "application/json":
        return {"content-type": b"application/json", "if-match": b'"1"'}, json.dumps(operation.body).encode()
    return {"if-match": b'"1"'}, None


def _nowhere(served: Served) -> Iterator[Request]:
    prefix = f"/{served.name}"
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"):
        for path in (
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1//",
            "/v2/me",
            "/v1/%00",
            "/v1/%ff",
            "/v1/../../etc",
            "/v1/me/",
            "/openapi.json",
        ):
            yield Request(method, prefix + path, "nowhere")
