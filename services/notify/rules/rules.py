"""What a network's rule may say, which facts it counts, when its tellings come, and what moves or cancels them.

A rule is a line of versions: the one in force when a fact was told decides on it. A telling that is put off is named by
its rule and the thing that it is about, so that planning it twice is planning it once; it is never for the past.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from services.notify.rules.definition import (
    After,
    AtOnce,
    Channel,
    Condition,
    Coordinators,
    Definition,
    Filter,
    Holders,
    OfTheFact,
    Op,
    Relative,
    Representatives,
)
from services.notify.rules.fields import Field, Kind, Names, fields_of, rulable
from shared import territories
from shared.access.actor import EARLIEST, LATEST, ROME, lies_in
from shared.contracts.envelope import FACTS, Fact

MORNING = time(8)
"""What is told of a day comes in the morning."""
PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
NETWORK = "network"
"""The placeholder of the network's own name."""

FIGURES = {f: f for f in ("title", "reached", "minimum", "full", "last_day", "state", "next_best", "territory")}
BUILT_IN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "goal-advanced": ("registry.goal.advanced", {"goal_id": "id", **FIGURES}),
    "goal-decided": ("registry.goal.decided", {"goal_id": "id", **FIGURES}),
    "series-extended": ("events.series.extended", {"series_id": "id"}),
    "report-released": ("events.report.released", {"report_id": "id"}),
}
"""Messages of the platform that a rule may send to others, too: the fact, and which of its fields each parameter is.
None that is owed to somebody in particular, and none whose link lets its reader act."""

COMPARABLE = (Op.EQ, Op.NE, Op.IN, Op.GT, Op.LT, Op.EXISTS)
OPS: Mapping[Kind, tuple[Op, ...]] = {
    Kind.TEXT: (Op.EQ, Op.NE, Op.IN, Op.EXISTS),
    Kind.ID: (Op.EQ, Op.NE, Op.IN, Op.EXISTS),
    Kind.BOOLEAN: (Op.EQ, Op.NE, Op.EXISTS),
    Kind.INTEGER: COMPARABLE,
    Kind.NUMBER: COMPARABLE,
    Kind.DAY: COMPARABLE,
    Kind.INSTANT: COMPARABLE,
}
ACCEPTED: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.ID: "an id (UUID)",
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.DAY: f"a day from {EARLIEST} to {LATEST}: YYYY-MM-DD",
    Kind.INSTANT: f"an instant with its offset, from {EARLIEST} to {LATEST}",
}


TERRITORY = "the code of a municipality (E507), a province (097) or a region (03)"


class RuleUnfit(Exception):
    """What the rule says cannot be meant: where, and what would be accepted instead."""

    def __init__(self, path: str, code: str, accepted: Any = None) -> None:
        self.path, self.code, self.accepted = path, code, accepted
        super().__init__(f"{path}: {code}")


class State(StrEnum):
    """Of a telling that was put off."""

    PLANNED = "planned"
    SENT = "sent"
    NOBODY = "nobody"
    PAST = "past"  # its instant had passed when it was planned, or its use when it came
    CANCELLED = "cancelled"  # called off, or the rule was paused
    OTHERWISE = "otherwise"  # what the rule asks again is not so any more


SETTLED = frozenset({State.SENT, State.NOBODY, State.PAST, State.OTHERWISE})


@dataclass(frozen=True, slots=True)
class Telling:
    """A fact as it is kept: `body` is its content as JSON."""

    id: UUID
    type: str
    aggregate_id: UUID
    generation: int
    version: int
    network_id: UUID
    correlation: UUID
    occurred_at: datetime
    bodies: Sequence[UUID]
    territories: Sequence[str]
    body: Mapping[str, Any]

    @property
    def rank(self) -> tuple[int, int]:
        return self.generation, self.version

    @property
    def fields(self) -> Mapping[str, Field]:
        return fields_of(_class(self.type))

    @property
    def gone(self) -> bool:
        return _class(self.type).tombstone


