"""Documents on paper: what a template of Typst makes of data, as a tagged PDF (PDF/UA-1).

A slice keeps its template in `templates/<name>.typ` and builds on `/shared/typesetting/house.typ`, which gives the
page, the headings and the tables. Texts go to the template as data and never as source: whatever somebody wrote, it
is printed and not executed. Nothing is fetched: templates use no package, and the fonts are those inside the
compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import typst

import shared

ROOT = Path(shared.__file__).parents[1]
"""Where `/shared/…` and `/services/…` of a template's imports begin."""


def pdf(template: Path, data: Mapping[str, Any], on: date) -> bytes:
    """The PDF; the same data of the same day give the same bytes. `data` has `language` and whatever the template asks.

    It takes up to some tenths of a second, without the interpreter's lock: call it in a thread. PDF/UA wants a glyph
    for every sign, and the compiler's fonts have Latin, Greek and Cyrillic ones. A text in another script is still
    printed, with what fonts the machine has, tagged but without that claim.
    """
    try:
        made: bytes = typst.compile(str(template), **_options(data, on), format="pdf", pdf_standards="ua-1")
    except typst.TypstError:
        made = typst.compile(str(template), **{**_options(data, on), "ignore_system_fonts": False}, format="pdf")
    return made


def pages(template: Path, data: Mapping[str, Any], on: date, ppi: float = 80) -> list[bytes]:
    """The same as images (PNG), one a page: to be looked at."""
    made = typst.compile(str(template), **_options(data, on), format="png", ppi=ppi)
    return made if isinstance(made, list) else [made]


def checksum(made: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return sha256(made).hexdigest()


def _options(data: Mapping[str, Any], on: date) -> dict[str, Any]:
    return {
        "root": str(ROOT),
        "sys_inputs": {"data": orjson.dumps(data).decode()},
        "ignore_system_fonts": True,
        "timestamp": int(datetime.combine(on, time(), UTC).timestamp()),
    }
