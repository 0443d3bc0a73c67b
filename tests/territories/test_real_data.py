"""Against the real files: ISTAT's list of August 2026, bodies of the 5x1000 with their municipality, clinics."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from shared.territories import Territories, compare, listed, read_situas

pytestmark = pytest.mark.real_data


def rows(path: Path, *, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as f:
        return list(csv.DictReader(f, delimiter=delimiter))


def test_every_municipality_equals_istats_list_row_by_row(italy: Territories, real_data: Path) -> None:
    theirs = rows(real_data / "situas_comuni_2026-08-14.csv", delimiter=";")
    assert len(theirs) == len(italy.municipalities)
    for row in theirs:
        m = italy.municipality(row["Codice catasto"])
        assert m is not None, row
        province, region = italy.province(m.province), italy.region(m.region)
        assert province is not None
        assert region is not None
        assert {
            "Codice Comune (alfanumerico)": m.istat,
            "Comune": m.name,
            "Comune (dizione italiana)": m.italian_name,
            "Comune (dizione straniera)": m.other_name,
            "Sigla automobilistica": m.province,
            "Codice Provincia/Uts": province.code,
            "Codice Provincia (Storico)": province.historic_code,
            "Provincia/Uts": province.name,
            "Codice Regione": region.code,
            "Regione": region.name,
            "Codice NUTS3 2024": m.nuts3,
        }.items() <= row.items(), row


def test_istats_list_read_as_an_operator_would_changes_nothing(italy: Territories, real_data: Path) -> None:
    text = (real_data / "situas_comuni_2026-08-14.csv").read_text(encoding="utf-8")
    assert compare(listed(italy.municipalities), read_situas(text)) == []


def test_every_body_resolves_to_its_municipality(italy: Territories, real_data: Path) -> None:
    expected = {
        row["codice_fiscale"]: row["codice_catastale"] for row in rows(real_data / "enti_5x1000_2022_parte_atteso.csv")
    }
    bodies = rows(real_data / "enti_5x1000_2022_parte.csv", encoding="cp1252", delimiter=";")
    assert len(bodies) == len(expected) == 20_497
    wrong: list[tuple[str, str, str]] = []
    for body in bodies:
        found = italy.resolve(body["Comune"], body["PR"], body["Regione"])
        code = expected[body["Codice fiscale"].strip("'")]
        if found.municipality is None or found.municipality.code != code or not found.certain:
            wrong.append((body["Comune"], body["PR"], found.how))
    assert wrong == []


def test_bodies_without_their_province_are_right_or_ambiguous(italy: Territories, real_data: Path) -> None:
    expected = {
        row["codice_fiscale"]: row["codice_catastale"] for row in rows(real_data / "enti_5x1000_2022_parte_atteso.csv")
    }
    unresolved = 0
    for body in rows(real_data / "enti_5x1000_2022_parte.csv", encoding="cp1252", delimiter=";"):
        found = italy.resolve(body["Comune"])
        if found.municipality is None:
            unresolved += 1
            assert found.reason == "ambiguous"
        else:
            assert found.municipality.code == expected[body["Codice fiscale"].strip("'")]
    assert unresolved < 20


def test_clinics_without_a_province_resolve_and_agree_with_their_address(italy: Territories, real_data: Path) -> None:
    clinics = rows(real_data / "consultori_parte.csv")
    hows = Counter(italy.resolve(clinic["comune"]).how for clinic in clinics)
    assert sum(hows.values()) == 400
    assert hows["none"] <= 4
    for clinic in clinics:
        sigla = clinic["indirizzo"].rpartition(" - ")[2]
        found = italy.resolve(clinic["comune"]).municipality
        if found and italy.province(sigla):
            assert sigla in (found.province, *found.formerly), clinic
