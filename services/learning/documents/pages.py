"""The page of a document: public, or behind the link that tells its readers of a new edition."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from starlette.responses import Response

from services.learning.documents.downloads import path_of
from services.learning.documents.queries import Shown
from services.learning.documents.rules import Edition
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "new": "Che cosa c'è di nuovo",
        "edition": "Edizione {number}, {day}",
        "download": "Scarica",
        "get": "Prepara il file",
        "since": "In vigore dal",
        "until": "Fino al giorno prima di",
        "pages": "pagine",
        "before": "Edizioni precedenti",
        "gone": "Il file non si conserva più.",
        "checksum": "Impronta SHA-256, per chi vuole verificarlo",
        "follow": "Avvisami delle nuove edizioni",
        "unfollow": "Non avvisarmi più di questo documento",
        "again": "Chiedi l'indirizzo giusto alla segreteria della tua rete.",
    },
    "en": {
        "new": "What is new",
        "edition": "Edition {number}, {day}",
        "download": "Download",
        "get": "Get the file",
        "since": "In force from",
        "until": "Until the day before",
        "pages": "pages",
        "before": "Earlier editions",
        "gone": "The file is no longer kept.",
        "checksum": "SHA-256 checksum, for those who want to verify it",
        "follow": "Tell me of new editions",
        "unfollow": "Tell me no more of this document",
        "again": "Ask the secretariat of your network for the right address.",
    },
}


def size(value: int, language: str) -> str:
    """`3,66 MB`: decimal, as file managers count."""
    for unit, factor in (("MB", 1_000_000), ("KB", 1_000)):
        if value >= factor:
            return f"{format_decimal(value / factor, '#,##0.##', locale=language)} {unit}"
    return f"{value} B"


def document(language: str, shown: Shown, network: Any, *, personal: bool) -> Response:
    """`personal`: behind a mailed link, where a button makes a short-lived address; else files are open to all."""
    return PAGES.page(
        language,
        shown.document.title,
        "document.html",
        network=network,
        document=shown.document,
        editions=[(one, _file(one, language), path_of(one)) for one in shown.editions],
        personal=personal,
        following=shown.following,
        texts=TEXTS[language],
    )


def _file(one: Edition, language: str) -> str:
    kind = one.file_name.rsplit(".", 1)[-1].upper()
    pages = f", {one.pages} {TEXTS[language]['pages']}" if one.pages else ""
    return f"{kind}, {size(one.size, language)}{pages}"


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])
