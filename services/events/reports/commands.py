"""What may be done with reports: kept when they are made, released, withdrawn. What they say never changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import orjson
from pydantic import Field, model_validator
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.policy import Right
from services.events.reports import queries
from services.events.reports.document import Document
from services.events.reports.queries import Scope, Shown
from services.events.reports.rules import Report
from services.events.reports.tables import report_files
from shared.access.actor import Actor
from shared.contracts.events import ReportMade, ReportReleased, ReportState, ReportWithdrawn
from shared.messaging import stage
from shared.runtime.database import constraint
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

Words = Annotated[str, line(200)]


Codes = Annotated[list[Annotated[str, line(40)]], Field(max_length=40)]


class GroupBody(Request):
    """Organisations that are counted together: of one of these kinds and, where any are named, of one of these sections
    of the RUNTS (codes of the registry's vocabularies). Each is in the first group that it fits."""

    title: Words = Field(examples=["Cooperative ed enti pubblici"])
    kinds: Codes = Field(default=[], examples=[["cooperative", "municipality"]])
    sections: Codes = Field(default=[], examples=[["aps", "odv"]])

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not self.kinds and not self.sections:
            raise ValueError("kinds or sections")
        return self


class Making(Request):
    """`ballots` and `crossings` are of the network and belong to the report, too: those of the meetings and of the
    programmes' bodies are in it anyway. `groups` part the composition in another way than the usual one."""

    title: Words | None = Field(default=None, examples=["Palestre di capacità: relazione finale"])
    groups: list[GroupBody] = Field(default=[], max_length=30)
    ballots: list[UUID] = Field(default=[], max_length=100)
    crossings: list[UUID] = Field(default=[], max_length=100)


@dataclass(frozen=True)
class Made:
    """A report with its files, not kept yet."""

    scope: Scope
    document: Document
    content: bytes
    document_sha256: str
    pdf: bytes
    sha256: str


class NumberTaken(Exception):
    """Somebody made a report of the same subject meanwhile: this one is made again, with the next number."""


async def keep(session: AsyncSession, actor: Actor, made: Made, *, now: datetime) -> Shown:
    """Raises NumberTaken, Forbidden."""
    scope, said = made.scope, made.document
    queries.require(actor, Right.WRITE_REPORTS, scope.network_id, now)
    chapters = said.chapters.each()
    of_series = scope.subject.kind == "series"
    report = Report(
        scope.network_id,
        said.number,
        said.title,
        said.language,
        [chapter.code for chapter in chapters],
        [chapter.code for chapter in chapters if chapter.empty is not None],
        made.document_sha256,
        made.sha256,
        said.made_at,
        series_id=scope.subject.id if of_series else None,
        project_id=None if of_series else scope.subject.id,
        made_by=actor.person_id,
        id=said.id,
    )
    session.add(report)
    try:
        await session.flush()
    except IntegrityError as error:
        if constraint(error) != "reports_number":
            raise
        raise NumberTaken from error
    await session.execute(insert(report_files).values(report_id=report.id, document=made.content, pdf=made.pdf))
    await stage(session, state_of(ReportMade, report))
    return Shown(report, scope.subject.title)


async def release(
    session: AsyncSession, actor: Actor, report_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Shows it to everybody. Raises UnknownReport, Forbidden, NotPossibleNow."""
    report = await _own(session, actor, report_id, expected, now)
    report.release(actor.person_id, now)
    return await _told(session, report, ReportReleased)


async def withdraw(
    session: AsyncSession, actor: Actor, report_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Shows it to nobody outside any more. Raises UnknownReport, Forbidden, NotPossibleNow."""
    report = await _own(session, actor, report_id, expected, now)
    report.withdraw(actor.person_id, now)
    return await _told(session, report, ReportWithdrawn)


async def _own(session: AsyncSession, actor: Actor, report_id: UUID, expected: int | None, now: datetime) -> Report:
    report = await queries.for_update(session, report_id)
    queries.require(actor, Right.WRITE_REPORTS, report.network_id, now)
    expect(expected, report.version)
    return report


async def _told(session: AsyncSession, report: Report, fact: type[ReportState]) -> Shown:
    await session.flush()
    await stage(session, state_of(fact, report))
    return await queries.shown(session, report.id)


def state_of(fact: type[ReportState], report: Report) -> ReportState:
    return fact(
        id=report.id,
        version=report.version,
        network_id=report.network_id,
        title=report.title,
        series_id=report.series_id,
        project_id=report.project_id,
        state=report.state,
        sha256=report.sha256,
        chapters=tuple(report.chapters),
        empty=tuple(report.empty),
    )


def written(document: Document) -> bytes:
    """The JSON as it is kept, shown and summed: indented, for people read open data, too."""
    return orjson.dumps(document.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
