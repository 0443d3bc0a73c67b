"""What may be known of a fact by others than those whom it is about, and whose matter it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Fact

CONFIDENTIAL = frozenset(
    {
        "registry.person",  # names, addresses, sign-ins
        "registry.grant",  # all that a person may do, in every network
        "registry.api_key",  # hashes of secrets
        "registry.access",  # the key of an archive
        "registry.erasure",  # who used which right over their data
        "mapping.access",
        "events.access",
        "learning.access",
        "notify.access",  # sealed parts of somebody's data
        "mapping.erasure",
        "events.erasure",
        "learning.erasure",
        "notify.erasure",
        "events.ballot_papers",  # votes, one by one
        "events.voter.voted",  # that somebody voted is known, not when
        "learning.document_readers",  # what people read
    }
)
"""Aggregates (`service.aggregate`), or one fact of them, whose content stays where it was told: never kept here, in no
journey's words, in no rule, at no partner's address. That something of the kind was told is no secret."""

OPEN = frozenset(
    {
        "registry.network",
        "registry.organisation",
        "registry.membership",
        "registry.sharing",
        "registry.processing",
        "registry.mandate",
        "registry.body",
        "registry.seat",
        "registry.interlocutor",
        "registry.constitution",
        "registry.goal",
        "registry.commitment",
        "registry.plan",
        "registry.agreement",
        "registry.agreement_audience",
        "registry.interest",
        "registry.pact",
        "registry.project",
        "registry.outcome",
        "registry.import",
        "mapping.place",
        "mapping.resource",
        "mapping.experience",
        "mapping.absence",
        "mapping.need",
        "mapping.freshness",
        "mapping.area",
        "mapping.municipality",
        "mapping.crossing",
        "mapping.import",
        "events.series",
        "events.meeting",
        "events.attendance",
        "events.invitation",
        "events.calendar_reply",
        "events.poll",
        "events.poll_request",
        "events.ballot",
        "events.voter",
        "events.synthesis",
        "events.synthesis_audience",
        "events.report",
        "events.minutes",
        "events.minutes_approval",
        "events.decision",
        "learning.path",
        "learning.enrolment",
        "learning.assessment_request",
        "learning.gap",
        "learning.credential",
        "learning.document",
        "learning.news",
        "learning.practice",
        "learning.adoption",
        "learning.campaign",
        "notify.delivery",
        "notify.endpoint",
        "notify.certified_mail",
        "notify.calendar_reply",
    }
)
"""Aggregates whose facts the people of their network may read. What is in neither list is confidential, and a test
asks for its place."""

BODIES = ("body_id", "debtor_body_id", "creditor_body_id", "owner_body_id")
PLACES = ("territory", "municipality")


def confidential(kind: type[Fact]) -> bool:
    """Whether the content of such facts must not leave; what nobody has placed yet must not."""
    aggregate = kind.name.rsplit(".", 1)[0]
    return kind.name in CONFIDENTIAL or aggregate in CONFIDENTIAL or aggregate not in OPEN


def bodies_of(fact: Fact) -> list[UUID]:
    """The bodies whose matter it is."""
    found = {getattr(fact, name, None) for name in BODIES} | set(getattr(fact, "bodies", ()))
    if fact.aggregate() == "body":
        found.add(fact.id)
    return sorted(id_ for id_ in found if id_)


def territories_of(fact: Fact) -> list[str]:
    """The codes of the places where it is."""
    named: Iterable[Any] = (getattr(fact, name, None) for name in PLACES)
    return sorted({code for code in (*named, *getattr(fact, "territories", ())) if code})


def recorded_at(fact_id: UUID, occurred_at: datetime) -> datetime:
    """Wall time, which an id of version 7 begins with, in milliseconds."""
    return datetime.fromtimestamp((fact_id.int >> 80) / 1000, UTC) if fact_id.version == 7 else occurred_at
