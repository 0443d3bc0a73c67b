"""From a row of somebody's list to a place, healed where it is certain and refused with the reason where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import phonenumbers
from phonenumbers import PhoneNumberType

from services.mapping.places.rules import Kind
from services.mapping.territories.rules import fold
from shared.sheets import AS_IT_IS, Correction, Header, Record, Unreadable, Words, below
from shared.territories import Municipality, Territories
from shared.territories.names import repaired

LONGEST_TITLE = 300
LONGEST_LINE = 300
LONGEST_ADDRESS = 600
LONGEST_CELL = 2_000

WORDS = Words(
    {
        "title": [
            "denominazione", "nome", "titolo", "struttura", "nome struttura", "denominazione struttura", "sede",
            "luogo", "consultorio", "name", "title", "place",
        ],
        "municipality": ["comune", "citta", "localita", "municipality", "town", "city"],
        "municipality_code": ["codice comune", "codice istat", "istat", "codice catastale", "cod comune"],
        "province": ["provincia", "prov", "sigla", "province"],
        "region": ["regione", "region"],
        "authority": ["asl", "azienda sanitaria", "ente", "ente gestore", "gestore", "ats", "asst", "usl", "ausl"],
        "address": ["indirizzo", "via", "address"],
        "postcode": ["cap", "codice postale", "postcode", "zip"],
        "phone": ["telefono", "tel", "recapito telefonico", "phone", "telephone"],
        "email": ["email", "e mail", "mail", "posta elettronica"],
        "website": ["sito", "sito web", "web", "website", "pagina web"],
        "latitude": ["latitudine", "lat", "latitude"],
        "longitude": ["longitudine", "lon", "lng", "long", "longitude"],
        "kind": ["tipo", "tipologia", "kind", "type"],
    }
)  # fmt: skip
"""What people write above the columns of a list of places."""
NEEDED = ("title", "municipality")
CONSTANTS = ("municipality", "province", "region", "kind")
"""What may stand in every row whose cell is empty."""
NOTHING: Mapping[str, str] = MappingProxyType({})


def fits(name: str, value: str, italy: Territories) -> bool:
    """Whether a constant can be what it should be, as far as that can be said without a row."""
    if name == "kind":
        return kind_of(value) is not Kind.OTHER or value == Kind.OTHER
    if name == "province":
        return italy.province(value) is not None or fold(value) in dict(_province_names(italy))
    if name == "region":
        return any(fold(value) in (fold(one.name), *map(fold, one.name.split("/"))) for one in italy.regions)
    return italy.resolve(value).reason != "unknown"


def example(name: str) -> Any:
    """What would do."""
    return [str(kind) for kind in Kind] if name == "kind" else "Lecco, LC, Lombardia"


class Reason(NamedTuple):
    """What was wrong or healed in a row: field, stable code, and the words that its sentence needs."""

    field: str
    code: str
    values: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Entry:
    """A row that can be a place; `notes` say what was healed and what was left out."""

    line: int
    title: str
    kind: Kind
    municipality: str
    address: str | None = None
    postcode: str | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    notes: tuple[Reason, ...] = ()

    @property
    def identity(self) -> str:
        """By which the same place is found in a later file, whatever its spelling."""
        return "|".join((self.kind, self.municipality, fold(self.title), fold(self.address or "")))

    def content(self) -> dict[str, Any]:
        """What of it is written into a place."""
        return {name: value for name, value in asdict(self).items() if name not in ("line", "notes")}


@dataclass(frozen=True)
class Refused:
    """A row that cannot be a place, and why."""

    line: int
    reasons: tuple[Reason, ...]
    title: str = ""


@dataclass
class Notes:
    """What is gathered while a row is read."""

    found: list[Reason] = field(default_factory=list)

    def add(self, field_: str, code: str, **values: Any) -> None:
        self.found.append(Reason(field_, code, values))


@dataclass(frozen=True)
class Layout:
    """Where the fields are, what stands in every row, and the fields that are still missing. `body` are the first rows
    below the header, for examples."""

    header: Header
    constants: Mapping[str, str]
    missing: tuple[str, ...]
    body: Sequence[Record]


def layout_of(sample: Sequence[Record], correction: Correction = AS_IT_IS) -> Layout:
    """The header of a list of places, corrected by what somebody has said of it. A place needs a name and something
    that tells its municipality. Raises Unreadable(empty)."""
    if not sample:
        raise Unreadable("empty")
    header = correction.header(sample, WORDS.columns_of, needed=NEEDED)
    known = {*header.columns, *correction.constants}
    if known & {"municipality_code", "address"}:
        known.add("municipality")
    missing = tuple(name for name in NEEDED if name not in known)
    return Layout(header, correction.constants, missing, list(below(sample, header)))


def read(
    record: Record,
    header: Header,
    italy: Territories,
    kind: Kind | None,
    constants: Mapping[str, str] = NOTHING,
) -> Entry | Refused:
    """A row, healed. `kind` is what all rows are; without it each says it, or its name does; `constants` stand where
    its cells are empty."""
    notes = Notes()
    cells = {name: _cell(record, at, name, notes) for name, at in header.columns.items()}
    cells |= {name: value for name, value in constants.items() if not cells.get(name)}
    title = cells.get("title", "")
    address = address_of(cells.get("address", ""))
    placed = locate(cells, address, italy, notes)
    problems = [] if isinstance(placed, Municipality) else [placed]
    if not title:
        problems.append(Reason("title", "missing"))
    elif len(title) > LONGEST_TITLE:
        problems.append(Reason("title", "too_long", {"limit": LONGEST_TITLE}))
    if problems or not isinstance(placed, Municipality):
        return Refused(record.line, tuple(problems), title[:LONGEST_TITLE])
    return Entry(
        line=record.line,
        title=title,
        kind=kind or kind_of(f"{cells.get('kind', '')} {title}"),
        municipality=placed.code,
        address=_line(address.street, "address", notes),
        postcode=_postcode(cells.get("postcode") or address.postcode or "", notes),
        phone=_phone(cells.get("phone", ""), notes),
        email=_email(cells.get("email", ""), notes),
        website=_website(cells.get("website", ""), notes),
        **_position(cells.get("latitude", ""), cells.get("longitude", ""), notes),
        notes=tuple(notes.found),
    )


def _cell(record: Record, at: int, name: str, notes: Notes) -> str:
    given = " ".join(record.cells[at][:LONGEST_CELL].split()) if at < len(record.cells) else ""
    if given.strip("-–— .") == "":
        return ""
    text = healed(given)
    if text != given:
        notes.add(name, "healed", given=given[:80])
    if LOST in text:
        notes.add(name, "lost_characters")
    return text


# --- text ------------------------------------------------------------------------------------------------------------

LOST = "¿"
"""What an earlier program wrote for a letter that it did not have."""
_TWICE = re.compile("([¶Ç])([\u00a0 \u00a1-\u00ff])")
_LOST_GRADE = re.compile(rf"(?<=\b[Nn]){LOST}(?=\d)")
_LOST_ACCENT = re.compile(rf"(?<=[A-Z]IT){LOST}(?!\w)|(?<=\bCITT){LOST}(?!\w)")


def healed(text: str) -> str:
    """Text as it was before programs misread it: UTF-8 taken for Windows' code page, and that once more for the one of
    DOS (`n¶ø18` is `n°18`, `CapÇý` is `Capò`). A letter that was lost comes back where only one fits."""
    whole = _TWICE.sub(_once_more, repaired(text))
    whole = _LOST_ACCENT.sub("À", _LOST_GRADE.sub("°", whole))
    return " ".join(whole.split())


def _once_more(found: re.Match[str]) -> str:
    """`à` ends in a space that breaks no line, which the last program wrote as a plain one."""
    lead = found[1].encode("cp1252").decode("cp850").encode("cp1252")
    if found[2] in " \u00a0":
        tail = b"\xa0"
    else:
        try:
            tail = found[2].encode("cp1252").decode("cp850").encode("cp1252")
        except UnicodeError:
            return found[0]
    try:
        return (lead + tail).decode("utf-8")
    except UnicodeError:
        return found[0]


# --- where -----------------------------------------------------------------------------------------------------------


class Address(NamedTuple):
    """An address as lists write it, taken apart: `VIA ROMA 1 - 72100 - BRINDISI - BR`."""

    street: str
    postcode: str = ""
    town: str = ""
    province: str = ""


_TAIL = re.compile(
    r"^(?P<street>.*?)\s+-\s+(?:(?P<cap>\d{1,5})\s+-\s+)?"
    r"(?P<town>[^-]*?(?:-[^-\s][^-]*?)*)\s+-\s+(?P<sigla>[A-Z]{2})$"
)
_SHORT_TAIL = re.compile(r"^(?P<street>.*?)[\s,-]+(?P<cap>\d{5})[\s,-]+(?P<town>[^\d(]+?)\s*\(?(?P<sigla>[A-Z]{2})\)?$")


def address_of(text: str) -> Address:
    """Takes the postcode, the town and the province off the end, where an address has them."""
    for tail in (_TAIL, _SHORT_TAIL):
        found = tail.match(text) if len(text) <= LONGEST_ADDRESS else None  # what they cost grows with its square
        if found:
            street = found["street"].strip(" ,-")
            return Address(street, found["cap"] or "", found["town"].strip(" ,-"), found["sigla"])
    return Address(text)


def locate(cells: Mapping[str, str], address: Address, italy: Territories, notes: Notes) -> Municipality | Reason:
    """The municipality of a row: by its code, or by its name with what the row says of its province, from the surest
    hint to the weakest. The town at the end of the address must not be another one."""
    if code := cells.get("municipality_code", ""):
        known = italy.municipality(code) or (italy.by_istat(code) if code.isdigit() and len(code) <= 6 else None)
        if known:
            return known
    name = cells.get("municipality", "") or address.town
    if not name:
        return Reason("municipality", "missing")
    found, last = None, None
    for province, region in hints(cells, address, italy):
        answer = italy.resolve(name, province, region)
        if answer.municipality and (answer.certain or province):
            found = answer
            break
        last = last if last is not None and last.reason != "unknown" else answer
    if found is None or found.municipality is None:
        explained = (last.explain("it"), last.explain("en")) if last else ("", "")
        return Reason("municipality", "unknown", {"given": name[:80], "it": explained[0], "en": explained[1]})
    if not found.certain:
        notes.add("municipality", "similar", given=name[:80], found=found.municipality.name)
    if address.town and address.province:
        town = italy.resolve(address.town, address.province).municipality
        if town and town.code != found.municipality.code:
            said = {"given": name[:80], "town": f"{town.name} ({town.province})"}
            return Reason("municipality", "contradiction", said)
    return found.municipality


def hints(cells: Mapping[str, str], address: Address, italy: Territories) -> Iterator[tuple[str | None, str | None]]:
    """(province, region) as the row gives them: its own columns, the end of its address, the health authority, the
    host of its website; none at last."""
    region = cells.get("region") or None
    if cells.get("province"):
        yield cells["province"], region
    if address.province:
        yield address.province, region
    for sigla in provinces_in(cells.get("authority", ""), italy):
        yield sigla, region
    if region:
        yield None, region
    for code in regions_in(cells.get("website", ""), italy):
        yield None, code
    yield None, None


def provinces_in(authority: str, italy: Territories) -> list[str]:
    """The provinces that an authority's name holds, as a name (`AST3 DI MACERATA`) or as a sigla (`ASL BR`)."""
    text = f" {fold(authority)} "
    found = [sigla for name, sigla in _province_names(italy) if f" {name} " in text]
    siglas = {p.sigla for p in italy.provinces}
    return found + [word for word in re.findall(r"\b[A-Z]{2}\b", authority) if word in siglas and word not in found]


