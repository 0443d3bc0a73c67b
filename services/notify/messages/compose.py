"""From an intent to the words that one person reads; signed links are made here, at sending time, kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.rules import AddressUnusable, mailbox
from services.notify.contacts.tables import contacts
from services.notify.deliveries.mail import Mail
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Problem, State
from services.notify.deliveries.sending import Unsendable
from services.notify.messages import rules
from services.notify.organisations.tables import organisations
from shared import territories
from shared.access.tables import networks

ROME = ZoneInfo("Europe/Rome")
TEMPLATES = Path(__file__).parent / "templates"
PARTS = ("subject.txt", "body.txt", "body.html")

MintLink = Callable[[str, UUID, datetime], str]
"""(purpose, subject, expires) -> token for the registry."""


class TooLate(Exception):
    """What the message says has no use any more."""


@lru_cache(maxsize=4096)  # Babel takes as long for one date as Jinja for the rest of a text
def _day(value: date | datetime, language: str) -> str:
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "long", locale=language)


def _hour(value: datetime, language: str) -> str:
    return format_time(value.astimezone(ROME), "HH:mm", locale=language)


def _number(value: int, language: str) -> str:
    return format_decimal(value, locale=language)


def environment() -> jinja2.Environment:
    """HTML is escaped, text is not; a variable that nobody gave is an error and never an empty space in a mail."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters |= {
        "day": _day,
        "hour": _hour,
        "number": _number,
        "last_day": lambda until: until - timedelta(days=1),
    }
    return env


@dataclass(frozen=True, slots=True)
class Known:
    """What the projections say about everybody and everything that a batch of deliveries speaks of."""

    contacts: Mapping[UUID, Row[Any]]
    networks: Mapping[UUID, Row[Any]]
    organisations: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the mail of a delivery. `public_url` is where people reach the platform."""

    public_url: str
    sender_name: str
    mint: MintLink
    templates: jinja2.Environment

    async def known(self, session: AsyncSession, claimed: Sequence[Claimed]) -> Known:
        """Three reads for a whole batch."""
        people = {c.person_id for c in claimed if c.person_id}
        rooms = {c.network_id for c in claimed if c.network_id}
        bodies = {UUID(c.parameters["organisation_id"]) for c in claimed if c.parameters.get("organisation_id")}
        return Known(
            {r.person_id: r for r in await session.execute(select(contacts).where(contacts.c.person_id.in_(people)))},
            {r.id: r for r in await session.execute(select(networks).where(networks.c.id.in_(rooms)))},
            {r.id: r.title for r in await session.execute(select(organisations).where(organisations.c.id.in_(bodies)))},
        )

    def write(self, delivery: Claimed, known: Known, wall: datetime) -> Mail | Unsendable:
        """`wall` is wall time, by which links expire."""
        contact = known.contacts.get(delivery.person_id) if delivery.person_id else None
        if contact is None or contact.erased_at is not None:
            return Unsendable(State.SUPPRESSED, Problem.PERSON_ERASED)
        if not contact.email:
            return Unsendable(State.FAILED, Problem.NO_ADDRESS)
        network = known.networks.get(delivery.network_id) if delivery.network_id else None
        language = rules.language_of(contact.language)
        try:
            to = mailbox(contact.email)
            words = {
                "language": language,
                "given_name": contact.given_name,
                "network": network.name if network else None,
                "sender": self.sender_name,
                **self._particulars(delivery, known, language, wall),
            }
            subject, text, html = (
                self.templates.get_template(f"{delivery.topic}/{language}/{part}").render(words) for part in PARTS
            )
        except AddressUnusable:
            return Unsendable(State.FAILED, Problem.ADDRESS_UNUSABLE)
        except TooLate:
            return Unsendable(State.SUPPRESSED, Problem.TOO_LATE)
        except (jinja2.TemplateError, LookupError, TypeError, ValueError) as error:
            return Unsendable(State.FAILED, Problem.NOT_WRITABLE, f"{type(error).__name__}: {error}")
        return Mail(
            to=to,
            to_name=f"{contact.given_name} {contact.family_name}",
            language=language,
            subject=subject,
            text=text,
            html=html,
            network=(network.slug, network.name) if network else None,
        )

    def _particulars(self, delivery: Claimed, known: Known, language: str, wall: datetime) -> dict[str, Any]:
        given = delivery.parameters
        match delivery.topic:
            case rules.SIGN_IN.code:
                return self._sign_in(given, wall)
            case rules.IMPORT_REPORT.code:
                return self._import_report(given, wall)
            case rules.MANDATE_GIVEN.code | rules.MANDATE_ENDED.code:
                return self._mandate(given, known, language)
            case unknown:
                raise LookupError(f"no topic {unknown!r}")

    def _sign_in(self, given: dict[str, Any], wall: datetime) -> dict[str, Any]:
        expires_at = datetime.fromisoformat(given["expires_at"])
        if rules.too_late(expires_at, wall):
            raise TooLate
        token = self.mint("sign-in", UUID(given["request_id"]), expires_at)
        return {"link": f"{self.public_url}/registry/v1/sign-in/link?token={token}", "expires_at": expires_at}

    def _import_report(self, given: dict[str, Any], wall: datetime) -> dict[str, Any]:
        import_id, until = UUID(given["import_id"]), wall + rules.REPORT_LINK_LASTS
        token = self.mint("import-report", import_id, until)
        figures = ("file_name", "rows", "created", "updated", "unchanged", "rejected", "problems", "failed_because")
        return {name: given[name] for name in figures} | {
            "link": f"{self.public_url}/registry/v1/imports/{import_id}/rows.csv?token={token}",
            "link_until": until,
        }

    def _mandate(self, given: dict[str, Any], known: Known, language: str) -> dict[str, Any]:
        role, organisation = given["role"], given["organisation_id"]
        since, until = date.fromisoformat(given["since"]), given["until"] and date.fromisoformat(given["until"])
        meaning = rules.MEANING.get(role)
        return {
            "role": rules.in_language(rules.ROLES.get(role, (role, role)), language),
            "meaning": rules.in_language(meaning, language) if meaning else None,
            "organisation": known.organisations[UUID(organisation)] if organisation else None,
            "territory": given["territory"] and territory_name(given["territory"]),
            "since": since,
            "until": until,
            "never_began": rules.never_began(since, until),
            "home": self.public_url,
        }


def territory_name(code: str) -> str:
    """As ISTAT writes it; a code of another edition stands for itself."""
    italy = territories.load()
    found = italy.municipality(code) or italy.province(code) or italy.region(code)
    return found.name if found else code
