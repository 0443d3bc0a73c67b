"""The shape of a network's rule, as it is sent, kept and read again: which fact, when it counts, who is told, in which
words, by which channels, and when. What the shape cannot say is checked in `rules.py`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.access.roles import Role
from shared.runtime.shapes import Request, line, prose

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Number = Annotated[int, Field(ge=-(2**53), le=2**53)] | Annotated[float, Field(ge=-1e15, le=1e15)]
Scalar = bool | Number | Annotated[str, line(500)]
MOST_CONDITIONS, MOST_AUDIENCES, MOST_PEOPLE, MOST_VALUES = 20, 10, 200, 100
MOST_DAYS = 365
MOST_LEVELS = 5


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    IN = "in"
    GT = "gt"
    LT = "lt"
    EXISTS = "exists"
    WITHIN = "within"


class Channel(StrEnum):
    EMAIL = "email"
    INBOX = "inbox"
    PEC = "pec"


class Condition(Request):
    """`value` is a list for `in`, true or false for `exists`, a territory for `within` (with what lies in it)."""

    field: FieldName
    op: Op
    value: Scalar | Annotated[list[Scalar], Field(min_length=1, max_length=MOST_VALUES)]


class Filter(Request):
    """Without conditions everything counts."""

    match: Literal["all", "any"] = "all"
    conditions: Annotated[tuple[Condition, ...], Field(max_length=MOST_CONDITIONS)] = ()


class OfTheFact(Request):
    """Whom a field of the fact names: a person, or a list of them."""

    kind: Literal["field"]
    field: FieldName


class Secretariat(Request):
    """The network's secretariat."""

    kind: Literal["secretariat"]


class Coordinators(Request):
    """Who coordinates what the fact is about. Level 0 is its body (or without one its territory), level 1 the first
    body above it in which there is anybody, and so on. In a body its coordinators are told, else its people, else the
    coordinators of its territory."""

    kind: Literal["coordinators"]
    levels: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MOST_LEVELS)], ...], Field(min_length=1, max_length=MOST_LEVELS + 1)
    ] = (0,)


class Holders(Request):
    """Who holds a role: anywhere in the network, in one body or territory, or in the fact's own (`where`)."""

    kind: Literal["role"]
    role: Role
    where: Literal["network", "body", "territory"] = "network"
    body_id: UUID | None = None
    territory: Annotated[str, line(20)] | None = None


class Named(Request):
    """People of the network, by name."""

    kind: Literal["people"]
    people: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_PEOPLE)]


class Representatives(Request):
    """Who speaks for an organisation that a field of the fact names."""

    kind: Literal["organisation"]
    field: FieldName
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=7)] = (Role.REFERENT,)


Audience = Annotated[
    OfTheFact | Secretariat | Coordinators | Holders | Named | Representatives, Field(discriminator="kind")
]


class Words(Request):
    """In both languages. `{{field}}` stands for what the fact says there."""

    it: Annotated[str, prose(4000)]
    en: Annotated[str, prose(4000)]


class Line(Request):
    it: Annotated[str, line(200)]
    en: Annotated[str, line(200)]


class Template(Request):
    """A topic of the platform, or subject and text of the network's own."""

    topic: Annotated[str, line(60)] | None = None
    subject: Line | None = None
    text: Words | None = None


class AtOnce(Request):
    kind: Literal["at_once"]


class After(Request):
    """So long after the fact, to the hour."""

    kind: Literal["after"]
    days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    hours: Annotated[int, Field(ge=0, le=23)] = 0


class Relative(Request):
    """So many days before (negative) or after a day or an instant that the fact names, by Italy's clocks: at `hour`, or
    at the hour of the instant itself, or at eight for a day. It moves with what the fact names."""

    kind: Literal["relative"]
    field: FieldName
    days: Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)]
    hour: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None


Delay = Annotated[AtOnce | After | Relative, Field(discriminator="kind")]


class Definition(Request):
    """A rule. `still` is asked again, of the newest state, when a telling that was put off comes; `cancelled_by` are
    states of the thing that call it off."""

    name: Annotated[str, line(120)]
    fact_type: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}\.[a-z_]{1,40}$")]
    filter: Filter = Filter()
    audience: Annotated[tuple[Audience, ...], Field(min_length=1, max_length=MOST_AUDIENCES)]
    template: Template
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=3)] = (Channel.EMAIL,)
    delay: Delay = AtOnce(kind="at_once")
    still: Filter | None = None
    cancelled_by: Annotated[tuple[Annotated[str, line(40)], ...], Field(max_length=10)] = ()
    active: bool = True
