"""The ZIP of evidence as a stream: whole, with its checksums, and never in memory as a whole."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256

from services.events.reports.archive import SUMS, Entry, slug, streamed

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)
MIB = 1024 * 1024


async def given(*entries: Entry) -> AsyncIterator[Entry]:
    for entry in entries:
        yield entry


async def test_the_archive_opens_and_its_sums_are_of_its_files() -> None:
    pdf, table = os.urandom(300_000), b"a,b\r\n" * 1_000
    entries = given(Entry("riunioni/x/verbale.pdf", pdf), Entry("esiti.csv", table), Entry("esiti.csv", b"other"))
    content = b"".join([part async for part in streamed(entries, NOW)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["riunioni/x/verbale.pdf", "esiti.csv", "esiti-2.csv", SUMS]
        assert archive.read("riunioni/x/verbale.pdf") == pdf
        sums = {line[66:]: line[:64] for line in archive.read(SUMS).decode().splitlines()}
        assert sums == {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name != SUMS}
        assert archive.getinfo("esiti.csv").date_time == (2026, 11, 22, 13, 34, 56)
        assert archive.getinfo("esiti.csv").compress_size < len(table) / 10


async def test_memory_holds_one_file_at_a_time() -> None:
    """64 files of 1 MiB pass through less than 8 MiB."""

    async def many() -> AsyncIterator[Entry]:
        for number in range(64):
            yield Entry(f"{number}.pdf", os.urandom(MIB))

    tracemalloc.start()
    sent = 0
    async for part in streamed(many(), NOW):
        sent += len(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 64 * MIB
    assert peak < 8 * MIB, f"{peak / MIB:.1f} MiB"


def test_a_title_is_a_safe_part_of_a_file_name() -> None:
    assert slug("Comunità di Vhò: l'avvio!") == "comunita-di-vho-l-avvio"
    assert slug("../../etc/passwd\x00") == "etc-passwd"
    assert slug("日本") == "senza-titolo"
    assert len(slug("a" * 500)) == 40
