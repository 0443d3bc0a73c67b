"""The page behind the link of an enrolment: the path's units, what has been done of them, and a button for each."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from services.learning.courses.pages import rendered
from services.learning.enrolments.queries import Opened
from services.learning.enrolments.rules import Enrolment, State, actions
from shared.access.actor import day
from shared.runtime.pages import Pages
from shared.runtime.pages import day as on_day

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
        "gone": "Ti sei ritirato da questo percorso {day}: le tappe si possono ancora leggere.",
        "late": "Il tempo è scaduto: il percorso si può ancora finire.",
        "watch": "Guarda il video",
        "transcript": "Che cosa dice il video",
        "download": "Scarica il documento",
        "no_document": "Per leggere il documento, chiedi alla segreteria della tua rete.",
        "quiz": "Vai al quiz",
        "quiz_passed": "Rivedi il quiz",
        "meeting": "Questa tappa risulta fatta da sé, quando la riunione a cui hai partecipato viene chiusa.",
        "leave": "Ritirati da questo percorso",
        "leave_help": "Quello che hai fatto resta, se poi torni.",
        "again": "È la volta numero {attempt}: il percorso si ripete ogni tanto.",
        "before": "Completato già {days}.",
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
        "gone": "You left this path on {day}: its steps can still be read.",
        "late": "The time is over: the path can still be finished.",
        "watch": "Watch the video",
        "transcript": "What the video says",
        "download": "Download the document",
        "no_document": "To read the document, ask the secretariat of your network.",
        "quiz": "Go to the quiz",
        "quiz_passed": "Look at the quiz again",
        "meeting": "This step is done by itself, when a meeting that you attended is closed.",
        "leave": "Leave this path",
        "leave_help": "What you have done stays, should you come back.",
        "again": "This is time number {attempt}: the path is repeated once in a while.",
        "before": "Completed before: {days}.",
    },
}


def learn(language: str, opened: Opened, token: str) -> Response:
    """What opening the link shows. It does nothing: each button posts to the same address."""
    named, texts = opened.named, TEXTS[language]
    enrolment, path = named.enrolment, named.path
    progress = enrolment.progress(path.unit_ids)
    return PAGES.page(
        language,
        path.title,
        "learn.html",
        network=opened.network,
        path=path,
        description=rendered(path.description),
        texts_of={unit.id: rendered(unit.text) for unit in path.units},
        transcripts={unit.id: rendered(unit.transcript) for unit in path.units if unit.transcript},
        documents=opened.documents,
        enrolment=enrolment,
        who=texts["who"].format(person=named.person) if named.person else "",
        progress=texts["progress"].format(count=progress.count, of=progress.of),
        count=progress.count,
        of=progress.of,
        completed_on=day(enrolment.completed_at) if enrolment.completed_at else None,
        active=enrolment.state is State.ACTIVE,
        ended=_ended(language, enrolment),
        late=enrolment.late(opened.today),
        leaves="withdraw" in actions(enrolment, path, enrolment.person_id),
        again=texts["again"].format(attempt=enrolment.attempt) if enrolment.attempt > 1 else "",
        before="; ".join(on_day(each.completed_at, language) for each in opened.history),
        token=quote(token),
        texts=texts,
    )


def _ended(language: str, enrolment: Enrolment) -> str:
    if enrolment.state is not State.ENDED or enrolment.ended_on is None:
        return ""
    return TEXTS[language]["gone" if enrolment.left else "ended"].format(day=on_day(enrolment.ended_on, language))
