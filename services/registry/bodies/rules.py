"""Bodies: the organs of a network, who belongs to them, and how many must be there.

How a body is composed is data: a seat for each active member, named seats, whoever holds a role in its territory, or
whoever joins. A seat is an object of its own, there from a day until a day whether or not somebody holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.mandates.rules import NEEDS, InvalidTerm, Mandate, Need
from shared.access.actor import EARLIEST, LATEST
from shared.access.roles import Role


class Kind(StrEnum):
    EXECUTIVE_COMMITTEE = "executive_committee"
    SECRETARIAT = "secretariat"
    REGIONAL_COORDINATION = "regional_coordination"
    WORKING_GROUP = "working_group"
    COMMUNITY_OF_PRACTICE = "community_of_practice"
    ASSEMBLY = "assembly"


class State(StrEnum):
    """In the order in which a body passes through them; it never goes back."""

    FORMING = "forming"
    CONSTITUTED = "constituted"
    DISSOLVED = "dissolved"


class Composition(StrEnum):
    """Who belongs to a body. The first two have seats."""

    ONE_PER_MEMBER = "one_per_member"
    FIXED = "fixed"
    BY_TERRITORY = "by_territory"
    OPEN = "open"


Term = tuple[date, date | None]
"""From the first day on which a role is held to the first on which it is not any more; None: nobody knows."""

SEATED = frozenset({Composition.ONE_PER_MEMBER, Composition.FIXED})


class InvalidBody(Exception):
    """A field holds what it may not; `path` is the field, `code` a stable word, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str | None = None) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class InvalidPlace(InvalidBody):
    """The mandate does not go with the body or the seat that it names."""


class SeatOfAnother(Exception):
    """The seat belongs to another organisation than the one for which the mandate would be given."""

    def __init__(self, owner: UUID) -> None:
        super().__init__(f"the seat is organisation {owner}'s")
        self.owner = self.accepted = owner


class BodyDissolved(Exception):
    """The body is no more since `dissolved_on`."""

    def __init__(self, dissolved_on: date | None) -> None:
        super().__init__(f"dissolved on {dissolved_on}")
        self.dissolved_on = dissolved_on


class ConstitutedAlready(Exception):
    """Only a forming body is constituted."""

    def __init__(self, constituted_on: date | None) -> None:
        super().__init__(f"constituted on {constituted_on}")
        self.constituted_on = constituted_on


