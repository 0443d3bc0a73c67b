"""The meeting that a mail speaks of, for the reader's calendar: the same UID in every mail, the meeting's SEQUENCE.

Each person has a copy of their own, in which they are the only attendee: who else is invited is not for everybody. Its
organizer is an address of that invitation alone; without a domain where answers arrive nobody is asked for any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row

from services.notify.deliveries.mail import Invitation
from services.notify.deliveries.outcomes import Claimed
from services.notify.messages.queries import Known
from services.notify.messages.rules import (
    INVITATION_ADMITTED,
    INVITATION_WITHDRAWN,
    MEETING_CANCELLED,
    MEETING_CHANGED,
    MEETING_CONVENED,
    MEETING_MOVED,
)
from services.notify.replies.rules import address
from shared import calendars
from shared.calendars import Attendee, Entry, Method, Organizer, Status

METHODS: Mapping[str, Method] = {
    MEETING_CONVENED.code: Method.REQUEST,
    MEETING_MOVED.code: Method.REQUEST,
    MEETING_CHANGED.code: Method.REQUEST,
    INVITATION_ADMITTED.code: Method.REQUEST,
    MEETING_CANCELLED.code: Method.CANCEL,
    INVITATION_WITHDRAWN.code: Method.CANCEL,
}
"""By topic: what a calendar is told besides."""
PARTSTATS = {"yes": "ACCEPTED", "no": "DECLINED", "delegated": "DECLINED", "perhaps": "TENTATIVE"}
"""What was answered stands; who has delegated somebody will not be there."""
TEXTS = {
    "it": {
        "remote": "Online",
        "agenda": "Ordine del giorno:",
        "body": "Organo: {}",
        "for": "Per: {}",
        "link": "Rispondi, delega o collegati: {}",
    },
    "en": {
        "remote": "Online",
        "agenda": "Agenda:",
        "body": "Body: {}",
        "for": "For: {}",
        "link": "Answer, delegate or join: {}",
    },
}


class Told(Protocol):
    """What of the mail's words a calendar repeats."""

    @property
    def language(self) -> str: ...
    @property
    def link(self) -> str | None: ...


def invitations_of(claimed: Sequence[Claimed]) -> set[UUID]:
    """The invitations that these mails bring to a calendar."""
    return {UUID(c.parameters["invitation_id"]) for c in claimed if c.topic in METHODS}


def invitation(
    delivery: Claimed, known: Known, words: Told, to: str, public_url: str, reply_domain: str | None, wall: datetime
) -> Invitation | None:
    """None for what is no meeting. `to` is the mailbox on the wire, `wall` when the mail is written."""
    method = METHODS.get(delivery.topic)
    if method is None:
        return None
    meeting = known.meetings[UUID(delivery.parameters["meeting_id"])]
    asked = known.invitations[UUID(delivery.parameters["invitation_id"])]
    token = known.replies.get(asked.id)
    network = known.networks.get(delivery.network_id) if delivery.network_id else None
    organizer, attendees = None, list[Attendee]()
    if reply_domain and token:
        organizer = Organizer(network.name if network else "Trama", address(token, reply_domain))
        attendees = [_attendee(known, asked, to, rsvp=method is Method.REQUEST)]
    entry = Entry(
        uid=calendars.uid("meeting", meeting.id, public_url),
        sequence=meeting.sequence,
        stamp=wall,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        summary=meeting.title,
        status=Status.CANCELLED if method is Method.CANCEL else Status.CONFIRMED,
        location=_location(meeting, words.language),
        description=_description(known, meeting, asked, words),
        url=words.link,
        organizer=organizer,
        attendees=attendees,
    )
    said = method if organizer else Method.PUBLISH
    return Invitation(str(said), calendars.write([entry], method=said))


def _attendee(known: Known, asked: Row[Any], to: str, *, rsvp: bool) -> Attendee:
    contact = known.contacts.get(asked.person_id)
    name = f"{contact.given_name} {contact.family_name}".strip() if contact else ""
    return Attendee(name or to, to, PARTSTATS.get(asked.answer or "", "NEEDS-ACTION"), rsvp=rsvp)


def _location(meeting: Row[Any], language: str) -> str:
    remote = [] if meeting.mode == "in_person" else [TEXTS[language]["remote"]]
    return " / ".join([*([meeting.place] if meeting.place else []), *remote])


def _description(known: Known, meeting: Row[Any], asked: Row[Any], words: Told) -> str:
    texts = TEXTS[words.language]
    body, organisation = known.bodies.get(meeting.body_id), known.organisations.get(asked.organisation_id)
    lines = [texts["body"].format(body.title)] if body else []
    lines += [texts["for"].format(organisation.title)] if organisation else []
    if meeting.agenda:
        lines += [texts["agenda"], *(f"{number}. {item}" for number, item in enumerate(meeting.agenda, 1))]
    return "\n".join([*lines, *([texts["link"].format(words.link)] if words.link else [])])
