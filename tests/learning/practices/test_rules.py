"""What makes a practice: its stages, its review, its editions; without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.practices.rules import (
    Adoption,
    AdoptionOver,
    Asks,
    Evidence,
    NotPossibleNow,
    OwnPractice,
    OwnText,
    Practice,
    Revision,
    Stage,
    StageAsks,
    State,
    Text,
    Trial,
    Unfit,
    Visibility,
    adopt,
    seen_from,
)

NOW, TODAY = datetime(2026, 3, 1, 9, tzinfo=UTC), date(2026, 3, 1)
AUTHOR, REVIEWER = uuid7(), uuid7()
TRIAL = Trial("E507", "Dodici famiglie")
IDEA: dict[str, Any] = {"problem": "Anziani soli.", "done": "Un portierato."}
PROVEN = {**IDEA, "stage": Stage.PROVEN, "results": "Meno ricoveri.", "trials": (TRIAL,)}


def practice(**text: Any) -> Practice:
    made = Practice(uuid7(), "Portierato", written_by=AUTHOR)
    made.change({**IDEA, **text}, AUTHOR)
    return made


def published(**text: Any) -> Practice:
    made = practice(**text)
    made.submit(Asks(), NOW)
    made.approve(REVIEWER, Asks(), TODAY)
    return made


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ({**IDEA, "problem": ""}, "/problem"),
        ({**IDEA, "done": ""}, "/done"),
        ({**IDEA, "stage": Stage.TRIED, "results": "Sì."}, "/trials"),
        ({**IDEA, "stage": Stage.TRIED, "trials": (TRIAL,)}, "/results"),
        (PROVEN, "/evidence"),
    ],
)
def test_a_stage_that_lacks_what_it_asks_is_not_submitted(text: dict[str, Any], lacks: str) -> None:
    with pytest.raises(StageAsks) as refused:
        practice(**text).submit(Asks(), NOW)
    assert refused.value.path == lacks


def test_what_is_proven_shows_evidence_or_adoptions_by_others() -> None:
    practice(**PROVEN, evidence=(Evidence("Studio", "https://example.org/studio"),)).submit(Asks(), NOW)
    taken_up = practice(**PROVEN)
    taken_up.adoptions = 1
    with pytest.raises(StageAsks):
        taken_up.submit(Asks(), NOW)
    taken_up.adoptions = 2
    taken_up.submit(Asks(), NOW)
    with pytest.raises(StageAsks):
        Asks(proven_adoptions=3).require(taken_up.text, 2)


def test_a_network_may_ask_for_more_trials() -> None:
    two = Asks(tried_trials=2)
    tried = Text("Portierato", **{**PROVEN, "stage": Stage.TRIED})
    with pytest.raises(StageAsks):
        two.require(tried, 0)
    two.require(tried.changed({"trials": (TRIAL, Trial("F205", "Otto famiglie"))}), 0)


def test_whoever_wrote_or_last_changed_a_text_does_not_approve_it() -> None:
    made = practice()
    editor = uuid7()
    made.change({"needed": "Una stanza."}, editor)
    made.submit(Asks(), NOW)
    for own in (AUTHOR, editor, None):
        with pytest.raises(OwnText):
            made.approve(own, Asks(), TODAY)
    made.approve(REVIEWER, Asks(), TODAY)
    assert (made.state, made.edition, made.published_on) == (State.PUBLISHED, 1, TODAY)


def test_a_further_text_is_read_only_once_it_is_approved() -> None:
    made = published()
    assert made.change({"title": "Portierato sociale"}, AUTHOR)
    assert (made.title, made.newest.title, made.revision) == ("Portierato", "Portierato sociale", Revision.DRAFT)
    made.submit(Asks(), NOW)
    assert (made.state, made.revision) == (State.PUBLISHED, Revision.IN_REVIEW)
    with pytest.raises(NotPossibleNow):
        made.change({"title": "Altro"}, AUTHOR)
    made.return_()
    assert (made.title, made.revision) == ("Portierato", Revision.DRAFT)
    made.submit(Asks(), NOW)
    made.approve(REVIEWER, Asks(), date(2026, 4, 1))
    assert (made.title, made.edition, made.revision, made.proposed) == ("Portierato sociale", 2, None, None)
    assert made.published_on == TODAY, "the day of the first"


def test_nothing_is_done_that_the_state_does_not_allow() -> None:
    made = practice()
    assert made.actions() == ["edit", "delete", "submit"]
    made.submit(Asks(), NOW)
    assert made.actions() == ["take_back", "comment", "return", "approve"]
    made.return_()
    assert made.actions() == ["edit", "submit", "comment"], "what reviewers have read is not thrown away"
    gone = published()
    assert gone.actions() == ["edit", "withdraw", "adopt"]
    gone.withdraw()
    assert gone.actions() == []


def test_a_text_holds_together() -> None:
    wrongs: dict[str, dict[str, Any]] = {
        "/shared_with": {"shared_with": (uuid7(),)},
        "/contact": {"contact": "anna@example.org"},
        "/evidence/0/url": {"evidence": (Evidence("Studio", "https://studio.example@example.org"),)},
    }
    for path, wrong in wrongs.items():
        with pytest.raises(Unfit) as refused:
            practice(**wrong)
        assert refused.value.path == path
    with pytest.raises(Unfit):
        practice(contact="Segreteria, 0341 12 34 56")
    assert practice(contact="Segreteria del consorzio, 2° piano").contact


def test_another_network_sees_what_is_shown_to_it() -> None:
    viewer, other = uuid7(), uuid7()
    for visibility, to, sharing, seen in (
        (Visibility.NETWORK, (), (), False),
        (Visibility.PUBLIC, (), (), True),
        (Visibility.NETWORKS, (viewer,), (), True),
        (Visibility.NETWORKS, (other,), (), False),
    ):
        made = published(visibility=visibility, shared_with=to)
        assert seen_from(made, {viewer}, sharing) is seen
    unnamed = published(visibility=Visibility.NETWORKS)
    assert not seen_from(unnamed, {viewer}, set())
    assert seen_from(unnamed, {viewer}, {unnamed.network_id}), "their networks share practices"
    unnamed.withdraw()
    assert not seen_from(unnamed, {viewer}, {unnamed.network_id})


def test_one_adopts_what_is_published_and_not_ones_own() -> None:
    made = published()
    made.organisation_id, made.body_id = uuid7(), uuid7()

    def taken(**who: Any) -> Adoption:
        return adopt(made, Adoption(made.id, made.network_id, uuid7(), who.pop("since", TODAY), **who), TODAY)

    assert taken(organisation_id=uuid7())
    for own in ({"organisation_id": made.organisation_id}, {"body_id": made.body_id}):
        with pytest.raises(OwnPractice):
            taken(**own)
    for wrong in ({}, {"organisation_id": uuid7(), "body_id": uuid7()}):
        with pytest.raises(Unfit):
            taken(**wrong)
    with pytest.raises(Unfit):
        taken(body_id=uuid7(), since=date(2026, 3, 2))
    made.withdraw()
    with pytest.raises(NotPossibleNow):
        taken(organisation_id=uuid7())


def test_an_adoption_ends_once_and_not_before_it_began() -> None:
    adoption = Adoption(uuid7(), uuid7(), uuid7(), since=date(2026, 3, 5), body_id=uuid7())
    adoption.end(TODAY)
    assert adoption.ended_on == date(2026, 3, 5)
    with pytest.raises(AdoptionOver):
        adoption.end(TODAY)


TEXTS = st.builds(
    Text,
    title=st.text(min_size=1, max_size=20),
    stage=st.sampled_from(Stage),
    themes=st.lists(st.sampled_from(["housing", "health"]), unique=True).map(tuple),
    territory=st.none() | st.just("03"),
    trials=st.lists(st.builds(Trial, st.just("E507"), st.text(max_size=9), st.none() | st.dates())).map(tuple),
    evidence=st.lists(st.builds(Evidence, st.text(max_size=9), st.just("https://example.org"))).map(tuple),
    visibility=st.sampled_from(Visibility),
    shared_with=st.lists(st.uuids(), max_size=3).map(tuple),
)


@given(TEXTS)
def test_an_edition_is_read_as_it_was_written(text: Text) -> None:
    assert Text.of(text.json()) == text
