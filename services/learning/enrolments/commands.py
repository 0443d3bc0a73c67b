"""Getting onto paths, forward on them, and off them again.

By hand one enrolment at a time; by rule set-based, so that publishing a path to ten thousand holders, or the first day
of a thousand mandates, costs a handful of statements. A path's row is locked before its enrolments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Date,
    Text,
    TextualSelect,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.assessments import commands as assessments
from services.learning.courses.rules import Kind
from services.learning.credentials import commands as credentials
from services.learning.enrolments import queries, rules
from services.learning.enrolments.queries import Named
from services.learning.enrolments.rules import (
    Enrolment,
    NotOfTheNetwork,
    NotTheirOwn,
    State,
)
from services.learning.enrolments.tables import enrolments, grounds
from services.learning.mandates.tables import HELD, mandates
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
    EnrolmentRenewed,
    EnrolmentState,
)
from shared.messaging import stage
from shared.runtime.problems import Invalid, NotYetKnown, expect
from shared.runtime.shapes import Request


class EnrolBody(Request):
    """Whom to enrol; without it, the caller."""

    person_id: UUID | None = None


class InviteBody(Request):
    """Whom to enrol, together or not at all: who is on the path already stays as they are."""

    person_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1000)]


RENEWAL = "enrolment-renewal"
"""What falls due when somebody is to do a path again."""


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
    await _open(session, [enrolment], [path], now)
    return await queries.named(session, enrolment)


@dataclass(frozen=True)
class Invited:
    """How many of those asked for are on the path now, and how many were before."""

    enrolled: int
    already: int


async def invite(session: AsyncSession, actor: Actor, path_id: UUID, request: InviteBody, *, now: datetime) -> Invited:
    """All of them in a handful of statements, or none. Raises UnknownPath, NotPossibleNow, Unknown people."""
    path = await paths.locked(session, path_id)
    policy.require(actor, Right.ENROL, network=path.network_id, on=now)
    path.require("enrol")
    asked = sorted(set(request.person_ids))
    await people.hold_all_fast(session, asked)
    fit = await people.of_network_among(session, asked, path.network_id)
    errors = [(place, person) for place, person in enumerate(request.person_ids) if person not in fit]
    if errors:
        raise rules.SomeNotOfTheNetwork([place for place, _ in errors])
    rows = await _entities(
        session,
        INVITE,
        path=path.id,
        network=path.network_id,
        people=asked,
        day=day(now),
        due_days=path.due_days,
        now=now,
    )
    await _open(session, rows, [path], now)
    return Invited(len(rows), len(asked) - len(rows))


async def withdraw(
    session: AsyncSession, actor: Actor, enrolment_id: UUID, *, expected: int | None, now: datetime
) -> Named:
    """The person leaves a path that they chose or were invited to; or the secretariat takes them off it. Raises
    NotTheirOwn, NotToLeave."""
    enrolment, path = await queries.locked(session, enrolment_id)
    if actor.person_id is None or actor.person_id != enrolment.person_id:
        policy.require(actor, Right.ENROL, network=enrolment.network_id, on=now)
    expect(expected, enrolment.version)
    return await _leave(session, enrolment, path, now)


async def withdraw_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    enrolment_id: UUID,
    *,
    now: datetime,
) -> Named:
    """Off a path that one chose. Raises UnknownEnrolment."""
    enrolment, path = await queries.locked_by_link(session, enrolment_id)
    return await _leave(session, enrolment, path, now)


async def _leave(session: AsyncSession, enrolment: Enrolment, path: Path, now: datetime) -> Named:
    enrolment.leave(day(now))
    await session.flush()
    await stage(session, state_of(EnrolmentEnded, enrolment, path))
    await _follow(session, [enrolment], now)
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
    rules.require_by_hand(path, unit_id)
    return await advance(session, enrolment, path, unit_id, now)


async def mark_done_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    enrolment_id: UUID,
    unit_id: UUID,
    *,
    now: datetime,
) -> Named:
    """Raises UnknownEnrolment, and what `mark_done` raises of the unit."""
    enrolment, path = await queries.locked_by_link(session, enrolment_id)
    rules.require_by_hand(path, unit_id)
    return await advance(session, enrolment, path, unit_id, now)


async def advance(session: AsyncSession, enrolment: Enrolment, path: Path, unit_id: UUID, now: datetime) -> Named:
    """Raises UnknownUnit, EnrolmentEnded, CompletedAlready; a unit done before changes nothing."""
    if enrolment.mark(unit_id, path.unit_ids, now):
        await session.flush()
        await stage(session, *await advanced(session, [enrolment], [path], now))
    return await queries.named(session, enrolment)


# --- by rule: set-based ---------------------------------------------------------------------------------------------

OF_ENROLMENT = tuple(column for column in enrolments.columns if column.name != "updated_at")
RETURNED = ", ".join(f'e."{column.name}"' for column in OF_ENROLMENT)

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
            ended_on = null, "left" = false,
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
    and (p.territories = '{}' or m.within && p.territories) and (p.bodies = '{}' or m.body_id = any(p.bodies))
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
    update enrolments e set state = 'completed', completed_at = :now, completed_units = cardinality({UNIT_IDS}),
        version = e.version + 1, updated_at = now()
    where e.path_id = any(:paths) and e.state = 'active' and e.done ?& {UNIT_IDS}
    returning {RETURNED}
    """,  # noqa: S608
    paths=ARRAY(Uuid),
)

