"""HTTP of preferences: over the API for who is signed in, and by the links of mails for everybody."""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.notify.inbox.routes import writer
from services.notify.messages.rules import TOPICS
from services.notify.preferences import commands, links, pages, queries, rules
from services.notify.preferences.commands import Decided
from services.notify.preferences.queries import Mine
from services.notify.preferences.rules import CHANNELS, CHOICES, GROUPS, Channel, Choice, Digests, Quiet
from shared.access import links as signed
from shared.access.links import LinkInvalid
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_html, wants_json
from shared.runtime.clock import wall
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.problems import Invalid, Problem, Problems, Stale, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["preferences"])

Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]


class QuietHours(BaseModel):
    """No mail from `since` to `until` by Italy's clocks, on nights that begin on `days` (1 is Monday). The same hour
    twice is the whole day. What is owed comes all the same."""

    since: Hour
    until: Hour
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(default=[1, 2, 3, 4, 5, 6, 7], min_length=1, max_length=7)


class DigestTimes(BaseModel):
    """At which full hour digests come, by Italy's clocks, and on which day (1 is Monday) the weekly one."""

    hour: int = Field(default=rules.DIGEST_HOUR, ge=0, le=23)
    weekday: int = Field(default=rules.DIGEST_WEEKDAY, ge=1, le=7)


class ChoiceBody(BaseModel):
    """How one is told a topic, or a group of topics, by one channel; `network` null: in all networks. The choice for a
    network comes before that for all, the choice for a topic before that for its group."""

    network: UUID | None = None
    topic: str = Field(max_length=50, description="a code of the vocabulary `topics` or `topic_groups`")
    channel: Channel
    choice: Choice