@dataclass(frozen=True, slots=True)
class Version:
    """A rule as it was from `since` on, until the next version."""

    id: UUID
    rule_id: UUID
    version: int
    since: datetime
    active: bool
    definition: Definition

    @property
    def kind(self) -> str:
        """Of the things that it is about."""
        return aggregate_of(self.definition.fact_type)


@dataclass(frozen=True, slots=True)
class Plan:
    """A telling that is put off to `at`; `before`: it is of no use any more from then on."""

    id: UUID
    rule_id: UUID
    version_id: UUID
    network_id: UUID
    aggregate_id: UUID
    at: datetime
    before: datetime | None
    state: State
    because_of: UUID
    correlation: UUID
    rank: tuple[int, int]


def _class(name: str) -> type[Fact]:
    return FACTS[f"trama.{name}.v1"]


def aggregate_of(fact_type: str) -> str:
    return fact_type.rsplit(".", 1)[0]


# Whether a rule can be meant


def check(rule: Definition) -> None:
    """Raises RuleUnfit."""
    fact = rulable().get(rule.fact_type)
    if fact is None:
        raise RuleUnfit("/fact_type", "unknown", sorted(rulable()))
    fields = fields_of(fact)
    _check_filter(rule.filter, fields, "/filter")
    for number, audience in enumerate(rule.audience):
        _check_audience(audience, fields, f"/audience/{number}")
    _check_template(rule, fields)
    _check_delay(rule, fields)
    _check_channels(rule, fields)


def _check_filter(wanted: Filter, fields: Mapping[str, Field], path: str) -> None:
    for number, condition in enumerate(wanted.conditions):
        _check_condition(condition, fields, f"{path}/conditions/{number}")


def _check_condition(condition: Condition, fields: Mapping[str, Field], path: str) -> None:
    field = fields.get(condition.field)
    if field is None:
        raise RuleUnfit(f"{path}/field", "unknown", sorted(fields))
    allowed = (*OPS[field.kind], *((Op.WITHIN,) if field.names is Names.TERRITORY else ()))
    if condition.op not in allowed:
        raise RuleUnfit(f"{path}/op", "unfit", [str(op) for op in allowed])
    several = isinstance(condition.value, list)
    if several is not (condition.op is Op.IN):
        raise RuleUnfit(f"{path}/value", "form", "a list for `in`, one value otherwise")
    kind = Kind.BOOLEAN if condition.op is Op.EXISTS else field.kind
    for value in condition.value if isinstance(condition.value, list) else [condition.value]:
        try:
            read(kind, value)
        except (ValueError, TypeError):
            raise RuleUnfit(f"{path}/value", "form", ACCEPTED[kind]) from None
    if condition.op is Op.WITHIN and not known_territory(str(condition.value)):
        raise RuleUnfit(
            f"{path}/value", "unknown", "the code of a municipality (E507), a province (097), a region (03)"
        )


def known_territory(code: str) -> bool:
    italy = territories.load()
    return bool(italy.today(code) or italy.province(code) or italy.region(code))


def _check_audience(audience: Any, fields: Mapping[str, Field], path: str) -> None:
    match audience:
        case OfTheFact(field=name):
            _require_name(name, Names.PERSON, fields, path)
        case Representatives(field=name):
            _require_name(name, Names.ORGANISATION, fields, path)
        case Coordinators(levels=levels):
            _check_levels(levels, fields, path)
        case Holders():
            _check_holders(audience, fields, path)


def _require_name(name: str, what: Names, fields: Mapping[str, Field], path: str) -> None:
    fit = sorted(field.name for field in fields.values() if field.names is what)
    if name not in fit:
        raise RuleUnfit(f"{path}/field", "unfit", fit)


