"""What is true of organisations and of their memberships in networks.

An organisation is one record per deployment, known by its tax code when it has one. Kind and RUNTS sections are
independent of each other: a foundation may be entered as philanthropic body or as social enterprise. A membership
holds what one network keeps of an organisation: its state through time, its contacts, its notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.it import codicefiscale
from uuid_utils.compat import uuid7

from shared import territories
from shared.access.actor import EARLIEST, LATEST
from shared.territories import Territories

LONGEST_TITLE = 400


class Kind(StrEnum):
    """What an organisation is, whatever register it is entered in. `other` is also: not known."""

    ASSOCIATION = "association"
    FOUNDATION = "foundation"
    COMMUNITY_FOUNDATION = "community_foundation"
    CSV = "csv"
    COOPERATIVE = "cooperative"
    CONSORTIUM = "consortium"
    MUTUAL = "mutual"
    ASD = "asd"
    ONLUS = "onlus"
    RELIGIOUS = "religious"
    COMMITTEE = "committee"
    MUNICIPALITY = "municipality"
    PROVINCE = "province"
    REGION = "region"
    UNION = "union"
    HEALTH_AUTHORITY = "health_authority"
    SCHOOL = "school"
    UNIVERSITY = "university"
    CHAMBER = "chamber"
    TRADE_ASSOCIATION = "trade_association"
    TRADE_UNION = "trade_union"
    FIRM = "firm"
    INFORMAL_GROUP = "informal_group"
    OTHER = "other"


class RuntsSection(StrEnum):
    """The seven sections of the national register, art. 46 of d.lgs. 117/2017."""

    ODV = "odv"
    APS = "aps"
    PHILANTHROPIC = "philanthropic"
    SOCIAL_ENTERPRISE = "social_enterprise"
    NETWORK = "network"
    MUTUAL_AID = "mutual_aid"
    OTHER_ETS = "other_ets"


class Ownership(StrEnum):
    """Who owns or governs it; a mixed body is public and private at once, and is one body."""

    PRIVATE = "private"
    PUBLIC = "public"
    MIXED = "mixed"


class State(StrEnum):
    CANDIDATE = "candidate"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class Term(NamedTuple):
    """A word of a vocabulary: its stable code, its labels, and the law that it comes from when there is one."""

    code: str
    it: str
    en: str
    source: str | None = None


KINDS = (
    Term(Kind.ASSOCIATION, "Associazione", "Association", "art. 14-42 codice civile"),
    Term(Kind.FOUNDATION, "Fondazione", "Foundation", "art. 14-35 codice civile"),
    Term(Kind.COMMUNITY_FOUNDATION, "Fondazione di comunità", "Community foundation"),
    Term(Kind.CSV, "Centro di servizio per il volontariato", "Volunteer support centre", "art. 61 d.lgs. 117/2017"),
    Term(Kind.COOPERATIVE, "Cooperativa", "Cooperative", "art. 2511 codice civile; l. 381/1991"),
    Term(Kind.CONSORTIUM, "Consorzio", "Consortium", "art. 2602 codice civile; art. 8 l. 381/1991"),
    Term(Kind.MUTUAL, "Società di mutuo soccorso", "Mutual aid society", "l. 3818/1886"),
    Term(Kind.ASD, "Associazione o società sportiva dilettantistica", "Amateur sports club", "d.lgs. 36/2021"),
    Term(
        Kind.ONLUS,
        "Onlus (fino al 31 dicembre 2025)",
        "Onlus (until 31 December 2025)",
        "art. 10 d.lgs. 460/1997; art. 102 e 104 d.lgs. 117/2017, art. 8 d.l. 84/2025",
    ),
    Term(Kind.RELIGIOUS, "Parrocchia o ente religioso", "Parish or religious body", "l. 222/1985"),
    Term(Kind.COMMITTEE, "Comitato", "Committee", "art. 39 codice civile"),
    Term(Kind.MUNICIPALITY, "Comune", "Municipality", "d.lgs. 267/2000"),
    Term(Kind.PROVINCE, "Provincia o città metropolitana", "Province or metropolitan city", "d.lgs. 267/2000"),
    Term(Kind.REGION, "Regione o provincia autonoma", "Region or autonomous province", "art. 114 Costituzione"),
    Term(Kind.UNION, "Unione di comuni o ambito", "Union of municipalities or district", "art. 32 d.lgs. 267/2000"),
    Term(Kind.HEALTH_AUTHORITY, "Azienda sanitaria", "Health authority", "d.lgs. 502/1992"),
    Term(Kind.SCHOOL, "Scuola", "School", "d.P.R. 275/1999"),
    Term(Kind.UNIVERSITY, "Università o istituto di ricerca", "University or research institute", "l. 240/2010"),
    Term(Kind.CHAMBER, "Camera di commercio o altra autonomia funzionale", "Chamber of commerce", "l. 580/1993"),
    Term(Kind.TRADE_ASSOCIATION, "Associazione di categoria", "Trade association"),
    Term(Kind.TRADE_UNION, "Sindacato", "Trade union", "art. 39 Costituzione"),
    Term(Kind.FIRM, "Impresa", "Firm", "art. 2082 codice civile"),
    Term(Kind.INFORMAL_GROUP, "Gruppo informale", "Informal group"),
    Term(Kind.OTHER, "Altro o non indicato", "Other or not stated"),
)

SECTIONS = (
    Term(RuntsSection.ODV, "Organizzazioni di volontariato", "Voluntary organisations", "art. 32 d.lgs. 117/2017"),
    Term(
        RuntsSection.APS,
        "Associazioni di promozione sociale",
        "Associations of social promotion",
        "art. 35 d.lgs. 117/2017",
    ),
    Term(RuntsSection.PHILANTHROPIC, "Enti filantropici", "Philanthropic bodies", "art. 37 d.lgs. 117/2017"),
    Term(
        RuntsSection.SOCIAL_ENTERPRISE,
        "Imprese sociali, incluse le cooperative sociali",
        "Social enterprises, including social cooperatives",
        "art. 40 d.lgs. 117/2017; d.lgs. 112/2017",
    ),
    Term(RuntsSection.NETWORK, "Reti associative", "Associative networks", "art. 41 d.lgs. 117/2017"),
    Term(RuntsSection.MUTUAL_AID, "Società di mutuo soccorso", "Mutual aid societies", "art. 42 d.lgs. 117/2017"),
    Term(
        RuntsSection.OTHER_ETS, "Altri enti del Terzo settore", "Other Third Sector bodies", "art. 46 d.lgs. 117/2017"
    ),
)

OWNERSHIPS = (
    Term(Ownership.PRIVATE, "Privato", "Private"),
    Term(Ownership.PUBLIC, "Pubblico", "Public"),
    Term(Ownership.MIXED, "Misto pubblico e privato", "Mixed, public and private"),
)

STATES = (
    Term(State.CANDIDATE, "Candidata", "Candidate"),
    Term(State.ACTIVE, "Attiva", "Active"),
    Term(State.SUSPENDED, "Sospesa", "Suspended"),
    Term(State.WITHDRAWN, "Uscita", "Withdrawn"),
)


class InvalidTaxCode(Exception):
    """`reason` is missing, length, characters, check_digit or component (birth date or province office)."""

    def __init__(self, given: str, reason: str) -> None:
        super().__init__(f"{given!r}: {reason}")
        self.reason = self.code = reason


class InvalidOrganisation(Exception):
    """A field holds what it may not; `path` is the field, `code` a stable word, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str | None = None) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class WrongState(Exception):
    """The membership is in `state`, from which the step asked for does not lead on; `since` is when it entered it."""

    def __init__(self, state: str, since: date, step: str) -> None:
        super().__init__(f"{step}: the membership is {state} since {since}")
        self.state, self.since, self.step = state, since, step


