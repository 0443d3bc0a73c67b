"""One plot of a figure: a bar for each series with its spread, as an SVG of our own, readable in light and in dark."""

from __future__ import annotations

from html import escape

from tests.bench.measure import Figure, Series, rounded

WIDTH, LABEL, ROW, TOP = 760, 300, 34, 46
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#17324d}.t{font-weight:600;font-size:15px}.n{fill:#5c6f82;font-size:12px}"
    ".p{fill:#0066cc}.f{fill:#a0b0c0}.s{stroke:#17324d;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#e6ecf2}.n{fill:#a9b7c6}.p{fill:#5aa9f5}.f{fill:#5c6f82}"
    ".s{stroke:#e6ecf2}}"
)


def plot(figure: Figure) -> str:
    """The product's series is the first and the darker one; a line through each bar spans lowest to highest."""
    height = TOP + ROW * len(figure.series) + 26
    longest = max(max(series.values) for series in figure.series)
    scale = (WIDTH - LABEL - 110) / longest
    rows = "".join(
        _row(series, TOP + ROW * number, scale, "p" if series.name == figure.series[0].name else "f")
        for number, series in enumerate(figure.series)
    )
    better = "less is better" if figure.lower_is_better else "more is better"
    described = "; ".join(f"{series.name}: {number(series.median)} {figure.unit}" for series in figure.series)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">'
        f'<title id="t">{escape(figure.title)}</title><desc id="d">{escape(described)}</desc><style>{STYLE}</style>'
        f'<text class="t" x="12" y="24">{escape(figure.title)}</text>{rows}'
        f'<text class="n" x="12" y="{height - 8}">{escape(figure.unit)}, {better}; the line spans the lowest and the'
        " highest turn</text></svg>\n"
    )


def _row(series: Series, y: int, scale: float, kind: str) -> str:
    low, high = (LABEL + scale * value for value in (min(series.values), max(series.values)))
    middle, end = y + 13, LABEL + scale * series.median
    return (
        f'<text x="12" y="{y + 17}">{escape(series.name)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{y + 3}" width="{end - LABEL:.1f}" height="20" rx="2"/>'
        f'<line class="s" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<text class="n" x="{max(end, high) + 8:.1f}" y="{y + 17}">{number(series.median)}</text>'
    )


def number(value: float) -> str:
    return f"{rounded(value):,}"
