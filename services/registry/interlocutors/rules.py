"""Interlocutors: the President and the Giunta of each region, with whom a network deals, and what was said to whom.

Trento and Bolzano have a President and a Giunta of their own and stand for Trentino-Alto Adige, so there are 21
institutions for 20 regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from uuid_utils.compat import uuid7

from shared import territories

TRENTINO_ALTO_ADIGE = "04"
AUTONOMOUS_PROVINCES = ("021", "022")


class Office(StrEnum):
    PRESIDENT = "president"
    GIUNTA = "giunta"


class Channel(StrEnum):
    LETTER = "letter"
    PEC = "pec"
    EMAIL = "email"
    PHONE = "phone"
    MEETING = "meeting"
    OTHER = "other"


class UnknownInstitution(Exception):
    """Neither a region nor one of the two autonomous provinces."""


class UnknownInterlocutor(Exception):
    """Nothing by this id, or nothing that the caller may know of."""


class Recorded(Exception):
    """The network has recorded this office of this institution already; a new holder is a change of it."""

    def __init__(self, interlocutor_id: UUID) -> None:
        super().__init__(f"interlocutor {interlocutor_id}")
        self.interlocutor_id = interlocutor_id


class NotYetHappened(Exception):
    """A contact is recorded when it has taken place."""

    def __init__(self, today: date) -> None:
        super().__init__(f"after {today}")
        self.accepted = f"not after {today}"


class Uncorrectable(Exception):
    """What is to be corrected is no entry of this log, or has been corrected: then the newest entry is the one."""


@dataclass(frozen=True)
class Institution:
    """Whose President and Giunta they are; `region` is the region that it stands for, its own or its part of."""

    code: str
    name: str
    region: str

    @property
    def kind(self) -> str:
        return "region" if self.code == self.region else "autonomous_province"


def italian(name: str) -> str:
    """ "Valle d'Aosta" of "Valle d'Aosta/Vallée d'Aoste"."""
    return name.split("/", maxsplit=1)[0]


@lru_cache(maxsize=1)
def institutions() -> Mapping[str, Institution]:
    """All 21 by code, in the order of their regions."""
    italy = territories.load()
    found: list[Institution] = []
    for region in sorted(italy.regions, key=lambda region: region.code):
        if region.code != TRENTINO_ALTO_ADIGE:
            found.append(Institution(region.code, italian(region.name), region.code))
            continue
        for code in AUTONOMOUS_PROVINCES:
            province = italy.province(code)
            assert province is not None
            found.append(Institution(code, italian(province.name), region.code))
    return {institution.code: institution for institution in found}


def institution_of(code: str) -> Institution:
    """Raises UnknownInstitution, for Trentino-Alto Adige too: its two provinces are its institutions."""
    institution = institutions().get(code)
    if institution is None:
        raise UnknownInstitution(code)
    return institution


def of_region(region: str) -> list[str]:
    """The codes of the institutions that stand for a region."""
    return [institution.code for institution in institutions().values() if institution.region == region]


@dataclass(eq=False)
class Interlocutor:
    """An office of an institution, recorded by a network. Who holds it is kept here and told to no other service."""

    network_id: UUID
    institution: str
    region: str  # that the institution stands for
    office: Office
    recorded_on: date
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    contacts: int = 0
    last_contact_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def change(self, **changes: str | None) -> bool:
        """Takes the new values; False when nothing differs."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)


@dataclass(eq=False)
class Contact:
    """An entry of the log: never changed nor taken away. One that was wrong is corrected by a later entry."""

    interlocutor_id: UUID
    happened_on: date
    channel: Channel
    summary: str
    recorded_on: date
    outcome: str | None = None
    corrects_id: UUID | None = None
    recorded_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)


def log(interlocutor: Interlocutor, contact: Contact, before: Iterable[Contact]) -> Contact:
    """The entry, the interlocutor's figures brought up to date with it; `before` is the whole log so far.

    Raises NotYetHappened, Uncorrectable. Entries that a later one corrects count no longer.
    """
    if contact.happened_on > contact.recorded_on:
        raise NotYetHappened(contact.recorded_on)
    log = [*before, contact]
    corrected = [entry.corrects_id for entry in log if entry.corrects_id is not None]
    known = {entry.id for entry in log} - {contact.id}
    if contact.corrects_id is not None and (
        contact.corrects_id not in known or corrected.count(contact.corrects_id) > 1
    ):
        raise Uncorrectable(contact.corrects_id)
    valid = [entry.happened_on for entry in log if entry.id not in corrected]
    interlocutor.contacts, interlocutor.last_contact_on = len(valid), max(valid)
    return contact
