"""News: short items for an audience, a territory or a body, that come out and go by themselves.

draft -> scheduled -> published -> expired or withdrawn. What is out is shown until the instant in `expires_at`, which
is looked at again whenever it is shown: the due table states it a moment later.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import nh3
from markdown_it import MarkdownIt
from uuid_utils.compat import uuid7

from services.learning.paths.rules import Audience, is_web_address

SUMMARY = 300
"""Characters of a summary."""
AHEAD = timedelta(days=366 * 5)
"""As far as anybody plans."""


class State(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Visibility(StrEnum):
    NETWORK = "network"
    PUBLIC = "public"


class UnknownItem(Exception):
    """No item has this id, or none that the caller may see."""


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class NotPossibleNow(Exception):
    """What was asked does not go with the item's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


@dataclass(eq=False)
class Item:
    network_id: UUID
    title: str
    text: str = ""
    summary: str = ""
    link: str | None = None
    audience: Audience | None = None
    territory: str | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    publish_at: datetime | None = None
    expires_at: datetime | None = None
    state: State = State.DRAFT
    published_at: datetime | None = None
    changed_at: datetime | None = None
    within: tuple[str, ...] = ()
    written_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        possible = {
            "edit": self.state in (State.DRAFT, State.SCHEDULED, State.PUBLISHED),
            "publish": self.state in (State.DRAFT, State.SCHEDULED),
            "withdraw": self.state in (State.SCHEDULED, State.PUBLISHED),
            "delete": self.state is State.DRAFT,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        """Raises NotPossibleNow."""
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def change(self, given: Mapping[str, Any], now: datetime) -> bool:
        """Takes the values given; False when nothing differs. Raises NotPossibleNow, Unfit."""
        self.require("edit")
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        if "publish_at" in changed and self.state is State.PUBLISHED:
            raise Unfit("/publish_at", "published", "only before it is published")
        for name, value in changed.items():
            setattr(self, name, value)
        self.require_consistent(now)
        if changed:
            self.changed_at = now
        return bool(changed)

    def require_consistent(self, now: datetime) -> None:
        """Raises Unfit."""
        if self.link is not None and not is_web_address(self.link):
            raise Unfit("/link", "url", "an address that begins with https:// or http://")
        if self.visibility is Visibility.PUBLIC and self.body_id is not None:
            raise Unfit("/visibility", "of_a_body", "network, for what is meant for a body")
        first = max(self.publish_at or now, now)
        if self.expires_at is not None and self.expires_at <= first:
            raise Unfit("/expires_at", "instant", f"> {first.isoformat()}")
        for name in ("publish_at", "expires_at"):
            at = getattr(self, name)
            if at is not None and at > now + AHEAD:
                raise Unfit(f"/{name}", "instant", f"<= {(now + AHEAD).isoformat()}")
        if self.state is State.SCHEDULED and self.publish_at is None:
            raise Unfit("/publish_at", "missing", "an instant, since it waits for one")

    def publish(self, now: datetime) -> None:
        """Now, or at `publish_at` when that is ahead. Raises NotPossibleNow, Unfit."""
        self.require("publish")
        self.require_consistent(now)
        self.changed_at = now
        if self.publish_at is not None and self.publish_at > now:
            self.state = State.SCHEDULED
        else:
            self.state, self.published_at = State.PUBLISHED, now

    def come_out(self, now: datetime) -> bool:
        """What waited for its instant; False when it waits no more, or waits for a later one. One whose time was over
        before anybody could show it expires without having come out."""
        if self.state is not State.SCHEDULED or self.publish_at is None or self.publish_at > now:
            return False
        if self.expires_at is not None and self.expires_at <= now:
            self.state, self.changed_at = State.WITHDRAWN, now
            self.published_at = self.publish_at
            return False
        self.state, self.published_at, self.changed_at = State.PUBLISHED, self.publish_at, now
        return True

    def expire(self, now: datetime) -> bool:
        """False when it is not out, or its time was put off."""
        if self.state is not State.PUBLISHED or self.expires_at is None or self.expires_at > now:
            return False
        self.state, self.changed_at = State.EXPIRED, now
        return True

    def withdraw(self, now: datetime) -> bool:
        """Whether anybody had been told of it: what only waited is a draft again. Raises NotPossibleNow."""
        self.require("withdraw")
        told = self.state is State.PUBLISHED
        self.state, self.changed_at = (State.WITHDRAWN if told else State.DRAFT), now
        return told

    def shown(self, now: datetime) -> bool:
        return self.state is State.PUBLISHED and (self.expires_at is None or self.expires_at > now)

    @property
    def short(self) -> str:
        """Its summary; without one the beginning of its text."""
        return self.summary or beginning(plain(self.text))


def reaches(
    item: Item,
    audiences: Collection[Audience],
    bodies: Collection[UUID],
    places: Collection[tuple[str, ...]],
    everything: bool = False,
) -> bool:
    """Whether an item is for somebody: of one of its audience, who belongs to its body, and whose places (each with
    those in which it lies, itself first) lie in its territory, or hold it."""
    if everything:
        return True
    if item.audience is not None and item.audience not in audiences:
        return False
    if item.body_id is not None and item.body_id not in bodies:
        return False
    if item.territory is None:
        return True
    return any(item.territory in around or around[0] in item.within for around in places if around)


# --- Markdown --------------------------------------------------------------------------------------------------------

TAGS = {
    "p",
    "br",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "em",
    "strong",
    "a",
    "blockquote",
    "code",
    "pre",
    "hr",
}
MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")


@lru_cache(maxsize=1024)
def html(text: str) -> str:
    """Markdown as HTML that is safe on any page: no markup of the author's own, no images, links to the web and to
    mail alone. Headings begin below the page's own, and none is left out, as a screen reader needs them."""
    tokens = MARKDOWN.parse(text)
    levels: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
            while levels and levels[-1] >= level:
                levels.pop()
            levels.append(level)
            token.tag = f"h{min(len(levels) + 1, 6)}"
        elif token.type == "heading_close":
            token.tag = f"h{min(len(levels) + 1, 6)}"
    made = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    return nh3.clean(
        made,
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer",
    )


def plain(text: str) -> str:
    """The words alone, on one line."""
    return re.sub(r"\s+", " ", _unescaped(nh3.clean(html(text), tags=set()))).strip()


def _unescaped(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def beginning(text: str, longest: int = SUMMARY) -> str:
    """So many characters at most, to the end of a word."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:.") + "…"
