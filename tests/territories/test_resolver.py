"""Place names as real files write them."""

from __future__ import annotations

import time

import pytest

from shared.territories import Resolution, Territories
from shared.territories.names import distance, folded, key, repaired


def meaning(italy: Territories, name: str, province: str | None = None, region: str | None = None) -> tuple[str, str]:
    found = italy.resolve(name, province, region)
    return (found.municipality.code if found.municipality else found.reason, found.how)


@pytest.mark.parametrize(
    ("name", "province", "code", "how"),
    [
        ("Forlì", "FC", "D704", "exact"),
        ("FORLI'", "FC", "D704", "exact"),
        ("FORLI`", "FC", "D704", "exact"),
        ("Forli’", "FC", "D704", "exact"),
        ("ForlÃ¬", "FC", "D704", "exact"),
        ("BOLZANO .BOZEN.", "BZ", "A952", "exact"),
        ("Bozen", "BZ", "A952", "exact"),
        ("BOLZANO - BOZEN", "BZ", "A952", "exact"),
        ("BOLZANO (BOZEN)", "BZ", "A952", "exact"),
        ("FIE' ALLO SCILIAR .VOELS AM SCHLERN.", "BZ", "D571", "exact"),
        ("CALDARO SULLA STRADA DEL VINO .KALTERN A", "BZ", "B397", "exact"),
        ("L AQUILA", "AQ", "A345", "exact"),
        ("BARZAN0'", "LC", "A686", "exact"),
        ("COMUNE DI MILANO", "MI", "F205", "exact"),
        ("REGGIO EMILIA", "RE", "H223", "folded"),
        ("REGGIO NELL'EMILIA", "RE", "H223", "exact"),
        ("REGGIO CALABRIA", "RC", "H224", "folded"),
        ("S. GIOVANNI ROTONDO", "FG", "H926", "folded"),
        ("QUARTU S.ELENA", "CA", "H118", "folded"),
        ("SAN CASCIANO VAL DI PESA", "FI", "H791", "folded"),
        ("IESI", "AN", "E388", "folded"),
        ("S. MARIA C.V.", "CE", "I234", "partial"),
        ("CIVITANOVA M.", "MC", "C770", "partial"),
        ("PESCHIERA", "VR", "G489", "partial"),
        ("FORL?", "FC", "D704", "lost"),
        ("FORL\ufffd", "FC", "D704", "lost"),
        ("MUGGI", "MB", "F797", "lost"),
        ("QUARTU SANT?ELENA", "CA", "H118", "lost"),
        ("FIRENZ", "FI", "D612", "similar"),
        ("CASTELFRACNO EMILIA", "MO", "C107", "similar"),
    ],
)
def test_a_name_is_understood_in_its_province(
    italy: Territories, name: str, province: str, code: str, how: str
) -> None:
    assert meaning(italy, name, province) == (code, how)


@pytest.mark.parametrize(
    ("name", "province", "code", "how"),
    [
        ("IONADI", "VV", "E321", "former"),
        ("MURISENGO", "AL", "F814", "former"),
        ("SALORNO", "BZ", "H719", "former"),
        ("ABANO", "PD", "A001", "former"),
        ("LIRIO", "PV", "F417", "merged"),
        ("NANTO", "VI", "M439", "merged"),
        ("ROSSANO", "CS", "M403", "merged"),
        ("CASTELLAR", "CN", "H727", "merged"),
        ("BAZZANO", "BO", "M320", "merged"),
        ("MOSSO SANTA MARIA", "BI", "M417", "merged"),  # first into Mosso, then with it into Valdilana
        ("QUERO", "BL", "M437", "merged"),  # first into Quero Vas, then with it into Setteville
        ("SOVIZZO", "VI", "M436", "exact"),  # suppressed and founded anew with the same name
    ],
)
def test_names_of_the_past_lead_to_the_municipality_of_today(
    italy: Territories, name: str, province: str, code: str, how: str
) -> None:
    assert meaning(italy, name, province) == (code, how)


@pytest.mark.parametrize(
    ("name", "province", "code", "how"),
    [
        ("CARBONIA", "CI", "B745", "moved"),
        ("CARBONIA", "CARBONIA-IGLESIAS", "B745", "moved"),
        ("CARBONIA", "SU", "B745", "exact"),
        ("MANDAS", "SU", "E877", "moved"),  # South Sardinia had the sigla that Sulcis Iglesiente has now
        ("SEULO", "SUD SARDEGNA", "I707", "moved"),
        ("OLBIA", "SS", "G015", "moved"),
        ("OLBIA", "OT", "G015", "exact"),
        ("TORTOLI'", "NU", "A355", "moved"),
        ("SANLURI", "VS", "H974", "exact"),
        ("URBINO", "PS", "L500", "moved"),
        ("RIMINI", "FO", "H294", "moved"),
        ("MONTECOPIOLO", "PU", "F478", "moved"),
        ("MONZA", "MI", "F704", "moved"),
        ("NAPOLI", "NAPOLI", "F839", "exact"),
        ("NAPOLI", "NA", "F839", "exact"),
        ("FORLI'", "FORLI' CESENA", "D704", "exact"),
        ("CARRARA", "MASSA CARRARA", "B832", "exact"),
        ("TORINO", "Città Metropolitana di Torino", "L219", "exact"),
        ("TORINO", "001", "L219", "exact"),
        ("TORINO", "201", "L219", "exact"),
        ("BOLZANO", "Bolzano/Bozen", "A952", "exact"),
        ("REGGIO EMILIA", "REGGIO EMILIA", "H223", "folded"),
    ],
)
def test_provinces_are_understood_old_and_new(
    italy: Territories, name: str, province: str, code: str, how: str
) -> None:
    assert meaning(italy, name, province) == (code, how)


