"""What may be done with a network's record, with notices and consents; and owing people the notice.

Whoever makes a network know somebody calls `owe` in the same transaction. Notices are asked for by the due table, many
in one statement, as soon as there is a record; until then they wait. Locks: the network's record, people, notices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ARRAY, Uuid, bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.commitments.commands import UUID7
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from services.registry.processing import queries, rules
from services.registry.processing.queries import Named, NamedConsent
from services.registry.processing.rules import Basis, Consent, How, NoRecord, Processing, Terms
from services.registry.processing.tables import processing_terms
from shared.access.actor import Actor, day
from shared.contracts.registry import NoticeDue, ProcessingChanged, ProcessingRecorded, ProcessingState
from shared.messaging import stage
from shared.runtime.due import schedule_many
from shared.runtime.problems import expect, if_match_missing
from shared.runtime.shapes import Request, line

DUE = "notice"
"""The kind of due row that waits for a notice to be asked for."""

Line = Annotated[str, line(300)]
Prose = Annotated[str, Field(max_length=rules.LONGEST_TEXT)]


class Record(Request):
    """`contact` and `officer` are offices' addresses, nobody's personal ones. Data is kept for `retention_months` after
    a person's last tie with the network."""

    controller: Line = Field(examples=["Alleanza per le Case della comunità, via Roma 1, Lecco"])
    contact: Line = Field(examples=["privacy@alleanza.example"])
    purposes: Annotated[list[Line], Field(min_length=1, max_length=20)] = Field(
        examples=[["Convocare le riunioni e verbalizzarle", "Tenere l'elenco dei rappresentanti"]]
    )
    basis: Basis = Field(examples=["legitimate_interests"])
    retention_months: Annotated[int, Field(ge=1, le=1_200)] = Field(examples=[24])
    officer: Line | None = Field(default=None, examples=["dpo@alleanza.example"])
    source: Line | None = Field(default=None, examples=["L'ente che rappresenti"])
    recipients: Annotated[list[Line], Field(max_length=20)] = Field(
        default=[], examples=[["Gli enti che aderiscono alla rete"]]
    )

    @property
    def terms(self) -> Terms:
        given = self.model_dump()
        return Terms(**{**given, "purposes": tuple(self.purposes), "recipients": tuple(self.recipients)})


class Handing(Request):
    """How the person was told, and on which day (today if not said)."""

    how: How = Field(examples=["handed"])
    on: date | None = None


class Waiving(Request):
    reason: Prose = Field(
        default="", examples=["Ha firmato l'informativa all'assemblea di marzo"], description="Never empty"
    )


class Consenting(Request):
    """Whose consent, given on which day (today if not said) and how."""

    person_id: UUID
    on: date | None = None
    how: How | None = None


class Withdrawal(Request):
    on: date | None = None


# --- the record ------------------------------------------------------------------------------------------------------


