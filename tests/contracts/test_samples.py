"""A fact that was ever published can be read for ever, and readers of that day can read today's facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import FACTS, Fact
from tests.contracts.samples import FOLDER, sample

SAMPLES = sorted(FOLDER.glob("*.json"))


def _missing(old: Any, new: Any, path: str = "") -> list[str]:
    """What the old document has and the new one lacks, or has in another JSON type."""
    if isinstance(old, dict):
        if not isinstance(new, dict):
            return [path]
        return [lost for name in old for lost in _missing(old[name], new.get(name), f"{path}.{name}")]
    if isinstance(old, list) and isinstance(new, list):
        return _missing(old[0], new[0], f"{path}[]") if old and new else []
    return [] if type(old) is type(new) else [path]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_was_published_is_read_without_loss(path: Path) -> None:
    old = json.loads(path.read_text())
    assert path.stem in FACTS, "a fact that was published cannot be withdrawn: readers may find it in the stream"
    read = FACTS[path.stem].model_validate(old)
    assert _missing(old, json.loads(read.model_dump_json())) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_readers_of_that_day_find_every_field_in_what_is_published_now(path: Path) -> None:
    now = FACTS[path.stem].model_validate(sample(FACTS[path.stem]))
    assert _missing(json.loads(path.read_text()), json.loads(now.model_dump_json())) == []


def test_a_field_of_a_newer_publisher_is_passed_over() -> None:
    for type_, fact in FACTS.items():
        assert fact.model_validate({**sample(fact), "of_tomorrow": 1}).type == type_


def test_a_lost_or_changed_field_would_be_found() -> None:
    assert _missing({"a": 1, "b": {"c": "x"}}, {"b": {}}) == [".a", ".b.c"]
    assert _missing({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}) == [".a[].b"]


def test_a_wire_name_cannot_be_given_twice() -> None:
    with pytest.raises(TypeError, match="declared twice"):

        class Again(Fact, fact="registry.network.founded"): ...
