"""The shapes that every service takes and answers alike, so that a caller who knows one knows them all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
"""Whatever offset it has, it is an instant in Italy too: the first and the last of the calendar are not, and what is
beyond PostgreSQL's last is read back as no instant at all."""
NOT_GIVEN: Any = Field(default_factory=lambda: None)
"""Of a field that may be left out and is never null."""


class Request(BaseModel):
    """What a caller sends: a field that nobody knows is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ref(BaseModel):
    """Something that is kept elsewhere: what it is called, and where it is read."""

    id: UUID
    name: str
    href: str

    @classmethod
    def person(cls, id_: UUID, name: str | None) -> Ref:
        """The name is empty of whom the registry has not told of yet, here and below."""
        return cls(id=id_, name=name or "", href=f"/registry/v1/people/{id_}")

    @classmethod
    def organisation(cls, id_: UUID, name: str | None) -> Ref:
        return cls(id=id_, name=name or "", href=f"/registry/v1/organisations/{id_}")

    @classmethod
    def body(cls, id_: UUID, title: str | None) -> Ref:
        return cls(id=id_, name=title or "", href=f"/registry/v1/bodies/{id_}")


class Statistic(BaseModel, json_schema_extra={"examples": [{"count": 3, "of": 7, "share": 0.4286}]}):
    """A part of a whole; the share is null, not zero, when the whole is empty."""

    count: int
    of: int
    share: float | None

    @classmethod
    def out_of(cls, count: int, of: int) -> Statistic:
        """With the share as exact as it comes."""
        return cls(count=count, of=of, share=count / of if of else None)


def line(longest: int) -> StringConstraints:
    """Text of one line, trimmed, 1 to `longest` characters; `Annotated[str, line(200)]`. No control character: a NUL is
    what PostgreSQL cannot keep, and others have no place in a name."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest, pattern=r"^[^\x00-\x1f]+$")


def prose(longest: int) -> StringConstraints:
    """Text of any number of lines, trimmed, 1 to `longest` characters, without NUL."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest, pattern=r"^[^\x00]+$")