class TooEarly(Exception):
    """A state cannot begin before the one that it follows."""

    def __init__(self, asked: date, earliest: date) -> None:
        super().__init__(f"{asked} is before {earliest}")
        self.asked, self.earliest = asked, earliest


class AlreadyMember(Exception):
    """The organisation is in the network already."""

    def __init__(self, organisation_id: UUID, membership_id: UUID, state: str) -> None:
        super().__init__(f"organisation {organisation_id} is {state}")
        self.organisation_id, self.membership_id, self.state = organisation_id, membership_id, state


def tax_code(given: str) -> str:
    """The Italian tax code in its plain form: 11 digits (bodies, and their VAT number) or 16 characters (persons and
    some bodies, with the letters of omocodia). Separators, spaces, apostrophes and the prefix IT are dropped.

    The length does not decide what kind of body it is. Raises InvalidTaxCode.
    """
    plain = re.sub(r"[\s\-.:/'’‘`\"]", "", given).upper()
    if re.fullmatch(r"IT\d{11}", plain):
        plain = plain[2:]
    if not plain:
        raise InvalidTaxCode(given, "missing")
    try:
        return str(codicefiscale.validate(plain))
    except InvalidLength as problem:
        raise InvalidTaxCode(given, "length") from problem
    except InvalidChecksum as problem:
        raise InvalidTaxCode(given, "check_digit") from problem
    except ValidationError as problem:
        shape = re.fullmatch(r"\d{11}|[A-Z]{6}[0-9A-Z]{10}", plain)
        raise InvalidTaxCode(given, "component" if shape else "characters") from problem
    except (KeyError, IndexError) as problem:  # characters that only look like digits
        raise InvalidTaxCode(given, "characters") from problem


