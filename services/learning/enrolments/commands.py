"""Getting onto paths, forward on them, and off them again.

By hand one enrolment at a time; by rule set-based, so that publishing a path to ten thousand holders, or the first day
of a thousand mandates, costs a handful of statements. A path's row is locked before its enrolments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Date, Text, TextualSelect, Uuid, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.enrolments import queries, rules
from services.learning.enrolments.queries import Named
from services.learning.enrolments.rules import (
    Enrolment,
    NotOfTheNetwork,
    NotTheirOwn,
    State,
    UnknownEnrolment,
)
from services.learning.enrolments.tables import enrolments, grounds
from services.learning.mandates.tables import HELD
from services.learning.paths import queries as paths
from services.learning.paths.rules import Path
from services.learning.paths.tables import paths as paths_table
from services.learning.people import queries as people
from services.learning.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.learning import (
    Enrolled,
    EnrolmentAdvanced,
    EnrolmentCompleted,
    EnrolmentEnded,
    EnrolmentState,
)
from shared.messaging import stage
from shared.runtime.problems import Invalid, NotYetKnown
from shared.runtime.shapes import Request


class EnrolBody(Request):
    """Whom to enrol; without it, the caller."""

    person_id: UUID | None = None


# --- by hand --------------------------------------------------------------------------------------------------------


async def enrol(
    session: AsyncSession, actor: Actor, path_id: UUID, request: EnrolBody | None, *, now: datetime
) -> Named:
    """The enrolment, new or as it stands: asking again changes nothing, and one that has ended opens again.

    Raises UnknownPath, NotOpen, NotPossibleNow, NotOfTheNetwork, NotYetKnown.
    """
    path = await paths.locked(session, path_id)
    await paths.require_seen(session, actor, path, now)
    person = (request.person_id if request else None) or actor.person_id
    if person is None:
        raise Invalid("/person_id", "missing", "the person to enrol: a key is nobody")
    themselves = person == actor.person_id
    if not themselves:
        policy.require(actor, Right.ENROL, network=path.network_id, on=now)
    may_enrol = policy.has(actor, Right.ENROL, network=path.network_id, on=now)
    how = rules.way_in(path, themselves=themselves, may_enrol=may_enrol)
    await require_known(session, path, person, themselves=themselves)
    enrolment = await queries.of_person(session, path.id, person)
    if enrolment is None:
        enrolment = rules.enrol(path, person, how, day(now))
        session.add(enrolment)
    elif enrolment.state is State.ENDED:
        enrolment.reopen(path, how, day(now), now)
    else:
        return await queries.named(session, enrolment)
    await session.flush()
    await stage(session, opened(enrolment, path))
    return await queries.named(session, enrolment)


async def require_known(session: AsyncSession, path: Path, person_id: UUID, *, themselves: bool) -> None:
    """Whoever is signed in is somebody, even where their name has not arrived; others must be of the network."""
    known = await people.held_fast(session, person_id)
    if known is None and not themselves:
        raise NotYetKnown("/person_id")
    erased = known is not None and known.erased_at is not None
    if erased or not (themselves or await people.of_network(session, person_id, path.network_id)):
        raise NotOfTheNetwork(person_id)


async def mark_done(session: AsyncSession, actor: Actor, enrolment_id: UUID, unit_id: UUID, *, now: datetime) -> Named:
    """The person's own act: not even the secretariat learns on somebody's behalf. Raises NotTheirOwn besides what
    `advance` raises."""
    enrolment, path = await queries.locked(session, enrolment_id)
    if actor.person_id is None or actor.person_id != enrolment.person_id:
        raise NotTheirOwn(enrolment_id)
    return await advance(session, enrolment, path, unit_id, now)


async def mark_done_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    enrolment_id: UUID,
    unit_id: UUID,
    *,
    now: datetime,
) -> Named:
    enrolment, path = await queries.locked(session, enrolment_id)
    if enrolment.person_id is None:
        raise UnknownEnrolment(enrolment_id)
    return await advance(session, enrolment, path, unit_id, now)


async def advance(session: AsyncSession, enrolment: Enrolment, path: Path, unit_id: UUID, now: datetime) -> Named:
    """Raises UnknownUnit, EnrolmentEnded, CompletedAlready; a unit done before changes nothing."""
    if enrolment.mark(unit_id, path.unit_ids, now):
        await session.flush()
        fact = EnrolmentCompleted if enrolment.state is State.COMPLETED else EnrolmentAdvanced
        await stage(session, state_of(fact, enrolment, path))
    return await queries.named(session, enrolment)


# --- by rule: set-based ---------------------------------------------------------------------------------------------

OF_ENROLMENT = tuple(column for column in enrolments.columns if column.name != "updated_at")
RETURNED = ", ".join(f"e.{column.name}" for column in OF_ENROLMENT)

UNIT_IDS = (
    "array(select unit ->> 'id' from paths p cross join jsonb_array_elements(p.units) unit where p.id = e.path_id)"
)

# `candidates` says who is to be on which path because of which mandate. A mandate enrols into a path once: its ground
# stays. The row that is there already is left alone unless it had ended; a day without a mandate in between starts the
# time anew. The id is known beforehand, since the path's lock lets nobody else onto it: to join what has been inserted
# with those wanted, of whose number the planner knows nothing, is quadratic and timed out with ten thousand holders.
ENROL = f"""
    , wanted as (
        select *, coalesce(known_id, first_value(new_id) over (partition by path_id, person_id)) as enrolment_id
        from candidates
    ), opened as (
        insert into enrolments as e
            (id, path_id, network_id, person_id, mandate_id, how, opened_on, due, state, version)
        select enrolment_id, path_id, network_id, person_id, mandate_id, 'rule', day, day + due_days, 'active', 1
        from (select distinct on (path_id, person_id) * from wanted order by path_id, person_id, day, mandate_id) w
        on conflict (path_id, person_id) do update set
            mandate_id = excluded.mandate_id, how = excluded.how, version = e.version + 1, updated_at = now(),
            opened_on = case when e.ended_on = excluded.opened_on then e.opened_on else excluded.opened_on end,
            due = case when e.ended_on = excluded.opened_on then e.due else excluded.due end,
            ended_on = null,
            state = case when e.done ?& {UNIT_IDS} then 'completed' else 'active' end,
            completed_at = case when e.done ?& {UNIT_IDS} then cast(:now as timestamptz) end,
            completed_units = case when e.done ?& {UNIT_IDS} then cardinality({UNIT_IDS}) end
        where e.state = 'ended'
        returning {RETURNED}
    ), grounded as (
        insert into enrolment_grounds (mandate_id, path_id, enrolment_id)
        select mandate_id, path_id, enrolment_id from wanted
    )
    select {RETURNED} from opened e
