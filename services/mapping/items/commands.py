"""What may be done with items, of whatever kind: proposed, changed, looked at twice, confirmed, closed.

The item's row is locked before anything is decided, and before it what `freshness.hold` says. A draft is nobody's
business yet: nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage import commands as coverage
from services.mapping.freshness import commands as freshness
from services.mapping.freshness.rules import Answer
from services.mapping.items import queries
from services.mapping.items.facts import fact_of
from services.mapping.items.queries import Shown
from services.mapping.items.rules import (
    LONGEST_TEXT,
    MOST_NETWORKS,
    MOST_TERRITORIES,
    Item,
    State,
    Subject,
    UnknownReference,
    UnknownTerritory,
    Visibility,
)
from services.mapping.items.tables import bodies
from services.mapping.policy import Right
from services.mapping.presences import commands as presences
from services.mapping.presences.rules import ACTIVE
from services.mapping.presences.tables import memberships
from services.mapping.territories.queries import find, locate
from shared.access.actor import Actor, day
from shared.access.tables import networks
from shared.messaging import stage
from shared.runtime.problems import NotYetKnown, expect
from shared.runtime.shapes import Request, line

I = TypeVar("I", bound=Item)  # noqa: E741 (an item)


def without_surrogates(text: str) -> str:
    """Half a character is none: PostgreSQL takes neither it nor a NUL."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("whole characters, without NUL")
    return text


Title = Annotated[
    str,
    line(300),
    AfterValidator(without_surrogates),
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT), AfterValidator(without_surrogates)
]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^\x00-\x1f]*$"),
    AfterValidator(without_surrogates),
]
Web = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://[\x21-\x7e\u00a1-\ud7ff]+$")
]
Theme = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
Territories = Annotated[tuple[Code, ...], Field(max_length=MOST_TERRITORIES)]
Networks = Annotated[tuple[UUID, ...], Field(max_length=MOST_NETWORKS)]
Themes = Annotated[tuple[Theme, ...], Field(max_length=20)]