@pytest.mark.parametrize(
    ("name", "region", "code"),
    [
        ("CASTRO", "PUGLIA", "M261"),
        ("CASTRO", "16", "M261"),
        ("BOLZANO", "TRENTINO ALTO ADIGE (BOLZANO)", "A952"),
        ("TRENTO", "P.A. TRENTO", "L378"),
        ("BOLOGNA", "EMILIA ROMAGNA", "A944"),
        ("UDINE", "FRIULI V.G.", "L483"),
        ("AOSTA", "VALLE D'AOSTA", "A326"),
    ],
)
def test_a_region_serves_where_there_is_no_province(italy: Territories, name: str, region: str, code: str) -> None:
    assert meaning(italy, name, None, region) == (code, "exact")


@pytest.mark.parametrize(("name", "code"), [("CASTRO (LE)", "M261"), ("CASTRO BG", "C337"), ("MILANO - MI", "F205")])
def test_a_sigla_may_stand_in_the_name(italy: Territories, name: str, code: str) -> None:
    assert meaning(italy, name)[0] == code


@pytest.mark.parametrize(
    ("name", "province", "region", "reason"),
    [
        ("", "MI", None, "empty"),
        (" - ", "MI", None, "empty"),
        ("PARIGI", "EE", None, "abroad"),
        ("XXYZ", "MI", None, "unknown"),
        ("CASTRO", None, None, "ambiguous"),
        ("CALLIANO", None, None, "ambiguous"),  # that of Trento, or that of Asti which changed its name in 2022
        ("SAN PIETRO", "CS", None, "ambiguous"),
        ("FAEDO", None, None, "ambiguous"),  # suppressed in Trento in 2019, renamed in Sondrio in 1928
        ("LEGGIUNO-SANGIANO", "VA", None, "ambiguous"),  # divided again in 1963
        ("GIULIANOVA - TERAMO", None, None, "ambiguous"),
        ("SANT'ANGELO", "PZ", None, "uncertain"),
        ("BANCO", None, None, "uncertain"),
        ("MILANO", "RM", None, "elsewhere"),
        ("FIRENZE", "FI", "LAZIO", "contradiction"),
        ("VALLE", "BZ", None, "unknown"),
        ("MILAN", "PROVINCIA DI NULLA", None, "unknown"),
    ],
)
def test_what_is_not_certain_is_not_chosen(
    italy: Territories, name: str, province: str | None, region: str | None, reason: str
) -> None:
    found = italy.resolve(name, province, region)
    assert (found.municipality, found.how, found.reason) == (None, "none", reason)
    assert found.explain("it")
    assert found.explain("en")


def test_an_ambiguous_name_comes_with_all_that_it_may_mean(italy: Territories) -> None:
    found = italy.resolve("CASTRO")
    assert [(m.name, m.province) for m in found.candidates] == [("Castro", "BG"), ("Castro", "LE")]
    assert found.explain("it") == "più comuni corrispondono: Castro (BG), Castro (LE)"
    assert found.explain("en") == "several municipalities fit: Castro (BG), Castro (LE)"


def test_a_name_from_elsewhere_says_where_it_is(italy: Territories) -> None:
    assert [m.province for m in italy.resolve("MILANO", "RM").candidates] == ["MI"]


def test_a_choice_knows_whether_it_was_certain(italy: Territories) -> None:
    assert italy.resolve("FORLI'", "FO").certain
    assert not italy.resolve("FIRENZ", "FI").certain
    assert not Resolution(None, "none").certain


def test_fifty_thousand_repeated_names_take_less_than_a_second(italy: Territories) -> None:
    rows = [(m.name.upper(), m.province, None) for m in italy.municipalities[:500]]
    for row in rows:
        italy.resolve(*row)
    begin = time.perf_counter()
    for _ in range(100):
        for row in rows:
            italy.resolve(*row)
    assert time.perf_counter() - begin < 1


def test_keys_are_equal_where_only_the_writing_differs() -> None:
    assert key("Sant'Angelo") == key("SANT ANGELO") == key("sant’angelo")
    assert folded("S. Angelo in Vado") == folded("Sant'Angelo Vado")
    assert repaired("CantÃ¹") == "Cantù"
    assert repaired("Città") == "Città"


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("ROMA", "ROMA", 0),
        ("ROMA", "ROM", 1),
        ("ROMA", "RMOA", 1),
        ("ROMA", "RIMINI", 3),
        ("ROMA", "TORINO", 3),
        ("", "AB", 2),
    ],
)
def test_distance_counts_edits_and_stops_at_its_limit(one: str, other: str, far: int) -> None:
    assert distance(one, other, 2) == distance(other, one, 2) == far
