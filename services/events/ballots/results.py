"""What a closed ballot says: of all together, and of each cohort, always with how many. Worked out of the papers when
it is read: of 10,000 papers of 120 cells that takes a tenth of a second, and nothing can differ from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, and_, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.ballots import commands, queries, rules
from services.events.ballots.grids import EVERYBODY, Figure, Grid, figures
from services.events.ballots.queries import Sheet
from services.events.ballots.rules import (
    LEAST_SECRET,
    Ballot,
    Counted,
    Kind,
    Outcome,
    StillOpen,
    Tally,
    VoterState,
    WrongKind,
)
from services.events.ballots.tables import voters, votes
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.meetings import queries as meeting_queries
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import Invalid


@dataclass(frozen=True)
class Group:
    """All together (`EVERYBODY`) or a cohort. `papers` is None where a secret ballot has too few to be shown."""

    code: str
    title: str
    entitled: int
    cast: int
    papers: Sequence[Counted] | None

    @property
    def tally(self) -> Tally | None:
        return rules.tallied(self.papers) if self.papers is not None else None

    def votes(self, options: int) -> list[int] | None:
        return rules.chosen(self.papers, options) if self.papers is not None else None


@dataclass(frozen=True)
class Results:
    """Of a closed ballot. `winners` are the numbers (from 1) of the options that win."""

    ballot: Ballot
    groups: Sequence[Group]

    @property
    def version(self) -> int:
        return self.ballot.version

    @property
    def winners(self) -> list[int]:
        if self.ballot.outcome is not Outcome.CHOSEN:
            return []
        return [place + 1 for place in rules.winners(self.ballot.counts or [], self.ballot.winners)]

    @cached_property
    def figures(self) -> Sequence[Figure]:
        """Of a grid that was scored: every cell of every group that is shown."""
        if self.ballot.outcome is not Outcome.SCORED:
            return []
        shown = {one.code: b"".join(p.marks for p in one.papers) for one in self.groups if one.papers is not None}
        return figures(self.ballot.cells, shown)

    @property
    def best(self) -> Mapping[tuple[str, int], Sequence[Figure]]:
        """By group and field (its place), the cells with the highest mean: several are tied."""
        found: dict[tuple[str, int], list[Figure]] = {}
        for one in self.figures:
            if one.rank == 1:
                found.setdefault((one.cohort, one.cell // self.ballot.cells.of_a_field), []).append(one)
        return found


async def of_ballot(session: AsyncSession, ballot_id: UUID) -> Results:
    """For whoever may know, such as a report of the programme. Raises UnknownBallot, StillOpen."""
    ballot = await commands.of_id(session, ballot_id)
    if ballot.open:
        raise StillOpen
    papers = await commands.cast_papers(session, ballot) if ballot.outcome is not Outcome.CANCELLED else []
    return Results(ballot, _groups(ballot, papers))


def _groups(ballot: Ballot, papers: Sequence[Counted]) -> list[Group]:
    by_cohort: dict[str | None, list[Counted]] = {}
    for paper in papers:
        by_cohort.setdefault(paper.cohort, []).append(paper)
    told = not ballot.secret or _enough(ballot)
    everybody = Group(EVERYBODY, "", ballot.entitled, ballot.cast, papers)
    cohorts = [
        Group(one["code"], one["title"], one["entitled"], one["cast"], by_cohort.get(one["code"], []) if told else None)
        for one in ballot.cohorts
    ]
    return [everybody, *cohorts]


def _enough(ballot: Ballot) -> bool:
    """Every cohort that voted, and whoever is in none, is large enough: what is left over tells nobody's vote."""
    counts = [one["cast"] for one in ballot.cohorts]
    counts.append(ballot.cast - sum(counts))
    return all(count == 0 or count >= LEAST_SECRET for count in counts)


async def get(session: AsyncSession, actor: Actor, ballot_id: UUID, *, now: datetime) -> Results:
    """For whoever may read the ballot. Raises UnknownBallot, Forbidden, StillOpen."""
    await queries.get(session, actor, ballot_id, now=now)
    return await of_ballot(session, ballot_id)


async def of_sheet(session: AsyncSession, actor: Actor, sheet: Sheet, *, now: datetime) -> Results | None:  # noqa: ARG001 (whoever has the link)
    """What the page of a link shows of a closed ballot; None while it is open."""
    return None if sheet.shown.ballot.open else await of_ballot(session, sheet.shown.ballot.id)


@dataclass(frozen=True)
class Cell:
    """A figure with the ballot whose cell it is."""

    ballot: Ballot
    figure: Figure


