"""What goes with an assessment's state, who is asked, and which answers will do."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.learning.assessments.rules import (
    AnswersRefused,
    Assessment,
    Competence,
    FixedOnceOpened,
    Item,
    Kind,
    NotPossibleNow,
    Office,
    Option,
    Part,
    Phase,
    Place,
    State,
    Unfit,
    placed,
    read,
    renamed,
)

DAY = date(2026, 5, 4)
ITEM = Item("Quanto?", steps=4)
ONE = Competence("uno", "Uno", (ITEM,))


def assessment(**more: Any) -> Assessment:
    given = {"competences": (ONE,), "audience": (Part(roles=("delegate",)),), **more}
    return Assessment(uuid7(), "Titolo", "", **given)


def test_it_is_answered_before_and_after_and_closed_for_good() -> None:
    one = assessment()
    assert one.open(DAY, DAY) is Phase.BEFORE
    assert not one.over(DAY)
    assert one.over(date(2026, 5, 5))
    assert (one.close(DAY), one.state, one.closed_on) == (Phase.BEFORE, State.BETWEEN, None)
    assert one.open(DAY, DAY) is Phase.AFTER
    assert (one.close(DAY), one.state, one.closed_on) == (Phase.AFTER, State.CLOSED, DAY)
    for act in (lambda: one.open(DAY, DAY), lambda: one.close(DAY), one.withdraw, lambda: one.change({}, DAY)):
        with pytest.raises(NotPossibleNow):
            act()


def test_what_is_asked_and_whom_is_fixed_once_it_is_opened_and_the_last_day_is_not() -> None:
    one = assessment()
    with pytest.raises(Unfit):
        one.change({"closes_on": DAY}, DAY)
    assert one.change({"competences": ()}, DAY)
    with pytest.raises(Unfit, match="competences"):
        one.open(DAY, DAY)
    one.change({"competences": (ONE,)}, DAY)
    one.open(DAY, DAY)
    for name in ("competences", "audience"):
        with pytest.raises(FixedOnceOpened, match=name):
            one.change({name: ()}, DAY)
    assert one.change({"closes_on": date(2026, 6, 1), "title": "Altro"}, DAY)
    with pytest.raises(Unfit, match="past"):
        one.change({"closes_on": date(2026, 5, 3)}, DAY)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"competences": (ONE, ONE)}, "/competences/1/code"),
        ({"competences": (Competence("a", "A", (Item("?", Kind.CHOICE, options=(Option("x", 1),)),)),)}, "/options"),
        (
            {"competences": (Competence("a", "A", (Item("?", Kind.CHOICE, options=(Option("x", 0),) * 2),)),)},
            "/options",
        ),
        ({"competences": (Competence("a", "A", (Item("?", options=(Option("x", 1),)),)),)}, "/options"),
        ({"competences": (Competence("a", "A", (ITEM,) * 101),)}, "/competences"),
        ({"audience": (Part(),)}, "/audience/0"),
        ({"audience": (Part(roles=("delegate",), people=(uuid7(),)),)}, "/audience/0"),
    ],
)
def test_what_does_not_hold_together_is_named(given: dict[str, Any], path: str) -> None:
    with pytest.raises(Unfit) as refused:
        assessment(**given)
    assert refused.value.path.endswith(path)


def office(person: UUID, role: str = "delegate", body: UUID | None = None, **more: Any) -> Office:
    return Office(person, role, body, frozenset(more.get("within", ())), more.get("region"))


def test_who_is_asked_counts_in_the_first_part_that_reaches_them_and_in_the_bodies_that_are_named() -> None:
    ada, eva, ugo, zoe = (uuid7() for _ in range(4))
    here, there = sorted((uuid7(), uuid7()))
    path = uuid7()
    audience = (
        Part(cohort="Lombardi", roles=("delegate",), territories=("03",)),
        Part(cohort="Comunità", bodies=(here,)),
        Part(paths=(path,)),
        Part(people=(zoe,)),
    )
    offices = [
        office(ada, body=here, within=("E507", "097", "03"), region="03"),
        office(ada, body=there),
        office(eva, "member", here),
        office(ugo, "member", there),
    ]
    found = placed(audience, offices, [(ugo, path)], {zoe})
    assert found == {
        ada: Place((here,), "03", "Lombardi"),
        eva: Place((here,), None, "Comunità"),
        ugo: Place((), None, None, path),
        zoe: Place(),
    }
    everywhere = placed((Part(roles=("delegate",)),), offices, [], ())
    assert everywhere == {ada: Place((here, there), "03")}


def test_an_audience_that_names_nobody_any_more_reaches_nobody() -> None:
    ada, eva = uuid7(), uuid7()
    audience = (Part(people=(ada, eva)), Part(people=(ada,)))
    assert renamed(audience, {ada: None}) == (Part(people=(eva,)),)
    assert renamed(audience, {ada: eva}) == (Part(people=(eva,)), Part(people=(eva,)))
    assert placed((Part(),), [office(ada)], [], ()) == {}


@pytest.mark.parametrize("value", [0, 5, -1, 2.0, "2", True, [2]])
def test_an_answer_beyond_the_scale_is_refused_with_what_is_accepted(value: Any) -> None:
    with pytest.raises(AnswersRefused) as refused:
        read([ITEM], {str(ITEM.id): value}, whole=False)
    (wrong,) = refused.value.errors
    assert (wrong.path, wrong.code, wrong.accepted) == (f"/answers/{ITEM.id}", "range", "1 to 4")


def test_all_that_is_wrong_is_said_at_once_and_a_draft_may_lack_answers() -> None:
    other = Item("E poi?")
    with pytest.raises(AnswersRefused) as refused:
        read([ITEM, other], {"x": 1, str(ITEM.id): 9}, whole=True)
    assert [wrong.code for wrong in refused.value.errors] == ["unknown", "range", "missing"]
    assert read([ITEM, other], {str(ITEM.id): 4}, whole=False) == {ITEM.id: 4}
