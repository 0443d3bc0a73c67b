"""What may be done with commitments and with the rules that make them.

Locks are taken in one order: the network's rules, memberships and people, the commitments. A commitment made, moved or
closed is told in the same transaction; the day after its last day is told by the due table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy import ARRAY, Date, Text, Uuid, bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.commitments import queries, rules
from services.registry.commitments.queries import Named
from services.registry.commitments.rules import Commitment, Kind, Rule, Source, State
from services.registry.commitments.tables import commitment_files
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.registry import (
    CommitmentChanged,
    CommitmentFulfilled,
    CommitmentLate,
    CommitmentMade,
    CommitmentState,
    CommitmentWaived,
)
from shared.messaging import stage
from shared.runtime.due import cancel, schedule, schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

DUE = "commitment"
"""The kind of due row that waits for the day after a commitment's last day."""

Title = Annotated[str, line(300)]
Prose = Annotated[str, Field(max_length=rules.LONGEST_TEXT)]


class Promise(Request):
    """Exactly one of organisation, person and body owes it, to the network or a body of it. `due` is the last day."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Elenco dei rappresentanti regionali",
                    "kind": "list_of_representatives",
                    "organisation_id": "019a0000-0000-7000-8000-000000000001",
                    "due": "2026-12-31",
                }
            ]
        },
    )

    title: Title
    kind: Kind
    due: date
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    creditor_body_id: UUID | None = None
    note: Prose | None = None


class Change(Request):
    """Only what is given changes. A debtor that is given replaces the one before, of whatever kind."""

    title: Title = Field(default="", examples=["Elenco dei rappresentanti regionali"])
    due: date = date.min
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    creditor_body_id: UUID | None = None
    note: Prose | None = None


class Fulfilment(Request):
    """Words or a link by which it can be seen, at least one; `on` is the day, today if not said."""

    evidence: Prose | None = Field(default=None, examples=["Elenco approvato dal direttivo il 3 ottobre"])
    link: Annotated[str, Field(max_length=2_000, pattern=r"^\s*https?://[^\s]+\s*$")] | None = Field(
        default=None, examples=["https://example.org/elenco.pdf"]
    )
    on: date | None = None


class Waiver(Request):
    reason: Prose = Field(default="", examples=["Assolto con il piano dell'anno prima"], description="Never empty")


class RuleBody(Request):
    """Every active member owes it: by `due`, or `days` after joining (who is a member already: after today)."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"kind": "report_of_experiences", "title": "Relazione sulle esperienze", "due": "2026-12-31"},
                {"kind": "list_of_representatives", "title": "Elenco dei rappresentanti", "days": 60},
            ]
        },
    )

    kind: Kind
    title: Title
    due: date | None = None
    days: Annotated[int, Field(ge=1, le=3_660)] | None = None


# --- commitments -----------------------------------------------------------------------------------------------------


