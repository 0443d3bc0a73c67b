"""Answers to the question whether an item is still true: confirmed, changed in this way, or gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.experiences import commands as experiences
from services.mapping.experiences.commands import ExperienceChange
from services.mapping.experiences.rules import Experience
from services.mapping.freshness import commands
from services.mapping.freshness.rules import AlreadyAnswered, Answer, Question, UnknownQuestion
from services.mapping.freshness.tables import freshness
from services.mapping.items import commands as items
from services.mapping.items import queries as items_queries
from services.mapping.items.queries import Shown
from services.mapping.items.rules import Item, Subject
from services.mapping.places import commands as places
from services.mapping.places.commands import PlaceChange
from services.mapping.places.rules import Place
from services.mapping.policy import Right, policy
from services.mapping.presences.tables import organisations
from services.mapping.resources import commands as resources
from services.mapping.resources.commands import ResourceChange
from services.mapping.resources.rules import Resource
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.links import Link, LinkExpired, LinkInvalid
from shared.access.roles import Role
from shared.access.tokens import Identity
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.shapes import Request

MODELS: dict[Subject, type[Item]] = {
    Subject.PLACE: Place,
    Subject.RESOURCE: Resource,
    Subject.EXPERIENCE: Experience,
}
ANSWERERS = (Role.SECRETARIAT, Role.COORDINATOR)


class ChangesMissing(Exception):
    """What has changed must be said."""


class AnswerBody(Request):
    """`changed` says in `place`, `resource` or `experience` (what the question is about) what is different now."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"answer": "confirmed"}, {"answer": "changed", "place": {"phone": "0372 407341"}}]
        },
    )

    answer: Literal["confirmed", "changed", "gone"]
    place: PlaceChange | None = None
    resource: ResourceChange | None = None
    experience: ExperienceChange | None = None

    def changes(self, subject: Subject) -> Any:
        """Raises ChangesMissing."""
        given = getattr(self, subject)
        if given is None or not given.model_fields_set:
            raise ChangesMissing
        return given


@dataclass(frozen=True)
class Asked:
    """A question with the item as it is now; `organisation` is the name of whom it was put to. `actions`: what the
    caller may do with it."""

    question: Question
    shown: Shown[Any]
    network: Any
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.question.version


async def answer(
    session: AsyncSession, actor: Actor, question_id: UUID, request: AnswerBody, *, now: datetime
) -> Asked:
    """What was asked is answered, also late; the item is confirmed, changed or closed by it. Raises AlreadyAnswered,
    ChangesMissing, Forbidden, and what changing such an item does."""
    which = select(freshness.c.item, freshness.c.item_id).where(freshness.c.id == question_id)
    about = (await session.execute(which)).one_or_none()
    if about is None:
        raise UnknownQuestion(question_id)
    model = MODELS[about.item]
    await commands.hold(session, Subject(about.item), [about.item_id])
    item = await items_queries.for_update(session, model, about.item_id)
    items_queries.require_action(actor, "confirm", item, now)
    question = await _question(session, question_id, lock=True)
    if question.answer not in (None, Answer.LAPSED):
        raise AlreadyAnswered(question.answer or "")
    if request.answer == "changed":
        await _change(session, actor, question, request, now)
    else:
        step = "confirm" if request.answer == "confirmed" else "close"
        await items.act(session, actor, model, item.id, step, expected=None, now=now)
    if question.answer is Answer.LAPSED:  # the item's own steps answer open questions only
        await commands.close(session, question, Answer(request.answer), now, actor.person_id)
    return await asked(session, actor, question, now)


async def _change(session: AsyncSession, actor: Actor, question: Question, request: AnswerBody, now: datetime) -> None:
    given, id_ = request.changes(question.item), question.item_id
    if question.item is Subject.PLACE:
        await places.change(session, actor, id_, given, expected=None, now=now, confirms=True)
    elif question.item is Subject.RESOURCE:
        await resources.change(session, actor, id_, given, expected=None, now=now, confirms=True)
    else:
        await experiences.change(session, actor, id_, given, expected=None, now=now, confirms=True)


async def answer_by_link(session: AsyncSession, _: Actor, link: Link, request: AnswerBody, *, now: datetime) -> Asked:
    """As the person whom the link was sent to. Raises LinkExpired when they answer for the item no more."""
    return await answer(session, await holder(session, link), link.subject, request, now=now)


async def linked(session: AsyncSession, _: Actor, link: Link, *, now: datetime) -> Asked:
    """What a link is about. Raises UnknownQuestion, LinkExpired."""
    actor, question = await holder(session, link), await _question(session, link.subject)
    found = await asked(session, actor, question, now)
    rights = items_queries.rights_for("confirm", found.shown.item)
    if not any(items_queries.may(actor, right, found.shown.item, now) for right in rights):
        raise LinkExpired("its person answers for it no more")
    return found


async def holder(session: AsyncSession, link: Link) -> Actor:
    """The person whom a link was sent to, with their rights of now. Raises LinkInvalid."""
    try:
        return await loading.person(session, Identity(person_id=UUID(str(link.claims["person"]))))
    except (KeyError, ValueError) as error:
        raise LinkInvalid("person") from error


async def get(session: AsyncSession, actor: Actor, question_id: UUID, *, now: datetime) -> Asked:
    """Raises UnknownQuestion, also for who does not answer for the item."""
    found = await asked(session, actor, await _question(session, question_id), now)
    rights = items_queries.rights_for("confirm", found.shown.item)
    if not any(items_queries.may(actor, right, found.shown.item, now) for right in rights):
        raise UnknownQuestion(question_id)
    return found


async def asked(session: AsyncSession, actor: Actor, question: Question, now: datetime) -> Asked:
    model = MODELS[question.item]
    item = await session.get(model, question.item_id)
    assert item is not None  # items are closed, never deleted
    shown = await items_queries.after_command(session, actor, item, now)
    answerable = question.answer in (None, Answer.LAPSED) and "confirm" in shown.actions
    network = await loading.network_row(session, str(question.network_id))
    return Asked(question, shown, network, ["answer"] if answerable else [])


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    open: bool | None = None,  # noqa: A002 (as it is asked for)
    item: Sequence[Subject] = (),
    organisation: Sequence[UUID] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """What was asked, the newest first: a referent sees their organisations' questions, a coordinator and the
    secretariat all."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    query = (
        select(*freshness.c, organisations.c.title.label("organisation"))
        .outerjoin(organisations, organisations.c.id == freshness.c.organisation_id)
        .where(freshness.c.network_id == network_id)
    )
    if not (actor.admin or actor.key_id or actor.holds(*ANSWERERS, on=day(now), network=network_id)):
        own = {g.organisation_id for g in actor.current(now) if g.network_id == network_id and g.organisation_id}
        query = query.where(freshness.c.organisation_id.in_(own))
    if open is not None:
        query = query.where(freshness.c.answer.is_(None) if open else freshness.c.answer.is_not(None))
    if item:
        query = query.where(freshness.c.item.in_(item))
    if organisation:
        query = query.where(freshness.c.organisation_id.in_(organisation))
    return await page(session, query, key=[freshness.c.id], after=after, limit=limit, descending=True)


async def _question(session: AsyncSession, question_id: UUID, *, lock: bool = False) -> Question:
    found = await session.get(Question, question_id, with_for_update=lock or None)
    if found is None:
        raise UnknownQuestion(question_id)
    return found
