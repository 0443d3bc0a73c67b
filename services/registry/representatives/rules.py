"""Lists of representatives as associations send them: what a row says, and what it means for the mandates there are.

A list is taken whole or not at all: every row that cannot be taken is named with its line, its column and what would be
accepted. In a file the last day of a mandate is its own ("dal 1/1/2026 al 31/12/2026"); here `until` is the day after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from services.registry.mandates.rules import Mandate, Office, designate
from services.registry.people.rules import Unfit, email_of, name_of, phone_of
from shared import territories
from shared.access.roles import Role
from shared.sheets import Record, plain
from shared.territories import Territories
from shared.territories.areas import Areas

MOST_ROWS = 2_000
HEADER_WITHIN = 25  # rows in which the header is looked for: titles and logos stand above it
LONGEST_NAME = 100
LONGEST_SHOWN = 60  # characters of a cell that a sentence repeats

SYNONYMS: dict[str, tuple[str, ...]] = {
    "full_name": (
        "nome e cognome", "cognome e nome", "nome cognome", "cognome nome", "nominativo", "rappresentante", "persona",
        "referente", "delegato", "incaricato", "responsabile", "full name", "delegate", "representative", "person",
        "name and surname", "surname and name",
    ),
    "given_name": ("nome", "nome di battesimo", "given name", "first name", "name"),
    "family_name": ("cognome", "surname", "family name", "last name"),
    "email": (
        "email", "e mail", "mail", "posta elettronica", "indirizzo email", "indirizzo e mail", "indirizzo mail",
        "email address", "e mail address",
    ),
    "phone": (
        "telefono", "tel", "cellulare", "cell", "numero di telefono", "recapito telefonico", "phone", "mobile",
        "telephone", "phone number",
    ),
    "territory": ("territorio", "ambito territoriale", "area", "territory"),
    "region": ("regione", "reg", "region"),
    "province": ("provincia", "prov", "pr", "province"),
    "municipality": ("comune", "citta", "municipality", "city", "town"),
    "since": ("dal", "data inizio", "data di inizio", "inizio", "decorrenza", "since", "from", "start", "start date"),
    "until": (
        "al", "fino al", "data fine", "data di fine", "fine", "scadenza", "until", "to", "end", "end date",
    ),
    "organisation": (
        "ente", "associazione", "organizzazione", "denominazione", "ente di appartenenza", "nome ente",
        "nome associazione", "organisation", "organization", "association", "body",
    ),
}  # fmt: skip
FIELD_OF = {name: field_ for field_, names in SYNONYMS.items() for name in names}
ABOUT_OTHERS = re.compile(r"\b(nascita|nato|nata|residenza|fiscale|birth|residence|tax)\b")
ABOUT_BODIES = re.compile(r"\b(ente|associazione|organizzazione|organisation|organization|association)\b")
# Words that say what a column holds wherever they stand in its name.
MEANING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"\b(e ?mail|posta elettronica)\b")),
    ("phone", re.compile(r"\b(telefono|tel|cellulare|cell|phone|mobile)\b")),
    ("since", re.compile(r"\b(decorrenza|inizio|start)\b")),
    ("until", re.compile(r"\b(scadenza|fine|termine|cessazione|end)\b")),
)
NAMING = re.compile(r"(nome|denominazione|ragione sociale|name|ente|associazione|organi[sz]zazione|organi[sz]ation)\b")
EVERYWHERE = frozenset({"italia", "nazionale", "tutta italia", "intera rete", "italy", "national", "whole network"})


class MissingColumns(Exception):
    """The file has no header with these (`name`, `contact`); `found` are the names that it has."""

    def __init__(self, missing: Sequence[str], found: Sequence[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing, self.found = tuple(missing), tuple(found)


class TooManyRows(Exception):
    """More rows than one list may have."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = MOST_ROWS


class NothingListed(Exception):
    """A list cannot be complete that nobody is on."""


class NotAList(Exception):
    """Only the commitment of an organisation to a list of representatives takes one."""


class Finding(NamedTuple):
    """Why a row cannot be taken: its line, the field, a stable code, what the sentence needs, and what would do."""

    line: int
    field: str
    code: str
    values: Mapping[str, str] = {}
    accepted: str | None = None