def regions_in(website: str, italy: Territories) -> list[str]:
    """The region whose name is in a website's host (`www.sanita.puglia.it`)."""
    host = re.sub(r"^https?://", "", website.lower()).split("/")[0]
    parts = set(re.split(r"[.-]", host))
    return [r.code for r in italy.regions if fold(r.name.split("/")[0]).replace(" ", "") in parts]


@lru_cache(maxsize=2)
def _province_names(italy: Territories) -> list[tuple[str, str]]:
    """The longest first: `Reggio nell'Emilia` before `Reggio`."""
    names = {(fold(part), p.sigla) for p in italy.provinces for part in (p.name, *p.name.split("/"))}
    # as authorities call them
    names |= {("reggio calabria", "RC"), ("reggio emilia", "RE"), ("pesaro", "PU"), ("forli", "FC"), ("aosta", "AO")}
    return sorted(names, key=lambda pair: (-len(pair[0]), pair))


# --- the other cells -------------------------------------------------------------------------------------------------

_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\bcas[ae] (della|di) comunita\b.*\bspoke\b|\bspoke\b.*\bcas[ae] (della|di) comunita\b"),
     Kind.COMMUNITY_HOUSE_SPOKE),
    (re.compile(r"\bcas[ae] (della|di) comunita\b.*\bhub\b|\bhub\b.*\bcas[ae] (della|di) comunita\b"),
     Kind.COMMUNITY_HOUSE_HUB),
    (re.compile(r"\b(centro|center) civico\b|\bcivic (center|centre)\b"), Kind.CIVIC_CENTRE),
    (re.compile(r"\blaboratori[oi] di comunita\b"), Kind.COMMUNITY_LABORATORY),
    (re.compile(r"\bconsultori|\bconsult fam|\bcons fam"), Kind.CLINIC),
)  # fmt: skip


