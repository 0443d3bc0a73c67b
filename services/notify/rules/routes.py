"""Networks' rules over HTTP: made, changed, paused, read with their history, and tried out before they tell anybody."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.journeys.catalogue import FACTS
from services.notify.messages.rules import TOPICS
from services.notify.rules import commands, queries
from services.notify.rules.commands import PeriodUnfit, TooManyRules, TooMuchToTry, Tried
from services.notify.rules.definition import Channel, Definition, Op
from services.notify.rules.fields import Kind, Names, fields_of, rulable
from services.notify.rules.queries import Rule
from services.notify.rules.rules import BUILT_IN, NETWORK, OPS, RuleUnfit, State
from shared.access.actor import EARLIEST, LATEST
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem
from shared.runtime.shapes import Ref, Request
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["rules"])

EXAMPLE: dict[str, Any] = {
    "name": "Promemoria ai coordinamenti",
    "fact_type": "registry.commitment.made",
    "filter": {"match": "all", "conditions": [{"field": "kind", "op": "eq", "value": "report"}]},
    "audience": [{"kind": "secretariat"}],
    "template": {
        "subject": {"it": "In arrivo: {{title}}", "en": "Coming up: {{title}}"},
        "text": {
            "it": "{{debtor_organisation_id}} deve consegnare «{{title}}» entro il {{due}}.",
            "en": "{{debtor_organisation_id}} owes “{{title}}” by {{due}}.",
        },
    },
    "channels": ["email"],
    "delay": {"kind": "relative", "field": "due", "days": -5, "hour": "09:00"},
    "still": {"match": "all", "conditions": [{"field": "state", "op": "eq", "value": "open"}]},
    "cancelled_by": ["waived", "fulfilled"],
    "active": True,
}

Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]


class RuleBody(Definition):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    def definition(self) -> Definition:
        return Definition.model_validate(self.model_dump())


class Period(Request):
    """Days in Italy, `until` exclusive; what is still to come has told nobody."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-10-01", "until": "2026-11-01"}]})

    since: Day
    until: Day


class TryBody(Period):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"since": "2026-10-01", "until": "2026-11-01", "rule": EXAMPLE}]}
    )

    rule: Definition


class RuleOut(BaseModel):
    """A rule as it is now. `version` counts its changes; `changed_by` made the last one."""

    id: UUID
    network_id: UUID
    version: int
    updated_at: datetime
    changed_by: Ref | None
    rule: Definition
    href: str
    allowed_actions: list[str]

    @classmethod
    def of(cls, rule: Rule) -> RuleOut:
        toggle = "pause" if rule.definition.active else "resume"
        return cls(
            id=rule.id,
            network_id=rule.network_id,
            version=rule.version,
            updated_at=rule.updated_at,
            changed_by=Ref.person(rule.changed_by, rule.changed_by_name) if rule.changed_by else None,
            rule=rule.definition,
            href=f"/notify/v1/rules/{rule.id}",
            allowed_actions=sorted(["change", toggle, "dry_run"]) if rule.may_change else [],
        )


class VersionOut(BaseModel):
    """A rule as it was from `since` on, by the platform's clock: it decided on the facts told from then on."""

    version: int
    since: datetime
    changed_by: Ref | None
    rule: Definition

    @classmethod
    def of(cls, row: Row[Any]) -> VersionOut:
        name = f"{row.given_name} {row.family_name}" if row.given_name is not None else None
        return cls(
            version=row.version,
            since=row.since,
            changed_by=Ref.person(row.changed_by, name) if row.changed_by else None,
            rule=Definition.model_validate(row.definition),
        )


class PlanOut(BaseModel):
    """A telling that was put off to `at`, about the thing `subject_id`; `told` counts people."""

    id: UUID
    subject_id: UUID
    at: datetime
    state: State
    told: int
    because_of: UUID

    @classmethod
    def of(cls, row: Row[Any]) -> PlanOut:
        return cls(
            id=row.id,
            subject_id=row.aggregate_id,
            at=row.at,
            state=State(row.state),
            told=row.told,
            because_of=row.because_of,
        )


class DayOut(BaseModel):
    day: date
    tellings: int
    messages: int


class RecipientOut(BaseModel):
    person: Ref
    messages: int


class WordsOut(BaseModel):
    it: str
    en: str


class SampleOut(BaseModel):
    """One telling as it would have been read; a message of the platform has its own words."""

    fact_id: UUID
    type: str
    subject_id: UUID
    at: datetime
    people: list[Ref]
    subject: WordsOut | None
    text: WordsOut | None


