"""A synthesis as it is read: the text in blocks, and the counts that were kept with it. The page and the PDF are two
views of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.dates import format_date

from services.events.contributions.queries import Issued
from services.events.contributions.rules import Tag
from shared.access.actor import day
from shared.runtime.italian import with_article

TEMPLATE = Path(__file__).with_name("templates") / "synthesis.typ"
LANGUAGES = ("it", "en")
TAGS: dict[str, tuple[str, str]] = {
    Tag.STRENGTH: ("Punti di forza", "Strengths"),
    Tag.WEAKNESS: ("Punti di debolezza", "Weaknesses"),
    Tag.DEVELOPMENT: ("Possibili sviluppi", "Possible developments"),
    "untagged": ("Senza etichetta", "Untagged"),
}
"""In Italian and in English, as the columns of the counts."""
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "version": "Versione {number}, emessa {day}",
        "of": "Contributi raccolti: {contributions}",
        "counts": "Contributi per tema",
        "theme": "Tema",
        "all": "Contributi",
        "note": "Un contributo può avere più etichette: le colonne non danno per somma i contributi.",
        "page": "Pagina",
        "pages": "di",
    },
    "en": {
        "version": "Version {number}, issued on {day}",
        "of": "Contributions collected: {contributions}",
        "counts": "Contributions by theme",
        "theme": "Theme",
        "all": "Contributions",
        "note": "A contribution may have several tags: the columns do not add up to the contributions.",
        "page": "Page",
        "pages": "of",
    },
}


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is heading, paragraph or list; the lines of a paragraph belong together."""

    kind: str
    lines: Sequence[str]


def blocks(text: str) -> list[Block]:
    """What an empty line parts; a line of its own that begins with `## ` is a heading, lines with `- ` are items."""
    found: list[Block] = []
    kind, lines = "", []  # type: tuple[str, list[str]]
    for line in [*(one.strip() for one in text.splitlines()), ""]:
        new, words = _read(line)
        if lines and (new != kind or new == "heading"):
            found.append(Block(kind, tuple(lines)))
            lines = []
        kind = new
        if words:
            lines.append(words)
    return found


def _read(line: str) -> tuple[str, str]:
    if line.startswith("## "):
        return "heading", line[3:].strip()
    if line.startswith("- "):
        return "list", line[2:].strip()
    return ("paragraph" if line else ""), line


def language_of(issued: Issued) -> str:
    """The network's: what it writes, it writes in its own language."""
    return issued.sheet.network.language if issued.sheet.network.language in LANGUAGES else LANGUAGES[0]


def when(issued: Issued, language: str) -> str:
    on = format_date(day(issued.row.issued_at), "long", locale=language)
    said = with_article("il", on) if language == "it" else on
    return TEXTS[language]["version"].format(number=issued.row.number, day=said)


def table(issued: Issued, language: str) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the counts that were kept."""
    say, own = TEXTS[language], LANGUAGES.index(language)
    rows = [
        [row["theme"][language], str(row["contributions"]), *(str(row[tag]) for tag in TAGS)]
        for row in issued.row.counts
    ]
    return [say["theme"], say["all"], *(words[own] for words in TAGS.values())], rows


def data(issued: Issued, language: str) -> dict[str, Any]:
    """What the template of the PDF asks for."""
    say = TEXTS[language]
    header, rows = table(issued, language)
    collection = issued.sheet.collection
    above = [issued.sheet.network.name, collection.body.title if collection.body else None]
    return {
        "language": language,
        "title": issued.row.title,
        "network": issued.sheet.network.name,
        "above": " – ".join(part for part in above if part),
        "date": day(issued.row.issued_at).isoformat(),
        "when": when(issued, language),
        "of": say["of"].format(contributions=issued.row.contributions),
        "collection": collection.collection.title,
        "question": collection.collection.question,
        "blocks": [{"kind": block.kind, "lines": list(block.lines)} for block in blocks(issued.row.text)],
        "counts": {"title": say["counts"], "header": header, "rows": rows, "note": say["note"]},
        "page": [say["page"], say["pages"]],
    }
