"""The page behind the link of an enrolment: the path's units, what has been done of them, and a button for each."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.learning.enrolments.queries import Named
from services.learning.enrolments.rules import State
from shared.access.actor import day
from shared.runtime.pages import Pages

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "who": "Questo percorso è per {person}.",
        "progress": "Tappe fatte: {count} di {of}.",
        "due": "Da finire entro {day}.",
        "completed": "Hai completato il percorso {day}: complimenti!",
        "ended": "Questo percorso è finito con il tuo incarico: le tappe si possono ancora leggere.",
        "minutes": "minuti",
        "open": "Apri",
        "done": "Segna come fatta",
        "done_on": "Fatta {day}",
        "left": "Non serve altro: questa tappa è stata aggiunta dopo.",
    },
    "en": {
        "who": "This path is for {person}.",
        "progress": "Steps done: {count} of {of}.",
        "due": "To be finished by {day}.",
        "completed": "You completed the path on {day}: well done!",
        "ended": "This path ended with your office: its steps can still be read.",
        "minutes": "minutes",
        "open": "Open",
        "done": "Mark as done",
        "done_on": "Done on {day}",
        "left": "Nothing is left to do: this step was added later.",
    },
}


def learn(language: str, named: Named, network: Any) -> Response:
    """What opening the link shows. It does nothing: each button posts to the same address."""
    enrolment, path, texts = named.enrolment, named.path, TEXTS[language]
    progress = enrolment.progress(path.unit_ids)
    return PAGES.page(
        language,
        path.title,
        "learn.html",
        network=network,
        path=path,
        enrolment=enrolment,
        who=texts["who"].format(person=named.person) if named.person else "",
        progress=texts["progress"].format(count=progress.count, of=progress.of),
        count=progress.count,
        of=progress.of,
        completed_on=day(enrolment.completed_at) if enrolment.completed_at else None,
        active=enrolment.state is State.ACTIVE,
        ended=enrolment.state is State.ENDED,
        texts=texts,
    )