class HasParts(Exception):
    """Bodies that hang below this one would be left without it."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = list(names)


class SeatClosed(Exception):
    """The seat is there until `until` only."""

    def __init__(self, until: date) -> None:
        super().__init__(f"closed on {until}")
        self.until = until


class NotByHand(Exception):
    """The seats of this body follow something else: `composition` says what."""

    def __init__(self, composition: Composition) -> None:
        super().__init__(composition)
        self.composition = composition


class ByItsPath(Exception):
    """A regional coordination is constituted by its path, when the last requirement is met."""


class NotOpen(Exception):
    """Nobody joins or leaves this body by themselves."""

    def __init__(self, composition: Composition) -> None:
        super().__init__(composition)
        self.composition = composition


class NotThere(Exception):
    """The person is not in the body."""


LARGEST = 1_000_000
"""No assembly of ours is larger; a figure beyond it is a slip of the pen."""


@dataclass(frozen=True)
class Quorum:
    """How many must be there: that fraction of those entitled, or more than it if `exceeded`; never fewer than
    `at_least`."""

    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    at_least: int = 1

    def check(self, path: str) -> None:
        """Raises InvalidBody: the fraction lies between 0 and 1, and more than all of them cannot be asked for."""
        if not 1 <= self.denominator <= LARGEST:
            raise InvalidBody(f"{path}/denominator", "range", f"1 to {LARGEST}")
        most = self.denominator - 1 if self.exceeded else self.denominator
        if not 0 <= self.numerator <= most:
            raise InvalidBody(f"{path}/numerator", "range", f"0 to {most}")
        if not 1 <= self.at_least <= LARGEST:
            raise InvalidBody(f"{path}/at_least", "range", f"1 to {LARGEST}")


@dataclass(frozen=True)
class Defaults:
    """What a body of a kind is unless somebody says otherwise."""

    composition: Composition
    roles: tuple[Role, ...] = ()
    first_call: Quorum = Quorum()
    second_call: Quorum | None = None
    forming: bool = False


ROLES: dict[Composition, tuple[Role, ...]] = {
    Composition.ONE_PER_MEMBER: (Role.REFERENT,),
    Composition.FIXED: (),
    Composition.BY_TERRITORY: (Role.REPRESENTATIVE, Role.COORDINATOR),
    Composition.OPEN: (Role.MEMBER,),
}
HALF, ANY_NUMBER = Quorum(1, 2, exceeded=False), Quorum(0, 1, exceeded=False)
"""Art. 21 of the civil code: in first call at least half of the members, in second call however many come."""

DEFAULTS: dict[Kind, Defaults] = {
    Kind.EXECUTIVE_COMMITTEE: Defaults(Composition.ONE_PER_MEMBER, (Role.REFERENT,)),
    Kind.SECRETARIAT: Defaults(Composition.FIXED),
    Kind.REGIONAL_COORDINATION: Defaults(
        Composition.BY_TERRITORY, (Role.REPRESENTATIVE, Role.COORDINATOR), forming=True
    ),
    Kind.WORKING_GROUP: Defaults(Composition.FIXED),
    Kind.COMMUNITY_OF_PRACTICE: Defaults(Composition.OPEN, (Role.MEMBER,)),
    Kind.ASSEMBLY: Defaults(Composition.ONE_PER_MEMBER, (Role.DELEGATE,), HALF, ANY_NUMBER),
}

MOST_PROXIES = 50
FEW_PROXIES, MANY_PROXIES, MANY_MEMBERS = 3, 5, 500
"""Art. 24, paragraph 3, d.lgs. 117/2017: up to three members under five hundred, up to five from there on."""

# Which roles a composition can be made of: the organisation or the territory that makes them members must be theirs.
FITTING: dict[Composition, tuple[Role, ...]] = {
    Composition.ONE_PER_MEMBER: (Role.REFERENT, Role.REPRESENTATIVE, Role.DELEGATE, Role.MEMBER),
    Composition.FIXED: (),
    Composition.BY_TERRITORY: (Role.COORDINATOR, Role.REPRESENTATIVE, Role.DELEGATE, Role.MEMBER),
    Composition.OPEN: (Role.MEMBER, Role.REPRESENTATIVE, Role.DELEGATE, Role.COMMUNITY_MAKER),
}

NEEDING = (Kind.WORKING_GROUP, Kind.COMMUNITY_OF_PRACTICE)
NEEDED = (Role.COMMUNITY_MAKER,)
"""Groups may need somebody in a role: without anybody in office in it they are uncovered."""


@dataclass(eq=False)
class Body:
    """An organ of a network. `roles` are those that make somebody belong to it (none where each seat has its own)."""

    network_id: UUID
    name: str
    kind: Kind
    composition: Composition
    roles: list[str] = field(default_factory=list)
    state: State = State.FORMING
    territory: str | None = None
    parent_id: UUID | None = None
    first_call: Quorum = Quorum()
    second_call: Quorum | None = None  # None: its meetings have one call only
    proxies: int = 0  # how many absent members one member may stand for
    constituted_on: date | None = None
    dissolved_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0
    needed_role: Role | None = None  # somebody must be in office in it
    needed_since: date | None = None  # the day on which that was decided
    uncovered_since: date | None = None  # the first day on which nobody was; None: somebody is

    @property
    def seated(self) -> bool:
        return self.composition in SEATED

    def change(self, values: dict[str, object], members: int, on: date) -> bool:
        """Takes the fields given; True if one of them differs. `members` are the network's active ones. Raises
        InvalidBody, BodyDissolved."""
        self.require_living()
        different = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in different.items():
            setattr(self, name, value)
        if "needed_role" in different:
            self.need(self.needed_role, on)
        check(self)
        if "proxies" in different:
            check_proxies(self, members)
        return bool(different)

    def constitute(self, on: date) -> None:
        """The body acts from that day on. Raises ConstitutedAlready, BodyDissolved."""
        self.require_living()
        if self.state is not State.FORMING:
            raise ConstitutedAlready(self.constituted_on)
        self.state, self.constituted_on = State.CONSTITUTED, on

    def dissolve(self, on: date) -> None:
        self.require_living()
        self.state, self.dissolved_on, self.uncovered_since = State.DISSOLVED, on, None

    def need(self, role: Role | None, since: date) -> None:
        """Somebody must be in office in the role from that day on; None: nobody must. Where people join by themselves
        the role is open to those whom the network designates."""
        self.needed_role, self.needed_since, self.uncovered_since = role, since if role else None, None
        if role is not None and self.composition is Composition.OPEN and role not in self.roles:
            self.roles = [*self.roles, str(role)]

    def cover(self, terms: Iterable[Term], on: date) -> bool:
        """Takes over whether somebody holds the role on that day; `terms` are those of its holders, past and future.
        True when that differs from what was told."""
        since = None
        if self.needed_since is not None and self.state is not State.DISSOLVED:
            since = uncovered_since(terms, self.needed_since, on)
        told, self.uncovered_since = self.uncovered_since, since
        return (told is None) != (since is None)

    def require_living(self) -> None:
        if self.state is State.DISSOLVED:
            raise BodyDissolved(self.dissolved_on)


@dataclass(eq=False)
class Seat:
    """A place in a body, held or vacant, from `since` until `until` (exclusive; None: as long as the body)."""

    body_id: UUID
    network_id: UUID
    title: str
    role: Role
    since: date
    organisation_id: UUID | None = None
    until: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def exists(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)

    def close(self, on: date) -> None:
        """There no longer from that day. Raises SeatClosed if that is decided already, InvalidBody before it began."""
        if self.until is not None:
            raise SeatClosed(self.until)
        if on < self.since:
            raise InvalidBody("on", "too_early", f"from {self.since}")
        self.until = on


def uncovered_since(terms: Iterable[Term], needed_since: date, on: date) -> date | None:
    """The first day since which nobody holds the role, as seen on that day: the one after the last holder's last, or
    the one from which somebody is needed at all. None while somebody holds it."""
    since = needed_since
    for begins, ends in terms:
        if begins > on or begins == ends:
            continue
        if ends is None or ends > on:
            return None
        since = max(since, ends)
    return since


def proxies_allowed(kind: Kind, members: int) -> int:
    """How many absent members one may stand for: the law's limit for assemblies."""
    if kind is not Kind.ASSEMBLY:
        return MOST_PROXIES
    return MANY_PROXIES if members >= MANY_MEMBERS else FEW_PROXIES


