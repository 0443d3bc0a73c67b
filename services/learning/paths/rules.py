"""Learning paths: what is to be learnt, by whom, and how one gets onto them.

A path is a draft -> published -> withdrawn. A draft may change in everything; once published, whom it is for and how
one enrols stay as they are, because people are on it already. Its units may change at any time: each has an id that
stays with it, so that what somebody has done of it is still theirs. A withdrawn path takes nobody new; who is on it may
finish.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.roles import Role

LONGEST = 100
"""Units of a path: they are read on one page."""


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

FIXED_ONCE_PUBLISHED = ("audience", "enrolment", "roles")


class UnknownPath(Exception):
    """No path has this id, or none that the caller may see."""


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


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


@dataclass(frozen=True)
class Unit:
    """A step of a path: a text to read, a link to open, or both; `minutes` is how long it takes."""

    title: str
    text: str = ""
    url: str | None = None
    minutes: int | None = None
    id: UUID = field(default_factory=uuid7)


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
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        self.roles = fitting_roles(self.audience, self.enrolment, self.roles)
        require_links(self.units)

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
        require_links(changed.get("units", ()))
        audience, enrolment = (changed.get(name, getattr(self, name)) for name in ("audience", "enrolment"))
        if changed.keys() & set(FIXED_ONCE_PUBLISHED):
            moved = changed.keys() & {"audience", "enrolment"}
            kept = () if moved else self.roles  # the old roles were the old audience's
            changed["roles"] = fitting_roles(audience, enrolment, changes.get("roles", kept))
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


def require_links(units: Sequence[Unit]) -> None:
    """A link leads to a page of the web: nothing else may stand behind a link on our pages. Raises Unfit."""
    for place, unit in enumerate(units):
        if unit.url is not None and not is_web_address(unit.url):
            raise Unfit(f"/units/{place}/url", "url", "an address that begins with https:// or http://")


def is_web_address(url: str) -> bool:
    if any(c.isspace() or not c.isprintable() for c in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets that are no address
        return False


def edited(units: Sequence[Unit], wanted: Sequence[tuple[UUID | None, Mapping[str, Any]]]) -> tuple[Unit, ...]:
    """The units as somebody has edited them: those that name an id keep it, the others are new. Raises Unfit for an id
    that is none of the path's, or is named twice."""
    known, seen, made = {unit.id for unit in units}, set(), []
    for place, (id_, content) in enumerate(wanted):
        if id_ is not None and (id_ not in known or id_ in seen):
            code = "repeated" if id_ in seen else "unknown"
            raise Unfit(f"/units/{place}/id", code, "the id of a unit of this path, once; none for a new unit")
        seen.add(id_)
        made.append(Unit(**content, id=id_) if id_ else Unit(**content))
    return tuple(made)


def audiences(roles: Collection[str]) -> frozenset[Audience]:
    """The audiences to which somebody with these roles in a network belongs. The secretariat's own role makes nobody a
    learner; without any role one is a local administrator, or might be."""
    if not roles:
        return frozenset({Audience.ADMINISTRATORS})
    return frozenset(audience for audience, own in ROLES.items() if set(own) & set(roles))
