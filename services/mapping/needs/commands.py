"""Collecting needs, giving them to somebody, answering them; forgetting what was asked.

What a command answers never holds the text: answers are kept for a while under their Idempotency-Key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items.commands import Theme, require_member, without_surrogates
from services.mapping.items.rules import LONGEST_TEXT
from services.mapping.items.rules import State as ItemState
from services.mapping.needs import queries
from services.mapping.needs.queries import Read
from services.mapping.needs.rules import Need, State, UnknownAssignee, Withdrawal, erase_at
from services.mapping.needs.tables import need_rules, needs
from services.mapping.places.rules import Place
from services.mapping.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.tables import grants
from shared.contracts.mapping import NeedAnswered, NeedAssigned, NeedCollected, NeedState, NeedWithdrawn
from shared.messaging import stage
from shared.runtime.due import schedule
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

DUE = "need-text"
"""The kind of due row that waits for the day on which a need's text is erased."""
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
    AfterValidator(without_surrogates),
]


class UnknownPlace(Exception):
    """The network has no such place, or it is closed."""


class NeedBody(Request):
    """What somebody asked for at a place. The text is seen by who collects it, who is to answer and the coordinator,
    and erased some time after the answer."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "place_id": "019a0000-0000-7000-8000-000000000002",
                    "theme": "housing",
                    "text": "Cerca una stanza per due mesi, vicino al lavoro",
                }
            ]
        },
    )

    place_id: UUID
    theme: Theme
    text: Words


class AssignBody(Request):
    """The organisation that is to answer, the person who is to answer (for it), or both."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"organisation_id": "019a0000-0000-7000-8000-000000000001"}]},
    )

    organisation_id: UUID | None = None
    person_id: UUID | None = None


class AnswerBody(Request):
    """What was answered; kept as long as what was asked."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"answer": "Stanza trovata in cooperativa"}]},
    )

    answer: Words


class WithdrawBody(Request):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"why": "by_the_person"}]})

    why: Withdrawal


class RuleBody(Request):
    """Days after the end of a need for which what was asked is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"days_kept": 90}]})

    days_kept: Annotated[int, Field(ge=0, le=3_650)]


async def collect(session: AsyncSession, actor: Actor, ref: str, request: NeedBody, *, now: datetime) -> Read:
    """Raises UnknownPlace, Forbidden."""
    network_id = await loading.network_id(session, ref)
    place = await session.get(Place, request.place_id, with_for_update={"read": True})
    if place is None or place.network_id != network_id or place.state in (ItemState.CLOSED, ItemState.DRAFT):
        policy.require(actor, Right.COLLECT_NEEDS, network=network_id, on=now)
        raise UnknownPlace(request.place_id)
    queries.require_at(actor, Right.COLLECT_NEEDS, place, now)
    need = Need(
        network_id=network_id,
        place_id=place.id,
        municipality=place.municipality or "",
        areas=list(place.areas),
        theme=request.theme,
        text=request.text,
        collected_by=actor.person_id,
        collected_at=now,
    )
    session.add(need)
    await session.flush()
    await stage(session, fact_of(NeedCollected, need))
    return await queries.read(session, actor, need, now)


async def assign(
    session: AsyncSession, actor: Actor, need_id: UUID, request: AssignBody, *, expected: int | None, now: datetime
) -> Read:
    """Raises NotOpen, AssigneeMissing, UnknownReference, UnknownAssignee, Forbidden."""
    need = await queries.for_update(session, need_id)
    await queries.require_assign(session, actor, need, now)
    expect(expected, need.version)
    if request.organisation_id:
        await require_member(session, need.network_id, request.organisation_id, "/organisation_id")
    if request.person_id:
        await _require_mandate(session, need.network_id, request.person_id, now)
    if need.assign(request.organisation_id, request.person_id, now):
        await session.flush()
        await stage(session, fact_of(NeedAssigned, need))
    return await queries.read(session, actor, need, now)