async def record(
    session: AsyncSession, actor: Actor, ref: str, request: Record, *, expected: int | None, now: datetime
) -> Processing:
    """The first record of a network, or a new state of the one that it has. With the first one, the notices that waited
    for it are asked for. Raises problem 428 without the version of a record that is there."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_PROCESSING, network=network_id, on=now)
    await queries.lock_record(session, network_id, alone=True)
    processing = await queries.record_of(session, network_id, lock=True)
    if processing is None:
        expect(expected, 0)
        processing = Processing(network_id, **request.terms.as_dict())
        session.add(processing)
    else:
        if expected is None:
            raise if_match_missing()
        expect(expected, processing.version)
        if not processing.change(request.terms):
            return processing
    await session.flush()
    await _remember(session, actor, processing, now)
    await stage(session, state_of(ProcessingRecorded if processing.version == 1 else ProcessingChanged, processing))
    if processing.version == 1:
        await session.execute(ASK_ALL, {"network": network_id, "now": now})
    return processing


async def _remember(session: AsyncSession, actor: Actor, processing: Processing, now: datetime) -> None:
    kept = {**processing.terms.as_dict(), "recorded_at": now, "recorded_by": actor.id}
    await session.execute(
        insert(processing_terms), {"processing_id": processing.id, "version": processing.version, **kept}
    )


ASK_ALL = text(
    "insert into due (kind, subject_id, at) select 'notice', id, :now from notices"
    " where network_id = :network and state = 'owed' on conflict (kind, subject_id) do nothing"
)


# --- notices ---------------------------------------------------------------------------------------------------------


async def owe(
    session: AsyncSession,
    network_id: UUID,
    people: Collection[UUID],
    now: datetime,
    *,
    themselves: Collection[UUID] = (),
) -> None:
    """The network knows these people from now on: each is owed its notice, once. Who has no address is unreachable;
    `themselves` are those who entered themselves, and know."""
    if not people:
        return
    await queries.lock_record(session, network_id)
    today = day(now)
    asked = {"network": network_id, "people": sorted(people), "own": sorted(themselves)}
    await session.execute(OWE, {**asked, "today": today, "due": rules.tell_by(today), "now": now})


OWE = text(
    f"""
    with new as (
        insert into notices (id, network_id, person_id, entered_on, due, state, waiver_code, version)
        select {UUID7}, :network, p.id, :today, :due,
               case when p.id = any(:own) then 'waived' when p.email is null then 'unreachable' else 'owed' end,
               case when p.id = any(:own) then 'entered_themselves' end, 1
        from unnest(:people) as asked(id) join people p using (id) where p.erased_at is null order by p.id
        on conflict (network_id, person_id) do nothing
        returning id, state
    )
    insert into due (kind, subject_id, at)
    select 'notice', id, :now from new
    where state = 'owed' and exists (select from processings where network_id = :network)
    on conflict (kind, subject_id) do nothing
    """  # noqa: S608
).bindparams(bindparam("people", type_=ARRAY(Uuid)), bindparam("own", type_=ARRAY(Uuid)))


async def reachable(session: AsyncSession, person_id: UUID, now: datetime) -> None:
    """The person has a new address: who could not be told can be now. The caller holds the person's row."""
    await session.execute(REACHABLE, {"person": person_id, "now": now})


