"""What every service answers when a person uses a right of theirs (GDPR art. 15, 17, 20). No personal data in clear."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.contracts.envelope import Content, Fact


class Holding(Content):
    """What a service holds, or held, of a person, by kind of item. `outcome` is found (nothing was touched yet),
    quarantined, released, erased or retained; what is retained has its `ground` and, if it ends, the day it does."""

    what: str
    count: int
    outcome: str
    ground: str | None = None
    until: date | None = None


class Mention(Content):
    """A text that holds the person's name, address or number, for somebody to look at: table, column, and the id of the
    row where it has one. Never the text itself."""

    what: str
    column: str
    id: UUID | None = None


class ErasureAnswerState(Fact):
    """One service's answer to one phase (dry_run, quarantine, release or erase) of an erasure. `id` is the erasure's,
    `version` that of the question. `mentions` come with the dry run, the first 200 of `mentioned`."""

    erasure_id: UUID
    person_id: UUID
    phase: str
    holdings: tuple[Holding, ...] = ()
    mentions: tuple[Mention, ...] = ()
    mentioned: int = 0


class AccessAnswerState(Fact):
    """One part of what a service holds of a person, for the archive of an access request: sealed (compact JWE) for the
    key of that request alone, which is destroyed with the archive. Parts count from 1 to `parts`; opened and put one
    after the other they are a JSON document compressed with zlib. `id` is made of request, service and part."""

    access_id: UUID
    person_id: UUID
    part: int
    parts: int
    sealed: str
