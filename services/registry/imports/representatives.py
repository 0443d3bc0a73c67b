"""How a row of a network's list becomes a person and a mandate: who, for whom, as what, where, since when.

Names, contacts, places and days are read as in the lists that associations send (`representatives/rules.py`); here each
row also says for whom and as what, and is taken or refused by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.imports.model import Changes, Layout, Reason, Refused, rows_below
from services.registry.imports.rules import SYNONYMS as OF_ORGANISATIONS
from services.registry.imports.rules import healed_tax_code
from services.registry.mandates.rules import NEEDS, InvalidTerm, Mandate, Misplaced, Need, OfficeTaken, designate
from services.registry.organisations import rules as organisations
from services.registry.representatives import rules as lists
from services.registry.representatives.rules import Finding, Row
from shared.access.roles import Role
from shared.sheets import AS_IT_IS, Correction, Header, Record, Unreadable, Words, plain
from shared.territories import Territories

ROLES: dict[Role, tuple[str, ...]] = {
    Role.REPRESENTATIVE: ("rappresentante", "rappresentanti", "representative"),
    Role.REFERENT: ("referente", "referent"),
    Role.DELEGATE: ("delegato", "delegata", "delegate", "delega"),
    Role.COORDINATOR: ("coordinatore", "coordinatrice", "coordinator", "coordinamento"),
    Role.MEMBER: ("membro", "componente", "member"),
}
"""What a file may give, by the first word of the cell. The secretariat's own authority, and what is given in a body,
are given one by one: a spreadsheet is passed on too easily."""
ROLE_OF = {word: role for role, words in ROLES.items() for word in (str(role), *words)}

SYNONYMS: dict[str, tuple[str, ...]] = {
    **lists.SYNONYMS,
    "role": ("ruolo", "carica", "incarico", "qualifica", "funzione", "role", "office", "mandato", "mandate"),
    "tax_code": (
        *(name for name in OF_ORGANISATIONS["tax_code"] if "ente" in name or "organizzazione" in name),
        *("codice fiscale associazione", "cf ente", "cf associazione", "organisation tax code", "codice fiscale ets"),
    ),
}  # fmt: skip
BARE = frozenset(OF_ORGANISATIONS["tax_code"]) | frozenset(OF_ORGANISATIONS["vat"])
"""A tax code of whom? Of the organisation, if its cells have eleven digits."""
WORDS = Words(SYNONYMS)
OF_BODIES = Words({name: SYNONYMS[name] for name in ("role", "tax_code")})
CONSTANTS = ("organisation", "tax_code", "role", "territory", "region", "province", "municipality", "since", "until")


def fits(field: str, value: str) -> bool:
    """Whether a constant can be what it should be, as far as that can be said without the register."""
    if field == "role":
        return role_of(value) is not None
    if field == "tax_code":
        return _tax_code(value) is not None
    if field in ("since", "until"):
        return lists.is_day(value)
    return bool(value.strip())


def example(field: str) -> Any:
    if field == "role":
        return [str(role) for role in ROLES]
    return {"tax_code": "94080470480", "since": lists.DAYS, "until": lists.DAYS}.get(field, lists.PLACES)


# --- columns ---------------------------------------------------------------------------------------------------------


def columns_of(cells: Sequence[str]) -> dict[str, int]:
    """As in the lists of associations, with whose mandate it is and which; a column means one thing."""
    own = OF_BODIES.columns_of(cells)
    others = ["" if at in own.values() else cell for at, cell in enumerate(cells)]
    return lists.columns_of(others) | own


def layout_of(sample: Sequence[Record], _: Territories, correction: Correction = AS_IT_IS) -> Layout:
    """Raises Unreadable(empty)."""
    if not sample:
        raise Unreadable("empty")
    header = correction.header(sample, columns_of)
    body = rows_below(sample, header)
    found = dict(header.columns)
    if "family_name" not in found and "given_name" in found and "full_name" not in found:
        found["full_name"] = found.pop("given_name")  # one column for both
    if "tax_code" not in found and (bare := _bare_tax_code(header, body)) is not None:
        found["tax_code"] = bare
    found = correction.settle(found)
    known = found.keys() | correction.constants.keys()
    missing = []
    if "full_name" not in known and not {"given_name", "family_name"} <= known:
        missing.append("full_name")
    if not {"email", "phone"} & known:
        missing.append("email")
    if not {"organisation", "tax_code"} & known and not _needs_none(correction.constants.get("role", "")):
        missing.append("organisation")
    return Layout(found, {}, Header(header.line, header.cells, found), correction.constants, tuple(missing), body)


def _bare_tax_code(header: Header, body: Sequence[Record]) -> int | None:
    for at, cell in enumerate(header.cells):
        codes = [record.cells[at] for record in body if at < len(record.cells) and record.cells[at]]
        if plain(cell) in BARE and codes and 2 * sum(map(_of_body, codes)) > len(codes):
            return at
    return None


def _of_body(cell: str) -> bool:
    return len(_tax_code(cell) or "") == 11


def _tax_code(given: str) -> str | None:
    try:
        return organisations.tax_code(given)
    except organisations.InvalidTaxCode:
        return healed_tax_code(given)


def _needs_none(role: str) -> bool:
    found = role_of(role)
    return found is not None and NEEDS[found][0] is not Need.MUST


# --- one row ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Listed:
    """What a row says. Without a role it is the one that lists of representatives are about."""

    row: Row
    role: Role
    tax_code: str
    municipality: None = None

    @property
    def line(self) -> int:
        return self.row.line

    @property
    def organisation(self) -> str:
        """By which it is looked for: its tax code, or what the row calls it; empty when the row names none."""
        return self.tax_code or self.row.organisation

    @property
    def identity(self) -> str:
        """What another row cannot say differently: who holds an office of one, or the days of this person in theirs."""
        if self.role is Role.REFERENT:
            return f"{self.role}|{plain(self.organisation)}"
        if self.role is Role.COORDINATOR:
            return f"{self.role}|{self.row.territory}"
        return "|".join((self.role, plain(self.organisation), self.row.territory or "", *self.row.identity))

    def mandate(self, network_id: UUID, person_id: UUID, organisation_id: UUID | None, on: date) -> Mandate:
        row = self.row
        return Mandate(network_id, person_id, self.role, row.since or on, row.until, organisation_id, row.territory)


def role_of(given: str) -> Role | None:
    """The role that a cell names by its first word; None for one that no file may give."""
    first, _, _ = plain(given).partition(" ")
    return ROLE_OF.get(first) or ROLE_OF.get(given.strip().lower())


def read(record: Record, layout: Layout, places: Territories) -> Listed | Refused:
    cells = dict(layout.constants)
    for name, at in layout.columns.items():
        if at < len(record.cells) and record.cells[at]:
            cells[name] = record.cells[at]
        else:
            cells.setdefault(name, "")
    if lists.sums_up(record.cells, cells):
        return Refused(record.line, (Reason("row", "total"),))
    findings: list[Finding] = []
    family_first = lists.family_first(layout.header.names.get("full_name", ""))
    row = lists.row_of(record.line, cells, places, findings, family_first=family_first)
    reasons = [_reason(one) for one in findings]
    role = role_of(cells["role"]) if cells.get("role") else Role.REPRESENTATIVE
    if role is None:
        reasons.append(Reason("role", "unknown", {"given": cells["role"][: lists.LONGEST_SHOWN]}))
    code = _tax_code(cells["tax_code"]) if cells.get("tax_code") else ""
    if code is None:
        reasons.append(Reason("tax_code", "unfit", {"given": cells["tax_code"][: lists.LONGEST_SHOWN]}))
    if row is None or role is None or code is None:
        return Refused(record.line, tuple(reasons), code or "")
    return Listed(row, role, code)


def _reason(one: Finding) -> Reason:
    uncertain = (one.field, one.code) == ("municipality", "unknown")  # which lists of bodies explain otherwise
    return Reason(one.field, "uncertain" if uncertain else one.code, one.values)


DAYS = ("since", "until")
KEPT = ("given_name", "family_name", "email", "phone", "territory", "organisation")


def as_kept(entry: Listed) -> dict[str, Any]:
    kept: dict[str, Any] = {name: value for name in KEPT if (value := getattr(entry.row, name))}
    kept |= {name: value.isoformat() for name in DAYS if (value := getattr(entry.row, name))}
    return {**kept, "role": str(entry.role)}


def entry_of(line: int, tax_code: str, _: object, kept: Mapping[str, Any]) -> Listed:
    since, until = (date.fromisoformat(kept[name]) if name in kept else None for name in DAYS)
    given, family, organisation = kept["given_name"], kept["family_name"], kept.get("organisation", "")
    email, phone, territory = kept.get("email"), kept.get("phone"), kept.get("territory")
    row = Row(line, given, family, email, phone, territory, since, until, organisation)
    return Listed(row, Role(kept["role"]), tax_code)


# --- what it means ---------------------------------------------------------------------------------------------------


def judge(entry: Listed, mandate: Mandate, others: Iterable[Mandate], on: date) -> Mandate | Reason:
    """The mandate that is there already, or this one if it can be given; else why not. `others`: those of its office.

    A mandate with the same days is there already; so is one that runs, for a row without days.
    """
    row = entry.row
    if row.since is None and row.until is not None and row.until <= on:
        return Reason("until", "past")
    there = [one for one in others if one.overlaps(mandate)]
    mine = [one for one in there if one.person_id == mandate.person_id]
    undated = row.since is None and row.until is None
    for one in mine:
        if undated or (one.until == row.until and row.since in (None, one.since)):
            return one
    if mine:
        return Reason("since", "overlaps", lists.days_of(mine[0]))
    try:
        return designate(mandate, there)
    except OfficeTaken as taken:
        return Reason("role", "taken", lists.days_of(taken.holder))
    except Misplaced as misplaced:
        return Reason(misplaced.path.strip("/").removesuffix("_id"), f"{misplaced.code}_for_role", {"role": entry.role})
    except InvalidTerm as term:
        return Reason(term.path.strip("/"), "term", {"accepted": term.accepted})


def days_of(mandate: Mandate) -> Changes:
    """As a row keeps what it has given: undoing looks whether it is still so."""
    return {
        "since": [None, mandate.since.isoformat()],
        "until": [None, mandate.until.isoformat() if mandate.until else None],
    }


def untouched(mandate: Mandate, given: Changes) -> bool:
    """Whether nobody has done anything with a mandate since it was given."""
    decided = mandate.accepted_on or mandate.ended_on or mandate.holds_over
    return not decided and days_of(mandate) == given