# A meeting counts from the day of the enrolment on, or ever where its unit says so; after a renewal only a new one. A
# quiz that was passed is not asked again, whichever unit of the path asks it now.
# `bump` is 0 for those whose fact of this transaction is still to come: one aggregate tells one fact.
COUNT_DONE = """
    with counted as (
        select e.id, jsonb_object_agg(unit ->> 'id', came.at) as done
        from enrolments e join paths p on p.id = e.path_id
        cross join lateral jsonb_array_elements(p.units) unit
        cross join lateral (
            select min(each.at) as at from (
                select a.starts_at as at from attended a
                where a.person_id = e.person_id and a.network_id = e.network_id
                  and (a.meeting_id = (unit ->> 'meeting_id')::uuid or a.series_id = (unit ->> 'series_id')::uuid
                       or a.body_id = (unit ->> 'body_id')::uuid)
                  and (a.day >= e.opened_on or (e.attempt = 1 and (unit ->> 'counts_before')::boolean))
                union all
                select q.submitted_at from quiz_attempts q
                where q.enrolment_id = e.id and q.quiz_id = (unit ->> 'quiz_id')::uuid and q.round = e.attempt
                  and q.passed
            ) each
        ) came
        where {scope} and e.state = 'active' and unit ->> 'kind' in ('meeting', 'quiz') and came.at is not null
          and not e.done ? (unit ->> 'id')
        group by e.id
    )
    update enrolments e set done = e.done || c.done, version = e.version + :bump, updated_at = now(),
        state = case when (e.done || c.done) ?& {unit_ids} then 'completed' else 'active' end,
        completed_at = case when (e.done || c.done) ?& {unit_ids} then cast(:now as timestamptz) end,
        completed_units = case when (e.done || c.done) ?& {unit_ids} then cardinality({unit_ids}) end
    from counted c where c.id = e.id
    returning {returned}
"""
DONE_OF_ENROLMENTS = returning(
    COUNT_DONE.format(scope="e.id = any(:ids)", unit_ids=UNIT_IDS, returned=RETURNED), ids=ARRAY(Uuid)
)
DONE_OF_PATHS = returning(
    COUNT_DONE.format(scope="e.path_id = any(:ids)", unit_ids=UNIT_IDS, returned=RETURNED), ids=ARRAY(Uuid)
)
DONE_OF_PEOPLE = returning(
    COUNT_DONE.format(
        scope="e.person_id = any(:ids) and e.network_id = any(:networks)", unit_ids=UNIT_IDS, returned=RETURNED
    ),
    ids=ARRAY(Uuid),
    networks=ARRAY(Uuid),
)

RENEWED_AT = (
    "(((e.completed_at at time zone 'Europe/Rome')::date + make_interval(months => p.renewed_after_months::integer))"
    " at time zone 'Europe/Rome')"
)
"""The beginning of the day in Italy, so many months after that of the completion."""

