"""The public page of an open path; and how pages of this service answer a refusal."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.learning.courses.pages import rendered
from services.learning.paths.rules import Path
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, Any]] = {
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
        "steps": [
            "Scegli «Iscriviti» qui sotto e scrivi il tuo indirizzo di posta: ti arriva un collegamento per entrare. "
            "Non serve una password, e non serve un incarico nella rete.",
            "Apri il collegamento in questo stesso browser e conferma l'iscrizione.",
            "Ti arriva per posta il collegamento alle tappe: si apre anche dal telefono, e riprende da dove eri "
            "rimasto.",
        ],
        "enrol": "Iscriviti",
        "unknown": "Se non hai mai ricevuto posta da questa rete, scrivi alla sua segreteria: ti registra, e il "
        "collegamento arriva.",
        "administrators_too": "Amministratori e personale dei Comuni e degli altri enti locali si iscrivono da sé, con "
        "l'indirizzo di posta dell'ente o con il proprio. Chi si iscrive può ritirarsi quando vuole.",
        "altogether": "Quanto dura",
        "renewed": "Si ripete",
        "months": "mesi dopo averlo completato",
        "kinds": {
            "text": "testo",
            "link": "collegamento",
            "video": "video",
            "document": "documento",
            "quiz": "quiz",
            "meeting": "riunione",
        },
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
        "steps": [
            "Choose “Enrol” below and write your mail address: a link to sign in comes to you. You need no password, "
            "and no office in the network.",
            "Open the link in this same browser and confirm that you enrol.",
            "The link to its steps comes to you by mail: it opens on a phone too, and goes on where you left off.",
        ],
        "enrol": "Enrol",
        "unknown": "If you have never had mail from this network, write to its secretariat: they enter you, and the "
        "link comes.",
        "administrators_too": "Administrators and staff of municipalities and other local authorities enrol "
        "themselves, with the address of their office or their own. Who enrols may leave whenever they like.",
        "altogether": "How long it takes",
        "renewed": "It is repeated",
        "months": "months after completing it",
        "kinds": {
            "text": "text",
            "link": "link",
            "video": "video",
            "document": "document",
            "quiz": "quiz",
            "meeting": "meeting",
        },
        "again": "Ask the secretariat of your network for the right address.",
    },
}


def public(language: str, path: Path, network: Any) -> Response:
    texts = TEXTS[language]
    return PAGES.page(
        language,
        path.title,
        "path.html",
        network=network,
        path=path,
        description=rendered(path.description, below=1),
        minutes=sum(unit.minutes or 0 for unit in path.units),
        texts=texts,
    )


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])
