"""What acts have caused, over HTTP: a network's acts, and the timeline of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from services.notify.journeys import queries
from services.notify.journeys.catalogue import FACTS, SERVICES
from services.notify.journeys.queries import Act, Journey, Messages, Person, Thing, Told
from services.notify.messages.rules import TOPICS
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.shapes import Instant, Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["journeys"])
FactType = Annotated[str, StringConstraints(max_length=120, pattern=r"^[a-z_.]+$")]

PLURALS = {
    "registry": {
        "agreement": "agreements",
        "body": "bodies",
        "commitment": "commitments",
        "goal": "goals",
        "import": "imports",
        "interest": "interests",
        "interlocutor": "interlocutors",
        "mandate": "mandates",
        "membership": "memberships",
        "network": "networks",
        "organisation": "organisations",
        "pact": "pacts",
        "plan": "plans",
        "project": "projects",
        "seat": "seats",
        "sharing": "sharings",
    },
    "mapping": {
        "area": "areas",
        "crossing": "crossings",
        "experience": "experiences",
        "freshness": "freshness",
        "import": "place-imports",
        "need": "needs",
        "place": "places",
        "resource": "resources",
    },
    "events": {
        "ballot": "ballots",
        "decision": "decisions",
        "invitation": "invitations",
        "meeting": "meetings",
        "minutes": "minutes",
        "poll": "polls",
        "poll_request": "poll-requests",
        "report": "reports",
        "series": "series",
        "synthesis": "syntheses",
    },
    "learning": {"enrolment": "enrolments", "path": "paths"},
}
"""Where each kind of thing is read by its id."""


class ThingOut(BaseModel):
    """What a fact is about. `href` is null where it has no address of its own."""

    id: UUID
    name: str
    href: str | None

    @classmethod
    def of(cls, thing: Thing) -> ThingOut:
        plural = PLURALS.get(thing.service, {}).get(thing.aggregate)
        return cls(id=thing.id, name=thing.name, href=f"/{thing.service}/v1/{plural}/{thing.id}" if plural else None)


class MessagesOut(BaseModel):
    """So many messages of a topic in a state, by one channel."""

    topic: str
    it: str
    en: str
    channel: str
    state: str
    count: int

    @classmethod
    def of(cls, messages: Messages) -> MessagesOut:
        topic = TOPICS.get(messages.topic)
        it, en = topic.label if topic else (messages.topic, messages.topic)
        return cls(
            topic=messages.topic, it=it, en=en, channel=messages.channel, state=messages.state, count=messages.count
        )


class StepOut(BaseModel):
    """Facts of one type that came of the same step: `count` of them, from `occurred_at` to `last_at` by the platform's
    clock, the first recorded at `recorded_at` (wall time). `about` and `people` are the first five; people are told to
    the secretariat alone. `messages` are what people were told because of them; `steps` what they led to."""

    type: str
    it: str
    en: str
    service: str
    count: int
    occurred_at: datetime
    last_at: datetime
    recorded_at: datetime
    about: list[ThingOut]
    people: list[Ref]
    messages: list[MessagesOut]
    steps: list[StepOut]

    @classmethod
    def of(cls, told: Told) -> StepOut:
        it, en = FACTS[told.type]
        return cls(
            type=told.type,
            it=it,
            en=en,
            service=told.type.split(".")[0],
            count=told.count,
            occurred_at=told.occurred_at,
            last_at=told.last_at,
            recorded_at=told.recorded_at,
            about=[ThingOut.of(thing) for thing in told.about],
            people=[_person(person) for person in told.people],
            messages=[MessagesOut.of(messages) for messages in told.messages],
            steps=[cls.of(step) for step in told.steps],
        )


def _person(person: Person) -> Ref:
    return Ref.person(person.id, person.name)


class JourneyOut(BaseModel):
    """Everything that one act caused, as a tree. `whole`: the reader sees all of it that is of these networks."""

    correlation: UUID
    networks: list[Ref]
    began_at: datetime
    last_at: datetime
    facts: int
    whole: bool
    page: str
    steps: list[StepOut]

    @classmethod
    def of(cls, journey: Journey) -> JourneyOut:
        return cls(
            correlation=journey.correlation,
            networks=[_network(row) for row in journey.networks],
            began_at=journey.began_at,
            last_at=journey.last_at,
            facts=journey.facts,
            whole=journey.whole,
            page=f"{_address(journey.correlation)}/page",
            steps=[StepOut.of(step) for step in journey.steps],
        )


def _network(row: Any) -> Ref:
    return Ref(id=row.id, name=row.name, href=f"/registry/v1/networks/{row.id}")


def _address(correlation: UUID) -> str:
    return f"/notify/v1/journeys/{correlation}"


class ActOut(BaseModel):
    """One act by what began it in this network; `facts` it led to here, the last at `last_at`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "correlation": "01936f5e-8a00-7000-8000-0000000000a1",
                "began_at": "2026-09-01T08:30:00Z",
                "last_at": "2026-09-01T08:30:04Z",
                "facts": 43,
                "type": "events.meeting.convened",
                "it": "Riunione convocata",
                "en": "Meeting convened",
                "about": {
                    "id": "01936f5e-8a00-7000-8000-0000000000b1",
                    "name": "Assemblea di settembre",
                    "href": "/events/v1/meetings/01936f5e-8a00-7000-8000-0000000000b1",
                },
                "href": "/notify/v1/journeys/01936f5e-8a00-7000-8000-0000000000a1",
                "page": "/notify/v1/journeys/01936f5e-8a00-7000-8000-0000000000a1/page",
            }
        }
    )

    correlation: UUID
    began_at: datetime
    last_at: datetime
    facts: int
    type: str
    it: str
    en: str
    about: ThingOut | None
    href: str
    page: str

    @classmethod
    def of(cls, act: Act) -> ActOut:
        it, en = FACTS[act.type]
        return cls(
            correlation=act.correlation,
            began_at=act.began_at,
            last_at=act.last_at,
            facts=act.facts,
            type=act.type,
            it=it,
            en=en,
            about=ThingOut.of(act.about) if act.about else None,
            href=_address(act.correlation),
            page=f"{_address(act.correlation)}/page",
        )


@routes.get("/networks/{network}/journeys", response_model=PageOut[ActOut])
async def journeys(
    network: str,
    at: At,
    subject: Annotated[list[UUID], Query(description="Something of the act is about this")] = [],  # noqa: B006
    type: Annotated[list[FactType], Query(description="It led to such a fact")] = [],  # noqa: A002, B006
    since: Annotated[Instant | None, Query(description="Begun since, by the platform's clock")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was set going in the network, the newest first: for the secretariat all of it, for coordinators what
    concerns their bodies and territories."""
    return await at.page(
        queries.listed, network, subject=subject, type=type, since=since, after=after, limit=limit, out=ActOut.of
    )


@routes.get("/journeys/{correlation}", response_model=JourneyOut)
async def journey(correlation: UUID, at: At) -> Response:
    """Everything that one act caused in all services, by the correlation that its answer had (`Trama-Correlation`)."""
    return await at.read(queries.get, correlation, out=JourneyOut.of)


vocabularies = (
    vocabulary("fact_types", "Fatti", "Facts", [(name, *words) for name, words in sorted(FACTS.items())]),
    vocabulary("services", "Servizi", "Services", [(name, *words) for name, words in SERVICES.items()]),
)
