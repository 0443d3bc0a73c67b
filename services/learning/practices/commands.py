"""What may be done with practices and their adoptions. The practice's row is locked first, also by whoever adopts it:
its count of adoptions is part of what is told of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.learning.bodies.tables import bodies
from services.learning.experiences.tables import experiences
from services.learning.organisations.tables import memberships, organisations
from services.learning.policy import Right, has_for, policy, require_for
from services.learning.practices import queries, rules
from services.learning.practices.queries import Experience
from services.learning.practices.rules import (
    MOST,
    AdoptedAlready,
    Adoption,
    Evidence,
    Practice,
    Stage,
    TakenAlready,
    Trial,
    Unfit,
    Verdict,
    Visibility,
)
from services.learning.practices.tables import adoptions, practice_editions, practice_reviews, practice_rules, practices
from shared import territories
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.policy import Forbidden
from shared.access.roles import Role
from shared.access.tables import networks
from shared.contracts.envelope import Fact
from shared.contracts.learning import (
    AdoptionEnded,
    AdoptionState,
    PracticeAdopted,
    PracticeChanged,
    PracticePublished,
    PracticeReturned,
    PracticeState,
    PracticeSubmitted,
    PracticeWithdrawn,
)
from shared.messaging import stage
from shared.runtime.problems import NotYetKnown, expect
from shared.runtime.shapes import NOT_GIVEN, Request, line, prose

Line = Annotated[str, line(200)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000, pattern=r"^[^\x00]*$")]
Said = Annotated[str, prose(5_000)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000, pattern=r"^[^\x00]*$")]
Theme = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,4}$")]
Role_ = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^\x00-\x1f]*$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]


class TrialBody(Request):
    """A municipality (`E507`), a province (`097`, `LC`) or a region (`03`), and what came of it there."""

    place: Code = Field(examples=["E507"])
    result: Said = Field(examples=["Dodici famiglie seguite in sei mesi."])
    since: Day | None = None


class EvidenceBody(Request):
    title: Line = Field(examples=["Valutazione dell'università"])
    url: str = Field(max_length=2000, examples=["https://example.org/valutazione"])


class PracticeBody(Request):
    """From an experience of the map (`experience_id`) comes what is left out of title, themes, territory, organisation
    and body. `contact` is a role, never a person."""

    title: Line | None = Field(None, examples=["Portierato sociale di quartiere"])
    experience_id: UUID | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    stage: Stage = Stage.IDEA
    themes: list[Theme] = Field(default=[], max_length=MOST, examples=[["housing"]])
    territory: Code | None = Field(None, examples=["03"])
    problem: Prose = ""
    done: Prose = ""
    results: Prose = ""
    needed: Prose = ""
    contact: Role_ = Field("", examples=["Segreteria del consorzio"])
    trials: list[TrialBody] = Field(default=[], max_length=MOST)
    evidence: list[EvidenceBody] = Field(default=[], max_length=MOST)
    visibility: Visibility = Visibility.NETWORK
    shared_with: list[UUID] = Field(default=[], max_length=MOST)


class PracticeChange(Request):
    """Only what is given changes."""

    title: Line = NOT_GIVEN
    stage: Stage = NOT_GIVEN
    themes: list[Theme] = Field(default_factory=lambda: None, max_length=MOST)  # type: ignore[arg-type]
    territory: Code | None = None
    problem: Prose = NOT_GIVEN
    done: Prose = NOT_GIVEN
    results: Prose = NOT_GIVEN
    needed: Prose = NOT_GIVEN
    contact: Role_ = NOT_GIVEN
    trials: list[TrialBody] = Field(default_factory=lambda: None, max_length=MOST)  # type: ignore[arg-type]
    evidence: list[EvidenceBody] = Field(default_factory=lambda: None, max_length=MOST)  # type: ignore[arg-type]
    visibility: Visibility = NOT_GIVEN
    shared_with: list[UUID] = Field(default_factory=lambda: None, max_length=MOST)  # type: ignore[arg-type]


class ReasonBody(Request):
    text: Said = Field(examples=["Servono i risultati del secondo anno."])


class RemarkBody(Request):
    text: Remark = ""


class RulesBody(Request):
    """Trials that a stage asks for; what is proven was adopted so often by others, or has so much evidence."""

    tried_trials: int = Field(1, ge=0, le=MOST)
    proven_trials: int = Field(1, ge=0, le=MOST)
    proven_adoptions: int = Field(2, ge=1, le=1000)
    proven_evidence: int = Field(1, ge=1, le=MOST)


class AdoptBody(Request):
    """`network` adopts through one of its members or bodies; `named`: those whose practice it is may see who."""

    network: str = Field(min_length=1, max_length=63, examples=["rete-lombarda"])
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    since: Day | None = None
    named: bool = False
    note: Remark = ""


class AdoptionChange(Request):
    """Only what is given changes."""

    named: bool = NOT_GIVEN
    note: Remark = NOT_GIVEN


# --- writing ---------------------------------------------------------------------------------------------------------


async def create(session: AsyncSession, actor: Actor, ref: str, request: PracticeBody, *, now: datetime) -> Practice:
    """A draft: nobody is told of it. Raises Unfit, TakenAlready, NotYetKnown."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_PRACTICES, network=network, on=now)
    known = await _candidate(session, actor, network, request.experience_id, now)
    given = values_of(request)
    where: dict[str, Any] = {
        name: given.pop(name, None) or getattr(known, name, None) for name in ("organisation_id", "body_id")
    }
    given.pop("experience_id", None)
    if known is not None:
        for name in ("title", "themes", "territory"):
            given[name] = given.get(name) or getattr(known, name)
    if not given.get("title"):
        raise Unfit("/title", "missing", "a title, or the id of an experience")
    await _require_owner(session, actor, network, now, **where)
    text = rules.Text(**{"title": "", **given}).changed({})
    await _require_networks(session, text, network)
    practice = Practice(network, text.title, **where, experience_id=request.experience_id, written_by=actor.person_id)
    practice._read(text)
    practice.place_is(territories.load().around(text.territory))
    session.add(practice)
    await session.flush()
    return practice


