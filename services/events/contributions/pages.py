"""The page of a synthesis' link: its text, the counts that were kept with it, the versions before it. Nothing to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from services.events.contributions import document
from services.events.contributions.queries import Issued
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "pdf": "Scarica la sintesi in PDF",
        "others": "Altre versioni",
        "version": "Versione {number}",
        "next": "Se ti serve la sintesi, chiedila alla segreteria della rete.",
    },
    "en": {
        "pdf": "Download the synthesis as PDF",
        "others": "Other versions",
        "version": "Version {number}",
        "next": "If you need the synthesis, ask the secretariat of the network for it.",
    },
}
PATH = "/events/v1/syntheses/link"


def show(language: str, issued: Issued, token: str) -> Response:
    known = {**document.data(issued, language)}
    last = issued.sheet.synthesis.number
    return PAGES.page(
        language,
        issued.row.title,
        "synthesis.html",
        network=issued.sheet.network,
        texts=TEXTS[language],
        when=known["when"],
        of=known["of"],
        collection=known["collection"],
        blocks=known["blocks"],
        counts=known["counts"],
        pdf=_href(f"{PATH}/pdf", token, issued.row.number),
        others=[(n, _href(PATH, token, n)) for n in range(last, 0, -1) if n != issued.row.number],
    )


def _href(path: str, token: str, number: int) -> str:
    return f"{path}?token={quote(token)}&number={number}"


def failed(language: str, problem: Problem, network: Any = None) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["next"], network=network)