OMOCODIA = "LMNPQRSTUV"
"""The letters that stand for the digits 0 to 9 where two people would have one code (d.m. 23 December 1976)."""
DIGITS_AT = (6, 7, 9, 10, 12, 13, 14)


def plain_code(code: str) -> str:
    """A tax code of 16 characters without its check character and with digits for the letters of omocodia; others as
    they are: two that are equal so are one person's."""
    if len(code) != 16:
        return code
    plain = list(code[:15])
    for place in DIGITS_AT:
        if plain[place] in OMOCODIA:
            plain[place] = str(OMOCODIA.index(plain[place]))
    return "".join(plain)


def variants(code: str | None) -> list[str]:
    """The other tax codes that a person of this one may have been given; none of a code of 11 digits."""
    if code is None or len(code) != 16:
        return []
    base = plain_code(code)
    found = []
    for chosen in range(1 << len(DIGITS_AT)):
        letters = list(base)
        for number, place in enumerate(DIGITS_AT):
            if chosen >> number & 1:
                letters[place] = OMOCODIA[int(letters[place])]
        body = "".join(letters)
        found.append(body + codicefiscale.calc_check_digit(body))
    return [other for other in found if other != code]


def one_code(one: str | None, other: str | None) -> bool:
    """Two tax codes that are one person's."""
    return one is not None and other is not None and one != other and plain_code(one) == plain_code(other)


@dataclass(frozen=True)
class Section:
    """A section of the RUNTS, from `since` until `until` (exclusive); without days when they are not known."""

    section: str
    since: date | None = None
    until: date | None = None

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)


