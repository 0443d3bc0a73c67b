"""Rows to entries: what is healed, what is refused, and what a row means for what is known."""

from __future__ import annotations

import itertools
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.imports import rules, texts
from services.registry.imports.model import CREATED, REJECTED, UNCHANGED, UPDATED, Reason, Refused
from services.registry.imports.rules import (
    Entry,
    create,
    guess,
    healed_tax_code,
    healed_title,
    layout_of,
    merge,
    read,
)
from shared import territories
from shared.sheets import Record, below
from tests.registry.desk import check_digit

ITALY = territories.load()
FIVE_PER_THOUSAND = [
    "Prog", "Codice fiscale", "Denominazione", "Regione", "PR", "Comune", "ETS e Onlus", "ASD", "Ricerca scientifica",
    "Ricerca sanitaria", "Comuni", "Beni culturali e paesaggistici", "Enti gestori aree protette", "Numero scelte",
    "Importo totale erogabile",
]  # fmt: skip


def sheet(*rows: list[str]) -> list[Record]:
    return [Record(line, row) for line, row in enumerate(rows, 1)]


# --- columns


def test_the_public_list_of_the_5x1000_is_understood() -> None:
    layout = layout_of(sheet(FIVE_PER_THOUSAND), ITALY)
    assert layout.columns == {"tax_code": 1, "title": 2, "region": 3, "province": 4, "municipality": 5}
    assert layout.marks[7] == "asd"
    assert layout.marks[10] == "municipality"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["C.F.", "Ragione sociale", "Città"], {"tax_code": 0, "title": 1, "municipality": 2}),
        (
            ["Partita IVA", "Nome dell'ente", "Comune (sede legale)"],
            {"tax_code": 0, "title": 1, "municipality": 2},
        ),
        (["TAX CODE", "Name", "City", "Province"], {"tax_code": 0, "title": 1, "municipality": 2, "province": 3}),
        (
            ["Codice fiscale legale rappresentante", "Cod. fisc.", "Denominazione", "Comune di nascita", "Comune"],
            {"tax_code": 1, "title": 2, "municipality": 4},
        ),
        (["CF", "Denominazione", "Codice catastale"], {"tax_code": 0, "title": 1, "municipality_code": 2}),
        (
            ["cf", "ente", "comune", "Sezione RUNTS", "PEC", "e-mail", "Tipologia"],
            {"tax_code": 0, "title": 1, "municipality": 2, "section": 3, "pec": 4, "email": 5, "kind": 6},
        ),
    ],
)
def test_headers_in_other_words_are_understood(header: list[str], columns: dict[str, int]) -> None:
    assert dict(layout_of(sheet(header), ITALY).columns) == columns


def test_the_header_may_stand_below_a_title_and_its_line_is_told() -> None:
    layout = layout_of(sheet(["Elenco dei soci"], ["aggiornato a marzo"], ["CF", "Nome", "Comune"]), ITALY)
    assert layout.header.line == 3


def test_columns_without_a_name_are_known_by_what_they_hold() -> None:
    rows = [["94080470480", f"Associazione {n}", "Firenze", "FI"] for n in range(9)]
    layout = layout_of(sheet(["a", "", "c", "d"], *rows), ITALY)
    assert dict(layout.columns) == {"tax_code": 0, "title": 1, "municipality": 2, "province": 3}


def test_a_column_with_another_name_is_not_taken_for_the_names() -> None:
    rows = [["94080470480", f"Via Garibaldi {n}", "Firenze"] for n in range(9)]
    assert layout_of(sheet(["CF", "Indirizzo", "Comune"], *rows), ITALY).missing == ("title",)


def test_a_list_without_a_header_begins_with_its_first_row() -> None:
    records = sheet(*[["94080470480", f"Associazione {n}", "Firenze"] for n in range(9)])
    layout = layout_of(records, ITALY)
    assert layout.header.cells == ()
    assert len(list(below(records, layout.header))) == 9


def test_missing_columns_are_named() -> None:
    assert layout_of(sheet(["Codice fiscale", "Indirizzo"], ["1", "Via Roma"]), ITALY).missing == (
        "title",
        "municipality",
    )


def test_a_header_repeated_within_the_list_is_no_row() -> None:
    header = ["CF", "Nome", "Comune"]
    records = sheet(header, ["1", "a", "b"], header, ["2", "c", "d"])
    assert [record.line for record in below(records, layout_of(records, ITALY).header)] == [2, 4]


# --- one row

HEADER = ["Codice fiscale", "Denominazione", "Comune", "PR", "Tipo", "Sezione", "Email"]
LAYOUT = layout_of(sheet(HEADER), ITALY)