class TriedOut(BaseModel):
    """Whom the rule would have told in the period. `facts` were looked at, of which `tellings` came, `nobody` of them
    to nobody; `messages` to `people` different people, whatever these prefer; `letters` are certified mails.
    `recipients` are the hundred told most.
    """

    since: date
    until: date
    facts: int
    tellings: int
    nobody: int
    messages: int
    people: int
    letters: int
    days: list[DayOut]
    recipients: list[RecipientOut]
    samples: list[SampleOut]

    @classmethod
    def of(cls, tried: Tried) -> TriedOut:
        figures = {
            name: getattr(tried, name) for name in ("facts", "tellings", "nobody", "messages", "people", "letters")
        }
        return cls(
            since=tried.since,
            until=tried.until,
            **figures,
            days=[DayOut(day=on, tellings=tellings, messages=messages) for on, tellings, messages in tried.days],
            recipients=[
                RecipientOut(person=Ref.person(id_, name), messages=count) for id_, name, count in tried.recipients
            ],
            samples=[
                SampleOut(
                    fact_id=s.fact_id,
                    type=s.type,
                    subject_id=s.subject_id,
                    at=s.at,
                    people=[Ref.person(id_, name) for id_, name in s.people],
                    subject=WordsOut(**s.subject) if s.subject else None,
                    text=WordsOut(**s.text) if s.text else None,
                )
                for s in tried.samples
            ],
        )


class FieldOut(BaseModel):
    """A field of a fact: its `kind`, whether it holds several, what its ids or codes stand for, which operators fit."""

    name: str
    kind: Kind
    many: bool
    names: Names | None
    operators: list[Op]


class FactTypeOut(BaseModel):
    """A fact that a rule may be about, with what a rule may ask of it and say of it."""

    type: str
    it: str
    en: str
    fields: list[FieldOut]
    placeholders: list[str]
    topics: list[str]


class FactTypesOut(BaseModel):
    items: list[FactTypeOut]
    next: None = None


@routes.get("/rule-fact-types", response_model=FactTypesOut)
async def fact_types(
    at: At,
    type: Annotated[list[str], Query(description="Only these")] = [],  # noqa: A002, B006 (FastAPI copies it)
) -> Response:
    """For an editor of rules: every fact that a rule may be about, with its fields."""

    async def all_of_them(*_: Any, **__: Any) -> FactTypesOut:
        return FactTypesOut(items=[_fact_type(name) for name in rulable() if not type or name in type])

    return await at.read(all_of_them)


def _fact_type(name: str) -> FactTypeOut:
    fields = fields_of(rulable()[name])
    return FactTypeOut(
        type=name,
        it=FACTS[name][0],
        en=FACTS[name][1],
        fields=[
            FieldOut(
                name=f.name,
                kind=f.kind,
                many=f.many,
                names=f.names,
                operators=[*OPS[f.kind], *([Op.WITHIN] if f.names is Names.TERRITORY else [])],
            )
            for f in fields.values()
        ],
        placeholders=sorted({*fields, NETWORK}),
        topics=sorted(topic for topic, (fact, _) in BUILT_IN.items() if fact == name),
    )


@routes.post("/networks/{network}/rules", status_code=201, response_model=RuleOut)
async def create(network: str, body: RuleBody, at: At) -> Response:
    """A rule of the network, in force from now on: it decides on facts told from this moment, on none before."""
    return await at.command(
        commands.create,
        network,
        body.definition(),
        out=RuleOut.of,
        location=lambda rule: f"/notify/v1/rules/{rule.id}",
    )