class RowsRefused(Exception):
    """The list cannot be taken; `columns` are the file's own names of the fields, `language` the sender's."""

    def __init__(self, findings: Sequence[Finding], columns: Mapping[str, str], language: str) -> None:
        super().__init__(f"{len(findings)} findings")
        self.language = language
        self.findings, self.columns = sorted(findings, key=lambda one: one.line), dict(columns)
        self.count = len({one.line for one in findings})


@dataclass(frozen=True, slots=True)
class Row:
    """A person who represents: where, from which day (None: from today) until which (exclusive)."""

    line: int
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    territory: str | None
    since: date | None
    until: date | None
    organisation: str  # as the cell names it; empty: the one that owes the list

    @property
    def identity(self) -> tuple[str, str]:
        """By what a person is known again: the name whatever its order, with the mailbox; without one, the phone. A
        mailbox alone is nobody: several people may share it."""
        return same_name(f"{self.given_name} {self.family_name}"), self.email or self.phone or ""


def same_name(name: str) -> str:
    return " ".join(sorted(plain(name).split()))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file, read: its rows, what cannot be taken, its own names of the fields, and the columns that nothing was read
    from."""

    rows: Sequence[Row]
    findings: Sequence[Finding]
    columns: Mapping[str, str]
    unread: Sequence[str] = ()


def read(records: Sequence[Record], places: Territories) -> Sheet:
    """Raises MissingColumns, TooManyRows. A sheet without rows has none: that is the caller's to refuse."""
    header, columns = header_of(records)
    body = [record for record in records if record.line > header.line and record.cells != header.cells]
    if len(body) > MOST_ROWS:
        raise TooManyRows
    names = {field_: header.cells[at] for field_, at in columns.items()}
    surname_first = family_first(names.get("full_name", ""))
    rows: list[Row] = []
    findings: list[Finding] = []
    for record in body:
        cells = {field_: record.cells[at] for field_, at in columns.items() if at < len(record.cells)}
        if sums_up(record.cells, cells):
            continue
        row = row_of(record.line, cells, places, findings, family_first=surname_first)
        if row is not None:
            rows.append(row)
    unread = [cell for at, cell in enumerate(header.cells) if cell and at not in columns.values()]
    return Sheet(rows, findings, names, unread)


def from_form(cells: Mapping[str, str], names: Mapping[str, str], places: Territories) -> Sheet:
    """One person whom somebody entered by hand, read as a row is; `names` are the fields as the form calls them."""
    findings: list[Finding] = []
    row = row_of(1, cells, places, findings)
    return Sheet([row] if row else [], findings, names)


def sums_up(record: Sequence[str], cells: Mapping[str, str]) -> bool:
    """Whether a row counts those above it (`Totale: 12`) and names nobody."""
    first = next((cell for cell in record if cell), "")
    return bool(re.match(r"totale?\b", plain(first))) and not (cells.get("email") or cells.get("phone"))


def family_first(column: str) -> bool:
    """Whether the cells of a column with both names begin with the family name, as its own name says."""
    return bool(re.match(r"cognome|surname", plain(column)))


def header_of(records: Sequence[Record]) -> tuple[Record, dict[str, int]]:
    """The first row that names the most fields. Raises MissingColumns."""
    found = [(record, columns_of(record.cells)) for record in records[:HEADER_WITHIN]]
    record, columns = max(found, key=lambda one: len(one[1]), default=(Record(0, []), {}))
    if "family_name" not in columns and "given_name" in columns:  # one column for both
        columns.setdefault("full_name", columns["given_name"])
        del columns["given_name"]
    missing = []
    if "full_name" not in columns and not {"given_name", "family_name"} <= columns.keys():
        missing.append("name")
    if not {"email", "phone"} & columns.keys():
        missing.append("contact")
    if missing:
        raise MissingColumns(missing, [cell for cell in record.cells if cell])
    return record, columns