def entry(*cells: str) -> Entry:
    found = read(Record(2, [*cells, *[""] * (len(HEADER) - len(cells))]), LAYOUT, ITALY)
    assert isinstance(found, Entry), found
    return found


def refusal(*cells: str) -> str:
    found = read(Record(2, [*cells, *[""] * (len(HEADER) - len(cells))]), LAYOUT, ITALY)
    assert isinstance(found, Refused), found
    return texts.said(found.reasons, "it")


GOOD = ("94080470480", "Ente di prova", "Lecco", "LC")


def test_apostrophes_around_a_tax_code_are_dropped() -> None:
    assert entry("'94080470480'", *GOOD[1:]).tax_code == "94080470480"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("", *GOOD[1:]), "tax_code: manca il codice fiscale"),
        (("94080470481", *GOOD[1:]), "tax_code: il carattere di controllo di «94080470481» non torna"),
        (("abc", *GOOD[1:]), "tax_code: «abc» non ha né 11 cifre né 16 caratteri"),
        (("94080470480", "", "Lecco", "LC"), "title: manca la denominazione"),
        (("94080470480", "x" * 401, "Lecco", "LC"), "title: più lunga di 400 caratteri"),
        (("94080470480", "Ente", "", ""), "municipality: manca il comune"),
        (("94080470480", "Ente", "Atlantide", ""), "municipality: «Atlantide»: nessun comune con questo nome"),
        (("", "Totale", "12", ""), "row: sembra una riga di totali"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(cells: tuple[str, ...], said: str) -> None:
    assert refusal(*cells) == said


def test_a_name_of_two_municipalities_is_refused_with_both() -> None:
    said = refusal("94080470480", "Ente", "Castro")
    assert "Castro (BG)" in said
    assert "Castro (LE)" in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert refusal("", "", "").count(";") == 2


@pytest.mark.parametrize("code", ["E507", "e507", "097042", "97042"])
def test_a_municipality_may_be_given_by_its_code(code: str) -> None:
    assert entry("94080470480", "Ente", code).municipality == "E507"


def test_a_line_shorter_than_its_header_has_empty_cells() -> None:
    assert isinstance(read(Record(2, ["94080470480", "Ente", "Lecco"]), LAYOUT, ITALY), Entry)


def test_kind_and_section_are_read_from_their_columns() -> None:
    found = entry(*GOOD, "Ente religioso", "a) Organizzazioni di volontariato")
    assert (found.kind, found.sections) == ("religious", ("odv",))
    found = entry(*GOOD, "Cooperativa sociale", "")
    assert (found.kind, found.sections) == ("cooperative", ("social_enterprise",))


def test_what_a_column_states_and_nobody_understands_is_told_and_left() -> None:
    found = entry(*GOOD, "Boh", "Mah", "non è un indirizzo")
    assert [note.code for note in found.notes] == ["unknown", "unknown", "not_an_address"]
    assert (found.kind, found.sections, found.email) == (None, (), None)


def test_crosses_of_the_5x1000_give_the_kind() -> None:
    layout = layout_of(sheet(FIVE_PER_THOUSAND), ITALY)

    def kind(**marks: str) -> str | None:
        cells = ["1", "94080470480", "Ente", "TOSCANA", "FI", "FIRENZE", *[""] * 9]
        for column, mark in marks.items():
            cells[FIVE_PER_THOUSAND.index(column)] = mark
        found = read(Record(2, cells), layout, ITALY)
        assert isinstance(found, Entry)
        return found.kind

    assert kind(ASD="X") == "asd"
    assert kind(Comuni="X") == "municipality"
    assert kind(**{"ETS e Onlus": "X"}) is None
    assert kind(**{"ETS e Onlus": "X", "Comuni": "X"}) is None


# --- tax codes that a spreadsheet has damaged


@pytest.mark.parametrize(
    ("given", "healed"),
    [
        ("1229650377", "01229650377"),
        ("138660717", "00138660717"),
        ("1229650377.0", "01229650377"),
        ("1229650377,00", "01229650377"),
        ("1.229650377E+09", "01229650377"),
        ("9.4080470480E+10", "94080470480"),
        ("'1229650377", "01229650377"),
        ("1229650378", None),  # the check digit does not prove it
        ("1,22965E+09", None),  # digits are gone
        ("1229650377.5", None),
        ("", None),
        ("12345", None),
        ("²³²³²³²³²", None),
    ],
)
def test_a_damaged_code_is_healed_only_when_its_check_digit_proves_it(given: str, healed: str | None) -> None:
    assert healed_tax_code(given) == healed


def test_a_healed_code_is_told() -> None:
    (note,) = entry("1229650377", *GOOD[1:]).notes
    assert texts.sentence(note, "it") == "letto 01229650377 da «1229650377»"


@given(st.integers(min_value=0, max_value=99_999), st.sampled_from(["015", "048", "100", "888"]))
def test_lost_zeros_come_back(number: int, office: str) -> None:
    ten = f"{number + 120_000:07d}{office}"
    code = ten + check_digit(ten)
    assert healed_tax_code(str(int(code))) == code


# --- names


@pytest.mark.parametrize(
    ("given", "healed"),
    [
        ("CASA DELLA SOLIDARIET?", "CASA DELLA SOLIDARIETÀ"),
        ("Croce Rossa - comitato di Forl?", "Croce Rossa - comitato di Forlì"),
        ("SANTA CROCE SULL?ARNO", "SANTA CROCE SULL'ARNO"),
        ("CIRCOLO ?DON BOSCO? APS", 'CIRCOLO "DON BOSCO" APS'),
        ("§UXILIA", "@UXILIA"),
        ("£IOSTOCONVOI", "#IOSTOCONVOI"),
        ("VENGO ANCH'IOé ODV", "VENGO ANCH'IO! ODV"),
        ("CENTRO DI SOLIDARIETA&£768; DI RIMINI", "CENTRO DI SOLIDARIETÀ DI RIMINI"),
        ("COMUNITÃ€ NUOVA", "COMUNITÀ NUOVA"),
        ("Societ\u00c3\u00a0 di mutuo soccorso", "Società di mutuo soccorso"),
        ("  DUE   SPAZI\t", "DUE SPAZI"),
        ("CON\u200bNULLA", "CONNULLA"),
    ],
)
def test_characters_that_other_systems_lost_are_restored_when_that_is_certain(given: str, healed: str) -> None:
    notes: list[Reason] = []
    assert healed_title(given, notes) == healed


@pytest.mark.parametrize("given", ["CRISTO ? LA RISPOSTA ODV", "TEAMB?TA - ODV", "HELPé LAVORO", "ARTE ¬ BALLETTO"])
def test_what_is_not_certain_is_left_and_told(given: str) -> None:
    notes: list[Reason] = []
    assert healed_title(given, notes) == given
    assert [note.code for note in notes] == ["lost_characters"]


@pytest.mark.parametrize("given", ["PERCHÉ NO ODV", "Caffè e città", "Musikkapelle Völs"])
def test_good_names_stay_as_they_are(given: str) -> None:
    notes: list[Reason] = []
    assert healed_title(given, notes) == given
    assert notes == []


@pytest.mark.parametrize(
    ("title", "kind", "sections"),
    [
        ("AVIS COMUNALE LECCO ODV", "association", ("odv",)),
        ("CIRCOLO ARCI A.P.S.", "association", ("aps",)),
        ("ASSOCIAZIONE X ODV APS", "association", ()),
        ("FONDAZIONE DI COMUNITA' DI MESSINA", "community_foundation", ()),
        ("FONDAZIONE ANT ITALIA", "foundation", ()),
        ("ARCOBALENO SOCIETA' COOPERATIVA SOCIALE", "cooperative", ("social_enterprise",)),
        ("CONSORZIO FARSI PROSSIMO SOCIETA' COOPERATIVA SOCIALE", "consortium", ("social_enterprise",)),
        ("A.S.D. POLISPORTIVA LECCO", "asd", ()),
        ("COMUNE DI LECCO", "municipality", ()),
        ("AZIENDA UNITA' SANITARIA LOCALE DI REGGIO EMILIA", "health_authority", ()),
        ("UNIVERSITA' DEGLI STUDI DI SIENA", "university", ()),
        ("UNIVERSITA' DELLA TERZA ETA'", None, ()),
        ("AMICI DEL COMUNE DI LECCO", None, ()),
        ("CENTRO DI SERVIZIO PER IL VOLONTARIATO DI MONZA", "csv", ()),
        ("SOCIETA' DI MUTUO SOCCORSO FRA OPERAI", "mutual", ()),
        ("PARROCCHIA SAN NICOLO'", "religious", ()),
        ("DOMUS SRL", "firm", ()),
        ("VOCI LIBERE ONLUS", "onlus", ()),
        ("MUSIKKAPELLE VOELS EO", "association", ("odv",)),
        ("IL GIRASOLE", None, ()),
    ],
)
def test_a_kind_is_guessed_only_from_words_that_leave_no_doubt(
    title: str, kind: str | None, sections: tuple[str, ...]
) -> None:
    assert guess(title) == (kind, sections)


# --- what is known already


def stated(**more: object) -> Entry:
    values = {"line": 2, "tax_code": "94080470480", "title": "Ente", "municipality": "E507", **more}
    return Entry(**values)  # type: ignore[arg-type]


def known(**more: object) -> rules.Standing:
    """As it is read from the tables: known from before this file, and a member."""
    made = create(stated(), uuid4())
    made.new = made.joins = False
    made.line, made.version, made.membership_id, made.state = None, 1, uuid4(), "active"
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_the_same_again_changes_nothing() -> None:
    standing = known()
    assert merge(stated(title="ENTE"), standing).outcome == UNCHANGED
    assert not standing.changed
    assert standing.title == "Ente"


@pytest.mark.parametrize(
    ("more", "field"),
    [({"title": "Altro"}, "title"), ({"municipality": "F133"}, "municipality"), ({"kind": "firm"}, "kind")],
)
def test_what_differs_is_updated(more: dict[str, str], field: str) -> None:
    standing = known()
    assert merge(stated(**more), standing).outcome == UPDATED
    assert getattr(standing, field) == more[field]
    assert standing.changed


def test_a_kind_read_from_the_name_never_replaces_a_known_one() -> None:
    standing = known(kind="foundation")
    assert merge(stated(likely_kind="association"), standing).outcome == UNCHANGED
    standing = known(kind="other")
    merge(stated(likely_kind="association"), standing)
    assert standing.kind == "association"


def test_sections_are_added_beside_those_held_and_never_taken_away() -> None:
    standing = known(sections=[{"section": "network", "since": "2023-01-01", "until": None}])
    assert merge(stated(sections=("aps",)), standing).outcome == UPDATED
    assert [held["section"] for held in standing.sections] == ["aps", "network"]
    assert merge(stated(), standing).outcome == UNCHANGED
    assert merge(stated(sections=("odv",)), standing).outcome == UNCHANGED  # cannot stand beside aps
    assert len(standing.sections) == 2


def test_contacts_belong_to_the_membership_and_empty_cells_erase_nothing() -> None:
    standing = known(email="uno@example.org")
    assert merge(stated(), standing).outcome == UNCHANGED
    assert merge(stated(pec="pec@example.org"), standing).outcome == UPDATED
    assert (standing.email, standing.changed, standing.contacts_changed) == ("uno@example.org", False, True)


def test_an_organisation_of_another_network_joins() -> None:
    standing = known(membership_id=None, state=None)
    verdict = merge(stated(), standing)
    assert (verdict.outcome, standing.joins) == (CREATED, True)
    assert merge(stated(line=3), standing).outcome == UNCHANGED


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": "Altro"}, "repeated_title"),
        ({"municipality": "F133"}, "repeated_municipality"),
        ({"kind": "firm"}, "repeated_kind"),
        ({"email": "b@example.org"}, "repeated_contact"),
    ],
)
def test_a_later_row_of_the_same_file_that_contradicts_is_refused(more: dict[str, str], code: str) -> None:
    standing = create(stated(kind="association", email="a@example.org"), uuid4())
    verdict = merge(stated(line=3, **more), standing)
    assert (verdict.outcome, verdict.notes[0].code) == (REJECTED, code)
    assert (standing.title, standing.municipality, standing.kind) == ("Ente", "E507", "association")