async def _candidate(
    session: AsyncSession, actor: Actor, network: UUID, experience_id: UUID | None, now: datetime
) -> Experience | None:
    """What an experience says of itself. Raises NotYetKnown, Unfit, TakenAlready."""
    if experience_id is None:
        return None
    row = (await session.execute(select(experiences).where(experiences.c.id == experience_id))).one_or_none()
    if row is None:
        raise NotYetKnown("/experience_id", "experience")
    found = Experience.of(row)
    if row.network_id != network or not found.stands(day(now)) or not queries.is_candidate_for(actor, row, now):
        raise Unfit("/experience_id", "no_candidate", "a validated experience of this network, that has not expired")
    taken = await session.scalar(select(practices.c.id).where(practices.c.experience_id == experience_id))
    if taken is not None:
        raise TakenAlready(taken)
    return found


async def _require_owner(
    session: AsyncSession,
    actor: Actor,
    network: UUID,
    now: datetime,
    organisation_id: UUID | None,
    body_id: UUID | None,
) -> None:
    """Of the network; and one writes for those for whom one acts, unless one reviews. Raises Unfit, Forbidden."""
    territory = None
    if organisation_id is not None:
        territory = await member_place(session, network, organisation_id)
    if body_id is not None:
        territory = await body_place(session, network, body_id) or territory
    if organisation_id is None and body_id is None:
        return
    theirs = any(
        grant.network_id == network
        and (organisation_id in (None, grant.organisation_id))
        and (body_id in (None, grant.body_id))
        for grant in actor.current(now)
    )
    reviews = has_for(actor, Right.REVIEW_PRACTICES, network=network, body=body_id, territory=territory, on=now)
    if not (theirs or reviews or actor.key_id is not None):
        raise Forbidden("learning:write_practices", policy.rules[Right.WRITE_PRACTICES])


async def member_place(session: AsyncSession, network: UUID, organisation_id: UUID) -> str | None:
    """The municipality of a member's seat. Raises Unfit."""
    query = (
        select(memberships.c.organisation_id, organisations.c.municipality)
        .outerjoin(organisations, organisations.c.id == memberships.c.organisation_id)
        .where(
            memberships.c.network_id == network,
            memberships.c.organisation_id == organisation_id,
            memberships.c.state == "active",
        )
    )
    row = (await session.execute(query)).first()
    if row is None:
        raise Unfit("/organisation_id", "unknown", "an active member of the network")
    return row.municipality  # type: ignore[no-any-return]


async def body_place(session: AsyncSession, network: UUID, body_id: UUID) -> str | None:
    """Raises Unfit."""
    query = select(bodies.c.territory, bodies.c.network_id, bodies.c.state).where(bodies.c.id == body_id)
    row = (await session.execute(query)).one_or_none()
    if row is None or row.network_id != network or row.state == "dissolved":
        raise Unfit("/body_id", "unknown", "a body of the network that is not dissolved")
    return row.territory  # type: ignore[no-any-return]


