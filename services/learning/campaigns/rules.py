"""Campaigns of awareness: public pages for one audience, shown from a day until another.

draft -> planned -> open -> closed. A draft may change in everything; its address is fixed once it is planned, since it
is printed on leaflets; its pages may be bettered until it closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.learning.paths.rules import Audience
from shared.access.actor import LATEST, ROME

MOST = 30
"""Pages of a campaign."""
FIXED = ("slug", "audience")


class State(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class UnknownCampaign(Exception):
    """There is none here, or none that the caller may see."""


class Over(Exception):
    """It was here, and is closed."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.title = title


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class NotPossibleNow(Exception):
    """What was asked does not go with the campaign's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


@dataclass(frozen=True)
class Page:
    """Markdown in Italian, and in English when both its title and its text are written. The first page of a campaign is
    at its own address, the others at their `slug` below it."""

    slug: str
    title: str
    text: str
    title_en: str | None = None
    text_en: str | None = None
    id: UUID = field(default_factory=uuid7)

    def in_(self, language: str) -> tuple[str, str, str]:
        """(language, title, text): Italian where the other one was not written."""
        if language == "en" and self.title_en and self.text_en:
            return "en", self.title_en, self.text_en
        return "it", self.title, self.text

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "id": str(self.id)}


@dataclass(eq=False)
class Campaign:
    network_id: UUID
    slug: str
    title: str
    audience: Audience
    since: date
    until: date | None = None
    title_en: str | None = None
    territory: str | None = None
    within: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    state: State = State.DRAFT
    written_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        possible = {
            "edit": self.state is not State.CLOSED,
            "publish": self.state is State.DRAFT,
            "hold_back": self.state is State.PLANNED,
            "close": self.state is State.OPEN,
            "delete": self.state is State.DRAFT,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        """Raises NotPossibleNow."""
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def change(self, given: Mapping[str, Any], on: date) -> bool:
        """Takes the values given; False when nothing differs. Raises NotPossibleNow, Unfit."""
        self.require("edit")
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        fixed = FIXED if self.state is not State.DRAFT else ()
        for name in (*fixed, *(("since",) if self.state is State.OPEN else ())):
            if name in changed:
                raise Unfit(f"/{name}", "fixed", "only while it is a draft" if name != "since" else "before it opens")
        for name, value in changed.items():
            setattr(self, name, value)
        self.require_consistent(on, moved="until" in changed or "since" in changed)
        return bool(changed)

    def require_consistent(self, on: date, *, moved: bool = True) -> None:
        """Raises Unfit."""
        if self.until is not None and self.until <= self.since:
            raise Unfit("/until", "day", f"> {self.since}")
        if moved and self.until is not None and self.until <= on:
            raise Unfit("/until", "day", f"> {on}")
        if max(self.since, self.until or self.since) > LATEST:
            raise Unfit("/since", "day", f"<= {LATEST}")
        seen: set[str] = set()
        for place, page in enumerate(self.pages):
            if page.slug in seen:
                raise Unfit(f"/pages/{place}/slug", "repeated", "a slug of its own for each page")
            seen.add(page.slug)
            if bool(page.title_en) is not bool(page.text_en):
                raise Unfit(f"/pages/{place}/text_en", "half", "title_en and text_en, or neither")
        if self.state is not State.DRAFT and not self.pages:
            raise Unfit("/pages", "too_short", "at least one page")

    def publish(self, on: date) -> bool:
        """Whether it is open now; else it opens on its day. Raises NotPossibleNow, Unfit."""
        self.require("publish")
        self.require_consistent(on)
        if not self.pages:
            raise Unfit("/pages", "too_short", "at least one page")
        self.state = State.OPEN if self.since <= on else State.PLANNED
        return self.state is State.OPEN

    def hold_back(self) -> None:
        self.require("hold_back")
        self.state = State.DRAFT

    def close(self) -> None:
        self.require("close")
        self.state = State.CLOSED

    def turn(self, on: date) -> tuple[State, ...]:
        """The states through which the days that have passed lead it, in their order."""
        through = []
        if self.state is State.PLANNED and self.since <= on:
            self.state = State.OPEN
            through.append(State.OPEN)
        if self.state is State.OPEN and self.until is not None and self.until <= on:
            self.state = State.CLOSED
            through.append(State.CLOSED)
        return tuple(through)

    def turns_at(self) -> datetime | None:
        """The instant at which it next opens or closes by itself."""
        day = {State.PLANNED: self.since, State.OPEN: self.until}.get(self.state)
        return datetime.combine(day, time(), ROME) if day is not None else None

    def shown(self, on: date) -> bool:
        """By the clock, whether or not it was stated that it opened or closed."""
        running = self.state is State.OPEN or (self.state is State.PLANNED and self.since <= on)
        return running and (self.until is None or on < self.until)

    def page(self, slug: str | None) -> Page | None:
        """The first at the campaign's own address, else by slug."""
        if slug is None:
            return self.pages[0] if self.pages else None
        return next((page for page in self.pages[1:] if page.slug == slug), None)


def kept(pages: Sequence[Page], wanted: Sequence[Page]) -> tuple[Page, ...]:
    """The pages as somebody has edited them: one with the slug of one before is that one, and keeps its figures."""
    known = {page.slug: page.id for page in pages}
    return tuple(
        Page(page.slug, page.title, page.text, page.title_en, page.text_en, known.get(page.slug, page.id))
        for page in wanted
    )
