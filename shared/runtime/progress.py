"""Long jobs told as they go: asked for again and again, or as a stream of server-sent events.

The job's row in the database is the only source, so any process of the service can tell it, also after a restart. A
stream is opened with the caller's credential, or with a ticket, because a browser's EventSource sends no headers:

```python
@routes.post("/imports/{import_id}/ticket", status_code=201, response_model=progress.TicketOut)
async def ticket(import_id: UUID, at: At) -> Response:
    return await at.command(progress.ticket, queries.get, "import", import_id, identity=at.identity, href=..., out=...)

@routes.get("/imports/{import_id}/events", response_class=Response, responses=progress.EVENTS)
async def events(import_id: UUID, at: Anyone, ticket: progress.Ticket = None) -> Response:
    return await progress.events(at, queries.get, "import", import_id, ticket, progress_of)
```
Events are `progress` (the shape of `Progress`, sent when it differs from the last) and `end`, after which the stream is
closed: whoever listens closes too. Who comes back after the end is told so by 204, upon which browsers stop asking.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import orjson
from alembic.operations import Operations
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Column, DateTime, Index, Table, Text, Uuid, delete, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.access.actor import Actor
from shared.access.loading import KeyInvalid
from shared.access.policy import Forbidden
from shared.access.roles import Level
from shared.access.tokens import Identity
from shared.runtime.clock import wall
from shared.runtime.database import away
from shared.runtime.edge import Edge
from shared.runtime.problems import NotFound, Problems, problem, unauthenticated
from shared.runtime.tables import metadata

VALID = timedelta(minutes=5)
"""How long a ticket opens streams: a browser comes back with the same one when its connection breaks."""
POLL = 0.5
HEARTBEAT = 15.0
"""Seconds after which silence is broken, so that no proxy takes the stream for dead."""
LONGEST = 600.0
"""Seconds after which a stream is closed anyway; a browser opens the next one by itself."""
COME_BACK = 2_000
"""Milliseconds after which a browser opens a broken stream again."""
MOST_STREAMS, MOST_EACH = 200, 6
"""Of a process, and of one caller in it: each asks the database twice a second."""


class ProblemOut(BaseModel):
    """Why a job failed, in the language of whoever asked for it."""

    type: str
    title: str


class Progress(BaseModel):
    """A long job: `state` is its own word; `total` is null until it is known; `result` is there when it has ended."""

    state: str
    done: int
    total: int | None
    problem: ProblemOut | None
    result: dict[str, Any] | None
    ended: bool = Field(exclude=True, description="Nothing more will happen by itself")


ProgressOf = Callable[[Any], Progress]
"""From the row of a job, as its query gives it."""
JobQuery = Callable[..., Awaitable[Any]]
"""`query(session, actor, id, now=now)`: the row, or NotFound for whoever may not see it."""

# --- tickets ---------------------------------------------------------------------------------------------------------

tickets = Table(
    "tickets",
    metadata,
    Column("secret_sha256", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("identity", JSONB, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("tickets_expires_at", "expires_at"),
    comment="What opens a stream for a few minutes: of one purpose and one subject, for whom it was given to",
)


def install_v1(op: Operations) -> None:
    """The table of tickets, in a service's migration."""
    tickets.create(op.get_bind(), checkfirst=True)


class TicketInvalid(Exception):
    """No such ticket, or not any more, or for another stream."""


class TicketOut(BaseModel):
    """Open `href` with an EventSource before `expires_at`; it holds the ticket."""

    ticket: str
    expires_at: datetime
    href: str


async def ticket(
    session: AsyncSession,
    actor: Actor,
    query: JobQuery,
    purpose: str,
    subject_id: UUID,
    *,
    identity: Identity,
    href: str,
    now: datetime,
) -> TicketOut:
    """A ticket for the stream of one job, for who may see that job; with it, as much as with their own credential."""
    await query(session, actor, subject_id, now=now)
    secret = secrets.token_urlsafe(32)
    expires = min(wall() + VALID, _instant(identity.expires))
    await session.execute(delete(tickets).where(tickets.c.expires_at < wall()))
    await session.execute(
        insert(tickets).values(
            secret_sha256=_hashed(secret),
            purpose=purpose,
            subject_id=subject_id,
            identity=_kept(identity),
            expires_at=expires,
        )
    )
    return TicketOut(ticket=secret, expires_at=expires, href=f"{href}?ticket={secret}")


async def holder(at: Edge, secret: str, purpose: str, subject_id: UUID) -> Identity:
    """To whom the ticket was given. Raises TicketInvalid."""
    wanted = select(tickets.c.identity).where(
        tickets.c.secret_sha256 == _hashed(secret),
        tickets.c.purpose == purpose,
        tickets.c.subject_id == subject_id,
        tickets.c.expires_at > wall(),
    )
    async with at.context.database.sessions() as session:
        kept = await session.scalar(wanted)
    if kept is None:
        raise TicketInvalid
    return _identity(kept)


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(seconds, time.time() + VALID.total_seconds() * 2), tz=wall().tzinfo)


def _kept(identity: Identity) -> dict[str, Any]:
    return {
        "person_id": identity.person_id and str(identity.person_id),
        "key_id": identity.key_id and str(identity.key_id),
        "level": identity.level.label,
        "admin": identity.admin,
        "scopes": identity.scopes,
        "secret_sha256": identity.secret_sha256,
    }


