"""Who is told: from what a rule says, what the fact names and who holds what on the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Date, Integer, Text, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.tables import bodies
from services.notify.rules.definition import (
    Channel,
    Coordinators,
    Definition,
    Holders,
    Named,
    OfTheFact,
    Representatives,
)
from services.notify.rules.rules import Telling
from shared import territories
from shared.access.actor import lies_in
from shared.access.roles import Role

MOST_STEPS = 20
HOLDERS = text("""
    SELECT DISTINCT a.number, g.person_id, g.body_id, g.territory
    FROM unnest(:numbers, :networks, :roles, :organisations, :bodies, :territories, :days)
        AS a(number, network_id, role, organisation_id, body_id, territory, day)
    JOIN grants g ON g.network_id = a.network_id
        AND (a.role IS NULL OR g.role = a.role)
        AND (a.organisation_id IS NULL OR g.organisation_id = a.organisation_id)
        AND (a.body_id IS NULL OR g.body_id = a.body_id)
        AND (a.territory IS NULL OR g.territory = a.territory)
        AND g.since <= a.day AND (g.until IS NULL OR g.until > a.day)
    ORDER BY a.number, g.person_id
""").bindparams(
    bindparam("numbers", type_=ARRAY(Integer)),
    bindparam("networks", type_=ARRAY(Uuid)),
    bindparam("roles", type_=ARRAY(Text)),
    bindparam("organisations", type_=ARRAY(Uuid)),
    bindparam("bodies", type_=ARRAY(Uuid)),
    bindparam("territories", type_=ARRAY(Text)),
    bindparam("days", type_=ARRAY(Date)),
)


class Ask(NamedTuple):
    """Who holds a role (any when none is named) in a network on a day, within the bounds that are named."""

    network_id: UUID
    day: date
    role: str | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    territory: str | None = None


class Asked(NamedTuple):
    """Somebody is to be told by this rule of that, as it is on that day."""

    rule: Definition
    telling: Telling
    day: date


@dataclass
class Answers:
    """What was asked for, and who was found: `_of` is empty while asks are gathered."""

    tree: Mapping[UUID, Any]
    asks: dict[Ask, int] = field(default_factory=dict)
    found: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def holders(self, ask: Ask) -> list[Any]:
        return self.found[self.asks.setdefault(ask, len(self.asks))]


async def audiences(session: AsyncSession, asked: Sequence[Asked]) -> list[list[UUID]]:
    """The people of each, in the order of their ids. Two statements, however many are asked for: each rule is gone
    through twice, first for what it needs to know and then with the answers."""
    networks = {one.telling.network_id for one in asked if _climbs(one.rule)}
    answers = Answers(await _tree(session, networks))
    for one in asked:
        _people(one, answers)
    if answers.asks:
        await _ask(session, answers)
    return [sorted(_people(one, answers)) for one in asked]


def _climbs(rule: Definition) -> bool:
    return any(isinstance(audience, Coordinators) for audience in rule.audience)


async def _tree(session: AsyncSession, networks: Collection[UUID]) -> Mapping[UUID, Any]:
    if not networks:
        return {}
    columns = (bodies.c.id, bodies.c.parent_id, bodies.c.territory, bodies.c.state)
    found = await session.execute(select(*columns).where(bodies.c.network_id.in_(networks)))
    return {row.id: row for row in found}


async def _ask(session: AsyncSession, answers: Answers) -> None:
    asks = sorted(answers.asks.items(), key=lambda item: item[1])
    rows = await session.execute(
        HOLDERS,
        {
            "numbers": [number for _, number in asks],
            "networks": [ask.network_id for ask, _ in asks],
            "roles": [ask.role for ask, _ in asks],
            "organisations": [ask.organisation_id for ask, _ in asks],
            "bodies": [ask.body_id for ask, _ in asks],
            "territories": [ask.territory for ask, _ in asks],
            "days": [ask.day for ask, _ in asks],
        },
    )
    for row in rows:
        answers.found[row.number].append(row)


def _people(asked: Asked, answers: Answers) -> set[UUID]:
    """Nobody where only organisations are written to."""
    if Channel.EMAIL not in asked.rule.channels and Channel.INBOX not in asked.rule.channels:
        return set()
    return {person for audience in asked.rule.audience for person in _of(audience, asked, answers)}


def _of(audience: Any, asked: Asked, answers: Answers) -> set[UUID]:
    telling, day = asked.telling, asked.day
    match audience:
        case OfTheFact(field=name):
            return set(ids_named(telling, name))
        case Named(people=people):
            return set(people)
        case Representatives(field=name, roles=roles):
            asks = [
                Ask(telling.network_id, day, role, organisation_id=organisation)
                for organisation in ids_named(telling, name)
                for role in roles
            ]
            return {row.person_id for ask in asks for row in answers.holders(ask)}
        case Holders():
            return _holding(audience, asked, answers)
        case Coordinators(levels=levels):
            return _coordinating(levels, asked, answers)
    ask = Ask(telling.network_id, day, Role.SECRETARIAT)
    return {row.person_id for row in answers.holders(ask)}


def ids_named(telling: Telling, name: str) -> list[UUID]:
    """What a field of ids names, one or several."""
    found = telling.body.get(name)
    return [UUID(value) for value in (found if isinstance(found, list) else [found]) if value is not None]


def _holding(audience: Holders, asked: Asked, answers: Answers) -> set[UUID]:
    """In a territory named by the rule, with what lies in it; in the fact's own, with what it lies in."""
    whole = Ask(asked.telling.network_id, asked.day, audience.role)
    if audience.where == "network":
        return {row.person_id for row in answers.holders(whole)}
    if audience.where == "body":
        named = [audience.body_id] if audience.body_id else asked.telling.bodies
        return {row.person_id for id_ in named for row in answers.holders(whole._replace(body_id=id_))}
    if audience.territory:
        return {row.person_id for row in answers.holders(whole) if lies_in(row.territory, audience.territory)}
    italy = territories.load()
    around = {code for territory in asked.telling.territories for code in italy.around(territory)}
    return {row.person_id for code in sorted(around) for row in answers.holders(whole._replace(territory=code))}


