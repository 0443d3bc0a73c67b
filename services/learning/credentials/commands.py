"""What may be done with achievements and credentials.

What is earned by completing a path is issued in the transaction that completes it, set-based; the rest one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ARRAY, Uuid, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.credentials import queries, rules
from services.learning.credentials.queries import Held
from services.learning.credentials.rules import Achievement, Credential, HasIt, NotTheHolder, State
from services.learning.credentials.tables import achievements, badge_keys, credentials
from services.learning.enrolments.rules import Enrolment, NotOfTheNetwork
from services.learning.paths.rules import UnknownPath
from services.learning.paths.tables import paths
from services.learning.people import queries as people
from services.learning.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.contracts.learning import CredentialIssued, CredentialRevoked, CredentialState
from shared.messaging import stage
from shared.messaging.context import Cause, caused_by
from shared.runtime.problems import Invalid, NotYetKnown, expect
from shared.runtime.shapes import NOT_GIVEN, Request, line, prose

Line = Annotated[str, line(120)]
Words = Annotated[str, prose(4000)]
Reason = Annotated[str, prose(500)]
Months = Annotated[int, Field(ge=1, le=240)]


class AchievementBody(Request):
    """`path_id`: whoever completes that path has earned it; without, it is given by hand. `months`: how long it holds;
    without, for good."""

    title: Line = Field(examples=["Rappresentante formata"])
    description: Words = Field(examples=["Sa rappresentare la propria associazione in una Casa della comunità."])
    criteria: Words = Field(examples=["Ha completato il percorso dei rappresentanti."])
    months: Months | None = None
    path_id: UUID | None = None


class AchievementChange(Request):
    """Only what is given changes; credentials that were issued keep the day on which they expire."""

    title: Line = NOT_GIVEN
    description: Words = NOT_GIVEN
    criteria: Words = NOT_GIVEN
    months: Months | None = None
    path_id: UUID | None = None


class GiveBody(Request):
    person_id: UUID
    reason: Reason = Field(examples=["Ha guidato il laboratorio di Lecco per due anni."])


class RevokeBody(Request):
    reason: Reason = Field(examples=["Rilasciata per errore."])


class NamingBody(Request):
    shown: bool = Field(description="The holder's name on the public page and in the signed credential")


# --- achievements ---------------------------------------------------------------------------------------------------


async def create(
    session: AsyncSession, actor: Actor, ref: str, request: AchievementBody, *, now: datetime
) -> Achievement:
    """Raises UnknownPath when the path is another network's."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_ACHIEVEMENTS, network=network, on=now)
    await require_path(session, request.path_id, network)
    achievement = Achievement(network, **request.model_dump())
    session.add(achievement)
    await session.flush()
    return achievement


