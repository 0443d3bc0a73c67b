"""What becomes of what two records of one organisation have twice: of memberships, mandates, seats and commitments.

What has been is kept as it was. What cannot both go on, because one organisation has one referent and one seat, is for
people to decide first: the merge is refused, and names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.mandates.rules import Mandate
from services.registry.organisations.rules import Kind, Membership, State

STRENGTH = {State.WITHDRAWN: 0, State.CANDIDATE: 1, State.SUSPENDED: 2, State.ACTIVE: 3}


class SameOrganisation(Exception):
    """An organisation is no duplicate of itself."""


@dataclass(frozen=True)
class Conflict:
    """What stands in the way: a stable word, the network, what it concerns (names), and the ids on both sides."""

    code: str
    network_id: UUID | None
    what: str
    going: UUID | None = None
    staying: UUID | None = None


class Conflicts(Exception):
    """The two have what one organisation cannot have; nothing was moved."""

    def __init__(self, found: Sequence[Conflict]) -> None:
        super().__init__(", ".join(one.code for one in found))
        self.found = tuple(found)
        self.path, self.code, self.accepted = "/into_id", found[0].code, found[0].what
        self.named = "; ".join(one.what for one in found)
        self.more = {
            "conflicts": [
                {
                    "code": one.code,
                    "what": one.what,
                    "network_id": one.network_id and str(one.network_id),
                    "going": one.going and str(one.going),
                    "staying": one.staying and str(one.staying),
                }
                for one in found
            ]
        }


def combine(staying: Membership, going: Membership) -> bool:
    """Gives `staying` the states of both: on each day the stronger one (active, suspended, candidate, withdrawn).
    Contacts that it lacks it takes over, notes are put below its own. True if its state today, or its first day, is
    another one."""
    before = staying.state, staying.since
    days = sorted({date.fromisoformat(past["since"]) for m in (staying, going) for past in m.history}
                  | {staying.since, going.since})  # fmt: skip
    line: list[tuple[State, date]] = []
    for day in days:
        state = max((s for m in (staying, going) if (s := m.state_on(day)) is not None), key=STRENGTH.__getitem__)
        if not line or line[-1][0] != state:
            line.append((state, day))
    staying.history = [{"state": str(state), "since": since.isoformat()} for state, since in line[:-1]]
    staying.state, staying.since = line[-1]
    for name in ("email", "pec", "phone"):
        setattr(staying, name, getattr(staying, name) or getattr(going, name))
    notes = [text for text in (staying.notes, going.notes) if text]
    staying.notes = "\n\n".join(dict.fromkeys(notes))[:5_000] or None
    return (staying.state, staying.since) != before


FILLED = ("tax_code", "ownership", "municipality", "parent_id", "website", "sections", "territories")


def filled(staying: Mapping[str, Any], going: Mapping[str, Any], ids: tuple[UUID, UUID]) -> dict[str, Any]:
    """What the record that stays takes from the other one: only what it lacks itself, and a kind for none."""
    taken = {name: going[name] for name in FILLED if not staying[name] and going[name]}
    if taken.get("parent_id") in ids:
        del taken["parent_id"]
    if staying["kind"] == Kind.OTHER and going["kind"] != Kind.OTHER:
        taken["kind"] = going["kind"]
    return taken


@dataclass
class Reconciled:
    """Mandates by id: those that end with the merge (the person has the same one for the other record), those of the
    past that stood beside another's, and what stands in the way."""

    ended: set[UUID] = field(default_factory=set)
    beside: set[UUID] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)


def reconcile(going: Sequence[Mandate], staying: Sequence[Mandate], today: date) -> Reconciled:
    """Of two mandates in one office on one day: of one person the going record's ends today if both last; of two people
    in an office for one it is a conflict if both last. Of those that are over nothing changes but that they are noted
    as having stood beside another."""
    found = Reconciled()
    for one in going:
        for other in staying:
            if not one.overlaps(other) or _office(one) != _office(other):
                continue
            same = one.person_id == other.person_id
            if not same and not one.office.exclusive:
                continue
            if not (_lasts(one, today) and _lasts(other, today)):
                found.beside.add(other.id if _lasts(one, today) else one.id)
            elif same:
                found.ended.add(one.id)
                found.beside.add(one.id)
            else:
                found.conflicts.append(Conflict("two_holders", one.network_id, str(one.role), one.id, other.id))
    return found


def _office(mandate: Mandate) -> object:
    return replace(mandate.office, organisation_id=None)


def _lasts(mandate: Mandate, today: date) -> bool:
    return mandate.ends is None or mandate.ends > max(today, mandate.since)


@dataclass
class Seats:
    """Seats of one body for one member, of which one is enough: those to be closed, and what stands in the way."""

    closed: set[UUID] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)


def one_seat(
    pairs: Iterable[tuple[UUID, UUID, UUID]], held: Mapping[UUID, Sequence[Mandate]], ending: set[UUID], today: date
) -> Seats:
    """`pairs`: (network, the going record's seat, the staying one's), both open in one body; `held` the mandates by
    seat. The seat stays that is held; the going record's is closed when neither is, or one person holds both, whose
    mandate in it is put among those `ending`."""
    found = Seats()
    for network, going, staying in pairs:
        one = [m for m in held.get(going, ()) if _lasts(m, today)]
        other = [m for m in held.get(staying, ()) if _lasts(m, today)]
        if not one:
            found.closed.add(going)
        elif not other:
            found.closed.add(staying)
        elif {m.person_id for m in one} == {m.person_id for m in other}:
            found.closed.add(going)
            ending |= {m.id for m in one}
        else:
            found.conflicts.append(Conflict("two_seats", network, "seat", one[0].id, other[0].id))
    return found


WEIGHT = {"fulfilled": 2, "open": 1, "late": 1, "waived": 0}


def once_owed(pairs: Iterable[tuple[Any, Any]]) -> tuple[set[UUID], set[UUID]]:
    """Of what both owe by one rule (going's, staying's): the commitments noted as standing beside the other, and those
    of them that are waived because they are still open. What is fulfilled counts for both; else the staying record's
    goes on."""
    beside, waived = set(), set()
    for one, other in pairs:
        spare = other if WEIGHT[one.state] > WEIGHT[other.state] else one
        beside.add(spare.id)
        if spare.state in ("open", "late"):
            waived.add(spare.id)
    return beside, waived
