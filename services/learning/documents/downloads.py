"""Files on their way out: whole, or the range that was asked for; and the short-lived signed links to them.

A link is `<expiry>.<person or nothing>.<HMAC>`: nothing is kept of it, and every process knows it by the key in the
database. Who it was made for is asked again when it is used: a mandate that ended meanwhile reads nothing more.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from services.learning.documents.kinds import SHOWN
from services.learning.documents.rules import Edition
from services.learning.documents.store import Store
from services.learning.documents.tables import link_keys
from shared.runtime.clock import wall

VALID = timedelta(minutes=15)
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
POLICY = "default-src 'none'; img-src 'self'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
Ticket = Annotated[str | None, Query(max_length=200, description="Of a short-lived link: instead of a sign-in")]


class TicketInvalid(Exception):
    """Not signed by us, for another file, or its time is over."""


class RangeUnfit(Exception):
    """The file has no such bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.accepted, self.path = f"bytes 0 to {size - 1}", "Range"
        self.headers = {"content-range": f"bytes */{size}", "accept-ranges": "bytes"}


# --- links -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A good link: for this person, or (None) for whoever has it, made by a key or an administrator."""

    person_id: UUID | None


def path_of(edition: Edition) -> str:
    return f"/learning/v1/documents/{edition.document_id}/editions/{edition.number}/file"


async def link(session: AsyncSession, edition: Edition, person_id: UUID | None) -> tuple[str, datetime]:
    """(href, expires_at): opens the file without a sign-in, for some minutes. The right is the caller's to check."""
    expires = wall().replace(microsecond=0) + VALID
    said = f"{int(expires.timestamp())}.{person_id.hex if person_id else ''}"
    return f"{path_of(edition)}?ticket={said}.{await _signature(session, edition, said)}", expires


async def opened(session: AsyncSession, edition: Edition, ticket: str) -> Opened:
    """Raises TicketInvalid."""
    said, _, signature = ticket.rpartition(".")
    right = await _signature(session, edition, said)
    if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
        raise TicketInvalid
    expires, _, person = said.partition(".")
    if wall() >= datetime.fromtimestamp(int(expires), UTC):
        raise TicketInvalid
    return Opened(UUID(person) if person else None)


async def _signature(session: AsyncSession, edition: Edition, said: str) -> str:
    secret = await session.scalar(select(link_keys.c.secret))
    assert secret is not None, "the migration made it"
    return hmac.new(secret, f"{edition.id}.{said}".encode("utf-8", "replace"), sha256).hexdigest()[:40]


# --- files -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """The headers by which a part of a file is asked for, or nothing when it is known already."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None


def span(asked: Asked, size: int, tag: str) -> tuple[int, int] | None:
    """From where up to where (exclusive); None: all of it. Several ranges at once are answered with all of it, as is
    one of another version of the file. Raises RangeUnfit."""
    if asked.range is None or (asked.if_range is not None and asked.if_range != tag):
        return None
    found = RANGE.fullmatch(asked.range.replace(" ", ""))
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:  # the last so many
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < int(found[1]):
            return None
    if start >= end:
        raise RangeUnfit(size)
    return start, end


def disposition(edition: Edition) -> str:
    """Shown where a browser can do that safely, and kept otherwise; the name in both of its ways of writing."""
    how = "inline" if edition.media_type in SHOWN else "attachment"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", edition.file_name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(edition.file_name, safe='')}"


async def file(store: Store, edition: Edition, asked: Asked, *, public: bool, body: bool = True) -> Response:
    """The answer to GET, or (without `body`) to HEAD. Raises RangeUnfit, ObjectMissing, StoreAway."""
    tag = f'"{edition.sha256}"'
    headers = {
        "etag": tag,
        "accept-ranges": "bytes",
        "cache-control": f"{'public' if public else 'private'}, no-cache",
        "content-disposition": disposition(edition),
        "content-security-policy": POLICY,
        "last-modified": edition.added_at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    if asked.if_none_match is not None and (tag in asked.if_none_match or asked.if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    part = span(asked, edition.size, tag)
    start, end = part or (0, edition.size)
    headers["content-length"] = str(end - start)
    if part:
        headers["content-range"] = f"bytes {start}-{end - 1}/{edition.size}"
    status = 206 if part else 200
    if not body:
        return Response(b"", status, headers, media_type=_media_type(edition))
    chunks = await store.read(edition.id, start, end)
    return StreamingResponse(chunks, status, headers, media_type=_media_type(edition))


def _media_type(edition: Edition) -> str:
    return "text/plain; charset=utf-8" if edition.media_type == "text/plain" else edition.media_type
