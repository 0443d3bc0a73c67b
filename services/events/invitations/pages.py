"""The page of an invitation's link: what, when, where, and a form for the answer. Opening it does nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from services.events.invitations.queries import Asked, Shown
from services.events.invitations.rules import Reply
from shared.access.actor import day
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Invito: {title}",
        "who": "Questo invito è per {name}.",
        "when": "Quando",
        "from_": "dalle",
        "to": "alle",
        "body": "Organo",
        "call": "Convocazione",
        "second": "Seconda",
        "organisation": "Per",
        "place": "Dove",
        "join": "Per collegarsi",
        "agenda": "Ordine del giorno",
        "minutes": "{count} min",
        "answer": "La tua risposta",
        "legend": "Parteciperai?",
        "yes": "Sì",
        "no": "No",
        "perhaps": "Forse",
        "delegated": "Delego un'altra persona",
        "delegate": "Chi deleghi (solo se deleghi qualcuno)",
        "nobody": "Scegli una persona",
        "send": "Invia la risposta",
        "until": "Puoi cambiare la risposta fino all'inizio della riunione: vale l'ultima.",
        "told": "La risposta è registrata: {answer}.",
        "not_yet": "Non hai ancora risposto.",
        "own": "Hai risposto: {answer}.",
        "entered": "Risposta registrata per te da {by}: {answer}.",
        "coordination": "la segreteria",
        "delegated_to": "delega a {name}",
        "choose": "Scegli una delle risposte.",
        "not_delegable": "Questa delega non è possibile. Scegli dall'elenco una persona che sarà presente e che può "
        "ancora rappresentare un altro membro.",
        "next": "Se hai domande sulla riunione, scrivi alla segreteria della rete.",
    },
    "en": {
        "title": "Invitation: {title}",
        "who": "This invitation is for {name}.",
        "when": "When",
        "from_": "from",
        "to": "to",
        "body": "Body",
        "call": "Call",
        "second": "Second",
        "organisation": "For",
        "place": "Where",
        "join": "To join",
        "agenda": "Agenda",
        "minutes": "{count} min",
        "answer": "Your answer",
        "legend": "Will you come?",
        "yes": "Yes",
        "no": "No",
        "perhaps": "Perhaps",
        "delegated": "I delegate somebody else",
        "delegate": "Whom I delegate (only if you do)",
        "nobody": "Choose a person",
        "send": "Send the answer",
        "until": "You can change the answer until the meeting begins: the last one counts.",
        "told": "The answer is recorded: {answer}.",
        "not_yet": "You have not answered yet.",
        "own": "You have answered: {answer}.",
        "entered": "Answer recorded for you by {by}: {answer}.",
        "coordination": "the secretariat",
        "delegated_to": "delegation to {name}",
        "choose": "Choose one of the answers.",
        "not_delegable": "This delegation is not possible. Choose from the list a person who will be there and can "
        "still stand for one more member.",
        "next": "If you have questions about the meeting, write to the network's secretariat.",
    },
}


def ask(
    language: str,
    shown: Shown,
    *,
    recorded: bool = False,
    error: str | None = None,
    chosen: str | None = None,
    delegate: UUID | None = None,
) -> Response:
    """The invitation with its form: as it was answered, or as somebody tried to (`error` says why not)."""
    texts, asked = TEXTS[language], shown.asked
    meeting, invitation = asked.meeting, asked.invitation
    replies = [reply for reply in Reply if reply is not Reply.DELEGATED or shown.delegates]
    return PAGES.page(
        language,
        texts["title"].format(title=meeting.title),
        "rsvp.html",
        status=422 if error else 200,
        network=shown.network,
        texts=texts,
        asked=asked,
        meeting=meeting,
        last_day=meeting.ends_at if day(meeting.ends_at) != meeting.day else None,
        stands=_stands(texts, asked),
        told=texts["told"].format(answer=_answer(texts, asked)) if recorded else None,
        error=error,
        replies=replies,
        chosen=chosen if chosen is not None else invitation.answer,
        delegates=shown.delegates,
        delegate=delegate or invitation.delegate_id,
    )


def choose(language: str) -> str:
    return TEXTS[language]["choose"]


def not_delegable(language: str) -> str:
    return TEXTS[language]["not_delegable"]


def failed(language: str, problem: Problem, network: Any = None) -> Response:
    """Why it cannot be answered, and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["next"], network=network)


def _stands(texts: dict[str, str], asked: Asked) -> str:
    if asked.invitation.answer is None:
        return texts["not_yet"]
    if asked.invitation.answered_by is None:
        return texts["own"].format(answer=_answer(texts, asked))
    return texts["entered"].format(by=asked.entered_by or texts["coordination"], answer=_answer(texts, asked))


def _answer(texts: dict[str, str], asked: Asked) -> str:
    reply = asked.invitation.answer
    if reply is Reply.DELEGATED:
        return texts["delegated_to"].format(name=asked.delegate or "")
    return texts[reply or Reply.PERHAPS]
