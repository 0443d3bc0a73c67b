"""The shapes that every service answers alike, so that a caller who has read one has read them all."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel


class Ref(BaseModel):
    """Something that is kept elsewhere: what it is called, and where it is read."""

    id: UUID
    name: str
    href: str


class Statistic(BaseModel, json_schema_extra={"examples": [{"count": 3, "of": 7, "share": 0.4286}]}):
    """A part of a whole; the share is null, not zero, when the whole is empty."""

    count: int
    of: int
    share: float | None

    @classmethod
    def out_of(cls, count: int, of: int) -> Statistic:
        """With the share as exact as it comes."""
        return cls(count=count, of=of, share=count / of if of else None)
