"""Pages for people: one layout, one style, no script. A page works by keyboard, with a screen reader and on a phone.

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

import base64
import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from shared.runtime.problems import Problem

ROME = ZoneInfo("Europe/Rome")
STYLE = (
    "body{margin:0;color:#17324d;background:#fff;font:1.125rem/1.5 'Titillium Web',system-ui,sans-serif}"
    "header{background:#06c;color:#fff;padding:.75rem 1rem;font-weight:600;display:flex;align-items:center;gap:.75rem}"
    "header p{margin:0}header img{background:#fff;border-radius:4px;object-fit:contain}"
    "main{max-width:44rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.75rem;line-height:1.2}"
    "h2{font-size:1.25rem;margin-top:2rem}a{color:#06c}"
    "button{font:inherit;font-weight:600;color:#fff;background:#06c;border:0;border-radius:4px;padding:.75rem 1.5rem;"
    "min-height:44px;cursor:pointer}button:hover{background:#004d99}"
    "button.plain{color:#06c;background:#fff;border:2px solid #06c}button.plain:hover{background:#e6f0fa}"
    ":focus-visible{outline:3px solid #cc7a00;outline-offset:2px}"
    "fieldset{border:1px solid #5b6f82;border-radius:4px;margin:1rem 0;padding:.5rem 1rem 1rem}legend{font-weight:600}"
    "label{display:block;margin:.75rem 0 .25rem}"
    "label.choice{display:flex;gap:.75rem;align-items:center;min-height:44px}"
    "input:not([type=radio]):not([type=checkbox]),select,textarea{font:inherit;color:inherit;width:100%;"
    "box-sizing:border-box;padding:.5rem;border:1px solid #5b6f82;border-radius:4px;min-height:44px;background:#fff}"
    "input[type=radio],input[type=checkbox]{width:1.5rem;height:1.5rem;margin:0;flex:none}"
    "textarea{font:.875rem/1.4 monospace}textarea.words{font:inherit}details{margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.5rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #c5d0da}"
    "dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.25rem 1rem}dt{font-weight:600}dd{margin:0}"
    ".note,.error{border-left:4px solid #06c;padding:.5rem 1rem;background:#eef4fa}"
    ".error{border-color:#b3002d;background:#fdeef1}.wide{overflow-x:auto}.small{font-size:1rem;color:#455a6e}"
)
"""Italian public administrations' blue on white; every pair of colours has a contrast of 4.5 or more."""
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{HASH}'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address may hold a link's token
}
SHARED = Path(__file__).with_name("templates")
DEFAULTS: dict[str, Any] = {"lines": (), "button": None, "network": None}


def day(value: date | datetime, language: str) -> str:
    """`giovedì 12 settembre 2024`; of an instant, its day in Italy."""
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "EEEE d MMMM y", locale=language)


def hour(value: datetime, language: str) -> str:
    """`15:30`, in Italy."""
    return format_time(value.astimezone(ROME), "HH:mm", locale=language)


def number(value: float, language: str) -> str:
    return format_decimal(value, locale=language)


class Pages:
    """The pages of one slice; `module` is the `__file__` beside whose `templates/` folder it looks first."""

    def __init__(self, module: str) -> None:
        self.templates = Environment(
            loader=FileSystemLoader([Path(module).with_name("templates"), SHARED]),
            autoescape=True,
            undefined=StrictUndefined,  # a name that nobody gave is an error, not a gap in a page
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= {"day": day, "hour": hour, "number": number}

    def page(
        self,
        language: str,
        title: str,
        template: str = "layout.html",
        *,
        status: int = 200,
        network: Any = None,
        **content: Any,
    ) -> Response:
        """`network` has `name` and `logo` (a row of the networks); without it the page is the platform's own."""
        text = self.templates.get_template(template).render(
            {
                **DEFAULTS,
                **content,
                "title": title,
                "language": language,
                "network": network,
                "style": Markup(STYLE),  # noqa: S704 (a constant)
            }
        )
        headers = {**HEADERS, "content-language": language}
        return Response(text, status, headers, media_type="text/html; charset=utf-8")

    def problem(self, language: str, problem: Problem, *next_: str, network: Any = None) -> Response:
        """Why it did not work, what is accepted, and what to do next."""
        body = problem.body(language)
        accepted = [f"{e['path']}: {e['accepted']}" for e in body.get("errors", []) if e.get("accepted")]
        lines = [line for line in (body.get("detail", ""), *accepted, *next_) if line]
        return self.page(language, body["title"], status=problem.status, network=network, lines=lines)