def kind_of(text: str) -> Kind:
    """What a place is, by its type or its name; a casa della comunità that does not say whether it is hub or spoke is
    told by somebody who knows."""
    words = fold(text)
    return next((kind for pattern, kind in _KINDS if pattern.search(words)), _named(text))


def _named(text: str) -> Kind:
    first = text.strip().lower().split(" ")[0] if text.strip() else ""
    return Kind(first) if first in set(Kind) else Kind.OTHER


def _phone(text: str, notes: Notes) -> str | None:
    """One number in E.164. Who lost its zero to a spreadsheet gets it back when only so it is a fixed line."""
    joined = re.sub(r"^\s*(0\d{1,3})\s*/\s*", r"\1 ", text)  # the prefix, as many write it
    given = re.sub(r"[^\d+]", "", re.split(r"[/;,]|\s-\s", joined)[0])
    if not given:
        return None
    plain, with_zero = _number(given), None if given.startswith(("+", "0")) else _number(f"0{given}")
    fixed = with_zero is not None and phonenumbers.number_type(with_zero) == PhoneNumberType.FIXED_LINE
    if plain is not None and not fixed:
        return _e164(plain)
    if plain is None and fixed and with_zero is not None:
        notes.add("phone", "zero", given=given, found=_e164(with_zero))
        return _e164(with_zero)
    code = "uncertain" if plain is not None else "invalid"
    notes.add("phone", code, given=given[:40])
    return None


