"""What may be done with collections, contributions and syntheses. Whoever writes in a collection shares the lock of its
row; whoever opens or closes it, or counts it for an issue, has it alone: so nothing is written after a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

import orjson
from pydantic import Field, StringConstraints
from sqlalchemy import ARRAY, Text, Uuid, bindparam, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.contributions import queries, rules
from services.events.contributions.queries import Issued, Sheet, Shown, Written
from services.events.contributions.rules import (
    MOST_TAGGED,
    MOST_THEMES,
    Audience,
    Collection,
    Contribution,
    InvalidCollection,
    NobodyToSendTo,
    NotPossibleNow,
    NotTheirs,
    Reach,
    State,
    Synthesis,
    Tag,
    Theme,
    UnknownCollection,
    UnknownSynthesis,
    UnknownTheme,
)
from services.events.contributions.tables import contributions, syntheses, themes, versions
from services.events.meetings import queries as meeting_queries
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.series.tables import series
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.contracts.events import SynthesisIssued, SynthesisSent
from shared.messaging import stage
from shared.runtime import due
from shared.runtime.problems import Invalid, NotYetKnown, expect
from shared.runtime.shapes import NOT_GIVEN, Instant, Request, line, prose

DUE = "collection"
PART = 1_000
"""Recipients in one fact."""
LINES = 3_000
"""Of a synthesis: what is compared line by line must have an end."""

Title = Annotated[str, line(300)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000, pattern=r"^[^\x00]*$")]
Words = Annotated[str, prose(5_000)]
Synthesised = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=50_000, pattern=r"^(?:[^\x00\n]*\n?){0,3000}$")
]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=60)]
Territory = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{2,4}$")]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=60)]


class ThemeBody(Request):
    """`it` and `en` are what people read."""

    code: Code
    it: Annotated[str, line(120)]
    en: Annotated[str, line(120)]


THEMES = [
    {"code": "energies", "it": "Energie", "en": "Energies"},
    {"code": "community-networks", "it": "Reti di comunità", "en": "Community networks"},
    {"code": "tools", "it": "Strumenti", "en": "Tools"},
    {"code": "value-chains", "it": "Filiere", "en": "Value chains"},
]


class Drafting(Request):
    """Of a series, of a body, or (with neither) of the network. `question` is what people are asked."""

    title: Title = Field(examples=["Che cosa abbiamo, che cosa manca"])
    question: Question = Field("", examples=["Quali energie ci sono già nel tuo territorio?"])
    series_id: UUID | None = None
    body_id: UUID | None = None
    closes_at: Instant | None = None
    themes: list[ThemeBody] = Field(default=[], max_length=MOST_THEMES, examples=[THEMES])


class Changing(Request):
    """Only what is given changes; themes while it is a draft."""

    title: Title = NOT_GIVEN
    question: Question = NOT_GIVEN
    closes_at: Instant | None = None
    themes: list[ThemeBody] = Field(default_factory=lambda: None, max_length=MOST_THEMES)  # type: ignore[arg-type]


class Opening(Request):
    """`closes_at`: when it closes by itself; null, and it is closed by hand."""

    closes_at: Instant | None = None


class Writing(Request):
    """`mandate_id` says for whom the person speaks, where they hold several mandates. `person_id` is of who said it,
    when the coordination enters it for them: that is recorded as such."""

    theme: Code = Field(examples=["energies"])
    text: Words = Field(examples=["Abbiamo otto volontari formati, e una sede aperta ogni pomeriggio."])
    mandate_id: UUID | None = None
    person_id: UUID | None = None


class Rewriting(Request):
    """Only what is given changes."""

    theme: Code = NOT_GIVEN
    text: Words = NOT_GIVEN


class Tagged(Request):
    """All tags of one contribution; none takes them away."""

    contribution_id: UUID
    tags: list[Tag] = Field(max_length=len(Tag), examples=[["strength", "development"]])


class Tagging(Request):
    items: list[Tagged] = Field(min_length=1, max_length=MOST_TAGGED)


class Synthesising(Request):
    """`text`: paragraphs, headings (`## `) and items (`- `), each on lines of their own."""

    title: Title = Field(examples=["Sintesi della prima fase"])
    text: Synthesised = Field("", examples=["## Energie\n\nI volontari formati ci sono.\n\n- otto a Lecco"])


class Resynthesising(Request):
    title: Title = NOT_GIVEN
    text: Synthesised = NOT_GIVEN


class AudienceBody(Request):
    """To whom: who holds one of these roles today; and, where they are given, in one of these bodies, within one of
    these territories, for a territory of this reach (national, regional, territorial), for an organisation of one of
    these kinds. Not said: the representatives and referents for a region."""

    roles: list[Role] = Field(default=[Role.REPRESENTATIVE, Role.REFERENT], min_length=1, max_length=len(Role))
    reaches: list[Reach] = Field(default=[Reach.REGIONAL], max_length=len(Reach))
    bodies: list[UUID] = Field(default=[], max_length=200)
    territories: list[Territory] = Field(default=[], max_length=200)
    kinds: list[Kind] = Field(default=[], max_length=50)

    @property
    def rule(self) -> Audience:
        return Audience(
            tuple(map(str, self.roles)),
            tuple(self.reaches),
            tuple(self.bodies),
            tuple(self.territories),
            tuple(self.kinds),
        )


class Issuing(Request):
    audience: AudienceBody = AudienceBody()


# --- collections ----------------------------------------------------------------------------------------------------


async def draft(session: AsyncSession, actor: Actor, network: str, request: Drafting, *, now: datetime) -> Shown:
    """A draft, which only the coordination sees."""
    room = await network_id(session, network)
    body = await meeting_queries.body_of(session, room, request.body_id)
    policy.require(actor, Right.COLLECT_CONTRIBUTIONS, on=now, **meeting_queries.where(room, body))
    if request.body_id and request.series_id:
        raise InvalidCollection("/series_id", "one_of", "a series or a body, not both")
    await _series_of(session, room, request.series_id)
    one = Collection(
        room,
        request.title,
        request.question,
        request.series_id,
        request.body_id,
        request.closes_at,
        created_by=actor.id,
    )
    one.require_ahead(one.closes_at, now)
    session.add(one)
    await session.flush()
    await _keep(session, one.id, rules.fit([Theme(**theme.model_dump()) for theme in request.themes]))
    return await queries.shown(session, one.id)


async def _series_of(session: AsyncSession, room: UUID, series_id: UUID | None) -> None:
    if series_id is None:
        return
    known = select(series.c.id).where(series.c.id == series_id, series.c.network_id == room)
    if await session.scalar(known) is None:
        raise InvalidCollection("/series_id", "unknown", "a series of this network")


async def change(
    session: AsyncSession, actor: Actor, collection_id: UUID, request: Changing, *, expected: int | None, now: datetime
) -> Shown:
    found = await _to_collect(session, actor, collection_id, expected, now)
    one, fields, before = found.collection, request.model_dump(exclude_unset=True), found.version
    given = fields.pop("themes", None)
    one.change(fields, now)
    if given is not None:
        if one.state is not State.DRAFT:
            raise NotPossibleNow("change themes", one.state)
        await session.execute(delete(themes).where(themes.c.collection_id == one.id))
        await _keep(session, one.id, rules.fit([Theme(**theme) for theme in given]))
    await session.flush()
    if given is not None and one.version == before:
        await _touch(session, one)
    if one.state is State.OPEN and "closes_at" in fields:
        await _schedule(session, one)
    return await queries.shown(session, one.id)


async def open_(
    session: AsyncSession, actor: Actor, collection_id: UUID, request: Opening, *, expected: int | None, now: datetime
) -> Shown:
    found = await _to_collect(session, actor, collection_id, expected, now)
    one = found.collection
    given = "closes_at" in request.model_fields_set
    one.open(len(found.themes), request.closes_at if given else _ahead(one.closes_at, now), now)
    await session.flush()
    await _schedule(session, one)
    return await queries.shown(session, one.id)


def _ahead(closes_at: datetime | None, now: datetime) -> datetime | None:
    """The end that was decided before; one that has passed is none."""
    return closes_at if closes_at is not None and closes_at > now else None


async def close(
    session: AsyncSession, actor: Actor, collection_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    found = await _to_collect(session, actor, collection_id, expected, now)
    found.collection.close(now)
    await session.flush()
    await due.cancel(session, DUE, collection_id)
    return await queries.shown(session, collection_id)


async def close_when_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: those whose end has come. One statement; it tells nobody."""
    await session.execute(CLOSE, {"ids": list(ids), "now": now})