"""  # noqa: S608 (names of our own columns)

MAY_ENROL = """
    p.state = 'published' and p.enrolment = 'rule'
    and not exists (select from enrolment_grounds g where g.mandate_id = m.id and g.path_id = p.id)
    and not exists (select from people where people.id = m.person_id and people.erased_at is not null)
"""


def returning(statement: str, **types: Any) -> TextualSelect:
    bound: list[BindParameter[Any]] = [bindparam(name, type_=type_) for name, type_ in types.items()]
    return text(statement).bindparams(*bound).columns(*OF_ENROLMENT)


ENROL_HOLDERS = returning(
    f"""
    with candidates as materialized (
        select p.id as path_id, p.network_id, p.due_days, m.id as mandate_id, m.person_id, p.published_on as day,
               e.id as known_id, uuidv7() as new_id
        from paths p join mandates m on m.network_id = p.network_id and m.role = any(p.roles)
        left join enrolments e on e.path_id = p.id and e.person_id = m.person_id
        where p.id = :path and m.state = any(:held) and {MAY_ENROL}
    )
    """  # noqa: S608
    + ENROL,
    path=Uuid,
    held=ARRAY(Text),
)

# A mandate that was over before the path was published is none of its grounds, however late the news of its beginning.
ENROL_STARTED = returning(
    f"""
    with candidates as materialized (
        select p.id as path_id, p.network_id, p.due_days, m.id as mandate_id, m.person_id,
               greatest(p.published_on, started.day) as day,
               e.id as known_id, uuidv7() as new_id
        from unnest(:mandates, :days) as started(mandate_id, day)
        join mandates m on m.id = started.mandate_id
        join paths p on p.network_id = m.network_id and m.role = any(p.roles)
        left join enrolments e on e.path_id = p.id and e.person_id = m.person_id
        where (m.state <> 'ended' or coalesce(m.ended_on, m.until) > p.published_on) and {MAY_ENROL}
    )
    """  # noqa: S608
    + ENROL,
    mandates=ARRAY(Uuid),
    days=ARRAY(Date),
)

END = returning(
    f"""
    with gone as (
        update enrolment_grounds g set over = true
        from unnest(:mandates, :days) as gone(mandate_id, day)
        where g.mandate_id = gone.mandate_id and not g.over
        returning g.enrolment_id, gone.day
    )
    update enrolments e set state = 'ended', ended_on = last.day, version = e.version + 1, updated_at = now()
    from (select enrolment_id, max(day) as day from gone group by 1) last
    where e.id = last.enrolment_id and e.state = 'active' and e.how = 'rule'
      and not exists (
          select from enrolment_grounds o
          where o.enrolment_id = e.id and not o.over and o.mandate_id <> all(:mandates)
      )
    returning {RETURNED}
    """,  # noqa: S608
    mandates=ARRAY(Uuid),
    days=ARRAY(Date),
)

COMPLETE = returning(
    f"""
    update enrolments e set state = 'completed', completed_at = :now, completed_units = :units,
        version = e.version + 1, updated_at = now()
    where e.path_id = :path and e.state = 'active' and e.done ?& :unit_ids
    returning {RETURNED}
    """,  # noqa: S608
    path=Uuid,
    unit_ids=ARRAY(Text),
)

END_OF_ERASED = returning(
    f"""
    update enrolments e set state = 'ended', ended_on = :day, version = e.version + 1, updated_at = now()
    where e.person_id = any(:people) and e.state = 'active'
    returning {RETURNED}
    """,  # noqa: S608
    people=ARRAY(Uuid),
    day=Date,
)

FORGET = text(
    """
    with forgotten as (
        update enrolments set person_id = null, mandate_id = null, version = version + 1, updated_at = now()
        where person_id = any(:people) returning id
    )
    delete from enrolment_grounds g using forgotten where g.enrolment_id = forgotten.id
    """
).bindparams(bindparam("people", type_=ARRAY(Uuid)))

HOLD_PEOPLE = text(
    """
    select from people where id in (
        select m.person_id from mandates m join paths p on p.network_id = m.network_id and m.role = any(p.roles)
        where p.id = :path
    ) order by id for share
    """
).bindparams(bindparam("path", type_=Uuid))


async def enrol_holders(session: AsyncSession, path: Path, now: datetime) -> None:
    """All who hold one of the path's roles today, in one statement. The path's row is locked, and the reaction to a
    mandate's first day waits for it: whoever comes second sees what the other has written."""
    await session.execute(HOLD_PEOPLE, {"path": path.id})  # nobody is erased between being read and being enrolled
    rows = await _entities(session, ENROL_HOLDERS, path=path.id, held=list(HELD), now=now)
    await stage(session, *(opened(enrolment, path) for enrolment in rows))


