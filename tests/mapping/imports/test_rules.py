"""Rows of lists, healed where it is certain; and the real list, every row of it."""

from __future__ import annotations

import csv
import os
import re
from itertools import islice
from pathlib import Path

import pytest

from services.mapping.imports import rules, texts
from services.mapping.imports.rules import Entry, Refused, address_of, healed, kind_of, provinces_in, regions_in
from services.mapping.places.rules import Kind
from shared import sheets, territories
from shared.sheets import Header, Record

ITALY = territories.load()
COLUMNS = ("municipality", "authority", "title", "address", "phone", "website")
HEADER = Header(1, COLUMNS, {name: at for at, name in enumerate(COLUMNS)})


def read(municipality: str = "LECCO", authority: str = "", title: str = "Centro", *rest: str) -> Entry | Refused:
    cells = [municipality, authority, title, *rest]
    return rules.read(Record(2, cells + [""] * (len(COLUMNS) - len(cells))), HEADER, ITALY, None)


def phone(given: str) -> tuple[str | None, list[str]]:
    entry = read("ROMA", "", "Centro", "", given)
    assert isinstance(entry, Entry)
    return entry.phone, [note.code for note in entry.notes]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("n¶ø18", "n°18"),
        ("Via Ponte CapÇý", "Via Ponte Capò"),
        ("LocalitÇ  Piediluco", "Località Piediluco"),
        ("ForlÃ¬", "Forlì"),
        ("UNIT¶¨ OPERATIVA", "UNITÀ OPERATIVA"),
        ("N¶¨2", "N°2"),
        ("VIA 3¶¨ RETTA", "VIA 3¿ RETTA"),
        ("Çelik e figli", "Çelik e figli"),
        ("Via dell'Università 3", "Via dell'Università 3"),
    ],
)
def test_letters_come_back_where_only_one_fits(given: str, found: str) -> None:
    assert healed(given) == found


@pytest.mark.parametrize(
    ("given", "found", "notes"),
    [
        ("693273432", "+390693273432", ["zero"]),
        ("0693273432", "+390693273432", []),
        ("+39 06 93273432", "+390693273432", []),
        ("3351348216", "+393351348216", []),
        ("341 481111", None, ["uncertain"]),  # Lecco's prefix, or an old mobile's
        ("749121", None, ["invalid"]),
        ("123", None, ["invalid"]),
        ("06/93273432 - 33", "+390693273432", []),
        ("", None, []),
    ],
)
def test_a_number_gets_its_zero_back_only_as_a_fixed_line(given: str, found: str | None, notes: list[str]) -> None:
    assert phone(given) == (found, notes)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("VIA ROMA 1 - 72100 - BRINDISI - BR", ("VIA ROMA 1", "72100", "BRINDISI", "BR")),
        ("Via Pia - LOC. X - 40 - ARICCIA - RM", ("Via Pia - LOC. X", "40", "ARICCIA", "RM")),
        ("VIA A - 10010 - SAN-GIUSTO - TO", ("VIA A", "10010", "SAN-GIUSTO", "TO")),
        ("Via Litta 4, 26100 Cremona (CR)", ("Via Litta 4", "26100", "Cremona", "CR")),
        ("Via Litta 4", ("Via Litta 4", "", "", "")),
    ],
)
def test_an_address_is_taken_apart(given: str, parts: tuple[str, ...]) -> None:
    assert tuple(address_of(given)) == parts


def test_an_address_without_end_costs_little() -> None:
    assert address_of("- " * 5_000).province == ""
    assert address_of(", " * 299).province == ""


def test_a_province_is_found_in_what_an_authority_is_called() -> None:
    assert provinces_in("ASL BR", ITALY) == ["BR"]
    assert provinces_in("AST3 DI MACERATA", ITALY) == ["MC"]
    assert provinces_in("A.S.P. REGGIO CALABRIA", ITALY)[0] == "RC"
    assert regions_in("http://www.sanita.puglia.it/x", ITALY) == ["16"]


def test_the_province_decides_between_towns_of_one_name() -> None:
    here = read("SAMONE", "", "Centro", "VIA A - 38059 - SAMONE - TN")
    assert isinstance(here, Refused | Entry)
    castro = read("CASTRO", "ASL LE")
    assert isinstance(castro, Entry)
    assert ITALY.municipality(castro.municipality).province == "LE"  # type: ignore[union-attr]
    nowhere = read("CASTRO")
    assert isinstance(nowhere, Refused)
    assert nowhere.reasons[0].code == "unknown"


def test_two_towns_in_one_row_are_a_contradiction() -> None:
    refused = read("LECCO", "", "Centro", "VIA A - 26100 - CREMONA - CR")
    assert isinstance(refused, Refused)
    assert texts.said(refused.reasons, "it") is not None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Consultorio familiare", Kind.CLINIC),
        ("CASA DELLA COMUNITÀ HUB DI LECCO", Kind.COMMUNITY_HOUSE_HUB),
        ("Casa di comunità (spoke)", Kind.COMMUNITY_HOUSE_SPOKE),
        ("Casa della comunità", Kind.OTHER),
        ("Centro civico Borgo", Kind.CIVIC_CENTRE),
        ("Laboratorio di Comunità", Kind.COMMUNITY_LABORATORY),
        ("civic_centre Borgo", Kind.CIVIC_CENTRE),
    ],
)
def test_a_name_says_what_a_place_is_when_it_does(text: str, kind: Kind) -> None:
    assert kind_of(text) == kind


def test_every_sentence_is_there_in_both_languages() -> None:
    for sentences in (texts.ROWS.values(), texts.FIELDS.values(), texts.SHORT.values()):
        assert all(len(pair) == 2 and all(pair) for pair in sentences)


@pytest.mark.real_data
def test_every_row_of_the_real_list_is_placed_in_the_province_of_its_address() -> None:
    root = Path(__file__).parents[3]
    folder = Path(os.environ.get("TRAMA_REAL_DATA", root.parent / "shared" / "data"))
    content = (folder / "consultori_parte.csv").read_bytes()
    with sheets.opened(content) as sheet:
        header = rules.layout_of(list(islice(sheet.records(), sheets.SAMPLE))).header
        found = [rules.read(record, header, ITALY, None) for record in sheets.below(sheet.records(), header)]
    written = list(csv.DictReader(content.decode().splitlines()))
    assert len(found) == len(written) == 400
    placed = [entry for entry in found if isinstance(entry, Entry)]
    assert len(placed) == 400
    for entry, row in zip(placed, written, strict=True):
        town = ITALY.municipality(entry.municipality)
        sigla = re.search(r"- ([A-Z]{2})$", row["indirizzo"])
        assert town is not None
        assert sigla is not None
        assert sigla[1] in (town.province, *town.formerly), row
    assert sum(entry.phone is not None for entry in placed) == 396  # two have none, two are no numbers
    assert all(entry.postcode and len(entry.postcode) == 5 for entry in placed)
    assert len({entry.identity for entry in placed}) == 400
