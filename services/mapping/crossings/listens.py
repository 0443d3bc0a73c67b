"""A ballot on a grid is a crossing: it opens with it, takes its papers, and closes when all of them are in.

The papers come in parts, in any order and perhaps twice; `crossing_parts` knows which are in. A crossing that an
operator opened for the ballot is used as it is: its terms are found by their words, or by their place. Where they do
not fit the facts stay dead, to be replayed when the crossing has been changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.crossings import commands, queries
from services.mapping.crossings.rules import LEAST, Crossing, Scoring, Sheet, State
from services.mapping.crossings.tables import crossing_ballots, crossing_parts
from shared.contracts.envelope import Fact
from shared.contracts.events import BallotClosed, BallotGrid, BallotOpened, BallotState, GridPaper, GridPapersCounted
from shared.contracts.mapping import CrossingChanged, CrossingOpened, CrossingState
from shared.messaging import Cause, NotYet, Received, caused_by, reacts, stage

LONGEST_TITLE = 120
NO_COHORT = {"code": "no_cohort", "label": "Senza coorte"}


class GridDiffers(Exception):
    """The crossing that was opened for the ballot has other terms or cohorts."""


@reacts(BallotOpened, BallotClosed, GridPapersCounted)
async def cross_what_is_scored(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:
    """Of each crossing the last thing that happens to it in a batch is told, which says all of it."""
    told: dict[UUID, tuple[Cause, CrossingState]] = {}
    for received in facts:
        fact = received.fact
        if isinstance(fact, GridPapersCounted):
            news = await _take_part(session, fact, now)
        elif isinstance(fact, BallotState) and fact.kind == "grid" and fact.grid is not None:
            news = await _follow(session, fact, fact.grid, now)
        else:
            continue
        if news is not None:
            told[news.id] = (received.cause, news)
    for cause, news in told.values():
        with caused_by(replace(cause, at=now)):
            await stage(session, news)


# --- the ballot -----------------------------------------------------------------------------------------------------


async def _follow(session: AsyncSession, fact: BallotState, grid: BallotGrid, now: datetime) -> CrossingState | None:
    known = await _known(session, fact.id)
    news = None
    if known is None:
        if fact.outcome == "cancelled":
            return None
        known, news = await _begin(session, fact, grid, now)
    if isinstance(fact, BallotClosed) and not known.closed:
        return await _end(session, known, fact, now) or news
    return news


async def _known(session: AsyncSession, ballot_id: UUID) -> Any:
    query = select(crossing_ballots).where(crossing_ballots.c.ballot_id == ballot_id).with_for_update()
    return (await session.execute(query)).one_or_none()


async def _begin(
    session: AsyncSession, fact: BallotState, grid: BallotGrid, now: datetime
) -> tuple[Any, CrossingState | None]:
    """The ballot's crossing, opened unless somebody did so before."""
    crossing_id, news = await queries.of_ballot(session, fact.id), None
    own = crossing_id is None
    if crossing_id is None:
        made = _made(fact, grid, now)
        session.add(made)
        await session.flush()
        crossing_id, news = made.id, CrossingOpened(**commands.told(made, {}))
    axes = {name: list(getattr(grid, name)) for name in ("fields", "needs", "resources")}
    titles = {cohort.code: cohort.title for cohort in fact.cohorts}
    await session.execute(
        insert(crossing_ballots).values(
            ballot_id=fact.id, crossing_id=crossing_id, grid=axes, cohorts=titles, own=own, closed=False
        )
    )
    return await _known(session, fact.id), news


def _made(fact: BallotState, grid: BallotGrid, now: datetime) -> Crossing:
    assert fact.network_id is not None
    made = Crossing(
        network_id=fact.network_id,
        title=fact.question[:LONGEST_TITLE],
        fields=_terms("f", grid.fields),
        needs=_terms("n", grid.needs),
        resources=_terms("r", grid.resources),
        cohorts=_cohorts(fact),
        entitled=fact.entitled,
        opened_at=now,
        lowest=grid.lowest,
        highest=grid.highest,
        minimum=max(LEAST, grid.minimum),
        ballot_id=fact.id,
    )
    made.check()
    return made


