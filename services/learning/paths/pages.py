"""The public page of an open path; and how pages of this service answer a refusal."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.learning.paths.rules import Path
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "for": "È rivolto a",
        "representatives": "rappresentanti degli enti",
        "communities": "persone delle comunità",
        "administrators": "amministratori locali",
        "time": "Tempo per finirlo",
        "days": "giorni dall'iscrizione",
        "units": "Le tappe",
        "minutes": "minuti",
        "how": "Come iscriversi",
        "how_to": "L'iscrizione è libera, anche senza un incarico nella rete. Entra con il collegamento che ti arriva "
        "per posta (lo chiedi dalla pagina di accesso della rete, con il tuo indirizzo), e iscriviti a questo "
        "percorso.",
        "unknown": "Se non hai mai ricevuto posta da questa rete, scrivi alla sua segreteria: ti registra, e il "
        "collegamento arriva.",
        "again": "Chiedi l'indirizzo giusto alla segreteria della tua rete.",
    },
    "en": {
        "for": "It is for",
        "representatives": "representatives of the organisations",
        "communities": "people of the communities",
        "administrators": "local administrators",
        "time": "Time to finish it",
        "days": "days after enrolling",
        "units": "The steps",
        "minutes": "minutes",
        "how": "How to enrol",
        "how_to": "Enrolment is open, also without any office in the network. Sign in with the link that is mailed to "
        "you (ask for it on the network's sign-in page, with your address), and enrol in this path.",
        "unknown": "If you have never had mail from this network, write to its secretariat: they enter you, and the "
        "link comes.",
        "again": "Ask the secretariat of your network for the right address.",
    },
}


def public(language: str, path: Path, network: Any) -> Response:
    texts = TEXTS[language]
    return PAGES.page(language, path.title, "path.html", network=network, path=path, texts=texts)


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])
