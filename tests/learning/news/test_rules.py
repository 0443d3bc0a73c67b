"""When news come out, go, and for whom they are; and what their Markdown becomes. Without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.news.rules import (
    Item,
    NotPossibleNow,
    State,
    Unfit,
    Visibility,
    beginning,
    html,
    plain,
    reaches,
)
from services.learning.paths.rules import Audience

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def item(**given: Any) -> Item:
    return Item(uuid7(), "Bando", **given)


def test_what_waits_comes_out_at_its_instant_and_goes_at_the_other() -> None:
    made = item(publish_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    made.publish(NOW)
    assert (made.state, made.published_at) == (State.SCHEDULED, None)
    assert not made.come_out(NOW + HOUR - timedelta(seconds=1))
    assert made.come_out(NOW + HOUR)
    assert (made.state, made.published_at) == (State.PUBLISHED, NOW + HOUR)
    last = NOW + 2 * HOUR - timedelta(seconds=1)
    assert made.shown(last)
    assert not made.shown(NOW + 2 * HOUR), "whether or not it was stated"
    assert not made.expire(last)
    assert made.expire(NOW + 2 * HOUR)
    assert made.state is State.EXPIRED
    assert not made.expire(NOW + 3 * HOUR)


def test_what_was_over_before_it_came_out_is_told_to_nobody() -> None:
    made = item(publish_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    made.publish(NOW)
    assert not made.come_out(NOW + 3 * HOUR)
    assert made.state is State.WITHDRAWN


def test_an_expiry_that_is_put_off_does_not_end_it() -> None:
    made = item(expires_at=NOW + HOUR)
    made.publish(NOW)
    made.change({"expires_at": NOW + 3 * HOUR}, NOW)
    assert not made.expire(NOW + HOUR)
    assert made.shown(NOW + 2 * HOUR)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"link": "javascript:alert(1)"}, "/link"),
        ({"visibility": Visibility.PUBLIC, "body_id": uuid7()}, "/visibility"),
        ({"expires_at": NOW}, "/expires_at"),
        ({"publish_at": NOW + 2 * HOUR, "expires_at": NOW + HOUR}, "/expires_at"),
        ({"publish_at": NOW + timedelta(days=3000)}, "/publish_at"),
    ],
)
def test_what_does_not_hold_together_does_not_come_out(given: dict[str, Any], path: str) -> None:
    with pytest.raises(Unfit) as refused:
        item(**given).publish(NOW)
    assert refused.value.path == path


def test_what_is_out_is_withdrawn_and_what_waits_is_a_draft_again() -> None:
    out, waits = item(), item(publish_at=NOW + HOUR)
    for one in (out, waits):
        one.publish(NOW)
    assert out.withdraw(NOW)
    assert not waits.withdraw(NOW)
    assert (out.state, waits.state) == (State.WITHDRAWN, State.DRAFT)
    with pytest.raises(NotPossibleNow):
        out.publish(NOW)


LECCO, LOMBARDIA, TORINO = ("E507", "097", "03"), ("03",), ("L219", "201", "01")


@pytest.mark.parametrize(
    ("item_place", "places", "reached"),
    [
        (None, [], True),
        (LOMBARDIA, [LECCO], True),
        (LECCO, [LOMBARDIA], True),  # a region's coordinator hears of its municipalities
        (LECCO, [LECCO], True),
        (LOMBARDIA, [TORINO], False),
        (TORINO, [LOMBARDIA, LECCO], False),
        (LOMBARDIA, [], False),
    ],
)
def test_news_of_a_territory_reach_who_is_there(item_place: Any, places: list[Any], reached: bool) -> None:
    made = item(territory=item_place and item_place[0], within=item_place or ())
    assert reaches(made, set(), set(), places) is reached


def test_news_reach_their_audience_and_their_body() -> None:
    body = uuid7()
    made = item(audience=Audience.COMMUNITIES, body_id=body)
    assert reaches(made, {Audience.COMMUNITIES}, {body}, [])
    assert not reaches(made, {Audience.REPRESENTATIVES}, {body}, [])
    assert not reaches(made, {Audience.COMMUNITIES}, {uuid7()}, [])
    assert reaches(made, set(), set(), [], everything=True)


def test_markdown_becomes_html_without_anything_that_acts() -> None:
    made = html(
        "# Titolo\n\n### Sotto\n\n**Ora** <script>alert(1)</script> [qui](javascript:alert(1)) "
        "[là](https://example.org) ![x](https://example.org/x.png)\n\n# Altro"
    )
    assert "<h2>Titolo</h2>" in made
    assert "<h3>Sotto</h3>" in made, "no level is left out"
    assert "<h2>Altro</h2>" in made
    assert "<script" not in made
    assert 'href="javascript' not in made
    assert "<img" not in made
    assert '<a href="https://example.org" rel="noopener noreferrer">là</a>' in made


@given(st.text(max_size=300))
def test_nobodys_text_becomes_a_tag_that_is_not_known(text: str) -> None:
    made = html(text).lower()
    assert "<script" not in made
    assert "<img" not in made
    assert "<iframe" not in made


def test_a_summary_is_the_beginning_of_the_text() -> None:
    assert plain("**Domande** & <b>risposte</b>\n\n- uno") == "Domande & <b>risposte</b> uno"
    assert beginning("abc def", 7) == "abc def"
    assert beginning("abc def ghi", 7) == "abc…"
    assert item(text="*Ciao* mondo").short == "Ciao mondo"
    assert item(text="*Ciao* mondo", summary="Saluto").short == "Saluto"
