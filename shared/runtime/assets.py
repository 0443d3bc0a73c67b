"""The style and the letters of all pages: Bootstrap Italia as its package has it built, and ours on top of it.

Each service serves them itself, under `/<service>/assets/<fingerprint>/`: a page needs no other service and no other
site. The fingerprint is of all files together, so a browser may keep them for ever.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from shared.runtime.problems import NotFound

OWN = Path(__file__).with_name("static")
FONT = "fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-{}.woff2"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str
    compressed: bytes | None = None


def _theme() -> Path:
    """Where the package's files are. It is not imported: it would want Django."""
    found = find_spec("bootstrap_italia_template")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the package design-django-theme is not installed: pages have no style")
    return Path(found.submodule_search_locations[0]) / "static"


@cache
def assets() -> dict[str, Asset]:
    """By name; 90 kB and three fonts of 18 kB go over the wire, once."""
    theme = _theme()
    styles = {"bootstrap-italia.css": theme / "css/bootstrap-italia.min.css", "trama.css": OWN / "trama.css"}
    fonts = {f"titillium-{name}.woff2": theme / FONT.format(name) for name in ("regular", "600", "700")}
    found = {}
    for name, path in styles.items():
        content = path.read_bytes()
        found[name] = Asset(content, "text/css; charset=utf-8", gzip.compress(content, mtime=0))
    for name, path in fonts.items():
        found[name] = Asset(path.read_bytes(), "font/woff2")
    return found


@cache
def fingerprint() -> str:
    digest = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        digest.update(name.encode() + asset.content)
    return digest.hexdigest()[:12]


def assets_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/assets/{made}/{name}")
    async def asset(made: str, name: str, request: Request) -> Response:
        """A page of an older release asks with another fingerprint: it gets what there is, and does not keep it."""
        found = assets().get(name)
        if found is None:
            raise NotFound
        headers = {"cache-control": FOR_EVER if made == fingerprint() else "no-cache", "vary": "Accept-Encoding"}
        if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                found.compressed, headers={**headers, "content-encoding": "gzip"}, media_type=found.media_type
            )
        return Response(found.content, headers=headers, media_type=found.media_type)

    return router
