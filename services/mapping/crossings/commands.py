"""Opening crossings, taking in sheets, closing, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.mapping.crossings import files, queries, rules
from services.mapping.crossings.queries import Shown
from services.mapping.crossings.rules import (
    EVERYBODY,
    MOST_ERRORS,
    MOST_SCORES,
    MOST_TOLD,
    BallotTaken,
    CohortFull,
    Crossing,
    Figure,
    Sheet,
    TooManyScores,
    UnknownSheet,
)
from services.mapping.crossings.tables import crossing_figures, crossing_sheets, crossings
from services.mapping.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id as id_of
from shared.contracts.mapping import (
    CrossingBest,
    CrossingChanged,
    CrossingClosed,
    CrossingCohort,
    CrossingOpened,
)
from shared.messaging import stage
from shared.runtime.problems import FieldError, expect


class SheetsRefused(Exception):
    """Nothing of the request was taken; `errors` name the cells, the first `MOST_ERRORS` of them."""

    def __init__(self, errors: Sequence[FieldError], count: int) -> None:
        super().__init__(count)
        self.errors, self.count = errors, count


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of the sheets: their ids in the order in which they came, how many took the place of former ones, and
    how many scores and absent opinions were in them."""

    sheets: Sequence[UUID]
    replaced: int
    scores: int
    no_opinions: int


async def open_(session: AsyncSession, actor: Actor, network: str, *, now: datetime, **given: Any) -> Shown:
    """Raises BadCrossing, BallotTaken."""
    network_id = await id_of(session, network)
    policy.require(actor, Right.RUN_CROSSINGS, network=network_id, on=now)
    if given.get("entitled") is None:
        given["entitled"] = sum(cohort["entitled"] for cohort in given["cohorts"])
    made = Crossing(network_id=network_id, opened_at=now, **given)
    made.check()
    if made.ballot_id and await session.scalar(select(crossings.c.id).where(crossings.c.ballot_id == made.ballot_id)):
        raise BallotTaken
    session.add(made)
    await session.flush()
    await stage(session, CrossingOpened(**told(made, {})))
    return await queries.shown(session, actor, made, now)


