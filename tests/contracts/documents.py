"""What callers rely on, written from the code by `make contracts`: docs/openapi/<service>.json, docs/problems.md."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from shared.access import jwks
from shared.messaging import topology
from shared.runtime.problems import CATALOGUE, TYPES
from shared.runtime.service import create_app
from tests import harness

DOCS = Path(__file__).parents[2] / "docs"
PLACES = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "nats_url": "nats://127.0.0.1:1"}
"""Nothing is connected to: a document needs only the routes."""


@cache
def application(service: str) -> FastAPI:
    """The service as it would run, never started."""
    app = importlib.import_module(f"services.{service}.app")
    settings = importlib.import_module(f"services.{service}.settings").Settings
    home = Path(tempfile.mkdtemp(prefix="trama-documents-"))
    harness.publish_keys(home, jwks.new_key(), jwks.new_key())
    (home / "links.json").write_text(json.dumps(jwks.new_key().as_dict(private=True)))
    own = {
        "registry": {
            "signing_key_file": str(home / "registry_key.json"),
            "pact_keys_file": str(home / "pact_keys.json"),
        },
        "learning": {"badge_key_file": str(home / "badge_key.json"), "document_store": str(home / "documents")},
        "notify": {"link_key_file": str(home / "links.json"), "smtp_url": "smtp://127.0.0.1:1"},
    }
    fields = {**PLACES, "profile": "local", "mail_from": "no-reply@trama.example", **own.get(service, {})}
    return create_app(app.service(settings.load(harness.environment(fields))))


@cache
def openapi(service: str) -> dict[str, Any]:
    return application(service).openapi()


def problems() -> str:
    """Every type of problem that any service or the gateway answers, in both languages."""
    for service in topology.SERVICES:
        application(service)
    known = {name: (made.status, made.it, made.en) for name, made in CATALOGUE.items()}
    for name, told in gateway().items():
        known.setdefault(name, told)
    lines = [
        "# Problems",
        "",
        "Made from the code by `make contracts`. Every refusal is an RFC 9457 problem (`application/problem+json`):",
        f"`type` is `{TYPES}` and a word of this list, stable; `title` and `detail` come in the language of",
        "`Accept-Language` (Italian unless English is asked for); `errors[]` names each wrong value by `path`, with a",
        "stable `code` and what is `accepted`. A word in braces stands for the case at hand.",
        "",
        "| type | status | italiano | English |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {status} | {_told(it)} | {_told(en)} |" for name, (status, it, en) in sorted(known.items())
    ]
    lines.append("| `http-…` | … | a refusal of HTTP's own, by its status | the same |")
    return "\n".join([*lines, ""])


def gateway() -> dict[str, tuple[int, str, str]]:
    """The problems that the gateway answers for itself: type -> (status, Italian, English)."""
    text = (DOCS.parent / "deploy" / "gateway" / "Caddyfile").read_text()
    said = re.findall(r'import problem (\d+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"', text)
    return {
        type_: (int(status), f"{title_it}\n{detail_it}", f"{title_en}\n{detail_en}")
        for status, type_, title_it, detail_it, title_en, detail_en in said
    }


def _told(text: str) -> str:
    title, _, detail = text.replace("|", "\\|").partition("\n")
    return f"**{title}**" + (f"<br>{detail}" if detail else "")


def written(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    made = {DOCS / "openapi" / f"{service}.json": written(openapi(service)) for service in topology.SERVICES}
    return {**made, DOCS / "problems.md": problems()}


if __name__ == "__main__":
    if sys.argv[1:] == ["problems"]:
        sys.stdout.write(problems())
        sys.exit()
    (DOCS / "openapi").mkdir(exist_ok=True)
    for path, content in files().items():
        path.write_text(content)
    sys.stdout.write(f"{len(CATALOGUE)} problems\n")
