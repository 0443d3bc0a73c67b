"""Networks: the rooms inside which everything lives, and how each presents itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SLUG_LENGTH = range(2, 64)


class Kind(StrEnum):
    ALLIANCE = "alliance"
    ASSOCIATION_NETWORK = "association_network"
    DISTRICT = "district"
    PARTNERSHIP = "partnership"


class Language(StrEnum):
    ITALIAN = "it"
    ENGLISH = "en"


class UnfitAddress(Exception):
    """The network's own mailbox must be an email address."""


class UnfitLogo(Exception):
    """Not an image that can stand in a mail and on a page; says what would do."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class UnknownLogo(Exception):
    """No network has, or had, an image with this fingerprint."""


class UnfitSlug(Exception):
    """A slug is 2 to 63 small letters, digits and single hyphens, begins with a letter, and is no UUID."""


@dataclass(eq=False)
class Network:
    """An alliance, a rete associativa, a district (ambito) or a partnership.

    The slug stands in links and in partners' configurations, so it never changes.
    """

    slug: str
    name: str
    kind: Kind = Kind.ALLIANCE
    language: Language = Language.ITALIAN
    sender_name: str | None = None  # how its mails are signed, once it has decided so
    sender_address: str | None = None
    logo: str | None = None  # path of the image
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        if not fits(self.slug):
            raise UnfitSlug(self.slug)

    def change(self, **changes: str | None) -> bool:
        """Takes the new values; False when nothing differs."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)


def fits(slug: str) -> bool:
    """Slug and id stand in the same place of a path, so a slug must never read as an id."""
    return len(slug) in SLUG_LENGTH and bool(SLUG.fullmatch(slug)) and not is_id(slug)


def logo_path(fingerprint: str) -> str:
    """The image never changes under its path, so it may be kept by browsers and mail programs for ever."""
    return f"/registry/v1/logos/{fingerprint}"


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
