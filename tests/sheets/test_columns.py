"""Which column means what: guessed, shown, corrected."""

from __future__ import annotations

import re

import pytest

from shared.sheets import Column, Header, Record, UnknownColumn, Words, below, chosen, described, header_of
from shared.sheets.columns import letter

WORDS = Words(
    {"name": ("nome", "denominazione"), "place": ("comune", "citta"), "phone": ("tel",)},
    others=re.compile(r"\bnascita\b"),
    kept_apart=frozenset({"nome della nonna"}),
)


def sheet(*rows: list[str]) -> list[Record]:
    return [Record(line, row) for line, row in enumerate(rows, 1)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Nome", "Città"], {"name": 0, "place": 1}),
        (["Comune (sede)", "Denominazione ufficiale"], {"place": 0, "name": 1}),
        (["Vecchia denominazione", "Denominazione"], {"name": 1}),
        (["Comune di nascita", "nome della nonna", "Tel. ufficio"], {}),
        (["", "??"], {}),
    ],
)
def test_exact_names_come_before_those_that_begin_or_end_with_one(names: list[str], found: dict[str, int]) -> None:
    assert WORDS.columns_of(names) == found


def test_the_header_is_the_row_that_names_most_and_nothing_above_it_is_a_row() -> None:
    records = sheet(["Comune di Lecco"], ["", "nome", "comune"], ["", "Anna", "Lecco"], ["", "nome", "comune"])
    header = header_of(records, WORDS.columns_of)
    assert (header.line, header.columns, header.names) == (
        2, {"name": 1, "place": 2}, {"name": "nome", "place": "comune"},
    )  # fmt: skip
    assert [record.line for record in below(records, header)] == [3]


def test_a_needed_name_counts_double_and_a_row_is_no_header() -> None:
    records = sheet(["nome", "tel"], ["nome", "comune"])
    assert header_of(records, WORDS.columns_of, needed=("place",)).line == 2
    assert header_of(records, WORDS.columns_of, is_row=lambda record: record.line < 3) == Header()


def test_without_a_header_every_row_is_one() -> None:
    records = sheet(["Anna", "Lecco"], ["Bea", "Como"])
    header = header_of(records, WORDS.columns_of)
    assert (header.line, [record.line for record in below(records, header)]) == (0, [1, 2])


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([["Elenco"], ["Chi", "Quando"], ["Anna", "2020"], ["Bea", "2021"]], 2),
        ([["Anna", "2020"], ["Bea", "2021"]], 0),
        ([["Chi", "Dove"], ["Anna", "Lecco"]], 0),
        ([["Chi", "Quando"]], 0),
        ([["Chi", "Quando"], ["Anna", "mai"], ["Bea", "2021"]], 0),
    ],
)
def test_words_above_figures_are_a_header_even_if_nobody_knows_them(rows: list[list[str]], line: int) -> None:
    assert header_of(sheet(*rows), WORDS.columns_of).line == line


def test_columns_are_shown_with_examples_and_with_why_they_are_taken() -> None:
    body = sheet(["Anna", "Lecco", "x", "7"], ["Bea", "Lecco", "", "8"], ["Cleo", "Como", "y", "9"], ["Dora", "", "z"])
    header = Header(1, ("Nome", "Comune sede", "Note"))
    columns = {"name": 0, "place": 1, "phone": 3}
    assert described(header, body, columns, WORDS, chosen=["name"]) == [
        Column(1, "A", "Nome", ["Anna", "Bea", "Cleo"], "name", "chosen"),
        Column(2, "B", "Comune sede", ["Lecco", "Como"], "place", "likely"),
        Column(3, "C", "Note", ["x", "y", "z"], None, None),
        Column(4, "D", "", ["7", "8", "9"], "phone", "content"),
    ]
    assert described(header, body, columns, WORDS)[0].certainty == "named"


@pytest.mark.parametrize(
    ("said", "position"), [("Nome", 0), ("nome", 0), ("NOTE!", 2), (4, 3), ("D", 3), ("d", 3), ("B", 1), (None, None)]
)
def test_a_column_is_chosen_by_name_number_or_letter(said: str | int | None, position: int | None) -> None:
    assert chosen({"name": said}, ["Nome", "B", "note", ""], 4) == {"name": position}


@pytest.mark.parametrize("said", ["Cognome", "", 0, 5, "E", "!"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(said: str | int) -> None:
    with pytest.raises(UnknownColumn) as refused:
        chosen({"name": said}, ["Nome", "Nota", "x"], 4)
    assert refused.value.accepted == ["Nome", "Nota", "x", "D"]
    assert (refused.value.path, refused.value.code) == ("/columns/name", "unknown")


def test_a_name_that_two_columns_bear_is_refused_with_their_letters() -> None:
    with pytest.raises(UnknownColumn) as refused:
        chosen({"name": "nota"}, ["Nota", "x", "nota."], 3)
    assert (refused.value.accepted, refused.value.code) == (["A", "C"], "several")


@pytest.mark.parametrize(("at", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ")])
def test_columns_are_lettered_as_spreadsheets_do(at: int, name: str) -> None:
    assert letter(at) == name