async def change(
    session: AsyncSession, actor: Actor, crossing_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given. Raises UnknownCrossing, NotOpen, Scored, BadCrossing."""
    own = await _own(session, actor, Right.RUN_CROSSINGS, crossing_id, now)
    expect(expected, own.version)
    entered = await queries.entered(session, own.id)
    if own.change(given, {cohort: count.sheets for cohort, count in entered.items()}):
        await session.flush()
        await stage(session, CrossingChanged(**told(own, entered)))
    return await queries.shown(session, actor, own, now)


async def close(
    session: AsyncSession, actor: Actor, crossing_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Works the figures out, for good. Raises UnknownCrossing, NotOpen."""
    own = await _own(session, actor, Right.RUN_CROSSINGS, crossing_id, now)
    expect(expected, own.version)
    await stage(session, await complete(session, own, now))
    return await queries.shown(session, actor, own, now)


async def complete(session: AsyncSession, own: Crossing, now: datetime) -> CrossingClosed:
    """Works the figures of a crossing out, whose row the caller has locked; the fact is theirs to stage. Raises
    NotOpen."""
    own.close(now)
    entered = await queries.entered(session, own.id)
    groups = rules.shown({cohort: count.sheets for cohort, count in entered.items()})
    counted = rules.published(await queries.counted(session, own), groups)
    figures = rules.ranked(counted, len(own.needs) * len(own.resources), own.minimum)
    if figures:
        names = [column.name for column in crossing_figures.c if column.name != "crossing_id"]
        rows = [{"crossing_id": own.id, **{name: getattr(one, name) for name in names}} for one in figures]
        await session.execute(insert(crossing_figures), rows)
    await session.flush()
    best, left_out = _best_of(own, figures)
    return CrossingClosed(**told(own, entered), best=best, best_left_out=left_out)


async def enter(
    session: AsyncSession,
    actor: Actor,
    crossing_id: UUID,
    sheets: Sequence[Sheet],
    *,
    now: datetime,
    path: str = "/sheets/{}",
) -> Recorded:
    """Sheets that somebody types or sends. Raises TooManyScores, and what `record` raises."""
    await _own(session, actor, Right.RECORD_SCORES, crossing_id, now)
    if sum(len(sheet.scorings) for sheet in sheets) > MOST_SCORES:
        raise TooManyScores("/sheets")
    return await record(session, crossing_id, sheets, now, path=path)


async def enter_file(
    session: AsyncSession, actor: Actor, crossing_id: UUID, rows: Sequence[files.Row], *, now: datetime
) -> Recorded:
    """The sheets of a file's rows; what is wrong is named by its line. Raises as `enter` does."""
    own = await _own(session, actor, Right.RECORD_SCORES, crossing_id, now)
    sheets, wrong = files.sheets_of(rows, own)
    if wrong:
        raise SheetsRefused([FieldError(*mistake) for mistake in wrong[:MOST_ERRORS]], len(wrong))
    return await record(session, crossing_id, sheets, now)


async def record(
    session: AsyncSession, crossing_id: UUID, sheets: Sequence[Sheet], now: datetime, *, path: str = "/sheets/{}"
) -> Recorded:
    """Takes all of the sheets or none: five statements, however many they are. A sheet takes the place of the one that
    the same respondent had; a second one of a respondent in the same call is refused.

    For whoever has sheets in their hands, such as a reaction to the facts of the ballot (`queries.of_ballot` finds its
    crossing); the right is the caller's to check. `path` says where a sheet stood, for what is wrong in it. Raises
    UnknownCrossing, NotOpen, SheetsRefused, CohortFull.
    """
    crossing = await queries.for_update(session, crossing_id)
    crossing.require_open()
    read = _read(crossing, sheets, path)
    traces = [crossing.trace(sheet.respondent) if sheet.respondent else None for sheet in sheets]
    replaced = await _take_back(session, crossing.id, [trace for trace in traces if trace is not None])
    ids = [uuid7() for _ in sheets]
    opinions = [sum(score is not None for score in cells.values()) for cells in read]
    await session.execute(
        ENTER_SHEETS,
        {
            "crossing": crossing.id,
            "now": now,
            "ids": ids,
            "cohorts": [sheet.cohort for sheet in sheets],
            "traces": traces,
            "scores": opinions,
            "no_opinions": [len(cells) - scores for cells, scores in zip(read, opinions, strict=True)],
        },
    )
    flat = [(id_, cell, score) for id_, cells in zip(ids, read, strict=True) for cell, score in cells.items()]
    await session.execute(
        ENTER_SCORES,
        {"sheets": [row[0] for row in flat], "cells": [row[1] for row in flat], "scores": [row[2] for row in flat]},
    )
    await _require_room(session, crossing)
    return Recorded(ids, replaced, sum(opinions), len(flat) - sum(opinions))


ENTER_SHEETS = text(
    """
    insert into crossing_sheets (id, crossing_id, cohort, trace, scores, no_opinions, entered_at)
    select id, :crossing, cohort, trace, scores, no_opinions, :now
    from unnest(cast(:ids as uuid[]), cast(:cohorts as text[]), cast(:traces as uuid[]), cast(:scores as integer[]),
                cast(:no_opinions as integer[])) as given(id, cohort, trace, scores, no_opinions)
    """
)
ENTER_SCORES = text(
    """
    insert into crossing_scores (sheet_id, cell, score)
    select * from unnest(cast(:sheets as uuid[]), cast(:cells as integer[]), cast(:scores as smallint[]))
    """
)


async def remove(session: AsyncSession, actor: Actor, crossing_id: UUID, sheet_id: UUID, *, now: datetime) -> None:
    """Takes out a sheet that was entered in error. Raises UnknownCrossing, NotOpen, UnknownSheet."""
    own = await _own(session, actor, Right.RECORD_SCORES, crossing_id, now)
    own.require_open()
    sheets = crossing_sheets.c
    gone = delete(crossing_sheets).where(sheets.id == sheet_id, sheets.crossing_id == own.id).returning(sheets.id)
    if await session.scalar(gone) is None:
        raise UnknownSheet(sheet_id)


async def _own(session: AsyncSession, actor: Actor, right: Right, crossing_id: UUID, now: datetime) -> Crossing:
    """For whoever sees the network's map it is there, whether they may do this or not."""
    await queries.visible(session, actor, crossing_id, now)
    found = await queries.for_update(session, crossing_id)
    policy.require(actor, right, network=found.network_id, on=now)
    return found


def _read(crossing: Crossing, sheets: Sequence[Sheet], path: str) -> list[dict[int, int | None]]:
    """The scores of each sheet by cell. Raises SheetsRefused."""
    grid, found, wrong = crossing.grid, [], []
    paths = [sheet.path or path.format(position) for position, sheet in enumerate(sheets)]
    for sheet, where in zip(sheets, paths, strict=True):
        cells, mistakes = grid.read(sheet, where)
        found.append(cells)
        wrong += [FieldError(*mistake) for mistake in mistakes]
    for position in rules.twice(sheets):
        wrong.append(FieldError(f"{paths[position]}/respondent", "duplicate", "each respondent once in a request"))
    if wrong:
        raise SheetsRefused(wrong[:MOST_ERRORS], len(wrong))
    return found


async def _take_back(session: AsyncSession, crossing_id: UUID, traces: Sequence[UUID]) -> int:
    """How many of these respondents had answered before; their former sheets are gone."""
    sheets = crossing_sheets.c
    former = delete(crossing_sheets).where(sheets.crossing_id == crossing_id, sheets.trace.in_(traces))
    return len((await session.execute(former.returning(sheets.id))).all()) if traces else 0


async def _require_room(session: AsyncSession, crossing: Crossing) -> None:
    """No cohort has more sheets than delegates: one of them would be somebody's second. Raises CohortFull."""
    entered = await queries.entered(session, crossing.id)
    for cohort in crossing.cohorts:
        count = entered.get(cohort["code"])
        if count is not None and count.sheets > cohort["entitled"]:
            raise CohortFull(cohort["code"], cohort["entitled"], count.sheets)


def told(crossing: Crossing, entered: queries.Entered) -> dict[str, Any]:
    """The fields of its facts."""
    return {
        "id": crossing.id,
        "version": crossing.version,
        "network_id": crossing.network_id,
        "title": crossing.title,
        "ballot_id": crossing.ballot_id,
        "cells": crossing.cells,
        "scores": sum(count.scores for count in entered.values()),
        "state": crossing.state,
        "respondents": sum(count.sheets for count in entered.values()),
        "entitled": crossing.entitled,
        "cohorts": tuple(
            CrossingCohort(
                code=cohort["code"],
                title=cohort["label"],
                respondents=entered[cohort["code"]].sheets if cohort["code"] in entered else 0,
                entitled=cohort["entitled"],
            )
            for cohort in crossing.cohorts
        ),
    }


def _best_of(crossing: Crossing, figures: Sequence[Figure]) -> tuple[tuple[CrossingBest, ...], int]:
    """The best of each group and field as they are told, and how many more there are than a fact can carry."""
    best = sorted((one for one in figures if one.rank == 1), key=lambda one: (one.cohort, one.cell))
    told: list[CrossingBest] = []
    room = MOST_TOLD
    for figure in best:
        one = _best(crossing, figure)
        room -= len(one.model_dump_json().encode()) + 1
        if room < 0:
            break
        told.append(one)
    return tuple(told), len(best) - len(told)


def _best(crossing: Crossing, figure: Figure) -> CrossingBest:
    field, need, resource = crossing.terms(figure.cell)
    assert figure.mean is not None
    return CrossingBest(
        cohort=None if figure.cohort == EVERYBODY else figure.cohort,
        field=field["label"],
        need=need["label"],
        resource=resource["label"],
        n=figure.n,
        mean=round(figure.mean, queries.DIGITS),
        tied=figure.tied,
    )
