"""The atlas: what networks show to everybody, as a map and a table that say the same; whole pages, and frames for
partners' own sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.mapping.atlas import queries, rules
from services.mapping.atlas.queries import Sheet
from services.mapping.atlas.rules import Frame
from services.mapping.items.routes import vocabularies as item_words
from services.mapping.items.rules import Subject
from services.mapping.places.routes import vocabularies as place_words
from services.mapping.resources.routes import vocabularies as resource_words
from services.mapping.territories.queries import Territory, everything, named
from shared.runtime.edge import Anyone, Edge
from shared.runtime.pages import HEADERS, Pages, link
from shared.runtime.paging import After
from shared.territories.boundaries import boundaries

site = APIRouter()
PAGES = Pages(__file__)
SUBJECTS = tuple(Subject)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Atlante",
        "title_of": "Atlante: {name}",
        "lead": "Luoghi, risorse ed esperienze che le reti mostrano a tutti, convalidati sul territorio.",
        "network": "Rete",
        "all_networks": "tutte le reti",
        "what": "Che cosa",
        "everything": "tutto",
        "place": "luoghi",
        "resource": "risorse",
        "experience": "esperienze",
        "total": "Totale",
        "show": "Mostra",
        "map": "Mappa: {what} per {level}",
        "map_is": "{count} in tutto. La tabella che segue dice gli stessi numeri.",
        "regions": "regione",
        "provinces": "provincia",
        "region": "Regione",
        "province": "Provincia",
        "table": "{what} per {level}",
        "legend": "Colori",
        "none": "nessuno",
        "nothing": "Qui nessuna rete mostra ancora qualcosa a tutti.",
        "list": "Che cosa c'è",
        "where": "Dove",
        "who": "Chi",
        "kind": "Tipo",
        "name": "Nome",
        "further": "Altri",
        "back": "Tutta l'Italia",
        "data": "Dati aperti",
        "data_is": "Licenza CC BY 4.0. Confini semplificati da ISTAT.",
        "embed": "Mettila sul tuo sito",
        "embed_is": "Copia queste righe dove vuoi che la mappa appaia: si aggiorna da sola.",
        "source": "Da {name}",
        "whole": "Apri l'atlante",
        "checked": "verificato il {day}",
        "news": "Notizie",
    },
    "en": {
        "title": "Atlas",
        "title_of": "Atlas: {name}",
        "lead": "Places, resources and experiences that networks show to everybody, validated where they are.",
        "network": "Network",
        "all_networks": "all networks",
        "what": "What",
        "everything": "everything",
        "place": "places",
        "resource": "resources",
        "experience": "experiences",
        "total": "Total",
        "show": "Show",
        "map": "Map: {what} by {level}",
        "map_is": "{count} in all. The table below says the same figures.",
        "regions": "region",
        "provinces": "province",
        "region": "Region",
        "province": "Province",
        "table": "{what} by {level}",
        "legend": "Colours",
        "none": "none",
        "nothing": "No network shows anything to everybody here yet.",
        "list": "What is there",
        "where": "Where",
        "who": "Who",
        "kind": "Kind",
        "name": "Name",
        "further": "Further ones",
        "back": "All of Italy",
        "data": "Open data",
        "data_is": "Licence CC BY 4.0. Simplified boundaries from ISTAT.",
        "embed": "Put it on your site",
        "embed_is": "Copy these lines to where the map shall appear: it keeps itself up to date.",
        "source": "From {name}",
        "whole": "Open the atlas",
        "checked": "checked on {day}",
        "news": "News",
    },
}
KINDS = {
    term.code: {"it": term.it, "en": term.en}
    for vocabulary in (*place_words, *resource_words)
    if vocabulary.name in ("place_kinds", "resource_kinds")
    for term in vocabulary.terms
}
THEMES = {
    term.code: {"it": term.it, "en": term.en}
    for vocabulary in (*item_words, *place_words)
    if vocabulary.name in ("themes", "laboratory_activities")
    for term in vocabulary.terms
}
KEPT = "public, max-age=60"
"""A minute, like the open data: a change shows without anybody's doing."""
PAGE_HEADERS = {"cache-control": KEPT, "vary": "Accept-Language, Accept-Encoding"}
POLICY = HEADERS["content-security-policy"]
FRAMED = {
    **PAGE_HEADERS,
    # any site may frame what is public: it has nothing to click that does anything
    "content-security-policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors *"),
}