async def _require_networks(session: AsyncSession, text: rules.Text, network: UUID) -> None:
    """Raises Unfit."""
    wanted = set(text.shared_with)
    known = set(await session.scalars(select(networks.c.id).where(networks.c.id.in_(wanted)))) if wanted else set()
    if wanted - known or network in wanted:
        raise Unfit("/shared_with", "unknown", "other networks of this platform")


def values_of(request: Request) -> dict[str, Any]:
    """What was given, as the rules have it. Raises Unfit for a territory that there is not."""
    given: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "territory" in given:
        given["territory"] = known_place(given["territory"], "/territory")
    for name in ("themes", "shared_with"):
        if name in given:
            given[name] = tuple(dict.fromkeys(given[name]))
    if "trials" in given:
        given["trials"] = tuple(
            Trial(known_place(one.place, f"/trials/{n}/place") or "", one.result, one.since)
            for n, one in enumerate(given["trials"])
        )
    if "evidence" in given:
        given["evidence"] = tuple(Evidence(one.title, one.url) for one in given["evidence"])
    return given


def known_place(code: str | None, path: str) -> str | None:
    """Raises Unfit."""
    if code is None:
        return None
    found = territories.load().code_of(code)
    if found is None:
        raise Unfit(path, "unknown", "03, 097 or LC, E507")
    return found


async def change(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    request: PracticeChange,
    *,
    expected: int | None,
    now: datetime,
) -> Practice:
    """Of what is published, a further text is begun or goes on. Raises NotPossibleNow, Unfit."""
    practice = await _writable(session, actor, practice_id, expected, now)
    if practice.change(values_of(request), actor.person_id):
        await _require_networks(session, practice.newest, practice.network_id)
        practice.place_is(territories.load().around(practice.territory))
        await session.flush()
    return practice


