"""ISTAT's own list: reading it and saying what it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.territories import Listed, Territories, compare, listed, read_situas
from shared.territories.situas import COLUMNS, NotSituas

ROMA = Listed("H501", "058091", "Roma", "Roma", "", "RM", "258", "12", "ITI43")
BOLZANO = Listed("A952", "021008", "Bolzano/Bozen", "Bolzano", "Bozen", "BZ", "021", "04", "ITH10")


def sheet(*rows: Listed, columns: dict[str, str] = COLUMNS) -> str:
    lines = [";".join(["Ripartizione geografica", *columns.values()])]
    lines += [";".join(["Centro", *(getattr(row, field) for field in columns)]) for row in rows]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def test_a_list_is_read_as_istat_writes_it() -> None:
    assert read_situas(sheet(ROMA, BOLZANO)) == [ROMA, BOLZANO]


def test_codes_that_a_spreadsheet_shortened_are_restored() -> None:
    shortened = replace(BOLZANO, istat="21008", region="4")
    assert read_situas(sheet(shortened)) == [BOLZANO]


def test_another_layout_is_refused_with_the_columns_that_it_lacks() -> None:
    with pytest.raises(NotSituas) as refused:
        read_situas(sheet(ROMA, columns={k: v for k, v in COLUMNS.items() if k not in ("code", "region")}))
    assert refused.value.missing == ("Codice catasto", "Codice Regione")


@pytest.mark.parametrize(
    ("rows", "line", "column"),
    [
        ((ROMA, replace(BOLZANO, name="")), 3, "Comune"),
        ((ROMA, BOLZANO, ROMA), 4, "Codice catasto"),
    ],
)
def test_a_cut_or_edited_list_is_refused_where_it_breaks(rows: tuple[Listed, ...], line: int, column: str) -> None:
    with pytest.raises(NotSituas) as refused:
        read_situas(sheet(*rows))
    assert (refused.value.line, refused.value.column) == (line, column)


def test_the_same_list_changes_nothing(italy: Territories) -> None:
    ours = listed(italy.municipalities)
    assert compare(ours, read_situas(sheet(*reversed(ours)))) == []


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        (replace(ROMA, name="Roma Capitale", italian_name="Roma Capitale"), ["renamed"]),
        (replace(ROMA, province="LT", province_code="059", istat="059099"), ["moved", "recoded"]),
        (replace(ROMA, nuts3="ITI99"), ["recoded"]),
        (replace(ROMA, region="13", name="X"), ["renamed", "moved"]),
    ],
)
def test_changes_are_told_by_their_kind(now: Listed, kinds: list[str]) -> None:
    changes = compare([ROMA, BOLZANO], [BOLZANO, now])
    assert [c.kind for c in changes] == kinds
    assert {(c.code, c.was, c.now) for c in changes} == {("H501", ROMA, now)}


def test_what_comes_and_goes_is_told() -> None:
    changes = compare([ROMA], [BOLZANO])
    assert [(c.kind, c.code, c.was, c.now) for c in changes] == [
        ("added", "A952", None, BOLZANO),
        ("removed", "H501", ROMA, None),
    ]
