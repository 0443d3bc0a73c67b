"""The sentences of a report of places, in Italian and English: what was refused, what was healed, what was left out."""

from __future__ import annotations

from collections.abc import Iterable

from services.mapping.imports.rules import Reason
from shared.sheets.texts import filled

ROWS: dict[tuple[str, str], tuple[str, str]] = {
    ("title", "missing"): ("manca il nome", "the name is missing"),
    ("title", "too_long"): ("nome più lungo di {limit} caratteri", "name longer than {limit} characters"),
    ("municipality", "missing"): ("manca il comune", "the municipality is missing"),
    ("municipality", "unknown"): ("comune «{given}»: {it}", "municipality “{given}”: {en}"),
    ("municipality", "similar"): ("letto {found} da «{given}»", "read {found} from “{given}”"),
    ("municipality", "contradiction"): (
        "il comune «{given}» non è quello dell'indirizzo, {town}",
        "the municipality “{given}” is not that of the address, {town}",
    ),
    ("phone", "zero"): ("telefono {found}: ritrovato lo zero di {given}", "phone {found}: the zero of {given} is back"),
    ("phone", "invalid"): ("telefono «{given}» non valido, tralasciato", "phone “{given}” not valid, left out"),
    ("phone", "uncertain"): (
        "telefono «{given}» di incerta lettura, tralasciato",
        "phone “{given}” can be read in two ways, left out",
    ),
    ("postcode", "invalid"): ("CAP «{given}» non valido, tralasciato", "postcode “{given}” not valid, left out"),
    ("email", "invalid"): ("email «{given}» non valida, tralasciata", "email “{given}” not valid, left out"),
    ("website", "invalid"): ("sito «{given}» non valido, tralasciato", "website “{given}” not valid, left out"),
    ("position", "invalid"): ("coordinate non valide, tralasciate", "coordinates not valid, left out"),
    ("address", "cut"): ("indirizzo tagliato a {limit} caratteri", "address cut at {limit} characters"),
    ("row", "repeated"): ("già alla riga {line}", "on line {line} already"),
    ("row", "closed"): ("il luogo è chiuso nella rete", "the place is closed in the network"),
    # undoing
    ("row", "gone"): ("non c'è più", "it is not there any more"),
    ("row", "changed_since"): ("cambiato dopo l'importazione: {fields}", "changed after the import: {fields}"),
    ("row", "in_use"): ("vi sono stati raccolti bisogni: resta", "needs have been collected there: it stays"),
    ("row", "kept"): ("non annullata", "not undone"),
}
EXPIRED = (
    "Non confermata entro {days} giorni: il file è stato cancellato.",
    "Not committed within {days} days: the file has been deleted.",
)
HEALED = ("{name}: caratteri ricostruiti da «{given}»", "{name}: characters restored from “{given}”")
LOST = ("{name}: un carattere è perso, controllare", "{name}: a character is lost, please check")
FIELDS = {
    "title": ("nome", "name"),
    "municipality": ("comune", "municipality"),
    "municipality_code": ("codice del comune", "municipality code"),
    "province": ("provincia", "province"),
    "region": ("regione", "region"),
    "authority": ("ente gestore", "authority"),
    "address": ("indirizzo", "address"),
    "postcode": ("CAP", "postcode"),
    "phone": ("telefono", "phone"),
    "email": ("email", "email"),
    "website": ("sito", "website"),
    "kind": ("tipo", "kind"),
    "latitude": ("latitudine", "latitude"),
    "longitude": ("longitudine", "longitude"),
    "activities": ("attività", "activities"),
    "organisation_id": ("ente", "organisation"),
    "body_id": ("gruppo di lavoro", "working group"),
    "note": ("note", "note"),
    "hours": ("orari", "opening hours"),
    "visibility": ("visibilità", "visibility"),
    "shared_with": ("reti che lo vedono", "networks that see it"),
    "state": ("stato", "state"),
    "endorsed_on": ("conferma dell'ente", "endorsement"),
    "validated_on": ("convalida", "validation"),
    "checked_on": ("ultima conferma", "last confirmation"),
}
SHORT = {
    ("title", "missing"): ("manca", "missing"),
    ("title", "too_long"): ("troppo lungo", "too long"),
    ("municipality", "missing"): ("manca", "missing"),
    ("municipality", "unknown"): ("non riconosciuto", "not recognised"),
    ("row", "kept"): ("non annullata", "not undone"),
    ("municipality", "contradiction"): ("diverso da quello dell'indirizzo", "not that of the address"),
}
"""Refusals without what the cell held, for facts: they carry no free text."""


def said(reasons: Iterable[Reason], language: str) -> str | None:
    """All of them as one text; None when there is nothing to say."""
    return "; ".join(_one(reason, language == "en") for reason in reasons) or None


def _one(reason: Reason, english: bool) -> str:
    general = {"healed": HEALED, "lost_characters": LOST}.get(reason.code)
    name = FIELDS.get(reason.field, (reason.field, reason.field))[english]
    text = (general or ROWS[reason.field, reason.code])[english]
    values = {"name": name, **reason.values}
    if "fields" in values:
        values["fields"] = ", ".join(FIELDS.get(field, (field, field))[english] for field in values["fields"])
    return filled(text, values)


def short(code: str, language: str) -> str:
    """Of a refusal, `field.code`."""
    field, _, name = code.partition(".")
    return SHORT.get((field, name), ("valore non accettato", "value not accepted"))[language == "en"]