rows = st.builds(
    stated,
    title=st.sampled_from(["Ente", "Altro ente"]),
    municipality=st.sampled_from(["E507", "F133"]),
    kind=st.sampled_from([None, "association", "firm"]),
    likely_kind=st.sampled_from([None, "foundation"]),
    sections=st.sampled_from([(), ("odv",), ("aps",), ("network",)]),
    email=st.sampled_from([None, "a@example.org", "b@example.org"]),
)


@given(st.lists(rows, min_size=1, max_size=6))
def test_a_file_taken_twice_changes_nothing_the_second_time(file: list[Entry]) -> None:
    numbered = [
        Entry(**{name: getattr(one, name) for name in Entry.__slots__} | {"line": n}) for n, one in enumerate(file, 2)
    ]
    standing = create(numbered[0], uuid4())
    for one in numbered[1:]:
        merge(one, standing)
    again = known(**{name: getattr(standing, name) for name in ("title", "kind", "municipality", "sections", "email")})
    outcomes = [merge(one, again).outcome for one in numbered]
    assert set(outcomes) <= {UNCHANGED, REJECTED}
    assert CREATED not in outcomes
    assert not again.changed
    assert not again.contacts_changed


@pytest.mark.parametrize("code", ["missing", "length", "characters", "check_digit", "component", "repeated_title"])
def test_a_fact_says_what_was_wrong_without_the_value(code: str) -> None:
    assert "{" not in texts.short("tax_code", code, "it") + texts.short("tax_code", code, "en")


def test_every_reason_has_its_sentence_in_both_languages() -> None:
    for (field, code), language in itertools.product(texts.ROWS, ("it", "en")):
        values = dict.fromkeys(("given", "healed", "line", "other", "limit", "it", "en", "found", "since"), "x")
        assert "{" not in texts.sentence(Reason(field, code, values), language)
