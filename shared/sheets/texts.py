"""Why a file cannot be read, in Italian and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FILES: dict[str, tuple[str, str]] = {
    "empty": ("Il file è vuoto.", "The file is empty."),
    "no_rows": ("Il file non ha righe oltre all'intestazione.", "The file has no rows below its header."),
    "too_large": ("Il file supera il limite di {limit} MB.", "The file is larger than the limit of {limit} MB."),
    "too_many_rows": ("Il file ha più di {limit} righe: dividerlo.", "The file has more than {limit} rows: split it."),
    "too_many_columns": ("Il file ha più di {limit} colonne.", "The file has more than {limit} columns."),
    "not_a_table": (
        "Il file è di tipo {found}: servono un CSV o un foglio di calcolo (XLSX, XLS, ODS).",
        "The file is {found}: a CSV or a spreadsheet (XLSX, XLS, ODS) is needed.",
    ),
    "damaged": ("Il file è danneggiato o incompleto.", "The file is damaged or incomplete."),
    "locked": ("Il foglio di calcolo è protetto da password.", "The spreadsheet is protected by a password."),
    "bomb": (
        "Il foglio di calcolo si espande oltre ogni misura ragionevole e non è stato aperto.",
        "The spreadsheet unpacks beyond all reason and was not opened.",
    ),
    "encoding": (
        "Il file non è testo in una codifica nota (UTF-8, UTF-16, Windows-1252, Latin-1, DOS 850, Macintosh).",
        "The file is not text in a known encoding (UTF-8, UTF-16, Windows-1252, Latin-1, DOS 850, Macintosh).",
    ),
    "missing_columns": (
        "Mancano le colonne: {missing}. Intestazioni trovate: {found}.",
        "Missing columns: {missing}. Headers found: {found}.",
    ),
    "internal": (
        "Errore interno, registrato: nessuna delle righe rimaste è stata importata.",
        "Internal error, recorded: none of the remaining rows was imported.",
    ),
}
LONGEST_NAME, MOST_NAMES = 40, 30


def why_unreadable(
    reason: str, values: Mapping[str, Any], language: str, fields: Mapping[str, tuple[str, str]] | None = None
) -> str:
    """Why a file as a whole was refused. `fields`: what `missing_columns` calls them, in Italian and English."""
    english = language == "en"
    shown = dict(values)
    if reason == "missing_columns":
        shown["missing"] = ", ".join((fields or {}).get(name, (name, name))[english] for name in values["missing"])
        shown["found"] = ", ".join(str(name)[:LONGEST_NAME] for name in values["found"][:MOST_NAMES]) or "–"
    return filled(FILES[reason][english], shown)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """`{name}` in a sentence is what `values` has under that name."""
    return re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], "")), text)
