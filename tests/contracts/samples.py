"""`python -m tests.contracts.samples --write`: a sample for each fact that has none. An existing one is never touched:
it is what was published, and what every later version must go on reading."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from shared.contracts import FACTS, Fact

FOLDER = Path(__file__).parent / "samples"

_TEXTS = {
    "uuid": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5",
    "date": "2026-03-01",
    "date-time": "2026-03-01T09:30:00+01:00",
}
_NAMED = {
    "municipality": "E507",
    "tax_code": "97123456780",
    "email": "segreteria@example.org",
    "language": "it",
    "slug": "alleanza",
    "state": "active",
    "kind": "aps",
    "secret_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


def sample(fact: type[Fact]) -> dict[str, Any]:
    """A body with every field filled, made from the schema alone: the same at every run."""
    schema = fact.model_json_schema()
    made: dict[str, Any] = _value(schema, schema.get("$defs", {}), "")
    return made


def _value(schema: dict[str, Any], definitions: dict[str, Any], name: str) -> Any:
    if "$ref" in schema:
        return _value(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, name)
    if "anyOf" in schema:
        return _value(next(s for s in schema["anyOf"] if s.get("type") != "null"), definitions, name)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            return {n: _value(s, definitions, n) for n, s in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema["items"], definitions, name)]
        case "integer":
            return 1
        case "number":
            return 1.0
        case "boolean":
            return True
        case _:
            return _TEXTS.get(schema.get("format", ""), _NAMED.get(name, f"{name or 'testo'}"))


def write() -> list[str]:
    """The names of the samples that were missing, and are now written."""
    FOLDER.mkdir(exist_ok=True)
    written = []
    for type_, fact in sorted(FACTS.items()):
        path = FOLDER / f"{type_}.json"
        if not path.exists():
            path.write_text(json.dumps(sample(fact), indent=2, ensure_ascii=False) + "\n")
            written.append(path.name)
    return written


if __name__ == "__main__":
    missing = write() if "--write" in sys.argv else [t for t in FACTS if not (FOLDER / f"{t}.json").exists()]
    sys.stdout.write("".join(f"{name}\n" for name in missing))
    sys.exit(0 if "--write" in sys.argv or not missing else 1)
