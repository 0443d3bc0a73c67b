"""The heat map of a crossing as SVG: a table in a picture, with its figures as text and a title for each cell."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape

from services.mapping.crossings.queries import Heat
from services.mapping.crossings.rules import Figure
from shared.runtime.pages import number

ROW, COLUMN = 44, 104
"""Points of a cell."""
HEAD, SIDE, TITLE = 64, 210, 34
COLOURS = (("#e5eef7", "#17324d"), ("#b3d1ee", "#17324d"), ("#6aa5dc", "#0b1a28"), ("#0066cc", "#ffffff"),
           ("#003d7a", "#ffffff"))  # fmt: skip
"""Of a cell and of its text, from the lowest fifth of the scale to the highest: each text stands out at 4.5 : 1."""
EMPTY = ("#ffffff", "#455b71")
TEXTS = {
    "it": {
        "title": "{field}: bisogni per risorse, {group}",
        "all": "tutte le coorti",
        "desc": "Media dei punteggi da {lowest} a {highest} e numero di punteggi (n). Più scuro è più alto; il "
        "tratteggio segna il migliore del campo. Le celle senza media hanno troppo pochi punteggi per essere mostrate.",
        "cell": "{need} con {resource}: media {mean}, mediana {median}, n {n}{best}",
        "empty": "{need} con {resource}: nessuna media, n {n}",
        "best": ", migliore del campo",
        "tied": ", migliore del campo a pari merito",
    },
    "en": {
        "title": "{field}: needs by resources, {group}",
        "all": "all cohorts",
        "desc": "Mean of the scores from {lowest} to {highest}, and their number (n). Darker is higher; a dashed frame"
        " marks the best of the field. Cells without a mean have too few scores to be shown.",
        "cell": "{need} with {resource}: mean {mean}, median {median}, n {n}{best}",
        "empty": "{need} with {resource}: no mean, n {n}",
        "best": ", best of the field",
        "tied": ", best of the field, tied",
    },
}


def heatmap(heat: Heat, language: str) -> str:
    """A whole SVG document in that language."""
    crossing, texts = heat.crossing, TEXTS[language]
    cohort = next((one["label"] for one in crossing.cohorts if one["code"] == heat.cohort), texts["all"])
    title = texts["title"].format(field=crossing.fields[heat.field]["label"], group=cohort)
    desc = texts["desc"].format(lowest=crossing.lowest, highest=crossing.highest)
    width = SIDE + COLUMN * len(crossing.resources) + 8
    height = TITLE + HEAD + ROW * len(crossing.needs) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'lang="{language}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13">',
        f'<title id="title">{escape(title)}</title><desc id="desc">{escape(desc)}</desc>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="22" font-size="16" font-weight="bold" fill="#17324d">{escape(title)}</text>',
    ]
    for at, resource in enumerate(crossing.resources):
        parts += _lines(resource["label"], SIDE + COLUMN * at + 6, TITLE + 14, 14, 3)
    for down, (need, row) in enumerate(zip(crossing.needs, heat.rows, strict=True)):
        y = TITLE + HEAD + ROW * down
        parts += _lines(need["label"], 8, y + 18, 28, 2)
        for across, (resource, figure) in enumerate(zip(crossing.resources, row, strict=True)):
            names = {"need": need["label"], "resource": resource["label"]}
            parts.append(_cell(figure, SIDE + COLUMN * across, y, names, heat, texts, language))
    return "".join([*parts, "</svg>"])


def _cell(
    figure: Figure, x: int, y: int, names: Mapping[str, str], heat: Heat, texts: Mapping[str, str], language: str
) -> str:
    mean = figure.mean
    fill, ink = EMPTY if mean is None else colours(mean, heat.crossing.lowest, heat.crossing.highest)
    if mean is None:
        said, shown = texts["empty"].format(**names, n=figure.n), "–"
    else:
        shown = number(round(mean, 2), language)
        best = "" if figure.rank != 1 else texts["tied" if figure.tied else "best"]
        median = number(round(figure.median or 0, 2), language)
        said = texts["cell"].format(**names, mean=shown, median=median, n=figure.n, best=best)
    frame = ' stroke-width="3" stroke-dasharray="6 3"' if figure.rank == 1 else ""
    stroke = "#17324d" if figure.rank == 1 else "#5c6f82"
    return (
        f'<g><title>{escape(said)}</title><rect x="{x + 2}" y="{y + 2}" width="{COLUMN - 4}" height="{ROW - 4}" '
        f'fill="{fill}" stroke="{stroke}"{frame}/><text x="{x + 10}" y="{y + 20}" fill="{ink}" font-weight="bold">'
        f'{escape(shown)}</text><text x="{x + 10}" y="{y + 35}" fill="{ink}" font-size="11">n {figure.n}</text></g>'
    )


def colours(mean: float, lowest: int, highest: int) -> tuple[str, str]:
    """Of a cell and of its text, by the fifth of the scale in which the mean is."""
    share = (mean - lowest) / (highest - lowest)
    return COLOURS[min(int(share * len(COLOURS)), len(COLOURS) - 1)]


def _lines(label: str, x: int, y: int, width: int, most: int) -> Sequence[str]:
    """A label broken into lines; what of it has no room is in its title."""
    lines = textwrap.wrap(label, width, max_lines=most, placeholder=" …")
    texts = [f'<text x="{x}" y="{y + 15 * at}" fill="#17324d">{escape(line)}</text>' for at, line in enumerate(lines)]
    return [f"<g><title>{escape(label)}</title>", *texts, "</g>"]