CLOSE = text(
    "update collections set state = 'closed', closed_at = closes_at, updated_at = now(), version = version + 1"
    " where id = any(cast(:ids as uuid[])) and state = 'open' and closes_at <= :now"
)


async def _schedule(session: AsyncSession, one: Collection) -> None:
    if one.closes_at is None:
        await due.cancel(session, DUE, one.id)
    else:
        await due.schedule(session, DUE, one.id, one.closes_at)


async def _to_collect(
    session: AsyncSession, actor: Actor, collection_id: UUID, expected: int | None, now: datetime
) -> Shown:
    found = await queries.for_update(session, collection_id)
    policy.require(actor, Right.COLLECT_CONTRIBUTIONS, on=now, **found.place)
    expect(expected, found.version)
    return found


async def _keep(session: AsyncSession, collection_id: UUID, given: Sequence[Theme]) -> None:
    rows = [{"collection_id": collection_id, "position": n, **asdict(theme)} for n, theme in enumerate(given, 1)]
    if rows:
        await session.execute(insert(themes), rows)


async def _touch(session: AsyncSession, one: Collection) -> None:
    """Its themes are no part of its row; who saw others must see another version."""
    await session.execute(
        text("update collections set version = version + 1, updated_at = now() where id = :id"), {"id": one.id}
    )
    await session.refresh(one)


