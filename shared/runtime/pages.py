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
    "body{margin:0;color:#17324d;background:#fff;font:1.125rem/1.5 'Titillium Web',system-ui,sans-serif;"
    "overflow-wrap:break-word}"
    # the name of the network stands above the beginning of the lines, however wide the window is
    "header{background:#06c;color:#fff;padding:.75rem max(1rem,calc(50% - 22rem));font-weight:600;display:flex;"
    "align-items:center;gap:.75rem}"
    "header p{margin:0}header img{background:#fff;border-radius:4px;object-fit:contain;padding:2px}"
    "main{max-width:44rem;margin:2rem auto 4rem;padding:0 1rem}h1{font-size:1.75rem;line-height:1.2;margin:0 0 1rem}"
    "h2{font-size:1.25rem;line-height:1.3;margin-top:2.5rem}a{color:#06c}"
    "button{font:inherit;font-weight:600;color:#fff;background:#06c;border:0;border-radius:4px;padding:.75rem 1.5rem;"
    "min-height:44px;cursor:pointer}button:hover{background:#004d99}"
    "button.plain{color:#06c;background:#fff;border:2px solid #06c}button.plain:hover{background:#e6f0fa}"
    ":focus-visible{outline:3px solid #cc7a00;outline-offset:2px}"
    "fieldset{border:0;margin:1.5rem 0;padding:0;min-width:0}legend{font-weight:600;padding:0;margin-bottom:.25rem}"
    "label{display:block;margin:1.25rem 0 .25rem;font-weight:600}"
    "label.choice{display:flex;gap:.75rem;align-items:center;min-height:44px;margin:.5rem 0;padding:.25rem 1rem;"
    "border:1px solid #5b6f82;border-radius:4px;font-weight:400;cursor:pointer}"
    "label.choice:hover{background:#eef4fa}label.choice:has(:checked){border-color:#06c;box-shadow:0 0 0 1px #06c;"
    "background:#eef4fa}label.choice:focus-within{outline:3px solid #cc7a00;outline-offset:2px}"
    "label.choice :focus-visible{outline:0}"
    "input:not([type=radio]):not([type=checkbox]),select,textarea{font:inherit;color:inherit;width:100%;"
    "box-sizing:border-box;padding:.5rem;border:1px solid #5b6f82;border-radius:4px;min-height:44px;background:#fff}"
    "input[type=radio],input[type=checkbox]{width:1.5rem;height:1.5rem;margin:0;flex:none}"
    "textarea{font:.875rem/1.4 monospace}textarea.words{font:inherit}details{margin-top:2rem}"
    "pre{font:.875rem/1.5 monospace;background:#eef4fa;padding:.75rem 1rem;white-space:pre-wrap}"
    "progress{display:block;width:100%;height:1.25rem;accent-color:#06c}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;font-weight:600;padding:.5rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;border-bottom:1px solid #c5d0da}"
    "dl{display:grid;grid-template-columns:fit-content(12rem) minmax(0,1fr);gap:.25rem 1.5rem}dt{font-weight:600}"
    "dd{margin:0}li{margin:.25rem 0}"
    ".note,.error{border-left:4px solid #06c;padding:.75rem 1rem;background:#eef4fa}"
    ".error{border-color:#b3002d;background:#fdeef1}.error h2{margin:0}.error p:last-child{margin-bottom:0}"
    ".lead{font-size:1.25rem;font-weight:600}.small{font-size:1rem;color:#455a6e}"
    ".hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
    # on a phone each row of a table is a block, its cells under their headings
    "@media(max-width:40rem){dl{display:block}dd{margin:0 0 .5rem}"
    "table,caption,tbody,tr,th[scope=row],td{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%)}tr{border-bottom:1px solid #c5d0da;padding:.75rem 0}"
    "th[scope=row],td{border:0;padding:.125rem 0}"
    "td[data-label]::before{content:attr(data-label) ': ';color:#455a6e}"
    "th[data-label]::before{content:attr(data-label) ' '}}"
    "@media print{header{color:#000;background:none;padding:0}main{margin:1rem 0;padding:0;max-width:none}"
    "form{display:none}}"
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
