"""Minutes as people read and print them, in the language in which they were written; and the page on which somebody
who was there says whether they are right. Opening it does nothing."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.events.minutes.queries import Sent, Shown
from services.events.minutes.rules import AnswerState
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "draft": "Bozza: non è ancora stata approvata.",
        "in_approval": "In approvazione.",
        "pdf": "Scarica il PDF",
        "checksum": "Impronta SHA-256 del PDF:",
    },
    "en": {
        "draft": "Draft: not approved yet.",
        "in_approval": "In approval.",
        "pdf": "Download the PDF",
        "checksum": "SHA-256 checksum of the PDF:",
    },
}
LINK: dict[str, dict[str, str]] = {
    "it": {
        "title": "Il verbale è giusto?",
        "who": "Questa pagina è per {name}.",
        "until": "Si risponde fino a {day} compreso.",
        "silence": "Chi non risponde entro il termine acconsente.",
        "counts": "Chi non risponde entro il termine non conta come approvazione.",
        "legend": "La tua risposta",
        "approve": "Va bene così",
        "object": "C'è qualcosa che non va",
        "reason": "Che cosa non va (solo se c'è qualcosa che non va)",
        "reason_is": "Lo legge chi scrive il verbale.",
        "send": "Invia la risposta",
        "change": "Finché c'è tempo puoi cambiare la risposta, con lo stesso collegamento: vale l'ultima.",
        "recorded": "La risposta è registrata.",
        "state_asked": "Non hai ancora risposto.",
        "state_approved": "Hai risposto: va bene così.",
        "state_objected": "Hai risposto: c'è qualcosa che non va.",
        "state_withdrawn": "Non serve più una risposta.",
        "closed": "Su questo verbale non si risponde più: è già approvato, oppure è tornato in bozza.",
        "text": "Il testo del verbale",
        "next": "Se hai domande, scrivi alla segreteria della rete.",
    },
    "en": {
        "title": "Are the minutes right?",
        "who": "This page is for {name}.",
        "until": "Answers count until {day}, that day included.",
        "silence": "Who does not answer in time consents.",
        "counts": "Who does not answer in time does not count as an approval.",
        "legend": "Your answer",
        "approve": "They are right",
        "object": "Something is wrong",
        "reason": "What is wrong (only if something is)",
        "reason_is": "Those who write the minutes read it.",
        "send": "Send the answer",
        "change": "While there is time you can change the answer with the same link: the last one counts.",
        "recorded": "Your answer is recorded.",
        "state_asked": "You have not answered yet.",
        "state_approved": "You have answered: they are right.",
        "state_objected": "You have answered: something is wrong.",
        "state_withdrawn": "No answer is needed any more.",
        "closed": "These minutes take no answers any more: they are approved already, or a draft again.",
        "text": "The text of the minutes",
        "next": "If you have questions, write to the secretariat of the network.",
    },
}


def show(shown: Shown, network: Any) -> Response:
    minutes = shown.minutes
    document = minutes.document
    return PAGES.page(
        document["language"],
        document["title"],
        "minutes.html",
        network=network,
        document=document,
        minutes=minutes,
        approved=shown.approved,
        sha256=shown.sha256,
        pdf=f"/events/v1/minutes/{minutes.id}/pdf",
        say=TEXTS[document["language"]],
    )


def ask(
    language: str,
    sent: Sent,
    *,
    recorded: bool = False,
    refused: Problem | None = None,
    chosen: str = "",
    written: str = "",
) -> Response:
    """The minutes with the form of the answer: as it stands, or as somebody tried to give it (`refused` says why
    not)."""
    approver, minutes = sent.asked.approver, sent.shown.minutes
    stands = {AnswerState.APPROVED: "approve", AnswerState.OBJECTED: "object"}.get(approver.state, "")
    return PAGES.page(
        language,
        LINK[language]["title"],
        "approval.html",
        status=refused.status if refused else 200,
        network=sent.network,
        texts=LINK[language],
        sent=sent,
        minutes=minutes,
        document=minutes.document,
        last=minutes.last_day,
        stands=LINK[language][f"state_{approver.state}"],
        told=LINK[language]["recorded"] if recorded else None,
        problem=refused.body(language) if refused else None,
        chosen=chosen or stands,
        written=written or approver.reason or "",
    )


def failed(language: str, problem: Problem, network: Any = None) -> Response:
    return PAGES.problem(language, problem, LINK[language]["next"], network=network)
