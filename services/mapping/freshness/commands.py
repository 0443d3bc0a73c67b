"""Asking whether items are still true, and what follows when nobody says so.

Each validated item has one row in the due table: for the day on which it is to be asked about, on which the question
lapses, or from which it is no longer offered. Locks are taken in one order: the due row, the item, then its question
(`presences.commands.TURN` has the whole order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.mapping.coverage import commands as coverage
from services.mapping.experiences.tables import experiences
from services.mapping.freshness import queries
from services.mapping.freshness.rules import Answer, Question, Rule, begins
from services.mapping.freshness.tables import freshness, freshness_rules
from services.mapping.items import facts
from services.mapping.items.rules import Item, State, Subject
from services.mapping.places.tables import places
from services.mapping.policy import Right, policy
from services.mapping.presences import commands as presences
from services.mapping.resources.tables import resources
from shared.access import loading
from shared.access.actor import Actor, day
from shared.contracts.mapping import FreshnessAnswered, FreshnessAsked, FreshnessState
from shared.messaging import stage
from shared.runtime.due import Handler, cancel, schedule, schedule_many
from shared.runtime.problems import expect

TABLES: Mapping[Subject, Table] = {
    Subject.PLACE: places,
    Subject.RESOURCE: resources,
    Subject.EXPERIENCE: experiences,
}


def due_kind(subject: Subject) -> str:
    """The kind of due row that waits for what happens next to an item."""
    return f"map-{subject}"


async def hold(session: AsyncSession, subject: Subject, ids: Sequence[UUID]) -> None:
    """Locks what will be decided again about these items, before the items themselves: the due loop comes with due rows
    in its hands, and waits for turns. Of places also the turn of the presences."""
    await session.execute(HOLD, {"kind": due_kind(subject), "ids": list(ids)})
    if subject is Subject.PLACE:
        await presences.take_turn(session)


HOLD = text("select from due where kind = :kind and subject_id = any(:ids) order by subject_id for update")


async def follow(
    session: AsyncSession, item: Item, now: datetime, *, answer: Answer = Answer.SUPERSEDED, by: UUID | None = None
) -> None:
    """Part of every command that changes an item, its row locked: an open question is answered by it, and the due row
    is for what happens next."""
    query = select(Question).where(freshness.c.item_id == item.id, freshness.c.answer.is_(None)).with_for_update()
    question = (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if question is not None:
        await close(session, question, answer, now, by)
    kind = due_kind(item.subject)
    rule = await queries.rule_of(session, item.network_id)
    look = rule.next_look(item.checked_on, item.expires_on, None) if item.state is State.VALIDATED else None
    if look is None:
        await cancel(session, kind, item.id)
    else:
        await schedule(session, kind, item.id, begins(look))


async def close(
    session: AsyncSession, question: Question, answer: Answer, now: datetime, by: UUID | None = None
) -> None:
    """Raises AlreadyAnswered. The caller holds the item's row and the question's."""
    question.close(answer, day(now), by)
    await session.flush()
    await stage(session, fact_of(FreshnessAnswered, question))


async def follow_many(session: AsyncSession, subject: Subject, validated: Sequence[Any], rule: Rule) -> None:
    """For new items of one network, which nobody has been asked about."""
    looks = [(one.id, rule.next_look(one.checked_on, one.expires_on, None)) for one in validated]
    await schedule_many(session, due_kind(subject), [(id_, begins(look)) for id_, look in looks if look])


# --- what falls due --------------------------------------------------------------------------------------------------


def turns() -> dict[str, Handler]:
    """The due table's calls, one for each kind of item."""
    return {due_kind(subject): partial(turn, subject) for subject in Subject}


