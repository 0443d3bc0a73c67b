"""The evidence of a programme, a project or an action as a ZIP that is written while it is sent.

At most one file is in memory, each is read from the database once and in a transaction of its own, and the archive
itself is nowhere. The last of its files, SHA256SUMS, is what `sha256sum -c` checks.

    riunioni.csv  decisioni.csv  esiti.csv                      meetings.csv  decisions.csv  outcomes.csv
    riunioni/2026-03-04-titolo-0192…/presenze.csv               meetings/…/attendance.csv
                                     verbale-3-2026.pdf                    minutes-3-2026.pdf
                                     foglio-firme.pdf                      signatures.pdf
    relazione-2.pdf  relazione-2.json                           report-2.pdf  report-2.json
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import RawIOBase
from typing import Any

from services.events.attendance import document as sheet
from services.events.attendance.queries import Line
from services.events.reports import queries
from services.events.reports.queries import Scope
from shared import typesetting
from shared.runtime import csv
from shared.runtime.clock import ROME
from shared.runtime.edge import Edge

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Entry:
    """A file of the archive; PDFs are compressed already."""

    name: str
    content: bytes

    @property
    def compression(self) -> int:
        return zipfile.ZIP_STORED if self.name.endswith(".pdf") else zipfile.ZIP_DEFLATED


class _Outlet(RawIOBase):
    """What was written and not taken yet. It cannot be sought in: sizes follow the data, as the format allows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


@dataclass
class _Names:
    """Of two files with one name the second gets a number."""

    seen: set[str] = field(default_factory=set)

    def free(self, name: str) -> str:
        stem, dot, ending = name.rpartition(".")
        candidate, number = name, 1
        while candidate in self.seen:
            number += 1
            candidate = f"{stem}-{number}{dot}{ending}" if dot else f"{name}-{number}"
        self.seen.add(candidate)
        return candidate


async def streamed(entries: AsyncIterator[Entry], made_at: datetime) -> AsyncIterator[bytes]:
    """The bytes of the archive. All of its files bear the instant at which it is made."""
    outlet, names, sums = _Outlet(), _Names(), []
    stamp = made_at.astimezone(ROME).timetuple()[:6]
    with zipfile.ZipFile(outlet, "w") as archive:
        async for entry in entries:
            name = names.free(entry.name)
            sums.append(f"{sha256(entry.content).hexdigest()}  {name}\n")
            archive.writestr(_info(name, stamp, entry.compression), entry.content)
            yield outlet.taken()
        archive.writestr(_info(SUMS, stamp, zipfile.ZIP_DEFLATED), "".join(sums))
        yield outlet.taken()
    yield outlet.taken()


def _info(name: str, stamp: Any, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, stamp)
    info.compress_type, info.external_attr = compression, 0o644 << 16
    return info


