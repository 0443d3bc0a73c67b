"""Taking in a batch of affiliates: a dozen statements whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, EmailStr, Field, JsonValue, ValidationError
from sqlalchemy import DateTime, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.affiliates import queries, rules
from services.registry.affiliates.rules import LARGEST_BATCH, NoSuchState, Outcome, Refusal, Row
from services.registry.bodies import commands as bodies
from services.registry.commitments import commands as commitments
from services.registry.organisations import commands as organisations
from services.registry.organisations import queries as organisation_queries
from services.registry.organisations import rules as organisation_rules
from services.registry.organisations.commands import SectionEntry
from services.registry.organisations.rules import (
    InvalidOrganisation,
    InvalidTaxCode,
    Kind,
    Membership,
    Organisation,
    Ownership,
    Section,
    State,
)
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.shapes import Request


class Affiliate(Request):
    """A row: what `POST …/organisations` takes, without its parent. Known by its tax code, an informal group by its
    name and municipality; of a known one what the row leaves empty stays as it is."""

    name: str = Field(min_length=1, max_length=organisation_rules.LONGEST_TITLE)
    tax_code: str | None = Field(default=None, max_length=40)
    kind: Kind | None = None
    ownership: Ownership | None = None
    sections: tuple[SectionEntry, ...] = Field(default=(), max_length=20)
    municipality: str | None = Field(default=None, max_length=4)
    territories: tuple[str, ...] = Field(default=(), max_length=200)
    website: str | None = Field(default=None, max_length=300, pattern=r"^https?://[^\s]+$")
    email: EmailStr | None = None
    pec: EmailStr | None = None
    phone: str | None = Field(default=None, max_length=60)


class Enrolment(BaseModel):
    """Rows as `Affiliate` describes them, each judged by itself; `state` (candidate or active) and `since` are those of
    the memberships that begin: active if not said, candidate when whoever speaks for the parent sends them."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "name": "Comitato di Lecco",
                            "tax_code": "92034550138",
                            "kind": "association",
                            "sections": [{"code": "aps", "since": "2022-11-07"}],
                            "municipality": "E507",
                            "email": "lecco@example.org",
                        }
                    ]
                }
            ]
        },
    )

    items: Annotated[tuple[dict[str, JsonValue], ...], Field(min_length=1, max_length=LARGEST_BATCH)]
    state: State | None = Field(default=None, description="`candidate` or `active`")
    since: date | None = None


@dataclass
class Batch:
    """A batch on its way: what it makes, changes and joins, and what became of each row."""

    network_id: UUID
    parent: Organisation
    state: State
    since: date
    keeper: bool
    now: datetime
    rows: list[Row] = field(default_factory=list)
    new: list[Organisation] = field(default_factory=list)
    changed: list[Organisation] = field(default_factory=list)
    joining: list[Membership] = field(default_factory=list)
    contacts: list[Membership] = field(default_factory=list)


async def enrol(
    session: AsyncSession, actor: Actor, ref: str, parent_id: UUID, request: Enrolment, *, now: datetime
) -> Batch:
    """Raises NotFound, NoSuchState, InvalidOrganisation; what is wrong with a row is said with it."""
    network_id, parent = await queries.parent_of(session, actor, ref, parent_id, now)
    policy.require(actor, Right.ENROL_AFFILIATES, network=network_id, organisation=parent_id, on=now)
    keeper = policy.has(actor, Right.MANAGE_MEMBERSHIPS, network=network_id, on=now)
    state = request.state or (State.ACTIVE if keeper else State.CANDIDATE)
    if state not in {State.CANDIDATE, State.ACTIVE}:
        raise InvalidOrganisation("state", "not_first", "candidate, active")
    if state is State.ACTIVE and not keeper:
        raise NoSuchState
    since = request.since or day(now)
    organisation_rules.check_since(since)
    batch = Batch(network_id, parent, state, since, keeper, now)
    read = [_read(number, item, batch) for number, item in enumerate(request.items, 1)]
    await _judge(session, batch, [(row, values) for row, values in read if values is not None])
    await _write(session, batch)
    return batch


Values = dict[str, Any]
CONTACTS = ("email", "pec", "phone")


def _read(number: int, item: dict[str, JsonValue], batch: Batch) -> tuple[Row, Values | None]:
    """The row as it would be kept; None, and the refusal with the row, when it cannot be."""
    row = Row(number)
    batch.rows.append(row)
    try:
        given = Affiliate.model_validate(item)
        row.name = " ".join(given.name.split())
        return row, _values(given, row.name, batch.since)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        row.refusal = Refusal("/".join(map(str, first["loc"])), first["type"], first["msg"])
    except InvalidTaxCode as error:
        row.refusal = Refusal("tax_code", error.code)
    except InvalidOrganisation as error:
        row.refusal = Refusal(error.path.lstrip("/"), error.code, error.accepted)
    return row, None


def _values(given: Affiliate, title: str, since: date) -> Values:
    sections = organisation_rules.section_list(Section(s.code, s.since, s.until) for s in given.sections)
    values: Values = {
        "title": title,
        "tax_code": None if given.tax_code is None else organisation_rules.tax_code(given.tax_code),
        "kind": given.kind,
        "ownership": given.ownership,
        "sections": sections,
        "municipality": None if given.municipality is None else organisation_rules.municipality(given.municipality),
        "territories": organisation_rules.territory_codes(given.territories),
        "website": given.website,
    }
    if not title:
        raise InvalidOrganisation("name", "missing")
    organisation_rules.check_sections(given.kind or Kind.OTHER, given.ownership, sections)
    organisation_rules.check_kind(given.kind or Kind.OTHER, since)
    return values | {name: getattr(given, name) for name in CONTACTS}


