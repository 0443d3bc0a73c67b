"""The page on which one enrols in an open path; and the one behind the link of an enrolment: its units, what has been
done of them, and a button for each."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.learning.courses.pages import rendered
from services.learning.enrolments import commands
from services.learning.enrolments.queries import Named, Opened
from services.learning.enrolments.rules import Enrolment, State, actions
from services.learning.paths import queries as paths
from shared.access.actor import day
from shared.runtime.browsers import answered
from shared.runtime.edge import Edge
from shared.runtime.pages import Pages
from shared.runtime.pages import day as on_day
from shared.runtime.problems import Problem
from shared.runtime.sessions import Seated, form_of

site = APIRouter()
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


ENROL: dict[str, dict[str, str]] = {
    "it": {
        "lead": "Ti iscrivi a questo percorso: ti arriva per posta il collegamento alle tappe. Puoi ritirarti quando "
        "vuoi.",
        "button": "Iscriviti",
        "done": "L'iscrizione è fatta. Il collegamento alle tappe arriva per posta.",
        "due": "Da finire entro {day}.",
        "again": "Torna al percorso e leggi come ci si iscrive.",
    },
    "en": {
        "lead": "You enrol in this path: the link to its steps comes to you by mail. You may leave whenever you like.",
        "button": "Enrol",
        "done": "You are enrolled. The link to the steps comes by mail.",
        "due": "To be finished by {day}.",
        "again": "Go back to the path and read how one enrols.",
    },
}


@site.get("/learning/paths/{path_id}/enrol")
async def offer(path_id: UUID, at: Seated) -> Response:
    """For whoever is signed in at a browser: an open path, and a button to enrol."""

    async def shown() -> Response:
        path, network = await at.query(paths.public, path_id)
        texts, form = ENROL[at.language], form_of(at)
        return PAGES.page(at.language, path.title, "enrol.html", network=network, texts=texts, form=form)

    return await answered(at, shown, partial(_failed, at), html=True)


@site.post("/learning/paths/{path_id}/enrol")
async def enrol(path_id: UUID, at: Seated) -> Response:
    """Enrols them. Asking again changes nothing."""

    async def done() -> Response:
        path, network = await at.query(paths.public, path_id)
        made: list[Named] = []
        await at.command(commands.enrol, path_id, None, out=made.append)
        texts, due = ENROL[at.language], made[-1].enrolment.due
        lines = [texts["done"], *([texts["due"].format(day=on_day(due, at.language))] if due else [])]
        return PAGES.page(at.language, path.title, network=network, lines=lines)

    return await answered(at, done, partial(_failed, at), html=True)


def _failed(at: Edge, problem: Problem) -> Response:
    return PAGES.problem(at.language, problem, ENROL[at.language]["again"])


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
        description=rendered(path.description, below=1),
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
