"""Whatever is sent to be imported, it is read or refused with a reason."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.registry.imports import rules, texts
from services.registry.imports.model import Refused
from services.registry.imports.worker import Table
from shared import territories
from shared.sheets import Record, Unreadable


def opened(content: bytes) -> int:
    """How many rows were read or refused, as the worker would."""
    table = Table.opened(content)
    try:
        batches = [item for batch in table.batches(0, 500) for item in batch]
    finally:
        table.close()
    for item in batches:
        reasons = item.reasons if isinstance(item, Refused) else item.notes
        assert all(texts.sentence(reason, language) for reason in reasons for language in ("it", "en"))
    return len(batches)


HEADED = b"Codice fiscale;Denominazione;Comune;PR;Tipo;Sezione;Email;Sito\r\n"


@given(st.binary(max_size=3_000))
@example(b"PK\x03\x04" + b"\0" * 100)
@example(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
@example(b'"' * 2_000)
@example(b"\xfe\xff\xd8\x00")
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused_with_a_sentence(content: bytes) -> None:
    with suppress(Unreadable):
        opened(content)


@given(st.text(max_size=600), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
@settings(max_examples=300, deadline=None)
def test_any_text_under_a_header_is_read_row_by_row(text: str, encoding: str) -> None:
    content = (HEADED.decode() + text).encode(encoding, "replace")
    with suppress(Unreadable):
        opened(content)


cell = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(cell, cell, cell, cell, cell, cell, cell, cell), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_cells_are_taken_or_refused_with_reasons(table: list[tuple[str, ...]]) -> None:
    layout = rules.layout_of([Record(1, HEADED.decode().strip().split(";"))], territories.load())
    for number, cells in enumerate(table, 2):
        item = rules.read(Record(number, [c.strip() for c in cells]), layout, territories.load())
        assert item.line == number
        if isinstance(item, Refused):
            assert item.reasons
        else:
            assert item.title
            assert territories.load().municipality(item.municipality)
