"""How a digest is arranged: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.notify.digests.rules import Entry, arranged, due_id, key

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def entry(minutes: int, network: str | None = "Rete", body: str | None = None) -> Entry:
    id_ = uuid5(NAMESPACE_URL, network) if network else None
    return Entry(uuid7(), NOON + timedelta(minutes=minutes), f"n. {minutes}", id_, network, body)


def test_entries_are_by_network_and_body_the_newest_first() -> None:
    parts, further = arranged(
        [entry(1), entry(5, "Rete", "Giunta"), entry(3, "Altra"), entry(4, "Rete", "Giunta"), entry(2)]
    )
    shown = [
        (part.network, chapter.body, [e.subject for e in chapter.entries])
        for part in parts
        for chapter in part.chapters
    ]
    assert shown == [
        ("Rete", "Giunta", ["n. 5", "n. 4"]),
        ("Rete", None, ["n. 2", "n. 1"]),
        ("Altra", None, ["n. 3"]),
    ]
    assert further == 0


def test_the_newest_are_shown_and_the_others_counted() -> None:
    parts, further = arranged([entry(minutes) for minutes in range(5)], most=3)
    assert [e.subject for e in parts[0].chapters[0].entries] == ["n. 4", "n. 3", "n. 2"]
    assert further == 2


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from("ab"), st.sampled_from(["c", "d", None])), max_size=80))
def test_every_entry_is_shown_once_or_counted(made: list[tuple[int, str, str | None]]) -> None:
    parts, further = arranged([entry(*one) for one in made])
    shown = [e.id for part in parts for chapter in part.chapters for e in chapter.entries]
    assert len(shown) == len(set(shown)) == len(made) - further
    assert len({part.network for part in parts}) == len(parts)


def test_a_digest_is_named_by_its_person_and_instant() -> None:
    person = uuid7()
    assert key(person, NOON) == key(person, NOON.replace(microsecond=1))
    assert key(person, NOON) != key(person, NOON + timedelta(days=1))
    assert due_id(NOON) != due_id(NOON + timedelta(days=1))
