"""HTTP of the inbox: what was told to the caller, whether or not a mail reached them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.notify.inbox import commands, queries
from services.notify.inbox.queries import Message
from services.notify.messages.compose import Writer
from services.notify.settings import Settings
from shared.runtime.edge import At, Edge
from shared.runtime.paging import After, Limit, PageOut

routes = APIRouter(tags=["inbox"])
WRITER = "writer"


class NetworkRef(BaseModel):
    id: UUID
    name: str | None
    href: str


class MessageOut(BaseModel):
    """A message to the caller, in their language. `subject` and `text` are null when what it said has no use any more;
    links in the text are good for their person."""

    id: UUID
    topic: str
    network: NetworkRef | None
    told_at: datetime
    read_at: datetime | None
    language: str | None
    subject: str | None
    text: str | None
    href: str

    @classmethod
    def of(cls, message: Message) -> MessageOut:
        row, words = message.row, message.words
        network = row.network_id and NetworkRef(
            id=row.network_id, name=row.network_name, href=f"/registry/v1/networks/{row.network_id}"
        )
        return cls(
            id=row.id,
            topic=row.topic,
            network=network,
            told_at=row.intended_at,
            read_at=row.read_at,
            language=words.language if words else None,
            subject=words.subject.strip() if words else None,
            text=words.text if words else None,
            href=f"/notify/v1/inbox/{row.id}",
        )


class UnreadOut(BaseModel):
    unread: int


class ReadOut(BaseModel):
    read: int


@routes.get("/me/inbox", response_model=PageOut[MessageOut])
async def inbox(
    at: At,
    unread: Annotated[bool | None, Query(description="true: what is not read yet")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """My messages, the newest first: the same words as the mails, also for who has no mailbox."""
    return await at.page(queries.listed, writer(at), unread=unread, after=after, limit=limit, out=MessageOut.of)


@routes.get("/me/inbox/unread", response_model=UnreadOut)
async def count(at: At) -> Response:
    """How many messages wait to be read."""
    return await at.read(queries.unread, out=lambda found: UnreadOut(unread=found))


@routes.post("/me/inbox/read", response_model=ReadOut)
async def read_all(at: At) -> Response:
    """Marks everything as read; tells how many were not."""
    return await at.command(commands.read_all, out=lambda found: ReadOut(read=found))


@routes.get("/inbox/{message_id}", response_model=MessageOut)
async def message(message_id: UUID, at: At) -> Response:
    """One of my messages."""
    return await at.read(queries.get, writer(at), message_id, out=MessageOut.of)


@routes.post("/inbox/{message_id}/read", response_model=MessageOut)
async def read(message_id: UUID, at: At) -> Response:
    """Marks a message as read; the first reading counts."""
    return await at.command(commands.read, writer(at), message_id, out=MessageOut.of)


def writer(at: Edge) -> Writer:
    """Made once: reading the templates takes longer than a request should."""
    state, settings = at.context.state, at.context.settings
    if WRITER not in state:
        assert isinstance(settings, Settings)
        state[WRITER] = Writer.of(settings)
    found: Writer = state[WRITER]
    return found
