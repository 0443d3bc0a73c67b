"""Every fact has its sample, belongs to the service whose module declares it, and is in the catalogue."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared import contracts
from shared.contracts import FACTS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "contracts" / "samples"


@pytest.mark.parametrize("type_", sorted(FACTS))
def test_a_fact_has_its_sample(type_: str) -> None:
    sample = SAMPLES / f"{type_}.json"
    assert sample.exists(), "run `make contracts`"
    FACTS[type_].model_validate_json(sample.read_text())


@pytest.mark.parametrize("type_", sorted(FACTS))
def test_a_fact_is_declared_by_the_service_that_publishes_it(type_: str) -> None:
    module = FACTS[type_].__module__.removeprefix(f"{contracts.__name__}.")
    assert FACTS[type_].service() == module


def test_the_catalogue_of_messages_is_current() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "shared.contracts.catalogue"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "messages.md").read_text() == made.stdout, "run `make contracts`"


def test_personal_data_travels_only_on_the_person_subject() -> None:
    personal = {"given_name", "family_name", "email", "phone", "address", "name", "full_name", "birth_date"}
    leaking = {t for t, fact in FACTS.items() if personal & set(fact.model_fields) and fact.aggregate() != "person"}
    assert leaking == set()


def test_the_asyncapi_document_names_every_fact() -> None:
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    assert document["asyncapi"].startswith("3.")
    assert set(FACTS) <= set(document["components"]["messages"])