def _terms(letter: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    return [{"code": f"{letter}{place}", "label": label} for place, label in enumerate(labels, 1)]


def _cohorts(fact: BallotState) -> list[dict[str, Any]]:
    """Those of the ballot, and one of those who are in none: each sheet has a cohort."""
    cohorts = [{"code": one.code, "label": one.title, "entitled": one.entitled} for one in fact.cohorts]
    rest = fact.entitled - sum(one.entitled for one in fact.cohorts)
    return [*cohorts, {**NO_COHORT, "entitled": rest}] if rest > 0 else cohorts


async def _end(session: AsyncSession, known: Any, fact: BallotClosed, now: datetime) -> CrossingState | None:
    """Its figures are final: the crossing takes them, and closes unless papers are still to come."""
    await session.execute(update(crossing_ballots).where(crossing_ballots.c.ballot_id == fact.id).values(closed=True))
    crossing = await queries.for_update(session, known.crossing_id)
    if not known.own or crossing.state is not State.OPEN:
        return None
    entered = await queries.entered(session, crossing.id)
    given = {"cohorts": _cohorts(fact), "entitled": fact.entitled}
    changed = crossing.change(given, {cohort: count.sheets for cohort, count in entered.items()})
    if fact.outcome != "scored":
        return await commands.complete(session, crossing, now)
    await session.flush()
    return CrossingChanged(**commands.told(crossing, entered)) if changed else None


# --- its papers -----------------------------------------------------------------------------------------------------


async def _take_part(session: AsyncSession, fact: GridPapersCounted, now: datetime) -> CrossingState | None:
    known = await _known(session, fact.ballot_id)
    if known is None or not known.closed:
        raise NotYet(f"the close of ballot {fact.ballot_id}")
    part = {"ballot_id": fact.ballot_id, "part": fact.part, "papers": len(fact.papers)}
    taken = upsert(crossing_parts).values(part).on_conflict_do_nothing().returning(crossing_parts.c.part)
    if await session.scalar(taken) is None:
        return None
    crossing = await queries.for_update(session, known.crossing_id)
    terms = Terms.of(crossing, known)
    if fact.papers:
        await commands.record(session, crossing.id, [terms.sheet(paper) for paper in fact.papers], now)
    counted = select(func.count()).where(crossing_parts.c.ballot_id == fact.ballot_id)
    if await session.scalar(counted) != fact.parts:
        return None
    return await commands.complete(session, crossing, now)


@dataclass(frozen=True)
class Terms:
    """The codes of a crossing in the order of the ballot's cells, and by cohort of the ballot."""

    cells: Sequence[tuple[str, str, str]]
    cohorts: dict[str | None, str]

    @classmethod
    def of(cls, crossing: Crossing, known: Any) -> Terms:
        """Raises GridDiffers."""
        fields, needs, resources = (
            _codes(known.grid[name], getattr(crossing, name)) for name in ("fields", "needs", "resources")
        )
        return cls([(f, n, r) for f in fields for n in needs for r in resources], _groups(crossing, known.cohorts))

    def sheet(self, paper: GridPaper) -> Sheet:
        """A paper of nobody: there is no respondent to know it by."""
        if paper.cohort not in self.cohorts:
            raise GridDiffers(f"no cohort for {paper.cohort}")
        said = zip(self.cells, paper.scores, strict=True)
        scorings = [Scoring(*cell, score or None) for cell, score in said if score is not None]
        return Sheet(self.cohorts[paper.cohort], scorings)


def _codes(labels: Sequence[str], terms: Sequence[dict[str, Any]]) -> list[str]:
    """The code of each label: by its words, or else by its place."""
    by_word = {word.casefold(): term["code"] for term in terms for word in (term["code"], term["label"])}
    found = [by_word.get(label.casefold()) for label in labels]
    if None not in found and len(set(found)) == len(found):
        return [code for code in found if code is not None]
    if len(labels) != len(terms):
        raise GridDiffers(f"{len(labels)} terms, not {len(terms)}")
    return [term["code"] for term in terms]


def _groups(crossing: Crossing, titles: dict[str, str]) -> dict[str | None, str]:
    by_word = {word.casefold(): one["code"] for one in crossing.cohorts for word in (one["label"], one["code"])}
    found: dict[str | None, str] = {}
    for code, title in titles.items():
        meant = by_word.get(code.casefold()) or by_word.get(title.casefold())
        if meant is not None:
            found[code] = meant
    none = by_word.get(NO_COHORT["code"])
    if none is not None:
        found[None] = none
    elif len(crossing.cohorts) == 1:
        found[None] = crossing.cohorts[0]["code"]
    return found
