"""The commands that we show to newcomers do what the page says: taken from the pages, run by bash."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.stack import ROOT, Stack

CURL = f'#!/bin/sh\nexec "{sys.executable}" -m tests.system.curl "$@"\n'
NETWORK = "alleanza"


@pytest.fixture(scope="module")
def secretariat(stack: Stack) -> str:
    with stack.client(stack.token("admin")) as admin:
        admin.post("/registry/v1/networks", json={"slug": NETWORK, "name": "La nostra alleanza"}).raise_for_status()
    return stack.token("secretariat", NETWORK)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def bash(script: str, folder: Path, **variables: str) -> str:
    """What the script printed; fails with what it said. A machine without curl gets one that knows what pages use."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    if shutil.which("curl") is None:
        (tools / "curl").write_text(CURL)
        (tools / "curl").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_first_hour_goes_from_a_key_to_an_embedded_map_in_six_calls(
    stack: Stack, secretariat: str, tmp_path: Path
) -> None:
    key, me, send, outcome, ranking, place, embed, coverage, table = blocks("docs/first-hour.md", "bash")
    mark = "\necho; echo ==\n"
    given = {"TRAMA": stack.url, "SECRETARIAT": secretariat}
    said = bash(mark.join([key, me, send, outcome]), tmp_path, **given)
    who, done = (json.loads(part) for part in said.split("==")[1::2])
    assert who["kind"] == "key"
    assert (done["status"], done["rows"], done["created"]) == ("done", 3, 3), done
    stack.settled()

    again = f"export TRAMA={stack.url} KEY={key_of(secretariat, stack)}\n"
    shown = bash(again + mark.join([ranking, place, embed, coverage, table]), tmp_path).split("==")
    regions: list[dict[str, Any]] = json.loads(shown[0])["items"]
    assert len(regions) == 20
    assert {r["region"]["name"] for r in regions if r["organisations"]["count"]} == {"Lombardia", "Piemonte", "Puglia"}
    assert json.loads(shown[1])["state"] == "validated"
    assert 'aria-label="Lombardia: 1"' in shown[2]
    assert f'src="{stack.url}/atlas/embed?network=alleanza"' in (tmp_path / "sito.html").read_text()
    provinces = json.loads(shown[3])["items"]
    assert [p["territory"]["name"] for p in provinces if p["organisations"]["count"]] == ["Lecco"]
    assert len(provinces) == 12
    rows = list(csv.DictReader((tmp_path / "presenze.csv").open(encoding="utf-8", newline="")))
    assert len(rows) == 3
    assert "Comunità Il Ponte" in str(rows)


def key_of(secretariat: str, stack: Stack) -> str:
    """Another key for the reading half: the first was shown once, to the first half."""
    with stack.client(secretariat) as client:
        body = {"title": "Mappa", "scopes": ["mapping:see_map", "mapping:propose", "mapping:validate"]}
        made = client.post(f"/registry/v1/networks/{NETWORK}/api-keys", json=body)
        assert made.status_code == 201, made.text
        stack.settled()
        return str(made.json()["credential"])


def test_the_commands_of_the_readme_work(stack: Stack, secretariat: str, tmp_path: Path) -> None:
    (page,) = [block for block in blocks("README.md", "sh") if "curl" in block]
    (tmp_path / "elenco.csv").write_text("denominazione;codice fiscale;comune\nCasa Comune;;Bologna\n")
    # The page's network is the other test's: here it has another short name, and the running platform's home.
    script = page.replace("http://127.0.0.1:8080", stack.url).replace("make -s token", f"make -s -C {ROOT} token")
    printed = bash(script.replace("alleanza", "leggimi"), tmp_path, TRAMA_HOME=str(stack.home))
    assert '"slug":"leggimi"' in printed
    assert '"status"' in printed
    assert printed.count('"rank"') == 20