async def _require_mandate(session: AsyncSession, network_id: UUID, person_id: UUID, now: datetime) -> None:
    query = select(grants.c.since, grants.c.until).where(
        grants.c.person_id == person_id, grants.c.network_id == network_id
    )
    today = day(now)
    if not any(row.since <= today and (row.until is None or today < row.until) for row in await session.execute(query)):
        raise UnknownAssignee("person_id", "somebody who holds a mandate in the network")


async def answer(
    session: AsyncSession, actor: Actor, need_id: UUID, request: AnswerBody, *, expected: int | None, now: datetime
) -> Read:
    """By who is to answer, or the coordinator. Raises NotOpen, Forbidden."""
    need = await queries.for_update(session, need_id)
    queries.require_answer(actor, need, now)
    expect(expected, need.version)
    need.reply(request.answer, now)
    return await _ended(session, actor, need, NeedAnswered, now)


async def withdraw(
    session: AsyncSession, actor: Actor, need_id: UUID, request: WithdrawBody, *, expected: int | None, now: datetime
) -> Read:
    """It is followed no longer. Raises NotOpen, Forbidden."""
    need = await queries.for_update(session, need_id)
    await queries.require_assign(session, actor, need, now)
    expect(expected, need.version)
    need.withdraw(request.why, now)
    return await _ended(session, actor, need, NeedWithdrawn, now)


async def _ended(session: AsyncSession, actor: Actor, need: Need, fact: type[NeedState], now: datetime) -> Read:
    await session.flush()
    await stage(session, fact_of(fact, need))
    rule = await queries.kept_rule(session, need.network_id)
    await schedule(session, DUE, need.id, erase_at(now, rule.days_kept))
    return await queries.read(session, actor, need, now)


async def erase_texts(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: what was asked and answered is forgotten. Nothing is told: no fact ever held it."""
    query = select(Need).where(needs.c.id.in_(ids)).order_by(needs.c.id).with_for_update()
    for need in await session.scalars(query):
        if need.ended_at is not None:
            need.erase_text(now)
    await session.flush()


async def set_up(
    session: AsyncSession, actor: Actor, ref: str, request: RuleBody, *, expected: int | None, now: datetime
) -> queries.Rule:
    """For how long the text of ended needs is kept; those that wait to be erased wait for their new day."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SET_UP_MAP, network=network_id, on=now)
    await session.execute(LOCK, {"key": f"need rule {network_id}"})
    kept = await queries.kept_rule(session, network_id)
    expect(expected, kept.version)
    put = postgresql.insert(need_rules).values(network_id=network_id, version=1, days_kept=request.days_kept)
    again = {"days_kept": request.days_kept, "version": need_rules.c.version + 1}
    await session.execute(put.on_conflict_do_update(index_elements=["network_id"], set_=again))
    await session.execute(RESCHEDULE, {"network": network_id, "days": request.days_kept})
    return await queries.kept_rule(session, network_id)


LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
RESCHEDULE = text(
    f"""
    insert into due (kind, subject_id, at)
    select '{DUE}', id, coalesce(answered_at, withdrawn_at) + make_interval(days => :days) from needs
    where network_id = :network and text_erased_at is null and state in ('{State.ANSWERED}', '{State.WITHDRAWN}')
    order by id
    on conflict (kind, subject_id) do update set at = excluded.at, attempts = 0, retry_at = null, error = null
    """  # noqa: S608 (words of ours)
)


def fact_of(fact: type[NeedState], need: Any) -> NeedState:
    """Which need, where, about what, how far: never what was asked."""
    return fact(
        id=need.id,
        version=need.version,
        network_id=need.network_id,
        place_id=need.place_id,
        municipality=need.municipality,
        theme=need.theme,
        state=need.state,
        organisation_id=need.organisation_id,
        person_id=need.person_id,
        collected_on=day(need.collected_at),
        assigned_on=need.assigned_at and day(need.assigned_at),
        answered_on=need.answered_at and day(need.answered_at),
    )
