"""Pages of the practices that are for everybody: all of them, and one."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from services.learning.practices import queries
from services.learning.practices.queries import Filters, Shown
from services.learning.practices.routes import Words
from services.learning.practices.rules import THEMES, Stage
from shared import territories
from shared.access.loading import network_row
from shared.runtime.browsers import answered
from shared.runtime.edge import Anyone, Edge
from shared.runtime.pages import Pages, day, link
from shared.runtime.paging import After, Page
from shared.runtime.problems import Problem

site = APIRouter()
PAGES = Pages(__file__)
KEPT = {"cache-control": "public, max-age=60", "vary": "Accept-Language, Accept-Encoding"}
LABELS = {code: {"it": it, "en": en} for code, it, en in THEMES}
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Pratiche",
        "lead": "Ciò che le reti hanno provato, e che altri possono riprendere.",
        "none": "Nessuna pratica corrisponde.",
        "further": "Altre",
        "theme": "Tema",
        "any": "tutti",
        "words": "Parole",
        "show": "Mostra",
        "practice": "Pratica",
        "stage": "Stadio",
        "where": "Dove",
        "whose": "Di chi",
        "idea": "Idea",
        "tried": "Sperimentata",
        "proven": "Consolidata",
        "problem": "Il problema",
        "done": "Che cosa si è fatto",
        "results": "I risultati",
        "needed": "Che cosa serve",
        "contact": "A chi rivolgersi",
        "trials": "Dove è stata provata",
        "since": "dal {day}",
        "result": "Risultato",
        "evidence": "Che cosa lo mostra",
        "themes": "Temi",
        "adopted": "Ripresa da",
        "adoptions": "{count} enti od organi",
        "adoption": "un ente od organo",
        "nobody": "ancora nessuno",
        "all": "Tutte le pratiche",
        "published": "Pubblicata",
        "data": "Gli stessi dati per i programmi",
        "italy": "Italia",
    },
    "en": {
        "title": "Practices",
        "lead": "What networks have tried, and others may take up.",
        "none": "No practice fits.",
        "further": "Further ones",
        "theme": "Theme",
        "any": "all",
        "words": "Words",
        "show": "Show",
        "practice": "Practice",
        "stage": "Stage",
        "where": "Where",
        "whose": "Whose",
        "idea": "Idea",
        "tried": "Tried",
        "proven": "Proven",
        "problem": "The problem",
        "done": "What was done",
        "results": "The results",
        "needed": "What is needed",
        "contact": "Whom to ask",
        "trials": "Where it was tried",
        "since": "since {day}",
        "result": "Result",
        "evidence": "What shows it",
        "themes": "Themes",
        "adopted": "Taken up by",
        "adoptions": "{count} organisations or bodies",
        "adoption": "one organisation or body",
        "nobody": "nobody yet",
        "all": "All practices",
        "published": "Published",
        "data": "The same data for programs",
        "italy": "Italy",
    },
}
SECTIONS = ("problem", "done", "results", "needed")


@site.get("/learning/practices")
async def practices(
    at: Anyone,
    network: Annotated[str | None, Query(max_length=63)] = None,
    theme: Annotated[str | None, Query(max_length=40, pattern=r"^[a-z0-9-]*$")] = None,
    q: Words = None,
    after: After = None,
) -> Response:
    """The public ones, the newest first."""
    at.identity = None  # nobody sees more here than anybody
    asked = {"network": network or None, "theme": theme or None, "q": q or None}

    async def shown() -> Response:
        wanted = Filters(theme=[theme] if theme else [], q=q or None)
        found = await at.query(queries.public_listed, wanted, network=network or None, after=after)
        room = await at.query(_room, network) if network else None
        return _kept(_list(at.language, found, {name: value for name, value in asked.items() if value}, room))

    return await answered(at, shown, lambda refusal: failed(at, refusal), html=True)


@site.get("/learning/practices/{practice_id}")
async def practice(practice_id: UUID, at: Anyone) -> Response:
    at.identity = None

    async def shown() -> Response:
        found, network = await at.query(queries.public, practice_id)
        return _kept(_one(at.language, found, network))

    return await answered(at, shown, lambda refusal: failed(at, refusal), html=True)


async def _room(session: Any, actor: Any, network: str, *, now: Any) -> Any:  # noqa: ARG001 (anybody)
    return await network_row(session, network)


def _kept(page: Response) -> Response:
    page.headers.update(KEPT)
    return page


def failed(at: Edge, problem: Problem) -> Response:
    return PAGES.problem(at.language, problem)


def place_name(code: str | None, language: str) -> str:
    """A territory as people call it."""
    if code is None:
        return TEXTS[language]["italy"]
    italy = territories.load()
    found = italy.today(code) or italy.province(code) or italy.region(code)
    return found.name if found is not None else code


def themed(codes: Any, language: str) -> str:
    return ", ".join(LABELS.get(code, {}).get(language, code) for code in codes)


def _list(language: str, found: Page[Shown], asked: dict[str, str], room: Any) -> Response:
    texts = TEXTS[language]
    return PAGES.page(
        language,
        texts["title"],
        "practices.html",
        network=room,
        wide=True,
        texts=texts,
        asked=asked,
        themes=[(code, names[language]) for code, names in LABELS.items()],
        headings=[texts[name] for name in ("practice", "stage", "theme", "where", "whose")],
        rows=[_row(texts, language, one) for one in found.items],
        further=f"/learning/practices?{urlencode({**asked, 'after': found.next})}" if found.next else None,
        data="/learning/v1/public-practices" + (f"?{urlencode(asked)}" if asked else ""),
    )


def _row(texts: dict[str, str], language: str, shown: Shown) -> tuple[Any, ...]:
    one = shown.practice
    title: Markup = link(f"/learning/practices/{one.id}", one.title)
    whose = shown.organisation or shown.body or shown.network
    return (title, texts[one.stage], themed(one.themes, language) or "–", place_name(one.territory, language), whose)


def _one(language: str, shown: Shown, network: Any) -> Response:
    texts, one = TEXTS[language], shown.practice
    count = one.adoptions
    adopted = texts["adoptions"].format(count=count) if count > 1 else texts["adoption" if count else "nobody"]
    sections = [(texts[name], getattr(one, name)) for name in SECTIONS]
    return PAGES.page(
        language,
        one.title,
        "practice.html",
        network=network,
        texts=texts,
        rows=[
            (texts["stage"], texts[Stage(one.stage)]),
            (texts["themes"], themed(one.themes, language)),
            (texts["where"], place_name(one.territory, language)),
            (texts["whose"], shown.organisation or shown.body or shown.network),
            (texts["published"], day(one.published_on, language) if one.published_on else ""),
            (texts["adopted"], adopted),
            (texts["contact"], one.contact),
        ],
        sections=[(heading, text.splitlines()) for heading, text in sections if text],
        trials=[
            (
                place_name(trial.place, language),
                trial.result,
                texts["since"].format(day=day(trial.since, language)) if trial.since else "",
            )
            for trial in one.trials
        ],
        evidence=[link(proof.url, proof.title) for proof in one.evidence],
        data=f"/learning/v1/public-practices/{one.id}",
    )
