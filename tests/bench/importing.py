"""How fast a real file becomes organisations: the registry's import, and COPY of the very rows that it wrote."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from shared import territories
from tests.bench.commanding import SLUG, Office
from tests.bench.lab import ROOT, Lab
from tests.bench.measure import Check, Figure, Series, in_turns, ratio

PRODUCT, FLOOR = "import over HTTP, until done", "COPY of all the rows it wrote"
REAL = "enti_5x1000_2022_parte.csv"
HEADER = (
    "Prog;Codice fiscale;Denominazione;Regione;PR;Comune;ETS e Onlus;ASD;Ricerca scientifica;Ricerca sanitaria;Comuni;"
    "Beni culturali e paesaggistici;Enti gestori aree protette;Numero scelte;Importo totale erogabile"
)
COPIED = ("organisations", "memberships", "log", "import_rows")
GIVEN_BY_THE_DATABASE = ("seq", "tx")
FLAT = 64
"""Megabytes that the process may grow by while 20,000 rows pass: it holds the file and two batches."""


async def run(lab: Lab, *, quick: bool) -> Figure:
    rows, turns = (1_000, 1) if quick else (20_497, 3)
    content, told = a_file(rows)
    importing = Importing(lab, content, rows)
    series = await in_turns({PRODUCT: importing.product, FLOOR: importing.floor}, turns)
    grown = Series("grown", importing.grown)
    return Figure(
        key="import",
        title=f"Import of {rows:,} organisations, fsync on",
        unit="rows/s",
        series=list(series.values()),
        checks=[
            Check("import / COPY", ratio(series[PRODUCT], series[FLOOR]), 0.10, "at least"),
            Check("resident memory grown while importing", grown.median, FLAT, "at most", "MB"),
        ],
        notes=[
            told,
            "Every row is decoded, healed, validated, deduplicated and given its municipality. Written:"
            f" {importing.written}; the relay sends the facts meanwhile. The floor copies those rows, ready-made, into"
            " the same tables with their indexes, in one transaction.",
        ],
    )


def a_file(rows: int) -> tuple[bytes, str]:
    """(bytes, what they are): the real file when it is there and wanted whole, else one made to its shape."""
    real = Path(os.environ.get("TRAMA_REAL_DATA") or ROOT.parent / "shared" / "data") / REAL
    if real.exists():
        lines = real.read_bytes().splitlines(keepends=True)
        return b"".join(lines[: rows + 1]), f"The file is real: {rows:,} bodies of the five per thousand of 2022."
    return made(rows), "The real file was absent: the rows are made up, in its layout."


def made(rows: int) -> bytes:
    italy = territories.load()
    places = [place for place in italy.municipalities if place.province]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    out.write(HEADER + "\r\n")
    for number in range(rows):
        place = places[number % len(places)]
        province, region = italy.province(place.province), italy.region(place.region)
        code = f"'{with_check(90_000_000_00 + number)}'"
        title = f"ASSOCIAZIONE DI VOLONTARIATO {number} ODV"
        where = (region.name.upper() if region else "", province.sigla if province else "", place.name.upper())
        writer.writerow([number + 1, code, title, *where, "X", *[""] * 6, "10", "1.000,00"])
    return out.getvalue().encode()


def with_check(number: int) -> str:
    """An 11-digit tax code with its control digit (Luhn)."""
    digits = f"{number:010d}"
    total = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(digits))
    return f"{digits}{-total % 10}"


class Importing:
    def __init__(self, lab: Lab, content: bytes, rows: int) -> None:
        self.lab, self.content, self.rows = lab, content, rows
        self.written = ""
        self.grown: list[float] = []
        self.source = ""

    async def product(self) -> float:
        """From the first byte of the upload until the import says that it is done."""
        self.source = await self.lab.database("registry")
        await self.lab.streams()
        async with self.lab.serving("registry", self.source) as server:
            office = await Office.opened(self.lab, server.port)
            headers = {"authorization": f"Bearer {office.tokens[0]}"}
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60
            ) as client:
                before = peak = server.memory()
                began = time.perf_counter()
                answer = await client.post(
                    f"/registry/v1/networks/{SLUG}/imports",
                    files={"file": ("enti.csv", self.content, "text/csv")},
                    data={"commit": "true"},
                )
                if answer.status_code != 202:
                    raise AssertionError(answer.text)
                job: dict[str, Any] = answer.json()
                while job["status"] == "running":
                    await asyncio.sleep(0.05)
                    peak = max(peak, server.memory())
                    job = (await client.get(job["href"])).json()
                seconds = time.perf_counter() - began
        if job["status"] != "done" or job["rows"] != self.rows:
            raise AssertionError(job)
        self.grown.append(peak - before)
        return self.rows / seconds

    async def floor(self) -> float:
        """The same rows by COPY into the same tables of another database, which has the network and nothing else."""
        if not self.source:
            await self.product()
        target = await self.lab.database("registry")
        source = await asyncpg.connect(self.source)
        connection = await asyncpg.connect(target)
        await self._copy(source, connection, "networks")
        ready = {table: await self._bytes(source, table) for table in COPIED}
        began = time.perf_counter()
        async with connection.transaction():
            for table, (columns, content) in ready.items():
                if table == "import_rows":
                    await self._copy(source, connection, "imports")
                await connection.copy_to_table(table, source=io.BytesIO(content), columns=columns, format="binary")
        seconds = time.perf_counter() - began
        counts = [f"{await connection.fetchval(f'select count(*) from {table}'):,} {table}" for table in COPIED]
        self.written = ", ".join(counts)
        await source.close()
        await connection.close()
        return self.rows / seconds

    async def _copy(self, source: asyncpg.Connection, target: asyncpg.Connection, table: str) -> None:
        columns, content = await self._bytes(source, table)
        await target.copy_to_table(table, source=io.BytesIO(content), columns=columns, format="binary")

    async def _bytes(self, source: asyncpg.Connection, table: str) -> tuple[list[str], bytes]:
        """What COPY reads, without the columns that the database fills itself."""
        found = await source.fetch(
            "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped"
            " and attgenerated = '' and attname <> all($2) order by attnum",
            table,
            list(GIVEN_BY_THE_DATABASE),
        )
        columns = [row["attname"] for row in found]
        out = io.BytesIO()
        await source.copy_from_table(table, columns=columns, output=out, format="binary")
        return columns, out.getvalue()
