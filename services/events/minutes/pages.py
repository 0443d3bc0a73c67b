"""Minutes as people read and print them: in the language in which they were written."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.events.minutes.rules import Minutes
from shared.runtime.pages import Pages

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "number": "Verbale n. {number}, approvato {day}.",
        "draft": "Bozza: non è ancora stata approvata.",
        "in_approval": "In approvazione.",
    },
    "en": {
        "number": "Minutes no. {number}, approved on {day}.",
        "draft": "Draft: not approved yet.",
        "in_approval": "In approval.",
    },
}


def show(minutes: Minutes, network: Any) -> Response:
    document = minutes.document
    return PAGES.page(
        document["language"],
        document["title"],
        "minutes.html",
        network=network,
        document=document,
        minutes=minutes,
        say=TEXTS[document["language"]],
    )