def _coordinating(levels: Sequence[int], asked: Asked, answers: Answers) -> set[UUID]:
    """Of what is about no body, who coordinates the smallest territory around it in which anybody does."""
    if not asked.telling.bodies:
        return {p for territory in asked.telling.territories for p in _of_territory(territory, asked, answers)}
    told: set[UUID] = set()
    for body in asked.telling.bodies:
        own, *above = [_of_body(row, asked, answers) for row in _chain(body, answers.tree)] or [set()]
        steps = [own, *(people for people in above if people)]
        told |= {person for level in levels if level < len(steps) for person in steps[level]}
    return told


def _chain(body: UUID, tree: Mapping[UUID, Any]) -> Iterator[Any]:
    """The body and those above it; a circle is gone round once."""
    passed: set[UUID] = set()
    at: UUID | None = body
    while at is not None and at in tree and at not in passed and len(passed) < MOST_STEPS:
        passed.add(at)
        yield tree[at]
        at = tree[at].parent_id


def _of_body(body: Any, asked: Asked, answers: Answers) -> set[UUID]:
    if body.state == "dissolved":
        return set()
    network, day = asked.telling.network_id, asked.day
    groups = [
        {row.person_id for row in answers.holders(Ask(network, day, Role.COORDINATOR, body_id=body.id))},
        {row.person_id for row in answers.holders(Ask(network, day, body_id=body.id))},
    ]
    if body.territory:
        held = answers.holders(Ask(network, day, Role.COORDINATOR, territory=body.territory))
        groups.append({row.person_id for row in held if row.body_id is None})
    return next((group for group in groups if group), set())


def _of_territory(territory: str, asked: Asked, answers: Answers) -> set[UUID]:
    network, day = asked.telling.network_id, asked.day
    groups = [
        {row.person_id for row in answers.holders(Ask(network, day, Role.COORDINATOR, territory=code))}
        for code in territories.load().around(territory)
    ]
    return next((group for group in groups if group), set())