def _identity(kept: dict[str, Any]) -> Identity:
    return Identity(
        person_id=kept["person_id"] and UUID(kept["person_id"]),
        key_id=kept["key_id"] and UUID(kept["key_id"]),
        level=Level.named(kept["level"]),
        admin=kept["admin"],
        scopes=tuple(kept["scopes"]) if kept["scopes"] is not None else None,
        secret_sha256=kept["secret_sha256"],
    )


# --- streams ---------------------------------------------------------------------------------------------------------

Ticket = Annotated[str | None, Query(max_length=100, description="Instead of a sign-in, which EventSource cannot send")]


def event_stream(*names: str) -> dict[str, Any]:
    """In OpenAPI: what each event of the stream is, its data being JSON."""
    text = {"type": "string"}
    data = {**text, "contentMediaType": "application/json"}
    said = {"event": {**text, "enum": list(names)}, "id": text, "data": data}
    return {"text/event-stream": {"schema": {"type": "object", "required": ["event", "data"], "properties": said}}}


EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": event_stream("progress", "end"),
        "description": "`progress` whenever something has changed, then `end`; comments in between keep it open",
    },
    204: {"description": "The end was told already: do not come back"},
}


class TooManyStreams(Exception):
    """The process, or the caller, has as many streams open as there may be."""

    def __init__(self, accepted: int) -> None:
        super().__init__(accepted)
        self.accepted = accepted
        self.headers = {"retry-after": "5"}


@dataclass
class Streams:
    """The streams that this process has open, by caller."""

    open: dict[UUID | None, int] = field(default_factory=dict)
    most: int = MOST_STREAMS

    def enter(self, caller: UUID | None) -> None:
        if sum(self.open.values()) >= self.most:
            raise TooManyStreams(self.most)
        if self.open.get(caller, 0) >= MOST_EACH:
            raise TooManyStreams(MOST_EACH)
        self.open[caller] = self.open.get(caller, 0) + 1

    def leave(self, caller: UUID | None) -> None:
        self.open[caller] -= 1
        if not self.open[caller]:
            del self.open[caller]


async def events(
    at: Edge, query: JobQuery, purpose: str, subject_id: UUID, ticket: str | None, progress_of: ProgressOf
) -> Response:
    """The stream of a job. The caller's right is looked at anew each time: who loses it hears nothing more.

    Raises TicketInvalid, TooManyStreams, and what `query` raises.
    """
    if ticket is not None:
        at.identity = await holder(at, ticket, purpose, subject_id)
    elif at.identity is None:
        raise unauthenticated()

    async def look() -> Progress:
        again = Edge(at.context, at.request, at.visit)  # its own instant and grants
        again.identity = at.identity
        return progress_of(await again.query(query, subject_id))

    first = await look()  # before the status is sent: a refusal must still be a problem
    if first.ended and at.request.headers.get("last-event-id") == _id(first):
        return Response(status_code=204)
    streams: Streams = at.context.state.setdefault("streams", Streams())
    caller = at.identity.person_id or at.identity.key_id
    streams.enter(caller)
    return Stream(_events(first, look, at.context.state.get("stopping", _never)), lambda: streams.leave(caller))


class Stream(StreamingResponse):
    """Leaves however it ends, also when the client was gone before the first byte."""

    def __init__(self, told: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(told, headers=headers, media_type="text/event-stream")
        self.leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.leave()


def _never() -> bool:
    return False


async def _events(
    first: Progress, look: Callable[[], Awaitable[Progress]], stopping: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """What a stream says until the job has ended, the caller may not see it any more, or the process stops."""
    yield f"retry: {COME_BACK}\n\n".encode()
    shown, began = first, time.monotonic()
    yield _event("progress", shown)
    spoke = began
    while not shown.ended and not stopping() and time.monotonic() - began < LONGEST:
        await asyncio.sleep(POLL)
        try:
            found = await look()
        except (NotFound, Forbidden, KeyInvalid):
            return
        except Exception as error:
            if not away(error):
                raise
            found = shown  # a database that is away is waited for
        if found != shown:
            shown, spoke = found, time.monotonic()
            yield _event("progress", shown)
        elif time.monotonic() - spoke >= HEARTBEAT:
            spoke = time.monotonic()
            yield b": still here\n\n"
    if shown.ended:
        yield _event("end", shown)


def _event(name: str, shown: Progress) -> bytes:
    data = orjson.dumps(shown.model_dump(mode="json")).decode()
    return f"event: {name}\nid: {_id(shown)}\ndata: {data}\n\n".encode()


def _id(shown: Progress) -> str:
    """The same for the same progress, whichever process tells it."""
    return f"{shown.state}-{shown.done}-{shown.total or 0}"


refusals: Problems = {
    TicketInvalid: problem(
        "ticket-invalid",
        401,
        it="Il biglietto non vale\nÈ scaduto, o è per un'altra attività: chiederne un altro.",
        en="The ticket is no good\nIt has expired, or is for another job: ask for a new one.",
        headers={"www-authenticate": "Bearer"},
    ),
    TooManyStreams: problem(
        "too-many-streams",
        429,
        it="Troppi collegamenti aperti\nSe ne possono avere al massimo {accepted}: chiuderne uno, o chiedere lo stato.",
        en="Too many open streams\nThere may be at most {accepted}: close one, or ask for the state.",
        path="",
    ),
}
"""For the `problems` of a slice that has streams."""
