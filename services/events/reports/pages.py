"""A report as a page and as a PDF: both say what its JSON says, in its language."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from services.events.reports import wording
from services.events.reports.document import Document
from services.events.reports.rules import Report, State
from shared import typesetting
from shared.access.actor import day
from shared.runtime.pages import Pages

PAGES = Pages(__file__)
TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Relazione finale: {subject}",
        "missing": "Relazione non trovata",
        "why": "A questo indirizzo non c'è una relazione pubblicata: non c'è mai stata, o è stata ritirata.",
        "contents": "Indice",
        "files": "Lo stesso documento",
        "pdf": "PDF accessibile",
        "json": "Dati in formato JSON",
        "sha": "SHA-256 del PDF: {sha}",
        "made": "Non è pubblicata: la vede solo chi coordina la rete.",
        "withdrawn": "È stata ritirata: la vede solo chi coordina la rete.",
    },
    "en": {
        "title": "Final report: {subject}",
        "missing": "Report not found",
        "why": "There is no published report at this address: there never was, or it has been withdrawn.",
        "contents": "Contents",
        "files": "The same document",
        "pdf": "Accessible PDF",
        "json": "Data as JSON",
        "sha": "SHA-256 of the PDF: {sha}",
        "made": "It is not published: only those who coordinate the network see it.",
        "withdrawn": "It has been withdrawn: only those who coordinate the network see it.",
    },
}


def show(report: Report, content: bytes, network: Any, href: str) -> Response:
    """`href` is where the page is; the PDF and the JSON are beside it."""
    document = Document.model_validate_json(content)
    view = wording.present(document, report.document_sha256)
    public = report.state is State.RELEASED
    return PAGES.page(
        view.language,
        view.title,
        "report.html",
        network=network,
        view=view,
        chart=Markup,
        report=report,
        state=None if public else TEXTS[view.language][report.state],
        say=TEXTS[view.language],
        href=href,
        wide=True,
    )


def missing(language: str) -> Response:
    texts = TEXTS[language]
    return PAGES.page(language, texts["missing"], status=404, lines=[texts["why"]])


def title(language: str, subject: str) -> str:
    """The title of a report that was given none."""
    return TEXTS["it" if language not in TEXTS else language]["title"].format(subject=subject)[:200]


async def pdf(document: Document, document_sha256: str) -> bytes:
    """In a thread: the compiler takes some tenths of a second, and a long report more."""
    view = wording.present(document, document_sha256)
    return await asyncio.to_thread(typesetting.pdf, TEMPLATE, view.data(), day(document.made_at))
