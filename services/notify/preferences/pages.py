"""Pages that mails' links open: what one is told, and how; and out of one topic. They work without a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from babel.dates import format_date
from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from services.notify.messages.rules import DIGEST, Topic, in_language
from services.notify.preferences import rules
from services.notify.preferences.commands import Decided
from services.notify.preferences.queries import Mine
from services.notify.preferences.rules import CHOICES, FIT, GROUPS, Channel, Choice, Digests, Quiet
from shared.runtime.pages import Pages
from shared.runtime.problems import Invalid, Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Che cosa ricevere, e come",
        "lead": "Queste scelte sono di {name}. Valgono da subito, anche per i messaggi che aspettano di partire.",
        "saved": "Le tue scelte sono salvate.",
        "everywhere": "Tutte le reti",
        "scopes": "Scelte per",
        "own": " (scelte proprie: {count})",
        "here": "Qui scegli solo per {network}: ciò che lasci «come in tutte le reti» segue le scelte generali.",
        "what": "Argomenti",
        "what_is": "Per ogni gruppo scegli come ricevere i messaggi: subito, in un riepilogo, o non per posta. Nella "
        "casella sulla piattaforma li ritrovi comunque, se non la escludi.",
        "which": "Quali sono",
        "one_by_one": "Scegli argomento per argomento",
        "as_group": "come il gruppo",
        "as_everywhere": "come in tutte le reti",
        "default": "subito (nessuna scelta)",
        "owed": "Comunicazioni dovute",
        "owed_is": "Queste arrivano sempre, subito e per posta, anche nelle ore di quiete: senza, non potresti "
        "esercitare un diritto, rispettare un dovere o accedere. Perciò non si possono escludere.",
        "digests": "Riepiloghi",
        "digests_is": "Un solo messaggio con ciò che hai scelto di ricevere insieme; se non c'è nulla, non parte.",
        "hour": "A che ora",
        "weekday": "Quello settimanale, di",
        "quiet": "Ore di quiete",
        "quiet_is": "In queste ore non ti scriviamo: i messaggi partono alla fine. Fanno eccezione le comunicazioni "
        "dovute e ciò che dopo sarebbe inutile. Ora italiana; due ore uguali sono tutto il giorno.",
        "quiet_on": "Non scrivermi in queste ore",
        "since": "Dalle",
        "until": "Alle",
        "days": "Nei giorni (in cui cominciano)",
        "language": "Lingua dei messaggi",
        "registry": "quella registrata ({language})",
        "save": "Salva le scelte",
        "again": "Se serve un altro collegamento, è in fondo a ogni messaggio che ricevi.",
        "out": "Non ricevere più questi messaggi?",
        "out_is": "Argomento: {topic}{where}.",
        "of": ", della rete {network}",
        "out_button": "Non ricevere più",
        "out_digest": "Non riceverai più riepiloghi, e ciò che vi andava resta solo nella tua casella.",
        "gone": "Fatto: non riceverai più questi messaggi",
        "gone_is": "Per posta non ti arriverà più nulla su «{topic}»{where}. Ciò che ti viene comunicato resta nella "
        "tua casella sulla piattaforma.",
        "undo": "Ripensaci: ricevili di nuovo",
        "back": "Fatto: li ricevi di nuovo",
        "back_is": "I messaggi su «{topic}»{where} arrivano di nuovo come prima.",
        "owed_out": "È una comunicazione dovuta",
        "all": "Scegli che cosa ricevere, e come",
        "by_email": "Per posta",
        "in_inbox": "Nella casella",
    },
    "en": {
        "title": "What to receive, and how",
        "lead": "These choices are those of {name}. They hold at once, also for messages that wait to be sent.",
        "saved": "Your choices are saved.",
        "everywhere": "All networks",
        "scopes": "Choices for",
        "own": " (choices of its own: {count})",
        "here": "Here you choose for {network} only: what you leave “as in all networks” follows the general choices.",
        "what": "Topics",
        "what_is": "For each group choose how to get messages: at once, in a digest, or not by mail. In your inbox on "
        "the platform you find them anyway, unless you leave it out.",
        "which": "Which they are",
        "one_by_one": "Choose topic by topic",
        "as_group": "as the group",
        "as_everywhere": "as in all networks",
        "default": "at once (nothing chosen)",
        "owed": "Notices that are owed",
        "owed_is": "These always come, at once and by mail, also in the hours of quiet: without them you could not "
        "use a right, keep a duty or come in. So they cannot be left out.",
        "digests": "Digests",
        "digests_is": "One message with all that you have chosen to get together; when there is nothing, none is sent.",
        "hour": "At what hour",
        "weekday": "The weekly one, on",
        "quiet": "Hours of quiet",
        "quiet_is": "In these hours we do not write to you: messages go out at their end. Excepted are notices that "
        "are owed and what would be useless then. Italian time; the same hour twice is the whole day.",
        "quiet_on": "Do not write to me in these hours",
        "since": "From",
        "until": "To",
        "days": "On these days (on which they begin)",
        "language": "Language of messages",
        "registry": "the one on record ({language})",
        "save": "Save the choices",
        "again": "If you need another link, it is at the bottom of every message that you get.",
        "out": "Get no more messages like this?",
        "out_is": "Topic: {topic}{where}.",
        "of": ", of the network {network}",
        "out_button": "Get no more",
        "out_digest": "You will get no more digests, and what went in them stays in your inbox alone.",
        "gone": "Done: you get no more messages like this",
        "gone_is": "Nothing more about “{topic}”{where} comes by mail. What you are told stays in your inbox on the "
        "platform.",
        "undo": "Changed your mind: get them again",
        "back": "Done: you get them again",
        "back_is": "Messages about “{topic}”{where} come again as before.",
        "owed_out": "This is a notice that is owed",
        "all": "Choose what to receive, and how",
        "by_email": "By mail",
        "in_inbox": "In the inbox",
    },
}
LANGUAGES = {"it": "italiano", "en": "English"}
Form = Mapping[str, Sequence[str]]
"""The values of each field, as a browser sent them or as the page shows them."""
MOST_FIELDS = 400
A_MONDAY = date(2024, 1, 1)


@dataclass(frozen=True)
class About:
    """What a mail's way out is about; `preferences` is the address of all of its person's choices."""

    person_id: UUID
    topic: Topic
    network_id: UUID | None
    network: Row[Any] | None
    preferences: str


def scope(mine: Mine, network: UUID | None) -> Any:
    """The network that the page is about, among the person's own; None: all of them."""
    if network is None:
        return None
    if network not in mine.networks:
        raise Invalid("?network", "unknown", [str(id_) for id_ in mine.networks])
    return mine.networks[network]


