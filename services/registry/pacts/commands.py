"""What may be done with pacts: negotiating, signing, following, ending and erasing them, and reading what is written
about the person.

Who follows a pact writes in it: its maker while in office, or a coordinator of its territory. Texts are sealed here, on
their way in; only `read` opens them, for those whom `queries.capacity` lets, and leaves a line in the log of readings.

Locks are taken in one order: members and people who take something on, the pact, its commitments. Looks at who follows
which pacts wait in the due table, as those at who covers a body do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import structlog
from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Body
from services.registry.commitments import commands as commitments
from services.registry.commitments import queries as commitment_queries
from services.registry.commitments.rules import Source
from services.registry.mandates import queries as mandate_queries
from services.registry.networks import queries as networks
from services.registry.networks.rules import Language
from services.registry.pacts import queries, rules
from services.registry.pacts.queries import Parts, Shown
from services.registry.pacts.rules import (
    OPEN,
    BreakReason,
    Capacity,
    InvalidPact,
    Kept,
    Kind,
    Obligation,
    Outcome,
    Pact,
    Purpose,
    Reason,
    Side,
    State,
    Step,
    StepOutcome,
    UnknownPact,
)
from services.registry.pacts.sealing import PactKey, Unreadable, Vault, Wrapped
from services.registry.pacts.tables import pact_keys, pact_readings, pact_renewals
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.policy import Forbidden
from shared.access.roles import Role
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.due import schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

log = structlog.get_logger("pacts")

NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=NO_CONTROLS)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=NO_CONTROLS)]
Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000, pattern=NO_CONTROLS)]

TITLES = {
    Language.ITALIAN: "Impegno nel patto {code}, n. {number}",
    Language.ENGLISH: "Commitment in pact {code}, no. {number}",
}
CLOSED = {
    Language.ITALIAN: "Il patto {code} è chiuso",
    Language.ENGLISH: "Pact {code} is closed",
}


class Beneficiary(Request):
    """Who it is: sealed at once, and read by nobody but the pact's maker and, with a reason, the coordinator."""

    name: Line = Field(examples=["M. R."], repr=False)
    contact: Line | None = Field(default=None, examples=["333 0000000"], repr=False)
    notes: Notes | None = Field(default=None, repr=False)


class Draft(Request):
    """Either a body or an organisation promotes it. `territory` follows from it, `maker_id` is the caller, where they
    are a community maker there."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "household",
                    "body_id": "019a0000-0000-7000-8000-000000000001",
                    "territory": "E507",
                    "beneficiary": {"name": "Famiglia R.", "contact": "333 0000000", "notes": "Due figli a scuola"},
                }
            ]
        },
    )

    kind: Kind = Kind.PERSON
    body_id: UUID | None = None
    organisation_id: UUID | None = None
    territory: Annotated[str, Field(max_length=4, examples=["E507"])] | None = None
    maker_id: UUID | None = None
    beneficiary: Beneficiary


class Change(Request):
    """Only what is given changes; a beneficiary that is given replaces all that was written."""

    kind: Kind = Kind.PERSON
    territory: str = Field(default="", min_length=2, max_length=4, examples=["E507"])
    beneficiary: Beneficiary | None = None


class ObligationBody(Request):
    """What somebody takes on. The holder is an organisation, or an operator (`person_id`); the beneficiary is named by
    the side alone. The side of an organisation follows from what it is; one of mixed capital, or of a kind that is not
    known, says for whom it stands. Without a text, a day and a holder it is not concrete yet."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "019a0000-0000-7000-8000-000000000001",
                    "due": "2026-12-31",
                    "text": "Mette a disposizione un alloggio per sei mesi",
                },
                {"side": "beneficiary", "due": "2026-12-31", "text": "Frequenta il corso di italiano"},
            ]
        },
    )

    side: Side | None = None
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    due: date | None = None
    text: Words | None = Field(default=None, repr=False)


class StepBody(Request):
    text: Words = Field(examples=["Ottiene la residenza"], repr=False)
    due: date = Field(examples=["2026-12-31"])


class StepChange(Request):
    """Only what is given changes, while the step is open."""

    text: Words = Field(default="", examples=["Ottiene la residenza"], repr=False)
    due: date = Field(default=date.min, examples=["2026-12-31"])


