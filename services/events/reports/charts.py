"""Charts as SVG: horizontal bars, each with its name and figure written out. What a chart shows is in the table that
goes with it, so colour and length say nothing that the text does not.

Written as text, with attributes only: a page's security policy lets no style through that is not a file's, and the
compiler of PDFs draws the same string.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, BAR = 640, 44, 16
LONGEST = 60
"""Characters of a bar's name; the table has all of it."""
INK, FILL, TRACK = "#17324d", "#0066cc", "#e6ecf2"
FONT = "Libertinus Serif, Titillium Web, Georgia, serif"


@dataclass(frozen=True)
class Bar:
    """`value` is drawn, `text` is written."""

    name: str
    value: float
    text: str


def bars(given: Sequence[Bar], title: str, most: float | None = None) -> str:
    """An SVG of one bar below the other, as long as their part of `most` (or of the largest of them)."""
    whole = most if most is not None else max((bar.value for bar in given), default=0)
    height = ROW * len(given) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img"'
        f' aria-label="{escape(title)}" font-family="{FONT}" font-size="15" fill="{INK}">'
    ]
    for place, bar in enumerate(given):
        top = ROW * place
        length = round(WIDTH * min(1.0, bar.value / whole)) if whole > 0 and bar.value > 0 else 0
        parts.append(f'<text x="0" y="{top + 15}">{escape(_short(bar.name))}</text>')
        parts.append(f'<text x="{WIDTH}" y="{top + 15}" text-anchor="end">{escape(bar.text)}</text>')
        parts.append(f'<rect x="0" y="{top + 21}" width="{WIDTH}" height="{BAR}" fill="{TRACK}"/>')
        if length:
            parts.append(f'<rect x="0" y="{top + 21}" width="{length}" height="{BAR}" fill="{FILL}"/>')
    return "".join([*parts, "</svg>"])


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"