# --- contributions --------------------------------------------------------------------------------------------------


async def contribute(
    session: AsyncSession, actor: Actor, collection_id: UUID, request: Writing, *, now: datetime
) -> Written:
    """What somebody thinks, by themselves or entered for them by the coordination."""
    found = await queries.for_update(session, collection_id, shared=True)
    one = found.collection
    person, entered_by = await _who(session, actor, found, request.person_id, now)
    if one.state is State.DRAFT and entered_by is None:
        raise UnknownCollection(collection_id)
    one.require_taking(now)
    speaks = rules.speaking(await queries.speaks(session, one, person, day(now)), request.mandate_id)
    made = Contribution(
        one.id,
        one.network_id,
        _theme(found, request.theme),
        request.text,
        person,
        speaks.mandate_id,
        speaks.organisation_id,
        speaks.territory,
        queries.region_of(speaks.territory),
        entered_by,
        written_at=now,
    )
    session.add(made)
    await session.flush()
    return await queries.written(session, made.id)


async def _who(
    session: AsyncSession, actor: Actor, found: Shown, person_id: UUID | None, now: datetime
) -> tuple[UUID, UUID | None]:
    """Whose contribution it is, and who enters it when that is somebody else."""
    if actor.person_id is not None and person_id in (None, actor.person_id):
        return actor.person_id, None
    policy.require(actor, Right.ENTER_CONTRIBUTIONS, on=now, **found.place)
    if person_id is None:
        raise Invalid("/person_id", "missing", "the id of who said it")
    if await session.scalar(select(people.c.id).where(people.c.id == person_id)) is None:
        raise NotYetKnown("/person_id", "person")
    return person_id, actor.id


def _theme(found: Shown, code: str) -> str:
    codes = [theme.code for theme in found.themes]
    if code not in codes:
        raise UnknownTheme(codes)
    return code


async def change_contribution(
    session: AsyncSession,
    actor: Actor,
    contribution_id: UUID,
    request: Rewriting,
    *,
    expected: int | None,
    now: datetime,
) -> Written:
    one, found = await _to_write(session, actor, contribution_id, expected, now)
    fields = request.model_dump(exclude_unset=True)
    if "theme" in fields:
        _theme(found, fields["theme"])
    one.change(fields, now)
    await session.flush()
    return await queries.written(session, one.id)