class StepClosing(Request):
    """On which day (today if not said), with what came of it."""

    outcome: StepOutcome
    on: date | None = None
    note: Words | None = Field(default=None, repr=False)


class ObligationClosing(Request):
    """What became of the beneficiary's obligation, on which day (today if not said)."""

    outcome: Kept
    on: date | None = None


class Signing(Request):
    """From `since` (today if not said) until `until` (exclusive)."""

    since: date | None = None
    until: date = Field(examples=["2027-01-01"])


class Renewal(Request):
    until: date = Field(examples=["2027-07-01"], description="Exclusive; later than before")


class Ending(Request):
    outcome: Outcome
    on: date | None = None
    note: Words | None = Field(default=None, repr=False)


class Breaking(Request):
    reason: BreakReason
    on: date | None = None
    note: Words | None = Field(default=None, repr=False)


class HandOver(Request):
    maker_id: UUID


class Asking(Request):
    """Why somebody reads: for the maker `follow_up` if not said; a coordinator says it."""

    reason: Reason | None = None


@dataclass(frozen=True)
class Clear:
    """What is written about a person, opened for one reading."""

    reading_id: UUID
    at: datetime
    capacity: Capacity
    reason: Reason
    shown: Shown
    beneficiary: dict[str, str | None] = field(repr=False)
    obligations: dict[int, str | None] = field(repr=False)
    steps: dict[int, tuple[str | None, str | None]] = field(repr=False)
    ending: str | None = field(repr=False)

    @property
    def version(self) -> int:
        return self.shown.version


# --- negotiating -----------------------------------------------------------------------------------------------------


async def draft(session: AsyncSession, actor: Actor, ref: str, request: Draft, *, vault: Vault, now: datetime) -> Shown:
    """A pact with its own key and the next code of the year. Raises InvalidPact, UnknownTerritory."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_PACTS, network=network_id, on=now)
    territory = await _territory(session, network_id, request)
    today = day(now)
    number = await queries.next_number(session, network_id, today.year)
    pact = Pact(
        network_id,
        today.year,
        number,
        request.kind,
        territory,
        today,
        body_id=request.body_id,
        organisation_id=request.organisation_id,
    )
    policy.require(actor, Right.WRITE_PACTS, on=now, **queries.place(pact))
    pact.maker_id = await _named_maker(session, pact, request.maker_id or actor.person_id, today)
    key, kept = vault.new_key(pact.id)
    pact.sealed = _beneficiary(key, request.beneficiary)
    session.add(pact)
    await session.flush()
    await session.execute(insert(pact_keys).values(pact_id=pact.id, key_id=kept.key_id, wrapped=kept.wrapped))
    await _tell(session, facts.PactDrafted, pact, Parts())
    await queries.look_at_makers(session, [(pact.body_id, pact.organisation_id)], now)  # the maker may leave meanwhile
    return (await queries.shown(session, [pact]))[0]


async def change(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given. Raises NotPossibleNow, UnknownTerritory."""
    pact = await _writable(session, actor, pact_id, "change", expected, now)
    if "kind" in given:
        pact.kind = Kind(given["kind"])
    if "territory" in given:
        territory = mandate_queries.territory_of(given["territory"])
        assert territory is not None
        pact.territory = territory
        policy.require(actor, Right.WRITE_PACTS, on=now, **queries.place(pact))  # nor out of one's own reach
    if given.get("beneficiary") is not None:
        key = await queries.key_of(session, vault, pact.id)
        pact.sealed = _beneficiary(key, Beneficiary(**given["beneficiary"]))
    return await _changed(session, pact)