async def cells(
    session: AsyncSession,
    actor: Actor,
    ballot_id: UUID,
    *,
    cohort: Collection[str] = (),
    best: bool | None = None,
    after: str | None = None,
    limit: int,
    now: datetime,
) -> Page[Cell]:
    """The figures of a grid cell by cell, group by group; of these cohorts only (`all` is everybody). Raises as `get`
    does, and Invalid."""
    found = await get(session, actor, ballot_id, now=now)
    known = [one["code"] for one in found.ballot.cohorts]
    if any(code not in (*known, "all") for code in cohort):
        raise Invalid("?cohort", "unknown", ["all", *known])
    wanted = {EVERYBODY if code == "all" else code for code in cohort}
    by_key = {
        (one.cohort, one.cell): one
        for one in found.figures
        if (not wanted or one.cohort in wanted) and (best is None or (one.rank == 1) is best)
    }
    cohorts, places = ([key[part] for key in by_key] for part in (0, 1))
    listed = func.unnest(literal(cohorts, ARRAY(Text)), literal(places, ARRAY(Integer)))
    of = listed.table_valued(column("cohort", Text), column("cell", Integer), name="cells").render_derived()
    found_page = await page(
        session, select(of.c.cohort, of.c.cell), key=[of.c.cohort, of.c.cell], after=after, limit=limit
    )
    items = [Cell(found.ballot, by_key[row.cohort, row.cell]) for row in found_page.items]
    return Page(items, found_page.next)


# --- who is called --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Called:
    """Somebody who may vote in a ballot without a meeting, or could."""

    id: UUID
    person_id: UUID
    person: str
    organisation_id: UUID | None
    organisation: str | None
    cohort: str | None
    weight: int
    state: VoterState


async def called(
    session: AsyncSession,
    actor: Actor,
    ballot_id: UUID,
    *,
    cohort: Collection[str] = (),
    state: Collection[VoterState] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Called]:
    """Who was called, and who of them has voted. Raises UnknownBallot, Forbidden."""
    ballot = (await queries.get(session, actor, ballot_id, now=now)).ballot
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    policy.require(actor, Right.READ_VOTES, on=now, **meeting_queries.where(ballot.network_id, body))
    name = func.trim(people.c.given_name + " " + people.c.family_name)
    query = (
        select(voters, name.label("person"), organisations.c.title.label("organisation"))
        .outerjoin(people, people.c.id == voters.c.person_id)
        .outerjoin(organisations, organisations.c.id == voters.c.organisation_id)
        .where(voters.c.ballot_id == ballot_id)
    )
    if cohort:
        query = query.where(voters.c.cohort.in_(cohort))
    if state:
        query = query.where(voters.c.state.in_(state))
    found = await page(session, query, key=[voters.c.id], after=after, limit=limit)
    names = ("id", "person_id", "person", "organisation_id", "organisation", "cohort", "weight", "state")
    items = [Called(**{one: getattr(row, one) for one in names}) for row in found.items]
    return Page([replace(one, person=one.person or "") for one in items], found.next)


async def blank(
    session: AsyncSession, actor: Actor, ballot_id: UUID, *, now: datetime
) -> tuple[Grid, Sequence[tuple[UUID, str, str]]]:
    """The grid, and who may still vote: (id, person, organisation), for a table to be filled in. Raises UnknownBallot,
    Forbidden, WrongKind."""
    ballot = (await queries.get(session, actor, ballot_id, now=now)).ballot
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    policy.require(actor, Right.RECORD_PAPERS, on=now, **meeting_queries.where(ballot.network_id, body))
    if ballot.kind is not Kind.GRID:
        raise WrongKind(ballot.kind, "a grid")
    name = func.trim(people.c.given_name + " " + people.c.family_name)
    if ballot.meeting_id is None:
        of: Any = voters
        mine = and_(voters.c.ballot_id == ballot_id, voters.c.state == VoterState.CALLED)
    else:
        of = invitations
        voted = select(votes.c.invitation_id).where(votes.c.ballot_id == ballot_id)
        mine = and_(
            invitations.c.meeting_id == ballot.meeting_id,
            invitations.c.state == InvitationState.ISSUED,
            invitations.c.mandate_id.is_not(None),
            invitations.c.id.not_in(voted),
        )
    query = select(of.c.id, name, organisations.c.title).where(mine).order_by(of.c.id)
    query = query.outerjoin(people, people.c.id == of.c.person_id)
    rows = await session.execute(query.outerjoin(organisations, organisations.c.id == of.c.organisation_id))
    return ballot.cells, [(row[0], row[1] or "", row[2] or "") for row in rows]
