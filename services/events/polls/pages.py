"""The page of a poll's link: the dates, each with three answers to choose from. Opening it does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.responses import Response

from services.events.polls.queries import Sheet
from services.events.polls.rules import Answer, Option
from shared.access.actor import day
from shared.runtime.pages import Pages, hour
from shared.runtime.pages import day as day_in_words
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Quando? {title}",
        "who": "Questo sondaggio è per {name}.",
        "body": "Organo",
        "organisation": "Per",
        "closes": "Si risponde entro",
        "at": "{day}, ore {hour}",
        "same_day": "{day}, dalle {since} alle {until}",
        "other_day": "da {first}, ore {since}, a {last}, ore {until}",
        "dates": "Le date proposte",
        "how": "Per ogni data scegli una risposta.",
        "yes": "Sì",
        "if_need_be": "Se necessario",
        "no": "No",
        "busy": "In quell'orario l'organo ha già: {titles}.",
        "send": "Invia le risposte",
        "until": "Puoi cambiare le risposte finché il sondaggio è aperto: valgono le ultime.",
        "told": "Le risposte sono registrate.",
        "not_yet": "Non hai ancora risposto.",
        "own": "Hai risposto: le tue scelte sono segnate qui sotto.",
        "partly": "Sono state aggiunte delle date: manca la tua risposta per quelle.",
        "entered": "Risposte registrate per te da {by}.",
        "coordination": "la segreteria",
        "wrong": "Manca qualche risposta",
        "wrong_more": "Scegli una risposta per ogni data: quelle che mancano sono segnalate.",
        "missing": "Scegli una risposta",
        "next": "Se hai domande, scrivi alla segreteria della rete.",
        "chosen": "La data scelta è {date}.",
    },
    "en": {
        "title": "When? {title}",
        "who": "This poll is for {name}.",
        "body": "Body",
        "organisation": "For",
        "closes": "Answers until",
        "at": "{day}, {hour}",
        "same_day": "{day}, from {since} to {until}",
        "other_day": "from {first}, {since}, to {last}, {until}",
        "dates": "The dates proposed",
        "how": "Choose an answer for each date.",
        "yes": "Yes",
        "if_need_be": "If need be",
        "no": "No",
        "busy": "At that time the body has already: {titles}.",
        "send": "Send the answers",
        "until": "You can change the answers while the poll is open: the last ones count.",
        "told": "The answers are recorded.",
        "not_yet": "You have not answered yet.",
        "own": "You have answered: your choices are marked below.",
        "partly": "Dates have been added: your answer is missing for those.",
        "entered": "Answers recorded for you by {by}.",
        "coordination": "the secretariat",
        "wrong": "Some answers are missing",
        "wrong_more": "Choose an answer for each date: those that are missing are marked.",
        "missing": "Choose an answer",
        "next": "If you have questions, write to the network's secretariat.",
        "chosen": "The date chosen is {date}.",
    },
}


@dataclass(frozen=True)
class Field:
    """A date of the form; `missing`: the form came back without its answer."""

    id: UUID
    label: str
    busy: str | None
    answer: Answer | None
    missing: bool


def ask(
    language: str,
    sheet: Sheet,
    *,
    recorded: bool = False,
    chosen: Mapping[UUID, Answer] | None = None,
    wrong: bool = False,
) -> Response:
    """The dates with their form: as they were answered, or as somebody tried to (`wrong`)."""
    texts = TEXTS[language]
    answers = sheet.asked.answers if chosen is None else chosen
    fields = [
        Field(
            date.option.id,
            when(language, date.option),
            texts["busy"].format(titles=", ".join(one.title for one in date.conflicts)) if date.conflicts else None,
            answers.get(date.option.id),
            wrong and date.option.id not in answers,
        )
        for date in sheet.shown.dates
    ]
    poll = sheet.shown.poll
    return PAGES.page(
        language,
        texts["title"].format(title=poll.title),
        "poll.html",
        status=422 if wrong else 200,
        network=sheet.network,
        texts=texts,
        asked=sheet.asked,
        poll=poll,
        body=sheet.shown.body,
        closes=instant(language, poll.closes_at),
        stands=_stands(texts, sheet),
        recorded=recorded,
        wrong=wrong,
        fields=fields,
        choices=list(Answer),
    )


def failed(language: str, problem: Problem, sheet: Sheet | None) -> Response:
    """Why it cannot be answered; of a poll from which a date came, which one."""
    texts = TEXTS[language]
    chosen = [date for date in sheet.shown.dates if date.option.id == sheet.shown.poll.chosen_id] if sheet else []
    more = [texts["chosen"].format(date=when(language, date.option)) for date in chosen]
    network = sheet.network if sheet else None
    return PAGES.problem(language, problem, *more, texts["next"], network=network)


def when(language: str, option: Option) -> str:
    """`giovedì 3 ottobre 2030, dalle 15:00 alle 17:00`."""
    texts = TEXTS[language]
    first, last = day_in_words(option.starts_at, language), day_in_words(option.ends_at, language)
    since, until = hour(option.starts_at, language), hour(option.ends_at, language)
    kind = "same_day" if day(option.starts_at) == day(option.ends_at) else "other_day"
    return texts[kind].format(day=first, first=first, last=last, since=since, until=until)


def instant(language: str, at: datetime) -> str:
    return TEXTS[language]["at"].format(day=day_in_words(at, language), hour=hour(at, language))


def _stands(texts: Mapping[str, str], sheet: Sheet) -> str:
    request = sheet.asked.request
    if request.answered_at is None:
        return texts["not_yet"]
    if any(date.option.id not in sheet.asked.answers for date in sheet.shown.dates):
        return texts["partly"]
    if request.answered_by is not None:
        return texts["entered"].format(by=sheet.asked.by or texts["coordination"])
    return texts["own"]