async def delete(
    session: AsyncSession, actor: Actor, practice_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """A draft that nobody was shown. Raises NotPossibleNow."""
    practice = await _writable(session, actor, practice_id, expected, now)
    practice.require("delete")
    await session.delete(practice)


# --- review ----------------------------------------------------------------------------------------------------------


async def submit(
    session: AsyncSession, actor: Actor, practice_id: UUID, *, expected: int | None, now: datetime
) -> Practice:
    """Raises NotPossibleNow, StageAsks."""
    practice = await _writable(session, actor, practice_id, expected, now)
    practice.submit((await queries.asks(session, practice.network_id)).asks, now)
    await _said(session, actor, practice, Verdict.SUBMITTED, "", now)
    return await _told(session, PracticeSubmitted, practice)


async def take_back(
    session: AsyncSession, actor: Actor, practice_id: UUID, *, expected: int | None, now: datetime
) -> Practice:
    """Its author goes on writing. Raises NotPossibleNow."""
    practice = await _writable(session, actor, practice_id, expected, now)
    practice.take_back()
    await _said(session, actor, practice, Verdict.TAKEN_BACK, "", now)
    return await _told(session, PracticeReturned, practice)


async def comment(
    session: AsyncSession, actor: Actor, practice_id: UUID, request: ReasonBody, *, now: datetime
) -> Practice:
    """By who wrote it or reviews it. Raises NotPossibleNow."""
    practice = await queries.locked(session, actor, practice_id, now)
    if not queries.writes(actor, practice):
        _require_reviewer(actor, practice, now)
    practice.require("comment")
    await _said(session, actor, practice, Verdict.COMMENT, request.text, now)
    return practice


async def return_(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    request: ReasonBody,
    *,
    expected: int | None,
    now: datetime,
) -> Practice:
    """Raises NotPossibleNow."""
    practice = await _reviewable(session, actor, practice_id, expected, now)
    practice.return_()
    await _said(session, actor, practice, Verdict.RETURNED, request.text, now)
    return await _told(session, PracticeReturned, practice)


async def approve(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    request: RemarkBody,
    *,
    expected: int | None,
    now: datetime,
) -> Practice:
    """The text is out, and kept as it is. Raises NotPossibleNow, OwnText, StageAsks."""
    practice = await _reviewable(session, actor, practice_id, expected, now)
    text = practice.approve(actor.person_id, (await queries.asks(session, practice.network_id)).asks, day(now))
    practice.place_is(territories.load().around(text.territory))
    await session.flush()
    kept = {"practice_id": practice.id, "number": practice.edition, "text": text.json(), "published_at": now}
    await session.execute(insert(practice_editions).values(kept))
    await _said(session, actor, practice, Verdict.APPROVED, request.text, now, practice.edition)
    return await _told(session, PracticePublished if practice.edition == 1 else PracticeChanged, practice)


async def withdraw(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    request: ReasonBody,
    *,
    expected: int | None,
    now: datetime,
) -> Practice:
    """By who wrote it or reviews it: nobody takes it up any more. Raises NotPossibleNow."""
    practice = await queries.locked(session, actor, practice_id, now)
    if not queries.writes(actor, practice):
        _require_reviewer(actor, practice, now)
    expect(expected, practice.version)
    practice.withdraw()
    await _said(session, actor, practice, Verdict.WITHDRAWN, request.text, now, practice.edition)
    return await _told(session, PracticeWithdrawn, practice)


async def set_rules(
    session: AsyncSession, actor: Actor, ref: str, request: RulesBody, *, expected: int | None, now: datetime
) -> queries.Ruled:
    """What each stage asks for from now on; what is published stays so."""
    network = await network_id(session, ref)
    policy.require(actor, Right.SET_PRACTICE_RULES, network=network, on=now)
    await session.execute(select(networks.c.id).where(networks.c.id == network).with_for_update())
    expect(expected, (await queries.asks(session, network)).version)
    given = request.model_dump()
    made = upsert(practice_rules).values(network_id=network, version=1, **given)
    changed = {**given, "version": practice_rules.c.version + 1}
    await session.execute(made.on_conflict_do_update(index_elements=["network_id"], set_=changed))
    return await queries.asks(session, network)


async def _writable(
    session: AsyncSession, actor: Actor, practice_id: UUID, expected: int | None, now: datetime
) -> Practice:
    practice = await queries.locked(session, actor, practice_id, now)
    if not (queries.writes(actor, practice) or queries.reviews(actor, practice, now)):
        raise Forbidden("learning:write_practices", ["author", Role.SECRETARIAT, Role.COORDINATOR])
    expect(expected, practice.version)
    return practice


async def _reviewable(
    session: AsyncSession, actor: Actor, practice_id: UUID, expected: int | None, now: datetime
) -> Practice:
    practice = await queries.locked(session, actor, practice_id, now)
    _require_reviewer(actor, practice, now)
    expect(expected, practice.version)
    return practice


def _require_reviewer(actor: Actor, practice: Practice, now: datetime) -> None:
    require_for(actor, Right.REVIEW_PRACTICES, **queries.place(practice), on=now)


async def _said(
    session: AsyncSession,
    actor: Actor,
    practice: Practice,
    verdict: Verdict,
    text: str,
    now: datetime,
    edition: int | None = None,
) -> None:
    await session.flush()
    row = {
        "id": uuid7(),
        "practice_id": practice.id,
        "verdict": verdict,
        "text": text,
        "edition": edition or practice.edition + 1,
        "said_by": actor.person_id,
        "at": now,
    }
    await session.execute(insert(practice_reviews).values(row))


async def _told(session: AsyncSession, fact: type[PracticeState], practice: Practice) -> Practice:
    await session.flush()
    await stage(session, state_of(fact, practice))
    return practice


def state_of(fact: type[PracticeState], practice: Practice) -> PracticeState:
    return fact(
        id=practice.id,
        version=practice.version,
        network_id=practice.network_id,
        title=practice.title,
        stage=practice.stage,
        state=practice.state,
        themes=practice.themes,
        territory=practice.territory,
        organisation_id=practice.organisation_id,
        body_id=practice.body_id,
        author_id=practice.written_by,
        experience_id=practice.experience_id,
        visibility=practice.visibility,
        shared_with=practice.shared_with,
        adoptions=practice.adoptions,
        edition=practice.edition,
        revision=practice.revision,
    )


# --- taking up -------------------------------------------------------------------------------------------------------


async def adopt(
    session: AsyncSession, actor: Actor, practice_id: UUID, request: AdoptBody, *, now: datetime
) -> Adoption:
    """By the adopting network's secretariat, or the coordinator of the body. Raises UnknownPractice when that network
    does not see it; OwnPractice, AdoptedAlready, Unfit, NotPossibleNow."""
    network = await network_id(session, request.network)
    _require_adopter(actor, network, request.body_id, now)  # before anybody learns who is a member
    territory = None
    if request.organisation_id is not None and request.body_id is None:
        territory = await member_place(session, network, request.organisation_id)
    elif request.body_id is not None:
        territory = await body_place(session, network, request.body_id)
    practice = await queries.locked_for(session, practice_id, network, now)
    adoption = Adoption(
        practice.id,
        practice.network_id,
        network,
        request.since or day(now),
        request.organisation_id,
        request.body_id,
        territory,
        request.named,
        request.note,
        begun_by=actor.person_id,
    )
    rules.adopt(practice, adoption, day(now))
    if await session.scalar(queries.running(adoption)):
        raise AdoptedAlready
    session.add(adoption)
    practice.adoptions += 1
    await session.flush()
    await stage(session, adoption_state(PracticeAdopted, adoption, practice), state_of(PracticeChanged, practice))
    return adoption


async def change_adoption(
    session: AsyncSession,
    actor: Actor,
    adoption_id: UUID,
    request: AdoptionChange,
    *,
    expected: int | None,
    now: datetime,
) -> Adoption:
    adoption, _ = await _adopted(session, actor, adoption_id, expected, now)
    for name in request.model_fields_set:
        setattr(adoption, name, getattr(request, name))
    await session.flush()
    return adoption


async def end(
    session: AsyncSession, actor: Actor, adoption_id: UUID, *, expected: int | None, now: datetime
) -> Adoption:
    """Raises AdoptionOver."""
    adoption, practice = await _adopted(session, actor, adoption_id, expected, now)
    adoption.end(day(now))
    practice.adoptions -= 1
    await session.flush()
    await stage(session, adoption_state(AdoptionEnded, adoption, practice), state_of(PracticeChanged, practice))
    return adoption


async def _adopted(
    session: AsyncSession, actor: Actor, adoption_id: UUID, expected: int | None, now: datetime
) -> tuple[Adoption, Practice]:
    """The practice is locked before the adoption."""
    adoption = await queries.adoption(session, actor, adoption_id, now=now)
    practice = await session.get(Practice, adoption.adoption.practice_id, with_for_update=True, populate_existing=True)
    found = await session.get(Adoption, adoption_id, with_for_update=True, populate_existing=True)
    assert practice is not None and found is not None  # noqa: PT018 (neither is ever deleted)
    _require_adopter(actor, found.network_id, found.body_id, now)
    expect(expected, found.version)
    return found, practice


def _require_adopter(actor: Actor, network: UUID, body: UUID | None, now: datetime) -> None:
    """Raises Forbidden. A coordinator acts for their own body alone."""
    if policy.has(actor, Right.ADOPT_PRACTICES, network=network, on=now) and (
        actor.admin or actor.key_id is not None or actor.holds(Role.SECRETARIAT, network=network, on=now)
    ):
        return
    if body is None or not actor.holds(Role.COORDINATOR, network=network, body=body, on=now):
        raise Forbidden("learning:adopt_practices", policy.rules[Right.ADOPT_PRACTICES])


def adoption_state(fact: type[AdoptionState], adoption: Adoption, practice: Practice) -> AdoptionState:
    return fact(
        id=adoption.id,
        version=adoption.version,
        network_id=adoption.network_id,
        practice_id=practice.id,
        practice_network_id=practice.network_id,
        practice_title=practice.title,
        organisation_id=adoption.organisation_id,
        body_id=adoption.body_id,
        territory=adoption.territory,
        since=adoption.since,
        state=adoption.state,
    )


async def follow_the_merged(session: AsyncSession, going: UUID, staying: UUID, now: datetime) -> list[Fact]:
    """An organisation turned out to be a duplicate: what was its is the other one's. Where both took up the same
    practice, the duplicate's adoption ends. Gives the facts to tell."""
    theirs = select(adoptions.c.practice_id).where(adoptions.c.organisation_id == going, adoptions.c.state == "active")
    concerned = select(Practice).where((practices.c.organisation_id == going) | practices.c.id.in_(theirs))
    locked = {one.id: one for one in await session.scalars(concerned.order_by(practices.c.id).with_for_update())}
    running = select(Adoption).where(adoptions.c.organisation_id == going, adoptions.c.state == "active")
    moved = list(await session.scalars(running.order_by(adoptions.c.id).with_for_update()))
    for adoption in moved:
        adoption.organisation_id = staying
        with session.no_autoflush:
            twice = await session.scalar(queries.running(adoption))
        if twice:
            adoption.end(day(now))
            locked[adoption.practice_id].adoptions -= 1
        await session.flush()
    for practice in locked.values():
        if practice.organisation_id == going:
            practice.organisation_id = staying
    await session.flush()
    over = update(adoptions).where(adoptions.c.organisation_id == going)
    await session.execute(over.values(organisation_id=staying, version=adoptions.c.version + 1))
    facts: list[Fact] = [
        adoption_state(
            PracticeAdopted if one.state is rules.AdoptionState.ACTIVE else AdoptionEnded, one, locked[one.practice_id]
        )
        for one in moved
    ]
    changed = (one for one in locked.values() if one.state is not rules.State.DRAFT or one.submitted_at is not None)
    return [*facts, *(state_of(PracticeChanged, one) for one in changed)]
