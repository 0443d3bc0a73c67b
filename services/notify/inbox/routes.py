"""HTTP of the inbox: what was told to the caller, whether or not a mail reached them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.inbox import commands, live, queries
from services.notify.inbox.queries import Message, Wanted
from services.notify.messages.compose import Writer
from services.notify.settings import Settings
from shared.runtime import progress
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import NotFound, Problems

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


OWN_INBOX = ("inbox", UUID(int=0))
"""What a ticket is for: the inbox of whoever it was given to."""


class UnreadIn(BaseModel):
    network: NetworkRef | None
    unread: int


class UnreadOut(BaseModel):
    """How much is unread, and in which networks; what is of no network has none."""

    unread: int
    networks: list[UnreadIn]

    @classmethod
    def of(cls, rows: Sequence[Row[Any]]) -> UnreadOut:
        return cls.model_validate(live.counts(rows))


class ReadOut(BaseModel):
    read: int


Topics = Annotated[list[str], Query(max_length=50, description="any of these")]
Networks = Annotated[list[UUID], Query(max_length=50, description="any of these")]


@routes.get("/me/inbox", response_model=PageOut[MessageOut])
async def inbox(
    at: At,
    unread: Annotated[bool | None, Query(description="true: what is not read yet")] = None,
    topic: Topics = [],  # noqa: B006 (FastAPI copies it)
    network: Networks = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """My messages, the newest first: the same words as the mails, also for who has no mailbox."""
    wanted = Wanted(unread, topic, network)
    return await at.page(queries.listed, writer(at), wanted, after=after, limit=limit, out=MessageOut.of)


@routes.get("/me/inbox/unread", response_model=UnreadOut)
async def count(at: At) -> Response:
    """How many messages wait to be read, in each network."""
    return await at.read(queries.unread, out=UnreadOut.of)


@routes.post("/me/inbox/read", response_model=ReadOut)
async def read_all(
    at: At,
    topic: Topics = [],  # noqa: B006
    network: Networks = [],  # noqa: B006
) -> Response:
    """Marks everything as read, or all of some topics or networks; tells how many were not."""
    wanted = Wanted(topic=topic, network=network)
    return await at.command(commands.read_all, wanted, out=lambda found: ReadOut(read=found))


@routes.post("/me/inbox/ticket", status_code=201, response_model=progress.TicketOut)
async def ticket(at: At) -> Response:
    """What opens the stream of my inbox for a few minutes, where no header can be sent."""
    return await at.command(
        progress.ticket,
        queries.listening,
        *OWN_INBOX,
        identity=at.identity,
        href="/notify/v1/me/inbox/events",
        headers={"cache-control": "no-store"},
        out=lambda made: made,
        repeatable=False,
    )


EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": progress.event_stream("message", "unread"),
        "description": "`message` for each new message (without its text), then `unread` with what waits in each "
        "network; first of all `unread` as it stands. Comments in between keep it open",
    }
}


@routes.get("/me/inbox/events", response_class=Response, responses=EVENTS)
async def events(
    at: Anyone,
    ticket: Annotated[str, Query(max_length=100, description="From POST /me/inbox/ticket")],
    last_event_id: Annotated[str | None, Header(description="From a broken stream: what was missed is told")] = None,
) -> Response:
    """My inbox as it changes, as server-sent events."""
    person = (await progress.holder(at, ticket, *OWN_INBOX)).person_id
    if person is None:  # no ticket is given to a key: it is nobody, and nothing is told to it
        raise NotFound
    state = at.context.state
    streams: progress.Streams = state.setdefault("inbox_streams", progress.Streams(most=live.MOST_STREAMS))
    watch: live.Watch = state.setdefault("inbox_watch", live.Watch(at.context.database.sessions))
    streams.enter(person)
    told = live.stream(watch, person, last_event_id, state.get("stopping", lambda: False))
    return progress.Stream(told, lambda: streams.leave(person))


@routes.get("/inbox/{message_id}", response_model=MessageOut)
async def message(message_id: UUID, at: At) -> Response:
    """One of my messages."""
    return await at.read(queries.get, writer(at), message_id, out=MessageOut.of)


@routes.post("/inbox/{message_id}/unread", response_model=MessageOut)
async def unread_again(message_id: UUID, at: At) -> Response:
    """Marks a message as not read."""
    return await at.command(commands.unread_again, writer(at), message_id, out=MessageOut.of)


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


problems: Problems = progress.refusals