@routes.get("/networks/{network}/rules", response_model=PageOut[RuleOut])
async def rules(
    network: str,
    at: At,
    fact_type: Annotated[list[str], Query()] = [],  # noqa: B006
    active: Annotated[bool | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's rules, the newest first."""
    return await at.page(
        queries.listed, network, fact_type=fact_type, active=active, after=after, limit=limit, out=RuleOut.of
    )


@routes.post("/networks/{network}/rules/dry-run", response_model=TriedOut)
async def try_out(network: str, body: TryBody, at: At) -> Response:
    """Whom a rule that is not saved would have told in a period. Nothing is saved and nobody is told."""
    answer = await at.query(commands.try_out, network, body.rule, body.since, body.until)
    return Response(TriedOut.of(answer).model_dump_json(), media_type="application/json")


@routes.get("/rules/{rule_id}", response_model=RuleOut)
async def rule(rule_id: UUID, at: At) -> Response:
    """One rule as it is now."""
    return await at.read(queries.get, rule_id, out=RuleOut.of)


@routes.put("/rules/{rule_id}", response_model=RuleOut, openapi_extra=GUARDED)
async def change(rule_id: UUID, body: RuleBody, at: At) -> Response:
    """The rule's next version, in force from now on. Needs If-Match."""
    return await at.command(commands.change, rule_id, body.definition(), expected=at.if_match(), out=RuleOut.of)


@routes.post("/rules/{rule_id}/pause", response_model=RuleOut, openapi_extra=GUARDED)
async def pause(rule_id: UUID, at: At) -> Response:
    """It tells nobody any more, nor what it has put off, until it is resumed. Needs If-Match."""
    return await at.command(commands.set_active, rule_id, active=False, expected=at.if_match(), out=RuleOut.of)


@routes.post("/rules/{rule_id}/resume", response_model=RuleOut, openapi_extra=GUARDED)
async def resume(rule_id: UUID, at: At) -> Response:
    """It tells again, of facts from now on. Needs If-Match."""
    return await at.command(commands.set_active, rule_id, active=True, expected=at.if_match(), out=RuleOut.of)


@routes.get("/rules/{rule_id}/versions", response_model=PageOut[VersionOut])
async def versions(rule_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Each version of the rule, with who made it and since when it held, the newest first."""
    return await at.page(queries.history, rule_id, after=after, limit=limit, out=VersionOut.of)


@routes.get("/rules/{rule_id}/planned", response_model=PageOut[PlanOut])
async def planned(
    rule_id: UUID,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    subject: Annotated[list[UUID], Query(description="What it is about")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What the rule has put off to an instant, and what became of it."""
    return await at.page(
        queries.planned, rule_id, state=state, subject=subject, after=after, limit=limit, out=PlanOut.of
    )


@routes.post("/rules/{rule_id}/dry-run", response_model=TriedOut)
async def try_rule(rule_id: UUID, body: Period, at: At) -> Response:
    """Whom the rule, as it is now, would have told in a period. Nobody is told."""
    answer = await at.query(commands.try_rule, rule_id, body.since, body.until)
    return Response(TriedOut.of(answer).model_dump_json(), media_type="application/json")


problems: Problems = {
    RuleUnfit: problem(
        "rule-unfit",
        422,
        it="La regola non può funzionare così\nIn {path} si accetta: {accepted}.",
        en="The rule cannot work like this\nIn {path} this is accepted: {accepted}.",
    ),
    TooManyRules: problem(
        "rules-too-many",
        409,
        it=f"Troppe regole\nUna rete ne può avere {commands.MOST_RULES}.",
        en=f"Too many rules\nA network may have {commands.MOST_RULES}.",
    ),
    PeriodUnfit: problem(
        "rule-period-unfit",
        422,
        it="Periodo non valido\nSi prova una regola su un periodo di un anno al massimo.",
        en="Unfit period\nA rule is tried on a period of a year at most.",
        path="/since",
        accepted=f"a day before `until`, at most {commands.MOST_PERIOD.days} days",
    ),
    TooMuchToTry: problem(
        "rule-period-too-full",
        422,
        it="In questo periodo è successo troppo\n"
        f"Si guardano al massimo {commands.MOST_FACTS} fatti e {commands.MOST_MESSAGES} messaggi: scegliere un periodo "
        "più breve.",
        en="Too much happened in this period\n"
        f"At most {commands.MOST_FACTS} facts and {commands.MOST_MESSAGES} messages are looked at: choose a shorter "
        "period.",
        path="/since",
    ),
}

vocabularies = (
    vocabulary(
        "rule_fact_types",
        "Fatti su cui si può fare una regola",
        "Facts that a rule may be about",
        [(name, *FACTS[name]) for name in rulable()],
    ),
    vocabulary(
        "rule_operators",
        "Condizioni di una regola",
        "Conditions of a rule",
        [
            (Op.EQ, "è", "is"),
            (Op.NE, "non è", "is not"),
            (Op.IN, "è uno di", "is one of"),
            (Op.GT, "è più di, o dopo", "is more than, or after"),
            (Op.LT, "è meno di, o prima di", "is less than, or before"),
            (Op.EXISTS, "c'è", "is there"),
            (Op.WITHIN, "è nel territorio di", "is in the territory of"),
        ],
    ),
    vocabulary(
        "rule_audiences",
        "Chi avvisa una regola",
        "Whom a rule tells",
        [
            ("field", "chi è nominato dal fatto", "whom the fact names"),
            ("secretariat", "la segreteria", "the secretariat"),
            (
                "coordinators",
                "chi coordina l'organo o il territorio, e quelli sopra",
                "who coordinates the body or territory, and those above",
            ),
            ("role", "chi ha un ruolo", "who holds a role"),
            ("people", "persone scelte", "chosen people"),
            ("organisation", "chi parla per un ente", "who speaks for an organisation"),
        ],
    ),
    vocabulary(
        "rule_channels",
        "Canali di una regola",
        "Channels of a rule",
        [
            (Channel.EMAIL, "posta elettronica, e casella nella piattaforma", "email, and the inbox on the platform"),
            (Channel.INBOX, "solo casella nella piattaforma", "the inbox on the platform only"),
            (Channel.PEC, "PEC agli enti", "certified mail to organisations"),
        ],
    ),
    vocabulary(
        "rule_topics",
        "Messaggi pronti per una regola",
        "Ready messages for a rule",
        [(topic, *TOPICS[topic].label) for topic in BUILT_IN],
    ),
    vocabulary(
        "rule_plan_states",
        "Stati di un avviso rimandato",
        "States of a telling that was put off",
        [
            (State.PLANNED, "Previsto", "Planned"),
            (State.SENT, "Inviato", "Sent"),
            (State.NOBODY, "Nessuno da avvisare", "Nobody to tell"),
            (State.PAST, "Il momento era già passato", "Its moment had passed"),
            (State.CANCELLED, "Annullato", "Cancelled"),
            (State.OTHERWISE, "Non era più così", "It was not so any more"),
        ],
    ),
)
