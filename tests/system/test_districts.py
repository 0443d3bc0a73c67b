"""Scenarios D and E, told to the whole platform, figure by figure as read back over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from pypdf import PdfReader

from deploy.local.scenarios import district, fare_legami
from deploy.local.story import Platform, Story
from tests.system.stack import running

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("districts") / "home"
    with running(home, TRAMA_CLOCK="2025-03-14T08:00") as stack:
        told = Story(Platform(stack.url, home / "clock.json", stack.environment), tell=lambda _: None)
        for scenario in (district, fare_legami):
            scenario.tell(told)
        yield told


def figures(story: Story, point: str) -> dict[str, Any]:
    found: dict[str, Any] = story.points[point]["figures"]
    return found


def test_every_check_of_the_story_held(story: Story) -> None:
    assert story.failures == []
    assert set(story.points) == {"D1", "D2", "D3", "D4", "E1", "E2", "E3", "E4", "E5"}


def test_d1_five_kinds_of_resources_and_a_body_of_mixed_capital_counted_once(story: Story) -> None:
    found = figures(story, "D1")
    assert len(found["kinds_of_resources"]) == 5
    assert found["public_private_mixed"] == {"public": 3, "private": 4, "mixed": 1}
    assert found["bodies_counted_once"] == 8


def test_d2_a_pact_is_incomplete_until_four_kinds_of_actors_hold_something_concrete(story: Story) -> None:
    found = figures(story, "D2")
    assert len(found["missing_at_first"]) == 4
    assert found["still_missing"] == [3, 2, 1, 0]
    assert found["state"] == "signed"
    assert not found["beneficiary_is_nowhere_else"]


def test_d3_every_objective_is_achieved_lapsed_or_carried_over_extension_included(story: Story) -> None:
    found = figures(story, "D3")
    assert found["last_day"] == "2024-12-31"
    assert sorted(found["outcomes"].values()) == ["achieved", "achieved", "carried_over", "lapsed"]
    assert found["carried_over"] == ["Rete delle case della comunità"]


def test_d4_seven_papers_with_their_sums_editions_words_and_territory(story: Story) -> None:
    found = figures(story, "D4")
    assert found["documents"] == [630_000, 3_660_000, 2_290_000, 5_750_000, 4_700_000, 450_000, 1_340_000]
    client = story.client(story.token("secretariat", "ambito-lecco"))
    kept = client.all("/learning/v1/networks/ambito-lecco/documents", sort="title")
    first = next(one for one in kept if one["title"].startswith("Piano di zona"))
    assert (len(kept), first["edition"]["number"], first["edition"]["note"]) == (
        7,
        2,
        "Con la proroga al 31 dicembre 2024",
    )
    content = client.send("GET", first["edition"]["file"]["href"]).content
    assert sha256(content).hexdigest() == first["edition"]["file"]["sha256"]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert "Prorogato al 31 dicembre 2024" in " ".join(text.split())
    (match,) = client.all("/learning/v1/networks/ambito-lecco/documents", q="prorogato dicembre")
    assert match["id"] == first["id"]


def test_e1_more_than_a_hundred_bodies_each_counted_once(story: Story) -> None:
    found = figures(story, "E1")
    assert found["bodies"] == found["counted_once"] == found["partners_counted_once"] == 104
    assert found["counted_again_area_by_area"] == 6


def test_e2_names_are_nowhere_but_in_their_pacts(story: Story) -> None:
    found = figures(story, "E2")
    assert (found["pacts"], found["published"]) == (7, 7)
    assert found["names_told"] == []


def test_e3_laboratories_and_needs_with_their_times(story: Story) -> None:
    found = figures(story, "E3")
    assert len(found["activities"]) == 4
    assert (found["hours_to_assign"], found["hours_to_answer"]) == (24, 72)


def test_e4_seven_community_makers_and_an_alarm_when_a_group_has_none(story: Story) -> None:
    found = figures(story, "E4")
    assert found["community_makers"] == 7
    assert found["uncovered"] == ["Gruppo di lavoro Casalasco"]
    assert found["alarms_by_mail"] == 1


def test_e5_the_budget_to_the_cent(story: Story) -> None:
    found = figures(story, "E5")
    assert found["budget"] == 330_000_000
    assert tuple(found["granted"]) == (150_000_000, 45.45)
    assert found["uncovered_before_raising"] == 60_000_000
