"""Making and changing rules, telling by them, and trying them out.

A fact is matched with the rules of its network as it comes; what waits for its instant is in the due table. Both read
what was told from `told`, as a dry run does, so that all three see the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.bodies.tables import bodies
from services.notify.certified import commands as certified
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery, idempotency_key
from services.notify.messages.rules import RULE
from services.notify.policy import Right, policy
from services.notify.rules import queries, texts
from services.notify.rules.audiences import Asked, audiences, ids_named
from services.notify.rules.definition import AtOnce, Channel, Definition, Holders, Named, OfTheFact
from services.notify.rules.fields import Names
from services.notify.rules.rules import (
    Come,
    Plan,
    RuleUnfit,
    State,
    Telling,
    Version,
    aggregate_of,
    built_in,
    check,
    come,
    follow,
    holds,
    in_force,
    organisations_told,
    outcome,
)
from services.notify.rules.tables import rule_plans, rule_versions, rules
from shared.access.actor import ROME, Actor, day
from shared.access.loading import network_id
from shared.access.tables import grants
from shared.messaging import NotYet
from shared.runtime.due import schedule_many
from shared.runtime.problems import expect

DUE = "rule"
MOST_RULES = 200
MOST_FACTS = 50_000
MOST_PERIOD = timedelta(days=366)
MOST_MESSAGES = 1_000_000
SAMPLES, RECIPIENTS = 5, 100
HELD_AT_ONCE = 2_000
"""Messages that are held while they are intended: a batch of facts may be for all people of a network, each."""
TRIED_AT_ONCE = 20
"""Tellings whose audiences are held while a rule is tried."""
PATIENCE = timedelta(seconds=5)


class TooManyRules(Exception):
    """A network has MOST_RULES already."""


class PeriodUnfit(Exception):
    """A rule is tried on at most MOST_PERIOD."""


class TooMuchToTry(Exception):
    """More than MOST_FACTS facts decide on what it would have told, or it would have told more than MOST_MESSAGES."""


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody is to be told: by which version, of what, at which instant (it names the telling), because of which
    fact."""

    version: Version
    telling: Telling
    instant: str
    because_of: UUID
    correlation: UUID


# Making and changing


async def create(
    session: AsyncSession, actor: Actor, ref: str, definition: Definition, *, now: datetime
) -> queries.Rule:
    """Raises RuleUnfit, TooManyRules."""
    room = await network_id(session, ref)
    policy.require(actor, Right.CHANGE_RULES, network=room, on=now)
    await _checked(session, room, definition)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"rules:{room}"))))
    if await session.scalar(select(func.count()).where(rules.c.network_id == room)) >= MOST_RULES:  # type: ignore[operator]
        raise TooManyRules
    id_ = uuid7()
    await session.execute(insert(rules).values(id=id_, network_id=room, version=1, **_line(definition)))
    await _keep_version(session, id_, 1, definition, actor, now)
    return await queries.get(session, actor, id_, now=now)


async def change(
    session: AsyncSession, actor: Actor, id_: UUID, definition: Definition, *, expected: int, now: datetime
) -> queries.Rule:
    """The next version, from now on. What is put off already keeps the words of the version that did."""
    known = await _for_update(session, actor, id_, expected, now)
    await _checked(session, known.network_id, definition)
    return await _next(session, actor, known, definition, now)


async def set_active(
    session: AsyncSession, actor: Actor, id_: UUID, *, active: bool, expected: int, now: datetime
) -> queries.Rule:
    """Paused it decides on no fact, and nothing that it has put off is told; one that is so already stays as it is."""
    known = await _for_update(session, actor, id_, expected, now)
    if known.definition.active is active:
        return known
    return await _next(session, actor, known, known.definition.model_copy(update={"active": active}), now)


async def _for_update(session: AsyncSession, actor: Actor, id_: UUID, expected: int, now: datetime) -> queries.Rule:
    await session.execute(select(rules.c.id).where(rules.c.id == id_).with_for_update())
    known = await queries.get(session, actor, id_, now=now)
    policy.require(actor, Right.CHANGE_RULES, network=known.network_id, on=now)
    expect(expected, known.version)
    return known


async def _next(
    session: AsyncSession, actor: Actor, known: queries.Rule, definition: Definition, now: datetime
) -> queries.Rule:
    version = known.version + 1
    changed = update(rules).where(rules.c.id == known.id)
    await session.execute(changed.values(version=version, updated_at=func.now(), **_line(definition)))
    await _keep_version(session, known.id, version, definition, actor, now)
    return await queries.get(session, actor, known.id, now=now)