def section_list(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """As kept: sorted, days as text. Raises InvalidOrganisation when a period ends before it begins, or when the same
    section is held twice at once, or more than one is held that is not that of the networks (art. 46, paragraph 2)."""
    ordered = sorted(sections, key=lambda s: (s.section, s.since or date.min))
    for number, one in enumerate(ordered):
        if one.since and one.until and one.until <= one.since:
            raise InvalidOrganisation("sections", "period")
        for other in ordered[number + 1 :]:
            exclusive = other.section == one.section or RuntsSection.NETWORK not in (one.section, other.section)
            if exclusive and _overlap(one, other):
                raise InvalidOrganisation("sections", "overlap", RuntsSection.NETWORK)
    return [
        {"section": s.section, "since": s.since and s.since.isoformat(), "until": s.until and s.until.isoformat()}
        for s in ordered
    ]


OUTSIDE = frozenset(
    {
        Kind.MUNICIPALITY,
        Kind.PROVINCE,
        Kind.REGION,
        Kind.UNION,
        Kind.HEALTH_AUTHORITY,
        Kind.CHAMBER,
        Kind.TRADE_ASSOCIATION,
        Kind.TRADE_UNION,
    }
)
"""Who is no body of the Third Sector, whatever it does: art. 4, paragraph 2, d.lgs. 117/2017."""
NOT_ASSOCIATIONS = frozenset({Kind.FOUNDATION, Kind.COMMUNITY_FOUNDATION, Kind.COOPERATIVE, Kind.CONSORTIUM, Kind.FIRM})
CLOSED_TO: dict[str, frozenset[Kind]] = {
    RuntsSection.ODV: NOT_ASSOCIATIONS,  # art. 32: in the form of an association
    RuntsSection.APS: NOT_ASSOCIATIONS,  # art. 35
    RuntsSection.NETWORK: NOT_ASSOCIATIONS,  # art. 41
    RuntsSection.PHILANTHROPIC: frozenset({Kind.COOPERATIVE, Kind.CONSORTIUM, Kind.FIRM}),  # art. 37
    RuntsSection.MUTUAL_AID: frozenset(Kind) - {Kind.MUTUAL, Kind.OTHER},  # art. 42
}
"""Kinds that the law does not admit to a section; what it leaves open is not refused."""


def check_sections(kind: str, ownership: str | None, sections: Sequence[dict[str, Any]]) -> None:
    """Raises InvalidOrganisation when a body of this kind and ownership cannot be in one of these sections."""
    if not sections:
        return
    if kind in OUTSIDE or ownership == Ownership.PUBLIC:
        raise InvalidOrganisation("sections", "not_third_sector")
    if kind == Kind.INFORMAL_GROUP:
        raise InvalidOrganisation("sections", "no_deed", "a body with a deed and a tax code")
    for entered in sections:
        if kind in CLOSED_TO.get(entered["section"], ()):
            fitting = [str(section) for section in RuntsSection if kind not in CLOSED_TO.get(section, ())]
            raise InvalidOrganisation("sections", "not_for_kind", ", ".join(fitting))


ONLUS_END = date(2026, 1, 1)
"""The first day without Onlus, and without their register: art. 102 and art. 104, paragraph 2, d.lgs. 117/2017, as
art. 8 d.l. 84/2025 left them."""


def check_kind(kind: str, since: date) -> None:
    """A body may be noted as what it was on the day `since`. Raises InvalidOrganisation."""
    if kind == Kind.ONLUS and since >= ONLUS_END:
        raise InvalidOrganisation("kind", "ended", f"a period that began before {ONLUS_END}")


def kind_until(kind: str) -> date | None:
    """The first day on which no body is of this kind any more; None: there are such bodies."""
    return ONLUS_END if kind == Kind.ONLUS else None


def _overlap(one: Section, other: Section) -> bool:
    return (one.since or date.min) < (other.until or date.max) and (other.since or date.min) < (one.until or date.max)


def read_sections(kept: Sequence[dict[str, Any]]) -> list[Section]:
    return [
        Section(
            s["section"],
            date.fromisoformat(s["since"]) if s["since"] else None,
            date.fromisoformat(s["until"]) if s["until"] else None,
        )
        for s in kept
    ]


@dataclass(eq=False)
class Organisation:
    """A body, once per deployment. Contacts here are those that the body makes public itself."""

    title: str
    kind: str
    created_at: datetime
    updated_at: datetime
    tax_code: str | None = None
    ownership: str | None = None
    sections: list[dict[str, Any]] = field(default_factory=list)
    municipality: str | None = None
    territories: list[str] = field(default_factory=list)
    parent_id: UUID | None = None
    website: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def change(self, values: dict[str, Any], now: datetime) -> bool:
        """Takes the fields given; True if one of them differs from what was there. Raises InvalidOrganisation."""
        different = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in different.items():
            setattr(self, name, value)
        check(self)
        if different:
            self.updated_at = now
        return bool(different)


def check(organisation: Organisation) -> None:
    """Raises InvalidOrganisation with the first field that cannot stand."""
    if not organisation.title.strip():
        raise InvalidOrganisation("title", "missing")
    if len(organisation.title) > LONGEST_TITLE:
        raise InvalidOrganisation("title", "too_long", str(LONGEST_TITLE))
    if organisation.kind not in set(Kind):
        raise InvalidOrganisation("kind", "unknown", ", ".join(Kind))
    if organisation.ownership is not None and organisation.ownership not in set(Ownership):
        raise InvalidOrganisation("ownership", "unknown", ", ".join(Ownership))
    if organisation.tax_code is None and organisation.kind != Kind.INFORMAL_GROUP:
        raise InvalidOrganisation("tax_code", "missing", Kind.INFORMAL_GROUP)
    if organisation.parent_id == organisation.id:
        raise InvalidOrganisation("parent_id", "itself")


LONGEST_LINE = 8
"""Of bodies above an affiliate; real ones are three: national, regional, local."""


def adopt(wanted: Mapping[UUID, UUID | None], above: Mapping[UUID, UUID | None]) -> dict[UUID, str]:
    """What stands in the way of these parents, by affiliate: `itself`, `unknown`, `circle` or `too_deep`.

    `above` are the parents as they are now: of the affiliates and of everybody in the lines above those wanted. The
    changes are looked at one after the other, so that of two which would close a circle the first one stands.
    """
    line, refused = dict(above), {}
    for child, parent in wanted.items():
        why = _obstacle(child, parent, line)
        if why is None:
            line[child] = parent
        else:
            refused[child] = why
    return refused


def _obstacle(child: UUID, parent: UUID | None, line: Mapping[UUID, UUID | None]) -> str | None:
    if parent == child:
        return "itself"
    if child not in line:
        return "unknown"
    one, length = parent, 0
    while one is not None:
        if one == child:
            return "circle"
        if one not in line:
            return "unknown"
        if length == LONGEST_LINE:
            return "too_deep"
        one, length = line[one], length + 1
    return None


# What leads where: the state asked for, by the states from which it can be reached.
STEPS: dict[str, tuple[State, frozenset[State]]] = {
    "activate": (State.ACTIVE, frozenset({State.CANDIDATE})),
    "suspend": (State.SUSPENDED, frozenset({State.ACTIVE})),
    "resume": (State.ACTIVE, frozenset({State.SUSPENDED})),
    "withdraw": (State.WITHDRAWN, frozenset({State.CANDIDATE, State.ACTIVE, State.SUSPENDED})),
    "rejoin": (State.CANDIDATE, frozenset({State.WITHDRAWN})),
}


@dataclass(eq=False)
class Membership:
    """An organisation in a network: its state since a day, the states before, and what this network notes of it."""

    network_id: UUID
    organisation_id: UUID
    state: str
    since: date
    created_at: datetime
    updated_at: datetime
    history: list[dict[str, str]] = field(default_factory=list)  # earlier states, oldest first: {"state", "since"}
    email: str | None = None
    pec: str | None = None
    phone: str | None = None
    notes: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def step(self, step: str, since: date, now: datetime) -> None:
        """Takes the step of the lifecycle on the day `since`. Raises WrongState, TooEarly."""
        target, allowed = STEPS[step]
        if self.state not in allowed:
            raise WrongState(self.state, self.since, step)
        check_since(since)
        if since < self.since:
            raise TooEarly(since, self.since)
        self.history = [*self.history, {"state": self.state, "since": self.since.isoformat()}]
        self.state, self.since, self.updated_at = target, since, now

    def state_on(self, day: date) -> State | None:
        """The state on a day; None before the first one."""
        if self.since <= day:
            return State(self.state)
        for earlier in reversed(self.history):
            if date.fromisoformat(earlier["since"]) <= day:
                return State(earlier["state"])
        return None

    @property
    def began(self) -> date:
        """The first day of its first state."""
        return date.fromisoformat(self.history[0]["since"]) if self.history else self.since

    def steps(self) -> list[str]:
        """The steps that lead on from here, for `allowed_actions`; rejoining is done by registering again."""
        return [name for name, (_, sources) in STEPS.items() if self.state in sources and name != "rejoin"]


def check_since(since: date) -> None:
    """A day from which a membership may be what it is. Raises InvalidOrganisation."""
    if not EARLIEST <= since <= LATEST:
        raise InvalidOrganisation("since", "range", f"{EARLIEST} to {LATEST}")


def municipality(code: str) -> str:
    """The cadastral code of a municipality in force. Raises InvalidOrganisation."""
    found = territories.load().municipality(code)
    if found is None:
        raise InvalidOrganisation("municipality", "unknown", "E507")
    return found.code


def territory_codes(codes: Iterable[str]) -> list[str]:
    """Codes as they are kept, sorted, once each; a province by its UTS code also if given by sigla. Raises
    InvalidOrganisation."""
    return sorted({_territory(code) for code in codes})


def _territory(code: str) -> str:
    italy = territories.load()
    if (province := italy.province(code)) is not None and italy.kind_of(code.upper()) == "province":
        return province.code
    if italy.kind_of(code) is None:
        raise InvalidOrganisation("territories", "unknown", "03, 097, E507")
    return code


def share(count: int, of: int) -> float | None:
    """Four decimals, each by itself: shares are never made to add up. None of nothing is no share."""
    return round(count / of, 4) if of else None


def lies_in(italy: Territories) -> set[tuple[str, str]]:
    """The code of each municipality (also of those that are gone into it) and province with that of each larger one in
    which it lies: those of `codes_within` with their whole."""
    inside = {
        (code, whole)
        for m in italy.municipalities
        for code in (m.code, *italy.history.predecessors(m.code))
        for whole in (m.code, m.province_code, m.region)
        if code != whole
    }
    return inside | {(province.code, province.region) for province in italy.provinces}


def codes_within(territory: str) -> set[str]:
    """The codes of a territory and of everything that lies in it. Raises InvalidOrganisation."""
    whole = _territory(territory)
    italy = territories.load()
    provinces = {m.province_code for m in italy.within(whole) if whole == m.region}
    return {whole, *provinces, *italy.codes_within(whole)}
