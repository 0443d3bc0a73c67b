"""ISTAT's own list: reading it and saying what it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.territories import Listed, Territories, compare, listed, read_situas, read_variations
from shared.territories.situas import CLASSIC, COLUMNS, NotSituas

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


def test_the_older_layout_is_read_alike_though_its_headers_have_line_breaks() -> None:
    text = sheet(ROMA, BOLZANO, columns=dict(CLASSIC))
    broken = text.replace(
        "Codice dell'Unità territoriale sovracomunale (valida",
        "\"Codice dell'Unità territoriale sovracomunale \n(valida",
        1,
    ).replace("fini statistici);", 'fini statistici)";', 1)
    assert broken.count("\n") == text.count("\n") + 1
    assert read_situas(broken) == [ROMA, BOLZANO]


VARIATIONS = """Anno;Tipo variazione;Codice Comune formato alfanumerico;Denominazione Comune;\
"Codice del Comune associato alla variazione
 o nuovo codice Istat del Comune";Denominazione associata;Data decorrenza
2026;ES;024027;Castegnero;024129;Castegnero Nanto;21/02/2026
2026;CS;024129;Castegnero Nanto;024027;Castegnero;21/02/2026
2026;ES;24071;Nanto;24129;Castegnero Nanto;21/02/2026
"""


def test_istats_variations_say_where_municipalities_went() -> None:
    assert read_variations(VARIATIONS) == {"024027": ("024129",), "024071": ("024129",)}


def test_another_list_is_no_list_of_variations() -> None:
    with pytest.raises(NotSituas) as refused:
        read_variations(sheet(ROMA))
    assert "Tipo variazione" in refused.value.missing
