"""The sentences of a report, in Italian and English: what was refused, what was healed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.registry.imports.model import Reason
from services.registry.representatives.pages import SENTENCES
from shared.sheets import texts

ROWS: dict[tuple[str, str], tuple[str, str]] = {
    **SENTENCES,  # of people, as their own lists have them
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
    ("parent", "circle"): (
        "l'ente sta sopra quello di cui sarebbe affiliato",
        "the organisation stands above the one of which it would be an affiliate",
    ),
    ("parent", "another"): ("è già affiliato di un altro ente", "it is an affiliate of another organisation already"),
    # people and their mandates
    ("municipality", "uncertain"): SENTENCES["municipality", "unknown"],
    ("tax_code", "unfit"): ("«{given}» non è un codice fiscale", "“{given}” is not a tax code"),
    ("role", "unknown"): (
        "«{given}» non è un ruolo che un elenco possa dare",
        "“{given}” is no role that a list can give",
    ),
    ("role", "taken"): (
        "il ruolo è già di un'altra persona (dal {since}, al {until})",
        "somebody else holds the role (since {since}, until {until})",
    ),
    ("organisation", "unknown"): ("«{given}» non è tra gli aderenti", "“{given}” is not among the members"),
    ("organisation", "several"): (
        "più aderenti si chiamano «{given}»: indicare il codice fiscale",
        "several members are called “{given}”: give the tax code",
    ),
    ("organisation", "missing_for_role"): ("manca l'ente, che il ruolo richiede", "the role needs an organisation"),
    ("organisation", "not_allowed_for_role"): ("il ruolo non è di un ente", "the role is not an organisation's"),
    ("territory", "missing_for_role"): ("manca il territorio, che il ruolo richiede", "the role needs a territory"),
    ("territory", "not_allowed_for_role"): ("il ruolo vale in tutta la rete", "the role is for the whole network"),
    ("since", "term"): ("si accetta: {accepted}", "accepted: {accepted}"),
    ("until", "term"): ("si accetta: {accepted}", "accepted: {accepted}"),
    # undoing
    ("row", "gone"): ("non c'è più", "it is not there any more"),
    ("row", "changed_since"): ("cambiato dopo l'importazione: {fields}", "changed after the import: {fields}"),
    ("row", "in_use"): (
        "qualcuno agisce per l'ente, o l'ente ha assolto un impegno: resta nella rete",
        "somebody acts for it, or it has kept a commitment: it stays in the network",
    ),
    ("row", "kept"): ("non annullata", "not undone"),
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
    said = (SHORT.get((field, code)) or ROWS[field, code])[language == "en"]
    return UNFIT[language == "en"] if "{" in said else said


UNFIT = ("valore non accettato", "value not accepted")


FIELDS = {
    "tax_code": ("codice fiscale", "tax code"),
    "vat": ("partita IVA", "VAT number"),
    "title": ("denominazione", "name"),
    "municipality": ("comune", "municipality"),
    "municipality_code": ("codice del comune", "municipality code"),
    "province": ("provincia", "province"),
    "region": ("regione", "region"),
    "kind": ("tipo di ente", "kind of body"),
    "section": ("sezione del RUNTS", "RUNTS section"),
    "email": ("email", "email"),
    "pec": ("PEC", "certified email (PEC)"),
    "phone": ("telefono", "phone"),
    "website": ("sito web", "website"),
}
PEOPLE_FIELDS = {
    "full_name": ("nome e cognome", "given and family name"),
    "given_name": ("nome", "given name"),
    "family_name": ("cognome", "family name"),
    "email": ("email", "email"),
    "phone": ("telefono", "phone"),
    "organisation": ("ente", "organisation"),
    "tax_code": ("codice fiscale dell'ente", "tax code of the organisation"),
    "role": ("ruolo", "role"),
    "territory": ("territorio", "territory"),
    "region": ("regione", "region"),
    "province": ("provincia", "province"),
    "municipality": ("comune", "municipality"),
    "since": ("dal", "since"),
    "until": ("al (ultimo giorno)", "until (last day)"),
}
OWN_FILES = {
    "expired": (
        "Non confermata entro {days} giorni: il file è stato cancellato.",
        "Not committed within {days} days: the file has been deleted.",
    ),
}


def said(reasons: Iterable[Reason], language: str) -> str:
    """`field: sentence`, several with semicolons between."""
    return "; ".join(f"{reason.field}: {sentence(reason, language)}" for reason in reasons)


def sentence(reason: Reason, language: str) -> str:
    values = {name: ", ".join(value) if isinstance(value, list) else value for name, value in reason.values.items()}
    return texts.filled(ROWS[reason.field, reason.code][language == "en"], values)


def why_unreadable(reason: str, values: Mapping[str, Any], language: str) -> str:
    """Why a file as a whole was refused, or given up."""
    if reason in OWN_FILES:
        return texts.filled(OWN_FILES[reason][language == "en"], values)
    return texts.why_unreadable(reason, values, language, FIELDS)
