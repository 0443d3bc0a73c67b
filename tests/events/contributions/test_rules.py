"""The rules of contributions without a loop or a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.events.contributions.document import Block, blocks
from services.events.contributions.rules import (
    Collection,
    Contribution,
    InvalidCollection,
    ManyMandates,
    NotEntitled,
    NothingToIssue,
    NotPossibleNow,
    Reach,
    Speaks,
    State,
    Synthesis,
    Tag,
    Theme,
    differences,
    fit,
    lines_of,
    ordered,
    reach,
    speaking,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERSON, OTHER = UUID(int=1), UUID(int=2)
lines = st.lists(st.text(st.characters(categories=["L", "N"]), max_size=3), max_size=12).map("\n".join)


def collection(**state: object) -> Collection:
    made = Collection(uuid7(), "Prima fase")
    for name, value in state.items():
        setattr(made, name, value)
    return made


def test_it_takes_contributions_until_the_instant_itself() -> None:
    one = collection()
    one.open(1, NOW + HOUR, NOW)
    assert one.takes(NOW + HOUR - timedelta(microseconds=1))
    assert not one.takes(NOW + HOUR)
    with pytest.raises(NotPossibleNow) as refused:
        one.require_taking(NOW + HOUR)
    assert refused.value.state is State.CLOSED


def test_an_end_is_ahead_and_a_closed_collections_end_stands() -> None:
    one = collection()
    with pytest.raises(InvalidCollection):
        one.open(1, NOW, NOW)
    one.open(1, None, NOW)
    one.close(NOW + HOUR)
    with pytest.raises(NotPossibleNow):
        one.change({"closes_at": NOW + 2 * HOUR}, NOW + HOUR)
    one.change({"title": "Fase 1"}, NOW + HOUR)
    one.open(1, NOW + 3 * HOUR, NOW + 2 * HOUR)
    assert (one.title, one.state, one.opened_at, one.closed_at) == ("Fase 1", State.OPEN, NOW, None)
    with pytest.raises(NotPossibleNow):
        one.open(1, None, NOW + 2 * HOUR)


def test_one_whose_end_has_come_may_be_opened_again_before_the_clocks_call() -> None:
    one = collection(state=State.OPEN, closes_at=NOW, opened_at=NOW - HOUR)
    one.open(4, None, NOW)
    assert one.takes(NOW + 100 * HOUR)


def test_themes_are_told_apart_by_code_and_by_name() -> None:
    fit([Theme("a", "Energie", "Energies"), Theme("b", "Strumenti", "Tools")])
    for second, path in (
        (Theme("a", "Strumenti", "Tools"), "/themes/1/code"),
        (Theme("b", "ENERGIE", "Tools"), "/themes/1/it"),
        (Theme("b", "Strumenti", "energies"), "/themes/1/en"),
    ):
        with pytest.raises(InvalidCollection) as refused:
            fit([Theme("a", "Energie", "Energies"), second])
        assert refused.value.path == path


def test_who_speaks_by_what() -> None:
    one = Speaks(UUID(int=10), UUID(int=20), "03")
    same = Speaks(UUID(int=11), UUID(int=20), "03")
    other = Speaks(UUID(int=12), UUID(int=21), "03")
    by_name = Speaks(None, None, None)
    assert speaking([one], None) is one
    assert speaking([one, same], None) is one, "the same voice by two mandates"
    assert speaking([one, other], UUID(int=12)) is other
    assert speaking([by_name], None) is by_name
    with pytest.raises(ManyMandates) as refused:
        speaking([one, other], None)
    assert refused.value.accepted == [str(UUID(int=10)), str(UUID(int=12))]
    for found, wanted in (([], None), ([one], UUID(int=99))):
        with pytest.raises(NotEntitled):
            speaking(found, wanted)


def test_only_what_was_entered_is_the_coordinations_to_change() -> None:
    own = Contribution(uuid7(), uuid7(), "a", "x", PERSON)
    entered = Contribution(uuid7(), uuid7(), "a", "x", PERSON, entered_by=OTHER)
    assert own.may_be_changed_by(PERSON, enters=False)
    assert entered.may_be_changed_by(PERSON, enters=False)
    assert not own.may_be_changed_by(OTHER, enters=True)
    assert entered.may_be_changed_by(OTHER, enters=True)
    assert not entered.may_be_changed_by(OTHER, enters=False)
    erased = Contribution(uuid7(), uuid7(), "a", "x", None)
    assert not erased.may_be_changed_by(None, enters=False), "nobody is not the author of what an erased person wrote"


def test_what_was_not_changed_was_not_written_again() -> None:
    one = Contribution(uuid7(), uuid7(), "a", "x", PERSON, written_at=NOW, tagged_at=NOW)
    one.change({"text": "x"}, NOW + HOUR)
    assert (one.written_at, one.changed_since_tagged) == (NOW, False)
    one.change({"text": "y"}, NOW + HOUR)
    assert (one.written_at, one.changed_since_tagged) == (NOW + HOUR, True)


@given(st.lists(st.sampled_from(Tag), max_size=9))
def test_tags_are_each_once_in_one_order(tags: list[Tag]) -> None:
    assert ordered(tags) == [tag for tag in Tag if tag in tags]


@pytest.mark.parametrize(
    ("territory", "found"),
    [(None, "national"), ("03", "regional"), ("021", "regional"), ("022", "regional"), ("097", "territorial")],
)
def test_how_far_a_mandate_reaches(territory: str | None, found: str) -> None:
    assert reach(territory) == Reach(found)
    assert reach("E507") == Reach.TERRITORIAL


def test_only_what_is_new_is_issued() -> None:
    one = Synthesis(uuid7(), uuid7(), "Sintesi", "Testo")
    one.require_new(None)
    one.require_new(("Sintesi", "Altro"))
    one.require_new(("Altra", "Testo"))
    with pytest.raises(NothingToIssue):
        one.require_new(("Sintesi", "Testo"))
    with pytest.raises(NothingToIssue):
        Synthesis(uuid7(), uuid7(), "Sintesi", "").require_new(None)


@given(lines, lines)
def test_the_differences_hold_both_texts_whole(older: str, newer: str) -> None:
    pieces = differences(older, newer)
    before = [line for piece in pieces if piece.kind != "added" for line in piece.lines]
    after = [line for piece in pieces if piece.kind != "removed" for line in piece.lines]
    assert (before, after) == (older.split("\n") if older else [], newer.split("\n") if newer else [])
    assert all(piece.lines for piece in pieces)


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_lines_that_come_again_and_again_are_compared_at_once(end: str) -> None:
    """As many as a text may have, whatever ends them: to look at each pair of equal lines takes minutes."""
    older, newer = end.join(["a"] * 3_000), end.join(["a", "b"] * 1_500)
    began = perf_counter()
    pieces = differences(older, newer)
    assert perf_counter() - began < 5
    assert sum(len(piece.lines) for piece in pieces if piece.kind == "same") == (1_500 if end == "\n" else 0)


@given(lines, lines)
def test_as_many_lines_as_can_be_are_the_same(older: str, newer: str) -> None:
    before, after = lines_of(older), lines_of(newer)
    longest = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i, one in enumerate(before):
        for j, other in enumerate(after):
            longest[i + 1][j + 1] = longest[i][j] + 1 if one == other else max(longest[i][j + 1], longest[i + 1][j])
    same = [line for piece in differences(older, newer) if piece.kind == "same" for line in piece.lines]
    assert len(same) == longest[-1][-1]


def test_what_another_system_ended_otherwise_is_no_difference() -> None:
    assert [piece.kind for piece in differences("uno\r\ndue", "uno\ndue")] == ["same"]


def test_a_text_is_read_in_headings_paragraphs_and_items() -> None:
    text = "## Energie\nCi sono.\nAnche qui.\n\n- uno\n- due\n\nFine #1\n## Strumenti\n## Filiere"
    assert blocks(text) == [
        Block("heading", ("Energie",)),
        Block("paragraph", ("Ci sono.", "Anche qui.")),
        Block("list", ("uno", "due")),
        Block("paragraph", ("Fine #1",)),
        Block("heading", ("Strumenti",)),
        Block("heading", ("Filiere",)),
    ]
    assert blocks("") == []
    assert blocks("\n \n") == []