async def take_back(
    session: AsyncSession, actor: Actor, contribution_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """It was told to nobody: nothing of it remains."""
    one, _ = await _to_write(session, actor, contribution_id, expected, now)
    await session.delete(one)
    await session.flush()


async def _to_write(
    session: AsyncSession, actor: Actor, contribution_id: UUID, expected: int | None, now: datetime
) -> tuple[Contribution, Shown]:
    """The contribution, locked, if the actor may change it and the collection still takes any."""
    known = await queries.contribution(session, actor, contribution_id, now=now)
    one = known.contribution
    found = await queries.for_update(session, one.collection_id, shared=True)
    await session.refresh(one, with_for_update=True)
    enters = policy.has(actor, Right.ENTER_CONTRIBUTIONS, on=now, **known.place)
    if not one.may_be_changed_by(actor.person_id, enters=enters):
        raise NotTheirs
    found.collection.require_taking(now)
    if actor.person_id == one.person_id:
        assert one.person_id is not None
        rules.speaking(await queries.speaks(session, found.collection, one.person_id, day(now)), one.mandate_id)
    expect(expected, one.version)
    return one, found


TAG = text(
    """
    update contributions c set tags = array(select jsonb_array_elements_text(given.tags)), tagged_by = :by,
        tagged_at = :now, updated_at = now(), version = c.version + 1
    from jsonb_to_recordset(cast(:items as jsonb)) as given(id uuid, tags jsonb)
    where c.id = given.id and c.collection_id = :collection returning c.id
    """
).bindparams(bindparam("items", type_=Text), bindparam("by", type_=Uuid), bindparam("collection", type_=Uuid))


async def tag(session: AsyncSession, actor: Actor, collection_id: UUID, request: Tagging, *, now: datetime) -> Shown:
    """Tags up to 1,000 contributions in one statement; all of them, or none when one is not of this collection."""
    found = await queries.for_update(session, collection_id, shared=True)
    policy.require(actor, Right.TAG_CONTRIBUTIONS, on=now, **found.place)
    ids = [item.contribution_id for item in request.items]
    for place, id_ in enumerate(ids):
        if id_ in ids[:place]:
            raise Invalid(f"/items/{place}/contribution_id", "twice", "each contribution once")
    await session.execute(
        select(contributions.c.id).where(contributions.c.id.in_(ids)).order_by(contributions.c.id).with_for_update()
    )
    items = [{"id": item.contribution_id, "tags": rules.ordered(item.tags)} for item in request.items]
    asked = {"items": orjson.dumps(items).decode(), "by": actor.id, "now": now, "collection": collection_id}
    done = set((await session.execute(TAG, asked)).scalars())
    for place, id_ in enumerate(ids):
        if id_ not in done:
            raise Invalid(f"/items/{place}/contribution_id", "unknown", "a contribution of this collection")
    return await queries.shown(session, collection_id)


# --- syntheses ------------------------------------------------------------------------------------------------------


async def begin(
    session: AsyncSession, actor: Actor, collection_id: UUID, request: Synthesising, *, now: datetime
) -> Sheet:
    """The one synthesis of a collection, as a draft."""
    found = await queries.for_update(session, collection_id)
    policy.require(actor, Right.WRITE_SYNTHESES, on=now, **found.place)
    if found.collection.state is State.DRAFT:
        raise NotPossibleNow("synthesise", State.DRAFT)
    if found.synthesis_id is not None:
        raise rules.HasSynthesis(found.synthesis_id)
    one = Synthesis(collection_id, found.collection.network_id, request.title, request.text, drafted_by=actor.id)
    session.add(one)
    await session.flush()
    return await queries.sheet(session, one.id)


async def rewrite(
    session: AsyncSession,
    actor: Actor,
    synthesis_id: UUID,
    request: Resynthesising,
    *,
    expected: int | None,
    now: datetime,
) -> Sheet:
    """The draft: what was issued stands as it is."""
    found = await _to_synthesise(session, actor, synthesis_id, Right.WRITE_SYNTHESES, expected, now)
    for name, value in request.model_dump(exclude_unset=True).items():
        setattr(found.synthesis, name, value)
    await session.flush()
    return await queries.sheet(session, synthesis_id)


async def issue(
    session: AsyncSession, actor: Actor, synthesis_id: UUID, request: Issuing, *, expected: int | None, now: datetime
) -> Issued:
    """Numbers the draft, keeps the counts of that moment with it, and sends it to whom the audience names."""
    found = await _to_synthesise(session, actor, synthesis_id, Right.ISSUE_SYNTHESES, expected, now)
    one, audience = found.synthesis, request.audience
    one.require_new((found.issued.title, found.issued.text) if found.issued is not None else None)
    (counted,) = await queries.counts(session, collection_id=one.collection_id)
    asked = queries.asked_of(audience.rule, one.network_id, day(now))
    told = (await session.execute(queries.RECIPIENTS, asked)).all()
    if not told:
        raise NobodyToSendTo
    one.number += 1
    await session.flush()
    await session.execute(
        insert(versions).values(
            synthesis_id=one.id,
            number=one.number,
            title=one.title,
            text=one.text,
            counts=[
                {"theme": asdict(cell.theme), "contributions": cell.contributions, **cell.tags}
                for cell in counted.cells
            ],
            contributions=counted.contributions,
            audience=audience.model_dump(mode="json"),
            recipients=len(told),
            issued_by=actor.id,
            issued_at=now,
        )
    )
    await _received(session, one, told)
    await stage(session, _issued(found, counted), *_sent(one, [holder.person_id for holder in told]))
    return await queries.version(session, actor, one.id, one.number, now=now)


RECEIVED = text(
    "insert into synthesis_recipients (synthesis_id, number, person_id, organisation_id, role, territory)"
    " select :synthesis, :number, h.* from unnest(:people, :organisations, :roles, :territories) as h"
).bindparams(
    bindparam("synthesis", type_=Uuid),
    bindparam("people", type_=ARRAY(Uuid)),
    bindparam("organisations", type_=ARRAY(Uuid)),
    bindparam("roles", type_=ARRAY(Text)),
    bindparam("territories", type_=ARRAY(Text)),
)


async def _received(session: AsyncSession, one: Synthesis, told: Sequence[Any]) -> None:
    """Who received the version that was numbered last, in one statement however many they are."""
    people_told, organisations, roles, territories = (list(column) for column in zip(*told, strict=True))
    asked = {"people": people_told, "organisations": organisations, "roles": roles, "territories": territories}
    await session.execute(RECEIVED, {"synthesis": one.id, "number": one.number, **asked})


def _issued(found: Sheet, counted: queries.Counted) -> SynthesisIssued:
    """Figures and codes: the text may name people."""
    one, of = found.synthesis, found.collection.collection
    return SynthesisIssued(
        id=one.id,
        version=one.version,
        network_id=one.network_id,
        title=one.title,
        number=one.number,
        themes=tuple(counted.themes),
        contributions=counted.contributions,
        series_id=of.series_id,
        body_id=of.body_id,
    )


def _sent(one: Synthesis, told: Sequence[UUID]) -> list[SynthesisSent]:
    return [
        SynthesisSent(
            id=uuid5(one.id, f"{one.number}/{part}"),
            version=1,
            network_id=one.network_id,
            synthesis_id=one.id,
            number=one.number,
            part=part,
            people=tuple(told[start : start + PART]),
        )
        for part, start in enumerate(range(0, len(told), PART), 1)
    ]


async def _to_synthesise(
    session: AsyncSession, actor: Actor, synthesis_id: UUID, right: Right, expected: int | None, now: datetime
) -> Sheet:
    """The synthesis, locked after its collection, if the actor may work on it and knows its newest version."""
    known = await session.scalar(select(syntheses.c.collection_id).where(syntheses.c.id == synthesis_id))
    if known is None:
        raise UnknownSynthesis(synthesis_id)
    await queries.for_update(session, known)
    one = await session.get_one(Synthesis, synthesis_id)
    await session.refresh(one, with_for_update=True)
    found = await queries.sheet(session, synthesis_id)
    policy.require(actor, right, on=now, **found.collection.place)
    expect(expected, found.version)
    return found
