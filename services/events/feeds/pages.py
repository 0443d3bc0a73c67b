"""A feed as calendar programs show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from services.events.feeds.queries import Known
from services.events.feeds.rules import Kind, Standing, standing
from services.events.invitations.rules import Reply
from services.events.invitations.rules import State as InvitationState
from services.events.meetings.rules import Mode
from services.events.meetings.rules import State as MeetingState
from shared import calendars
from shared.calendars import Entry

REFRESH = timedelta(hours=1)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "mine": "Le mie riunioni",
        "waiting": "In lista d'attesa: {}",
        "second": "Seconda convocazione",
        "remote": "Online",
        "body": "Organo: {}",
        "network": "Rete: {}",
        "for": "Per: {}",
        "agenda": "Ordine del giorno:",
        "join": "Per collegarsi: {}",
        "answer": "La tua risposta: {}",
        "none": "Non hai ancora risposto.",
        "yes": "sì",
        "no": "no",
        "perhaps": "forse",
        "delegated": "delega a {}",
        "withdrawn": "L'invito non vale più.",
    },
    "en": {
        "mine": "My meetings",
        "waiting": "On the waiting list: {}",
        "second": "Second call",
        "remote": "Online",
        "body": "Body: {}",
        "network": "Network: {}",
        "for": "For: {}",
        "agenda": "Agenda:",
        "join": "To join: {}",
        "answer": "Your answer: {}",
        "none": "You have not answered yet.",
        "yes": "yes",
        "no": "no",
        "perhaps": "perhaps",
        "delegated": "delegation to {}",
        "withdrawn": "The invitation is no longer good.",
    },
}


def head(known: Known) -> bytes:
    """What comes before the meetings: the calendar's name, and that it may be read again every hour."""
    texts = TEXTS[known.feed.language]
    titles = {Kind.PERSON: texts["mine"], Kind.BODY: known.body, Kind.NETWORK: known.network}
    return calendars.begin(name=titles[known.feed.kind] or "Trama", refresh=REFRESH)


def meetings(known: Known, rows: Iterable[Any], public_url: str) -> bytes:
    texts = TEXTS[known.feed.language]
    return b"".join(calendars.component(_entry(row, texts, public_url)) for row in rows)


def tail() -> bytes:
    return calendars.end()


def _entry(row: Any, texts: dict[str, str], public_url: str) -> Entry:
    """`stamp` is when the meeting, or the invitation to it, changed last: the same text for the same state."""
    stands = _standing(row)
    joins = row.join_url if stands.joins else None
    return Entry(
        uid=calendars.uid("meeting", row.id, public_url),
        sequence=row.sequence,
        stamp=row.updated_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        summary=texts["waiting"].format(row.title) if row.waiting else row.title,
        status=stands.status,
        location=_location(row, texts),
        description="\n".join(_lines(row, texts, joins)),
        url=joins,
        join_url=joins,
        free=stands.free,
    )


def _standing(row: Any) -> Standing:
    return standing(
        MeetingState(row.state),
        InvitationState(row.invitation) if row.invitation else None,
        Reply(row.answer) if row.answer else None,
        waiting=row.waiting,
    )


def _location(row: Any, texts: dict[str, str]) -> str:
    remote = [] if row.mode == Mode.IN_PERSON else [texts["remote"]]
    return " / ".join([*([row.place] if row.place else []), *remote])


def _lines(row: Any, texts: dict[str, str], joins: str | None) -> Iterable[str]:
    yield texts["body"].format(row.body) if row.body else texts["network"].format(row.network)
    if row.call == 2:
        yield texts["second"]
    if row.organisation:
        yield texts["for"].format(row.organisation)
    yield from _answer(row, texts)
    if joins:
        yield texts["join"].format(joins)
    if row.agenda:
        yield texts["agenda"]
        yield from (f"{number}. {item['title']}" for number, item in enumerate(row.agenda, 1))


def _answer(row: Any, texts: dict[str, str]) -> Iterable[str]:
    if row.invitation == InvitationState.WITHDRAWN:
        yield texts["withdrawn"]
    elif row.invitation and row.answer:
        yield texts["answer"].format(texts[row.answer].format(row.delegate or ""))
    elif row.invitation:
        yield texts["none"]