async def enrol_started(session: AsyncSession, days: Mapping[UUID, date], now: datetime) -> list[EnrolmentState]:
    """Those whose mandates (with the day on which each began) let them onto a path; gives the facts to tell.

    The caller holds the rows of the networks' paths (`lock_paths`).
    """
    started = {"mandates": list(days), "days": list(days.values())}
    rows = await _entities(session, ENROL_STARTED, **started, now=now)
    by_id = await _paths_of(session, rows)
    return [opened(enrolment, by_id[enrolment.path_id]) for enrolment in rows]


async def end_with_mandates(session: AsyncSession, days: Mapping[UUID, date]) -> list[EnrolmentState]:
    """Ends what rested on these mandates (with the day of each one's end) alone; gives the facts to tell."""
    rows = await _entities(session, END, mandates=list(days), days=list(days.values()))
    by_id = await _paths_of(session, rows)
    return [state_of(EnrolmentEnded, enrolment, by_id[enrolment.path_id]) for enrolment in rows]


async def complete_what_is_done(session: AsyncSession, path: Path, now: datetime) -> None:
    """Units were taken out: who had done all the others has completed the path."""
    units = [str(unit.id) for unit in path.units]
    rows = await _entities(session, COMPLETE, path=path.id, now=now, units=len(path.units), unit_ids=units)
    await stage(session, *(state_of(EnrolmentCompleted, enrolment, path) for enrolment in rows))