class PreferencesBody(BaseModel):
    """All that one wants: what is left out is as it would be without any choice."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "language": "it",
                "quiet_hours": {"since": "22:00", "until": "07:00", "days": [1, 2, 3, 4, 5, 6, 7]},
                "digest": {"hour": 7, "weekday": 1},
                "choices": [{"network": None, "topic": "knowledge", "channel": "email", "choice": "weekly"}],
            }
        },
    )

    language: Annotated[str, Field(pattern="^(it|en)$")] | None = None
    quiet_hours: QuietHours | None = None
    digest: DigestTimes = DigestTimes()
    choices: list[ChoiceBody] = Field(default=[], max_length=rules.MOST_CHOICES)


class NetworkRef(BaseModel):
    id: UUID
    name: str
    href: str


class ChoiceOut(BaseModel):
    network: NetworkRef | None
    topic: str
    channel: Channel
    choice: Choice


class TopicOut(BaseModel):
    """How a topic is told in all networks that say nothing else; what is `owed` (statutory) is told at once and by
    every channel."""

    code: str
    label: str
    group: str
    owed: bool
    email: Choice
    inbox: Choice


class PreferencesOut(BaseModel):
    """What a person wants to be told, and how. `language` null: the one that the registry has."""

    language: str | None
    quiet_hours: QuietHours | None
    digest: DigestTimes
    choices: list[ChoiceOut]
    topics: list[TopicOut]
    version: int

    @classmethod
    def of(cls, mine: Mine, language: str) -> PreferencesOut:
        wishes = mine.wishes
        quiet = wishes.quiet
        return cls(
            language=wishes.language,
            quiet_hours=quiet
            and QuietHours(since=f"{quiet.since:%H:%M}", until=f"{quiet.until:%H:%M}", days=sorted(quiet.days)),
            digest=DigestTimes(hour=wishes.digests.hour, weekday=wishes.digests.weekday),
            choices=[
                ChoiceOut(network=_network(mine, network), topic=about, channel=channel, choice=choice)
                for (network, about, channel), choice in sorted(wishes.choices.items(), key=lambda each: str(each[0]))
            ],
            topics=[
                TopicOut(
                    code=topic.code,
                    label=topic.label[language == "en"],
                    group=rules.group_of(topic.code),
                    owed=topic.owed,
                    email=wishes.choice(topic, None, Channel.EMAIL),
                    inbox=wishes.choice(topic, None, Channel.INBOX),
                )
                for topic in rules.offered()
            ],
            version=wishes.version,
        )


def _network(mine: Mine, id_: UUID | None) -> NetworkRef | None:
    if id_ is None:
        return None
    row = mine.networks.get(id_)
    return NetworkRef(id=id_, name=row.name if row else "", href=f"/registry/v1/networks/{id_}")


@routes.get("/me/preferences", response_model=PreferencesOut)
async def mine(at: At) -> Response:
    """What I want to be told, and how: version 0 before I have decided anything."""
    return await at.read(queries.mine, out=lambda found: PreferencesOut.of(found, at.language))


@routes.put("/me/preferences", response_model=PreferencesOut, openapi_extra=GUARDED)
async def decide(body: PreferencesBody, at: At) -> Response:
    """All that I want, in place of what I wanted before; mails that wait follow at once. Needs If-Match."""
    return await at.command(
        commands.decide,
        _decided(body),
        expected=at.if_match(),
        out=lambda found: PreferencesOut.of(found, at.language),
    )


def _decided(body: PreferencesBody) -> Decided:
    quiet = body.quiet_hours
    return Decided(
        language=body.language,
        quiet=_quiet(quiet) if quiet else None,
        digests=Digests(body.digest.hour, body.digest.weekday),
        choices=[((one.network, one.topic, one.channel), one.choice) for one in body.choices],
    )


def _quiet(body: QuietHours) -> Quiet:
    return Quiet(time.fromisoformat(body.since), time.fromisoformat(body.until), frozenset(body.days))


# --- by a mail's link ------------------------------------------------------------------------------------------------

Scope = Annotated[UUID | None, Query(description="One network; without it, all of them")]


@routes.get("/preferences/link", response_model=PreferencesOut, responses=HTML)
async def show_link(token: Token, at: Anyone, network: Scope = None) -> Response:
    """What the person of a mail wants to be told, with a form to change it."""
    at.identity = None

    async def shown() -> Response:
        found = await at.query(queries.linked, await _person_of(token, at))
        if wants_json(at):
            return as_json(PreferencesOut.of(found, at.language))
        return pages.shown(at.language, found, token, pages.scope(found, network))

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


@routes.post("/preferences/link", response_model=PreferencesOut, responses=HTML)
async def use_link(token: Token, at: Anyone, network: Scope = None) -> Response:
    """Takes the page's form: `version`, `email:<topic or group>` and `inbox:<topic or group>` with a choice each
    (empty: none of its own), and for all networks `language`, `quiet`, `quiet_since`, `quiet_until`, `quiet_days`,
    `digest_hour`, `digest_weekday`."""
    at.identity = None
    html = wants_html(at)

    async def used() -> Response:
        person_id = await _person_of(token, at)
        found = await at.query(queries.linked, person_id)
        where = pages.scope(found, network)
        form = await pages.form_of(at.request)
        try:
            given, expected = pages.read(form, found, where)
            await at.command(commands.decide_for, person_id, given, expected=expected, out=lambda _: None)
        except REFUSALS as error:
            if not html:
                raise
            again = await at.query(queries.linked, person_id)
            return pages.shown(at.language, again, token, where, error=at.context.answers(error), form=form)
        changed = await at.query(queries.linked, person_id)
        if not html:
            return as_json(PreferencesOut.of(changed, at.language))
        return pages.shown(at.language, changed, token, where, done=True)

    return await answered(at, used, partial(pages.failed, at.language), html=html)


async def _person_of(token: str, at: Edge) -> UUID:
    """Raises LinkInvalid, LinkExpired."""
    link = await signed.verify(token, "notify", links.PREFERENCES, keys=at.context.link_keys)
    return await at.query(queries.standing, link.subject)


class UnsubscribedOut(BaseModel):
    """Of which topic, in which network (null: all of them), the person of a mail gets no more mails."""

    topic: str
    network: UUID | None
    unsubscribed: bool
    preferences: str


OneClick = Annotated[
    str, Form(alias="List-Unsubscribe", max_length=100, description="`One-Click`, as mail programs send it (RFC 8058)")
]
Undo = Annotated[str, Form(max_length=10, description="`1` takes it back")]


@routes.get("/preferences/unsubscribe", response_class=Response, responses=HTML)
async def show_unsubscribe(token: Token, at: Anyone) -> Response:
    """Asks whether to get no more mails of this topic; opening it changes nothing, so that programs that follow the
    links of mails unsubscribe nobody."""
    at.identity = None

    async def shown() -> Response:
        about = await _unsubscribing(token, at)
        return pages.unsubscribing(at.language, about)

    return await answered(at, shown, partial(pages.failed, at.language), html=True)


@routes.post("/preferences/unsubscribe", response_model=UnsubscribedOut, responses=HTML)
async def unsubscribe(token: Token, at: Anyone, one_click: OneClick = "", undo: Undo = "") -> Response:
    """Acts at once: no question, no cookie, no redirect (RFC 8058). Twice is once; `undo` takes it back."""
    at.identity = None
    html = wants_html(at)

    async def acted() -> Response:
        about = await _unsubscribing(token, at)
        if not undo and one_click != "One-Click":
            raise Invalid("/List-Unsubscribe", "missing", "One-Click")
        act = commands.resume if undo else commands.unsubscribe
        await at.command(act, about.person_id, about.topic.code, about.network_id, out=lambda _: None)
        if html:
            return pages.unsubscribed(at.language, about, undone=bool(undo))
        return as_json(
            UnsubscribedOut(
                topic=about.topic.code,
                network=about.network_id,
                unsubscribed=not undo,
                preferences=about.preferences,
            )
        )

    return await answered(at, acted, partial(pages.failed, at.language), html=html)


async def _unsubscribing(token: str, at: Edge) -> pages.About:
    """What the link of a mail is about. Raises LinkInvalid, LinkExpired."""
    link = await signed.verify(token, "notify", links.UNSUBSCRIBE, keys=at.context.link_keys)
    topic, network = TOPICS.get(str(link.claims.get("topic"))), link.claims.get("network")
    if topic is None:
        raise LinkInvalid("no such topic")
    person_id = await at.query(queries.standing, link.subject)
    named = await at.query(queries.named_network, UUID(network) if network else None)
    made = writer(at)
    url = links.preferences_url(made.mint, made.public_url, person_id, wall())
    return pages.About(person_id, topic, named.id if named else None, named, url)


problems: Problems = {
    rules.AlwaysQuiet: problem(
        "always-quiet",
        422,
        it="Ore di quiete che non finiscono mai\nDevono lasciare libera una parte della settimana, e riguardare almeno "
        "un giorno.",
        en="Quiet that never ends\nThe hours must leave some of the week, and be of one day at least.",
        path="/quiet_hours",
        accepted="hours that leave some of the week; days 1 (Monday) to 7, at least one",
    ),
    rules.TopicOwed: problem(
        "topic-owed",
        422,
        it="«{topic}» è una comunicazione dovuta\nSenza, una persona non potrebbe esercitare un diritto o rispettare "
        "un dovere: si riceve sempre, subito.",
        en="“{topic}” is a notice that is owed\nWithout it a person could not use a right or keep a duty: one always "
        "gets it, at once.",
    ),
    rules.TopicUnknown: problem(
        "topic-unknown",
        422,
        it="Argomento sconosciuto\nSi accetta un argomento, o un gruppo di argomenti, dei vocabolari.",
        en="Unknown topic\nA topic, or a group of topics, of the vocabularies is accepted.",
    ),
    rules.UnfitChoice: problem(
        "choice-unfit",
        422,
        it="Scelta non possibile\nLa casella ha solo «subito» o «no», e ogni scelta si fa una volta sola per rete, "
        "argomento e canale.",
        en="Unfit choice\nAn inbox knows “at once” and “not at all”, and each choice is made once for a network, a "
        "topic and a channel.",
    ),
}
REFUSALS: tuple[type[Exception], ...] = (
    rules.AlwaysQuiet,
    rules.TopicOwed,
    rules.TopicUnknown,
    rules.UnfitChoice,
    Invalid,
    Stale,
    Problem,
)

vocabularies = (
    vocabulary(
        "topic_groups", "gruppi di argomenti", "groups of topics", [(code, *words) for code, words in GROUPS.items()]
    ),
    vocabulary("channels", "canali", "channels", [(c, *words) for c, words in CHANNELS.items()]),
    vocabulary("choices", "come si riceve", "how one is told", [(c, *words) for c, words in CHOICES.items()]),
)