def columns_of(cells: Sequence[str]) -> dict[str, int]:
    """The fields that a header's names mean: the exact synonyms first, then names that begin with one, or end so."""
    names = [plain(cell)[:80] for cell in cells]
    found: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in FIELD_OF:
            found.setdefault(FIELD_OF[name], at)
    for at, name in enumerate(names):
        if at not in found.values() and (field_ := _likely(name)) is not None:
            found.setdefault(field_, at)
    return found


def _likely(name: str) -> str | None:
    if ABOUT_OTHERS.search(name):
        return None
    if ABOUT_BODIES.search(name):  # its name; its mailbox or seat is nobody's here
        return "organisation" if NAMING.match(name) else None
    if (meant := next((field_ for field_, sign in MEANING if sign.search(name)), None)) is not None:
        return meant
    begins = next((synonym for synonym in LONGEST_FIRST if name.startswith(synonym + " ")), None)
    ends = next((synonym for synonym in LONGEST_FIRST if name.endswith(" " + synonym)), None)
    return FIELD_OF.get(begins or ends or "")


LONGEST_FIRST = sorted((name for name in FIELD_OF if len(name) > 3), key=len, reverse=True)


_Refuse = Callable[..., None]
"""`refuse(field, code, accepted, **values)`: one more reason why the row cannot be taken."""


# --- one row ---------------------------------------------------------------------------------------------------------


def row_of(
    line: int, cells: Mapping[str, str], places: Territories, findings: list[Finding], *, family_first: bool = False
) -> Row | None:
    """What a row says; None when it cannot be taken, with every reason in `findings`."""
    before = len(findings)

    def refuse(field_: str, code: str, accepted: str | None = None, **values: str) -> None:
        findings.append(Finding(line, field_, code, values, accepted))

    cells = {field_: "" if _empty(field_, cell) else cell for field_, cell in cells.items()}
    given, family = _name(cells, refuse, family_first=family_first)
    email = _contact(cells.get("email", ""), "email", refuse)
    phone = _contact(cells.get("phone", ""), "phone", refuse)
    if not cells.get("email") and not cells.get("phone"):
        refuse("email", "missing", EMAIL)
    territory = _territory(cells, places, refuse)
    since, last = (_day(cells.get(name, ""), name, refuse) for name in ("since", "until"))
    if since and last and last < since:
        refuse("until", "before", f">= {since}", since=since.isoformat())
    if len(findings) > before:
        return None
    until = last + timedelta(days=1) if last else None
    return Row(line, given, family, email, phone, territory, since, until, cells.get("organisation", ""))


EMAIL, PHONE, DAYS = "nome@dominio.it", "+39 0341 123456", "2026-01-31, 31/01/2026, 31 gennaio 2026"
PLACES = "Lombardia, Provincia di Lecco, Comune di Lecco, 03, 097, E507"


NOTHING = frozenset({"", "nd", "n d", "n a", "non disponibile", "nessuno", "nessuna", "not available"})
OPEN = frozenset({"in corso", "indeterminato", "a tempo indeterminato", "senza scadenza", "open", "ongoing"})


def _empty(field_: str, cell: str) -> bool:
    """Whether people wrote something where they meant nothing: a dash, `n.d.`; of an end that there is none."""
    said = plain(cell)
    if field_ in ("given_name", "family_name", "full_name", "organisation"):
        return False
    return said in NOTHING or (field_ == "until" and said in OPEN)


def _name(cells: Mapping[str, str], refuse: _Refuse, *, family_first: bool) -> tuple[str, str]:
    if "full_name" in cells and not (cells.get("given_name") and cells.get("family_name")):
        field_, (given, family) = "full_name", split(_untitled(cells["full_name"]), family_first=family_first)
    else:
        field_, given, family = "family_name", _untitled(cells.get("given_name", "")), cells.get("family_name", "")
    given, family = name_of(given), name_of(family)
    for part, where in ((given, "given_name"), (family, "family_name")):
        where_ = where if where in cells else field_
        if not any(c.isalpha() for c in part):
            refuse(where_, "missing", "Giulia, Serra")
            break
        if len(part) > LONGEST_NAME or not part.isprintable() or NO_NAME.search(part):
            refuse(where_, "unfit", f"Giulia, De Luca, D'Angelo; <= {LONGEST_NAME}")
            break
    return given, family