async def _judge(session: AsyncSession, batch: Batch, read: Sequence[tuple[Row, Values]]) -> None:
    """Finds who is meant, and decides about each row; nothing is written yet."""
    codes = {values["tax_code"] for _, values in read} - {None}
    by_code = await organisation_queries.by_tax_code(session, codes)
    unnamed = {}
    if any(values["tax_code"] is None for _, values in read):
        unnamed = await queries.without_code(session, batch.network_id, batch.parent.id)
    known = [*by_code.values(), *unnamed.values()]
    belonging = await queries.memberships_of(session, batch.network_id, [one.id for one in known])
    circles = organisation_rules.adopt(
        {one.id: batch.parent.id for one in known},
        {one.id: one.parent_id for one in known} | await organisation_queries.lines(session, [batch.parent.id]),
    )
    seen: set[object] = set()
    for row, values in read:
        code, name = values["tax_code"], (values["title"].casefold(), values["municipality"])
        identity: object = code or name
        found = by_code.get(code) if code else unnamed.get(name)
        if identity in seen or (found is not None and found.id in seen):
            row.refusal = Refusal("tax_code" if values["tax_code"] else "name", "repeated", "each organisation once")
            continue
        seen |= {identity, found.id if found else identity}
        if found is None:
            _create(batch, row, values)
        elif (why := _obstacle(batch, found, belonging.get(found.id), circles)) is not None:
            row.refusal = why
        else:
            _update(batch, row, found, belonging.get(found.id), values)


def _obstacle(
    batch: Batch, found: Organisation, membership: Membership | None, circles: dict[UUID, str]
) -> Refusal | None:
    state = membership.state if membership else None
    why = rules.obstacle(batch.parent.id, found.id, found.parent_id, state, keeper=batch.keeper)
    if why is None and found.id in circles:
        return Refusal("tax_code", circles[found.id])
    return why


def _create(batch: Batch, row: Row, values: Values) -> None:
    record = {name: value for name, value in values.items() if name not in CONTACTS}
    if record["kind"] is None:
        record["kind"] = Kind.OTHER if record["tax_code"] else Kind.INFORMAL_GROUP
    made = Organisation(**record, created_at=batch.now, updated_at=batch.now, parent_id=batch.parent.id)
    try:
        organisation_rules.check(made)
    except InvalidOrganisation as error:
        row.refusal = Refusal(error.path.lstrip("/"), error.code, error.accepted)
        return
    batch.new.append(made)
    _join(batch, made, values)
    row.outcome, row.organisation_id = Outcome.CREATED, made.id


def _update(batch: Batch, row: Row, found: Organisation, membership: Membership | None, values: Values) -> None:
    """Of a body of several networks only the parent is entered by one that it joins: its record is others' too."""
    record = {name: getattr(found, name) for name in values if name not in CONTACTS}
    given = {name: values[name] for name in record if name != "tax_code"}
    changes = rules.different(record, given) if membership else {}
    if found.parent_id is None:
        changes["parent_id"] = batch.parent.id
    try:
        merged = {**record, **changes}
        organisation_rules.check_sections(merged["kind"], merged["ownership"], merged["sections"])
    except InvalidOrganisation as error:
        row.refusal = Refusal(error.path.lstrip("/"), error.code, error.accepted)
        return
    if changes and found.change(changes, batch.now):
        batch.changed.append(found)
    row.organisation_id, row.name = found.id, found.title
    row.outcome = Outcome.UPDATED if changes else Outcome.UNCHANGED
    if membership is None:
        _join(batch, found, values)
        row.outcome = Outcome.CREATED
    elif noted := rules.different({n: getattr(membership, n) for n in CONTACTS}, {n: values[n] for n in CONTACTS}):
        for name, value in noted.items():
            setattr(membership, name, value)
        batch.contacts.append(membership)
        row.outcome = Outcome.UPDATED


def _join(batch: Batch, one: Organisation, values: Values) -> None:
    contacts = {name: values[name] for name in CONTACTS}
    made = Membership(batch.network_id, one.id, batch.state, batch.since, batch.now, batch.now, **contacts)
    batch.joining.append(made)


NOTE = text(
    "update memberships m set email = n.email, pec = n.pec, phone = n.phone, updated_at = :now, version = m.version + 1"
    " from json_populate_recordset(null::memberships, cast(:rows as json)) n where m.id = n.id"
).bindparams(bindparam("rows", type_=Text), bindparam("now", type_=DateTime(timezone=True)))


async def _write(session: AsyncSession, batch: Batch) -> None:
    await organisation_queries.write(session, batch.changed, batch.now)
    if batch.contacts:
        noted = [{name: getattr(one, name) for name in ("id", *CONTACTS)} for one in batch.contacts]
        for one in batch.contacts:
            session.expunge(one)  # the statement below has all that changed
        await session.execute(NOTE, {"rows": orjson.dumps(noted, default=str).decode(), "now": batch.now})
    session.add_all(batch.new)
    await session.flush()
    session.add_all(batch.joining)
    await session.flush()
    await stage(
        session,
        *(organisations.organisation_fact(facts.OrganisationRegistered, one) for one in batch.new),
        *(organisations.organisation_fact(facts.OrganisationChanged, one) for one in batch.changed),
        *(organisations.membership_fact(organisations.FACT_OF[batch.state], one) for one in batch.joining),
    )
    if batch.state is State.ACTIVE and batch.joining:
        joined = [one.organisation_id for one in batch.joining]
        await bodies.follow_members(session, batch.network_id, joined=joined, on=batch.since)
        await commitments.follow_members(session, batch.network_id, joined, (), batch.since, batch.now)