async def change(
    session: AsyncSession,
    actor: Actor,
    achievement_id: UUID,
    request: AchievementChange,
    *,
    expected: int | None,
    now: datetime,
) -> Achievement:
    """Raises Retired."""
    achievement = await writable(session, actor, achievement_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "path_id" in changes:
        await require_path(session, changes["path_id"], achievement.network_id)
    achievement.change(changes)
    await session.flush()
    return achievement


async def retire(
    session: AsyncSession, actor: Actor, achievement_id: UUID, *, expected: int | None, now: datetime
) -> Achievement:
    """Given to nobody any more; what was issued holds. Raises Retired."""
    achievement = await writable(session, actor, achievement_id, expected, now)
    achievement.retire(day(now))
    await session.flush()
    return achievement


async def writable(
    session: AsyncSession, actor: Actor, achievement_id: UUID, expected: int | None, now: datetime
) -> Achievement:
    achievement = await queries.locked(session, achievement_id)
    policy.require(actor, Right.WRITE_ACHIEVEMENTS, network=achievement.network_id, on=now)
    expect(expected, achievement.version)
    return achievement


async def require_path(session: AsyncSession, path_id: UUID | None, network: UUID) -> None:
    if path_id is None:
        return
    of = await session.scalar(select(paths.c.network_id).where(paths.c.id == path_id))
    if of != network:
        raise Invalid("/path_id", "unknown", "a path of this network") from UnknownPath(path_id)


# --- issuing --------------------------------------------------------------------------------------------------------


async def earned(session: AsyncSession, completed: Collection[Enrolment], now: datetime) -> None:
    """What those who completed a path have earned, once for each completion; told with the rest of the transaction.

    The enrolments are flushed, and their rows held by whoever completed them. An achievement that is being changed is
    waited for: whoever completes the path after it was retired has earned nothing.
    """
    theirs = [one for one in completed if one.person_id is not None]
    if not theirs:
        return
    open_ = achievements.c.path_id.in_({one.path_id for one in theirs}), achievements.c.retired_on.is_(None)
    query = select(Achievement).where(*open_).order_by(achievements.c.id).with_for_update(read=True)
    of_path: dict[UUID, list[Achievement]] = {}
    for achievement in (await session.execute(query)).scalars():
        of_path.setdefault(achievement.path_id or achievement.id, []).append(achievement)
    made = [
        _row(achievement, enrolment, now) for enrolment in theirs for achievement in of_path.get(enrolment.path_id, ())
    ]
    if made:
        await _issue(session, made, {one.id: one for each in of_path.values() for one in each})


def _row(achievement: Achievement, enrolment: Enrolment, now: datetime) -> dict[str, Any]:
    on = day(now)
    one = Credential(achievement.id, achievement.network_id, enrolment.person_id, now, on, achievement.expiry(on))
    return {
        "id": one.id,
        "achievement_id": one.achievement_id,
        "network_id": one.network_id,
        "person_id": one.person_id,
        "path_id": enrolment.path_id,
        "enrolment_id": enrolment.id,
        "attempt": enrolment.attempt,
        "issued_at": one.issued_at,
        "issued_on": one.issued_on,
        "expires_on": one.expires_on,
        "state": one.state,
        "code": one.code,
        "salt": one.salt,
        "version": 1,
    }


async def _issue(session: AsyncSession, rows: Sequence[dict[str, Any]], by_id: dict[UUID, Achievement]) -> None:
    written = insert(credentials).on_conflict_do_nothing(index_elements=["achievement_id", "enrolment_id", "attempt"])
    new = set((await session.execute(written.returning(credentials.c.id), rows)).scalars())
    told = [
        CredentialIssued(
            id=row["id"],
            version=1,
            network_id=row["network_id"],
            achievement_id=row["achievement_id"],
            title=by_id[row["achievement_id"]].title,
            person_id=row["person_id"],
            path_id=row["path_id"],
            issued_on=row["issued_on"],
            expires_on=row["expires_on"],
            state=State.ISSUED,
        )
        for row in rows
        if row["id"] in new
    ]
    await stage(session, *told)


async def give(session: AsyncSession, actor: Actor, achievement_id: UUID, request: GiveBody, *, now: datetime) -> Held:
    """By hand, for a reason. Raises UnknownAchievement, Retired, NotOfTheNetwork, NotYetKnown, HasIt."""
    achievement = await queries.locked(session, achievement_id)
    policy.require(actor, Right.GIVE_CREDENTIALS, network=achievement.network_id, on=now)
    known = await people.held_fast(session, request.person_id)
    if known is None:
        raise NotYetKnown("/person_id")
    if known.erased_at is not None or not await people.of_network(session, request.person_id, achievement.network_id):
        raise NotOfTheNetwork(request.person_id)
    on = day(now)
    for held in await queries.of_person(session, achievement.id, request.person_id):
        if held.standing(on) is rules.Standing.VALID:
            raise HasIt(held.id)
    given = rules.give(achievement, request.person_id, now, on, reason=request.reason, by=actor.person_id)
    session.add(given)
    await session.flush()
    await stage(session, state_of(CredentialIssued, given, achievement))
    return await queries.held(session, given)


async def revoke(
    session: AsyncSession,
    actor: Actor,
    credential_id: UUID,
    request: RevokeBody,
    *,
    expected: int | None,
    now: datetime,
) -> Held:
    """Raises UnknownCredential, RevokedAlready."""
    credential = await queries.locked_credential(session, credential_id)
    policy.require(actor, Right.GIVE_CREDENTIALS, network=credential.network_id, on=now)
    expect(expected, credential.version)
    credential.revoke(day(now), request.reason, actor.person_id)
    await session.flush()
    held = await queries.held(session, credential)
    await stage(session, state_of(CredentialRevoked, credential, held.achievement))
    return held


async def name(
    session: AsyncSession,
    actor: Actor,
    credential_id: UUID,
    shown: bool,
    *,
    now: datetime,  # noqa: ARG001
) -> Held:
    """Only the holder says whether their name is shown. Raises UnknownCredential, NotTheHolder."""
    credential = await queries.locked_credential(session, credential_id)
    if actor.person_id is None or actor.person_id != credential.person_id:
        raise NotTheHolder(credential_id)
    credential.name(shown)
    await session.flush()
    return await queries.held(session, credential)


async def name_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    credential_id: UUID,
    person_id: UUID | None,
    shown: bool,
    *,
    now: datetime,  # noqa: ARG001
) -> Held:
    """The link was sent to a person: of somebody else it moves nothing, whoever holds the credential now."""
    credential = await queries.locked_credential(session, credential_id)
    queries.require_holder(credential, person_id)
    credential.name(shown)
    await session.flush()
    return await queries.held(session, credential)