@dataclass
class Step:
    """What comes of a look at items: questions to be put, those that lapsed, items that expire, and when the others are
    to be looked at."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    lapsed: list[UUID] = field(default_factory=list)
    over: list[UUID] = field(default_factory=list)
    later: list[tuple[UUID, datetime]] = field(default_factory=list)


async def turn(subject: Subject, session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """What has come due for these items: the question is put, or the item expires; what was moved meanwhile waits. A
    few statements for any number of them. Those that a command holds come again at once."""
    table, today = TABLES[subject], day(now)
    if subject is Subject.PLACE:
        await presences.take_turn(session)
    query = select(*table.c).where(table.c.id.in_(ids)).order_by(table.c.id).with_for_update(skip_locked=True)
    found = (await session.execute(query)).all()
    open_ = await _open_questions(session, [row.id for row in found])
    rules = await queries.rules_of(session, {row.network_id for row in found})
    step = Step()
    for row in found:
        if row.state is State.VALIDATED:
            _look(step, subject, row, open_.get(row.id), rules[row.network_id], today)
    await _ask(session, step.asked)
    await _lapse(session, step.lapsed, today)
    await _expire(session, subject, step.over, now)
    busy = sorted(set(ids) - {row.id for row in found})
    await schedule_many(session, due_kind(subject), [*step.later, *((id_, now) for id_ in busy)])


def _look(step: Step, subject: Subject, row: Any, question: Any, rule: Rule, on: date) -> None:
    look = rule.next_look(row.checked_on, row.expires_on, question and question.answer_by)
    if look is None or look > on:
        step.later += [(row.id, begins(look))] if look else []
    elif question or (row.expires_on and row.expires_on <= on):
        step.over.append(row.id)
        step.lapsed += [question.id] if question else []
    else:
        put = _question(subject, row, rule, on)
        step.asked.append(put)
        answered = rule.next_look(row.checked_on, row.expires_on, put["answer_by"])
        step.later += [(row.id, begins(answered))] if answered else []


def _question(subject: Subject, row: Any, rule: Rule, on: date) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "network_id": row.network_id,
        "item": subject,
        "item_id": row.id,
        "title": row.title,
        "organisation_id": row.organisation_id,
        "asked_on": on,
        "answer_by": on + timedelta(days=rule.days),
        "version": 1,
    }


async def _open_questions(session: AsyncSession, items: Sequence[UUID]) -> dict[UUID, Any]:
    query = select(*freshness.c).where(freshness.c.item_id.in_(items), freshness.c.answer.is_(None))
    return {row.item_id: row for row in await session.execute(query.order_by(freshness.c.id).with_for_update())}


async def _ask(session: AsyncSession, asked: Sequence[dict[str, Any]]) -> None:
    if asked:
        put = (await session.execute(insert(freshness).returning(*freshness.c), list(asked))).all()
        await stage(session, *(fact_of(FreshnessAsked, row) for row in put))


async def leave_many(session: AsyncSession, subject: Subject, ids: Sequence[UUID], on: date) -> None:
    """Of items that are closed: nothing happens next to them, and what was asked is answered by that."""
    await session.execute(LEAVE, {"kind": due_kind(subject), "ids": list(ids)})
    open_ = await _open_questions(session, ids)
    await _answer(session, [row.id for row in open_.values()], Answer.GONE, on)


LEAVE = text("delete from due where kind = :kind and subject_id = any(:ids)")


async def _lapse(session: AsyncSession, ids: Sequence[UUID], on: date) -> None:
    await _answer(session, ids, Answer.LAPSED, on)


async def _answer(session: AsyncSession, ids: Sequence[UUID], answer: Answer, on: date) -> None:
    if ids:
        answered = (
            update(freshness)
            .where(freshness.c.id.in_(ids))
            .values(answer=answer, answered_on=on, version=freshness.c.version + 1)
        )
        rows = (await session.execute(answered.returning(*freshness.c))).all()
        await stage(session, *(fact_of(FreshnessAnswered, row) for row in rows))


async def _expire(session: AsyncSession, subject: Subject, ids: Sequence[UUID], now: datetime) -> None:
    if ids:
        table = TABLES[subject]
        expired = update(table).where(table.c.id.in_(ids)).values(state=State.EXPIRED, version=table.c.version + 1)
        rows = (await session.execute(expired.returning(*table.c))).all()
        await coverage.items_changed(session, subject, ids)
        if subject is Subject.PLACE:
            await presences.places_changed(session, ids, now)
        await stage(session, *(facts.fact_of(subject, "expired", row) for row in rows))


# --- how often -------------------------------------------------------------------------------------------------------


class RuleBody(BaseModel):
    """After how many months items are asked about, and how many days there are to answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"every": 6, "days": 30}]})

    every: Annotated[int, Field(ge=1, le=60)]
    days: Annotated[int, Field(ge=1, le=365)]


async def set_up(
    session: AsyncSession, actor: Actor, ref: str, request: RuleBody, *, expected: int | None, now: datetime
) -> queries.Kept:
    """How often a network asks, from now on: items that wait to be asked about wait for their new day; questions that
    have been put keep theirs."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SET_UP_MAP, network=network_id, on=now)
    await session.execute(LOCK, {"key": f"freshness rule {network_id}"})
    kept = await queries.kept_rule(session, network_id)
    expect(expected, kept.version)
    values = {"every": request.every, "days": request.days}
    put = postgresql.insert(freshness_rules).values(network_id=network_id, version=1, **values)
    again = put.on_conflict_do_update(
        index_elements=["network_id"], set_={**values, "version": freshness_rules.c.version + 1}
    )
    await session.execute(again)
    for subject in Subject:
        await session.execute(RESCHEDULE[subject], {"network": network_id, "every": request.every})
    return await queries.kept_rule(session, network_id)


LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
RESCHEDULE = {
    subject: text(
        f"""
        insert into due (kind, subject_id, at)
        select '{due_kind(subject)}', i.id,
               (least(i.checked_on + make_interval(months => :every), i.expires_on)::timestamp)
               at time zone 'Europe/Rome'
        from {table.name} i
        where i.network_id = :network and i.state = 'validated'
          and not exists (select 1 from freshness f where f.item_id = i.id and f.answer is null)
        order by i.id
        on conflict (kind, subject_id) do update set at = excluded.at, attempts = 0, retry_at = null, error = null
        """  # noqa: S608 (names of ours)
    )
    for subject, table in TABLES.items()
}
"""`Rule.next_look` for all items of a network about which no question is open."""


def fact_of(fact: type[FreshnessState], one: Any) -> FreshnessState:
    """Of a question or of its row."""
    return fact(
        id=one.id,
        version=one.version,
        network_id=one.network_id,
        item=one.item,
        item_id=one.item_id,
        title=one.title,
        organisation_id=one.organisation_id,
        asked_on=one.asked_on,
        answer_by=one.answer_by,
        answer=one.answer,
    )