async def make(session: AsyncSession, actor: Actor, ref: str, request: Promise, *, now: datetime) -> Named:
    """Raises DebtorMissing, UnknownDebtor, InvalidDay."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_COMMITMENTS, network=network_id, on=now)
    today = day(now)
    commitment = rules.make(Commitment(network_id, made_on=today, **_texts(request.model_dump())), today)
    await queries.lock_debtors(session, network_id, _named(request.model_dump()))
    session.add(commitment)
    await session.flush()
    await stage(session, state_of(CommitmentMade, commitment))
    await schedule(session, DUE, commitment.id, rules.late_at(commitment.due))
    return await queries.named_by_id(session, commitment.id)


async def change(
    session: AsyncSession, actor: Actor, commitment_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Named:
    """Takes the fields given; another day moves the due row. Raises Closed, DebtorMissing, DebtorOfRule,
    UnknownDebtor, InvalidDay."""
    before = (await queries.named_by_id(session, commitment_id)).commitment
    policy.require(actor, Right.WRITE_COMMITMENTS, network=before.network_id, on=now)
    await queries.lock_debtors(session, before.network_id, _named(given))  # first, as a withdrawal does
    commitment = (await queries.for_update(session, commitment_id)).commitment
    expect(expected, commitment.version)
    if commitment.change(day(now), **_texts(given)):
        await session.flush()
        await stage(session, state_of(CommitmentChanged, commitment))
        await schedule(session, DUE, commitment.id, rules.late_at(commitment.due))
    return await queries.named_by_id(session, commitment.id)


async def fulfil(
    session: AsyncSession,
    actor: Actor,
    commitment_id: UUID,
    request: Fulfilment,
    *,
    expected: int | None = None,
    file: tuple[str, bytes] | None = None,
    by_link: bool = False,
    now: datetime,
) -> Named:
    """By the debtor, by the secretariat, or by whoever has been sent the link; `file`: its name and what it holds.
    Raises Closed, EvidenceMissing, InvalidDay, UnfitFile."""
    named = await queries.for_update(session, commitment_id)
    commitment = named.commitment
    if not by_link:
        queries.require_fulfil(actor, named, now)
    expect(expected, commitment.version)
    await close(session, commitment, request, now, file)
    return named


async def close(
    session: AsyncSession,
    commitment: Commitment,
    request: Fulfilment,
    now: datetime,
    file: tuple[str, bytes] | None = None,
) -> None:
    """Fulfils a commitment whose row the caller has locked, and tells it."""
    shown = rules.file_of(*file) if file else None
    commitment.fulfil(request.on or day(now), request.evidence, request.link, day(now), shown)
    await session.flush()
    if file:
        await session.execute(insert(commitment_files).values(commitment_id=commitment.id, content=file[1]))
    await stage(session, state_of(CommitmentFulfilled, commitment))
    await cancel(session, DUE, commitment.id)


async def waive(
    session: AsyncSession,
    actor: Actor,
    commitment_id: UUID,
    request: Waiver,
    *,
    expected: int | None,
    now: datetime,
) -> Named:
    """Raises Closed, ReasonMissing."""
    named = await queries.for_update(session, commitment_id)
    commitment = named.commitment
    policy.require(actor, Right.WRITE_COMMITMENTS, network=commitment.network_id, on=now)
    expect(expected, commitment.version)
    commitment.waive(request.reason, day(now))
    await session.flush()
    await stage(session, state_of(CommitmentWaived, commitment))
    await cancel(session, DUE, commitment.id)
    return named


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the last day of these has passed. What was closed or moved meanwhile is left as it is."""
    found, today = await queries.unlocked_for_update(session, ids), day(now)
    late = [row.id for row in found if rules.overdue(row.state, row.due, today)]
    stated = (await session.execute(GROWN_LATE, {"ids": late})).all() if late else ()
    await stage(session, *(state_of(CommitmentLate, row) for row in stated))
    moved = [(row.id, rules.late_at(row.due)) for row in found if row.state is State.OPEN and row.due >= today]
    busy = set(ids) - {row.id for row in found}  # a command holds them: it may be about to move their day
    await schedule_many(session, DUE, [*moved, *((id_, now) for id_ in sorted(busy))])


