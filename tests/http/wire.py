"""HTTP/1.1 as bytes: clients' libraries refuse to send what these tests are about."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import cast
from urllib.parse import urlsplit

PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


async def ask(base: str, method: str, target: str, headers: Mapping[str, bytes], content: bytes | None) -> Answer:
    """One request on a connection of its own; nothing of it is checked or changed."""
    place = urlsplit(base)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(_written(method, target, headers, content))
            return await _read(reader, method)
        finally:
            writer.close()


def _written(method: str, target: str, headers: Mapping[str, bytes], content: bytes | None) -> bytes:
    usual = {"host": b"service", "connection": b"close"}
    if content is not None:
        usual["content-length"] = b"%d" % len(content)
    lines = [b"%b: %b" % (name.encode(), value) for name, value in {**usual, **headers}.items()]
    head = [b"%b %b HTTP/1.1" % (method.encode(), target.encode("latin-1")), *lines, b"", b""]
    return b"\r\n".join(head) + (content or b"")


async def _read(reader: asyncio.StreamReader, method: str) -> Answer:
    held = bytearray()
    try:
        while chunk := await reader.read(1 << 16):
            held += chunk
    except ConnectionResetError:
        if not held:
            raise
    answer = HTTPResponse(cast("object", _Held(bytes(held))), method=method)  # type: ignore[arg-type]
    answer.begin()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@dataclass
class _Held:
    """What HTTPResponse wants of a socket."""

    held: bytes

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.held)