def _line(definition: Definition) -> dict[str, Any]:
    return {"name": definition.name, "fact_type": definition.fact_type, "active": definition.active}


async def _keep_version(
    session: AsyncSession, id_: UUID, version: int, definition: Definition, actor: Actor, now: datetime
) -> None:
    await session.execute(
        insert(rule_versions).values(
            id=uuid7(),
            rule_id=id_,
            version=version,
            since=now,
            changed_by=actor.person_id,
            active=definition.active,
            definition=definition.model_dump(mode="json"),
        )
    )


async def _checked(session: AsyncSession, network: UUID, definition: Definition) -> None:
    """Raises RuleUnfit, also for people and bodies that are not the network's."""
    check(definition)
    for number, audience in enumerate(definition.audience):
        if isinstance(audience, Named):
            await _require_people(session, network, audience.people, f"/audience/{number}/people")
        if isinstance(audience, Holders) and audience.body_id is not None:
            own = select(bodies.c.id).where(bodies.c.id == audience.body_id, bodies.c.network_id == network)
            if await session.scalar(own) is None:
                raise RuleUnfit(f"/audience/{number}/body_id", "unknown", "a body of the network")


async def _require_people(session: AsyncSession, network: UUID, named: Collection[UUID], path: str) -> None:
    """Who was entered by the network, or holds or held something in it."""
    entered = select(contacts.c.person_id).where(contacts.c.network_id == network, contacts.c.erased_at.is_(None))
    holding = select(grants.c.person_id).where(grants.c.network_id == network)
    known = set(await session.scalars(entered.where(contacts.c.person_id.in_(named))))
    known |= set(await session.scalars(holding.where(grants.c.person_id.in_(named))))
    if missing := [number for number, person in enumerate(named) if person not in known]:
        raise RuleUnfit(f"{path}/{missing[0]}", "unknown", "a person of the network")


# Telling


async def tell(session: AsyncSession, facts: Mapping[UUID, tuple[UUID, str]], now: datetime) -> None:
    """What the rules of their networks make of these facts, in their order: (network, type) by id. Raises NotYet while
    one that counts is not kept yet; then all that its service told before is known, too."""
    known = await queries.versions_of(session, {network for network, _ in facts.values()})
    if not known:
        return
    counted = [id_ for id_, (network, kind) in facts.items() if (network, aggregate_of(kind)) in known]
    if not counted:
        return
    found = await queries.tellings(session, counted)
    if missing := set(counted) - found.keys():
        raise NotYet(f"fact {min(missing)}")
    ordered = [found[id_] for id_ in counted]
    await _tell(session, _at_once(known, ordered), now)
    await _put_off(session, known, ordered, now)


Known = Mapping[queries.Aggregate, Mapping[UUID, Sequence[Version]]]


def _at_once(known: Known, tellings: Sequence[Telling]) -> list[Match]:
    matches = []
    for telling in tellings:
        for versions in known[telling.network_id, aggregate_of(telling.type)].values():
            version = in_force(versions, telling.occurred_at)
            if version is not None and isinstance(version.definition.delay, AtOnce) and _counts(version, telling):
                matches.append(Match(version, telling, _stated(telling), telling.id, telling.correlation))
    return matches


def _counts(version: Version, telling: Telling) -> bool:
    return telling.type == version.definition.fact_type and holds(version.definition.filter, telling)


def _stated(telling: Telling) -> str:
    """An instant of the thing's life, different for each of its facts."""
    return f"{telling.generation}.{telling.version}"


async def _put_off(session: AsyncSession, known: Known, tellings: Sequence[Telling], now: datetime) -> None:
    """Plans, moves and cancels what waits for its instant."""
    waiting = {key: rules_ for key, rules_ in known.items() if any(_waits(v) for vs in rules_.values() for v in vs)}
    ordered = [t for t in tellings if (t.network_id, aggregate_of(t.type)) in waiting]
    if not ordered:
        return
    plans = await queries.plans_about(session, {telling.aggregate_id for telling in ordered})
    changed: dict[UUID, Plan] = {}
    for telling in ordered:
        for rule_id, versions in waiting[telling.network_id, aggregate_of(telling.type)].items():
            mine = plans[rule_id][telling.aggregate_id]
            version = _deciding(versions, telling, mine)
            for plan in follow(version, telling, mine, now) if version is not None else ():
                mine[plan.id] = changed[plan.id] = plan
    await _keep_plans(session, changed)