# Whom no mandate holds on a rule's path any more is left in peace; a new appointment schedules them again.
RENEW = returning(
    f"""
    with again as (
        select e.id, p.due_days from enrolments e join paths p on p.id = e.path_id
        where e.id = any(:ids) and e.state = 'completed' and e.person_id is not null and p.state = 'published'
          and {RENEWED_AT} <= :now
          and (e.how <> 'rule' or exists (
              select from enrolment_grounds g where g.enrolment_id = e.id and not g.over
          ))
    ), kept as (
        insert into enrolment_attempts (enrolment_id, attempt, opened_on, due, completed_at, completed_units, done)
        select e.id, e.attempt, e.opened_on, e.due, e.completed_at, e.completed_units, e.done
        from enrolments e join again on again.id = e.id
    )
    update enrolments e set attempt = e.attempt + 1, state = 'active', done = '{{}}', completed_at = null,
        completed_units = null, opened_on = :day, due = :day + again.due_days,
        version = e.version + 1, updated_at = now()
    from again where again.id = e.id
    returning {RETURNED}
    """,  # noqa: S608
    ids=ARRAY(Uuid),
    day=Date,
)

SCHEDULE = f"""
    insert into due (kind, subject_id, at)
    select '{RENEWAL}', e.id, {RENEWED_AT} from enrolments e join paths p on p.id = e.path_id
    where {{scope}} and e.state = 'completed' and e.person_id is not null and p.renewed_after_months is not null
    order by e.id
    on conflict (kind, subject_id) do update set at = excluded.at, attempts = 0, retry_at = null, error = null
"""  # noqa: S608
SCHEDULE_COMPLETED = text(SCHEDULE.format(scope="e.id = any(:ids)")).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
SCHEDULE_APPOINTED = text(
    SCHEDULE.format(
        scope="e.id in (select enrolment_id from enrolment_grounds where mandate_id = any(:ids) and not over)"
    )
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
SCHEDULE_PATH = text(SCHEDULE.format(scope="p.id = :path")).bindparams(bindparam("path", type_=Uuid))
UNSCHEDULE_PATH = text(
    f"""
    delete from due using enrolments e, paths p
    where due.kind = '{RENEWAL}' and due.subject_id = e.id and e.path_id = :path and p.id = e.path_id
      and p.renewed_after_months is null
    """  # noqa: S608
).bindparams(bindparam("path", type_=Uuid))

# Given to nobody who is on the path already; one that had ended opens again, by invitation.
INVITE = returning(
    f"""
    insert into enrolments as e (id, path_id, network_id, person_id, how, opened_on, due, state, version)
    select uuidv7(), :path, :network, person_id, 'invitation', :day, :day + cast(:due_days as integer), 'active', 1
    from unnest(:people) person_id order by person_id
    on conflict (path_id, person_id) do update set
        mandate_id = null, how = excluded.how, version = e.version + 1, updated_at = now(),
        opened_on = excluded.opened_on, due = excluded.due, ended_on = null, "left" = false,
        state = case when e.done ?& {UNIT_IDS} then 'completed' else 'active' end,
        completed_at = case when e.done ?& {UNIT_IDS} then cast(:now as timestamptz) end,
        completed_units = case when e.done ?& {UNIT_IDS} then cardinality({UNIT_IDS}) end
    where e.state = 'ended'
    returning {RETURNED}
    """,  # noqa: S608
    path=Uuid,
    network=Uuid,
    people=ARRAY(Uuid),
    day=Date,
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

FORGET = [
    text(statement).bindparams(bindparam("people", type_=ARRAY(Uuid)))
    for statement in (
        """
        with forgotten as (
            update enrolments set person_id = null, mandate_id = null, version = version + 1, updated_at = now()
            where person_id = any(:people) returning id
        )
        delete from enrolment_grounds g using forgotten where g.enrolment_id = forgotten.id
        """,
        "update quiz_attempts set person_id = null, answers = null, version = version + 1"
        " where person_id = any(:people)",
        "delete from attended where person_id = any(:people)",
    )
]

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
    await _open(session, rows, [path], now)


async def enrol_started(session: AsyncSession, days: Mapping[UUID, date], now: datetime) -> list[EnrolmentState]:
    """Those whose mandates (with the day on which each began) let them onto a path; gives the facts to tell.

    The caller holds the rows of the networks' paths (`lock_paths`).
    """
    started = {"mandates": list(days), "days": list(days.values())}
    rows = await _entities(session, ENROL_STARTED, **started, now=now)
    await session.execute(SCHEDULE_APPOINTED, {"ids": list(days)})  # what should have been renewed meanwhile is now
    by_id = await _paths_of(session, rows)
    return await opened(session, rows, list(by_id.values()), now)


async def count_meetings(
    session: AsyncSession, networks: Collection[UUID], persons: Collection[UUID], now: datetime
) -> list[EnrolmentState]:
    """Units of meetings that these people came to are done; gives the facts to tell."""
    query = select(paths_table.c.id).where(paths_table.c.network_id.in_(sorted(networks)))
    query = query.where(paths_table.c.units.op("@>")(text("""'[{"kind": "meeting"}]'::jsonb""")))
    await session.execute(query.order_by(paths_table.c.id).with_for_update())
    rows = await _entities(session, DONE_OF_PEOPLE, ids=sorted(persons), networks=sorted(networks), now=now, bump=1)
    by_id = await _paths_of(session, rows)
    return await advanced(session, rows, list(by_id.values()), now)


async def follow_units(session: AsyncSession, changed: Sequence[Path], now: datetime) -> None:
    """Units were added or taken out: meetings that count and quizzes that were passed are counted, and who had done all
    the others has completed the path. The caller holds the paths' rows."""
    ids = [path.id for path in changed]
    rows = [*await _entities(session, DONE_OF_PATHS, ids=ids, now=now, bump=1)]
    rows += await _entities(session, COMPLETE, paths=ids, now=now)
    await stage(session, *await advanced(session, rows, changed, now))


async def schedule_renewals(session: AsyncSession, path: Path) -> None:
    """After the path's own months have changed: what was completed is due anew, or no longer."""
    await session.execute(UNSCHEDULE_PATH, {"path": path.id})
    await session.execute(SCHEDULE_PATH, {"path": path.id})


async def renew(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """What was completed long enough ago begins another attempt, while its path is published and a rule's mandate is
    held; otherwise it stays completed."""
    theirs = select(enrolments.c.path_id).where(enrolments.c.id.in_(ids))
    await session.execute(
        select(paths_table.c.id).where(paths_table.c.id.in_(theirs)).order_by(paths_table.c.id).with_for_update()
    )
    rows = await _entities(session, RENEW, ids=list(ids), day=day(now), now=now)
    by_id = await _paths_of(session, rows)
    await stage(session, *(state_of(EnrolmentRenewed, row, by_id[row.path_id]) for row in rows))


async def over(session: AsyncSession, mandate_ids: Collection[UUID], now: datetime) -> dict[UUID, date]:
    """Those of them whose end is known already, with its day: it may have been heard before the beginning."""
    last = func.coalesce(mandates.c.ended_on, mandates.c.until, day(now))
    query = select(mandates.c.id, last).where(mandates.c.id.in_(mandate_ids), mandates.c.state == "ended")
    return {row[0]: row[1] for row in await session.execute(query)}


async def end_with_mandates(session: AsyncSession, days: Mapping[UUID, date]) -> list[EnrolmentState]:
    """Ends what rested on these mandates (with the day of each one's end) alone; gives the facts to tell."""
    rows = await _entities(session, END, mandates=list(days), days=list(days.values()))
    by_id = await _paths_of(session, rows)
    return [state_of(EnrolmentEnded, enrolment, by_id[enrolment.path_id]) for enrolment in rows]


async def forget(session: AsyncSession, people: Sequence[UUID], now: datetime) -> list[EnrolmentState]:
    """What they were still to do ends; all that they did stays as figures of nobody. Gives the facts to tell."""
    rows = await _entities(session, END_OF_ERASED, people=list(people), day=day(now))
    by_id = await _paths_of(session, rows)
    facts = [state_of(EnrolmentEnded, enrolment, by_id[enrolment.path_id]) for enrolment in rows]
    for statement in FORGET:
        await session.execute(statement, {"people": list(people)})
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
    kept, done = both[0], False
    facts: list[EnrolmentState] = []
    if len(both) > 1:
        kept, other = rules.further(*both)
        done = rules.absorb(kept, other, path.unit_ids, now)
        await session.execute(update(grounds).where(grounds.c.enrolment_id == other.id).values(enrolment_id=kept.id))
        ended = state_of(EnrolmentEnded, other, path).model_dump()
        told = {"version": other.version + 1, "person_id": staying, "state": State.ENDED}
        facts.append(EnrolmentEnded(**{**ended, **told}))
        await _move_history(session, other.id, kept.id)
        await session.execute(delete(enrolments).where(enrolments.c.id == other.id))
        session.expunge(other)
    kept.person_id = staying
    await session.flush()
    if done:
        return [*facts, *await advanced(session, [kept], [path], now)]
    return [*facts, state_of(EnrolmentAdvanced, kept, path)]


MOVE_HISTORY = [
    text(statement)
    for statement in (
        "delete from due where kind = 'enrolment-renewal' and subject_id = :other",
        "update enrolment_attempts a set enrolment_id = :kept where enrolment_id = :other and not exists"
        " (select from enrolment_attempts k where k.enrolment_id = :kept and k.attempt = a.attempt)",
        "delete from enrolment_attempts where enrolment_id = :other",
        # Under both records the person tried: the tries of the duplicate come after those of the one that stays.
        "update quiz_attempts a set enrolment_id = :kept, number = number + coalesce((select max(k.number)"
        " from quiz_attempts k where k.enrolment_id = :kept and k.quiz_id = a.quiz_id and k.round = a.round), 0),"
        " version = version + 1 where enrolment_id = :other",
        "update quiz_grants set enrolment_id = :kept where enrolment_id = :other",
    )
]


async def _move_history(session: AsyncSession, other: UUID, kept: UUID) -> None:
    for statement in MOVE_HISTORY:
        await session.execute(statement, {"other": other, "kept": kept})


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


async def _open(session: AsyncSession, rows: Sequence[Enrolment], of: Sequence[Path], now: datetime) -> None:
    await stage(session, *await opened(session, rows, of, now))
    await _follow(session, rows, now)


async def _follow(session: AsyncSession, rows: Sequence[Enrolment], now: datetime) -> None:
    """Those who are on a path, or off it, may be of an audience that is assessed, or no longer."""
    of_network: dict[UUID, set[UUID]] = {}
    for row in rows:
        if row.person_id is not None:
            of_network.setdefault(row.network_id, set()).add(row.person_id)
    for network, asked in of_network.items():
        await assessments.follow(session, network, asked, now=now)


async def opened(
    session: AsyncSession, rows: Sequence[Enrolment], of: Sequence[Path], now: datetime
) -> list[EnrolmentState]:
    """What is told of enrolments that have just opened, with what counts already: who comes back to a path of which
    nothing is left to do, or has been to the meetings and passed the quizzes that it asks for, has completed it."""
    if any(unit.kind in (Kind.MEETING, Kind.QUIZ) for path in of for unit in path.units):
        await _entities(session, DONE_OF_ENROLMENTS, ids=[row.id for row in rows], now=now, bump=0)
    await completed(session, [row for row in rows if row.state is State.COMPLETED], now)
    by_id = {path.id: path for path in of}
    facts = {State.ACTIVE: Enrolled, State.COMPLETED: EnrolmentCompleted}
    return [state_of(facts[row.state], row, by_id[row.path_id]) for row in rows]


async def advanced(
    session: AsyncSession, rows: Sequence[Enrolment], of: Sequence[Path], now: datetime
) -> list[EnrolmentState]:
    """What is told of enrolments of which more is done."""
    await completed(session, [row for row in rows if row.state is State.COMPLETED], now)
    by_id = {path.id: path for path in of}
    facts = {State.ACTIVE: EnrolmentAdvanced, State.COMPLETED: EnrolmentCompleted}
    return [state_of(facts[row.state], row, by_id[row.path_id]) for row in rows]


async def completed(session: AsyncSession, rows: Sequence[Enrolment], now: datetime) -> None:
    """What follows when enrolments are completed, by whatever way and already flushed: what was earned, and when they
    are to be renewed."""
    if rows:
        await credentials.earned(session, rows, now)
        await session.execute(SCHEDULE_COMPLETED, {"ids": [row.id for row in rows]})


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
        attempt=enrolment.attempt,
    )
