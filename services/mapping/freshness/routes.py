"""HTTP of the questions whether items are still true."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from services.mapping.freshness import answering, commands, pages, queries
from services.mapping.freshness.answering import AnswerBody, Asked, ChangesMissing
from services.mapping.freshness.commands import RuleBody
from services.mapping.freshness.rules import AlreadyAnswered, Answer, UnknownQuestion
from services.mapping.items.routes import KnownRef, Network, organisation_ref
from services.mapping.items.rules import Subject
from shared.access import links
from shared.access.links import Link
from shared.runtime.answers import accepted
from shared.runtime.browsers import HTML, Token, answered, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, Problems, not_found, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["freshness"])
PURPOSE = "freshness"
HREF = "/mapping/v1/freshness"
Word = Annotated[str, Form(max_length=5_000)]


class QuestionOut(BaseModel):
    """Whether `subject` (a place, resource or experience) is still as the map shows it. Without an answer by the day
    `answer_by` it lapses, and the item expires."""

    id: UUID
    network_id: UUID
    item: Subject
    subject: KnownRef
    organisation: KnownRef | None
    asked_on: date
    answer_by: date
    answer: Answer | None
    answered_on: date | None
    href: str
    version: int

    @classmethod
    def of(cls, row: Any) -> QuestionOut:
        return cls.model_construct(**_question(row, getattr(row, "organisation", None)))


class QuestionFullOut(QuestionOut):
    """With what the caller may do."""

    allowed_actions: list[str]

    @classmethod
    def of_asked(cls, asked: Asked) -> QuestionFullOut:
        shown = _question(asked.question, asked.shown.organisation)
        return cls.model_construct(**shown, allowed_actions=list(asked.actions))


def _question(one: Any, organisation: str | None) -> dict[str, Any]:
    subject = KnownRef.model_construct(id=one.item_id, name=one.title, href=f"/mapping/v1/{one.item}s/{one.item_id}")
    return {
        "id": one.id,
        "network_id": one.network_id,
        "item": one.item,
        "subject": subject,
        "organisation": organisation_ref(one.organisation_id, organisation),
        "asked_on": one.asked_on,
        "answer_by": one.answer_by,
        "answer": one.answer,
        "answered_on": one.answered_on,
        "href": f"{HREF}/{one.id}",
        "version": one.version,
    }


class RuleOut(BaseModel):
    """After how many months items are asked about, and how many days there are to answer. Version 0: nobody has set it,
    and the platform's holds."""

    network_id: UUID
    every: int = Field(description="Months")
    days: int
    version: int

    @classmethod
    def of(cls, kept: queries.Kept) -> RuleOut:
        return cls(network_id=kept.network_id, every=kept.rule.every, days=kept.rule.days, version=kept.version)


