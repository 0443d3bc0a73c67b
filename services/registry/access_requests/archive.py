"""The archive of an access request: a JSON document for each service, and an index that a person can read.

`registry.json`, `mapping.json`, `events.json`, `learning.json`, `notify.json`: `{"service", "made_at", "items": {kind:
[row, …]}}`, machine-readable as art. 20 wants it. `index.html` and `index.csv` (`indice.…` in Italian) say what there
is, where it comes from, and what each network does with it (art. 15(1)), from the networks' processing records. What
was handed in for the person's own commitments is in `files/`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access_requests.rules import AccessRequest
from services.registry.commitments.tables import commitment_files, commitments
from services.registry.erasures.holdings import HOLDER
from services.registry.networks.tables import networks
from services.registry.people.rules import Person
from services.registry.people.tables import known_people
from services.registry.processing.routes import vocabularies as of_processing
from services.registry.processing.tables import processings
from services.registry.representatives.tables import listed_people, representative_lists
from shared.rights.answering import described
from shared.rights.words import KINDS
from shared.runtime import csv
from shared.runtime.pages import day

LONGEST = 500
"""Rows of one kind that the index shows; the JSON document has all."""
INDEX = {"it": "indice", "en": "index"}
COLUMNS = {"it": ["servizio", "file", "che cosa", "numero"], "en": ["service", "file", "what", "count"]}
WORDS = {code: {"it": it, "en": en} for code, it, en in KINDS}
BASES = next(each for each in of_processing if each.name == "legal_bases")
PAGE = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True)
class Kind:
    """Items of one kind that one service holds; `columns` are those that say anything."""

    service: str
    label: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    count: int


async def made(session: AsyncSession, asked: AccessRequest, documents: Mapping[str, Any], now: datetime) -> bytes:
    """The whole archive as ZIP, with the registry's own document beside those of the others."""
    own = orjson.loads(orjson.dumps(await described(session, HOLDER, asked.person_id, now), default=str))
    every = {"registry": own, **{service: documents[service] for service in sorted(documents)}}
    person = await session.get_one(Person, asked.person_id)
    language = person.language
    kinds = [kind for service, document in every.items() for kind in _kinds(service, document, language)]
    page = PAGE.get_template("archive.html").render(
        language=language,
        person=person,
        made_on=day(now, language),
        bases={term.code: getattr(term, language) for term in BASES.terms},
        kinds=kinds,
        records=await _records(session, person.id),
        lists=[(day(row.sent_at, language), row.entered) for row in await _lists(session, person.id)],
    )
    table: list[Sequence[Any]] = [
        COLUMNS[language],
        *([k.service, f"{k.service}.json", k.label, k.count] for k in kinds),
    ]
    files = {f"{INDEX[language]}.html": page.encode(), f"{INDEX[language]}.csv": csv.lines(table)}
    files |= {
        f"{service}.json": orjson.dumps(document, option=orjson.OPT_INDENT_2) for service, document in every.items()
    }
    return _zipped({**files, **await _evidence(session, person.id)}, now)


def _kinds(service: str, document: Mapping[str, Any], language: str) -> list[Kind]:
    made = []
    for what, rows in document["items"].items():
        columns = [name for name in dict.fromkeys(name for row in rows for name in row) if _says(rows, name)]
        label = WORDS.get(what, {}).get(language, what)
        made.append(Kind(service, label, columns, rows[:LONGEST], len(rows)))
    return made


def _says(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(row.get(name) not in (None, "", [], {}) for row in rows)


async def _records(session: AsyncSession, person_id: UUID) -> Sequence[Any]:
    """The networks that know the person, each with its processing record where it has one."""
    query = (
        select(networks.c.name.label("network"), *(c for c in processings.columns if c.name not in ("id", "version")))
        .select_from(known_people)
        .join(networks, networks.c.id == known_people.c.network_id)
        .outerjoin(processings, processings.c.network_id == networks.c.id)
        .where(known_people.c.person_id == person_id)
        .order_by(networks.c.name, networks.c.id)
    )
    return (await session.execute(query)).mappings().all()


async def _lists(session: AsyncSession, person_id: UUID) -> Sequence[Any]:
    """The lists that named the person, by the day on which they were sent: where what is kept comes from."""
    query = (
        select(representative_lists.c.sent_at, listed_people.c.entered)
        .join(representative_lists, representative_lists.c.id == listed_people.c.list_id)
        .where(listed_people.c.person_id == person_id)
        .order_by(representative_lists.c.sent_at)
    )
    return (await session.execute(query)).all()


async def _evidence(session: AsyncSession, person_id: UUID) -> dict[str, bytes]:
    """What was handed in for commitments that are the person's own."""
    query = (
        select(commitment_files.c.commitment_id, commitment_files.c.content)
        .join(commitments, commitments.c.id == commitment_files.c.commitment_id)
        .where(commitments.c.person_id == person_id)
    )
    return {f"files/commitment-{row.commitment_id}": row.content for row in await session.execute(query)}


def _zipped(files: Mapping[str, bytes], now: datetime) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            made = zipfile.ZipInfo(name, now.timetuple()[:6])
            made.compress_type, made.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(made, content)
    return out.getvalue()