def _waits(version: Version) -> bool:
    return not isinstance(version.definition.delay, AtOnce)


def _deciding(versions: Sequence[Version], telling: Telling, plans: Mapping[UUID, Plan]) -> Version | None:
    """The version in force; while there is none about such things that waits, what is put off already follows by the
    one that did it."""
    version = in_force(versions, telling.occurred_at)
    if version is not None and _waits(version) and version.kind == aggregate_of(telling.type):
        return version
    by = {plan.version_id for plan in plans.values() if plan.state is State.PLANNED}
    return next((version for version in reversed(versions) if version.id in by), None)


async def _keep_plans(session: AsyncSession, plans: Mapping[UUID, Plan]) -> None:
    rows = [
        {
            "id": plan.id,
            "rule_id": plan.rule_id,
            "version_id": plan.version_id,
            "network_id": plan.network_id,
            "aggregate_id": plan.aggregate_id,
            "at": plan.at,
            "before": plan.before,
            "state": plan.state,
            "because_of": plan.because_of,
            "correlation": plan.correlation,
            "generation": plan.rank[0],
            "aggregate_version": plan.rank[1],
        }
        for plan in sorted(plans.values(), key=lambda plan: plan.id)
    ]
    for start in range(0, len(rows), 1000):
        fresh = upsert(rule_plans).values(rows[start : start + 1000])
        moved = {name: fresh.excluded[name] for name in rows[0] if name not in {"id", "rule_id", "aggregate_id"}}
        await session.execute(
            fresh.on_conflict_do_update(index_elements=["id"], set_={**moved, "told": 0, "updated_at": func.now()})
        )
    await schedule_many(session, DUE, [(p.id, p.at) for p in plans.values() if p.state is State.PLANNED])