def _check_levels(levels: Sequence[int], fields: Mapping[str, Field], path: str) -> None:
    named = {field.names for field in fields.values()}
    if Names.BODY not in named and Names.TERRITORY not in named:
        raise RuleUnfit(f"{path}/kind", "unfit", "a fact that names a body or a territory")
    if len(set(levels)) != len(levels):
        raise RuleUnfit(f"{path}/levels", "repeated", "each level once")
    if Names.BODY not in named and set(levels) != {0}:
        raise RuleUnfit(f"{path}/levels", "unfit", [0])


def _check_holders(audience: Holders, fields: Mapping[str, Field], path: str) -> None:
    given = {"body": audience.body_id, "territory": audience.territory}
    for where, value in given.items():
        if value is not None and audience.where != where:
            raise RuleUnfit(f"{path}/where", "unfit", where)
    if audience.territory is not None and not known_territory(audience.territory):
        raise RuleUnfit(f"{path}/territory", "unknown", TERRITORY)
    named = {field.names for field in fields.values()}
    if audience.where != "network" and given[audience.where] is None and Names(audience.where) not in named:
        raise RuleUnfit(f"{path}/where", "unfit", f"a {audience.where} of its own: the fact names none")


def _check_template(rule: Definition, fields: Mapping[str, Field]) -> None:
    template = rule.template
    own = template.subject is not None and template.text is not None
    if own is (template.topic is not None) or (template.topic is not None and (template.subject or template.text)):
        raise RuleUnfit("/template", "form", "a topic, or subject and text")
    if template.topic is not None:
        fit = sorted(topic for topic, (fact, _) in BUILT_IN.items() if fact == rule.fact_type)
        if template.topic not in fit:
            raise RuleUnfit("/template/topic", "unfit", fit or "subject and text: no topic is about this fact")
    for part, words in (("subject", template.subject), ("text", template.text)):
        for language in ("it", "en") if words is not None else ():
            check_placeholders(getattr(words, language), fields, f"/template/{part}/{language}")


def check_placeholders(text: str, fields: Mapping[str, Field], path: str) -> None:
    """Each `{{…}}` is a field of the fact, or the network."""
    known = {*fields, NETWORK}
    rest = PLACEHOLDER.sub(lambda found: "" if found[1] in known else found[0], text)
    if "{{" in rest or "}}" in rest:
        raise RuleUnfit(path, "placeholder", sorted(known))


def placeholders(rule: Definition) -> set[str]:
    texts = [words for words in (rule.template.subject, rule.template.text) if words is not None]
    return {name for words in texts for text in (words.it, words.en) for name in PLACEHOLDER.findall(text)}


def _check_channels(rule: Definition, fields: Mapping[str, Field]) -> None:
    """A certified mail is a letter to an organisation, in the network's own words, which are kept: no person's name."""
    if len(set(rule.channels)) != len(rule.channels):
        raise RuleUnfit("/channels", "repeated", "each channel once")
    if Channel.PEC not in rule.channels:
        return
    if rule.template.topic is not None or not organisations_told(rule):
        raise RuleUnfit("/channels", "pec", "subject and text, and an audience of kind `organisation`")
    if any(name in fields and fields[name].names is Names.PERSON for name in placeholders(rule)):
        raise RuleUnfit("/template", "person", "no person's name in a certified mail")


def organisations_told(rule: Definition) -> list[str]:
    """The fields that name the organisations to which a certified mail goes."""
    return [audience.field for audience in rule.audience if isinstance(audience, Representatives)]


def _check_delay(rule: Definition, fields: Mapping[str, Field]) -> None:
    if isinstance(rule.delay, AtOnce) and (rule.still is not None or rule.cancelled_by):
        raise RuleUnfit("/still" if rule.still else "/cancelled_by", "unfit", "a rule that waits")
    if isinstance(rule.delay, After) and not rule.delay.days and not rule.delay.hours:
        raise RuleUnfit("/delay", "form", "at least an hour")
    if isinstance(rule.delay, Relative):
        fit = sorted(f.name for f in fields.values() if f.kind in (Kind.DAY, Kind.INSTANT) and not f.many)
        if rule.delay.field not in fit:
            raise RuleUnfit("/delay/field", "unfit", fit)
    if rule.still is not None:
        _check_filter(rule.still, fields, "/still")
    if rule.cancelled_by and "state" not in fields:
        raise RuleUnfit("/cancelled_by", "unfit", "a fact that has a state")


