"""The page on which somebody is assessed, and what was measured in the end: bars with the table that says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from babel.numbers import format_decimal
from starlette.datastructures import FormData
from starlette.responses import Response

from services.learning.assessments.measuring import Of
from services.learning.assessments.queries import Own, Result
from services.learning.assessments.rules import RequestState, State
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {}}}}
FIELD = re.compile(r"a-([0-9a-f-]{36})")
NUMBER = re.compile(r"[0-9]{1,3}")
MOST_BARS = 200
HEADINGS = ("competence", "group", "n", "known_before", "known_after", "gain")

TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "who": "Queste domande sono per {person}.",
        "before": "È la prima di due volte: serve a sapere da dove si parte. Alla fine ti chiederemo le stesse cose.",
        "after": "È la seconda volta: le stesse domande di prima, per vedere che cosa è cambiato.",
        "private": "Le tue risposte le leggi solo tu. Si pubblicano medie di gruppi di almeno cinque persone.",
        "until": "Si risponde fino a {day}.",
        "answered": "Hai risposto {day}. Fino alla chiusura puoi cambiare le risposte e inviarle di nuovo.",
        "entered": "Le risposte che avevi dato su carta sono registrate da {day}. Fino alla chiusura puoi cambiarle.",
        "over": "Non si risponde più: il tempo è finito, o la domanda è stata ritirata.",
        "sent": "Le tue risposte sono registrate. Grazie!",
        "saved": "Quello che hai risposto finora è conservato: puoi chiudere la pagina e continuare più tardi.",
        "wrong": "Non è stato registrato nulla: manca ancora qualcosa.",
        "missing": "Manca la risposta: {item}",
        "range": "Da scegliere tra quelle proposte: {item}",
        "missing_here": "Manca la risposta.",
        "send": "Invia le risposte",
        "save": "Conserva e continua più tardi",
        "results": "Che cosa è cambiato",
        "results_why": "Medie in percentuale di ciò che si può sapere, di chi ha risposto entrambe le volte. Il "
        "divario colmato è la parte di ciò che mancava prima. I gruppi di meno di cinque persone non "
        "si mostrano, né quelli da cui si potrebbero ricavare.",
        "no_results": "Non ci sono risultati: a tutte e due le volte hanno risposto meno di cinque persone.",
        "competence": "Competenza",
        "group": "Gruppo",
        "n": "Persone",
        "known_before": "Prima (%)",
        "known_after": "Dopo (%)",
        "gain": "Divario colmato (%)",
        "all": "Tutti",
        "not_shown": "non mostrato",
        "undefined": "non definito",
        "chart": "Conoscenze prima e dopo",
        "bar_before": "prima",
        "bar_after": "dopo",
        "again": "Chiedi l'indirizzo giusto alla segreteria della tua rete.",
    },
    "en": {
        "who": "These questions are for {person}.",
        "before": "This is the first of two times: it tells where we begin. In the end we shall ask you the same.",
        "after": "This is the second time: the same questions as before, to see what has changed.",
        "private": "Only you read your answers. What is published are means of groups of five people or more.",
        "until": "It can be answered until {day}.",
        "answered": "You answered on {day}. Until it closes you can change your answers and send them again.",
        "entered": "The answers that you gave on paper were recorded on {day}. Until it closes you can change them.",
        "over": "It can be answered no more: the time is over, or the question was taken back.",
        "sent": "Your answers are recorded. Thank you!",
        "saved": "What you have answered so far is kept: you can close the page and go on later.",
        "wrong": "Nothing was recorded: something is still missing.",
        "missing": "The answer is missing: {item}",
        "range": "To be chosen from those offered: {item}",
        "missing_here": "The answer is missing.",
        "send": "Send the answers",
        "save": "Keep them and go on later",
        "results": "What has changed",
        "results_why": "Means in percent of what can be known, of those who answered both times. The gap closed is the "
        "part of what was missing before. Groups of fewer than five people are not shown, nor those from which they "
        "could be worked out.",
        "no_results": "There are no results: fewer than five people answered both times.",
        "competence": "Competence",
        "group": "Group",
        "n": "People",
        "known_before": "Before (%)",
        "known_after": "After (%)",
        "gain": "Gap closed (%)",
        "all": "Everybody",
        "not_shown": "not shown",
        "undefined": "undefined",
        "chart": "Knowledge before and after",
        "bar_before": "before",
        "bar_after": "after",
        "again": "Ask the secretariat of your network for the right address.",
    },
}


def entered(form: FormData) -> dict[str, Any]:
    """The answers of a form by item; what is no number stays text, and is refused as that."""
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        field = FIELD.fullmatch(name)
        if field is not None and isinstance(value, str) and value:
            found[field[1]] = int(value) if NUMBER.fullmatch(value) else value[:80]
    return found


def assess(
    language: str,
    own: Own,
    network: Any,
    figures: Sequence[Result],
    *,
    done: str | None = None,
    entered: Mapping[str, Any] | None = None,
    refused: Problem | None = None,
) -> Response:
    """What the link shows. What was entered and refused stays on it, with what is wrong at its place and above."""
    texts, asked, one = TEXTS[language], own.asked, own.assessment
    open_ = asked.state is not RequestState.WITHDRAWN and one.phase is asked.phase
    given = {str(item): answer for item, answer in (own.draft or own.answers or {}).items()}
    if refused is not None:
        given = dict(entered or {})
    wrong = {error.path.rpartition("/")[2]: error.code for error in refused.errors} if refused else {}
    names = {str(item.id): item.text for item in one.items}
    return PAGES.page(
        language,
        one.title,
        "assess.html",
        status=refused.status if refused else 200,
        network=network,
        own=own,
        one=one,
        asked=asked,
        who=texts["who"].format(person=asked.person) if asked.person else "",
        open_=open_,
        closed=one.state is State.CLOSED,
        answered=asked.state is RequestState.ANSWERED,
        given=given,
        wrong=wrong,
        problems=[(item, _why(texts, code, names[item])) for item, code in wrong.items() if item in names],
        done=done,
        headings=HEADINGS,
        wide_table=[line(language, each) for each in figures],
        drawn=drawing(language, figures),
        texts=texts,
    )


def _why(texts: Mapping[str, str], code: str, item: str) -> str:
    return texts["missing" if code == "missing" else "range"].format(item=item)


def line(language: str, one: Result) -> list[str]:
    """A row of the table of results."""
    texts = TEXTS[language]
    name = one.name if one.of is not Of.ALL else texts["all"]
    if one.n is None:
        return [one.title, name or "–", texts["not_shown"], "–", "–", "–"]
    gain = texts["undefined"] if one.gain is None else number(language, one.gain * 100)
    return [one.title, name or "–", str(one.n), number(language, one.before), number(language, one.after), gain]


def number(language: str, value: float | None) -> str:
    return "" if value is None else str(format_decimal(value, format="#,##0.0", locale=language))


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])


# --- the chart ------------------------------------------------------------------------------------------------------

WIDTH, ROW, BAR = 640, 92, 20
INK, BEFORE, AFTER, TRACK = "#17324d", "#5d7083", "#0066cc", "#e6ecf2"
LONGEST = 60


def chart(language: str, figures: Sequence[Result]) -> Response:
    headers = {"content-security-policy": "default-src 'none'", "cache-control": "no-store"}
    return Response(drawing(language, figures), headers=headers, media_type="image/svg+xml")


def drawing(language: str, figures: Sequence[Result]) -> str:
    """Two bars for each competence of everybody and of each body that is shown: what was known before and after."""
    texts = TEXTS[language]
    given = [one for one in figures if one.n is not None and one.of in (Of.ALL, Of.BODY)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {ROW * len(given) + 4}" width="100%" role="img"'
        f' aria-label="{escape(texts["chart"])}" font-family="Titillium Web, Georgia, serif" font-size="15"'
        f' fill="{INK}">'
    ]
    for place, one in enumerate(given):
        top = ROW * place
        name = f"{one.title} – {texts['all'] if one.of is Of.ALL else one.name}"
        parts.append(f'<text x="0" y="{top + 20}">{escape(_short(name))}</text>')
        for at, value, colour, label in (
            (top + 28, one.before, BEFORE, texts["bar_before"]),
            (top + 28 + BAR + 6, one.after, AFTER, texts["bar_after"]),
        ):
            parts += _bar(at, value or 0.0, colour, f"{label}: {number(language, value)} %")
    return "".join([*parts, "</svg>"])


def _bar(top: int, value: float, colour: str, text: str) -> list[str]:
    track = WIDTH - 190
    length = round(track * min(100.0, max(0.0, value)) / 100)
    return [
        f'<rect x="0" y="{top}" width="{track}" height="{BAR}" fill="{TRACK}"/>',
        f'<rect x="0" y="{top}" width="{length}" height="{BAR}" fill="{colour}"/>',
        f'<text x="{WIDTH}" y="{top + 17}" text-anchor="end">{escape(text)}</text>',
    ]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"
