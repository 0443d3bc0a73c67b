"""The pages of signing in: the form, what a link is about, or why it did not work and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "confirm": "Entra in Trama",
        "confirm_who": "Questo collegamento fa entrare {name}.",
        "confirm_not": "Se non sei tu, o non l'hai chiesto, chiudi la pagina: non è successo nulla.",
        "button": "Entra",
        "again": "Per averne un altro, chiedi di nuovo il collegamento dalla pagina di accesso, /sign-in.",
        "sign_in": "Entra in Trama",
        "how": "Scrivi l'indirizzo di posta che la tua rete conosce: ti arriva un collegamento che fa entrare, senza "
        "parola d'ordine.",
        "email": "Indirizzo di posta elettronica",
        "ask": "Mandami il collegamento",
        "unfit": "Scrivi un indirizzo intero, come nome@dominio.it.",
        "or": "Oppure entra con",
        "mailed": "Guarda nella tua posta",
        "mailed_is": "Se l'indirizzo è di qualcuno che una rete conosce, entro un minuto arriva un messaggio con il "
        "collegamento. Vale {minutes} minuti e una volta sola: aprilo in questo stesso browser.",
        "mailed_not": "Non arriva? Guarda nella posta indesiderata, o chiedi alla segreteria della tua rete con quale "
        "indirizzo ti conosce.",
        "other": "Usa un altro indirizzo",
    },
    "en": {
        "confirm": "Sign in to Trama",
        "confirm_who": "This link signs in {name}.",
        "confirm_not": "If that is not you, or you did not ask for it, close the page: nothing has happened.",
        "button": "Sign in",
        "again": "To have another, ask for the link again on the sign-in page, /sign-in.",
        "sign_in": "Sign in to Trama",
        "how": "Give the mail address that your network knows: you get a link that signs you in, without a password.",
        "email": "Mail address",
        "ask": "Send me the link",
        "unfit": "Give a whole address, like name@domain.org.",
        "or": "Or sign in with",
        "mailed": "Look in your mail",
        "mailed_is": "If the address is of somebody whom a network knows, a message with the link comes within a "
        "minute. It is good for {minutes} minutes and once only: open it in this same browser.",
        "mailed_not": "Nothing comes? Look in the junk folder, or ask your network's secretariat by which address it "
        "knows you.",
        "other": "Use another address",
    },
}


def sign_in(language: str, providers: Sequence[Any], *, given: str = "", unfit: bool = False) -> Response:
    """The form; `unfit`: what was given is no address."""
    return PAGES.page(
        language,
        TEXTS[language]["sign_in"],
        "sign_in.html",
        status=422 if unfit else 200,
        providers=providers,
        given=given,
        unfit=unfit,
        texts=TEXTS[language],
    )


def look_in_the_mail(language: str, minutes: int) -> Response:
    texts = TEXTS[language]
    lines = [texts["mailed_is"].format(minutes=minutes), texts["mailed_not"]]
    return PAGES.page(language, texts["mailed"], "mailed.html", lines=lines, texts=texts)


def confirm(language: str, name: str) -> Response:
    """What opening a link shows. It does nothing: mail scanners open links. The button posts to the same address."""
    texts = TEXTS[language]
    lines = [texts["confirm_who"].format(name=name), texts["confirm_not"]]
    return PAGES.page(language, texts["confirm"], lines=lines, button=texts["button"])


def failed(language: str, problem: Problem) -> Response:
    """Why it did not work, and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["again"])
