"""Where files are kept: a folder, or a bucket of anything that speaks S3 (TRAMA_DOCUMENT_STORE).

An object is written whole or not at all, under the id of its edition, and never changed. It is written before the row
that names it, so a kill between the two leaves an object that nobody can reach; the sweep (`keeping.py`) removes it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from shared.runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import ObjectStore

    from shared.runtime.context import Context

FOLDER = "editions"
PART = 5 << 20
"""Bytes that are held of an upload before they are sent on: the smallest part that S3 takes."""
CHUNK = 256 << 10
"""Bytes read at once for a download."""
OPTIONS = frozenset({"endpoint", "region"})
LOOKING = 2
"""Files that are looked into at once, each by a process that may have its memory."""
FORMS = "a folder (/path), s3://bucket/prefix?endpoint=https://…&region=…, or https://host/bucket?region=…"

log = structlog.get_logger(__name__)


class StoreAway(Exception):
    """The store does not answer, or cannot write. Nothing is lost; it is tried again by whoever asked."""


class ObjectMissing(Exception):
    """The row says that there is a file, and the store has none: something outside has removed it."""


@dataclass(frozen=True)
class Place:
    """A folder, or a bucket at an endpoint (None: Amazon's own) with a prefix. It holds no secret."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"


def place_of(url: str) -> Place:
    """What TRAMA_DOCUMENT_STORE says. Raises ValueError, without the value: somebody may have put a secret in it."""
    if "://" not in url:
        if not url.startswith("/"):
            raise ValueError(f"must be {FORMS}")
        return Place(Path(url))
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.username is not None or parts.password is not None:
        raise ValueError("keys do not belong in it: TRAMA_DOCUMENT_STORE_KEY and TRAMA_DOCUMENT_STORE_SECRET")
    if unknown := sorted(set(options) - OPTIONS):
        raise ValueError(f"does not know {', '.join(unknown)}; it must be {FORMS}")
    path = unquote(parts.path).strip("/")
    if parts.scheme == "file" and not parts.netloc and path:
        return Place(Path("/" + path))
    if parts.scheme == "s3" and parts.hostname:
        return _bucket(parts.hostname, path, options.get("endpoint"), options)
    if parts.scheme in ("http", "https") and parts.netloc and path:
        bucket, _, prefix = path.partition("/")
        return _bucket(bucket, prefix, f"{parts.scheme}://{parts.netloc}", options)
    raise ValueError(f"must be {FORMS}")


def _bucket(bucket: str, prefix: str, endpoint: str | None, options: dict[str, str]) -> Place:
    if endpoint is not None:
        found = urlsplit(endpoint)
        if found.scheme not in ("http", "https") or not found.netloc or found.username is not None:
            raise ValueError("the endpoint must be https://host or http://host")
    return Place(None, bucket, prefix, endpoint, options.get("region") or "us-east-1")


def documents_kept_at(url: str) -> str:
    """For the settings: the value itself when it can be meant. Whether it can be written is tried at the start."""
    place = place_of(url)
    if place.folder is not None:
        nearest = next(parent for parent in (place.folder, *place.folder.parents) if parent.exists())
        if not nearest.is_dir():
            raise ValueError("is, or lies in, a file")
    return url


class Writer(Protocol):
    async def write(self, data: bytes, /) -> int: ...


@dataclass
class Store:
    """Objects by id. `folder` is where they are when they are on this machine's disk."""

    objects: ObjectStore
    folder: Path | None = None
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKING))

    @classmethod
    def at(cls, place: Place, key: str | None = None, secret: str | None = None) -> Store:
        """Without a key: what the machine itself may do (an instance's role, AWS_… variables)."""
        if place.folder is not None:
            place.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(place.folder, os.W_OK | os.X_OK):
                raise PermissionError
            return cls(LocalStore(place.folder), place.folder)
        more: dict[str, Any] = {"access_key_id": key, "secret_access_key": secret} if key and secret else {}
        if place.endpoint is not None:
            more |= {"endpoint": place.endpoint, "virtual_hosted_style_request": False}
        plain = place.endpoint is not None and place.endpoint.startswith("http://")
        return cls(
            S3Store(
                place.bucket,
                prefix=place.prefix or None,
                region=place.region,
                client_options={"allow_http": plain, "connect_timeout": "5s", "timeout": "60s"},
                retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
                **more,
            )
        )

    @asynccontextmanager
    async def writing(self, id_: UUID) -> AsyncIterator[Writer]:
        """An object that is there when the block ends, and is not when it ends by an exception."""
        with _answering():
            async with obstore.open_writer_async(
                self.objects, _key(id_), buffer_size=PART, max_concurrency=2
            ) as writer:
                yield writer
        if self.folder is not None:
            await asyncio.to_thread(_to_disk, self.folder / _key(id_))

    async def read(self, id_: UUID, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`, in chunks. Asked for before the first is taken: raises ObjectMissing,
        StoreAway."""
        with _answering():
            options: Any = {"range": (start, end)} if end is not None else None
            found = await obstore.get_async(self.objects, _key(id_), options=options)
        return _chunks(found)

    async def remove(self, id_: UUID) -> None:
        """Twice is once."""
        try:
            with _answering():
                await obstore.delete_async(self.objects, _key(id_))
        except ObjectMissing:
            return

    async def older_than(self, instant: datetime) -> AsyncIterator[list[UUID]]:
        """The objects written before an instant, some hundreds at a time."""
        with _answering():
            async for batch in obstore.list(self.objects, FOLDER, chunk_size=500):
                ids = [_id(one["path"]) for one in batch if one["last_modified"] < instant]
                yield [id_ for id_ in ids if id_ is not None]


async def _chunks(found: Any) -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=CHUNK):
        yield bytes(chunk)


@contextmanager
def _answering() -> Iterator[None]:
    """What the store's library raises, by what it means here. Its texts hold addresses: they are logged, not told."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing from error
    except (BaseError, OSError) as error:
        log.warning("document_store", error=type(error).__name__)
        raise StoreAway from error


def _key(id_: UUID) -> str:
    return f"{FOLDER}/{id_}"


def _id(path: str) -> UUID | None:
    try:
        return UUID(path.rsplit("/", 1)[-1])
    except ValueError:
        return None  # nothing of ours


def _to_disk(path: Path) -> None:
    """What a row will name must outlive a loss of power as the row does."""
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def store_of(context: Context) -> Store:
    """The store of this process, opened when it is first asked for. Raises SettingsError."""
    found: Store | None = context.state.get("document_store")
    if found is None:
        settings: Any = context.settings
        try:
            found = Store.at(
                place_of(settings.document_store), settings.document_store_key, settings.document_store_secret
            )
        except (ValueError, OSError, BaseError) as error:
            raise SettingsError(f"TRAMA_DOCUMENT_STORE: cannot be opened: {type(error).__name__}") from None
        context.state["document_store"] = found
    return found
