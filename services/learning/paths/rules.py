"""Learning paths: what is to be learnt, by whom, and how one gets onto them.

A path is a draft -> published -> withdrawn. A draft may change in everything; once published, whom it is for and how
one enrols stay as they are, because people are on it already. Its units may change at any time: each has an id that
stays with it, so that what somebody has done of it is still theirs. A withdrawn path takes nobody new; who is on it may
finish.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.learning.courses.rules import Unfit, Unit, edited, is_web_address, require_fit, with_course
from shared import territories
from shared.access.roles import Role

__all__ = ["Unfit", "Unit", "edited", "is_web_address", "with_course"]


class Audience(StrEnum):
    REPRESENTATIVES = "representatives"
    COMMUNITIES = "communities"
    ADMINISTRATORS = "administrators"


class Admission(StrEnum):
    """How one gets onto a path."""

    RULE = "rule"  # a mandate with one of the roles enrols its holder
    INVITATION = "invitation"  # the secretariat enrols
    OPEN = "open"  # whoever is signed in enrols themselves


class State(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


ROLES: dict[Audience, tuple[Role, ...]] = {
    Audience.REPRESENTATIVES: (Role.REFERENT, Role.REPRESENTATIVE, Role.DELEGATE, Role.COORDINATOR),
    Audience.COMMUNITIES: (Role.MEMBER,),
    Audience.ADMINISTRATORS: (),  # local administrators hold no mandate in the network
}
"""The roles whose holders are the audience; nobody's: those without any mandate."""

FIXED_ONCE_PUBLISHED = ("audience", "enrolment", "roles", "territories", "bodies")


class UnknownPath(Exception):
    """No path has this id, or none that the caller may see."""


class FixedOncePublished(Exception):
    """Whom a path is for and how one enrols change only while it is a draft."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.path, self.accepted = f"/{name}", "only while the path is a draft"


class NotPossibleNow(Exception):
    """What was asked does not go with the path's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


@dataclass(eq=False)
class Path:
    network_id: UUID
    title: str
    description: str
    audience: Audience
    enrolment: Admission
    roles: tuple[Role, ...] = ()
    due_days: int | None = None
    units: tuple[Unit, ...] = ()
    state: State = State.DRAFT
    published_on: date | None = None
    territories: tuple[str, ...] = ()
    bodies: tuple[UUID, ...] = ()
    renewed_after_months: int | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        self.roles = fitting_roles(self.audience, self.enrolment, self.roles)
        self.territories, self.bodies = fitting_places(self.enrolment, self.territories, self.bodies)
        require_fit(self.units)

    @property
    def unit_ids(self) -> frozenset[UUID]:
        return frozenset(unit.id for unit in self.units)

    def change(self, changes: Mapping[str, Any]) -> bool:
        """Takes the new values; False when nothing differs. Raises NotPossibleNow, FixedOncePublished, Unfit."""
        self._possible("edit")
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT:
            for name in FIXED_ONCE_PUBLISHED:
                if name in changed:
                    raise FixedOncePublished(name)
            if changed.get("units") == ():
                raise Unfit("/units", "too_short", "at least one unit, since the path is published")
        require_fit(changed.get("units", ()))
        audience, enrolment = (changed.get(name, getattr(self, name)) for name in ("audience", "enrolment"))
        if changed.keys() & set(FIXED_ONCE_PUBLISHED):
            moved = changed.keys() & {"audience", "enrolment"}
            kept = () if moved else self.roles  # the old roles were the old audience's
            changed["roles"] = fitting_roles(audience, enrolment, changes.get("roles", kept))
            by_rule = enrolment is Admission.RULE
            places = [changes.get(n, getattr(self, n) if by_rule else ()) for n in ("territories", "bodies")]
            changed["territories"], changed["bodies"] = fitting_places(enrolment, *places)
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def publish(self, on: date) -> None:
        """From now on it is told, and enrols. Raises Unfit without any unit, NotPossibleNow."""
        self._possible("publish")
        if not self.units:
            raise Unfit("/units", "too_short", "at least one unit, before the path is published")
        self.state, self.published_on = State.PUBLISHED, on

    def withdraw(self) -> None:
        self._possible("withdraw")
        self.state = State.WITHDRAWN

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        possible = {
            "edit": self.state is not State.WITHDRAWN,
            "publish": self.state is State.DRAFT,
            "withdraw": self.state is State.PUBLISHED,
            "enrol": self.state is State.PUBLISHED,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        self._possible(action)

    def _possible(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


def fitting_roles(audience: Audience, enrolment: Admission, roles: Iterable[Role]) -> tuple[Role, ...]:
    """The roles that enrol, in the order of the audience's own: all of them unless some are named. Raises Unfit."""
    named, own = set(roles), ROLES[audience]
    if enrolment is not Admission.RULE:
        if named:
            raise Unfit("/roles", "not_allowed", f"only with enrolment {Admission.RULE}")
        return ()
    if not own:
        accepted = [str(a) for a in Admission if a is not Admission.RULE]
        raise Unfit("/enrolment", "no_mandate", accepted)
    if named - set(own):
        raise Unfit("/roles", "another_audience", [str(role) for role in own])
    return tuple(role for role in own if role in named) or own


def fitting_places(
    enrolment: Admission, places: Iterable[str], bodies: Iterable[UUID]
) -> tuple[tuple[str, ...], tuple[UUID, ...]]:
    """Where the mandates that enrol are held, each once and in an order of its own. Raises Unfit."""
    italy = territories.load()
    for name, given in (("territories", places := tuple(places)), ("bodies", bodies := tuple(bodies))):
        if given and enrolment is not Admission.RULE:
            raise Unfit(f"/{name}", "not_allowed", f"only with enrolment {Admission.RULE}")
    codes = set()
    for place, written in enumerate(places):
        code = italy.code_of(written)
        if code is None:
            raise Unfit(f"/territories/{place}", "unknown", "a region (03), a province (097) or a municipality (E507)")
        codes.add(code)
    return tuple(sorted(codes)), tuple(sorted(set(bodies)))


def audiences(roles: Collection[str]) -> frozenset[Audience]:
    """The audiences to which somebody with these roles in a network belongs. The secretariat's own role makes nobody a
    learner; without any role one is a local administrator, or might be."""
    if not roles:
        return frozenset({Audience.ADMINISTRATORS})
    return frozenset(audience for audience, own in ROLES.items() if set(own) & set(roles))
