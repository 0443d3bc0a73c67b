"""Scenario A, told to the whole platform from September 2024 to March 2025, figure by figure as read back over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local import demo
from deploy.local.scenarios import alliance
from deploy.local.story import Platform, Story
from tests.system.stack import running

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("alliance") / "home"
    with running(home, TRAMA_CLOCK=demo.BEGINS) as stack:
        told = Story(Platform(stack.url, home / "clock.json", stack.environment), tell=lambda _: None)
        alliance.tell(told)
        yield told


def figures(story: Story, point: str) -> dict[str, Any]:
    found: dict[str, Any] = story.points[point]["figures"]
    return found


def test_every_check_of_the_story_held(story: Story) -> None:
    assert story.failures == []
    assert set(story.points) == {"import", "presences", "mail", "A1", "A2", "A3", "A4", "A5", "A6"}


def test_a1_fourteen_commitments_one_closed_by_a_list_the_others_reminded_then_escalated(story: Story) -> None:
    found = figures(story, "A1")
    assert (found["commitments"], found["open_afterwards"], found["late"]) == (14, 13, 6)
    assert found["dated_mandates"] == 4
    assert (found["reminders_14_days_before"], found["reminders_3_days_before"]) == (6, 12)
    assert found["told_to_the_secretariat"] == 6


def test_a2_seven_seats_with_six_filled_it_says_which_is_vacant(story: Story) -> None:
    found = figures(story, "A2")
    assert (found["seats"], found["filled"], found["vacant"]) == (7, 6, ["Prima la Comunità"])
    assert found["second_referent"] == (409, "office-taken")


def test_a3_decided_owned_dated_done_and_carried_by_mails_and_pages(story: Story) -> None:
    found = figures(story, "A3")
    assert found["actions_owned_and_dated"]
    assert found["actions_fulfilled"] == 2
    assert not found["sender_before"]
    assert found["sender_afterwards"]
    assert found["logo_in_mails"]
    assert found["logo_on_pages"]


def test_a4_a_foreign_site_shows_the_map_and_a_change_shows_there_by_itself(story: Story) -> None:
    found = figures(story, "A4")
    assert found["any_site_may_frame_it"]
    assert [sum(found[when].values()) for when in ("shown", "shown_afterwards", "shown_when_one_closes")] == [3, 4, 3]
    assert not found["what_is_not_public"]


def test_a5_the_three_endings_are_right_to_the_day(story: Story) -> None:
    found = figures(story, "A5")
    assert list(found["last_evening"].values()) == [[6, "running"], [4, "running"], [3, "running"]]
    assert list(found["endings"].values()) == [[6, "full"], [4, "met"], [3, "missed"]]
    assert found["too_late"] == [3, "missed"]
    assert found["tracker"] == [4, 41, "running"]


def test_a6_three_audiences_see_three_paths(story: Story) -> None:
    found = figures(story, "A6")
    seen = [found[f"{audience}_see"] for audience in ("representatives", "communities", "administrators")]
    assert all(len(paths) == 1 for paths in seen)
    assert len({paths[0] for paths in seen}) == 3


def test_it_ends_with_links_that_open(story: Story) -> None:
    assert len(story.links) >= 4
    for text, link in story.links:
        answer = story.client().send("GET", link, headers={"Accept": "text/html"})
        assert answer.status_code == 200, text
        assert "<h1" in answer.text or "<title" in answer.text