def _number(text: str) -> Any:
    try:
        number = phonenumbers.parse(text, "IT")
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _e164(number: Any) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _postcode(text: str, notes: Notes) -> str | None:
    """Five digits; those of Rome, Umbria and Sardinia lose their zeros in spreadsheets."""
    digits = text.strip()
    if not digits:
        return None
    if not digits.isdigit() or len(digits) > 5 or int(digits) == 0:
        notes.add("postcode", "invalid", given=text[:40])
        return None
    return digits.zfill(5)


def _email(text: str, notes: Notes) -> str | None:
    if not text:
        return None
    if len(text) <= 254 and re.fullmatch(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", text):
        return text
    notes.add("email", "invalid", given=text[:80])
    return None


_SCHEMES = re.compile(r"^(https?://)+", re.IGNORECASE)
"""Once, or twice as some lists have it."""


def _website(text: str, notes: Notes) -> str | None:
    if not text:
        return None
    bare = _SCHEMES.sub("", text)
    host, slash, path = bare.partition("/")
    scheme = "http://" if text.lower().startswith("http://") else "https://"
    whole = f"{scheme}{host.lower()}{slash}{path}"
    if len(whole) <= 2_000 and re.fullmatch(r"https?://[^\s/.]+(\.[^\s/.]+)+(/\S*)?", whole):
        return whole
    notes.add("website", "invalid", given=text[:80])
    return None


def _line(text: str, name: str, notes: Notes) -> str | None:
    if len(text) > LONGEST_LINE:
        notes.add(name, "cut", limit=LONGEST_LINE)
    return text[:LONGEST_LINE].strip() or None


def _position(latitude: str, longitude: str, notes: Notes) -> dict[str, float | None]:
    """Degrees, with a comma too; none when one is missing or they are not in Italy's corner of the world."""
    if not latitude and not longitude:
        return {"latitude": None, "longitude": None}
    try:
        found = float(latitude.replace(",", ".")), float(longitude.replace(",", "."))
    except ValueError:
        found = (0.0, 0.0)
    if 35 <= found[0] <= 48 and 6 <= found[1] <= 19:
        return {"latitude": found[0], "longitude": found[1]}
    notes.add("position", "invalid")
    return {"latitude": None, "longitude": None}


# --- what becomes of a row -------------------------------------------------------------------------------------------

CREATED, UPDATED, UNCHANGED, REJECTED = "created", "updated", "unchanged", "rejected"
OUTCOMES = (CREATED, UPDATED, UNCHANGED, REJECTED)
TAKEN = ("address", "postcode", "phone", "email", "website", "latitude", "longitude")
"""What a file may bring to a place that is there; what it does not say stays as it is."""


Changes = dict[str, list[Any]]
"""By field, what it was and what it becomes."""


def differences(place: Mapping[str, Any], entry: Entry) -> Changes:
    """What the row says otherwise than the place that is there."""
    said = {name: getattr(entry, name) for name in TAKEN}
    return {name: [place[name], value] for name, value in said.items() if value is not None and place[name] != value}


def repeated(entries: Iterable[Entry], seen: Mapping[str, int]) -> Iterator[tuple[Entry, int | None]]:
    """Each with the line on which the same place came first; None when it is the first."""
    lines = dict(seen)
    for entry in entries:
        first = lines.setdefault(entry.identity, entry.line)
        yield entry, None if first == entry.line else first


# --- taking it back --------------------------------------------------------------------------------------------------

LOOKED_AT = (
    "title", "kind", "activities", "organisation_id", "body_id", "municipality", "address", "postcode", "latitude",
    "longitude", "phone", "email", "website", "note", "hours", "visibility", "shared_with", "state", "endorsed_on",
    "validated_on", "checked_on",
)  # fmt: skip
"""What somebody may have said of a place since it was imported."""
POSITION = frozenset({"latitude", "longitude"})


def as_made(place: Mapping[str, Any]) -> dict[str, Any]:
    """How a place is, as it is kept in a report."""
    kept: dict[str, Any] = orjson.loads(orjson.dumps({name: place[name] for name in LOOKED_AT}, default=str))
    return kept


@dataclass(frozen=True)
class Undoing:
    """What taking back a row about a place comes to: it leaves, or takes `values` again; `kept`: why not, or not all of
    it."""

    leaves: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    kept: Reason | None = None


def take_back(place: Mapping[str, Any], made: Mapping[str, Any] | None, changes: Changes, *, in_use: bool) -> Undoing:
    """A place that the import made (`made`) leaves unless something about it is not as it was then, or it is in use. Of
    one that it changed each field goes back that is as the import left it; a position goes back whole."""
    if place["state"] == "closed":
        return Undoing(kept=Reason("row", "gone"))
    if made is not None:
        now = as_made(place)
        since = sorted(name for name in LOOKED_AT if now[name] != made[name])
        if since:
            return Undoing(kept=Reason("row", "changed_since", {"fields": since}))
        return Undoing(kept=Reason("row", "in_use")) if in_use else Undoing(leaves=True)
    since = sorted(name for name, (_, became) in changes.items() if place[name] != became)
    staying = {*since, *(POSITION if POSITION & set(since) else ())}
    values = {name: was for name, (was, _) in changes.items() if name not in staying}
    return Undoing(values=values, kept=Reason("row", "changed_since", {"fields": since}) if since else None)