@routes.get("/networks/{network}/freshness", response_model=PageOut[QuestionOut])
async def listed(
    network: Network,
    at: At,
    open: Annotated[bool | None, Query(description="Only what waits for an answer, or only what does not")] = None,  # noqa: A002
    item: Annotated[list[Subject], Query(max_length=3)] = [],  # noqa: B006 (FastAPI copies defaults)
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was asked, the newest first: of one's organisations, for coordinators and the secretariat of all."""
    return await at.page(
        answering.listed,
        network,
        open=open,
        item=item,
        organisation=organisation,
        after=after,
        limit=limit,
        out=QuestionOut.of,
    )


@routes.get("/networks/{network}/freshness-rule", response_model=RuleOut)
async def rule(network: Network, at: At) -> Response:
    """How often the network asks."""
    return await at.read(queries.rule, network, out=RuleOut.of)


@routes.put("/networks/{network}/freshness-rule", response_model=RuleOut)
async def set_up(network: Network, body: RuleBody, at: At) -> Response:
    """Sets how often the network asks; what waits to be asked about is moved to its new day. Needs If-Match: `"0"` the
    first time."""
    return await at.command(commands.set_up, network, body, expected=at.if_match(), out=RuleOut.of)


# --- by link ---------------------------------------------------------------------------------------------------------


@routes.get("/freshness/link", response_model=QuestionFullOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """What a mailed link asks, with a form while it is to be answered. Opening it does nothing."""
    at.identity = None
    html, seen = not wants_json(at), list[Asked]()

    async def shown() -> Response:
        link = await _link(token, at)
        if not html:
            return await at.read(answering.linked, link, out=QuestionFullOut.of_asked)
        return pages.shown(at.language, await at.query(answering.linked, link))

    return await answered(at, shown, partial(pages.failed, at.language, seen), html=html)


@routes.post("/freshness/link", response_model=QuestionFullOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    answer: Annotated[Literal["confirmed", "changed", "gone", ""], Form()] = "",
    title: Word = "",
    address: Word = "",
    phone: Word = "",
    email: Word = "",
    website: Word = "",
    note: Word = "",
    description: Word = "",
    results: Word = "",
    link: Annotated[str, Form(max_length=2_000)] = "",
    until: Annotated[str, Form(max_length=10, description="The last day, YYYY-MM-DD")] = "",
) -> Response:
    """Answers as the person whom the link was sent to. With `changed` the fields that belong to the item say what it is
    from now on: the form has all of them, filled in."""
    at.identity = None
    given = {
        "title": title,
        "address": address,
        "phone": phone,
        "email": email,
        "website": website,
        "note": note,
        "description": description,
        "results": results,
        "link": link,
        "until": until,
    }
    html, seen = wants_html(at), list[Asked]()

    async def used() -> Response:
        verified = await _link(token, at)
        seen.append(await at.query(answering.linked, verified))
        try:
            body = _answer(answer, seen[-1], given)
            await at.command(answering.answer_by_link, verified, body, out=lambda _: None)
        except Exception as error:
            refusal = at.context.answers(error)
            if not html or refusal.status != 422:
                raise
            return pages.shown(at.language, seen[-1], error=refusal, given={**given, "answer": answer})
        if html:
            return pages.done(at.language, seen[-1], answer)
        return await at.read(answering.linked, verified, out=QuestionFullOut.of_asked)

    return await answered(at, used, partial(pages.failed, at.language, seen), html=html)


async def _link(token: str, at: Edge) -> Link:
    """Raises LinkInvalid, LinkExpired."""
    return await links.verify(token, "mapping", PURPOSE, keys=at.context.link_keys)


def _answer(answer: str, asked: Asked, given: dict[str, str]) -> AnswerBody:
    """What the form says. Raises Invalid, naming the field."""
    if not answer:
        raise Invalid("/answer", "missing", ["confirmed", "changed", "gone"])
    if answer != Answer.CHANGED:
        return AnswerBody.model_validate({"answer": answer})
    subject = asked.question.item
    sent = {name: _lines(value) for name, value in given.items()}
    before = {name: _lines(value) for name, value in pages.values_of(asked).items()}
    changed: dict[str, Any] = {name: sent[name] or None for name in before if sent[name] != before[name]}
    if changed.get("until"):
        changed["until"] = _day_after(changed["until"])
    try:
        return AnswerBody.model_validate({"answer": answer, subject: changed})
    except ValidationError as error:
        found = error.errors()[0]
        raise Invalid(f"/{found['loc'][-1]}", found["type"], accepted(dict(found))) from error


def _lines(text: str) -> str:
    """Browsers end the lines of a form with CR LF, however it was filled in."""
    return text.replace("\r\n", "\n").strip()


def _day_after(text: str) -> date:
    try:
        return date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Invalid("/until", "date_parsing", "a day, YYYY-MM-DD") from error


# --- one -------------------------------------------------------------------------------------------------------------


@routes.get("/freshness/{id}", response_model=QuestionFullOut)
async def one(id: UUID, at: At) -> Response:  # noqa: A002 (the name in the path)
    """A question, for those who may answer it."""
    return await at.read(answering.get, id, out=QuestionFullOut.of_asked)


@routes.post("/freshness/{id}/answer", response_model=QuestionFullOut)
async def answer(id: UUID, body: AnswerBody, at: At) -> Response:  # noqa: A002
    """Answers it, once: the item is confirmed, changed or closed by it. A question that has lapsed may still be
    answered, and brings the item back."""
    return await at.command(answering.answer, id, body, out=QuestionFullOut.of_asked)


problems: Problems = {
    UnknownQuestion: not_found,
    AlreadyAnswered: problem(
        "question-answered",
        409,
        it="È già stato risposto\nA questa domanda è già stato risposto ({answer}).",
        en="Answered already\nThis question has been answered already ({answer}).",
    ),
    ChangesMissing: problem(
        "changes-missing",
        422,
        it="Manca che cosa è cambiato\nDire quali campi sono diversi.",
        en="What has changed is missing\nSay which fields are different.",
        path="/answer",
        accepted="confirmed, or changed with the fields that are different",
    ),
}

vocabularies = (
    vocabulary(
        "freshness_answers",
        "Risposte a «è ancora così?»",
        "Answers to “is it still so?”",
        [
            (Answer.CONFIRMED, "Confermato", "Confirmed"),
            (Answer.CHANGED, "Cambiato", "Changed"),
            (Answer.GONE, "Non c'è più", "Gone"),
            (Answer.SUPERSEDED, "Superata da un'altra modifica", "Superseded by another change"),
            (Answer.LAPSED, "Senza risposta", "Without an answer"),
        ],
    ),
)