NO_NAME = re.compile(r"[<>={}@#$%*+|\\/]|\d{5}|https?:", re.IGNORECASE)
"""Signs of what is no name: a formula, markup, an address or a number that slipped into the wrong column."""
TITLES = re.compile(
    r"^\s*((dott|dr|prof|avv|ing|arch|geom|rag|sig)(\.\s*(ssa|ra|na)?\b|(ssa|ra)\b)\.?\s*)+", re.IGNORECASE
)
PARTICLES = frozenset(
    ("d", "da", "dal", "dalla", "dalle", "de", "degli", "dei", "del", "dell", "della", "delle", "di", "la", "le", "li")
) | {"lo", "van", "von"}


def _untitled(name: str) -> str:
    """Without the titles before it: with and without them it is one person."""
    return TITLES.sub("", name)


def split(name: str, *, family_first: bool) -> tuple[str, str]:
    """Given and family name of a cell that holds both. A comma says which is which (`Serra, Giulia`), and so do
    capitals (`SERRA Giulia`); else the family name is one word, with the particles before it (`De Luca`)."""
    before, comma, after = name.partition(",")
    if comma and after.strip():
        return after, before
    words = name.split()
    loud = [word for word in words if len(word) > 1 and word.isupper() and not word.endswith(".")]
    if loud and len(loud) < len(words) and loud in (words[: len(loud)], words[-len(loud) :]):
        return " ".join(word for word in words if word not in loud), " ".join(loud)
    if family_first:
        family = next((at for at, word in enumerate(words) if plain(word) not in PARTICLES), 0) + 1
        return " ".join(words[family:]), " ".join(words[:family])
    given = len(words) - 1
    while given > 1 and plain(words[given - 1]) in PARTICLES:
        given -= 1
    return (" ".join(words[:given]), " ".join(words[given:])) if given > 0 else (name.strip(), "")


def _contact(given: str, field_: str, refuse: _Refuse) -> str | None:
    if not given:
        return None
    try:
        return email_of(_address(given)) if field_ == "email" else phone_of(given)
    except Unfit as unfit:
        refuse(field_, "unfit", unfit.accepted, given=given[:LONGEST_SHOWN])
        return None


def _address(given: str) -> str:
    """The address alone of what mail programs copy: `Giulia Serra <giulia@example.org>`."""
    inside = re.fullmatch(r"[^<>]*<([^<>]+)>", given.strip(" ;,"))
    return (inside[1] if inside else given.strip("<> ;,")).removeprefix("mailto:")


MIDNIGHT = r"(?:[T ]0?0:00(?::00)?)?"
MONTHS = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
    *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
)
FORMS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})" + MIDNIGHT),
    re.compile(r"(?P<day>\d{1,2})[/.\-](?P<month>\d{1,2})[/.\-](?P<year>\d{4})" + MIDNIGHT),
    re.compile(r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{2})"),  # of this century; a hyphen may be ISO's
    re.compile(r"(?P<day>\d{1,2})[°º]? +(?P<name>[a-z]{3,9})\.? +(?P<year>\d{4})", re.IGNORECASE),
)
SERIAL_FROM, SERIAL_TO = date(2000, 1, 1), date(2100, 1, 1)
EXCEL_ZERO = date(1899, 12, 30)
"""A day that lost its format is a number: the days since then."""


def _day(given: str, field_: str, refuse: _Refuse) -> date | None:
    if not given:
        return None
    try:
        on = _read_day(given)
    except ValueError:
        on = None
    if on is None or not 1900 <= on.year <= 2200:
        refuse(field_, "unfit", DAYS, given=given[:LONGEST_SHOWN])
        return None
    return on


def is_day(given: str) -> bool:
    """Whether a cell can be read as a day, in one of the forms that people write."""
    return _day(given, "since", lambda *_, **__: None) is not None


