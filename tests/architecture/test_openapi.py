"""What callers rely on changes only where a reviewer sees it: the snapshots in docs/ are what the code says."""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from shared.messaging import topology
from shared.runtime import openapi
from shared.runtime.problems import CATALOGUE
from tests.contracts import documents

ROOT = documents.DOCS.parent
EVERY = pytest.mark.parametrize("service", topology.SERVICES)


def operations(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in documents.openapi(service)["paths"].items():
        for method in openapi.METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def differences(path: Path, made: str) -> str:
    kept = path.read_text().splitlines() if path.exists() else []
    name = str(path.relative_to(ROOT))
    return "\n".join(difflib.unified_diff(kept, made.splitlines(), name, "what the code says", lineterm="", n=2))


@EVERY
def test_the_snapshot_of_a_service_is_current(service: str) -> None:
    found = differences(documents.DOCS / "openapi" / f"{service}.json", documents.written(documents.openapi(service)))
    assert not found, f"run `make contracts` if this is meant:\n{found}"


def test_the_catalogue_of_problems_is_current() -> None:
    # In a process of its own: other tests catalogue problems of theirs in this one.
    command = [sys.executable, "-m", "tests.contracts.documents", "problems"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = differences(documents.DOCS / "problems.md", made)
    assert not found, f"run `make contracts` if this is meant:\n{found}"


@EVERY
def test_a_document_is_valid_openapi_3_1(service: str) -> None:
    jsonschema_rs.validate(OPENAPI_31, documents.openapi(service))


@EVERY
def test_every_operation_says_what_it_is_and_what_it_answers(service: str) -> None:
    lacking = []
    ids = []
    for name, operation in operations(service):
        good = [status for status in operation["responses"] if status[0] in "23"]
        problem = operation["responses"].get("default", {}).get("content", {})
        ids.append(operation["operationId"])
        if not (operation.get("summary") and operation.get("tags") and good and "application/problem+json" in problem):
            lacking.append(name)
        if not all(operation["responses"][status]["description"] for status in operation["responses"]):
            lacking.append(name)
    assert lacking == []
    assert len(set(ids)) == len(ids)


@EVERY
def test_no_operation_takes_a_parameter_twice(service: str) -> None:
    twice = []
    for name, operation in operations(service):
        asked = [(each["in"], each["name"]) for each in operation["parameters"]]
        if len(set(asked)) != len(asked):
            twice.append(name)
    assert twice == []


@EVERY
def test_every_reference_leads_somewhere(service: str) -> None:
    document = documents.openapi(service)
    wanted = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))
    assert wanted - document["components"]["schemas"].keys() == set()


def test_the_gateway_says_of_a_problem_what_the_services_say() -> None:
    documents.problems()
    differing = {
        t for t, (status, *_) in documents.gateway().items() if t in CATALOGUE and CATALOGUE[t].status != status
    }
    assert documents.gateway()
    assert differing == set()


def test_every_problem_has_both_languages_with_the_same_gaps() -> None:
    documents.problems()
    gap = re.compile(r"\{(\w+?)(?:_it|_en)?\}")  # words of a list may be in each language
    unlike = [t for t, made in CATALOGUE.items() if set(gap.findall(made.it)) != set(gap.findall(made.en))]
    same = [t for t, made in CATALOGUE.items() if made.it == made.en]
    assert (unlike, same) == ([], [])


def test_a_problem_is_never_made_past_the_catalogue() -> None:
    """`problem(…)` catalogues; a bare `Problem(…)` would answer a type that no list holds."""
    allowed = {"shared/runtime/problems.py", "shared/runtime/answers.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if str(path.relative_to(ROOT)) not in allowed and "runtime.problems import" in path.read_text()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    ]
    assert found == []