@dataclass(frozen=True)
class Shape:
    """A territory on the map: its outline, its figure, its class of colour, and where it leads."""

    code: str
    name: str
    count: int
    level: int
    path: str
    href: str | None


@dataclass(frozen=True)
class View:
    """What was asked for: of which network, which subjects, in a frame or not, in which language."""

    network: str | None
    subject: str
    framed: bool
    language: str
    lang: str | None

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return SUBJECTS if self.subject == "all" else (Subject(self.subject),)

    def href(self, region: str | None = None, **more: str | None) -> str:
        base = "/atlas/embed" if self.framed else "/atlas"
        asked = {"network": self.network, "what": None if self.subject == "all" else self.subject, "lang": self.lang}
        given = {name: value for name, value in {**asked, **more}.items() if value}
        return base + (f"/{region}" if region else "") + (f"?{urlencode(given)}" if given else "")


NetworkAsked = Annotated[str | None, Query(max_length=63)]
What = Annotated[Literal["all", "place", "resource", "experience", ""], Query()]
Lang = Annotated[Literal["it", "en"] | None, Query()]


def view_of(at: Edge, network: str | None, what: str, lang: str | None, *, framed: bool) -> View:
    return View(network or None, what or "all", framed, lang or at.language, lang)


@site.get("/atlas")
async def atlas(at: Anyone, network: NetworkAsked = None, what: What = "all", lang: Lang = None) -> Response:
    """Italy by region."""
    return await shown(at, view_of(at, network, what, lang, framed=False), None, None)


@site.get("/atlas/embed")
async def frame(at: Anyone, network: NetworkAsked = None, what: What = "all", lang: Lang = None) -> Response:
    """The map and its table alone, for the frame of a partner's site."""
    return await shown(at, view_of(at, network, what, lang, framed=True), None, None)


@site.get("/atlas/embed/{region}")
async def frame_of_region(
    region: str, at: Anyone, network: NetworkAsked = None, what: What = "all", lang: Lang = None, after: After = None
) -> Response:
    return await shown(at, view_of(at, network, what, lang, framed=True), region, after)


@site.get("/atlas/{region}")
async def atlas_of_region(
    region: str, at: Anyone, network: NetworkAsked = None, what: What = "all", lang: Lang = None, after: After = None
) -> Response:
    """A region by province, and what is there."""
    return await shown(at, view_of(at, network, what, lang, framed=False), region, after)


async def shown(at: Edge, view: View, region: str | None, after: str | None) -> Response:
    at.identity = None  # nobody sees more here than anybody
    sheet = await at.query(queries.sheet, view.network, region)
    listed = None
    if region is not None:
        listed = await at.query(
            queries.listed, network=view.network, subject=view.subjects, territory=[region], after=after, limit=50
        )
    made = page(at, view, sheet, region, listed)
    tag = f'"{blake2b(made.body, digest_size=12).hexdigest()}"'
    headers = {**(FRAMED if view.framed else PAGE_HEADERS), "etag": tag}
    if tag in at.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    made.headers.update(headers)
    return made


