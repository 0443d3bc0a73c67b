"""The sentences of a report, in Italian and English: what was refused, what was healed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.registry.imports.rules import Reason
from shared.sheets import texts

ROWS: dict[tuple[str, str], tuple[str, str]] = {
    ("tax_code", "missing"): ("manca il codice fiscale", "the tax code is missing"),
    ("tax_code", "length"): (
        "«{given}» non ha né 11 cifre né 16 caratteri",
        "“{given}” has neither 11 digits nor 16 characters",
    ),
    ("tax_code", "characters"): ("«{given}» non è un codice fiscale", "“{given}” is not a tax code"),
    ("tax_code", "check_digit"): (
        "il carattere di controllo di «{given}» non torna",
        "the check character of “{given}” is wrong",
    ),
    ("tax_code", "component"): (
        "una parte di «{given}» non esiste (data o ufficio)",
        "a part of “{given}” does not exist (date or office)",
    ),
    ("tax_code", "healed"): ("letto {healed} da «{given}»", "read {healed} from “{given}”"),
    ("tax_code", "repeated_title"): (
        "già alla riga {line} con un'altra denominazione («{other}»)",
        "on line {line} already with another name (“{other}”)",
    ),
    ("tax_code", "repeated_municipality"): (
        "già alla riga {line} con un altro comune ({other})",
        "on line {line} already with another municipality ({other})",
    ),
    ("tax_code", "repeated_kind"): (
        "già alla riga {line} come ente di un altro tipo ({other})",
        "on line {line} already as another kind of body ({other})",
    ),
    ("tax_code", "repeated_contact"): (
        "già alla riga {line} con un altro recapito ({other})",
        "on line {line} already with another contact ({other})",
    ),
    ("title", "missing"): ("manca la denominazione", "the name is missing"),
    ("title", "too_long"): ("più lunga di {limit} caratteri", "longer than {limit} characters"),
    ("title", "healed"): ("caratteri ricostruiti da «{given}»", "characters restored from “{given}”"),
    ("title", "lost_characters"): (
        "alcuni caratteri sembrano persi: controllare",
        "some characters seem lost: please check",
    ),
    ("municipality", "missing"): ("manca il comune", "the municipality is missing"),
    ("municipality", "unknown"): ("«{given}»: {it}", "“{given}”: {en}"),
    ("municipality", "similar"): ("letto {found} da «{given}»", "read {found} from “{given}”"),
    ("kind", "unknown"): ("tipo non riconosciuto: «{given}»", "kind not recognised: “{given}”"),
    ("section", "unknown"): ("sezione non riconosciuta: «{given}»", "section not recognised: “{given}”"),
    ("email", "not_an_address"): ("«{given}» non è un indirizzo", "“{given}” is not an address"),
    ("pec", "not_an_address"): ("«{given}» non è un indirizzo", "“{given}” is not an address"),
    ("state", "withdrawn"): (
        "l'ente è uscito dalla rete il {since} e non vi rientra con un'importazione",
        "the organisation left the network on {since}; an import does not bring it back",
    ),
    ("row", "total"): ("sembra una riga di totali", "this looks like a row of totals"),
}
# Refusals without what the cell held, for facts: they carry no free text.
SHORT: dict[tuple[str, str], tuple[str, str]] = {
    ("tax_code", "length"): ("né 11 cifre né 16 caratteri", "neither 11 digits nor 16 characters"),
    ("tax_code", "characters"): ("non è un codice fiscale", "not a tax code"),
    ("tax_code", "check_digit"): ("il carattere di controllo non torna", "the check character is wrong"),
    ("tax_code", "component"): ("una parte non esiste (data o ufficio)", "a part does not exist (date or office)"),
    ("title", "too_long"): ("troppo lunga", "too long"),
    ("municipality", "unknown"): ("non riconosciuto", "not recognised"),
    **dict.fromkeys(
        [("tax_code", f"repeated_{what}") for what in ("title", "municipality", "kind", "contact")],
        ("ripetuto con altri dati", "repeated with other data"),
    ),
}


def short(field: str, code: str, language: str) -> str:
    """What was wrong, without the value."""
    return (SHORT.get((field, code)) or ROWS[field, code])[language == "en"]


FIELDS = {
    "tax_code": ("codice fiscale", "tax code"),
    "title": ("denominazione", "name"),
    "municipality": ("comune", "municipality"),
}


def said(reasons: Iterable[Reason], language: str) -> str:
    """`field: sentence`, several with semicolons between."""
    return "; ".join(f"{reason.field}: {sentence(reason, language)}" for reason in reasons)


def sentence(reason: Reason, language: str) -> str:
    return texts.filled(ROWS[reason.field, reason.code][language == "en"], reason.values)


def why_unreadable(reason: str, values: Mapping[str, Any], language: str) -> str:
    """Why a file as a whole was refused."""
    return texts.why_unreadable(reason, values, language, FIELDS)
