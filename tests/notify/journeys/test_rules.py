"""What may be known of a fact, and whose matter it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.notify.journeys.catalogue import FACTS as WORDS
from services.notify.journeys.rules import (
    CONFIDENTIAL,
    OPEN,
    bodies_of,
    confidential,
    recorded_at,
    territories_of,
)
from shared.contracts.envelope import FACTS, Fact
from shared.contracts.events import GridPapersCounted, MeetingConvened, VoterCalled, VoterVoted
from shared.contracts.registry import (
    ApiKeyIssued,
    BodyChanged,
    CommitmentMade,
    GrantsChanged,
    PersonRegistered,
    PlanAdopted,
)

BODY, OTHER = UUID(int=1), UUID(int=2)


def test_every_fact_has_a_place_open_or_confidential() -> None:
    aggregates = {fact.name.rsplit(".", 1)[0] for fact in FACTS.values()}
    placed = CONFIDENTIAL | OPEN
    assert {a for a in aggregates if a not in placed} == set(), "say in journeys/rules.py whether it is confidential"
    assert not CONFIDENTIAL & OPEN
    names = {fact.name for fact in FACTS.values()}
    assert {place for place in placed if place not in aggregates | names} == set(), "no such fact any more"


@pytest.mark.parametrize(
    ("kind", "hidden"),
    [
        (PersonRegistered, True),
        (GrantsChanged, True),
        (ApiKeyIssued, True),
        (VoterVoted, True),
        (VoterCalled, False),
        (GridPapersCounted, True),
        (CommitmentMade, False),
    ],
)
def test_what_is_about_people_or_secret_stays(kind: type[Fact], hidden: bool) -> None:
    assert confidential(kind) is hidden


def test_what_nobody_has_placed_is_confidential() -> None:
    class Unplaced(Fact):
        pass

    Unplaced.name = "registry.novelty.made"
    assert confidential(Unplaced)


def test_whose_matter_a_fact_is() -> None:
    network = UUID(int=9)
    commitment = CommitmentMade(
        id=uuid7(),
        version=1,
        network_id=network,
        title="x",
        kind="hand",
        due=date(2026, 1, 1),
        state="open",
        source="hand",
        debtor_body_id=OTHER,
        creditor_body_id=BODY,
    )
    assert bodies_of(commitment) == [BODY, OTHER]
    body = BodyChanged(
        id=BODY,
        version=1,
        network_id=network,
        title="x",
        kind="k",
        state="s",
        composition="open",
        territory="03",
        parent_id=OTHER,
    )
    assert (bodies_of(body), territories_of(body)) == ([BODY], ["03"])
    plan = PlanAdopted(
        id=uuid7(),
        version=1,
        title="x",
        territories=("E507", "03"),
        since=date(2026, 1, 1),
        last_day=date(2026, 2, 1),
        state="adopted",
    )
    assert (bodies_of(plan), territories_of(plan)) == ([], ["03", "097", "E507"])
    meeting = MeetingConvened(
        id=uuid7(),
        version=1,
        title="x",
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2026, 1, 1, 1, tzinfo=UTC),
        mode="remote",
        state="convened",
    )
    assert (bodies_of(meeting), territories_of(meeting)) == ([], [])


def test_when_it_was_recorded_is_read_from_the_id() -> None:
    told = datetime(2030, 1, 1, tzinfo=UTC)
    id_ = UUID("01920000-0000-7000-8000-000000000000")
    assert recorded_at(id_, told) == datetime.fromtimestamp(0x019200000000 / 1000, UTC)
    assert recorded_at(UUID(int=5), told) == told


def test_every_fact_has_its_words_in_both_languages_and_no_other_has() -> None:
    assert set(WORDS) == {fact.name for fact in FACTS.values()}
    assert all(it and en and it != en for it, en in WORDS.values())
