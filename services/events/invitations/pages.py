"""The page of an invitation's link: what, when, where, and a form for the answer. Opening it does nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from starlette.responses import Response

from services.events.documents.rules import Document
from services.events.invitations.queries import Asked, Shown
from services.events.invitations.rules import Reply
from services.events.meetings.rules import timetable
from shared.access.actor import day
from shared.runtime.pages import Pages, link, number
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
        "waiting": "Per ora i posti sono finiti: sei in lista d'attesa, e se si libera un posto ti avvisiamo.",
        "waits": "sì, in lista d'attesa",
        "places": "Posti",
        "documents": "Documenti",
        "file": "{kind}, {size}",
        "of_item": "punto {number}",
        "renew_lead": "Possiamo mandartene un altro, all'indirizzo di posta a cui è arrivato l'invito.",
        "renew": "Mandami un nuovo collegamento",
        "renewed": "Controlla la posta",
        "renewed_is": "Se la riunione accetta ancora risposte, tra poco arriva un nuovo collegamento all'indirizzo a "
        "cui era stato mandato l'invito.",
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
        "waiting": "All places are taken for now: you are on the waiting list, and we tell you when one falls free.",
        "waits": "yes, on the waiting list",
        "places": "Places",
        "documents": "Documents",
        "file": "{kind}, {size}",
        "of_item": "item {number}",
        "renew_lead": "We can send a new link to the mailbox that the invitation came to.",
        "renew": "Send me a new link",
        "renewed": "Look at your mail",
        "renewed_is": "If the meeting still takes answers, a new link comes soon to the mailbox that the invitation "
        "was sent to.",
        "next": "If you have questions about the meeting, write to the network's secretariat.",
    },
}


def ask(
    language: str,
    shown: Shown,
    token: str,
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
        waiting=texts["waiting"] if invitation.waiting else None,
        agenda=list(zip(meeting.agenda, timetable(meeting.agenda, meeting.starts_at), strict=True)),
        documents=[_document(texts, language, document, token) for document in shown.documents],
    )


def _document(texts: dict[str, str], language: str, document: Document, token: str) -> tuple[Markup, str]:
    """A link to a document, and what it is."""
    about = [texts["of_item"].format(number=document.item)] if document.item else []
    if document.url:
        return link(document.url, document.title), ", ".join(about)
    about.append(described(texts["file"], language, document))
    href = f"/events/v1/rsvp/documents/{document.id}?{urlencode({'token': token})}"
    return link(href, document.title), ", ".join(about)


def described(pattern: str, language: str, document: Document) -> str:
    """`PDF, 1,2 MB`."""
    kind = (document.file_name or "").rsplit(".", 1)[-1].upper()[:5]
    size = document.size or 0
    shown = f"{number(round(size / 1e6, 1), language)} MB" if size >= 100_000 else f"{max(1, round(size / 1000))} kB"
    return pattern.format(kind=kind, size=shown)


def expired(language: str, problem: Problem, token: str) -> Response:
    """The link's time is over: a button asks for another. Nothing is said of the meeting to whoever holds an old
    link."""
    texts, body = TEXTS[language], problem.body(language)
    return PAGES.page(
        language,
        body["title"],
        "expired.html",
        status=problem.status,
        lead=texts["renew_lead"],
        renew=texts["renew"],
        action=f"/events/v1/rsvp/renew?{urlencode({'token': token})}",
    )


def renewed(language: str, network: Any) -> Response:
    texts = TEXTS[language]
    return PAGES.page(language, texts["renewed"], network=network, status=202, lines=[texts["renewed_is"]])


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
    if asked.invitation.waiting:
        return texts["waits"]
    return texts[reply or Reply.PERHAPS]