GROWN_LATE = text(
    "update commitments set state = 'late', version = version + 1, updated_at = now() where id = any(:ids) returning *"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


# --- for other slices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What a pact, a plan, an agreement or a project asks of one debtor. `source_id` is the id of what asks, and of
    nothing else: one commitment for each."""

    network_id: UUID
    title: str
    kind: Kind = Kind.ACTION
    due: date
    source: Source
    source_id: UUID
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    creditor_body_id: UUID | None = None


async def owe(session: AsyncSession, owed: Sequence[Owed], now: datetime) -> list[UUID]:
    """The commitments, told, in the order of what is owed; what was asked for before is left as it is. The rights are
    the caller's to check, and its own rows are locked after the debtors (members and people), as in every command here.
    A day that has passed is late at once. Raises DebtorMissing, UnknownDebtor. Three statements, however many."""
    for one in owed:
        rules.require_one_debtor(vars(one))
    if not owed:
        return []
    rows = [{**vars(one), "id": uuid7(), "state": State.OPEN} for one in owed]
    standing = await queries.lock_owners(session, rows)
    for one in owed:
        if not rules.stands(standing.get(one.source_id)):
            raise rules.UnknownDebtor(*next((name, id_) for name in rules.DEBTORS if (id_ := getattr(one, name))))
    made = await queries.insert_owed(session, rows, day(now))
    await _tell_made(session, made)
    found: dict[tuple[Source, UUID], UUID] = {}
    for source in {one.source for one in owed}:
        asked = [one.source_id for one in owed if one.source == source]
        found |= {(source, id_): made for id_, made in (await queries.ids_of_sources(session, source, asked)).items()}
    return [found[one.source, one.source_id] for one in owed]


async def settle(
    session: AsyncSession,
    source: Source,
    source_ids: Collection[UUID],
    now: datetime,
    *,
    evidence: str | None = None,
    waive: str | None = None,
) -> list[UUID]:
    """Closes what is still owed of these: fulfilled today, as the words in `evidence` show, or waived for the reason
    in `waive`. Gives the ids of those it closed. Raises EvidenceMissing without either."""
    evidence, reason = rules.text_of("evidence", evidence), rules.text_of("waive", waive)
    if (evidence is None) == (reason is None):
        raise rules.EvidenceMissing
    asked = {"source": source, "ids": sorted(set(source_ids)), "today": day(now), "evidence": evidence, "why": reason}
    closed = (await session.execute(SETTLED, asked)).all() if source_ids else ()
    fact = CommitmentFulfilled if reason is None else CommitmentWaived
    await stage(session, *(state_of(fact, row) for row in closed))  # their due rows find them closed
    return [row.id for row in closed]


SETTLED = text(
    """
    with those as (
        select id from commitments where source = :source and source_id = any(:ids) and state in ('open', 'late')
        order by id for update
    )
    update commitments c set
        state = case when cast(:why as text) is null then 'fulfilled' else 'waived' end,
        evidence = :evidence,
        fulfilled_on = case when cast(:why as text) is null then cast(:today as date) end,
        waived_on = case when cast(:why as text) is not null then cast(:today as date) end,
        waiver_code = case when cast(:why as text) is not null then 'decided' end,
        waiver_reason = :why,
        version = c.version + 1, updated_at = now()
    from those where c.id = those.id returning c.*
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("evidence", type_=Text), bindparam("why", type_=Text))


# --- rules -----------------------------------------------------------------------------------------------------------

UUID7 = (
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing"
    " substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),"
    " 'hex')::uuid"
)
"""An id as Python makes them: the first 48 bits are the millisecond, so that lists by id are in order of time."""
OWED = f"""
    insert into commitments (id, network_id, title, kind, organisation_id, due, made_on, state, source, source_id,
                             version)
    select {UUID7}, r.network_id, r.title, r.kind, m.organisation_id,
           coalesce(r.due, greatest(m.since, cast(:today as date)) + r.days), :today, 'open', 'rule', r.id, 1
    from {{members}}
    where r.network_id = :network and r.stopped_on is null and (r.due is null or r.due >= :today)
    order by r.id, m.organisation_id
    on conflict (source_id, organisation_id)
        where source = 'rule' and waiver_code is distinct from 'organisation_left' and not beside do nothing
    returning *
"""  # noqa: S608
"""`Rule.due_for`, for many members at once."""
OWED_BY_ALL = text(
    OWED.format(
        members="commitment_rules r join memberships m on m.network_id = r.network_id and m.state = 'active'"
        " and r.id = :rule"
    )
)
OWED_BY_JOINERS = text(
    OWED.format(
        members="commitment_rules r cross join unnest(:joined, :since) as m(organisation_id, since)",
    )
).bindparams(bindparam("joined", type_=ARRAY(Uuid)), bindparam("since", type_=ARRAY(Date)))
NO_LONGER_OWED = text(
    """
    with gone as (
        select c.id from unnest(:left) as m(organisation_id) join commitments c using (organisation_id)
        where c.network_id = :network and c.state in ('open', 'late') order by c.id for update of c
    )
    update commitments c set state = 'waived', waived_on = :today, waiver_code = 'organisation_left',
        version = c.version + 1, updated_at = now()
    from gone where c.id = gone.id returning c.*
    """
).bindparams(bindparam("left", type_=ARRAY(Uuid)))


@dataclass(frozen=True)
class LaidDown:
    """A new rule, and how many commitments it made at once."""

    rule: Rule
    made: int

    @property
    def version(self) -> int:
        return self.rule.version


