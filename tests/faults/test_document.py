"""What docs/guarantees.md names as a proof is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "guarantees.md").read_text())))


def test_proofs_are_named() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[f"{Path(file).stem}-{test}" for file, test in NAMED])
def test_a_named_proof_exists(file: str, test: str) -> None:
    assert re.search(rf"def {test}\(", (ROOT / file).read_text()), f"{file} has no {test}"