def slug(title: str, longest: int = 40) -> str:
    """A title as a part of a file's name: letters, digits and dashes, whatever it has in it."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")
    return plain[:longest].strip("-") or "senza-titolo"


WORDS: Mapping[str, tuple[str, str]] = {
    "meetings": ("riunioni", "meetings"),
    "decisions": ("decisioni", "decisions"),
    "outcomes": ("esiti", "outcomes"),
    "attendance": ("presenze", "attendance"),
    "minutes": ("verbale", "minutes"),
    "signatures": ("foglio-firme", "signatures"),
    "report": ("relazione", "report"),
    "evidence": ("prove", "evidence"),
}
MEETINGS = (
    "id", "title", "body", "starts_at", "ends_at", "mode", "place", "call", "state", "minutes_state", "minutes_number",
    "minutes_sha256",
)  # fmt: skip
ATTENDANCE = (
    "person_id", "person", "organisation_id", "organisation", "mode", "guest", "stood_for_by", "recorded_at",
)  # fmt: skip
DECISIONS = ("id", "title", "kind", "body", "decided_on", "due", "state", "commitment", "fulfilled_on")
OUTCOMES = ("id", "kind", "title", "body", "territory", "on", "evidenced", "file")


def file_name(scope: Scope) -> str:
    return f"{_word(scope, 'evidence')}-{slug(scope.subject.title)}.zip"


async def entries(at: Edge, scope: Scope, first: Sequence[Any]) -> AsyncIterator[Entry]:
    """The files one after the other; `first` are the meetings, read before the answer began."""

    def named(code: str, ending: str) -> str:
        return f"{_word(scope, code)}.{ending}"

    yield Entry(named("meetings", "csv"), csv.lines([MEETINGS, *map(_meeting, first)]))
    for row in first:
        if row.state != "held":
            continue  # it is in the list; there is nothing that shows what was not held
        async for entry in _of_meeting(at, scope, row):
            yield entry
    decided = await at.query(queries.decided, scope)
    yield Entry(
        named("decisions", "csv"), csv.lines([DECISIONS, *([getattr(r, c) for c in DECISIONS] for r in decided)])
    )
    left = await at.query(queries.left, scope)
    yield Entry(named("outcomes", "csv"), csv.lines([OUTCOMES, *(_outcome(scope, *pair) for pair in left)]))
    latest = await at.query(queries.latest, scope)
    if latest is not None:
        report, files = latest
        name = f"{_word(scope, 'report')}-{report.number}"
        yield Entry(f"{name}.pdf", bytes(files.pdf))
        yield Entry(f"{name}.json", bytes(files.document))


async def _of_meeting(at: Edge, scope: Scope, row: Any) -> AsyncIterator[Entry]:
    folder = f"{_word(scope, 'meetings')}/{row.day}-{slug(row.title)}-{row.id.hex[-8:]}"
    roll = await at.query(queries.roll, scope, row.id)
    yield Entry(f"{folder}/{_word(scope, 'attendance')}.csv", csv.lines([ATTENDANCE, *map(_line, roll)]))
    signed = await asyncio.to_thread(typesetting.pdf, sheet.TEMPLATE, _signatures(scope, row, roll), row.day)
    yield Entry(f"{folder}/{_word(scope, 'signatures')}.pdf", signed)
    if row.minutes_sha256 is not None:
        content = await at.query(queries.minutes_pdf, scope, row.minutes_id)
        if content is not None:
            yield Entry(f"{folder}/{_word(scope, 'minutes')}-{row.minutes_number}-{row.minutes_year}.pdf", content)


def _signatures(scope: Scope, row: Any, roll: Sequence[Line]) -> dict[str, Any]:
    """The sheet of those in the roll that was read for the list of attendance."""
    signers = [
        sheet.Signer(one.person, one.organisation, str(one.mode) if one.mode else None, one.stood_for_by_name or None)
        for one in roll
    ]
    return sheet.sheet(
        language=scope.subject.language,
        network=scope.subject.network,
        body=row.body,
        title=row.title,
        starts_at=row.starts_at,
        place=row.place,
        signers=signers,
        blank=0,
    )


def _word(scope: Scope, code: str) -> str:
    return WORDS[code][scope.subject.language != "it"]


def _meeting(row: Any) -> list[Any]:
    number = f"{row.minutes_number}/{row.minutes_year}" if row.minutes_number is not None else None
    return [number if name == "minutes_number" else getattr(row, name) for name in MEETINGS]


def _line(line: Line) -> list[Any]:
    return [
        line.person_id,
        line.person,
        line.organisation_id,
        line.organisation,
        line.mode,
        line.invitation_id is None,
        line.stood_for_by_name,
        line.recorded_at,
    ]


def _outcome(scope: Scope, row: Any, body: str | None) -> list[Any]:
    """The file that shows an outcome is the registry's: `file` is where it is."""
    file = f"/registry/v1/projects/{scope.subject.project_id}/outcomes/{row.id}/file" if row.evidenced else None
    return [row.id, row.kind, row.title, body, row.territory, row.day, row.evidenced, file]