async def tell_what_was_put_off(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call. What is told is the newest that is known; what is behind the plan is waited for."""
    rows = await queries.arrived(session, ids, now)
    things = {(aggregate_of(version.definition.fact_type), plan.aggregate_id) for plan, version, _ in rows}
    newest = await queries.newest(session, things) if things else {}
    states: dict[UUID, State] = {}
    matches: dict[UUID, Match] = {}
    behind: list[UUID] = []
    for plan, version, active in rows:
        telling = newest.get((aggregate_of(version.definition.fact_type), plan.aggregate_id))
        if telling is None or telling.rank < plan.rank:
            behind.append(plan.id)
            continue
        states[plan.id] = outcome(plan, version.definition, telling, now, active=active)
        if states[plan.id] is State.SENT:
            instant = plan.at.isoformat()
            matches[plan.id] = Match(version, telling, instant, plan.because_of, plan.correlation)
    told = dict(zip(matches, await _tell(session, list(matches.values()), now), strict=True))
    await schedule_many(session, DUE, [(id_, now + PATIENCE) for id_ in behind])
    await _settle(session, states, told)


async def _settle(session: AsyncSession, states: Mapping[UUID, State], told: Mapping[UUID, int]) -> None:
    groups: dict[tuple[State, int], list[UUID]] = defaultdict(list)
    for id_, state in states.items():
        people = told.get(id_, 0)
        groups[State.NOBODY if state is State.SENT and not people else state, people].append(id_)
    for (state, people), ids in groups.items():
        settled = update(rule_plans).where(rule_plans.c.id.in_(ids))
        await session.execute(settled.values(state=state, told=people, updated_at=func.now()))


async def _tell(session: AsyncSession, matches: Sequence[Match], now: datetime) -> list[int]:
    """Intends what is to be told; for each how many people there were."""
    if not matches:
        return []
    told = await _people(session, [Asked(m.version.definition, m.telling, day(now)) for m in matches])
    parameters = await _parameters(session, matches)
    intents = (
        _intent(match, person, given, now)
        for match, people, given in zip(matches, told, parameters, strict=True)
        for person in people
    )
    while some := list(islice(intents, HELD_AT_ONCE)):  # of a hundred thousand only so many are held
        await intend(session, some, now)
    written = [await _certify(session, m, given, now) for m, given in zip(matches, parameters, strict=True)]
    return [len(people) + letters for people, letters in zip(told, written, strict=True)]


async def _people(session: AsyncSession, asked: Sequence[Asked]) -> list[list[UUID]]:
    """The audience of each. Of those whom a fact or a rule names, who is known here and who stands for them since two
    records were made one; who holds something is known by their grants."""
    told = await audiences(session, asked)
    named = {p for one, people in zip(asked, told, strict=True) if _by_name(one.rule) for p in people}
    if not named:
        return told
    stand = await queries.standing(session, named)
    return [sorted({stand[p] if p in named else p for p in people if p in stand or p not in named}) for people in told]


def _organisations(rule: Definition, telling: Telling) -> list[UUID]:
    """To which a certified mail goes."""
    if Channel.PEC not in rule.channels:
        return []
    return sorted({id_ for name in organisations_told(rule) for id_ in ids_named(telling, name)})


async def _certify(session: AsyncSession, match: Match, parameters: Mapping[str, Any], now: datetime) -> int:
    """One letter, in Italian, to each organisation; once for what `_intent` tells once."""
    rule, telling = match.version.definition, match.telling
    organisations = _organisations(rule, telling)
    if not organisations:
        return 0
    title = (await queries.names(session, [(Names.NETWORK, telling.network_id)])).get(
        (Names.NETWORK, telling.network_id), ""
    )
    subject, text = _written(rule, parameters["said"], title, {})
    assert subject is not None
    assert text is not None
    await certified.send(
        session,
        network_id=telling.network_id,
        organisation_ids=organisations,
        subject=subject["it"],
        text=text["it"],
        topic=RULE.code,
        because_of=match.because_of,
        correlation=match.correlation,
        key=idempotency_key(f"rule.{match.version.rule_id}", telling.aggregate_id, match.instant),
        now=now,
    )
    return len(organisations)


def _by_name(rule: Definition) -> bool:
    return any(isinstance(audience, OfTheFact | Named) for audience in rule.audience)


async def _parameters(session: AsyncSession, matches: Sequence[Match]) -> list[dict[str, Any]]:
    """What each message is written from: the same for all of its readers."""
    own = [m for m in matches if m.version.definition.template.topic is None]
    wanted = {pair for m in own for pair in texts.ids_said(m.version.definition, m.telling)}
    names = await queries.names(session, wanted)

    def name_of(kind: Names, id_: UUID) -> str | None:
        return names.get((kind, id_))

    return [
        built_in(m.version.definition.template.topic, m.telling)
        if m.version.definition.template.topic is not None
        else {
            "rule_version_id": str(m.version.id),
            "said": texts.said(m.version.definition, m.telling, name_of),
        }
        for m in matches
    ]


def _intent(match: Match, person: UUID, parameters: dict[str, Any], now: datetime) -> Delivery:
    """`rule.<id>` names the rule whatever its version: a change tells nobody again."""
    rule = match.version.definition
    return Delivery(
        topic=rule.template.topic or RULE.code,
        channel=Channel.EMAIL if Channel.EMAIL in rule.channels else Channel.INBOX,
        key=idempotency_key(f"rule.{match.version.rule_id}", match.telling.aggregate_id, match.instant, person),
        because_of=match.because_of,
        intended_at=now,
        network_id=match.telling.network_id,
        person_id=person,
        parameters=parameters,
        correlation=match.correlation,
    )


# Trying out


@dataclass(frozen=True)
class Sample:
    """One telling in its words, in both languages; none of a message of the platform."""

    fact_id: UUID
    type: str
    subject_id: UUID
    at: datetime
    people: Sequence[tuple[UUID, str]]
    subject: Mapping[str, str] | None
    text: Mapping[str, str] | None


@dataclass(frozen=True)
class Tried:
    """Whom a rule would have told; `letters` are certified mails. `days` are (day, tellings, messages), `recipients`
    (person, name, messages), the one who would have heard most first."""

    since: date
    until: date
    facts: int
    tellings: int
    nobody: int
    messages: int
    people: int
    letters: int = 0
    days: Sequence[tuple[date, int, int]] = ()
    recipients: Sequence[tuple[UUID, str, int]] = ()
    samples: Sequence[Sample] = field(default_factory=tuple)


async def try_out(
    session: AsyncSession, actor: Actor, ref: str, definition: Definition, since: date, until: date, *, now: datetime
) -> Tried:
    """Whom a rule that is not saved would have told. Writes nothing and tells nobody. Raises RuleUnfit, PeriodUnfit,
    TooMuchToTry."""
    room = await network_id(session, ref)
    policy.require(actor, Right.CHANGE_RULES, network=room, on=now)
    await _checked(session, room, definition)
    return await _try(session, room, definition, since, until, now)


async def try_rule(session: AsyncSession, actor: Actor, id_: UUID, since: date, until: date, *, now: datetime) -> Tried:
    """The same for a rule as it is now, whether it is active or not."""
    known = await queries.get(session, actor, id_, now=now)
    return await _try(session, known.network_id, known.definition, since, until, now)


async def _try(
    session: AsyncSession, network: UUID, definition: Definition, since: date, until: date, now: datetime
) -> Tried:
    if not since < until <= since + MOST_PERIOD:
        raise PeriodUnfit
    first, last = (datetime.combine(on, time(), ROME) for on in (since, until))
    last = min(last, now)
    version = Version(UUID(int=0), UUID(int=0), 0, first, True, definition)
    facts = await queries.of_a_period(session, network, definition, first, last, most=MOST_FACTS)
    if len(facts) > MOST_FACTS:
        raise TooMuchToTry
    things: dict[UUID, list[Telling]] = defaultdict(list)
    for telling in facts:
        things[telling.aggregate_id].append(telling)
    found = [c for told in things.values() for c in come(version, told, last) if first <= c.at < last]
    found.sort(key=lambda c: (c.at, c.newest.id))
    counted, per_day, reached, nobody = Counter[UUID](), list[tuple[date, int]](), list[list[UUID]](), 0
    written = [len(_organisations(definition, c.newest)) for c in found]
    for start in range(0, len(found), TRIED_AT_ONCE):
        some = found[start : start + TRIED_AT_ONCE]
        told = await _people(session, [Asked(definition, c.newest, day(c.at)) for c in some])
        for c, people, letters in zip(some, told, written[start:], strict=False):
            counted.update(people)
            per_day.append((day(c.at), len(people)))
            nobody += not people and not letters
        reached += told[: max(0, SAMPLES - start)]
        if counted.total() > MOST_MESSAGES:
            raise TooMuchToTry
    named = [person for person, _ in counted.most_common(RECIPIENTS)]
    names = await queries.people(session, {*named, *(p for people in reached for p in people[:RECIPIENTS])})
    return Tried(
        since=since,
        until=until,
        facts=len(facts),
        tellings=len(found),
        nobody=nobody,
        letters=sum(written),
        messages=counted.total(),
        people=len(counted),
        days=_days(per_day),
        recipients=[(person, names.get(person, ""), counted[person]) for person in named],
        samples=await _samples(session, network, version, found[:SAMPLES], reached, names),
    )


def _days(told: Sequence[tuple[date, int]]) -> list[tuple[date, int, int]]:
    tellings, messages = Counter(on for on, _ in told), Counter[date]()
    for on, people in told:
        messages[on] += people
    return [(on, tellings[on], messages[on]) for on in sorted(tellings)]


async def _samples(
    session: AsyncSession,
    network: UUID,
    version: Version,
    found: Sequence[Come],
    told: Sequence[Sequence[UUID]],
    names: Mapping[UUID, str],
) -> list[Sample]:
    """In the words in which they would have come."""
    matches = [Match(version, c.newest, "", c.because_of, c.newest.correlation) for c in found]
    parameters = await _parameters(session, matches)
    spoken = {p for given in parameters if "said" in given for p in texts.people_said(given["said"])}
    known = {**names, **await queries.people(session, spoken)}
    title = (await queries.names(session, [(Names.NETWORK, network)])).get((Names.NETWORK, network), "")
    return [
        Sample(
            c.newest.id,
            c.newest.type,
            c.newest.aggregate_id,
            c.at,
            [(person, names.get(person, "")) for person in people[:RECIPIENTS]],
            *_written(version.definition, given.get("said"), title, known),
        )
        for c, people, given in zip(found, told, parameters, strict=True)
    ]


def _written(
    rule: Definition, said: Mapping[str, Any] | None, network: str, names: Mapping[UUID, str]
) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    if said is None or rule.template.subject is None or rule.template.text is None:
        return None, None
    line, words = rule.template.subject, rule.template.text
    subject = {
        lang: texts.subject_line(texts.write(text, said, network, names, lang))
        for lang, text in (("it", line.it), ("en", line.en))
    }
    return subject, {
        lang: texts.write(text, said, network, names, lang) for lang, text in (("it", words.it), ("en", words.en))
    }