def shown(
    language: str,
    mine: Mine,
    token: str,
    network: Row[Any] | None,
    *,
    error: Problem | None = None,
    done: bool = False,
    form: Form | None = None,
) -> Response:
    """All choices of one person, for one network or all. With an `error` what was sent stands there as it was sent."""
    texts = TEXTS[language]
    given = form or stored(mine, network)
    name = f"{mine.contact.given_name} {mine.contact.family_name}" if mine.contact is not None else ""
    body = error.body(language) if error else None
    return PAGES.page(
        language,
        texts["title"],
        "preferences.html",
        status=error.status if error else 200,
        network=network,
        texts=texts,
        lead=texts["lead"].format(name=name),
        here=texts["here"].format(network=network.name) if network else None,
        error=body,
        done=done,
        version=mine.version,
        scopes=scopes(mine, token, network, texts),
        groups=groups(language, given, network),
        owed=[in_language(topic.label, language) for topic in rules.offered() if topic.owed],
        settings=None if network else settings(language, given, mine),
    )


def scopes(mine: Mine, token: str, network: Row[Any] | None, texts: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is this page) of each network in which one may choose otherwise."""
    here = network.id if network else None
    own = Counter(id_ for id_, _, _ in mine.wishes.choices)
    every = [(texts["everywhere"], f"?token={token}", here is None)]
    for id_, row in mine.networks.items():
        label = row.name + (texts["own"].format(count=own[id_]) if own[id_] else "")
        every.append((label, f"?token={token}&network={id_}", id_ == here))
    return every


def groups(language: str, given: Form, network: Row[Any] | None) -> list[dict[str, Any]]:
    """Each group of topics that one can choose about, with its topics."""
    texts, found = TEXTS[language], []
    none = texts["as_everywhere"] if network else texts["default"]
    for code, label in GROUPS.items():
        topics = [topic for topic in rules.offered() if not topic.owed and rules.group_of(topic.code) == code]
        if not topics:
            continue
        rows = [
            {
                "label": in_language(topic.label, language),
                "fields": fields(language, topic.code, given, texts["as_everywhere" if network else "as_group"]),
            }
            for topic in topics
        ]
        found.append(
            {
                "label": in_language(label, language),
                "fields": fields(language, code, given, none),
                "topics": rows,
                "open": any(_one(given, f"{channel}:{topic.code}") for topic in topics for channel in Channel),
            }
        )
    return found


def fields(language: str, about: str, given: Form, none: str) -> list[dict[str, Any]]:
    texts, made = TEXTS[language], []
    for channel, label in ((Channel.EMAIL, texts["by_email"]), (Channel.INBOX, texts["in_inbox"])):
        name = f"{channel}:{about}"
        options = [(str(c), in_language(CHOICES[c], language)) for c in Choice if c in FIT[channel]]
        made.append({"name": name, "label": label, "value": _one(given, name), "options": [("", none), *options]})
    return made


def settings(language: str, given: Form, mine: Mine) -> dict[str, Any]:
    days = [(str(day), format_date(A_MONDAY + timedelta(days=day - 1), "EEEE", locale=language)) for day in range(1, 8)]
    registered = LANGUAGES.get(mine.contact.language if mine.contact is not None else "it", "italiano")
    return {
        "languages": [("", TEXTS[language]["registry"].format(language=registered)), *LANGUAGES.items()],
        "language": _one(given, "language"),
        "hours": [(str(hour), f"{hour:02}:00") for hour in range(24)],
        "hour": _one(given, "digest_hour"),
        "weekdays": days,
        "weekday": _one(given, "digest_weekday"),
        "quiet": bool(_one(given, "quiet")),
        "since": _one(given, "quiet_since"),
        "until": _one(given, "quiet_until"),
        "days": set(given.get("quiet_days", ())),
    }


def stored(mine: Mine, network: Row[Any] | None) -> Form:
    """The fields as they stand."""
    wishes, where = mine.wishes, network.id if network else None
    quiet = wishes.quiet
    return {
        **{f"{c}:{about}": [str(choice)] for (n, about, c), choice in wishes.choices.items() if n == where},
        "language": [wishes.language or ""],
        "digest_hour": [str(wishes.digests.hour)],
        "digest_weekday": [str(wishes.digests.weekday)],
        "quiet": ["on"] if quiet else [],
        "quiet_since": [f"{quiet.since:%H:%M}" if quiet else "22:00"],
        "quiet_until": [f"{quiet.until:%H:%M}" if quiet else "07:00"],
        "quiet_days": [str(day) for day in sorted(quiet.days if quiet else rules.EVERY_DAY)],
    }


async def form_of(request: Request) -> dict[str, list[str]]:
    """What was sent, bounded; files are nothing."""
    sent: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                sent.setdefault(name, []).append(value)
    return sent


def read(form: Form, mine: Mine, network: Row[Any] | None) -> tuple[Decided, int]:
    """What a sent form decides, and the version that its page showed. What the page is not about stays as it is. Raises
    Invalid, AlwaysQuiet."""
    where, wishes = network.id if network else None, mine.wishes
    kept = [(key, choice) for key, choice in wishes.choices.items() if key[0] != where]
    chosen = []
    for name in form:
        channel, colon, about = name.partition(":")
        if colon and _one(form, name):
            key = (where, about, _among(Channel, channel, name))
            chosen.append((key, _among(Choice, _one(form, name), name)))
    if network is not None:
        return Decided(wishes.language, wishes.quiet, wishes.digests, [*kept, *chosen]), _number(form, "version", 0)
    language = _one(form, "language")
    if language not in ("", *LANGUAGES):
        raise Invalid("/language", "unknown", list(LANGUAGES))
    digests = Digests(_number(form, "digest_hour", 0, 23), _number(form, "digest_weekday", 1, 7))
    return Decided(language or None, _quiet(form), digests, [*kept, *chosen]), _number(form, "version", 0)


def _quiet(form: Form) -> Quiet | None:
    if not _one(form, "quiet"):
        return None
    days = frozenset(int(day) for day in form.get("quiet_days", ()) if day in {str(d) for d in rules.EVERY_DAY})
    return Quiet(_hour(form, "quiet_since"), _hour(form, "quiet_until"), days)


def _hour(form: Form, name: str) -> time:
    try:
        found = time.fromisoformat(_one(form, name))
    except ValueError:
        raise Invalid(f"/{name}", "form", "HH:MM") from None
    if found.tzinfo is not None:
        raise Invalid(f"/{name}", "form", "HH:MM")
    return found.replace(second=0, microsecond=0)


def _number(form: Form, name: str, least: int, most: int = 2**31 - 1) -> int:
    value = _one(form, name)
    if not (value.isascii() and value.isdigit() and len(value) < 11 and least <= int(value) <= most):
        raise Invalid(f"/{name}", "number", f"{least} - {most}")
    return int(value)


def _among(kind: Any, value: str, name: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise Invalid(f"/{name[:60]}", "unknown", [str(each) for each in kind]) from None


def _one(form: Form, name: str) -> str:
    values = form.get(name, ())
    return values[0] if values else ""


# --- out of one topic ------------------------------------------------------------------------------------------------


def unsubscribing(language: str, about: About) -> Response:
    """The question, with a button: opening it does nothing."""
    texts = TEXTS[language]
    if about.topic.owed:
        return _plain(language, about, texts["owed_out"], [texts["owed_is"]])
    lines = [texts["out_is"].format(**_names(language, about))]
    if about.topic is DIGEST:
        lines.append(texts["out_digest"])
    return _plain(language, about, texts["out"], lines, button=("List-Unsubscribe", "One-Click", texts["out_button"]))


def unsubscribed(language: str, about: About, *, undone: bool) -> Response:
    """That it is done, and how to undo it: of digests, by choosing anew."""
    texts, names = TEXTS[language], _names(language, about)
    if undone:
        return _plain(language, about, texts["back"], [texts["back_is"].format(**names)])
    if about.topic is DIGEST:
        return _plain(language, about, texts["gone"], [texts["out_digest"]])
    undo = ("undo", "1", texts["undo"])
    return _plain(language, about, texts["gone"], [texts["gone_is"].format(**names)], button=undo)


def _names(language: str, about: About) -> dict[str, str]:
    where = TEXTS[language]["of"].format(network=about.network.name) if about.network else ""
    return {"topic": in_language(about.topic.label, language), "where": where}


def _plain(
    language: str, about: About, title: str, lines: Sequence[str], button: tuple[str, str, str] | None = None
) -> Response:
    return PAGES.page(
        language,
        title,
        "unsubscribe.html",
        network=about.network,
        lines=lines,
        act=button,
        all=about.preferences,
        texts=TEXTS[language],
    )


def failed(language: str, problem: Problem) -> Response:
    """Why it did not work and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["again"])