def proxies_by_default(kind: Kind, members: int) -> int:
    return proxies_allowed(kind, members) if kind is Kind.ASSEMBLY else 0


def roles_by_default(kind: Kind, composition: Composition) -> tuple[Role, ...]:
    usual = DEFAULTS[kind]
    return usual.roles if composition is usual.composition else ROLES[composition]


def check(body: Body) -> None:
    """Raises InvalidBody with the first field that cannot stand."""
    if body.composition is Composition.BY_TERRITORY and body.territory is None:
        raise InvalidBody("territory", "missing", "03, 097, E507")
    if body.constituted_on is not None and body.constituted_on < EARLIEST:
        raise InvalidBody("constituted_on", "too_early", f"from {EARLIEST}")
    if body.parent_id == body.id:
        raise InvalidBody("parent_id", "itself", "another body of the network")
    _check_need(body)
    _check_roles(body)
    body.first_call.check("first_call")
    if body.second_call is not None:
        body.second_call.check("second_call")


def check_proxies(body: Body, members: int) -> None:
    """When they are decided, not later: a network that shrinks below five hundred is not told at a change of name."""
    most = proxies_allowed(body.kind, members)
    if not 0 <= body.proxies <= most:
        raise InvalidBody("proxies", "range", f"0 to {most}")