async def oblige(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: ObligationBody, *, vault: Vault, now: datetime
) -> Shown:
    """One more obligation. In a pact that is signed it must be concrete, and what an organisation or an operator takes
    on is a commitment at once. Raises NotPossibleNow, InvalidPact."""
    pact, parts = await _locked_with_owner(session, actor, pact_id, request, now)
    pact.require("oblige")
    if len(parts.obligations) >= rules.MOST_OBLIGATIONS:
        raise InvalidPact("", "too_many", f"at most {rules.MOST_OBLIGATIONS} obligations")
    number = max((one.number for one in parts.obligations), default=0) + 1
    given = request.model_dump()
    side = await _side(session, pact, given, parts.obligations)
    one = Obligation(pact.id, number, side, request.organisation_id, request.person_id)
    await _fill(session, vault, one, given, now)
    if pact.state is State.SIGNED and not one.concrete:
        raise InvalidPact("text" if one.sealed is None else "due" if one.due is None else "side", "missing")
    session.add(one)
    parts.obligations.append(one)
    if pact.state is State.SIGNED:
        await _owe(session, pact, [one], now)
    return await _changed(session, pact, parts)


async def change_obligation(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    number: int,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given, before the pact is signed. Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "change_obligation", expected, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    one = _numbered(parts.obligations, number)
    holder = {"organisation_id": one.organisation_id, "person_id": one.person_id}
    if any(name in given for name in holder):  # whoever is given replaces who held it before
        holder = {name: given.get(name) for name in holder}
    if any(name in given for name in (*holder, "side")):
        others = [other for other in parts.obligations if other is not one]
        one.side = await _side(session, pact, {**holder, "side": given.get("side")}, others)
        one.organisation_id, one.person_id = holder["organisation_id"], holder["person_id"]
    await _fill(session, vault, one, given, now)
    return await _changed(session, pact, parts)


async def drop_obligation(
    session: AsyncSession, actor: Actor, pact_id: UUID, number: int, *, expected: int | None, now: datetime
) -> Shown:
    """Before the pact is signed. Raises NotPossibleNow."""
    pact = await _writable(session, actor, pact_id, "change_obligation", expected, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    one = _numbered(parts.obligations, number)
    await session.delete(one)
    parts.obligations.remove(one)
    return await _changed(session, pact, parts)


async def add_step(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: StepBody, *, vault: Vault, now: datetime
) -> Shown:
    """One more step to autonomy. Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "step", None, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    if len(parts.steps) >= rules.MOST_STEPS:
        raise InvalidPact("", "too_many", f"at most {rules.MOST_STEPS} steps")
    rules.check_due(request.due, day(now))
    step = Step(pact.id, len(parts.steps) + 1, request.due, None)
    key = await queries.key_of(session, vault, pact.id)
    step.sealed = key.seal(f"step {step.id}", request.text)
    session.add(step)
    parts.steps.append(step)
    return await _changed(session, pact, parts)


async def change_step(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    number: int,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
    **given: Any,
) -> Shown:
    """Another text or another day, while it is open. Raises NotPossibleNow, ClosedAlready, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "step", expected, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    step = _numbered(parts.steps, number)
    step.require_open()
    if "due" in given and given["due"] != step.due:
        rules.check_due(given["due"], day(now))
        step.due = given["due"]
    if "text" in given:
        key = await queries.key_of(session, vault, pact.id)
        step.sealed = key.seal(f"step {step.id}", given["text"])
    return await _changed(session, pact, parts)


# --- signed ----------------------------------------------------------------------------------------------------------


async def sign(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: Signing, *, expected: int | None, now: datetime
) -> Shown:
    """Both sides are bound: what organisations and operators have taken on becomes commitments, in which nothing is
    said of the beneficiary. Raises Incomplete, NotPossibleNow, InvalidPact, UnknownDebtor."""
    pact = await queries.known(session, actor, pact_id, now)
    obligations = (await queries.parts_of(session, [pact.id]))[pact.id].obligations
    await commitment_queries.lock_owners(session, [_owner(pact, one) for one in obligations if one.owner])
    pact = await _writable(session, actor, pact_id, None, expected, now)  # so that they are still the same
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    today = day(now)
    pact.sign(request.since or today, request.until, parts.obligations, today)
    await _owe(session, pact, parts.obligations, now)
    await session.flush()
    await _tell(session, facts.PactSigned, pact, parts)
    return (await queries.shown(session, [pact]))[0]


async def close_step(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    number: int,
    request: StepClosing,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
) -> Shown:
    """Raises NotPossibleNow, ClosedAlready, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "close", expected, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    step = _numbered(parts.steps, number)
    step.close(request.outcome, _past(pact, request.on, now))
    if request.note:
        key = await queries.key_of(session, vault, pact.id)
        step.sealed_note = key.seal(f"note {step.id}", request.note)
    return await _changed(session, pact, parts)


async def close_obligation(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    number: int,
    request: ObligationClosing,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """What became of one of the beneficiary's. Raises NotPossibleNow, IsCommitment, ClosedAlready, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "close", expected, now)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    _numbered(parts.obligations, number).close(request.outcome, _past(pact, request.on, now))
    return await _changed(session, pact, parts)


async def renew(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: Renewal, *, expected: int | None, now: datetime
) -> Shown:
    """Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "renew", expected, now)
    before = pact.until
    pact.renew(request.until, day(now))
    row = {"pact_id": pact.id, "number": pact.renewals, "renewed_on": day(now), "until_before": before}
    await session.execute(insert(pact_renewals).values(**row, until=pact.until))
    return await _changed(session, pact)


async def end(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    request: Ending,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
) -> Shown:
    """Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "end", expected, now)
    pact.end(request.outcome, request.on or day(now), day(now))
    return await _closed(session, vault, pact, request.note, now)


async def break_off(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    request: Breaking,
    *,
    expected: int | None,
    vault: Vault,
    now: datetime,
) -> Shown:
    """Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "break_off", expected, now)
    pact.break_off(request.reason, request.on or day(now), day(now))
    return await _closed(session, vault, pact, request.note, now)


async def _closed(session: AsyncSession, vault: Vault, pact: Pact, note: str | None, now: datetime) -> Shown:
    """What is still owed by it is owed no more."""
    if note:
        pact.sealed_end = (await queries.key_of(session, vault, pact.id)).seal("end", note)
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    await session.flush()
    await _tell(session, facts.PactEnded, pact, parts)
    why = CLOSED[(await networks.by_ref(session, pact.network_id)).language].format(code=pact.code)
    await commitments.settle(session, Source.PACT, [one.id for one in parts.obligations], now, waive=why)
    return (await queries.shown(session, [pact]))[0]


# --- reading, erasing ------------------------------------------------------------------------------------------------


async def read(
    session: AsyncSession,
    actor: Actor,
    pact_id: UUID,
    request: Asking,
    *,
    vault: Vault,
    purpose: Purpose = Purpose.VIEW,
    now: datetime,
) -> Clear:
    """Opens what is written about the person, and logs who read it, when and why, in the same transaction: what is not
    logged is not read. Readers go side by side, and none beside an erasure. Raises Forbidden, Erased, Unreadable,
    InvalidPact where a reason is missing."""
    pact = await queries.for_share(session, actor, pact_id, now)
    who = queries.capacity(actor, pact, now)
    if who is None:
        raise Forbidden("registry:read_pact_beneficiary", (Role.COMMUNITY_MAKER, Role.COORDINATOR))
    pact.require("read")
    reason = request.reason or (Reason.FOLLOW_UP if who is Capacity.MAKER else None)
    if reason is None:
        raise InvalidPact("reason", "missing", ", ".join(Reason))
    shown = (await queries.shown(session, [pact]))[0]
    key = await queries.key_of(session, vault, pact.id)
    reading = {"id": uuid7(), "pact_id": pact.id, "person_id": actor.person_id, "at": now}
    await session.execute(insert(pact_readings).values(**reading, capacity=who, reason=reason, purpose=purpose))
    return _opened(key, shown, reading["id"], now, who, reason)  # type: ignore[arg-type]


def _opened(key: PactKey, shown: Shown, reading_id: UUID, at: datetime, who: Capacity, reason: Reason) -> Clear:
    def text(what: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else key.open(what, sealed)

    return Clear(
        reading_id,
        at,
        who,
        reason,
        shown,
        beneficiary=orjson.loads(text("beneficiary", shown.pact.sealed) or "{}"),
        obligations={one.number: text(f"obligation {one.id}", one.sealed) for one in shown.obligations},
        steps={
            step.number: (text(f"step {step.id}", step.sealed), text(f"note {step.id}", step.sealed_note))
            for step in shown.steps
        },
        ending=text("end", shown.pact.sealed_end),
    )


async def erase(session: AsyncSession, actor: Actor, pact_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Destroys the pact's key and its texts; the figures stay. Raises NotPossibleNow, Erased."""
    pact = await queries.for_update(session, actor, pact_id, now)
    policy.require(actor, Right.ERASE_PACTS, on=now, **queries.place(pact))
    expect(expected, pact.version)
    pact.erase(day(now))
    parts = (await queries.parts_of(session, [pact.id]))[pact.id]
    for one in parts.obligations:
        one.sealed = None
    for step in parts.steps:
        step.sealed = step.sealed_note = None
    await session.execute(delete(pact_keys).where(pact_keys.c.pact_id == pact.id))
    return await _changed(session, pact, parts)


# --- who follows it --------------------------------------------------------------------------------------------------


async def hand_over(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: HandOver, *, expected: int | None, now: datetime
) -> Shown:
    """To another community maker of the promoter. Raises NotPossibleNow, InvalidPact."""
    pact = await _writable(session, actor, pact_id, "hand_over", expected, now)
    maker_id = await _named_maker(session, pact, request.maker_id, day(now))
    if maker_id != pact.maker_id:
        pact.maker_id = maker_id
        parts = (await queries.parts_of(session, [pact.id]))[pact.id]
        await session.flush()
        await _tell(session, facts.PactHandedOver, pact, parts)
        await queries.look_at_makers(session, [(pact.body_id, pact.organisation_id)], now)
    return (await queries.shown(session, [pact]))[0]


async def follow_makers(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: pacts whose maker is not in office any more pass to the next one, or to nobody until there
    is one; pacts without a maker pass to whoever has come. Who follows which follows from the mandates as they stand,
    so looking twice tells once."""
    looks = await queries.looks_of(session, ids)
    promoters = set(looks.values())
    found, busy = await queries.running_for_update(session, promoters)
    turned: list[Pact] = []
    for network_id in sorted({pact.network_id for pact in found}):
        own = [pact for pact in found if pact.network_id == network_id]
        made = await queries.makings(session, network_id, {(pact.body_id, pact.organisation_id) for pact in own})
        turned += _pass_on(own, made, day(now))
    await session.flush()
    parts = await queries.parts_of(session, [pact.id for pact in turned])
    await stage(session, *(state_of(facts.PactHandedOver, pact, parts[pact.id]) for pact in turned))
    waiting = sorted(id_ for id_, promoter in looks.items() if promoter in busy)
    await queries.looked(session, looks.keys() - set(waiting))
    await schedule_many(session, queries.DUE, [(id_, now) for id_ in waiting])


def _pass_on(own: Sequence[Pact], made: dict[queries.Promoter, list[rules.Making]], on: date) -> list[Pact]:
    """Those that another one follows now. Each pact that passes on counts for who gets the next one."""
    load: dict[queries.Promoter, dict[UUID, int]] = {}
    for pact in own:
        if pact.maker_id is not None:
            there = load.setdefault((pact.body_id, pact.organisation_id), {})
            there[pact.maker_id] = there.get(pact.maker_id, 0) + 1
    turned = []
    for pact in own:
        promoter = (pact.body_id, pact.organisation_id)
        there = load.setdefault(promoter, {})
        maker_id = rules.successor(pact.maker_id, made[promoter], there, on)
        if maker_id != pact.maker_id:
            pact.maker_id = maker_id
            turned.append(pact)
            if maker_id is not None:
                there[maker_id] = there.get(maker_id, 0) + 1
    return turned


async def rewrap(session: AsyncSession, vault: Vault, after: UUID, *, most: int = 500) -> tuple[int, UUID | None]:
    """Wraps keys by the current master key that an older one has wrapped: how many, and the last one looked at (None:
    there are no more). One that cannot be unwrapped is said and left as it is."""
    rows = await queries.keys_to_rewrap(session, vault.current, after, most)
    done = 0
    for row in rows:
        try:
            kept = vault.rewrap(row.pact_id, Wrapped(row.key_id, row.wrapped))
        except Unreadable:
            log.exception("pact_key_unreadable", pact=str(row.pact_id), key_id=row.key_id)
            continue
        fresh = update(pact_keys).where(pact_keys.c.pact_id == row.pact_id)
        await session.execute(fresh.values(key_id=kept.key_id, wrapped=kept.wrapped))
        done += 1
    return done, rows[-1].pact_id if rows else None


# --- parts -----------------------------------------------------------------------------------------------------------


async def _writable(
    session: AsyncSession, actor: Actor, pact_id: UUID, action: str | None, expected: int | None, now: datetime
) -> Pact:
    """The pact, locked, for who follows it or coordinates its territory. Raises UnknownPact, Forbidden, Stale,
    NotPossibleNow."""
    pact = await queries.for_update(session, actor, pact_id, now)
    require_write(actor, pact, now)
    expect(expected, pact.version)
    if action is not None:
        pact.require(action)
    return pact


def may_write(actor: Actor, pact: Pact, now: datetime) -> bool:
    if not policy.has(actor, Right.WRITE_PACTS, on=now, **queries.place(pact)):
        return False
    bounded = actor.person_id is not None and not actor.admin
    return not bounded or queries.capacity(actor, pact, now) is not None


def require_write(actor: Actor, pact: Pact, now: datetime) -> None:
    """Of a body's makers only the pact's own one. Raises Forbidden."""
    if not may_write(actor, pact, now):
        raise Forbidden(f"registry:{Right.WRITE_PACTS}", policy.rules[Right.WRITE_PACTS])


async def _territory(session: AsyncSession, network_id: UUID, request: Draft) -> str:
    """The pact's own territory, or that of who promotes it. Raises InvalidPact, UnknownTerritory."""
    if (request.body_id is None) == (request.organisation_id is None):
        raise InvalidPact("body_id", "missing", "either a body or an organisation")
    if request.body_id is not None:
        body: Body | None = await session.get(Body, request.body_id, with_for_update={"read": True})
        if body is None or body.network_id != network_id:
            raise InvalidPact("body_id", "unknown", "a body of this network")
        body.require_living()
        own = body.territory
    else:
        assert request.organisation_id is not None
        member, own = await queries.seat_of_member(session, network_id, request.organisation_id)
        if not member:
            raise InvalidPact("organisation_id", "unknown", "a member of this network")
    territory = mandate_queries.territory_of(request.territory) or own
    if territory is None:
        raise InvalidPact("territory", "missing", "03, 097, E507")
    return territory


async def _named_maker(session: AsyncSession, pact: Pact, person_id: UUID | None, on: date) -> UUID:
    """Who is to follow it: a community maker in office with the promoter. Raises InvalidPact."""
    promoter = (pact.body_id, pact.organisation_id)
    made = (await queries.makings(session, pact.network_id, [promoter]))[promoter]
    if person_id is None or not any(making.person_id == person_id and making.runs(on) for making in made):
        raise InvalidPact("maker_id", "unfit", "a community maker who is in office there")
    return person_id


async def _locked_with_owner(
    session: AsyncSession, actor: Actor, pact_id: UUID, request: ObligationBody, now: datetime
) -> tuple[Pact, Parts]:
    """The pact, locked after who takes something on, as where commitments are made."""
    pact = await queries.known(session, actor, pact_id, now)
    if request.organisation_id or request.person_id:
        holder = Obligation(pact.id, 0, Side.OPERATOR, request.organisation_id, request.person_id)
        await commitment_queries.lock_owners(session, [_owner(pact, holder)])
    pact = await _writable(session, actor, pact_id, None, None, now)
    return pact, (await queries.parts_of(session, [pact.id]))[pact.id]


async def _side(session: AsyncSession, pact: Pact, given: dict[str, Any], others: Sequence[Obligation]) -> Side:
    """For whom the holder that is given stands. Raises InvalidPact."""
    stated = Side(given["side"]) if given.get("side") else None
    organisation_id, person_id = given.get("organisation_id"), given.get("person_id")
    if organisation_id and person_id:
        raise InvalidPact("person_id", "not_allowed", "one of organisation_id and person_id")
    if organisation_id:
        possible = await queries.sides_of_member(session, pact.network_id, organisation_id)
        if possible is None:
            raise InvalidPact("organisation_id", "unknown", "a member of the network")
        elsewhere = {other.side for other in others if other.organisation_id == organisation_id}
        return rules.side_for(stated, possible, elsewhere)
    if person_id:
        if not await queries.knows(session, pact.network_id, person_id):
            raise InvalidPact("person_id", "unknown", "somebody whom the network knows")
        return rules.side_for(stated, [Side.OPERATOR])
    if stated is None:
        raise InvalidPact("side", "missing", ", ".join(Side))
    return stated


async def _fill(session: AsyncSession, vault: Vault, one: Obligation, given: dict[str, Any], now: datetime) -> None:
    """Its day and its text; a null takes one away."""
    if "due" in given:
        if given["due"] is not None:
            rules.check_due(given["due"], day(now))
        one.due = given["due"]
    if "text" in given:
        if given["text"] is None:
            one.sealed = None
        else:
            key = await queries.key_of(session, vault, one.pact_id)
            one.sealed = key.seal(f"obligation {one.id}", given["text"])


async def _owe(session: AsyncSession, pact: Pact, obligations: Sequence[Obligation], now: datetime) -> None:
    language = (await networks.by_ref(session, pact.network_id)).language
    await commitments.owe(
        session,
        [
            commitments.Owed(
                network_id=pact.network_id,
                title=TITLES[language].format(code=pact.code, number=one.number),
                due=one.due,  # concrete, so it has one
                source=Source.PACT,
                source_id=one.id,
                organisation_id=one.organisation_id,
                person_id=one.person_id,
                creditor_body_id=pact.body_id,
            )
            for one in obligations
            if one.owner is not None and one.due is not None
        ],
        now,
    )


def _owner(pact: Pact, one: Obligation) -> dict[str, Any]:
    return {
        "network_id": pact.network_id,
        "organisation_id": one.organisation_id,
        "person_id": one.person_id,
        "body_id": None,
        "source_id": one.id,
    }


def _numbered(parts: Sequence[Any], number: int) -> Any:
    found = next((part for part in parts if part.number == number), None)
    if found is None:
        raise UnknownPact(number)
    return found


def _past(pact: Pact, on: date | None, now: datetime) -> date:
    """The day on which something was closed: today, or an earlier one since the pact was signed."""
    today = day(now)
    first = pact.signed_on or pact.drafted_on
    if on is not None and not first <= on <= today:
        raise InvalidPact("on", "range", f"{first} to {today}")
    return on or today


def _beneficiary(key: PactKey, given: Beneficiary) -> bytes:
    return key.seal("beneficiary", orjson.dumps(given.model_dump()).decode())


async def _changed(session: AsyncSession, pact: Pact, parts: Parts | None = None) -> Shown:
    """A part that changes changes the pact: its version moves, and one fact tells it."""
    parts = parts or (await queries.parts_of(session, [pact.id]))[pact.id]
    pact.review(parts.obligations)
    flag_modified(pact, "year")
    await session.flush()
    await _tell(session, facts.PactChanged, pact, parts)
    return (await queries.shown(session, [pact]))[0]


async def _tell(session: AsyncSession, fact: type[facts.PactState], pact: Pact, parts: Parts) -> None:
    await stage(session, state_of(fact, pact, parts))


def state_of(fact: type[facts.PactState], pact: Pact, parts: Parts) -> facts.PactState:
    """Figures and the code: nothing by which the person could be known."""
    negotiated = pact.state in (State.DRAFT, State.COMPLETE)
    return fact(
        id=pact.id,
        version=pact.version,
        network_id=pact.network_id,
        code=pact.code,
        body_id=pact.body_id,
        organisation_id=pact.organisation_id,
        maker_id=pact.maker_id,
        territory=pact.territory,
        state=pact.state,
        since=pact.since,
        until=pact.until,
        renewals=pact.renewals,
        steps=len(parts.steps),
        steps_done=sum(step.outcome is not None for step in parts.steps),
        due_steps=tuple(
            facts.PactStep(number=step.number, due=step.due)
            for step in parts.steps
            if step.outcome is None and pact.state in OPEN
        ),
        missing=rules.missing(parts.obligations) if negotiated else (),
        outcome=pact.outcome or pact.break_reason,
    )
