"""One behaviour on every kind of store: a folder, memory, and a bucket behind HTTP."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID
from xml.sax.saxutils import escape

import pytest
from obstore.store import MemoryStore
from uuid_utils.compat import uuid7

from services.learning.documents.store import ObjectMissing, Place, Store, StoreAway, place_of

CONTENT = bytes(range(256)) * 50_000  # 12.8 MB: three parts of what a store takes at once
KEY, SECRET = "trama", "a secret that no log shows"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as is used: signed requests, parts, ranges, lists. Signatures are looked for, not verified."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    parts: ClassVar[dict[str, dict[int, bytes]]] = {}

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.path).path)

    def asked(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, True).items()}

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", headers.get("length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def signed(self) -> bool:
        if f"Credential={KEY}/" in self.headers.get("authorization", ""):
            return True
        self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return False

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.signed():
            return
        if "partNumber" in self.asked():
            self.parts[self.asked()["uploadId"]][int(self.asked()["partNumber"])] = body
        else:
            self.objects[self.name] = body
        self.answer(200, ETag='"1"')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.signed():
            return
        if "delete" in self.asked():
            keys = re.findall(r"<Key>([^<]*)</Key>", body.decode())
            for key in keys:
                self.objects.pop(f"{self.name}/{key}", None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            self.answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode(), Content_Type="application/xml")
            return
        if "uploads" in self.asked():
            self.parts["one"] = {}
            self.answer(200, b"<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>")
            return
        parts = self.parts.pop(self.asked()["uploadId"])
        self.objects[self.name] = b"".join(parts[number] for number in sorted(parts))
        self.answer(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def do_GET(self) -> None:
        if not self.signed():
            return
        if "list-type" in self.asked():
            self.listed()
            return
        content = self.objects.get(self.name)
        if content is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        usual = {"ETag": '"1"', "Last_Modified": format_datetime(datetime.now(UTC), usegmt=True)}
        wanted = self.headers.get("range")
        if wanted is None:
            self.answer(200, content, **usual)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1]
        self.answer(206, part, Content_Range=f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}", **usual)

    def listed(self) -> None:
        asked, bucket = self.asked(), self.name.strip("/")
        entries = "".join(
            f"<Contents><Key>{escape(key.removeprefix(f'/{bucket}/'))}</Key><Size>{len(content)}</Size>"
            "<LastModified>2020-01-01T00:00:00.000Z</LastModified><ETag>1</ETag></Contents>"
            for key, content in self.objects.items()
            if key.removeprefix(f"/{bucket}/").startswith(asked.get("prefix", ""))
        )
        self.answer(200, f"<ListBucketResult>{entries}</ListBucketResult>".encode(), Content_Type="application/xml")

    def do_DELETE(self) -> None:
        if self.signed():
            self.parts.pop(self.asked()["uploadId"], None)
            self.answer(204)


@pytest.fixture
def bucket() -> Iterator[str]:
    Bucket.objects, Bucket.parts = {}, {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    yield f"s3://atti/lecco?endpoint=http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(params=["folder", "memory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Store:
    if request.param == "memory":
        return Store(MemoryStore())
    if request.param == "folder":
        return Store.at(Place(tmp_path / "documents"))
    return Store.at(place_of(bucket), KEY, SECRET)


async def written(store: Store, id_: UUID, content: bytes = CONTENT) -> None:
    async with store.writing(id_) as writer:
        for at in range(0, len(content), 1 << 20):
            await writer.write(content[at : at + (1 << 20)])


async def bytes_of(store: Store, id_: UUID, *part: int) -> bytes:
    return b"".join([chunk async for chunk in await store.read(id_, *part)])


async def ids_in(store: Store) -> list[UUID]:
    later = datetime.now(UTC) + timedelta(minutes=1)
    return [id_ async for ids in store.older_than(later) for id_ in ids]


async def test_an_object_is_whole_or_not_there(store: Store) -> None:
    kept, small, half = uuid7(), uuid7(), uuid7()
    await written(store, kept)
    await written(store, small, b"one")
    assert await bytes_of(store, kept) == CONTENT
    assert await bytes_of(store, small) == b"one"
    assert await bytes_of(store, kept, 255, 258) == CONTENT[255:258]

    async def interrupted() -> None:
        async with store.writing(half) as writer:
            await writer.write(CONTENT)
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await interrupted()
    with pytest.raises(ObjectMissing):
        await store.read(half)
    assert set(await ids_in(store)) == {kept, small}
    await store.remove(small)
    await store.remove(small)
    assert await ids_in(store) == [kept]
    assert Bucket.parts == {}


async def test_a_store_that_refuses_or_does_not_answer_is_away(bucket: str) -> None:
    stranger = Store.at(place_of(bucket), "somebody", SECRET)
    assert SECRET not in repr(stranger)
    with pytest.raises(StoreAway) as refused:
        await stranger.read(uuid7())
    assert SECRET not in str(refused.value)
    with pytest.raises(StoreAway):
        await asyncio.wait_for(written(stranger, uuid7()), 10)
