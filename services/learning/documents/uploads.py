"""An upload as it comes in: the fields of the form, and the file, straight into the object store.

Nothing of it is held but a part: what is too large, empty or carries the test virus is refused while it comes, and its
object is never made. Whoever may not upload is refused before the first byte is read.
"""

from __future__ import annotations

from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from uuid_utils.compat import uuid7

from services.learning.documents.kinds import EICAR, LARGEST
from services.learning.documents.rules import FileTooLarge, HarmfulFile, UnfitFile
from services.learning.documents.store import Store, Writer
from shared.runtime.door import drain
from shared.runtime.problems import Invalid, unsupported_media_type

FIELDS = 64 << 10
"""Bytes of all the fields together."""
MOST_PARTS = 40
HEADER = 4 << 10


@dataclass
class Taken:
    """A file that is in the store, under `id`, and in no row yet."""

    id: UUID
    name: str
    size: int = 0
    digest: Any = field(default_factory=sha256)
    tail: bytes = b""

    @property
    def sha256(self) -> str:
        return str(self.digest.hexdigest())

    def passed(self, chunk: bytes) -> None:
        """Raises FileTooLarge, HarmfulFile."""
        self.size += len(chunk)
        if self.size > LARGEST:
            raise FileTooLarge
        if EICAR in self.tail + chunk:
            raise HarmfulFile("eicar")
        self.tail = (self.tail + chunk)[-(len(EICAR) - 1) :]
        self.digest.update(chunk)


class _Form:
    """The parser's calls as a list of what happened, so that what must be awaited is done outside of them."""

    def __init__(self, boundary: bytes) -> None:
        self.happened: deque[tuple[str, bytes]] = deque()
        calls = ("part_begin", "part_end", "header_end", "headers_finished", "end")
        spans = ("part_data", "header_field", "header_value")
        known: Any = {f"on_{name}": self._call(name) for name in calls}
        known |= {f"on_{name}": self._span(name) for name in spans}
        self._parser = MultipartParser(boundary, known)

    def _call(self, name: str) -> Any:
        return lambda: self.happened.append((name, b""))

    def _span(self, name: str) -> Any:
        return lambda data, start, end: self.happened.append((name, bytes(data[start:end])))

    def write(self, chunk: bytes) -> None:
        """Raises HTTPException 400."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise HTTPException(400) from error


class Upload:
    """Takes the parts of one form. `fields` are texts; `file` is None when there was none."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fields: dict[str, str] = {}
        self.file: Taken | None = None
        self._writer: Writer | None = None
        self._objects = AsyncExitStack()
        self._headers: dict[bytes, bytes] = {}
        self._name, self._field, self._value = "", b"", b""
        self._held, self._parts = bytearray(), 0
        self._ended = self._read = False

    async def take(self, request: Request) -> None:
        """Raises FileTooLarge, HarmfulFile, UnfitFile, Invalid, StoreAway; nothing stays in the store then."""
        try:
            async with self._objects:
                await self._parse(request)
                self._require_whole()
        except (FileTooLarge, HarmfulFile, UnfitFile, Invalid, HTTPException):
            if not self._read:
                await drain(request.receive)  # who is still sending would not read the answer
            raise

    async def _parse(self, request: Request) -> None:
        form = _Form(_boundary(request))
        while not self._read:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._read = not message.get("more_body", False)  # before it is parsed: what refuses may be in the last one
            form.write(message.get("body", b""))
            while form.happened:
                what, data = form.happened.popleft()
                await getattr(self, f"_{what}")(data)

    def _require_whole(self) -> None:
        if not self._ended:
            raise HTTPException(400)
        if self.file is None:
            raise Invalid("/file", "missing", "a file")
        if not self.file.size:
            raise UnfitFile("empty")

    async def _part_begin(self, _: bytes) -> None:
        self._headers, self._held, self._field, self._value = {}, bytearray(), b"", b""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise HTTPException(400)

    async def _header_field(self, data: bytes) -> None:
        self._field += data

    async def _header_value(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > HEADER:
            raise HTTPException(400)

    async def _header_end(self, _: bytes) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    async def _headers_finished(self, _: bytes) -> None:
        _, said = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = _text(said.get(b"name", b""), "name")
        if b"filename" not in said:
            return
        if self._name != "file" or self.file is not None:
            raise Invalid(f"/{self._name}", "unknown", "one file, in the field file")
        self.file = Taken(uuid7(), _text(said[b"filename"], "file"))
        if not self.file.name:
            raise Invalid("/file", "missing", "a file")
        self._writer = await self._objects.enter_async_context(self.store.writing(self.file.id))

    async def _part_data(self, data: bytes) -> None:
        if self._writer is not None and self.file is not None:
            self.file.passed(data)
            await self._writer.write(data)
            return
        self._held += data
        if len(self._held) + sum(map(len, self.fields.values())) > FIELDS:
            raise Invalid(f"/{self._name}", "too_large", f"at most {FIELDS} bytes in all fields together")

    async def _part_end(self, _: bytes) -> None:
        if self._writer is not None:
            self._writer = None
            return
        if self._name in self.fields or self._name == "file":
            raise Invalid(f"/{self._name}", "repeated", "once")
        self.fields[self._name] = _text(bytes(self._held), self._name)

    async def _end(self, _: bytes) -> None:
        self._ended = True


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid(f"/{name}", "charset", "UTF-8") from None


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise unsupported_media_type(None, accepted="multipart/form-data", path="Content-Type")
    return bytes(boundary)
