"""People: representatives and delegates, as little of them as the work needs.

Several people may share a mailbox, and some have only a phone, so neither identifies a person.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from uuid_utils.compat import uuid7


class Language(StrEnum):
    ITALIAN = "it"
    ENGLISH = "en"


class Reach(StrEnum):
    """How the platform can tell somebody something: by mail; not by itself, but somebody can call; not at all."""

    EMAIL = "email"
    PHONE = "phone"
    UNREACHABLE = "unreachable"


class UnknownPerson(Exception):
    """Nobody has this id whom the caller may know of."""


class Unfit(Exception):
    """A value that cannot be what it should be; `path` names the field, `accepted` an example that would do."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(f"{path}: not like {accepted}")
        self.path, self.accepted = f"/{path}", accepted


class Retained(Exception):
    """The person cannot be erased while somebody must be able to know who holds an office: `ground` is the mandate."""

    def __init__(self, mandate_id: UUID, ends: date | None) -> None:
        super().__init__(f"mandate {mandate_id} runs until {ends or 'it is ended'}")
        self.mandate_id, self.ends = mandate_id, ends


class OutOfSight(Exception):
    """The person is in quarantine: nothing of them is seen or changed until they are erased, or the erasure is called
    off."""


@dataclass(eq=False)
class Person:
    """`network_id` is the network that entered the person first; the others that know them stand beside the row."""

    network_id: UUID
    given_name: str
    family_name: str
    language: Language = Language.ITALIAN
    email: str | None = None
    email_verified_at: datetime | None = None
    phone: str | None = None
    erased_at: datetime | None = None
    merged_into: UUID | None = None  # the person who stands for this one, who was a duplicate
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def hidden(self) -> bool:
        """In quarantine: the names stand elsewhere (`erasures`). Everybody else has a family name until erased."""
        return self.erased_at is None and not self.family_name

    @property
    def reach(self) -> Reach:
        if self.email is not None:
            return Reach.EMAIL
        return Reach.PHONE if self.phone is not None else Reach.UNREACHABLE

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    def change(self, **changes: str | None) -> bool:
        """Takes the new values; False when nothing differs. A new address has to be verified again."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if "email" in changed:
            self.email_verified_at = None
        return bool(changed)

    def verify_email(self, now: datetime) -> bool:
        """Somebody has shown that they read this mailbox; False when that was known."""
        if self.email_verified:
            return False
        self.email_verified_at = now
        return True

    def erase(self, now: datetime) -> None:
        """What remains is a row that says that somebody was here, so that offices held keep pointing to one person."""
        self.given_name = self.family_name = ""
        self.email = self.email_verified_at = self.phone = None
        self.erased_at = now

    def merge_into(self, other: UUID, now: datetime) -> None:
        """It was a duplicate: what remains names the person who stands for both."""
        self.erase(now)
        self.merged_into = other


def name_of(text: str) -> str:
    """Composed and without double blanks: the same name typed on two keyboards is one name."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def email_of(text: str) -> str:
    """The address in small letters, its domain in Unicode; no look-up is made. Raises Unfit."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Unfit("email", "nome@dominio.it") from error


def phone_of(text: str, region: str = "IT") -> str:
    """E.164 (`+390341123456`); without a prefix the number is Italian. Raises Unfit."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise Unfit("phone", "+39 0341 123456") from error
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise Unfit("phone", "+39 0341 123456")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