# Which facts count


def read(kind: Kind, value: Any) -> Any:
    """The value as it is compared; raises ValueError or TypeError when it is of another kind."""
    if kind in (Kind.TEXT, Kind.DAY, Kind.INSTANT, Kind.ID) and not isinstance(value, str):
        raise TypeError
    if kind in (Kind.INTEGER, Kind.NUMBER) and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError
    match kind:
        case Kind.DAY:
            return _bounded(date.fromisoformat(value))
        case Kind.INSTANT:
            return _instant(value)
        case Kind.ID:
            return UUID(value)
        case Kind.INTEGER if isinstance(value, float):
            raise TypeError
        case Kind.BOOLEAN if not isinstance(value, bool):
            raise TypeError
    return value


def _bounded(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise ValueError(day)
    return day


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    _bounded(instant.date())
    return instant


def holds(wanted: Filter, telling: Telling) -> bool:
    """Of another fact of the same thing only what it says is asked."""
    fields = telling.fields
    asked = [_is_so(c, fields[c.field], telling.body.get(c.field)) for c in wanted.conditions if c.field in fields]
    if not asked:
        return True
    return all(asked) if wanted.match == "all" else any(asked)


def _is_so(condition: Condition, field: Field, found: Any) -> bool:
    """Of a list, whether one of its values is so; `ne`: none is. What is not there is neither more nor less."""
    present = [value for value in (found if isinstance(found, list) else [found]) if value is not None]
    if condition.op is Op.EXISTS:
        return bool(present) is condition.value
    values = [read(field.kind, value) for value in present]
    wanted = [
        read(field.kind, v) for v in (condition.value if isinstance(condition.value, list) else [condition.value])
    ]
    match condition.op:
        case Op.EQ | Op.IN:
            return any(value in wanted for value in values)
        case Op.NE:
            return wanted[0] not in values
        case Op.GT:
            return any(value > wanted[0] for value in values)
        case Op.LT:
            return any(value < wanted[0] for value in values)
        case Op.WITHIN:
            return any(lies_in(value, wanted[0]) for value in values)
    raise AssertionError(condition.op)


def in_force(versions: Sequence[Version], at: datetime) -> Version | None:
    """The last version that began by then; a paused one decides nothing."""
    begun = [version for version in versions if version.since <= at]
    last = max(begun, key=lambda version: version.version, default=None)
    return last if last is not None and last.active else None


# When


def when(rule: Definition, telling: Telling) -> tuple[datetime, datetime | None] | None:
    """The instant of the telling, and from when it is of no use; None when the fact names no day."""
    delay = rule.delay
    if isinstance(delay, AtOnce):
        return telling.occurred_at, None
    if isinstance(delay, After):
        return _later(telling.occurred_at, delay.days) + timedelta(hours=delay.hours), None
    found = telling.body.get(delay.field)
    if found is None:
        return None
    hour = time.fromisoformat(delay.hour) if delay.hour else None
    if telling.fields[delay.field].kind is Kind.DAY:
        on = date.fromisoformat(found)
        at = _on(on + timedelta(days=delay.days), hour or MORNING)
        over = _on(on + timedelta(days=1), time())
    else:
        over = datetime.fromisoformat(found)
        local = over.astimezone(ROME)
        at = _on(local.date() + timedelta(days=delay.days), hour or local.timetz())
    return at, over if at < over else None


def _later(instant: datetime, days: int) -> datetime:
    """At the same hour by the clock on the wall, so many days later."""
    local = instant.astimezone(ROME)
    return _on(local.date() + timedelta(days=days), local.timetz()) if days else instant


def _on(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour.replace(tzinfo=ROME)).astimezone(UTC)


def identity(rule_id: UUID, rule: Definition, telling: Telling) -> UUID:
    """What follows a day of a thing is one for the thing; what comes after a fact is one for the fact."""
    subject = telling.id if isinstance(rule.delay, After) else telling.aggregate_id
    return uuid5(NAMESPACE_URL, f"urn:trama:rule:{rule_id}:{subject}")


def called_off(rule: Definition, telling: Telling) -> bool:
    return telling.gone or telling.body.get("state") in rule.cancelled_by


def follow(version: Version, telling: Telling, plans: Mapping[UUID, Plan], now: datetime) -> list[Plan]:
    """What becomes of the rule's tellings about this thing, of which `plans` are known; only those that change."""
    rule = version.definition
    waiting = [replace(p, state=State.CANCELLED, rank=telling.rank) for p in plans.values() if p.state is State.PLANNED]
    if called_off(rule, telling):
        return waiting
    own = identity(version.rule_id, rule, telling)
    if telling.type != rule.fact_type and (isinstance(rule.delay, After) or own not in plans):
        return []
    if not holds(rule.filter, telling) or (instant := when(rule, telling)) is None:
        return waiting if isinstance(rule.delay, Relative) else []
    at, before = instant
    known = plans.get(own)
    if known is not None and known.at == at and known.state in SETTLED:
        return []
    ahead = at > now and (before is None or before > now)
    return [
        Plan(
            own,
            version.rule_id,
            version.id,
            telling.network_id,
            telling.aggregate_id,
            at,
            before,
            State.PLANNED if ahead else State.PAST,
            telling.id,
            telling.correlation,
            telling.rank,
        )
    ]


def outcome(plan: Plan, rule: Definition, newest: Telling, now: datetime, *, active: bool = True) -> State:
    """What becomes of a telling whose instant has come, by the newest that is known of its thing. SENT when somebody is
    there to be told."""
    if not active or called_off(rule, newest):
        return State.CANCELLED
    if plan.before is not None and plan.before <= now:
        return State.PAST
    if isinstance(rule.delay, Relative) and (when(rule, newest) or (None,))[0] != plan.at:
        return State.CANCELLED  # it has moved; the fact that says so plans it anew
    if rule.still is not None and not holds(rule.still, newest):
        return State.OTHERWISE
    return State.SENT


@dataclass(frozen=True, slots=True)
class Come:
    """A telling that would have come at `at`, with what was known of its thing then."""

    at: datetime
    newest: Telling
    because_of: UUID


def come(version: Version, tellings: Iterable[Telling], until: datetime) -> Iterator[Come]:
    """What the rule would have told of one thing, whose facts these are in their order, before `until`."""
    rule = version.definition
    newest: Telling | None = None
    plans: dict[UUID, Plan] = {}
    for telling in tellings:
        if isinstance(rule.delay, AtOnce):
            if telling.type == rule.fact_type and holds(rule.filter, telling):
                yield Come(telling.occurred_at, telling, telling.id)
            continue
        if newest is not None:
            yield from _arrived(version, plans, newest, telling.occurred_at)
        for plan in follow(version, telling, plans, telling.occurred_at):
            plans[plan.id] = plan
        newest = telling
    if newest is not None:
        yield from _arrived(version, plans, newest, until)


def _arrived(version: Version, plans: dict[UUID, Plan], newest: Telling, by: datetime) -> Iterator[Come]:
    for plan in sorted(plans.values(), key=lambda plan: (plan.at, plan.id)):
        if plan.state is State.PLANNED and plan.at < by:
            state = outcome(plan, version.definition, newest, plan.at)
            plans[plan.id] = replace(plan, state=state)
            if state is State.SENT:
                yield Come(plan.at, newest, plan.because_of)


def built_in(topic: str, telling: Telling) -> dict[str, Any]:
    """The parameters of a message of the platform."""
    return {parameter: telling.body.get(field) for parameter, field in BUILT_IN[topic][1].items()}
