"""A rule's own words with what the fact says in them: days, figures, places and names as people write them.

What a message is kept with (`said`) has the names of organisations, bodies and the like, and of people only their ids:
who they are is asked when it is written, for the one who reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from babel.numbers import format_currency

from services.notify.messages.words import day, hour, number, territory_name
from services.notify.rules.definition import Definition
from services.notify.rules.fields import Field, Kind, Names
from services.notify.rules.rules import NETWORK, PLACEHOLDER, Telling, placeholders

NOTHING = "–"
LONGEST_SUBJECT = 200
PERSON, MONEY, PLACE = "person", "money", "place"
TRUTH = {"it": ("no", "sì"), "en": ("no", "yes")}

NameOf = Callable[[Names, UUID], str | None]


def said(rule: Definition, telling: Telling, name_of: NameOf) -> dict[str, list[Any]]:
    """What the rule's words ask of the fact: for each placeholder how it is written, and its values."""
    fields = telling.fields
    return {
        name: [_manner(fields[name]), [_value(fields[name], v, name_of) for v in _values(telling.body.get(name))]]
        for name in sorted(placeholders(rule) - {NETWORK})
        if name in fields
    }


def people_said(values: Mapping[str, Any]) -> set[UUID]:
    """The people of whom a message speaks."""
    return {UUID(v) for manner, listed in values.values() if manner == PERSON for v in listed}


def ids_said(rule: Definition, telling: Telling) -> set[tuple[Names, UUID]]:
    """What has to be named for it, but people."""
    fields = telling.fields
    return {
        (names, UUID(value))
        for name in placeholders(rule) - {NETWORK}
        if name in fields and (names := fields[name].names) not in (None, Names.PERSON, Names.TERRITORY)
        for value in _values(telling.body.get(name))
    }


def _values(found: Any) -> list[Any]:
    return [value for value in (found if isinstance(found, list) else [found]) if value is not None]


def _manner(field: Field) -> str:
    if field.names is Names.PERSON:
        return PERSON
    if field.names is Names.TERRITORY:
        return PLACE
    if field.kind is Kind.INTEGER and field.name.endswith("_cents"):
        return MONEY
    return Kind.TEXT if field.kind is Kind.ID else field.kind


def _value(field: Field, value: Any, name_of: NameOf) -> Any:
    if field.names in (None, Names.PERSON, Names.TERRITORY):
        return value
    return name_of(field.names, UUID(value)) or NOTHING


def write(text: str, values: Mapping[str, Any], network: str, names: Mapping[UUID, str], language: str) -> str:
    """The words with what was said in them; a value is never read as a placeholder."""
    shown = {name: _shown(manner, listed, names, language) for name, (manner, listed) in values.items()}
    shown[NETWORK] = network
    return PLACEHOLDER.sub(lambda found: shown.get(found[1], NOTHING), text)


def subject_line(text: str) -> str:
    """On one line, not too long for one."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _shown(manner: str, values: list[Any], names: Mapping[UUID, str], language: str) -> str:
    return ", ".join(_one(manner, value, names, language) for value in values) or NOTHING


def _one(manner: str, value: Any, names: Mapping[UUID, str], language: str) -> str:
    match manner:
        case "person":
            return names.get(UUID(value)) or NOTHING
        case "money":
            return format_currency(value / 100, "EUR", locale=language)
        case "place":
            return territory_name(value)
        case Kind.DAY:
            return day(date.fromisoformat(value), language)
        case Kind.INSTANT:
            instant = datetime.fromisoformat(value)
            return f"{day(instant, language)}, {hour(instant, language)}"
        case Kind.BOOLEAN:
            return TRUTH[language][bool(value)]
        case Kind.INTEGER | Kind.NUMBER:
            return number(value, language)
    return str(value)