REACHABLE = text(
    """
    with again as (
        update notices set state = 'owed', version = version + 1, updated_at = now()
        where person_id = :person and state in ('unreachable', 'failed') returning id, network_id
    )
    insert into due (kind, subject_id, at)
    select 'notice', again.id, :now from again join processings using (network_id)
    on conflict (kind, subject_id) do nothing
    """
)


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: asks for these notices, a fact each. Of people without an address it says so; what a
    command holds comes again."""
    found = (await session.execute(TAKE, {"ids": list(ids)})).all()
    ready = [row for row in found if row.state == rules.State.OWED and row.email is not None and row.processing_id]
    lost = [row.id for row in found if row.state == rules.State.OWED and row.email is None]
    facts = [
        NoticeDue(
            id=row.person_id,
            version=row.person_version,
            network_id=row.network_id,
            notice_id=row.id,
            processing_id=row.processing_id,
            due=row.due,
        )
        for row in ready
    ]
    staged = await stage(session, *facts)
    if ready:
        await session.execute(ASKED, {"ids": [row.id for row in ready], "facts": staged, "now": now})
    if lost:
        await session.execute(LOST, {"ids": lost})
    busy = set(ids) - {row.id for row in found} - await queries.gone(session, ids)
    await schedule_many(session, DUE, [(id_, now) for id_ in sorted(busy)])


TAKE = text(
    """
    select n.id, n.network_id, n.person_id, n.due, n.state, p.email, p.version as person_version,
           r.id as processing_id
    from notices n join people p on p.id = n.person_id left join processings r on r.network_id = n.network_id
    where n.id = any(:ids) order by n.id for share of p skip locked for update of n skip locked
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
ASKED = text(
    "update notices n set state = 'asked', asked_at = :now, fact_id = asked.fact, version = n.version + 1,"
    " updated_at = now() from unnest(:ids, :facts) as asked(id, fact) where n.id = asked.id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("facts", type_=ARRAY(Uuid)))
LOST = text(
    "update notices set state = 'unreachable', version = version + 1, updated_at = now() where id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def hand(
    session: AsyncSession, actor: Actor, notice_id: UUID, request: Handing, *, expected: int | None, now: datetime
) -> Named:
    """Raises NothingToTell, InvalidDay."""
    named = await queries.for_update(session, actor, notice_id, now)
    expect(expected, named.version)
    named.notice.hand(request.on or day(now), request.how, actor.id, day(now))
    await session.flush()
    return named


async def waive(
    session: AsyncSession, actor: Actor, notice_id: UUID, request: Waiving, *, expected: int | None, now: datetime
) -> Named:
    """Raises NothingToTell, ReasonMissing."""
    named = await queries.for_update(session, actor, notice_id, now)
    expect(expected, named.version)
    named.notice.waive(request.reason, actor.id)
    await session.flush()
    return named


async def merge(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """Part of a merge, which holds both people's rows: where a network owes both its notice, the one that came further
    stays; the same of consents, where the older stays. What is told once is told to both."""
    gone = (await session.execute(TWICE_OWED, {"going": going, "staying": staying})).mappings().all()
    kept = {row["network_id"]: row for row in gone if FURTHER.index(row["state"]) > FURTHER.index(row["kept_state"])}
    for row in kept.values():
        await session.execute(TAKEN_OVER, {**row, "staying": staying})
    await session.execute(TWICE_GIVEN, {"going": going, "staying": staying})


FURTHER = ("unreachable", "owed", "failed", "asked", "waived", "told")
TWICE_OWED = text(
    "delete from notices g using notices k where g.person_id = :going and k.person_id = :staying"
    " and k.network_id = g.network_id returning g.*, k.state as kept_state"
)
TAKEN_OVER = text(
    "update notices set state = :state, asked_at = :asked_at, fact_id = :fact_id, sent_at = :sent_at,"
    " handed_on = :handed_on, how = :how, settled_by = :settled_by, waiver_code = :waiver_code,"
    " waiver_reason = :waiver_reason, version = version + 1, updated_at = now()"
    " where person_id = :staying and network_id = :network_id"
)
TWICE_GIVEN = text(
    """
    with gone as (
        delete from consents g using consents k
        where g.person_id = :going and k.person_id = :staying and k.network_id = g.network_id
          and g.withdrawn_on is null and k.withdrawn_on is null
        returning k.id, g.given_on
    )
    update consents c set given_on = least(c.given_on, gone.given_on), version = c.version + 1 from gone
    where c.id = gone.id
    """
)


async def forget(session: AsyncSession, person_id: UUID, now: datetime) -> None:
    """Part of an erasure: nothing is told any more, why it was not is forgotten, and consents end. The caller holds the
    person's row."""
    asked = {"person": person_id, "today": day(now)}
    await session.execute(FORGOTTEN, asked)
    await session.execute(WITHDRAWN, asked)


FORGOTTEN = text(
    "update notices set state = case when state = 'told' then state else 'waived' end,"
    " waiver_code = case when state <> 'told' then 'person_erased' end, waiver_reason = null,"
    " version = version + 1, updated_at = now() where person_id = :person"
)
WITHDRAWN = text(
    "update consents set withdrawn_on = greatest(given_on, :today), version = version + 1"
    " where person_id = :person and withdrawn_on is null"
)


# --- consents --------------------------------------------------------------------------------------------------------


async def consent(session: AsyncSession, actor: Actor, ref: str, request: Consenting, *, now: datetime) -> NamedConsent:
    """Recorded by the secretariat, or given by the person. Raises NoRecord, NotByConsent, ConsentedAlready,
    InvalidDay, UnknownPerson."""
    network_id = await networks.id_of(session, ref)
    if actor.person_id != request.person_id:
        policy.require(actor, Right.MANAGE_NOTICES, network=network_id, on=now)
    await queries.lock_record(session, network_id)
    await queries.lock_person(session, network_id, request.person_id)
    processing = await queries.record_of(session, network_id)
    if processing is None:
        raise NoRecord
    given = Consent(network_id, request.person_id, request.on or day(now), request.how, actor.id)
    standing = await queries.standing(session, network_id, request.person_id)
    session.add(rules.consent(processing.basis, given, standing, day(now)))
    await session.flush()
    return await queries.named_consent(session, given.id)


async def withdraw(
    session: AsyncSession, actor: Actor, consent_id: UUID, request: Withdrawal, *, expected: int | None, now: datetime
) -> NamedConsent:
    """As easily as it was given (art. 7(3)). Raises WithdrawnAlready, InvalidDay."""
    named = await queries.consent_for_update(session, actor, consent_id, now)
    expect(expected, named.version)
    named.consent.withdraw(request.on or day(now), day(now))
    await session.flush()
    return named


def state_of(fact: type[ProcessingState], processing: Processing) -> ProcessingState:
    return fact(
        id=processing.id,
        version=processing.version,
        network_id=processing.network_id,
        **processing.terms.as_dict(),
    )
