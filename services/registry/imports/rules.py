"""How a row of somebody's spreadsheet becomes an organisation: which column means what, what is healed, what is
refused.

Rows in, entries or reasons out. What is certain is healed and said; what is only likely is said and left.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from services.registry.imports.model import (
    CREATED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Changes,
    Layout,
    Reason,
    Refused,
    rows_below,
)
from services.registry.organisations import rules as organisations
from services.registry.organisations.rules import Kind, RuntsSection, Section
from shared.sheets import AS_IT_IS, Correction, Header, Record, Unreadable, Words, plain
from shared.territories import Municipality, Territories

REQUIRED = ("tax_code", "title", "municipality")


# --- which column means what -----------------------------------------------------------------------------------------

SYNONYMS: dict[str, tuple[str, ...]] = {
    "tax_code": (
        "codice fiscale", "cod fiscale", "cod fisc", "codicefiscale", "codfisc", "c f", "cf", "codice fiscale ente",
        "codice fiscale partita iva", "codice fiscale p iva", "cf p iva", "cf piva", "c f p iva", "cod fiscale p iva",
        "tax code", "fiscal code", "tax id", "codice fiscale dell ente", "codice fiscale organizzazione",
    ),
    "vat": ("partita iva", "p iva", "piva", "part iva", "vat", "vat number", "vat code"),
    "title": (
        "denominazione", "ragione sociale", "denominazione ente", "denominazione sociale", "nome ente", "nome", "ente",
        "organizzazione", "nome organizzazione", "associazione", "nome associazione", "intestazione", "name",
        "organisation", "organization", "organisation name", "organization name", "titolo", "denominazione dell ente",
        "denominazione ragione sociale", "nome dell ente", "socio", "aderente",
    ),
    "municipality": (
        "comune", "comune sede", "comune sede legale", "comune della sede", "comune della sede legale", "citta",
        "localita", "sede", "sede legale", "municipality", "city", "town", "comune di residenza", "comune residenza",
        "seat", "citta sede", "comune legale", "luogo",
    ),
    "municipality_code": (
        "codice catastale", "cod catastale", "belfiore", "codice belfiore", "codice istat", "cod istat", "istat",
        "codice istat comune", "codice comune", "codice catastale comune", "cadastral code",
    ),
    "province": (
        "pr", "prov", "provincia", "sigla provincia", "provincia sede", "provincia sede legale", "province", "sigla",
        "prov sede legale", "provincia uts",
    ),
    "region": ("regione", "reg", "regione sede", "regione sede legale", "region"),
    "kind": (
        "tipo", "tipologia", "tipo ente", "tipologia ente", "natura giuridica", "forma giuridica", "kind", "type",
        "categoria", "tipo di ente", "tipo organizzazione", "legal form",
    ),
    "section": ("sezione", "sezione runts", "runts", "section", "runts section", "sezione registro"),
    "email": ("email", "e mail", "mail", "posta elettronica", "indirizzo email", "indirizzo mail", "email ente"),
    "pec": ("pec", "posta elettronica certificata", "indirizzo pec", "email pec", "mail pec", "certified email"),
    "phone": ("telefono", "tel", "cellulare", "phone", "recapito telefonico", "numero di telefono", "telefono ente"),
    "website": ("sito", "sito web", "website", "web", "url", "sito internet", "web site"),
}  # fmt: skip
# A column about a person or a birth is not about the body, whatever else its name says.
ABOUT_OTHERS = re.compile(
    r"\b(rappresentante|presidente|referente|delegat[oa]|nascita|nato|nata|persona|person|operativa)\b"
)
# Columns of crosses: the layout of the public list of the 5x1000, and what people copy from it.
MARKS: dict[str, str] = {
    "asd": Kind.ASD, "associazioni sportive dilettantistiche": Kind.ASD, "comuni": Kind.MUNICIPALITY,
    "ets e onlus": "", "onlus": Kind.ONLUS, "odv": RuntsSection.ODV, "aps": RuntsSection.APS, "volontariato": "",
    "ricerca scientifica": "", "ricerca sanitaria": "", "beni culturali e paesaggistici": "",
    "enti gestori aree protette": "", "imprese sociali": RuntsSection.SOCIAL_ENTERPRISE,
}  # fmt: skip
WORDS = Words(SYNONYMS, ABOUT_OTHERS, frozenset(MARKS))
CROSSES = frozenset({"x", "si", "sì", "1", "yes"})
KIND_CODES = frozenset(map(str, Kind))
SECTION_CODES = frozenset(map(str, RuntsSection))


CONSTANTS = ("municipality", "province", "region", "kind", "section")
"""Fields that may be the same in every row."""


def fits(field: str, value: str) -> bool:
    """Whether a constant can be what it should be, as far as that can be said without a row."""
    if field == "kind":
        return guess(value, loosely=True) != (None, ())
    if field == "section":
        return section_named(value) is not None
    return bool(value.strip())


def example(field: str) -> Any:
    """What would do."""
    if field == "kind":
        return [str(kind) for kind in Kind]
    return [str(section) for section in RuntsSection] if field == "section" else "Lecco, LC, Lombardia"


def layout_of(sample: Sequence[Record], places: Territories, correction: Correction = AS_IT_IS) -> Layout:
    """The header among the first rows, completed by what the columns hold, corrected by what somebody has said of it.
    Raises Unreadable(empty)."""
    if not sample:
        raise Unreadable("empty")
    header = correction.header(sample, WORDS.columns_of, needed=REQUIRED, is_row=_has_tax_code)
    body = rows_below(sample, header)
    found = correction.settle(_completed_by_content(header, body, places))
    if "tax_code" not in found and "vat" in found:
        found["tax_code"] = found.pop("vat")
    known = {*found, *correction.constants} | ({"municipality"} if "municipality_code" in found else set())
    cells = header.cells
    marks = {at: MARKS[plain(c)] for at, c in enumerate(cells) if plain(c) in MARKS and at not in found.values()}
    return Layout(
        columns=found,
        marks=marks,
        header=Header(header.line, cells, found),
        constants=correction.constants,
        missing=tuple(name for name in REQUIRED if name not in known),
        body=body,
    )


def _has_tax_code(record: Record) -> bool:
    return any(_is_tax_code(cell) for cell in record.cells)


def _is_tax_code(cell: str) -> bool:
    if not 11 <= len(cell) <= 20:
        return False
    try:
        organisations.tax_code(cell)
    except organisations.InvalidTaxCode:
        return False
    return True


def _is_text(cell: str) -> bool:
    return sum(c.isalpha() for c in cell) > 5


def _completed_by_content(header: Header, body: Sequence[Record], places: Territories) -> dict[str, int]:
    """Fields without a name that says so, when nearly every cell of one column can only be that."""
    found = dict(header.columns)
    width = max((len(record.cells) for record in body), default=0)
    named_for_others = {at for at, cell in enumerate(header.cells) if WORDS.about_others(plain(cell))}
    free = [at for at in range(width) if at not in found.values() and at not in named_for_others]
    cells = {at: [r.cells[at] for r in body if at < len(r.cells) and r.cells[at]][:200] for at in free}

    def mostly(at: int, test: Any, share: float = 0.8) -> bool:
        return bool(cells[at]) and sum(1 for cell in cells[at] if test(cell)) >= share * len(cells[at])

    def take(name: str, candidates: list[int]) -> None:
        if candidates:
            found[name] = candidates[0]

    if "tax_code" not in found and "vat" not in found:
        take("tax_code", [at for at in free if mostly(at, _is_tax_code)])
    if "municipality" not in found and "municipality_code" not in found:
        provinces = [at for at in free if mostly(at, re.compile(r"[A-Z]{2}").fullmatch)]
        if "province" not in found:
            take("province", provinces)
        known = [
            at for at in free if at not in provinces and mostly(at, lambda cell: places.resolve(cell).municipality)
        ]
        take("municipality", known)
    if "title" not in found and "tax_code" in found:
        nameless = [
            at for at in free if at not in found.values() and not (header.cells and header.cells[at : at + 1] != ("",))
        ]
        texts = [at for at in nameless if mostly(at, _is_text) and len(set(cells[at])) >= 0.9 * len(cells[at])]
        if len(texts) == 1:
            found["title"] = texts[0]
    return found


# --- one row ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Entry:
    """What a row says, read and healed. An empty cell is None: it never erases what is known already."""

    line: int
    tax_code: str
    title: str
    municipality: str
    kind: str | None = None
    likely_kind: str | None = None  # from the name: only fills what is not known
    sections: tuple[str, ...] = ()
    email: str | None = None
    pec: str | None = None
    phone: str | None = None
    website: str | None = None
    notes: tuple[Reason, ...] = ()

    @property
    def identity(self) -> str:
        """By what the organisation is known again: its tax code; for an informal group its name and place."""
        return self.tax_code or unnamed(self.title, self.municipality)


def unnamed(title: str, municipality: str | None) -> str:
    """The identity of a group without a tax code, in its network."""
    return f"~{plain(title)}|{municipality or ''}"


def read(record: Record, layout: Layout, places: Territories) -> Entry | Refused:
    """One row, healed where it is certain; otherwise every reason why it cannot be taken."""
    cells, constants = record.cells, layout.constants

    def cell(name: str) -> str:
        at = layout.columns.get(name, -1)
        return (cells[at] if 0 <= at < len(cells) else "") or constants.get(name, "")

    notes: list[Reason] = []
    reasons: list[Reason] = []
    kind, sections = _kind(cell, layout, cells, notes)
    code = _tax_code(cell("tax_code") or cell("vat"), kind, notes, reasons)
    title = healed_title(cell("title"), notes)
    if not title:
        reasons.append(Reason("title", "missing"))
    elif len(title) > organisations.LONGEST_TITLE:
        reasons.append(Reason("title", "too_long", {"limit": organisations.LONGEST_TITLE}))
    municipality = _municipality(cell, places, notes, reasons)
    if reasons:
        if _is_total(cells, code):
            reasons = [Reason("row", "total")]
        return Refused(record.line, tuple(reasons), code, municipality)
    assert municipality is not None
    likely, likely_sections = guess(title)
    return Entry(
        record.line,
        code,
        title,
        municipality,
        kind,
        likely,
        tuple(sorted(sections or likely_sections)),
        _email(cell("email"), "email", notes),
        _email(cell("pec"), "pec", notes),
        cell("phone")[:60] or None,
        _website(cell("website")),
        tuple(notes),
    )


def _is_total(cells: Sequence[str], code: str) -> bool:
    return not code and any(
        plain(cell).split(" ")[0] in {"totale", "totali", "total", "somma"} for cell in cells if cell
    )


def _tax_code(given: str, kind: str | None, notes: list[Reason], reasons: list[Reason]) -> str:
    """Empty when it was refused, and for an informal group, which has none."""
    if not given and kind == Kind.INFORMAL_GROUP:
        return ""
    try:
        return organisations.tax_code(given)
    except organisations.InvalidTaxCode as problem:
        healed = healed_tax_code(given)
        if healed is None:
            reasons.append(Reason("tax_code", problem.reason, {"given": given[:40]}))
            return ""
        notes.append(Reason("tax_code", "healed", {"given": given[:40], "healed": healed}))
        return healed


def healed_tax_code(given: str) -> str | None:
    """What a spreadsheet took from a code of 11 digits, given back when the check digit and the office prove it:
    leading zeros, a decimal `.0`, the exponent of a number that still has all its digits. Otherwise None."""
    text = given.strip(" '’\"\u00a0").replace(",", ".")
    if power := re.fullmatch(r"(\d)\.(\d+)[eE]\+?(\d{1,2})", text):
        whole = power[1] + power[2]
        if len(whole) - 1 != int(power[3]):
            return None  # digits are gone for good
        text = whole
    text = re.sub(r"\.0+$", "", text)
    if not re.fullmatch(r"[0-9]{7,11}", text):
        return None
    try:
        return organisations.tax_code(text.zfill(11))
    except organisations.InvalidTaxCode:
        return None


def _municipality(cell: Any, places: Territories, notes: list[Reason], reasons: list[Reason]) -> str | None:
    """By code when there is one, else by name; a name that only resembles is taken and said."""
    if found := _by_code(cell("municipality_code"), places):
        return found.code
    name = cell("municipality") or cell("municipality_code")
    if not name:
        reasons.append(Reason("municipality", "missing"))
        return None
    if found := _by_code(name, places):
        return found.code
    resolution = places.resolve(name, cell("province") or None, cell("region") or None)
    if resolution.municipality is None:
        said = {"given": name[:80], "it": resolution.explain("it"), "en": resolution.explain("en")}
        reasons.append(Reason("municipality", "unknown", said))
        return None
    if not resolution.certain:
        found = resolution.municipality
        notes.append(
            Reason("municipality", "similar", {"given": name[:80], "found": f"{found.name} ({found.province})"})
        )
    return resolution.municipality.code


def _by_code(given: str, places: Territories) -> Municipality | None:
    if re.fullmatch(r"[A-Za-z][0-9]{3}", given):
        return places.municipality(given)
    return places.by_istat(given) if re.fullmatch(r"[0-9]{4,6}", given) else None


def _kind(cell: Any, layout: Layout, cells: Sequence[str], notes: list[Reason]) -> tuple[str | None, set[str]]:
    marked = {mark for at, mark in layout.marks.items() if at < len(cells) and cells[at].casefold() in CROSSES}
    kinds = [value for value in marked if value in KIND_CODES]
    sections = {value for value in marked if value in SECTION_CODES}
    kind = kinds[0] if (len(kinds) == 1 and len(marked) == 1) or kinds == [Kind.ASD] else None
    if said := cell("kind"):
        by_name, by_sections = guess(said, loosely=True)
        if by_name is None and not by_sections:
            notes.append(Reason("kind", "unknown", {"given": said[:60]}))
        kind, sections = by_name or kind, sections | set(by_sections)
    if said := cell("section"):
        entered = section_named(said)
        if entered is None:
            notes.append(Reason("section", "unknown", {"given": said[:60]}))
        else:
            sections.add(entered)
    return kind, sections


def _email(given: str, name: str, notes: list[Reason]) -> str | None:
    if not given or given in {"-", "n.d.", "nd"}:
        return None
    address = given.strip("<> ;,").removeprefix("mailto:")
    if not re.fullmatch(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,180}\.[^@\s,;<>.]{2,24}", address):
        notes.append(Reason(name, "not_an_address", {"given": given[:80]}))
        return None
    return address.lower()


def _website(given: str) -> str | None:
    if not re.fullmatch(r"(https?://)?[\w.-]+\.[a-zA-Z]{2,24}(/[^\s\"<>]*)?", given):
        return None
    return (given if given.startswith("http") else f"https://{given}")[:300]


# --- names -----------------------------------------------------------------------------------------------------------

# Italian words that end in -tà, by what is left of them when the last letter was lost.
LOST_TA = re.compile(
    r"\b(solidariet|societ|universit|utilit|citt|et|libert|fraternit|comunit|mobilit|ospitalit|attivit|disabilit|qualit|"
    r"realt|povert|carit|maternit|paternit|diversit|biodiversit|umanit|opportunit|felicit|creativit|sanit|legalit|"
    r"identit|dignit|parit|unit|spiritualit|trinit|nativit|autorit|propriet|variet|piet|verit|serenit|civilt|volont|"
    r"facolt|sensibilit|responsabilit|sostenibilit|novit|localit|necessit|possibilit|infermit|fragilit|abilit)\?",
    re.IGNORECASE,
)
LOST_ELISION = re.compile(r"\b(l|d|all|dall|dell|nell|sull|un|quell|sant)\?(?=[aeiouh]\w)", re.IGNORECASE)
LOST_QUOTES = re.compile(r"(?<![\w?])\?(?=\w)([^?\"]{2,80}?)(?<=[\w.!])\?(?![\w?])")
LOST_WORDS = {
    "forl?": "forlì", "s?dtirol": "südtirol", "f?r": "für", "pap?": "papà", "cos?": "così", "pi?": "più",
    "perch?": "perché", "caff?": "caffè", "giovent?": "gioventù", "virt?": "virtù", "trib?": "tribù",
    "ges?": "gesù", "ludobaric?": "ludobaricò", "cant?": "cantù", "nard?": "nardò", "cefal?": "cefalù", "sal?": "salò",
}  # fmt: skip
LOST_WORD = re.compile(r"(?<!\w)(" + "|".join(re.escape(word) for word in LOST_WORDS) + r")(?!\w)", re.IGNORECASE)
# Signs that the Italian page of EBCDIC (280) has where the international one (037) has others: in names all in
# capitals.
EBCDIC = re.compile(r"[§£]|(?<=[\s'AEIOUaeioué])é(?=$|[\s\-é\"])")
EBCDIC_SIGNS = {"§": "@", "£": "#", "é": "!"}
MOJIBAKE = re.compile(r"[ÃÂâ][\u0080-\u00bf\u0152-\u0178\u02c6\u02dc\u2013-\u2122€]")


def healed_title(given: str, notes: list[Reason]) -> str:
    """A name without the marks of the systems that it went through; each change, and each loss left, is noted."""
    before = " ".join(given.split())
    title = given.replace("\u00ad", "").replace("\ufffd", "?")
    if MOJIBAKE.search(title):
        title = _without_mojibake(title)
    title = " ".join(title.split())
    if EBCDIC.search(title) and not re.search(r"[a-zà-ÿ]", title.replace("é", "")):
        title = EBCDIC.sub(lambda sign: EBCDIC_SIGNS[sign[0]], title)
    if "&" in title and ";" in title:
        title = unicodedata.normalize("NFC", html.unescape(title))
        title = " ".join("".join(c for c in title if c.isprintable()).split())
    if "?" in title:
        title = _without_losses(title)
    if not title.isprintable():
        title = "".join(c for c in title if c.isprintable())
    if title != before:
        notes.append(Reason("title", "healed", {"given": before[:120]}))
    if "?" in title or re.search(r"[§¬\u0080-\u009f]", title) or re.search(r"[A-Z]é(\W|$)", title):
        notes.append(Reason("title", "lost_characters"))
    return title


def _without_mojibake(title: str) -> str:
    try:
        return title.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return title


def _without_losses(title: str) -> str:
    def like(model: str, text: str) -> str:
        if model.isupper():
            return text.upper()
        return text.capitalize() if model[:1].isupper() and len(text) > 1 else text

    title = LOST_TA.sub(lambda m: m[1] + like(m[1], "à"), title)
    title = LOST_WORD.sub(lambda m: like(m[1].replace("?", ""), LOST_WORDS[m[1].casefold()]), title)
    title = LOST_ELISION.sub(r"\1'", title)
    return LOST_QUOTES.sub(r'"\1"', title)


# What a name says for certain: the words that the law reserves, and the first words of bodies that bear their kind.
KIND_SIGNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            Kind.ASD,
            r"\b(asd|ssd|ssdrl|(associazione|societa)( poli| )?sportiva dilettantistica|amateursport(verein|club))\b",
        ),
        (Kind.COMMUNITY_FOUNDATION, r"^(la )?fondazione (di comunita|della comunita|comunitaria)\b"),
        (Kind.CSV, r"\bcentr[oi] (di )?servizi[o]? (per il|al|per) volontariato\b|^csv\b"),
        (Kind.FOUNDATION, r"^(la )?fondazione\b"),
        (Kind.MUNICIPALITY, r"^comune (di|d)\b"),
        (Kind.PROVINCE, r"^(provincia (di|autonoma)|citta metropolitana)\b"),
        (Kind.REGION, r"^regione\b"),
        (Kind.UNION, r"^(unione (dei|di) comuni|unione montana|comunita montana)\b"),
        (Kind.HEALTH_AUTHORITY, r"^(azienda (unita )?sanitaria|azienda usl|ausl|asl|asst|azienda ospedalier[oa])\b"),
        (
            Kind.UNIVERSITY,
            r"^((libera )?universita (degli studi|commerciale|cattolica|politecnica)|politecnico|alma mater)\b",
        ),
        (
            Kind.SCHOOL,
            r"^(istituto (comprensivo|tecnico|professionale|d istruzione|di istruzione)|liceo|direzione didattica)\b",
        ),
        (Kind.CHAMBER, r"^camera di commercio\b"),
        (Kind.MUTUAL, r"^societa( \w+)?( di)? mutuo soccorso\b"),
        (Kind.RELIGIOUS, r"^(parrocchia|diocesi|arcidiocesi|monastero|congregazione)\b"),
        (Kind.CONSORTIUM, r"^consorzio\b"),
        (Kind.COMMITTEE, r"^comitato\b"),
    )
)
ASSOCIATION = re.compile(
    r"^(ass|assoc|ass ne|associazione)\b|\b(odv|aps|organizzazione di volontariato|associazione di promozione sociale|"
    r"associazione di volontariato)\b|\b(eo|vfg)$"
)
COOPERATIVE = re.compile(
    r"\b(societa cooperativa|soc coop|cooperativa sociale|coop soc|coop sociale|sozialgenossenschaft)\b|^cooperativa\b"
)
FIRM = re.compile(r"\b(srl|spa|s r l|s p a)$")
ONLUS = re.compile(r"\bonlus\b")
SECTION_SIGNS: tuple[tuple[RuntsSection, re.Pattern[str]], ...] = (
    (RuntsSection.ODV, re.compile(r"\b(odv|organizzazione di volontariato)\b|\beo$")),
    (RuntsSection.APS, re.compile(r"\b(aps|associazione di promozione sociale)\b|\bvfg$")),
    (
        RuntsSection.SOCIAL_ENTERPRISE,
        re.compile(r"\b(impresa sociale|cooperativa sociale|sozialgenossenschaft|coop sociale)\b"),
    ),
    (RuntsSection.PHILANTHROPIC, re.compile(r"\bente filantropico\b")),
)
INITIALS = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b|\b[a-z] [a-z]\b$")


@lru_cache(maxsize=8192)
def words(title: str) -> str:
    """`plain`, with initials joined: A.P.S. is one word."""
    return INITIALS.sub(lambda letters: letters[0].replace(" ", ""), plain(title))


def guess(title: str, *, loosely: bool = False) -> tuple[str | None, tuple[str, ...]]:
    """Kind and sections when the name leaves no doubt. `loosely` reads the cell of a column that states the kind."""
    text = words(title)
    sections = [section for section, sign in SECTION_SIGNS if sign.search(text)]
    if RuntsSection.ODV in sections and RuntsSection.APS in sections:  # one body cannot be both
        sections = [s for s in sections if s not in {RuntsSection.ODV, RuntsSection.APS}]
    if loosely and text in STATED:
        return STATED[text], tuple(sections)
    for kind, sign in KIND_SIGNS:
        if sign.search(text):
            return kind, tuple(sections)
    if ASSOCIATION.search(text):
        return Kind.ASSOCIATION, tuple(sections)
    if COOPERATIVE.search(text):
        return Kind.COOPERATIVE, tuple(sections)
    if FIRM.search(text):
        return Kind.FIRM, tuple(sections)
    return (Kind.ONLUS if ONLUS.search(text) else None), tuple(sections)


STATED: dict[str, str] = {
    plain(label): term.code for term in organisations.KINDS for label in (term.it, term.en, term.code)
} | {
    "comune": Kind.MUNICIPALITY, "comuni": Kind.MUNICIPALITY, "provincia": Kind.PROVINCE, "regione": Kind.REGION,
    "asl": Kind.HEALTH_AUTHORITY, "ats": Kind.HEALTH_AUTHORITY, "asst": Kind.HEALTH_AUTHORITY, "scuola": Kind.SCHOOL,
    "universita": Kind.UNIVERSITY, "cooperativa": Kind.COOPERATIVE, "coop": Kind.COOPERATIVE, "impresa": Kind.FIRM,
    "cooperative": Kind.COOPERATIVE, "associazioni": Kind.ASSOCIATION, "fondazioni": Kind.FOUNDATION,
    "azienda": Kind.FIRM, "parrocchia": Kind.RELIGIOUS, "ente religioso": Kind.RELIGIOUS,
    "ente ecclesiastico": Kind.RELIGIOUS, "sindacato": Kind.TRADE_UNION, "camera di commercio": Kind.CHAMBER,
    "unione di comuni": Kind.UNION,
    "ambito": Kind.UNION, "societa di mutuo soccorso": Kind.MUTUAL, "centro servizi volontariato": Kind.CSV,
    "altro": Kind.OTHER, "ente pubblico": Kind.OTHER, "gruppo informale": Kind.INFORMAL_GROUP,
}  # fmt: skip
STATED_SECTIONS: dict[str, str] = {
    plain(label): term.code for term in organisations.SECTIONS for label in (term.it, term.en, term.code)
} | {
    "organizzazione di volontariato": RuntsSection.ODV, "associazione di promozione sociale": RuntsSection.APS,
    "ente filantropico": RuntsSection.PHILANTHROPIC, "impresa sociale": RuntsSection.SOCIAL_ENTERPRISE,
    "imprese sociali": RuntsSection.SOCIAL_ENTERPRISE, "rete associativa": RuntsSection.NETWORK,
    "altri ets": RuntsSection.OTHER_ETS, "altro ente del terzo settore": RuntsSection.OTHER_ETS,
    "ets": RuntsSection.OTHER_ETS,
    "societa di mutuo soccorso": RuntsSection.MUTUAL_AID, "cooperative sociali": RuntsSection.SOCIAL_ENTERPRISE,
    "cooperativa sociale": RuntsSection.SOCIAL_ENTERPRISE,
}  # fmt: skip


def section_named(given: str) -> str | None:
    """The section that a cell names, with or without the letter of the register (`a) Organizzazioni di
    volontariato`)."""
    text = words(given)
    return STATED_SECTIONS.get(text) or STATED_SECTIONS.get(re.sub(r"^(sezione )?[a-g] ", "", text))


# --- what a row changes ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Standing:
    """An organisation as the registry, and the rows of this file before, leave it; what a row changes is noted here."""

    id: UUID
    tax_code: str | None
    title: str
    kind: str
    municipality: str | None
    sections: list[dict[str, Any]]
    website: str | None = None
    ownership: str | None = None
    territories: list[str] = field(default_factory=list)
    parent_id: UUID | None = None
    version: int = 0
    membership_id: UUID | None = None
    membership_version: int = 0
    state: str | None = None
    since: date | None = None
    email: str | None = None
    pec: str | None = None
    phone: str | None = None
    withdrawn_by_undo: bool = False  # not by a decision about the organisation: a file may bring it back
    line: int | None = None  # of the first row of this file about it
    new: bool = False
    changed: bool = False
    joins: bool = False
    rejoins: bool = False
    contacts_changed: bool = False


class Verdict(NamedTuple):
    outcome: str
    notes: tuple[Reason, ...]
    changes: Changes | None = None


class Parent(NamedTuple):
    """Of whom the rows are affiliates, with the line above it: none of these can be an affiliate of it."""

    id: UUID
    above: frozenset[UUID]


def create(entry: Entry, id_: UUID, parent: Parent | None = None) -> Standing:
    """The organisation that the first row about it makes; it joins the network."""
    return Standing(
        id_,
        entry.tax_code or None,
        entry.title,
        entry.kind or entry.likely_kind or Kind.OTHER,
        entry.municipality,
        _entered([], entry.sections) or [],
        entry.website,
        parent_id=parent.id if parent else None,
        email=entry.email,
        pec=entry.pec,
        phone=entry.phone,
        line=entry.line,
        new=True,
        joins=True,
    )


def merge(entry: Entry, standing: Standing, parent: Parent | None = None) -> Verdict:
    """What a row means for an organisation that is known already.

    Known from before this file: what the row states replaces what differs, empty cells erase nothing, a kind that is
    only read from the name never replaces one that is known, sections are added. Known from an earlier row of this
    file: the first row wins; a later one may only fill what is empty, and is refused when it contradicts.
    """
    against = _contradiction(entry, standing) if standing.line is not None else None
    against = against or _unfit_affiliate(standing, parent)
    if against is not None:
        return Verdict(REJECTED, (against, *entry.notes))
    notes, changes = list(entry.notes), Changes()
    _merge_record(entry, standing, changes)
    if parent is not None:
        _put(standing, "parent_id", parent.id, changes)
    standing.changed |= bool(changes)
    record = len(changes)
    _merge_contacts(entry, standing, changes)
    standing.contacts_changed |= len(changes) > record
    outcome = UPDATED if changes else UNCHANGED
    if _joins(standing, changes):
        outcome = CREATED  # new to this network; whether another one knows it is not this network's to learn
    elif standing.state == organisations.State.WITHDRAWN:
        notes.append(Reason("state", "withdrawn", {"since": standing.since.isoformat() if standing.since else ""}))
    if standing.line is None:
        standing.line = entry.line
    return Verdict(outcome, tuple(notes), changes or None)


MEMBERSHIP = "membership"
"""Among the changes: the organisation came into the network, or came back."""


def _joins(standing: Standing, changes: Changes) -> bool:
    if standing.membership_id is None and not standing.joins:
        standing.joins = True
    elif standing.state == organisations.State.WITHDRAWN and standing.withdrawn_by_undo:
        standing.rejoins = True
    else:
        return False
    changes[MEMBERSHIP] = [standing.state, str(organisations.State.ACTIVE)]
    standing.state = organisations.State.ACTIVE
    return True


def _unfit_affiliate(standing: Standing, parent: Parent | None) -> Reason | None:
    if parent is None or standing.parent_id == parent.id:
        return None
    if standing.id == parent.id or standing.id in parent.above:
        return Reason("parent", "circle")
    return Reason("parent", "another") if standing.parent_id is not None else None


def _contradiction(entry: Entry, standing: Standing) -> Reason | None:
    where = {"line": standing.line}
    if plain(entry.title) != plain(standing.title):
        return Reason("tax_code", "repeated_title", {**where, "other": standing.title[:80]})
    if standing.municipality and entry.municipality != standing.municipality:
        return Reason("tax_code", "repeated_municipality", {**where, "other": standing.municipality})
    if entry.kind and standing.kind not in {entry.kind, Kind.OTHER}:
        return Reason("tax_code", "repeated_kind", {**where, "other": standing.kind})
    for name in ("email", "pec", "phone", "website"):
        said, held = getattr(entry, name), getattr(standing, name)
        if said and held and said != held:
            return Reason("tax_code", "repeated_contact", {**where, "other": name})
    return None


def _put(standing: Standing, name: str, value: Any, changes: Changes) -> None:
    if (before := getattr(standing, name)) != value:
        changes[name] = [before, value]
        setattr(standing, name, value)


def _merge_record(entry: Entry, standing: Standing, changes: Changes) -> None:
    if plain(entry.title) != plain(standing.title):
        _put(standing, "title", entry.title, changes)
    _put(standing, "municipality", entry.municipality, changes)
    if kind := entry.kind or (entry.likely_kind if standing.kind == Kind.OTHER else None):
        _put(standing, "kind", str(kind), changes)
    if entry.website:
        _put(standing, "website", entry.website, changes)
    if (entered := _entered(standing.sections, entry.sections)) is not None:
        _put(standing, "sections", entered, changes)


CONTACTS = ("email", "pec", "phone")


def _merge_contacts(entry: Entry, standing: Standing, changes: Changes) -> None:
    for name in CONTACTS:
        if said := getattr(entry, name):
            _put(standing, name, said, changes)


def _entered(held: Sequence[dict[str, Any]], named: Sequence[str]) -> list[dict[str, Any]] | None:
    """The sections held with those named, or None when nothing is added, also because it cannot stand beside
    another."""
    known = {one["section"] for one in held}
    added = [Section(name) for name in named if name not in known]
    if not added:
        return None
    try:
        return organisations.section_list([*organisations.read_sections(held), *added])
    except organisations.InvalidOrganisation:
        return None


# --- taking it back --------------------------------------------------------------------------------------------------


class Written(NamedTuple):
    """A row that was taken: what it said, and what it changed of an organisation that was there (None: it made it, or a
    row above did and this one added nothing)."""

    entry: Entry
    outcome: str
    changes: Changes | None


WRITTEN = ("title", "municipality", "kind", "website", "sections", "parent_id")
UNTOUCHED: dict[str, Any] = {"ownership": None, "territories": []}
"""What an import never writes, as it leaves it in what it makes."""


@dataclass(slots=True)
class Undoing:
    """What taking the rows about one organisation back comes to; `kept`: why not, or not all of it."""

    withdraws: bool = False
    kept: Reason | None = None


def take_back(
    standing: Standing, rows: Sequence[Written], parent: Parent | None = None, *, in_use: bool = False
) -> Undoing:
    """Puts an organisation back to what it was before these rows, the first one first; `standing` is what it is now.

    A field goes back when it is as the import left it. An organisation that the import made leaves the network, unless
    something about it is not as the import left it, or it is `in_use`: somebody acts for it, or it has kept a word.
    """
    if standing.membership_id is None:
        return Undoing(kept=Reason("row", "gone"))
    first = rows[0]
    if first.outcome == CREATED and not first.changes:
        return _taken_back(standing, _as_made(rows, standing, parent), in_use)
    before, after = _net(rows)
    joined = before.pop(MEMBERSHIP, None) != after.pop(MEMBERSHIP, None)
    since_then = [name for name, value in after.items() if getattr(standing, name) != _value(name, value)]
    for name in before.keys() - set(since_then):
        setattr(standing, name, _value(name, before[name]))
        standing.changed |= name in WRITTEN
        standing.contacts_changed |= name in CONTACTS
    if since_then:
        return Undoing(kept=Reason("row", "changed_since", {"fields": sorted(since_then)}))
    if joined and standing.state != organisations.State.ACTIVE:
        return Undoing(kept=Reason("row", "changed_since", {"fields": [MEMBERSHIP]}))
    if joined and in_use:
        return Undoing(kept=Reason("row", "in_use"))
    return Undoing(withdraws=joined)


def _as_made(rows: Sequence[Written], standing: Standing, parent: Parent | None) -> Standing:
    """What the import made, from its rows once more."""
    made = create(rows[0].entry, standing.id, parent)
    for row in rows[1:]:
        merge(row.entry, made, parent)
    return made


def _taken_back(standing: Standing, made: Standing, in_use: bool) -> Undoing:
    expected = {name: getattr(made, name) for name in (*WRITTEN, *CONTACTS)} | UNTOUCHED
    since_then = [name for name, value in expected.items() if getattr(standing, name) != value]
    if standing.state != organisations.State.ACTIVE:
        since_then.append(MEMBERSHIP)
    if since_then:
        return Undoing(kept=Reason("row", "changed_since", {"fields": sorted(since_then)}))
    if in_use:
        return Undoing(kept=Reason("row", "in_use"))
    if standing.parent_id is not None:
        standing.parent_id, standing.changed = None, True
    return Undoing(withdraws=True)


def _net(rows: Sequence[Written]) -> tuple[Changes, Changes]:
    """By field, what it was before the first row that changed it, and what the last one made it."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in rows:
        for name, (old, new) in (row.changes or {}).items():
            before.setdefault(name, old)
            after[name] = new
    return before, after


def _value(name: str, kept: Any) -> Any:
    """A value of the changes, which are kept as JSON."""
    return UUID(kept) if name == "parent_id" and isinstance(kept, str) else kept