def state_of(fact: type[CredentialState], credential: Credential, achievement: Achievement) -> CredentialState:
    assert credential.person_id is not None  # nothing is told of the erased
    return fact(
        id=credential.id,
        version=credential.version,
        network_id=credential.network_id,
        achievement_id=achievement.id,
        title=achievement.title,
        person_id=credential.person_id,
        path_id=credential.path_id,
        issued_on=credential.issued_on,
        expires_on=credential.expires_on,
        state=credential.state,
    )


# --- erasure --------------------------------------------------------------------------------------------------------

OF_ERASED = text(
    """
    select c.id, c.version, c.network_id, c.achievement_id, a.title, c.person_id, c.path_id, c.issued_on, c.expires_on,
           c.state
    from credentials c join achievements a on a.id = c.achievement_id
    where c.person_id = any(:people) order by c.id for update of c
    """
).bindparams(bindparam("people", type_=ARRAY(Uuid)))


async def forget(session: AsyncSession, people_causes: dict[UUID, Cause], now: datetime) -> None:
    """What was attested to the erased is attested no more: revoked, told, and nobody's. The bit in the status list
    stays, so that a copy of the credential is refused wherever it turns up."""
    rows = (await session.execute(OF_ERASED, {"people": sorted(people_causes)})).mappings().all()
    if not rows:
        return
    by_person: dict[UUID, list[CredentialState]] = {}
    for row in rows:
        if row["state"] == State.ISSUED:
            told = CredentialRevoked(**{**row, "version": row["version"] + 1, "state": State.REVOKED})
            by_person.setdefault(row["person_id"], []).append(told)
    nothing = dict.fromkeys(("person_id", "salt", "reason", "revoked_for", "enrolment_id"))
    await session.execute(
        update(credentials)
        .where(credentials.c.id.in_([row["id"] for row in rows]))
        .values(
            **nothing,
            named=False,
            state=State.REVOKED,
            revoked_on=text("coalesce(revoked_on, :on)").bindparams(on=day(now)),
            version=credentials.c.version + 1,
        )
    )
    for person_id, facts in by_person.items():
        with caused_by(replace(people_causes[person_id], at=now)):
            await stage(session, *facts)


# --- keys -----------------------------------------------------------------------------------------------------------


async def keep_key(session: AsyncSession, kid: str, jwk: dict[str, Any], now: datetime) -> None:
    """What is signed with a key must be verifiable when another has taken its place."""
    await session.execute(
        insert(badge_keys).values(kid=kid, jwk=jwk, since=now).on_conflict_do_nothing(index_elements=["kid"])
    )