class Remarks(Request):
    """What is to be put right, for whoever proposed it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"remarks": "Manca l'indirizzo della sede nuova"}]}
    )

    remarks: Prose = ""


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """As the entity has it: an empty text is none, lists are in order and have everything once."""
    found: dict[str, Any] = {name: value if value != "" else None for name, value in given.items()}
    for name in ("themes", "available_to", "shared_with"):
        if name in found:
            found[name] = sorted(set(found[name]))
    if found.get("municipality"):
        found["municipality"] = _code(found["municipality"], "/municipality", municipality=True)
    if "territories" in found:
        codes = enumerate(found["territories"])
        found["territories"] = sorted({_code(code, f"/territories/{n}") for n, code in codes})
    if found.get("visibility") not in (None, Visibility.NETWORKS):
        found["shared_with"] = []
    return found


def _code(given: str, path: str, *, municipality: bool = False) -> str:
    """A sigla or an ISTAT code is taken for the code that is kept. Raises UnknownTerritory."""
    territory = find(given)
    if territory is None or (municipality and territory.kind != "municipality"):
        raise UnknownTerritory(path, given)
    return territory.code


async def create(session: AsyncSession, actor: Actor, item: I, *, draft: bool, now: datetime) -> Shown[I]:
    """Enters an item, as a draft or proposed at once. Raises what `Item.check` does, UnknownTerritory,
    UnknownReference, NotYetKnown, Forbidden."""
    item.check(day(now))
    item.place(locate)
    if not queries.may(actor, Right.VALIDATE, item, now):
        queries.require(actor, Right.PROPOSE, item, now)
    await require_references(session, item, REFERENCES)
    item.proposed_by = actor.person_id
    if not draft:
        item.propose(endorses=queries.may(actor, Right.ENDORSE, item, now), on=day(now))
    session.add(item)
    await session.flush()
    if not draft:  # nothing that is only proposed is counted
        await stage(session, fact_of(item.subject, "proposed", item))
    return await queries.after_command(session, actor, item, now)


async def change(
    session: AsyncSession,
    actor: Actor,
    model: type[I],
    id_: UUID,
    given: Mapping[str, Any],
    *,
    expected: int | None,
    now: datetime,
    confirms: bool = False,
) -> Shown[I]:
    """Takes the fields given. What matters of something validated is looked at again, unless a coordinator of its
    territory changed it. `confirms`: all the rest is as it was, says who changes it. Raises Closed and what `create`
    does."""
    await freshness.hold(session, model.subject, [id_])
    item = await queries.for_update(session, model, id_)
    queries.require_action(actor, "change", item, now)
    expect(expected, item.version)
    before = item.state
    changed = item.take(**given)
    if changed:
        await _settle(session, actor, item, changed, now)
    if confirms and item.state in (State.VALIDATED, State.EXPIRED):
        item.confirm(day(now))
    if changed or confirms:
        await session.flush()
        await _count(session, item, now)
        if item.state is not State.DRAFT:
            await stage(session, fact_of(item.subject, TOLD_BY_CHANGE.get((before, item.state), "changed"), item))
            await freshness.follow(session, item, now, answer=Answer.CHANGED, by=actor.person_id)
    return await queries.after_command(session, actor, item, now)


async def _settle(session: AsyncSession, actor: Actor, item: Item, changed: set[str], now: datetime) -> None:
    """What was changed is in order, and it is looked at again where that matters."""
    if "municipality" in changed:
        item.territories = []  # a place is in its municipality and nowhere else
    item.check(day(now))
    item.place(locate)
    queries.require_action(actor, "change", item, now)  # also where and whose it is now
    await require_references(session, item, REFERENCES & changed)
    item.fall_back(
        changed,
        endorses=queries.may(actor, Right.ENDORSE, item, now),
        validates=queries.may(actor, Right.VALIDATE, item, now),
        on=day(now),
    )


TOLD_BY_CHANGE = {
    (State.VALIDATED, State.PROPOSED): "proposed",
    (State.EXPIRED, State.PROPOSED): "proposed",
    (State.EXPIRED, State.VALIDATED): "validated",
}


async def act(
    session: AsyncSession,
    actor: Actor,
    model: type[I],
    id_: UUID,
    action: str,
    *,
    remarks: str | None = None,
    expected: int | None,
    now: datetime,
) -> Shown[I]:
    """`action` is propose, endorse, validate, return, confirm or close. Raises NotInState, NotEndorsed, RemarksMissing,
    Closed, InvalidDay, Forbidden."""
    if action not in NOWHERE:
        await freshness.hold(session, model.subject, [id_])
    item = await queries.for_update(session, model, id_)
    queries.require_action(actor, action, item, now)
    expect(expected, item.version)
    drafted = item.state is State.DRAFT
    told = _act(actor, item, action, remarks, now)
    await session.flush()
    if action not in NOWHERE:
        await _count(session, item, now)
    if told and not (drafted and told == "closed"):
        await stage(session, fact_of(item.subject, told, item))
    if told:
        await freshness.follow(session, item, now, answer=ANSWERS.get(action, Answer.SUPERSEDED), by=actor.person_id)
    return await queries.after_command(session, actor, item, now)


NOWHERE = frozenset({"propose", "endorse"})
"""What is done with items that are not on the map, and stay off it: no counter nor presence can change by it."""


async def _count(session: AsyncSession, item: Item, now: datetime) -> None:
    """What counts by it. The caller holds what `freshness.hold` says."""
    await coverage.items_changed(session, item.subject, [item.id])
    if item.subject is Subject.PLACE:
        await presences.places_changed(session, [item.id], now)


ANSWERS = {"confirm": Answer.CONFIRMED, "close": Answer.GONE}


def _act(actor: Actor, item: Item, action: str, remarks: str | None, now: datetime) -> str | None:
    """Does it; what is to be told of it, None when nothing changed."""
    on = day(now)
    if action == "propose":
        item.propose(endorses=queries.may(actor, Right.ENDORSE, item, now), on=on)
        return "proposed"
    if action == "endorse":
        return "changed" if item.endorse(on) else None
    if action == "validate":
        item.validate(on)
        return "validated"
    if action == "return":
        item.send_back(remarks)
        return "returned"
    if action == "confirm":
        expired = item.state is State.EXPIRED
        item.confirm(on)
        return "validated" if expired else "changed"
    item.close(on)
    return "closed"


REFERENCES = frozenset({"organisation_id", "body_id", "shared_with"})


async def require_references(session: AsyncSession, item: Item, named: Collection[str]) -> None:
    """Raises UnknownReference for what is not of the network, NotYetKnown for what nobody here has heard of."""
    if item.organisation_id and "organisation_id" in named:
        await require_member(session, item.network_id, item.organisation_id, "/organisation_id")
    if item.body_id and "body_id" in named:
        query = select(bodies.c.network_id, bodies.c.state).where(bodies.c.id == item.body_id)
        body = (await session.execute(query)).one_or_none()
        if body is None:
            raise NotYetKnown("/body_id")
        if body.network_id != item.network_id or body.state == "dissolved":
            raise UnknownReference("/body_id", "a body of the network that is not dissolved")
    if item.shared_with and "shared_with" in named:
        known = set(await session.scalars(select(networks.c.id).where(networks.c.id.in_(item.shared_with))))
        if len(known) < len(item.shared_with):
            raise NotYetKnown("/shared_with")


async def require_member(session: AsyncSession, network_id: UUID, organisation_id: UUID, path: str) -> None:
    """Raises UnknownReference unless the organisation is an active member; NotYetKnown when nothing tells."""
    query = select(memberships.c.state).where(
        memberships.c.network_id == network_id, memberships.c.organisation_id == organisation_id
    )
    states = set(await session.scalars(query))
    if not states:
        raise NotYetKnown(path)
    if ACTIVE not in states:
        raise UnknownReference(path, "an active member of the network")
