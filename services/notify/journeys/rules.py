"""What may be known of a fact by others than those whom it is about, and whose matter it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from shared import territories
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

BODIES = ("body_id", "debtor_body_id", "creditor_body_id", "owner_body_id", "bodies")
PLACES = ("territory", "municipality", "territories")


def confidential(kind: type[Fact]) -> bool:
    """Whether the content of such facts must not leave; what nobody has placed yet must not."""
    aggregate = kind.name.rsplit(".", 1)[0]
    return kind.name in CONFIDENTIAL or aggregate in CONFIDENTIAL or aggregate not in OPEN


@lru_cache(maxsize=1024)
def _said_by(kind: type[Fact], names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these fields such facts have: most have none."""
    return tuple(name for name in names if name in kind.model_fields)


def bodies_of(fact: Fact) -> list[UUID]:
    """The bodies whose matter it is."""
    found = {id_ for name in _said_by(type(fact), BODIES) for id_ in _several(getattr(fact, name))}
    if fact.aggregate() == "body":
        found.add(fact.id)
    return sorted(id_ for id_ in found if id_)


def territories_of(fact: Fact) -> list[str]:
    """The codes of the places where it is, with the province and the region around each, so that whose region it is
    finds it."""
    named = [place for name in _said_by(type(fact), PLACES) for place in _several(getattr(fact, name))]
    italy = territories.load()
    return sorted({code for place in named for code in italy.around(place)})


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)


def recorded_at(fact_id: UUID, occurred_at: datetime) -> datetime:
    """Wall time, which an id of version 7 begins with, in milliseconds."""
    return datetime.fromtimestamp((fact_id.int >> 80) / 1000, UTC) if fact_id.version == 7 else occurred_at


# An act as a tree


@dataclass(frozen=True, slots=True)
class Line:
    """A fact of an act, without its content."""

    id: UUID
    type: str
    network_id: UUID | None
    causation: UUID | None
    aggregate_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    bodies: Sequence[UUID] = ()
    territories: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody coordinates; `whole`: everything in the network is theirs to read."""

    whole: bool = False
    bodies: frozenset[UUID] = frozenset()
    territories: frozenset[str] = frozenset()

    def concerns(self, line: Line) -> bool:
        return self.whole or not (self.bodies.isdisjoint(line.bodies) and self.territories.isdisjoint(line.territories))


@dataclass(slots=True)
class Step:
    """Facts of one type that came of the same step, in the order of time. `named`: what they are about may be said;
    otherwise only that something of the kind led to the rest."""

    type: str
    lines: list[Line] = field(default_factory=list)
    named: bool = True
    steps: list[Step] = field(default_factory=list)

    @property
    def first(self) -> Line:
        return self.lines[0]


def visible(lines: Iterable[Line], scope: Scope) -> dict[UUID, bool]:
    """What somebody may see of an act, by fact, and whether what it is about may be said. A coordinator sees what
    concerns their bodies and territories, what came of it unless it is another's matter, and of what led to it that it
    did."""
    ordered = sorted(lines, key=lambda line: line.id)
    if scope.whole:
        return {line.id: True for line in ordered}
    known = {line.id: line for line in ordered}
    seen: dict[UUID, bool] = {}
    for line in ordered:
        nobodys = not line.bodies and not line.territories
        if scope.concerns(line) or (nobodys and line.causation is not None and seen.get(line.causation, False)):
            seen[line.id] = True
            _led_to(line, known, seen)
    return seen


def _led_to(line: Line, known: Mapping[UUID, Line], seen: dict[UUID, bool]) -> None:
    at = line.causation
    while at is not None and at in known and at not in seen:
        seen[at] = False
        at = known[at].causation


def steps_of(lines: Iterable[Line], seen: Mapping[UUID, bool]) -> list[Step]:
    """The tree of what caused what. Facts of one type with the same cause are one step: twenty thousand invitations
    are a line. A cause that is not seen, or not known here, is none."""
    shown = sorted((line for line in lines if line.id in seen), key=lambda line: line.id)
    parents = {line.id: line.causation if line.causation in seen else None for line in shown}
    children: dict[UUID | None, list[Line]] = defaultdict(list)
    for line in shown:
        children[parents[line.id]].append(line)
    return _grouped(children[None], children, seen)


def _grouped(
    lines: Sequence[Line], children: Mapping[UUID | None, list[Line]], seen: Mapping[UUID, bool]
) -> list[Step]:
    steps: dict[tuple[str, bool], Step] = {}
    for line in lines:
        step = steps.setdefault((line.type, seen[line.id]), Step(line.type, named=seen[line.id]))
        step.lines.append(line)
    for step in steps.values():
        below = [child for line in step.lines for child in children.get(line.id, ())]
        step.steps = _grouped(sorted(below, key=lambda child: child.id), children, seen) if below else []
    return sorted(steps.values(), key=lambda step: step.first.id)
