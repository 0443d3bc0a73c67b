"""What people read of a list of representatives: the page of its link, what was taken, and why a row was not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from services.registry.commitments import pages as commitments
from services.registry.commitments.queries import Linked
from services.registry.representatives import rules
from services.registry.representatives.commands import Taken
from services.registry.representatives.rules import Finding, Outcome, RowsRefused, Sheet
from shared import territories
from shared.runtime.pages import Pages, day, number
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, Any]] = {
    "it": {
        "how": "Un foglio di calcolo (XLSX, XLS, ODS) o un file CSV, con una persona per riga e in alto i nomi delle "
        "colonne:",
        "columns": (
            ("nome e cognome", "obbligatori"),
            ("email o telefono", "ne serve almeno uno"),
            ("regione, provincia, comune o territorio", "dove rappresenta; se manca, in tutta la rete"),
            ("dal", "il primo giorno; se manca, da oggi"),
            ("al", "l'ultimo giorno; se manca, senza scadenza"),
        ),
        "example": "Un esempio",
        "sample": "nome;cognome;email;regione\nMaria;Rossi;maria.rossi@example.org;Lombardia",
        "file": "Il file con l'elenco",
        "complete": "Elenco completo: con questo l'impegno è assolto",
        "complete_is": "Se mancano ancora dei nomi non spuntare la casella: potrai inviare un altro elenco.",
        "button": "Invia l'elenco",
        "whole": "Se anche una sola riga non va, non registriamo nulla: ti diciamo che cosa correggere, e riprovi.",
        "closed": "Non c'è altro da inviare. Se hai domande, scrivi alla segreteria della rete.",
        "refused": "Nessuna riga è stata presa",
        "correct": "Correggi nel file le righe elencate qui sotto, poi invialo di nuovo.",
        "reasons": "Che cosa correggere",
        "line": "Riga",
        "column": "Colonna",
        "reason": "Motivo",
        "accepted": "Si accetta",
        "more": "e altri {count} punti, non elencati",
        "by_file": "Con un file",
        "by_hand": "Una persona alla volta",
        "by_hand_is": "Chi ha pochi nomi li scrive qui, uno per volta: serve il nome e un recapito.",
        "fields": {
            "given_name": "Nome",
            "family_name": "Cognome",
            "email": "Posta elettronica",
            "phone": "Telefono",
            "territory": "Dove rappresenta (regione, provincia o comune; vuoto: tutta la rete)",
            "since": "Dal (vuoto: da oggi)",
            "until": "Al, compreso (vuoto: senza scadenza)",
        },
        "add": "Aggiungi la persona",
        "close": "L'elenco è già completo",
        "close_is": "Se hai già indicato tutti, con questo pulsante l'impegno è assolto.",
        "close_button": "Dichiara l'elenco completo",
        "choose": "Scegliere il file da inviare.",
        "done": "Grazie: elenco ricevuto",
        "done_rows": "Righe lette: {rows}. Incarichi nuovi: {created}. Già presenti: {unchanged}.",
        "done_entered": "Persone registrate per la prima volta: {entered}.",
        "done_unread": "Colonne non lette: {unread}.",
        "done_complete": "L'elenco è dichiarato completo: l'impegno è assolto. Puoi chiudere la pagina.",
        "done_incomplete": "L'impegno resta aperto: quando hai gli altri nomi, invia un altro elenco con lo stesso "
        "collegamento.",
        "created": "Incarichi nuovi",
        "person": "Persona",
        "where": "Territorio",
        "since": "Dal",
        "until": "Al",
        "everywhere": "tutta la rete",
    },
    "en": {
        "how": "A spreadsheet (XLSX, XLS, ODS) or a CSV file, with a person in each row and the names of the columns "
        "at the top:",
        "columns": (
            ("given name and family name", "needed"),
            ("email or phone", "one of them is needed"),
            ("region, province, municipality or territory", "where they represent; if missing, in the whole network"),
            ("since", "the first day; if missing, from today"),
            ("until", "the last day; if missing, without an end"),
        ),
        "example": "An example",
        "sample": "given name;family name;email;region\nMaria;Rossi;maria.rossi@example.org;Lombardia",
        "file": "The file with the list",
        "complete": "The list is complete: with it the commitment is fulfilled",
        "complete_is": "If some names are still missing leave the box unticked: you can send another list later.",
        "button": "Send the list",
        "whole": "If even one row is wrong nothing is recorded: we say what to correct, and you can try again.",
        "closed": "There is nothing more to send. If you have questions, write to the network's secretariat.",
        "refused": "No row was taken",
        "correct": "Correct the lines listed below in the file, then send it again.",
        "reasons": "What to correct",
        "line": "Line",
        "column": "Column",
        "reason": "Reason",
        "accepted": "Accepted",
        "more": "and {count} more, not listed",
        "by_file": "With a file",
        "by_hand": "One person at a time",
        "by_hand_is": "With few names, write them here one by one: the name and one contact are needed.",
        "fields": {
            "given_name": "Given name",
            "family_name": "Family name",
            "email": "Email",
            "phone": "Phone",
            "territory": "Where they represent (region, province or municipality; empty: the whole network)",
            "since": "Since (empty: from today)",
            "until": "Until, included (empty: without an end)",
        },
        "add": "Add the person",
        "close": "The list is complete already",
        "close_is": "If you have named everybody, this button fulfils the commitment.",
        "close_button": "Declare the list complete",
        "choose": "Choose the file to send.",
        "done": "Thank you: list received",
        "done_rows": "Rows read: {rows}. New mandates: {created}. There already: {unchanged}.",
        "done_entered": "People entered for the first time: {entered}.",
        "done_unread": "Columns that were not read: {unread}.",
        "done_complete": "The list is declared complete: the commitment is fulfilled. You can close the page.",
        "done_incomplete": "The commitment stays open: when you have the other names, send another list with the same "
        "link.",
        "created": "New mandates",
        "person": "Person",
        "where": "Territory",
        "since": "Since",
        "until": "Until",
        "everywhere": "the whole network",
    },
}
MOST_SHOWN = 200
"""Findings that an answer lists; it says how many more there are."""

NAME = ("manca il nome o il cognome", "the given or the family name is missing")
NO_NAME = (
    "non si legge come un nome: è troppo lungo, o ha segni che un nome non ha",
    "it does not read as a name: it is too long, or has signs that no name has",
)
NO_DAY = ("«{given}» non è un giorno", "“{given}” is not a day")
SENTENCES: dict[tuple[str, str], tuple[str, str]] = {
    **{(field, "missing"): NAME for field in ("full_name", "given_name", "family_name")},
    **{(field, "unfit"): NO_NAME for field in ("full_name", "given_name", "family_name")},
    ("email", "missing"): ("manca un recapito: email o telefono", "there is no email and no phone"),
    ("email", "unfit"): ("«{given}» non è un indirizzo", "“{given}” is not an address"),
    ("phone", "unfit"): ("«{given}» non è un numero di telefono", "“{given}” is not a phone number"),
    ("since", "unfit"): NO_DAY,
    ("until", "unfit"): NO_DAY,
    ("until", "before"): ("finisce prima di cominciare ({since})", "it ends before it begins ({since})"),
    ("until", "past"): ("è già passato, e manca «dal»", "it has passed, and there is no “since”"),
    ("region", "unknown"): ("«{given}» non è una regione", "“{given}” is not a region"),
    ("province", "unknown"): ("«{given}» non è una provincia", "“{given}” is not a province"),
    ("province", "elsewhere"): ("«{given}» non è in {region}", "“{given}” is not in {region}"),
    ("municipality", "unknown"): ("«{given}» non è un comune certo", "“{given}” is no certain municipality"),
    ("territory", "unknown"): ("«{given}» non è un territorio noto", "“{given}” is not a known territory"),
    ("territory", "ambiguous"): (
        "«{given}» è una provincia e un comune: dire quale",
        "“{given}” is a province and a municipality: say which",
    ),
    ("organisation", "another"): (
        "«{given}» è un altro ente: ciascuno designa i suoi",
        "“{given}” is another body: each designates its own",
    ),
    ("row", "repeated"): (
        "ripete la riga {line}: stessa persona, stesso territorio, giorni che si sovrappongono",
        "it repeats line {line}: the same person, the same territory, days that overlap",
    ),
    ("since", "overlaps"): (
        "la persona ha già questo incarico in giorni diversi (dal {since}, al {until})",
        "the person has this mandate already on other days (since {since}, until {until})",
    ),
}


def sentence(finding: Finding, language: str) -> str:
    text = SENTENCES[finding.field, finding.code][language == "en"]
    return re.sub(r"\{(\w+)\}", lambda name: finding.values.get(name[1]) or "–", text)


def lines(refused: RowsRefused) -> list[dict[str, Any]]:
    """The first findings as people read them: line, column as the file names it, why, what would be accepted."""
    return [
        {
            "line": one.line,
            "column": refused.columns.get(one.field),
            "reason": sentence(one, refused.language),
            "accepted": one.accepted,
        }
        for one in refused.findings[:MOST_SHOWN]
    ]


def from_form(cells: Mapping[str, str], language: str) -> Sheet:
    """One person, with the fields as the form calls them."""
    return rules.from_form(cells, TEXTS[language]["fields"], territories.load())


def form(
    language: str,
    linked: Linked,
    *,
    refused: RowsRefused | None = None,
    problem: Problem | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    """The commitment with the form that takes its list, while it is owed. `refused`, `problem`: why the last file was
    not taken."""
    texts = TEXTS[language]
    awaited = "upload" in linked.named.commitment.actions()
    found = lines(refused) if refused else []
    beyond = len(refused.findings) - len(found) if refused else 0
    body: Mapping[str, Any] = problem.body(language) if problem else {}
    return PAGES.page(
        language,
        linked.named.commitment.title,
        "representatives.html",
        status=problem.status if problem else 200,
        network=linked.network,
        rows=commitments.rows(language, linked),
        lines=[] if awaited else [texts["closed"]],
        form=awaited,
        found=[(row["line"], row["column"] or "–", row["reason"], row["accepted"] or "–") for row in found],
        more=texts["more"].format(count=number(beyond, language)) if beyond else None,
        error=body.get("title"),
        detail=body.get("detail"),
        created=(),
        given=given or {},
        texts=texts,
    )


def done(language: str, linked: Linked, taken: Taken) -> Response:
    """What was made of the list."""
    texts = TEXTS[language]
    figures = {
        "rows": number(len(taken.outcomes), language),
        "created": number(taken.created, language),
        "unchanged": number(len(taken.outcomes) - taken.created, language),
        "entered": number(taken.entered, language),
    }
    said = [
        *([texts["done_rows"].format(**figures)] if taken.outcomes else []),
        *([texts["done_entered"].format(**figures)] if taken.entered else []),
        *([texts["done_unread"].format(unread=", ".join(taken.unread))] if taken.unread else []),
        texts["done_complete" if taken.complete else "done_incomplete"],
    ]
    return PAGES.page(
        language,
        texts["done"],
        "representatives.html",
        network=linked.network,
        rows=commitments.rows(language, linked, titled=True),
        lines=said,
        form=False,
        found=(),
        more=None,
        error=None,
        detail=None,
        created=[made(outcome, taken, language) for outcome in taken.outcomes if outcome.new],
        given={},
        texts=texts,
    )


def made(outcome: Outcome, taken: Taken, language: str) -> tuple[str, str, str, str]:
    """A new mandate as a row of the page's table; its last day, as files say it."""
    mandate, texts = outcome.mandate, TEXTS[language]
    return (
        taken.names[mandate.person_id],
        place(mandate.territory) if mandate.territory else texts["everywhere"],
        day(mandate.since, language),
        day(mandate.until - timedelta(days=1), language) if mandate.until else "–",
    )


def place(code: str) -> str:
    """The name of a territory, with the province's sigla."""
    italy = territories.load()
    if (region := italy.region(code)) is not None:
        return region.name
    if (province := italy.province(code)) is not None:
        return f"{province.name} ({province.sigla})"
    municipality = italy.municipality(code)
    return f"{municipality.italian_name} ({municipality.province})" if municipality else code
