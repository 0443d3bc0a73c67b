"""The pages of signing in: what a link is about, that it worked, or why it did not and what to do next."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from shared.runtime.problems import Problem

STYLE = (
    "body{margin:0;color:#17324d;background:#fff;font:1.125rem/1.5 'Titillium Web',system-ui,sans-serif}"
    "header{background:#06c;color:#fff;padding:.75rem 1rem;font-weight:600}header p{margin:0}"
    "main{max-width:38rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.75rem;line-height:1.2}"
    "button{font:inherit;font-weight:600;color:#fff;background:#06c;border:0;border-radius:4px;padding:.75rem 1.5rem;"
    "min-height:44px;cursor:pointer}button:hover{background:#004d99}"
    ":focus-visible{outline:3px solid #ff9900;outline-offset:2px}"
    "textarea{width:100%;box-sizing:border-box;font:.875rem/1.4 monospace}details{margin-top:2rem}"
)
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address holds the link's token
}
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)
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


def page(language: str, title: str, status: int = 200, **content: Any) -> Response:
    text = TEMPLATES.get_template("page.html").render(
        {**EMPTY, **content, "title": title, "language": language, "style": Markup(STYLE)}  # noqa: S704 (a constant)
    )
    return Response(text, status, {**HEADERS, "content-language": language}, media_type="text/html; charset=utf-8")


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
    body = problem.body(language)
    return page(language, body["title"], problem.status, lines=[body.get("detail", ""), TEXTS[language]["again"]])
