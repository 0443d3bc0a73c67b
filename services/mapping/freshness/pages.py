"""The page of a question's link: the item as the map shows it, and a form to say whether it still is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from services.mapping.freshness.answering import Asked
from services.mapping.items.rules import Subject
from services.mapping.places.routes import vocabularies as of_places
from services.mapping.resources.routes import vocabularies as of_resources
from services.mapping.territories.queries import known
from shared.runtime.pages import Pages, day
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
FIELDS: Mapping[Subject, tuple[str, ...]] = {
    Subject.PLACE: ("title", "address", "phone", "email", "website", "note"),
    Subject.RESOURCE: ("title", "description", "until"),
    Subject.EXPERIENCE: ("title", "results", "link", "until"),
}
LONG = ("note", "description", "results")
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "heading": "È ancora così?",
        "intro": "La mappa mostra questo. Se nessuno risponde entro {day}, non lo mostrerà più.",
        "title": "Nome",
        "kind": "Tipo",
        "where": "Dove",
        "organisation": "Ente",
        "address": "Indirizzo",
        "phone": "Telefono",
        "email": "Posta elettronica",
        "website": "Sito",
        "note": "Note",
        "description": "Descrizione",
        "results": "Risultati",
        "link": "Collegamento",
        "until": "Fino al (ultimo giorno)",
        "checked_on": "Verificato l'ultima volta",
        "answer": "La tua risposta",
        "confirmed": "Sì, è tutto così",
        "changed": "È cambiato qualcosa: correggo qui sotto",
        "gone": "Non c'è più",
        "what": "Che cosa è cambiato",
        "what_is": "Serve solo se qualcosa è cambiato: correggi le righe che non vanno più bene.",
        "hours": "Gli orari di apertura si correggono sulla scheda del luogo.",
        "button": "Rispondi",
        "done": "Grazie: la risposta è registrata",
        "done_confirmed": "La mappa continua a mostrarlo. Te lo chiederemo di nuovo fra qualche tempo.",
        "done_changed": "Le correzioni sono registrate. Quelle importanti le guarda ancora chi coordina il territorio.",
        "done_gone": "La mappa non lo mostra più.",
        "closed": "A questa domanda è già stato risposto: non c'è altro da fare.",
        "again": "Se serve un altro collegamento, chiedilo alla segreteria della tua rete.",
    },
    "en": {
        "heading": "Is it still so?",
        "intro": "This is what the map shows. If nobody answers by {day}, it will show it no more.",
        "title": "Name",
        "kind": "Kind",
        "where": "Where",
        "organisation": "Organisation",
        "address": "Address",
        "phone": "Telephone",
        "email": "Email",
        "website": "Website",
        "note": "Notes",
        "description": "Description",
        "results": "Results",
        "link": "Link",
        "until": "Until (last day)",
        "checked_on": "Last checked",
        "answer": "Your answer",
        "confirmed": "Yes, all of it is so",
        "changed": "Something has changed: I correct it below",
        "gone": "It is no more",
        "what": "What has changed",
        "what_is": "Needed only if something has changed: correct the lines that are no longer right.",
        "hours": "Opening hours are corrected on the place's own record.",
        "button": "Answer",
        "done": "Thank you: your answer is recorded",
        "done_confirmed": "The map goes on showing it. We shall ask you again after some time.",
        "done_changed": "The corrections are recorded. What matters is looked at by whoever coordinates the territory.",
        "done_gone": "The map shows it no more.",
        "closed": "This question has been answered already: there is nothing more to do.",
        "again": "If you need another link, ask the secretariat of your network.",
    },
}
KINDS = {
    term.code: {"it": term.it, "en": term.en}
    for vocabulary in (*of_places, *of_resources)
    if vocabulary.name.endswith("_kinds")
    for term in vocabulary.terms
}


def shown(
    language: str, asked: Asked, *, error: Problem | None = None, given: Mapping[str, str] | None = None
) -> Response:
    """The item with the form, while it is to be answered. `error`: why the last answer was not taken."""
    texts, form = TEXTS[language], bool(asked.actions)
    values = given or values_of(asked)
    return PAGES.page(
        language,
        texts["heading"],
        "freshness.html",
        status=error.status if error else 200,
        network=asked.network,
        intro=texts["intro"].format(day=day(asked.question.answer_by, language)) if form else None,
        rows=rows(language, asked),
        lines=[] if form else [texts["closed"]],
        form=form,
        fields=[(name, texts[name], values.get(name) or "", name in LONG) for name in FIELDS[asked.question.item]],
        chosen=(given or {}).get("answer", ""),
        hours=asked.question.item is Subject.PLACE,
        error=_said(error, language) if error else None,
        texts=texts,
    )


def done(language: str, asked: Asked, answer: str) -> Response:
    texts = TEXTS[language]
    return PAGES.page(
        language,
        texts["done"],
        network=asked.network,
        lines=[asked.shown.item.title, texts[f"done_{answer}"]],
    )


def failed(language: str, seen: Sequence[Asked], problem: Problem) -> Response:
    """Why it did not work and what to do next; of the network, when what the link is about has been seen."""
    network = seen[-1].network if seen else None
    return PAGES.problem(language, problem, TEXTS[language]["again"], network=network)


def rows(language: str, asked: Asked) -> list[tuple[str, str]]:
    """What the map shows of the item: (term, description)."""
    texts, item = TEXTS[language], asked.shown.item
    kind = getattr(item, "kind", None)
    found = [
        ("title", item.title),
        ("kind", KINDS[kind][language] if kind else None),
        ("organisation", asked.shown.organisation),
        ("where", ", ".join(known(code).name for code in item.territories)),
        *((name, value) for name, value in values_of(asked).items() if name not in ("title", "until")),
        ("until", day(item.expires_on - timedelta(days=1), language) if item.expires_on else None),
        ("checked_on", day(item.checked_on, language) if item.checked_on else None),
    ]
    return [(texts[name], value) for name, value in found if value]


def values_of(asked: Asked) -> dict[str, str]:
    """What the fields of the form hold at first. The last day is what people write; the map keeps the day after it."""
    item = asked.shown.item
    values = {name: getattr(item, name, None) or "" for name in FIELDS[asked.question.item] if name != "until"}
    ends: Any = item.expires_on if asked.question.item is Subject.RESOURCE else getattr(item, "until", None)
    if "until" in FIELDS[asked.question.item]:
        values["until"] = (ends - timedelta(days=1)).isoformat() if isinstance(ends, date) else ""
    return values


def _said(error: Problem, language: str) -> str:
    """The problem and, for a field, what would do."""
    body = error.body(language)
    accepted = [
        f"{TEXTS[language].get(one['path'].lstrip('/'), one['path'])}: {one['accepted']}"
        for one in body.get("errors", [])
        if one.get("accepted")
    ]
    return " ".join([body["title"] + ".", *accepted])
