"""The pages of signing in: what a link is about, that it worked, or why it did not and what to do next."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
EMPTY = {
    "lines": (),
    "button": None,
    "mandates": (),
    "credential": None,
    "for_programs": "",
    "credential_is": "",
}
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "confirm": "Entra in Trama",
        "confirm_who": "Questo collegamento fa entrare {name}.",
        "confirm_not": "Se non sei tu, o non l'hai chiesto, chiudi la pagina: non è successo nulla.",
        "button": "Entra",
        "done": "Accesso riuscito",
        "done_who": "Sei entrato come {name}. Il tuo indirizzo è verificato.",
        "done_mandates": "Oggi agisci come:",
        "done_none": "Oggi non hai incarichi in corso: puoi leggere e correggere i tuoi dati.",
        "programs": "Per chi scrive programmi",
        "token": "Token di accesso, valido {minutes} minuti: non darlo a nessuno.",
        "again": "Per averne un altro, chiedi di nuovo il collegamento dalla pagina di accesso della tua rete.",
    },
    "en": {
        "confirm": "Sign in to Trama",
        "confirm_who": "This link signs in {name}.",
        "confirm_not": "If that is not you, or you did not ask for it, close the page: nothing has happened.",
        "button": "Sign in",
        "done": "Signed in",
        "done_who": "You are signed in as {name}. Your address is verified.",
        "done_mandates": "Today you act as:",
        "done_none": "You hold no office today: you can read and correct what is kept of you.",
        "programs": "For those who write programs",
        "token": "Access token, good for {minutes} minutes: give it to nobody.",
        "again": "To have another, ask for the link again on the sign-in page of your network.",
    },
}


def page(language: str, title: str, **content: Any) -> Response:
    return PAGES.page(language, title, "page.html", **{**EMPTY, **content})


def confirm(language: str, name: str) -> Response:
    """What opening a link shows. It does nothing: mail scanners open links. The button posts to the same address."""
    texts = TEXTS[language]
    lines = [texts["confirm_who"].format(name=name), texts["confirm_not"]]
    return page(language, texts["confirm"], lines=lines, button=texts["button"])


def done(language: str, name: str, mandates: list[str], credential: str, minutes: int) -> Response:
    texts = TEXTS[language]
    lines = [texts["done_who"].format(name=name), texts["done_mandates" if mandates else "done_none"]]
    return page(
        language,
        texts["done"],
        lines=lines,
        mandates=mandates,
        credential=credential,
        for_programs=texts["programs"],
        credential_is=texts["token"].format(minutes=minutes),
    )


def failed(language: str, problem: Problem) -> Response:
    """Why it did not work, and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["again"])