async def lay_down(session: AsyncSession, actor: Actor, ref: str, request: RuleBody, *, now: datetime) -> LaidDown:
    """A rule, and the commitments of all active members in one statement. Raises TermMissing, InvalidDay."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_COMMITMENTS, network=network_id, on=now)
    today = day(now)
    rule = rules.lay_down(Rule(network_id, made_on=today, **request.model_dump()), today)
    await queries.lock_rules(session, network_id, alone=True)
    session.add(rule)
    await session.flush()
    asked = {"network": network_id, "rule": rule.id, "today": today}
    made = (await session.execute(OWED_BY_ALL, asked)).all()
    await _tell_made(session, made)
    return LaidDown(rule, len(made))


async def stop(session: AsyncSession, actor: Actor, rule_id: UUID, *, expected: int | None, now: datetime) -> Rule:
    """Members who join from now on do not owe it; what was made stays owed. Raises AlreadyStopped."""
    rule = await queries.rule_for_update(session, rule_id)
    policy.require(actor, Right.WRITE_COMMITMENTS, network=rule.network_id, on=now)
    expect(expected, rule.version)
    rule.stop(day(now))
    await session.flush()
    return rule


async def follow_members(
    session: AsyncSession,
    network_id: UUID,
    joined: Collection[UUID],
    left: Collection[UUID],
    on: date,
    now: datetime,
) -> None:
    """Part of what makes organisations active members, or lets them go, from the day `on`: who joins owes what the
    network's rules say (once, however often it is told), who leaves owes this network nothing any more."""
    today = day(now)
    await queries.lock_rules(session, network_id)
    if joined:
        asked = {"network": network_id, "joined": sorted(joined), "since": [on] * len(joined), "today": today}
        await _tell_made(session, (await session.execute(OWED_BY_JOINERS, asked)).all())
    if left:
        asked = {"network": network_id, "left": sorted(left), "today": today}
        waived = (await session.execute(NO_LONGER_OWED, asked)).all()
        await stage(session, *(state_of(CommitmentWaived, row) for row in waived))  # their due rows find them closed


async def forgive(session: AsyncSession, person_id: UUID, now: datetime) -> None:
    """Part of an erasure: who is nobody any more owes nothing, in whatever network. The caller holds the person's row,
    so that no commitment is added."""
    asked = {"person": person_id, "today": day(now)}
    waived = (await session.execute(OWED_BY_NOBODY, asked)).all()
    await stage(session, *(state_of(CommitmentWaived, row) for row in waived))  # their due rows find them closed


OWED_BY_NOBODY = text(
    """
    with gone as (
        select id from commitments where person_id = :person and state in ('open', 'late') order by id for update
    )
    update commitments c set state = 'waived', waived_on = :today, waiver_code = 'person_erased',
        version = c.version + 1, updated_at = now()
    from gone where c.id = gone.id returning c.*
    """
)


async def _tell_made(session: AsyncSession, made: Iterable[Any]) -> None:
    made = list(made)
    await stage(session, *(state_of(CommitmentMade, row) for row in made))
    await schedule_many(session, DUE, [(row.id, rules.late_at(row.due)) for row in made])


# --- what is told ----------------------------------------------------------------------------------------------------


def state_of(fact: type[CommitmentState], one: Any) -> CommitmentState:
    """Of a commitment or of its row. Evidence, notes and reasons are free text: they stay here."""
    return fact(
        id=one.id,
        version=one.version,
        network_id=one.network_id,
        title=one.title,
        kind=one.kind,
        debtor_organisation_id=one.organisation_id,
        debtor_person_id=one.person_id,
        debtor_body_id=one.body_id,
        creditor_body_id=one.creditor_body_id,
        due=one.due,
        state=one.state,
        source=one.source,
        source_id=one.source_id,
        fulfilled_on=one.fulfilled_on,
    )


def _named(given: dict[str, Any]) -> dict[str, UUID | None]:
    return {name: given.get(name) for name in (*rules.DEBTORS, "creditor_body_id")}


def _texts(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "note": rules.text_of("note", given["note"])} if "note" in given else given
