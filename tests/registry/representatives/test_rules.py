"""Rows of people's spreadsheets: what they say, why they cannot be taken, and what they mean beside what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.mandates.rules import EndReason, Mandate, State
from services.registry.representatives import pages
from services.registry.representatives.rules import (
    MOST_ROWS,
    SYNONYMS,
    Finding,
    MissingColumns,
    Row,
    Sheet,
    Standing,
    TooManyRows,
    judge,
    names,
    read,
    same_name,
    split,
)
from shared import territories
from shared.access.roles import Role
from shared.sheets import Record

PLACES = territories.load()
TODAY = date(2026, 3, 10)
NETWORK, ORGANISATION = uuid7(), uuid7()


def sheet(*rows: Sequence[str]) -> Sheet:
    return read([Record(line, list(cells)) for line, cells in enumerate(rows, 1)], PLACES)


def one(**cells: str) -> Row | Finding:
    """The only row of a sheet with these columns, or the only finding about it."""
    given = {"nome": "Giulia", "cognome": "Serra", "email": "giulia@example.org", **cells}
    found = sheet(list(given), list(given.values()))
    results: list[Row | Finding] = [*found.rows, *found.findings]
    assert len(results) == 1, results
    return results[0]


def row(**cells: str) -> Row:
    found = one(**cells)
    assert isinstance(found, Row), found
    return found


def finding(**cells: str) -> tuple[str, str]:
    found = one(**cells)
    assert isinstance(found, Finding), found
    for language in ("it", "en"):
        assert "{" not in pages.sentence(found, language)
    return found.field, found.code


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        ("Nome", "Cognome", "E-mail"),
        ("NOME", "COGNOME", "Indirizzo e-mail"),
        ("Given name", "Family name", "Email address"),
        ("First name", "Surname", "E-Mail"),
        ("Nome del rappresentante", "Cognome del rappresentante", "Email del rappresentante"),
    ],
)
def test_columns_are_found_by_their_names(header: tuple[str, ...]) -> None:
    (found,) = sheet(("Elenco 2026",), (), header, ("Giulia", "Serra", "Giulia@Example.org")).rows
    assert (found.line, found.given_name, found.family_name, found.email) == (
        4,
        "Giulia",
        "Serra",
        "giulia@example.org",
    )


@pytest.mark.parametrize(
    ("header", "cell", "expected"),
    [
        ("Nominativo", "Giulia Serra", ("Giulia", "Serra")),
        ("Cognome e nome", "Serra Giulia", ("Giulia", "Serra")),
        ("Cognome e nome", "De Luca Giulia", ("Giulia", "De Luca")),
        ("Cognome e nome", "Serra Giulia Maria", ("Giulia Maria", "Serra")),
        ("Cognome e nome", "SERRA NERI Giulia", ("Giulia", "SERRA NERI")),
        ("Nominativo", "Anna Maria Dell'Orto", ("Anna Maria", "Dell'Orto")),
        ("Nominativo", "Anna Maria Della Valle", ("Anna Maria", "Della Valle")),
        ("Nominativo", "Anna M. SERRA", ("Anna M.", "SERRA")),
        ("Referente", "Dott.ssa Giulia Serra", ("Giulia", "Serra")),
        ("Referente regionale", "Prof. Avv. Ugo Rana", ("Ugo", "Rana")),
        ("Name", "Giulia Serra", ("Giulia", "Serra")),
        ("Nome", "Serra, Giulia Maria", ("Giulia Maria", "Serra")),
    ],
)
def test_a_name_may_be_in_one_cell(header: str, cell: str, expected: tuple[str, str]) -> None:
    (found,) = sheet((header, "Tel"), (cell, "0341 123456")).rows
    assert (found.given_name, found.family_name) == expected
    assert found.phone == "+390341123456"


def test_a_column_is_known_by_the_word_that_says_what_it_holds() -> None:
    header = (
        *("Nome e cognome del referente regionale", "Referente: indirizzo e-mail", "Recapito cellulare del referente"),
        *("Regione/Territorio", "Data decorrenza incarico", "Data scadenza incarico", "Note"),
    )
    cells = ("Giulia Serra", "g@example.org", "333 1234567", "Lazio", "1/10/2026", "30/9/2027", "da confermare")
    found = sheet(header, cells)
    assert [(r.given_name, r.email, r.phone, r.territory, r.since, r.until) for r in found.rows] == [
        ("Giulia", "g@example.org", "+393331234567", "12", date(2026, 10, 1), date(2027, 10, 1))
    ]
    assert found.unread == ["Note"]


def test_where_nothing_is_meant_nothing_is_read() -> None:
    found = row(telefono="//", regione="-", dal="n.d.", al="in corso")
    assert (found.phone, found.territory, found.since, found.until) == (None, None, None, None)
    assert row(provincia="NA").territory == "263", "Naples is no n/a"
    assert row(email="Giulia Serra <giulia@example.org>").email == "giulia@example.org"


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (("Email",), ("name",)),
        (("Nome", "Cognome"), ("contact",)),
        (("Cognome", "Telefono"), ("name",)),
        (("Colore",), ("name", "contact")),
        ((), ("name", "contact")),
    ],
)
def test_missing_columns_are_named(header: tuple[str, ...], missing: tuple[str, ...]) -> None:
    with pytest.raises(MissingColumns) as refusal:
        sheet(header, ("x", "y", "z"))
    assert (refusal.value.missing, refusal.value.found) == (missing, header)


def test_a_birth_is_no_beginning_and_a_residence_no_territory() -> None:
    (found,) = sheet(
        ("Nome", "Cognome", "Email", "Data di nascita", "Comune di residenza", "Codice fiscale"),
        ("Giulia", "Serra", "giulia@example.org", "1/1/1980", "Lecco", "x"),
    ).rows
    assert (found.since, found.territory) == (None, None)


def test_the_association_has_a_name_of_its_own_and_a_mailbox_that_is_nobodys() -> None:
    (found,) = sheet(
        ("Nome dell'ente", "Email dell'ente", "Nome", "Cognome", "Email personale"),
        ("Ponti", "ponti@example.org", "Giulia", "Serra", "giulia@example.org"),
    ).rows
    assert (found.organisation, found.given_name, found.email) == ("Ponti", "Giulia", "giulia@example.org")


def test_a_repeated_header_is_no_person_and_short_rows_are_read() -> None:
    header = ("Nome", "Cognome", "Email", "Regione")
    found = sheet(
        header, ("Giulia", "Serra", "giulia@example.org"), header, ("Marco", "Leone", "m@example.org", "Lazio")
    )
    assert [(r.line, r.territory) for r in found.rows] == [(2, None), (4, "12")]


def test_a_row_that_counts_the_others_is_no_person() -> None:
    header, giulia = ("N.", "Nominativo", "Email"), ("1", "Giulia Serra", "g@example.org")
    assert [r.line for r in sheet(header, giulia, ("Totale:", "1", "")).rows] == [2]
    assert sheet(header, giulia, ("Totale:", "1", "")).findings == []
    assert [f.line for f in sheet(header, giulia, ("2", "Marco Leone", "")).findings] == [3]


def test_there_is_a_limit() -> None:
    rows = [("Giulia", "Serra", "g@example.org")] * (MOST_ROWS + 1)
    with pytest.raises(TooManyRows):
        sheet(("Nome", "Cognome", "Email"), *rows)


# --- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"regione": "Lombardia"}, "03"),
        ({"regione": "LOMBARDIA "}, "03"),
        ({"regione": "03"}, "03"),
        ({"regione": "Emilia Romagna"}, "08"),
        ({"regione": "Reg. Lazio"}, "12"),
        ({"regione": "Abruzzi"}, "13"),
        ({"regione": "Trentino"}, "04"),
        ({"regione": "Trentino A.A."}, "04"),
        ({"regione": "P.A. Trento"}, "022"),
        ({"regione": "Bolzano"}, "021"),
        ({"regione": "Puglia (BA)"}, "272"),
        ({"provincia": "Lecco (LC)"}, "097"),
        ({"territorio": "Alto Adige"}, "021"),
        ({"provincia": "LC"}, "097"),
        ({"provincia": "Lecco"}, "097"),
        ({"provincia": "Lecco", "regione": "Lombardia"}, "097"),
        ({"comune": "Lecco", "provincia": "LC"}, "E507"),
        ({"comune": "E507"}, "E507"),
        ({"comune": "Castro", "provincia": "BG"}, "C337"),
        ({"territorio": "Lombardia"}, "03"),
        ({"territorio": "Regione Lombardia"}, "03"),
        ({"territorio": "Provincia di Lecco"}, "097"),
        ({"territorio": "Comune di Lecco"}, "E507"),
        ({"territorio": "lc"}, "097"),
        ({"territorio": "097"}, "097"),
        ({"territorio": "e507"}, "E507"),
        ({"territorio": "Cernusco sul Naviglio"}, "C523"),
        ({"territorio": "nazionale"}, None),
        ({"territorio": ""}, None),
        ({"territorio": "Nord", "regione": "Piemonte"}, "01"),
    ],
)
def test_a_territory_is_the_narrowest_that_is_named(cells: dict[str, str], code: str | None) -> None:
    assert row(**cells).territory == code


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"regione": "Lombardya"}, ("region", "unknown")),
        ({"provincia": "Lecko"}, ("province", "unknown")),
        ({"provincia": "Lecco", "regione": "Lazio"}, ("province", "elsewhere")),
        ({"comune": "Leccco", "provincia": "LC"}, ("municipality", "unknown")),
        ({"comune": "Castro"}, ("municipality", "unknown")),
        ({"territorio": "Lecco"}, ("territory", "ambiguous")),
        ({"territorio": "Marte"}, ("territory", "unknown")),
        ({"dal": "31/02/2026"}, ("since", "unfit")),
        ({"dal": "2026"}, ("since", "unfit")),
        ({"dal": "26-01-31"}, ("since", "unfit")),
        ({"dal": "12345"}, ("since", "unfit")),
        ({"dal": "31 giugno 2026"}, ("since", "unfit")),
        ({"dal": "1 m 2026"}, ("since", "unfit")),
        ({"al": "0001-01-01"}, ("until", "unfit")),
        ({"dal": "2026-02-02", "al": "2026-02-01"}, ("until", "before")),
        ({"email": "qui"}, ("email", "unfit")),
        ({"email": "", "telefono": "1"}, ("phone", "unfit")),
        ({"email": ""}, ("email", "missing")),
        ({"cognome": "–"}, ("family_name", "missing")),
        ({"nome": "x" * 101}, ("given_name", "unfit")),
        ({"nome": "Giu\x07lia"}, ("given_name", "unfit")),
        ({"nome": "<b>Giulia</b>"}, ("given_name", "unfit")),
        ({"nome": '=HYPERLINK("http://x")'}, ("given_name", "unfit")),
        ({"cognome": "serra@example.org"}, ("family_name", "unfit")),
        ({"cognome": "Serra 333 1234567"}, ("family_name", "unfit")),
        ({"regione": "Lombardia e Piemonte"}, ("region", "unknown")),
        ({"email": "–"}, ("email", "missing")),
        ({"email": "a@example.org / b@example.org"}, ("email", "unfit")),
    ],
)
def test_what_cannot_be_taken_names_the_field(cells: dict[str, str], expected: tuple[str, str]) -> None:
    assert finding(**cells) == expected


@pytest.mark.parametrize(
    "cell",
    [
        *("2026-04-01", "1/4/2026", "01.04.2026", "01-04-2026", "2026-04-01 00:00:00", "01/04/2026 0:00"),
        *("1/4/26", "01.04.26", "1 aprile 2026", "1° Aprile 2026", "01 apr. 2026", "46113"),
    ],
)
def test_days_are_read_as_people_and_spreadsheets_write_them(cell: str) -> None:
    assert row(dal=cell).since == date(2026, 4, 1)
    assert row(al=cell).until == date(2026, 4, 2), "the last day is its own"


@pytest.mark.parametrize(
    ("cell", "own"),
    [
        ("Ponti e Strade", True),
        ("PONTI e  strade", True),
        ("Ponti", True),
        ("94080470480", True),
        ("Ponti di Lecco", False),
        ("Altra", False),
        ("–", False),
    ],
)
def test_an_association_is_known_by_its_name_words_of_it_or_its_tax_code(cell: str, own: bool) -> None:
    assert names(cell, "Ponti e Strade", "94080470480") is own


def test_every_sentence_has_both_languages_with_the_same_gaps() -> None:
    for italian, english in pages.SENTENCES.values():
        assert italian != english
        assert italian.count("{") == english.count("{")


# --- what it means ---------------------------------------------------------------------------------------------------


def listed(line: int = 2, **more: Any) -> Row:
    given = {"territory": "03", "since": None, "until": None, "email": "giulia@example.org", **more}
    return Row(line, "Giulia", "Serra", phone=None, organisation="", **given)


def standing(person: UUID, *held: Mandate) -> Standing:
    return Standing(NETWORK, ORGANISATION, {listed().identity: person}, {person: held} if held else {})


def mandate(person: UUID, since: date, until: date | None = None, territory: str | None = "03") -> Mandate:
    return Mandate(NETWORK, person, Role.REPRESENTATIVE, since, until, ORGANISATION, territory)


def judged(held: Sequence[Mandate], *rows: Row, person: UUID | None = None) -> list[str]:
    who = person or (held[0].person_id if held else uuid7())
    outcomes, findings = judge(rows, standing(who, *held), {}, TODAY)
    return ["new" if outcome.new else "there" for outcome in outcomes] + [found.code for found in findings]


def test_a_row_without_days_is_there_already_while_a_mandate_runs() -> None:
    person = uuid7()
    assert judged([mandate(person, date(2025, 1, 1))], listed()) == ["there"]
    assert judged([mandate(person, date(2025, 1, 1), date(2027, 1, 1))], listed()) == ["there"]
    assert judged([mandate(person, date(2025, 1, 1), date(2026, 1, 1))], listed()) == ["new"]
    assert judged([mandate(person, date(2025, 1, 1), territory="12")], listed()) == ["new"]


def test_the_same_days_are_there_already_and_other_days_contradict() -> None:
    held = [mandate(uuid7(), date(2026, 1, 1), date(2027, 1, 1))]
    assert judged(held, listed(since=date(2026, 1, 1), until=date(2027, 1, 1))) == ["there"]
    assert judged(held, listed(until=date(2027, 1, 1))) == ["there"]
    assert judged(held, listed(since=date(2026, 1, 1))) == ["overlaps"]
    assert judged(held, listed(since=date(2026, 2, 1), until=date(2027, 1, 1))) == ["overlaps"]
    assert judged(held, listed(since=date(2027, 1, 1))) == ["new"]


def test_who_has_resigned_is_not_brought_back_by_the_same_days() -> None:
    gone = mandate(uuid7(), date(2026, 1, 1))
    gone.end(date(2026, 2, 1), EndReason.RESIGNED, TODAY)
    assert judged([gone], listed(since=date(2026, 1, 1))) == ["there"]
    assert gone.state(TODAY) is State.ENDED


def test_a_row_that_repeats_another_names_it() -> None:
    rows = [listed(2), listed(3, territory="12"), listed(4), listed(5, since=date(2020, 1, 1), until=date(2021, 1, 1))]
    rows.append(listed(6, since=TODAY, until=TODAY + timedelta(days=9)))
    outcomes, findings = judge(rows, standing(uuid7()), {}, TODAY)
    assert [outcome.row.line for outcome in outcomes] == [2, 3, 4, 5]
    assert findings == [Finding(6, "row", "repeated", {"line": "2"})]
    assert [outcome.new for outcome in outcomes] == [True, True, False, True], "said twice is said once"
    assert outcomes[2].mandate is outcomes[0].mandate


def test_an_end_that_has_passed_needs_a_beginning() -> None:
    assert judged([], listed(until=TODAY)) == ["past"]
    assert judged([], listed(until=TODAY + timedelta(days=1))) == ["new"]


# --- whatever is in the cells ----------------------------------------------------------------------------------------

HEADERS = [name for synonyms in SYNONYMS.values() for name in synonyms]
cell = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["Lecco", "LC", "03", "E507", "1/4/2026", "2026-04-01", "giulia@example.org", "0341 123456", "Serra"]
    ),
)


@given(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=9), st.lists(st.lists(cell, max_size=10), max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_cells_make_rows_or_findings_with_sentences(header: list[str], body: list[list[str]]) -> None:
    try:
        found = sheet(header, *body)
    except MissingColumns:
        return
    lines = {r.line for r in found.rows} | {f.line for f in found.findings}
    assert {r.line for r in found.rows}.isdisjoint(f.line for f in found.findings), "a row is taken or refused"
    assert lines <= set(range(2, len(body) + 2))
    for each in found.findings:
        for language in ("it", "en"):
            assert pages.sentence(each, language)
    for taken in found.rows:
        assert taken.email or taken.phone
        assert taken.since is None or taken.until is None or taken.since < taken.until
        assert taken.territory is None or PLACES.kind_of(taken.territory) is not None


periods = st.tuples(st.none() | st.integers(-40, 40), st.none() | st.integers(1, 60))
people = [listed(email=f"p{n}@example.org") for n in range(3)]


def rows_of(script: Sequence[tuple[int, str | None, tuple[int | None, int | None]]]) -> list[Row]:
    def day(offset: int | None) -> date | None:
        return None if offset is None else TODAY + timedelta(days=offset)

    return [
        listed(
            line,
            email=f"p{who}@example.org",
            territory=where,
            since=day(since),
            until=day((since or 0) + length) if length is not None else None,
        )
        for line, (who, where, (since, length)) in enumerate(script, 2)
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, "03", "12"]), periods), max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_list_that_was_taken_is_there_when_it_comes_again_and_no_day_has_two(
    script: list[tuple[int, str | None, tuple[int | None, int | None]]],
) -> None:
    rows = rows_of(script)
    entered: Mapping[tuple[str, str], UUID] = {one.identity: uuid7() for one in people}
    outcomes, findings = judge(rows, Standing(NETWORK, ORGANISATION, {}), entered, TODAY)
    assert len(outcomes) + len(findings) == len(rows)
    made = [outcome.mandate for outcome in outcomes]
    for mandate in made:
        others = [other for other in made if other is not mandate and other.office == mandate.office]
        assert not any(other.person_id == mandate.person_id and other.overlaps(mandate) for other in others)
    held: dict[UUID, list[Mandate]] = {}
    for mandate in made:
        held.setdefault(mandate.person_id, []).append(mandate)
    taken = [outcome.row for outcome in outcomes]
    for later in (TODAY, TODAY + timedelta(days=1)):
        again, refused = judge(taken, Standing(NETWORK, ORGANISATION, entered, held), {}, later)
        if later == TODAY:
            assert refused == []
            assert not any(outcome.new for outcome in again)
            assert [outcome.mandate.id for outcome in again] == [mandate.id for mandate in made]
        else:
            assert {found.code for found in refused} <= {"past", "overlaps", "repeated"}


def test_names_are_the_same_in_any_order_and_case() -> None:
    assert same_name("SERRA  Giulia") == same_name("giulia serra") == same_name("Giùlia Serra")
    assert split("Giulia", family_first=False) == ("Giulia", "")
