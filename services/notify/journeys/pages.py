"""The timeline of an act for people at a browser: an ordered list, what was caused inside what caused it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.notify.deliveries.rules import STATES, State
from services.notify.journeys import queries
from services.notify.journeys.catalogue import FACTS, SERVICES
from services.notify.journeys.queries import Journey, Messages, Told
from services.notify.messages.rules import LANGUAGES, TOPICS
from shared.runtime.pages import Entry, Pages, Seat
from shared.runtime.sessions import Seated, form_of

site = APIRouter()
PAGES = Pages(__file__)
RECEIPTS = {
    "accepted": ("accettata", "accepted"),
    "delivered": ("consegnata", "delivered"),
    "unanswered": ("senza ricevuta", "without a receipt"),
}
TEXTS = {
    "it": {
        "title": "Che cosa ne è venuto",
        "intro": "Tutto ciò che un atto ha causato nei servizi della piattaforma, nell'ordine in cui è successo. "
        "Sotto ogni passo c'è quello che ne è venuto.",
        "part": "Vedi ciò che riguarda i tuoi organi e territori.",
        "caused": "ne è venuto:",
        "told": "Messaggi:",
        "more": "e altri {count}",
        "until": "fino a",
        "people": "Persone:",
        "desk": "Scrivania",
    },
    "en": {
        "title": "What came of it",
        "intro": "Everything that one act caused in the platform's services, in the order in which it happened. Below "
        "each step is what came of it.",
        "part": "You see what concerns your bodies and territories.",
        "caused": "it led to:",
        "told": "Messages:",
        "more": "and {count} more",
        "until": "until",
        "people": "People:",
        "desk": "Desk",
    },
}


@site.get("/notify/v1/journeys/{correlation}/page")
async def journey(correlation: UUID, at: Seated) -> Response:
    """For whoever is signed in at a browser and may read it; without scripts."""
    found: Journey = await at.query(queries.get, correlation)
    words = TEXTS[at.language]
    network = found.networks[0] if len(found.networks) == 1 else None
    return PAGES.page(
        at.language,
        words["title"],
        "journey.html",
        network=network,
        seat=Seat("", form_of(at), [Entry(words["desk"], "/desk")]),
        say=words,
        journey=found,
        steps=[_step(step, at.language) for step in found.steps],
    )


def _topic(messages: Messages) -> tuple[str, str]:
    it, en = TOPICS[messages.topic].label if messages.topic in TOPICS else (messages.topic, messages.topic)
    return (f"{it} (PEC)", f"{en} (certified mail)") if messages.channel == "pec" else (it, en)


def _state(messages: Messages) -> tuple[str, str]:
    """Of a certified mail what its receipts say."""
    if messages.channel == "pec" and messages.state in RECEIPTS:
        return RECEIPTS[messages.state]
    return STATES[State(messages.state)]


def _step(told: Told, language: str) -> dict[str, Any]:
    which = LANGUAGES.index(language)
    return {
        "what": FACTS[told.type][which],
        "service": SERVICES[told.type.split(".")[0]][which],
        "count": told.count,
        "at": told.occurred_at,
        "last": told.last_at,
        "about": [thing.name for thing in told.about if thing.name],
        "more": max(0, told.count - len(told.about)) if told.about else 0,
        "people": [person.name for person in told.people if person.name],
        "messages": [(_topic(m)[which], _state(m)[which], m.count) for m in told.messages],
        "steps": [_step(step, language) for step in told.steps],
    }