def page(at: Edge, view: View, sheet: Sheet, region: str | None, listed: Any) -> Response:
    language, texts = view.language, TEXTS[view.language]
    territories = queries.parts(region)
    shapes = _shapes(view, sheet, region, territories)
    firsts = rules.bounds(shape.count for shape in shapes)
    what = texts[view.subject] if view.subject != "all" else texts["everything"]
    level = texts["provinces" if region else "regions"]
    place = everything()[region].name if region else None
    title = texts["title_of"].format(name=place) if place else texts["title"]
    size = _frame(region)
    return PAGES.page(
        language,
        title,
        "frame.html" if view.framed else "atlas.html",
        network=sheet.network,
        wide=True,
        texts=texts,
        view=view,
        region=region,
        networks=sheet.shown,
        choices=[("all", texts["everything"]), *((subject, texts[subject]) for subject in SUBJECTS)],
        width=size.width,
        height=size.height,
        shapes=shapes,
        map_title=texts["map"].format(what=what, level=level),
        map_is=texts["map_is"].format(count=sum(shape.count for shape in shapes)),
        legend=[(number, _range(first, last)) for number, first, last in rules.legend(firsts, _most(shapes))],
        table_title=texts["table"].format(what=what, level=level).capitalize(),
        headings=[texts["province" if region else "region"], *(texts[s].capitalize() for s in view.subjects)]
        + ([texts["total"]] if len(view.subjects) > 1 else []),
        rows=[_row(territory, sheet, view, link_to=not region) for territory in territories],
        items=[_item(row, language) for row in listed.items] if listed else [],
        item_headings=[texts[term] for term in ("name", "kind", "who", "where")],
        further=view.href(region, after=listed.next) if listed and listed.next else None,
        news=sheet.news,
        whole=view.href(region).replace("/atlas/embed", "/atlas", 1),
        geojson=_data("items.geojson", view, region),
        csv=_data("items", view, region),
        pasted=_pasted(at, view, region, title),
    )


def _shapes(view: View, sheet: Sheet, region: str | None, territories: list[Territory]) -> list[Shape]:
    counts = {each.code: sheet.figures.of(each.code, view.subjects) for each in territories}
    firsts = rules.bounds(counts.values())
    outlines = _outlines(region)
    return [
        Shape(
            each.code,
            each.name,
            counts[each.code],
            rules.class_of(counts[each.code], firsts),
            outlines.get(each.code, ""),
            None if region else view.href(each.code),
        )
        for each in territories
    ]


@lru_cache(maxsize=32)
def _frame(region: str | None) -> Frame:
    level = "province" if region else "region"
    shapes = boundaries(level)
    return Frame.around([shapes[each.code] for each in queries.parts(region) if each.code in shapes])


@lru_cache(maxsize=32)
def _outlines(region: str | None) -> Mapping[str, str]:
    """Reference data: drawn once in a process (20 regions of Italy, some 15 kB)."""
    shapes, size = boundaries("province" if region else "region"), _frame(region)
    return {each.code: rules.outline(shapes[each.code], size) for each in queries.parts(region) if each.code in shapes}


def _most(shapes: list[Shape]) -> int:
    return max((shape.count for shape in shapes), default=0)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _row(territory: Territory, sheet: Sheet, view: View, *, link_to: bool) -> tuple[Any, ...]:
    name: Any = link(view.href(territory.code), territory.name) if link_to else territory.name
    counts = [sheet.figures.of(territory.code, [subject]) for subject in view.subjects]
    return (name, *counts, *([sum(counts)] if len(counts) > 1 else []))


def _item(row: Any, language: str) -> tuple[Any, ...]:
    kind = KINDS.get(row.kind or "", {}).get(language, "") or TEXTS[language][row.subject]
    themes = [THEMES.get(theme, {}).get(language, theme) for theme in row.themes or ()]
    where = named(row.municipality).name if row.municipality else ""
    title: Any = link(row.website, row.title) if (row.website or "").startswith("https://") else row.title
    return (
        title,
        ", ".join([kind, *themes]),
        row.organisation or row.network_name,
        ", ".join(part for part in (row.address, where) if part) or "–",
    )


def _data(name: str, view: View, region: str | None) -> str:
    asked = [("network", view.network), ("territory", region)]
    given = [(key, value) for key, value in asked if value]
    if view.subject != "all":
        given.append(("subject", view.subject))
    return f"/mapping/v1/atlas/{name}" + (f"?{urlencode(given)}" if given else "")


def _pasted(at: Edge, view: View, region: str | None, title: str) -> str:
    """What a partner pastes into a page of theirs."""
    framed = View(view.network, view.subject, framed=True, language=view.language, lang=view.language)
    address = at.context.settings.public_url.rstrip("/") + framed.href(region).replace("&", "&amp;")
    return (
        f'<iframe src="{address}" title="{title}" width="100%" height="900" loading="lazy"\n'
        '        style="border:0" referrerpolicy="no-referrer"></iframe>'
    )