def _check_need(body: Body) -> None:
    if body.needed_role is None:
        return
    if body.kind not in NEEDING or body.composition not in (Composition.FIXED, Composition.OPEN):
        kinds = ", ".join(NEEDING)
        raise InvalidBody("needed_role", "not_allowed", f"none, but in a body of kind {kinds} with seats or open")
    if body.needed_role not in NEEDED:
        raise InvalidBody("needed_role", "unfit", ", ".join(NEEDED))


def _check_roles(body: Body) -> None:
    fitting = FITTING[body.composition]
    if any(role not in fitting for role in body.roles):
        raise InvalidBody("roles", "unfit", ", ".join(fitting) or "none: each seat has its own")
    if body.composition is Composition.ONE_PER_MEMBER and len(body.roles) != 1:
        raise InvalidBody("roles", "one", "one of " + ", ".join(fitting))
    if body.composition is Composition.BY_TERRITORY and not body.roles:
        raise InvalidBody("roles", "missing", ", ".join(fitting))
    if body.composition is Composition.OPEN and Role.MEMBER not in body.roles:
        raise InvalidBody("roles", "missing", Role.MEMBER)
    if body.composition is Composition.OPEN and body.needed_role not in (None, *body.roles):
        raise InvalidBody("roles", "missing", body.needed_role)


def check_seat(body: Body, seat: Seat, path: str = "") -> Seat:
    """A seat made by hand. Raises NotByHand, BodyDissolved, InvalidBody."""
    body.require_living()
    if body.composition is not Composition.FIXED:
        raise NotByHand(body.composition)
    if seat.role is Role.SECRETARIAT and body.kind is not Kind.SECRETARIAT:
        # its holders act for the whole network, whatever body they sit in
        raise InvalidBody(f"{path}role", "unfit", ", ".join(role for role in Role if role is not Role.SECRETARIAT))
    if not EARLIEST <= seat.since <= LATEST:
        raise InvalidBody(f"{path}since", "range", f"{EARLIEST} to {LATEST}")
    if seat.organisation_id is not None and NEEDS[seat.role][0] is Need.NEVER:
        raise InvalidBody(f"{path}organisation_id", "not_allowed", "none: this role acts for the network")
    return seat


def place(mandate: Mandate, body: Body, seat: Seat | None) -> Mandate:
    """The mandate, if it goes with the body and the seat that it names.

    Raises BodyDissolved, InvalidPlace, SeatOfAnother, SeatClosed, InvalidTerm.
    """
    if body.network_id != mandate.network_id:
        raise InvalidPlace("body_id", "of_another_network", "a body of this network")
    body.require_living()
    if body.composition is Composition.BY_TERRITORY:
        raise InvalidPlace("body_id", "follows_territory", "a mandate with a territory, without a body")
    if not body.seated:
        if seat is not None:
            raise InvalidPlace("seat_id", "not_allowed", "none: the body has no seats")
        if mandate.role not in body.roles:
            raise InvalidPlace("role", "unfit", ", ".join(body.roles))
        return mandate
    if seat is None:
        raise InvalidPlace("seat_id", "missing", "a seat of the body")
    if seat.body_id != body.id:
        raise InvalidPlace("seat_id", "of_another_body", "a seat of the body")
    if seat.organisation_id is not None and seat.organisation_id != mandate.organisation_id:
        raise SeatOfAnother(seat.organisation_id)
    if seat.role != mandate.role:
        raise InvalidPlace("role", "unfit", seat.role)
    _check_days(mandate, seat)
    return mandate


def _check_days(mandate: Mandate, seat: Seat) -> None:
    if mandate.since < seat.since:
        raise InvalidTerm("since", f"from {seat.since}, when the seat begins")
    if seat.until is None:
        return
    if mandate.since >= seat.until:
        raise SeatClosed(seat.until)
    if mandate.ends is None or mandate.ends > seat.until:
        raise InvalidTerm("until", f"not after {seat.until}, when the seat is closed")
