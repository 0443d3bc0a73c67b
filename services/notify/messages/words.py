"""Days, hours and figures as people write them in their language, for the templates and what goes into them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from shared import territories
from shared.access.actor import ROME
from shared.runtime.italian import with_article

TEMPLATES = Path(__file__).parent / "templates"
COUNTDOWN = {"it": ("oggi", "domani", "fra {} giorni"), "en": ("today", "tomorrow", "in {} days")}
PERIOD = {
    "it": ("{day}, dalle {begin} alle {end} (ora italiana)", "{day} alle {begin} – {last} alle {end} (ora italiana)"),
    "en": ("{day}, from {begin} to {end} (Italian time)", "{day} at {begin} – {last} at {end} (Italian time)"),
}


@lru_cache(maxsize=4096)  # Babel takes as long for one date as Jinja for the rest of a text
def day(value: date | datetime, language: str) -> str:
    """`12 settembre 2024`; of an instant, its day in Italy."""
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "long", locale=language)


def dated(value: date | datetime, article: str, language: str) -> str:
    """With its Italian article: `il 12 settembre 2024`, `l'8 settembre 2024`, `fino all'11 novembre 2024`."""
    return with_article(article, day(value, language))


def hour(value: datetime, language: str) -> str:
    return format_time(value.astimezone(ROME), "HH:mm", locale=language)


def number(value: int, language: str) -> str:
    return format_decimal(value, locale=language)


@lru_cache(maxsize=4096)  # everybody who is invited reads the same
def period(starts_at: datetime, ends_at: datetime, language: str) -> str:
    """`giovedì 12 settembre 2024, dalle 15:30 alle 17:00 (ora italiana)`."""
    first, last = (
        format_date(instant.astimezone(ROME).date(), "full", locale=language) for instant in (starts_at, ends_at)
    )
    within_a_day, over_days = PERIOD[language]
    words = within_a_day if first == last else over_days
    return words.format(day=first, last=last, begin=hour(starts_at, language), end=hour(ends_at, language))


def countdown(on: date, today: date, language: str) -> str:
    """`oggi`, `domani`, `fra 3 giorni`; nothing is told of days that are over."""
    now, tomorrow, later = COUNTDOWN[language]
    days = max(0, (on - today).days)
    return (now, tomorrow)[days] if days < 2 else later.format(days)


def territory_name(code: str) -> str:
    """As ISTAT writes it; a code of another edition stands for itself."""
    italy = territories.load()
    found = italy.today(code) or italy.province(code) or italy.region(code)
    return found.name if found else code


class Templates(jinja2.Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own where a template has none: a chain of both is walked for every block of every mail,
        a third of what a mail's words cost."""
        return ChainMap(d, self.globals) if d else self.globals


def environment() -> jinja2.Environment:
    """HTML is escaped, text is not; a variable that nobody gave is an error and never an empty space in a mail. Every
    template stays compiled: there are more than Jinja keeps by itself, and never more."""
    env = Templates(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    env.filters |= {
        "day": day,
        "dated": dated,
        "hour": hour,
        "number": number,
        "last_day": lambda until: until - timedelta(days=1),
    }
    return env
