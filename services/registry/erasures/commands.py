"""What may be done with erasures, and what each phase does to the registry's own people.

In quarantine the names stand beside `people` (`quarantined_people`), whose row is empty like that of somebody erased:
no list, page or fact of any slice can show what is not there, and the person's own fact says so to the other services.
Facts of one erasure, however many days lie between them, are one journey: they share the correlation of its opening.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access_requests import commands as access_requests
from services.registry.erasures import queries
from services.registry.erasures.holdings import HOLDER, scrub
from services.registry.erasures.queries import Shown
from services.registry.erasures.rules import ASKED, DAYS, Erasure, ErasureRuns, Phase
from services.registry.erasures.tables import answers, quarantined, stream_erasures
from services.registry.people import commands as people_commands
from services.registry.people import queries as people_queries
from services.registry.people.queries import Readable
from services.registry.people.rules import Person, Retained
from services.registry.policy import Right, policy
from services.registry.processing import commands as processing
from shared.access.actor import ANONYMOUS, ROME, Actor, day
from shared.contracts.registry import (
    ErasureAdvanced,
    ErasureClosed,
    ErasureOpened,
    ErasureState,
    PersonChanged,
    PersonErased,
    PersonSought,
)
from shared.contracts.rights import ErasureAnswerState
from shared.messaging import Received, caused_by, context, redact, stage
from shared.messaging.topology import SERVICES
from shared.rights import Phase as Answered
from shared.rights import holdings, mentions
from shared.runtime import idempotency
from shared.runtime.due import schedule
from shared.runtime.problems import expect

DUE, SEARCH = "erasure", "erasure_search"
"""Kinds of due rows: an erasure may go on; its texts are to be searched (in no caller's time)."""
PRIVATE = ("given_name", "family_name", "email", "email_verified_at", "phone")


async def open_(session: AsyncSession, actor: Actor, person_id: UUID, *, now: datetime) -> Shown:
    """Asks every service what it holds of a person. People may ask for their own. Raises ErasureRuns."""
    right = Right.READ_PEOPLE if actor.person_id == person_id else Right.ERASE_PEOPLE
    person = await people_queries.for_update(session, actor, right, person_id, now)
    if (running := await queries.running(session, person_id)) is not None:
        raise ErasureRuns(running.id)
    erasure = await begun(session, actor, person, now)
    await _ask(session, erasure, now)
    sought = people_commands.state_of(PersonChanged, person).model_dump()
    with journey(erasure, now):
        await stage(
            session,
            _state(ErasureOpened, erasure),
            PersonSought(**sought, erasure_id=erasure.id, asked=erasure.version),
        )
    await schedule(session, SEARCH, erasure.id, now)
    return await queries.shown(session, actor, erasure, now)


async def begun(session: AsyncSession, actor: Actor, person: Person, now: datetime, **more: Any) -> Erasure:
    correlation = context.current().correlation
    erasure = Erasure(person.id, person.network_id, day(now), actor.id, correlation, **more)
    erasure.person_version = person.version
    session.add(erasure)
    await session.flush()
    return erasure


async def quarantine(
    session: AsyncSession,
    actor: Actor,
    erasure_id: UUID,
    *,
    days: int = DAYS,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Raises NotInThisPhase, Unanswered. Who holds an office stays known until it ends."""
    erasure, person = await queries.for_update(session, actor, erasure_id, now)
    await _may_erase(session, actor, person, now)
    expect(expected, erasure.version)
    erasure.begin(days, day(now), await queries.unanswered(session, erasure.id))
    await _follow(session, erasure, person, now)
    return await queries.shown(session, actor, erasure, now)


async def release(
    session: AsyncSession, actor: Actor, erasure_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Calls it off: the person is seen and written to again. Raises NotInThisPhase."""
    erasure, person = await queries.for_update(session, actor, erasure_id, now)
    expect(expected, erasure.version)
    erasure.release()
    await _in_sight(session, erasure, person, Phase.RELEASE, now)
    return await queries.shown(session, actor, erasure, now)


async def erase(session: AsyncSession, actor: Actor, erasure_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Erases before the quarantine is over. Raises NotInThisPhase, Retained."""
    erasure, person = await queries.for_update(session, actor, erasure_id, now)
    await _may_erase(session, actor, person, now)
    expect(expected, erasure.version)
    await _nothing_held(session, person, day(now))
    erasure.erase(day(now))
    await _follow(session, erasure, person, now)
    return await queries.shown(session, actor, erasure, now)


async def erase_person(
    session: AsyncSession, actor: Actor, person_id: UUID, *, expected: int | None, now: datetime
) -> Readable:
    """Without dry run and quarantine, for somebody who should never have been entered; in the register like all others.
    Texts that hold the name are not searched. Raises Retained."""
    person = await people_queries.for_update(session, actor, Right.ERASE_PEOPLE, person_id, now)
    expect(expected, person.version)
    await _nothing_held(session, person, day(now))
    await _at_once(session, actor, person, now)
    return await people_queries.readable(session, actor, person, now)


async def _at_once(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> None:
    erasure = await queries.running(session, person.id)
    told: type[ErasureState] = ErasureAdvanced
    if erasure is None:
        told = ErasureOpened
        erasure = await begun(session, actor, person, now, phase=Phase.ERASE, erase_on=day(now))
    erasure.erase_on = day(now)
    with journey(erasure, now):
        await _erase(session, erasure, person, now, told)


async def erase_again(session: AsyncSession, person_id: UUID, now: datetime) -> bool:
    """An operator's act after a restore: who had been erased is erased again, whatever office the backup says they
    hold. False for somebody whom the backup does not know, or knows to be erased."""
    person = await session.get(Person, person_id, with_for_update=True)
    if person is None or person.erased_at is not None:
        return False
    await _at_once(session, ANONYMOUS, person, now)
    return True


async def _may_erase(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> None:
    if Right.ERASE_PEOPLE not in await people_queries.rights_on(session, actor, person, now):
        policy.require(actor, Right.ERASE_PEOPLE, network=person.network_id, on=now)


async def _nothing_held(session: AsyncSession, person: Person, on: date) -> None:
    office = await queries.office(session, person.id, on)
    if office is not None:
        raise Retained(office.mandate_id, office.ends)


# --- what time does ---------------------------------------------------------------------------------------------------


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the quarantine is over, or an office may have ended."""
    for erasure_id in sorted(ids):
        erasure, person = await queries.locked(session, erasure_id)
        if erasure.open and erasure.phase in (Phase.WAITING, Phase.QUARANTINE):
            await _follow(session, erasure, person, now)


async def search(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the registry's own answer to the dry run."""
    for erasure_id in sorted(ids):
        erasure, person = await queries.locked(session, erasure_id)
        if erasure.phase is not Phase.DRY_RUN:
            continue
        found = await holdings.found(session, HOLDER.held, person.id)
        expression = mentions.pattern(person.given_name, person.family_name, person.email, person.phone)
        named = await mentions.mentions(session, HOLDER.metadata, HOLDER.silent, expression)
        answer: dict[str, Any] = {
            "holdings": _plain(holdings.holdings(found, Answered.DRY_RUN)),
            "mentions": _plain(named.first),
            "mentioned": named.count,
        }
        await _answered(session, erasure.id, HOLDER.service, now, **answer)


async def take_answers(session: AsyncSession, facts: Sequence[Received[ErasureAnswerState]], now: datetime) -> None:
    """What other services say, each in its row; who was the last to answer the last phase closes the erasure."""
    for received in facts:
        fact = received.fact
        answer: dict[str, Any] = {
            "holdings": _plain(fact.holdings),
            "mentions": _plain(fact.mentions),
            "mentioned": fact.mentioned,
        }
        await _answered(session, fact.erasure_id, fact.service(), now, fact.version, **answer)
    for erasure_id in sorted({received.fact.erasure_id for received in facts}):
        erasure = await session.get(Erasure, erasure_id, with_for_update=True, populate_existing=True)
        if erasure is not None and erasure.close(day(now), await queries.unanswered(session, erasure_id)):
            await session.flush()
            with journey(erasure, now):
                await stage(session, _state(ErasureClosed, erasure))


# --- the phases -------------------------------------------------------------------------------------------------------


async def _follow(session: AsyncSession, erasure: Erasure, person: Person, now: datetime) -> None:
    """Into the phase that has come, if another has; and the day on which to look again."""
    following = erasure.follow(day(now), await queries.office(session, person.id, day(now)))
    with journey(erasure, now):
        if following is Phase.ERASE:
            await _erase(session, erasure, person, now, ErasureAdvanced)
        elif following is Phase.QUARANTINE:
            sought = people_commands.state_of(PersonChanged, person).model_dump()
            await _put_away(session, person)
            await _advance(session, erasure, person, following, now)
            known = {"erasure_id": erasure.id, "asked": erasure.version, "phase": following}
            await stage(session, PersonSought(**sought, **known))
            await stage(session, people_commands.state_of(PersonChanged, person))
        elif following is not None:
            await _in_sight(session, erasure, person, following, now)
    if erasure.phase in (Phase.WAITING, Phase.QUARANTINE):
        await schedule(session, DUE, erasure.id, datetime.combine(erasure.next_look(day(now)), time(), ROME))


async def _in_sight(session: AsyncSession, erasure: Erasure, person: Person, phase: Phase, now: datetime) -> None:
    """Into a phase in which the person is seen; told as changed if they were not."""
    hidden = person.hidden
    if hidden:
        await _bring_back(session, person)
        if person.email is not None:  # what they were to be told meanwhile
            await processing.reachable(session, person.id, now)
    with journey(erasure, now):
        await _advance(session, erasure, person, phase, now)
        if hidden:
            await stage(session, people_commands.state_of(PersonChanged, person))


async def _put_away(session: AsyncSession, person: Person) -> None:
    await session.execute(
        insert(quarantined).values(person_id=person.id, **{name: getattr(person, name) for name in PRIVATE})
    )
    await idempotency.forget_words(session, await _expression(session, person))
    for name in PRIVATE:
        setattr(person, name, "" if name.endswith("_name") else None)
    await session.flush()
    await idempotency.forget(session, person.id)


async def _bring_back(session: AsyncSession, person: Person) -> None:
    gone = delete(quarantined).where(quarantined.c.person_id == person.id).returning(quarantined)
    kept = (await session.execute(gone)).one()
    for name in PRIVATE:
        setattr(person, name, getattr(kept, name))
    await session.flush()


async def _erase(
    session: AsyncSession, erasure: Erasure, person: Person, now: datetime, told: type[ErasureState]
) -> None:
    """What is kept of the person here goes, or stays with its ground; the log's rows about them become tombstones."""
    found = await holdings.found(session, HOLDER.held, person.id)
    expression = await _expression(session, person)
    await scrub(session, expression)
    await idempotency.forget_words(session, expression)
    await people_commands.empty(session, person, now)
    await session.execute(delete(quarantined).where(quarantined.c.person_id == person.id))
    await access_requests.destroy(session, person.id, now)
    await holdings.forget(session, HOLDER.held, person.id)
    await idempotency.forget(session, person.id)
    await _advance(session, erasure, person, Phase.ERASE, now, told, found)
    erased = PersonErased(id=person.id, version=person.version, network_id=person.network_id)
    await redact(session, erased)
    await stage(session, erased)
    again = upsert(stream_erasures).values(person_id=person.id, since=now)
    await session.execute(
        again.on_conflict_do_update(
            index_elements=["person_id"], set_={"since": now, "done_at": None, "messages": None}
        )
    )


async def _expression(session: AsyncSession, person: Person) -> str:
    row = (await session.execute(select(quarantined).where(quarantined.c.person_id == person.id))).one_or_none()
    known = person if row is None else row
    return mentions.pattern(known.given_name, known.family_name, known.email, known.phone)


async def _advance(
    session: AsyncSession,
    erasure: Erasure,
    person: Person,
    phase: Phase,
    now: datetime,
    told: type[ErasureState] = ErasureAdvanced,
    found: Sequence[holdings.Found] | None = None,
) -> None:
    """The erasure's fact comes before the person's: who counts what is held does so before others forget it."""
    erasure.phase, erasure.person_version = phase, person.version
    await session.flush()
    if phase in ASKED:
        await _ask(session, erasure, now)
        if found is None:
            found = await holdings.found(session, HOLDER.held, person.id)
        own = _plain(holdings.holdings(found, Answered(phase)))
        await _answered(session, erasure.id, HOLDER.service, now, holdings=own)
    await stage(session, _state(told, erasure))


async def _ask(session: AsyncSession, erasure: Erasure, now: datetime) -> None:
    asked = {"erasure_id": erasure.id, "asked": erasure.version, "phase": erasure.phase, "asked_at": now}
    await session.execute(insert(answers), [{**asked, "service": service} for service in SERVICES])


async def _answered(
    session: AsyncSession, erasure_id: UUID, service: str, now: datetime, asked: int | None = None, **said: Any
) -> None:
    """Into the row that waits for it; the newest when no version is named."""
    if asked is None:
        asked = await session.scalar(select(func.max(answers.c.asked)).where(answers.c.erasure_id == erasure_id))
    which = (answers.c.erasure_id == erasure_id, answers.c.service == service, answers.c.asked == asked)
    await session.execute(update(answers).where(*which).values(answered_at=now, **said))


@contextmanager
def journey(erasure: Erasure, now: datetime) -> Iterator[None]:
    with caused_by(replace(context.current(), correlation=erasure.correlation, at=now)):
        yield


def _state(fact: type[ErasureState], erasure: Erasure) -> ErasureState:
    return fact(
        id=erasure.id,
        version=erasure.version,
        network_id=erasure.network_id,
        person_id=erasure.person_id,
        phase=erasure.phase,
        erase_on=erasure.erase_on,
        person_version=erasure.person_version,
    )


def _plain(parts: Sequence[Any]) -> list[dict[str, Any]]:
    return [part.model_dump(mode="json") for part in parts]
