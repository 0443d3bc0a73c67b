"""Pages for people: one layout, the style of Italian public services (`assets.py`), no script. A page works by
keyboard, with a screen reader and on a phone.

A slice keeps its templates beside its `pages.py` and extends `layout.html` (block `content`); a page of some lines and
a button needs no template of its own.

```python
PAGES = Pages(__file__)
return PAGES.page(language, "Partecipi?", "rsvp.html", network=network, meeting=meeting)
return PAGES.page(language, "Grazie", lines=["La risposta è registrata."])
return PAGES.problem(language, problem)
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from shared.runtime.assets import fingerprint
from shared.runtime.clock import ROME
from shared.runtime.problems import Problem

HEADERS = {
    "cache-control": "no-store",
    # bootstrap-italia.css has its icons and their font in itself
    "content-security-policy": "default-src 'none'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address may hold a link's token
}
SHARED = Path(__file__).with_name("templates")
DEFAULTS: dict[str, Any] = {"lines": (), "button": None, "network": None, "seat": None, "wide": False, "refresh": None}
WORDS = {
    "it": {"skip": "Vai al contenuto", "sign_out": "Esci", "nav": "Scrivania"},
    "en": {"skip": "Skip to content", "sign_out": "Sign out", "nav": "Desk"},
}


def day(value: date | datetime, language: str) -> str:
    """`giovedì 12 settembre 2024`; of an instant, its day in Italy."""
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "EEEE d MMMM y", locale=language)


def hour(value: datetime, language: str) -> str:
    """`15:30`, in Italy."""
    return format_time(value.astimezone(ROME), "HH:mm", locale=language)


def link(href: str, label: str, *, hidden: str = "") -> Markup:
    """A link as the cell of a table; `hidden` goes on with its label for who hears it without its row."""
    more = Markup('<span class="hidden"> {}</span>').format(hidden) if hidden else ""
    return Markup('<a href="{}">{}{}</a>').format(href, label, more)


def tag(label: str, kind: str = "") -> Markup:
    """A state as a word in a coloured field (`late`, `good`): the word says it without the colour."""
    return Markup('<span class="tag {}">{}</span>').format(kind, label)


def number(value: float, language: str) -> str:
    return format_decimal(value, locale=language)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is signed in at a browser; `form` is what each of their forms must send back."""

    name: str
    form: str
    nav: Sequence[Entry] = ()


class Pages:
    """The pages of one slice; `module` is the `__file__` beside whose `templates/` folder it looks first, and whose
    service serves the style."""

    def __init__(self, module: str, service: str | None = None) -> None:
        self.assets = f"/{service or Path(module).parents[1].name}/assets/{fingerprint()}"
        self.templates = Environment(
            loader=FileSystemLoader([Path(module).with_name("templates"), SHARED]),
            autoescape=True,
            undefined=StrictUndefined,  # a name that nobody gave is an error, not a gap in a page
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= {"day": day, "hour": hour, "number": number}

    @classmethod
    def of(cls, service: str) -> Pages:
        """Pages of a service that are no slice's."""
        return cls(__file__, service)

    def page(
        self,
        language: str,
        title: str,
        template: str = "layout.html",
        *,
        status: int = 200,
        network: Any = None,
        seat: Seat | None = None,
        **content: Any,
    ) -> Response:
        """`network` has `name` and `logo` (a row of the networks); without it the page is the platform's own. `seat` is
        of whoever is signed in (see `sessions.py`)."""
        text = self.templates.get_template(template).render(
            {
                **DEFAULTS,
                **content,
                "title": title,
                "language": language,
                "network": network,
                "seat": seat,
                "assets": self.assets,
                "words": WORDS[language],
            }
        )
        headers = {**HEADERS, "content-language": language}
        return Response(text, status, headers, media_type="text/html; charset=utf-8")

    def problem(
        self, language: str, problem: Problem, *next_: str, network: Any = None, seat: Seat | None = None
    ) -> Response:
        """Why it did not work, what is accepted, and what to do next."""
        body = problem.body(language)
        accepted = [f"{e['path']}: {e['accepted']}" for e in body.get("errors", []) if e.get("accepted")]
        lines = [line for line in (body.get("detail", ""), *accepted, *next_) if line]
        answer = self.page(language, body["title"], status=problem.status, network=network, seat=seat, lines=lines)
        answer.headers.update({name: value for name, value in problem.headers.items() if name != "www-authenticate"})
        return answer