def _read_day(given: str) -> date | None:
    """None for what is written in no known form; ValueError for a day that does not exist."""
    if re.fullmatch(r"\d{5}", given):
        on = EXCEL_ZERO + timedelta(days=int(given))
        return on if SERIAL_FROM <= on < SERIAL_TO else None
    found = next((match for form in FORMS if (match := form.fullmatch(given.strip()))), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = _month(parts["name"]) if "name" in parts else int(parts["month"])
    year = int(parts["year"] if len(parts["year"]) == 4 else f"20{parts['year']}")
    return date(year, month, int(parts["day"]))


def _month(name: str) -> int:
    """The number of a month by its Italian name or the first letters of it; 0 for none."""
    likely = [at for at, month in enumerate(MONTHS, 1) if month.startswith(name.lower())]
    return likely[0] if len(likely) == 1 else 0


# --- where -----------------------------------------------------------------------------------------------------------


def areas() -> Areas:
    return _areas(territories.load())


@lru_cache(maxsize=1)
def _areas(italy: Territories) -> Areas:
    return Areas(italy)


def _territory(cells: Mapping[str, str], places: Territories, refuse: _Refuse) -> str | None:
    """The code of the narrowest territory that a row names; None: the whole network."""
    municipality, province, region = (cells.get(name, "") for name in ("municipality", "province", "region"))
    if municipality:
        return _municipality(municipality, province, region, places, refuse)
    if province:
        return _province(province, region, places, refuse)
    if region:
        return _region(region, places, refuse)
    return _anywhere(cells.get("territory", ""), places, refuse)


AUTONOMOUS = {"trento": "TN", "bolzano": "BZ", "bolzano bozen": "BZ", "alto adige": "BZ", "sudtirol": "BZ"}
"""What has its own institutions stands in lists of regions like one."""


def _region(given: str, places: Territories, refuse: _Refuse) -> str | None:
    """A region; or a province of one, where the cell names it (`P.A. Trento`, `Puglia (BA)`)."""
    area = areas().parse("", given)
    sigla = AUTONOMOUS.get(plain(given)) or next(iter(area.siglas), None)
    if sigla is not None and (province := places.province(sigla)) is not None:
        return province.code
    if not area.region:
        refuse("region", "unknown", "Lombardia, 03", given=given[:LONGEST_SHOWN])
    return area.region or None


def _municipality(name: str, province: str, region: str, places: Territories, refuse: _Refuse) -> str | None:
    if places.kind_of(name.upper()) == "municipality":
        return name.upper()
    found = places.resolve(name, province or None, region or None)
    if found.municipality is not None and found.certain:
        return found.municipality.code
    near = [found.municipality] if found.municipality else found.candidates
    likely = ", ".join(f"{one.italian_name} ({one.province})" for one in near[:5])
    refuse("municipality", "unknown", likely or "Lecco, E507", given=name[:LONGEST_SHOWN])
    return None


def _province(name: str, region: str, places: Territories, refuse: _Refuse) -> str | None:
    area = areas().parse(name, region)
    found = places.province(next(iter(area.siglas))) if len(area.siglas) == 1 and not area.unreadable else None
    if found is None:
        refuse("province", "unknown", "Lecco, LC, 097", given=name[:LONGEST_SHOWN])
        return None
    if area.region and area.region != found.region:
        refuse("province", "elsewhere", given=name[:LONGEST_SHOWN], region=region[:LONGEST_SHOWN])
        return None
    return found.code


WORDED = re.compile(r"(?P<comune>comune)|(?P<regione>regione)|(?P<provincia>provincia|citta metropolitana|prov)")


def _anywhere(given: str, places: Territories, refuse: _Refuse) -> str | None:
    """One column for any territory: a code, or a name. A region's name means the region; a name that a province and a
    municipality share has to say which."""
    if not given or plain(given) in EVERYWHERE:
        return None
    if (kind := places.kind_of(given.upper())) is not None:
        province = places.province(given.upper()) if kind == "province" else None
        return province.code if province else given.upper()
    worded = WORDED.match(plain(given))
    said = worded.lastgroup if worded else None
    region = areas().parse("", given).region if said != "provincia" else ""
    if region and said != "comune":
        return region
    siglas = areas().parse(given, "").siglas
    province = places.province(next(iter(siglas))) if siglas and said != "comune" else None
    resolved = places.resolve(given) if said != "provincia" else None
    municipality = resolved.municipality if resolved and resolved.certain else None
    if province and municipality:
        accepted = f"Provincia di {province.name}, Comune di {municipality.italian_name}"
        refuse("territory", "ambiguous", accepted, given=given[:LONGEST_SHOWN])
        return None
    if province or municipality:
        return province.code if province else municipality.code  # type: ignore[union-attr]
    refuse("territory", "unknown", PLACES, given=given[:LONGEST_SHOWN])
    return None


# --- what it means ---------------------------------------------------------------------------------------------------


def names(cell: str, title: str, tax_code: str | None) -> bool:
    """Whether a cell means the organisation of this name: all of it, some words of it, or its tax code."""
    said = plain(cell).split()
    if tax_code is not None and "".join(said).upper() == tax_code:
        return True
    return bool(said) and set(said) <= set(plain(title).split())


@dataclass(slots=True)
class Outcome:
    """What becomes of a row: a mandate that is there already, or a new one."""

    row: Row
    mandate: Mandate
    new: bool


@dataclass
class Standing:
    """For whom the rows speak, and what there is already: people by identity, mandates by person."""

    network_id: UUID
    organisation_id: UUID
    known: Mapping[tuple[str, str], UUID]
    held: Mapping[UUID, Sequence[Mandate]] = field(default_factory=dict)

    def office(self, row: Row) -> Office:
        return Office(self.network_id, Role.REPRESENTATIVE, self.organisation_id, row.territory)


def judge(
    rows: Iterable[Row], standing: Standing, entered: Mapping[tuple[str, str], UUID], on: date
) -> tuple[list[Outcome], list[Finding]]:
    """What each row means; `entered` are the ids of the people whom nobody knew.

    A mandate with the same days is there already, in the register or in a row above; so is one that runs today, for a
    row without days. Other days that overlap contradict it: which are right is not for a file to say.
    """
    outcomes: list[Outcome] = []
    findings: list[Finding] = []
    taken: dict[tuple[UUID, str | None], list[Outcome]] = {}
    for row in rows:
        person_id = standing.known.get(row.identity) or entered[row.identity]
        mandate = Mandate(
            standing.network_id,
            person_id,
            Role.REPRESENTATIVE,
            row.since or on,
            row.until,
            standing.organisation_id,
            row.territory,
        )
        others = taken.setdefault((person_id, row.territory), [])
        meant = _past(row, on) or _said(row, mandate, others) or _judged(row, mandate, standing.held.get(person_id, ()))
        if isinstance(meant, Finding):
            findings.append(meant)
            continue
        outcomes.append(meant)
        others.append(meant)
    return outcomes, findings


def _past(row: Row, on: date) -> Finding | None:
    if row.since is None and row.until is not None and row.until <= on:
        return Finding(row.line, "until", "past", {}, f">= {on}")
    return None


def _said(row: Row, mandate: Mandate, others: Iterable[Outcome]) -> Outcome | Finding | None:
    """What a row above has said of the same person and territory: with the same days, it is said once."""
    before = next((one for one in others if one.mandate.overlaps(mandate)), None)
    if before is None:
        return None
    if (before.row.since, before.row.until) == (row.since, row.until):
        return Outcome(row, before.mandate, new=False)
    return Finding(row.line, "row", "repeated", {"line": str(before.row.line)})


def _judged(row: Row, mandate: Mandate, held: Sequence[Mandate]) -> Outcome | Finding:
    overlapping = [one for one in held if one.office == mandate.office and one.overlaps(mandate)]
    undated = row.since is None and row.until is None
    for one in overlapping:
        if undated or (one.until == row.until and row.since in (None, one.since)):
            return Outcome(row, one, new=False)
    if overlapping:
        return Finding(row.line, "since", "overlaps", days_of(overlapping[0]))
    return Outcome(row, designate(mandate, ()), new=True)


def days_of(mandate: Mandate) -> dict[str, str]:
    """Its first and its last day, as files say them; no last one when it is open."""
    last = (mandate.ends - timedelta(days=1)).isoformat() if mandate.ends else ""
    return {"since": mandate.since.isoformat(), "until": last}