async def forget(session: AsyncSession, people: Sequence[UUID], now: datetime) -> list[EnrolmentState]:
    """What they were still to do ends; all that they did stays as figures of nobody. Gives the facts to tell."""
    rows = await _entities(session, END_OF_ERASED, people=list(people), day=day(now))
    by_id = await _paths_of(session, rows)
    facts = [state_of(EnrolmentEnded, enrolment, by_id[enrolment.path_id]) for enrolment in rows]
    await session.execute(FORGET, {"people": list(people)})
    return facts


async def reassign(session: AsyncSession, going: UUID, staying: UUID, now: datetime) -> list[EnrolmentState]:
    """A person was entered twice: what the duplicate is enrolled in, the other is. Of two enrolments in one path the
    further stays, with what was done under both, and the other ends. Gives the facts to tell."""
    theirs = select(enrolments.c.path_id).where(enrolments.c.person_id == going)
    locked = select(Path).where(paths_table.c.id.in_(theirs)).order_by(paths_table.c.id).with_for_update()
    by_id = {path.id: path for path in (await session.execute(locked)).scalars()}
    query = select(Enrolment).where(enrolments.c.path_id.in_(by_id), enrolments.c.person_id.in_([going, staying]))
    query = query.order_by(enrolments.c.id).with_for_update().execution_options(populate_existing=True)
    found: dict[UUID, list[Enrolment]] = {}
    for enrolment in (await session.execute(query)).scalars():
        found.setdefault(enrolment.path_id, []).append(enrolment)
    facts: list[EnrolmentState] = []
    for path_id, both in found.items():
        facts += await _as_one(session, by_id[path_id], both, staying, now)
    return facts


async def _as_one(
    session: AsyncSession, path: Path, both: Sequence[Enrolment], staying: UUID, now: datetime
) -> list[EnrolmentState]:
    kept, completed = both[0], False
    facts: list[EnrolmentState] = []
    if len(both) > 1:
        kept, other = rules.further(*both)
        completed = rules.absorb(kept, other, path.unit_ids, now)
        await session.execute(update(grounds).where(grounds.c.enrolment_id == other.id).values(enrolment_id=kept.id))
        ended = state_of(EnrolmentEnded, other, path).model_dump()
        told = {"version": other.version + 1, "person_id": staying, "state": State.ENDED}
        facts.append(EnrolmentEnded(**{**ended, **told}))
        await session.execute(delete(enrolments).where(enrolments.c.id == other.id))
        session.expunge(other)
    kept.person_id = staying
    await session.flush()
    facts.append(state_of(EnrolmentCompleted if completed else EnrolmentAdvanced, kept, path))
    return facts


async def lock_paths(session: AsyncSession, networks: Collection[UUID]) -> None:
    """The rule's paths of these networks, drafts included: a path that is being published is waited for."""
    query = select(paths_table.c.id).where(
        paths_table.c.network_id.in_(sorted(networks)), paths_table.c.enrolment == "rule"
    )
    await session.execute(query.order_by(paths_table.c.id).with_for_update())


async def _entities(session: AsyncSession, statement: TextualSelect, **values: object) -> Sequence[Enrolment]:
    query = select(Enrolment).from_statement(statement).execution_options(populate_existing=True)
    return (await session.execute(query, values)).scalars().all()


async def _paths_of(session: AsyncSession, rows: Iterable[Enrolment]) -> dict[UUID, Path]:
    ids = {enrolment.path_id for enrolment in rows}
    if not ids:
        return {}
    found = (await session.execute(select(Path).where(paths_table.c.id.in_(ids)))).scalars()
    return {path.id: path for path in found}


# --- facts ----------------------------------------------------------------------------------------------------------


def opened(enrolment: Enrolment, path: Path) -> EnrolmentState:
    """Who comes back to a path of which nothing is left to do has completed it."""
    fact = EnrolmentCompleted if enrolment.state is State.COMPLETED else Enrolled
    return state_of(fact, enrolment, path)


def state_of(fact: type[EnrolmentState], enrolment: Enrolment, path: Path) -> EnrolmentState:
    progress = enrolment.progress(path.unit_ids)
    assert enrolment.person_id is not None  # nothing is told of the erased
    return fact(
        id=enrolment.id,
        version=enrolment.version,
        network_id=enrolment.network_id,
        path_id=path.id,
        path_title=path.title,
        audience=path.audience,
        person_id=enrolment.person_id,
        mandate_id=enrolment.mandate_id,
        state=enrolment.state,
        units_done=progress.count,
        units=progress.of,
        due=enrolment.due,
    )
