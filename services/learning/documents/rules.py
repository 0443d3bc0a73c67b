"""Documents and their editions: what a file must be to be taken, who may read it, until when it is kept.

A file is taken by what it holds, never by its name or by what its sender calls it. What is refused is refused before
anybody can read it, and says why.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.learning.documents.kinds import ENDINGS, FILES, LARGEST, SEARCHABLE
from shared.access.actor import LATEST, ROME

MOST_READERS = 1_000
"""People in one fact: more are told in several."""


class Kind(StrEnum):
    PLAN = "plan"
    GUIDELINE = "guideline"
    REGULATION = "regulation"
    STATUTE = "statute"
    AGREEMENT = "agreement"
    NOTICE = "notice"
    REPORT = "report"
    MINUTES = "minutes"
    FORM = "form"
    GUIDE = "guide"
    PRESENTATION = "presentation"
    OTHER = "other"


class Visibility(StrEnum):
    NETWORK = "network"
    BODY = "body"
    PUBLIC = "public"


class State(StrEnum):
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Text(StrEnum):
    """How far the words of a file are known to the search."""

    WAITING = "waiting"
    READY = "ready"
    NONE = "none"  # of this kind of file no text is read, or there is none in it (a scan)
    FAILED = "failed"


class UnknownDocument(Exception):
    """No document has this id, or none that the caller may know of."""


class UnknownEdition(Exception):
    """The document has no edition of that number."""


class FileGone(Exception):
    """The edition's file was erased: its time was over, or somebody decided it."""

    def __init__(self, on: date) -> None:
        super().__init__(on)
        self.erased_on = on


class NotPossibleNow(Exception):
    def __init__(self, state: str, action: str) -> None:
        super().__init__(f"{action} when {state}")
        self.state, self.action = state, action


class Unfit(Exception):
    """Values that do not go together, or a place that is none; `path` names the field."""

    def __init__(self, name: str, code: str, accepted: str) -> None:
        super().__init__(f"{name}: {code}")
        self.path, self.code, self.accepted = f"/{name}", code, accepted


class SameFile(Exception):
    """The newest edition has just this file."""

    def __init__(self, edition: int) -> None:
        super().__init__(edition)
        self.path, self.code, self.edition = "/file", "same", edition
        self.accepted = f"a file that differs from that of edition {edition}"


class NotAPerson(Exception):
    """A key reads for a system: only people follow a document."""


class UnfitFile(Exception):
    """Of none of the kinds that are taken, or not whole. `code`: empty, kind, damaged, locked, too_much."""

    path = "/file"

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.accepted, self.path = code, ACCEPTED[code], "/file"


class HarmfulFile(Exception):
    """It does, or pretends, something that a document does not. `code`: eicar, active, macros, polyglot."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.accepted, self.path = code, ACCEPTED[code], "/file"


class FileTooLarge(Exception):
    def __init__(self) -> None:
        super().__init__(f"more than {LARGEST}")
        self.most, self.accepted, self.path = LARGEST >> 20, f"<= {LARGEST} bytes", "/file"


KINDS = f"{FILES}, <= {LARGEST >> 20} MB"
ACCEPTED = {
    "empty": "a file that is not empty",
    "kind": KINDS,
    "damaged": "a whole file: this one ends too early or cannot be read as what it says it is",
    "locked": "a PDF without password or protection",
    "too_much": "a file that can be looked through in reasonable time and memory",
    "eicar": "a file in which no scanner finds anything harmful",
    "active": "a PDF that runs nothing: no JavaScript, no programs started by it",
    "macros": "a document without macros",
    "polyglot": "a PDF with nothing after its end",
}
HARMFUL = frozenset({"eicar", "active", "macros", "polyglot"})


def refusal(code: str) -> UnfitFile | HarmfulFile:
    """What was found in a file, as the exception that says so."""
    return HarmfulFile(code) if code in HARMFUL else UnfitFile(code)


def file_name_of(given: str, media_type: str) -> str:
    """The last part of the name, whatever the system that sent it; with an ending of what the file is, after its own
    where that is another."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if c.isprintable() and not "\ud800" <= c <= "\udfff").strip() or "file"
    endings = ENDINGS[media_type]
    ends = next((name[-len(ending) :] for ending in endings if name.lower().endswith(ending)), endings[0])
    return (name.removesuffix(ends)[: 120 - len(ends)] or "file") + ends


@dataclass(eq=False)
class Edition:
    """One file of a document, numbered from 1; `note` says what is new. Its id is the name of its object in the
    store. `pages` is known of PDFs."""

    document_id: UUID
    number: int
    file_name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    pages: int | None = None
    note: str = ""
    text: Text = Text.NONE
    added_by: UUID | None = None
    erased_on: date | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(eq=False)
class Document:
    """Something to be read, in editions of which the newest, `edition`, counts. Valid from `since` until the day before
    `until`; its files are kept until the end of `retained_until`, and for good where that is None."""

    network_id: UUID
    title: str
    kind: Kind
    added_at: datetime
    description: str = ""
    territory: str | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    since: date | None = None
    until: date | None = None
    retained_until: date | None = None
    edition: int = 0
    state: State = State.PUBLISHED
    added_by: UUID | None = None
    withdrawn_on: date | None = None
    erased_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def check(self, on: date, given: Collection[str]) -> None:
        """Of the fields that were given, whether they go with each other and with today. Raises Unfit."""
        if self.since and self.until and self.until <= self.since:
            raise Unfit("until", "order", f"> {self.since}")
        if self.visibility is Visibility.BODY and self.body_id is None:
            raise Unfit("body_id", "missing", "the body whose members may read it")
        if "retained_until" in given and self.retained_until and not on <= self.retained_until <= LATEST:
            raise Unfit("retained_until", "range", f"{on} to {LATEST}")

    def change(self, on: date, **given: Any) -> bool:
        """Takes the fields given; False when nothing differs. Raises NotPossibleNow, Unfit."""
        if self.erased_on is not None:
            raise NotPossibleNow("erased", "change")
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        self.check(on, changed)
        return bool(changed)

    def next_edition(self) -> int:
        """The number of an edition that is to come. Raises NotPossibleNow."""
        if self.state is not State.PUBLISHED:
            raise NotPossibleNow(self.state, "revise")
        self.edition += 1
        return self.edition

    def withdraw(self, on: date) -> None:
        """Read no more, except by those who look after it. Raises NotPossibleNow."""
        if self.state is not State.PUBLISHED:
            raise NotPossibleNow(self.state, "withdraw")
        self.state, self.withdrawn_on = State.WITHDRAWN, on

    def erase(self, on: date) -> bool:
        """Its files go; what was known of them stays. True when it was still published, and is no longer."""
        told = self.state is State.PUBLISHED
        if told:
            self.withdraw(on)
        self.erased_on = on
        return told

    def actions(self) -> list[str]:
        """What its state allows whoever may write it."""
        if self.erased_on is not None:
            return []
        return ["change", "erase", *(["revise", "withdraw"] if self.state is State.PUBLISHED else [])]


def valid_on(since: date | None, until: date | None, on: date) -> bool:
    return (since is None or since <= on) and (until is None or on < until)


def kept_until(retained_until: date) -> datetime:
    """The instant at which the day after it begins in Italy: then its files go."""
    return datetime.combine(retained_until + timedelta(days=1), time(), ROME)


def expired(retained_until: date | None, on: date) -> bool:
    return retained_until is not None and on > retained_until


def text_of(media_type: str) -> Text:
    return Text.WAITING if media_type in SEARCHABLE else Text.NONE
