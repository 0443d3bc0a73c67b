"""Bad input is never a server's error, and every refusal is a problem that a program can read."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from itertools import islice
from pathlib import Path

import pytest

from shared.runtime.problems import CATALOGUE, TYPES
from tests.http import hostile, wire
from tests.http.served import Served

AT_ONCE = 4
NO_HTTP = b"Invalid HTTP request received."
"""Refused by the parser, before there is a request to answer with a problem."""


async def faults(
    served: Served, requests: Iterable[hostile.Request], caller: Mapping[str, str]
) -> tuple[int, list[str]]:
    """How many were sent, and what was answered that must not be."""
    found: list[str] = []
    usual = {name: value.encode() for name, value in caller.items()}
    waiting, sent = iter(requests), 0

    async def ask() -> None:
        nonlocal sent
        for request in waiting:
            sent += 1
            try:
                answer = await wire.ask(
                    served.url, request.method, request.url, {**usual, **request.headers}, request.content
                )
            except (OSError, TimeoutError, HTTPException) as error:
                found.append(f"{request} -> {error!r}")
                continue
            wrong = fault(request.method, answer)
            if wrong:
                found.append(f"{request} -> {wrong}")

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    return sent, found


def fault(method: str, answer: wire.Answer) -> str | None:
    if answer.status >= 500:
        return f"{answer.status} {answer.text[:300]}"
    if answer.status < 400 or method == "HEAD" or answer.body == NO_HTTP:
        return None
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        return None if "<h1" in answer.text else "a page without a heading"
    if kind != "application/problem+json":
        return f"{answer.status} {kind} {answer.text[:300]}"
    problem = json.loads(answer.body)
    known = CATALOGUE.get(problem["type"].removeprefix(TYPES))
    if known is None or known.status != answer.status or problem["status"] != answer.status or not problem["title"]:
        return f"not as catalogued: {answer.status} {answer.text[:300]}"
    return None


CALLERS = pytest.mark.parametrize("signed_in", [True, False], ids=["admin", "nobody"])
STRIDE = 37
"""Of the hostile requests CI sends one in thirty-seven; the numbers of values have no factor in common with it, so that
every parameter and field gets its share."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@CALLERS
async def test_hostile_requests_are_refused_as_problems(service: Served, signed_in: bool) -> None:
    some = islice(hostile.requests(service), 0, None, STRIDE)
    sent, found = await faults(service, some, service.admin if signed_in else {})
    assert not found, f"{len(found)} of {sent}:\n" + "\n".join(found[:60])


@pytest.mark.long
@CALLERS
async def test_every_hostile_request_is_refused_as_a_problem(service: Served, signed_in: bool) -> None:
    sent, found = await faults(service, hostile.requests(service), service.admin if signed_in else {})
    assert not found, f"{len(found)} of {sent}:\n" + "\n".join(found[:60])


@pytest.mark.long
async def test_generated_requests_are_answered_as_documented(service: Served, tmp_path: Path) -> None:
    """Those of somebody signed in; nobody's are nearly all refused at the door: the long form has them, too."""
    await schemathesis(service, True, tmp_path, phases="fuzzing", examples=1)


@pytest.mark.long
@CALLERS
@pytest.mark.timeout(3600)
async def test_generated_requests_of_all_phases_are_answered_as_documented(
    service: Served, signed_in: bool, tmp_path: Path
) -> None:
    await schemathesis(service, signed_in, tmp_path, phases="examples,coverage,fuzzing,stateful", examples=100)


async def schemathesis(service: Served, signed_in: bool, home: Path, *, phases: str, examples: int) -> None:
    """Its command line against the running service, with things that exist for the paths' parameters."""
    (home / "schemathesis.toml").write_text(configured(service))
    (home / "openapi.json").write_text(json.dumps(service.document))
    headers = [f"--header={name}: {value}" for name, value in (service.admin if signed_in else {}).items()]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"), "--config-file=schemathesis.toml", "run", "openapi.json",
        f"--url={service.url}", f"--phases={phases}", f"--max-examples={examples}", f"--checks={CHECKS}",
        "--seed=1", "--no-shrink", "--generation-database=none", "--suppress-health-check=all", "--no-color", *headers,
        cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    report = said.decode()
    assert process.returncode == 0, report[max(report.find("= FAILURES ="), 0) :][:12_000]


def configured(service: Served) -> str:
    """Path parameters that lead somewhere, so that more than 404 is tried."""
    lines = []
    for operation in hostile.operations(service.document):
        parts = operation.path.split("/")
        known = {
            part[1:-1]: service.filled(operation.path).split("/")[place]
            for place, part in enumerate(parts)
            if part.startswith("{")
        }
        if known:
            values = ", ".join(f"{json.dumps('path.' + name)} = {json.dumps(value)}" for name, value in known.items())
            name = json.dumps(f"{operation.method} {operation.path}")
            lines.append(f"[[operations]]\ninclude-name = {name}\nparameters = {{ {values} }}\n")
    return "\n".join(lines)
