"""What a newer list of ISTAT's changes, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mapping.territories.updates import Plan, Refused, plan
from shared import territories
from shared.territories import Listed, Period, Territories, Update, built, listed

ITALY = built()
NOW = listed(ITALY.municipalities)
BY_CODE = {one.code: one for one in NOW}
NEW_YEAR = date(2027, 1, 1)
LECCO, BELLANO, COMO = BY_CODE["E507"], BY_CODE["A745"], BY_CODE["C933"]
MERGED = replace(LECCO, code="M999", istat="097999", name="Lecco Bellano", italian_name="Lecco Bellano")


def planned(
    new: Sequence[Listed],
    *,
    italy: Territories = ITALY,
    known: Sequence[Update] = (),
    since: date = NEW_YEAR,
    stated: Mapping[str, Sequence[str]] | None = None,
    variations: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    return plan(italy, {u.code: u for u in known}, new, since, stated=stated or {}, variations=variations or {})


def without(*gone: Listed, **came: Listed) -> list[Listed]:
    return [one for one in NOW if one not in gone] + list(came.values())


def test_the_same_list_changes_nothing() -> None:
    assert planned(NOW).updates == []


def test_a_fusion_is_guessed_from_the_name_and_told_as_guessed() -> None:
    found = planned(without(LECCO, BELLANO, merged=MERGED))
    assert {code: (went.successors, went.how) for code, went in found.went.items()} == {
        "E507": (("M999",), "name"),
        "A745": (("M999",), "name"),
    }
    assert sorted(found.guessed) == ["A745", "E507"]
    assert found.touched == {"E507", "A745"}
    gone = next(u for u in found.updates if u.code == "E507")
    assert (gone.until, gone.successors, gone.name) == (NEW_YEAR, ("M999",), "Lecco")


def test_what_istat_or_the_operator_says_wins_over_guesses() -> None:
    new = without(LECCO, BELLANO, merged=MERGED)
    found = planned(new, stated={"E507": ["C933"]}, variations={"097008": ["097999"], "097042": ["097999"]})
    assert (found.went["E507"].successors, found.went["E507"].how) == (("C933",), "stated")
    assert (found.went["A745"].successors, found.went["A745"].how) == (("M999",), "variations")
    assert found.guessed == []


def test_where_nobody_knows_it_is_said() -> None:
    assert planned(without(LECCO)).unknown == ["E507"]


def test_a_new_name_is_kept_with_the_day_until_which_the_old_one_held() -> None:
    new = [replace(one, name="Como Lago", italian_name="Como Lago") if one is COMO else one for one in NOW]
    (update,) = planned(new).updates
    assert update.past == (Period("C933", "Como", "CO", None, NEW_YEAR),)
    later = date(2028, 1, 1)
    newer = [replace(one, name="Como Nuova", italian_name="Como Nuova") if one.code == "C933" else one for one in new]
    (again,) = planned(newer, italy=ITALY.with_updates([update]), known=[update], since=later).updates
    assert [(p.name, p.until) for p in again.past] == [("Como", NEW_YEAR), ("Como Lago", later)]
    italy = ITALY.with_updates([again])
    assert [(p.name, p.since, p.until) for p in italy.history.periods("C933")][-3:] == [
        ("Como", None, NEW_YEAR),
        ("Como Lago", NEW_YEAR, later),
        ("Como Nuova", later, None),
    ]
    for name in ("Como", "Como Lago", "Como Nuova"):
        found = italy.resolve(name, "CO").municipality
        assert found is not None
        assert found.code == "C933"


def test_a_new_number_alone_is_no_new_name() -> None:
    new = [replace(one, istat="013999") if one is COMO else one for one in NOW]
    (update,) = planned(new).updates
    assert (update.istat, update.past) == ("013999", ())
    assert ITALY.with_updates([update]).history.periods("C933") == (Period("C933", "Como", "CO", None, None),)


@pytest.mark.parametrize(
    ("new", "more", "codes"),
    [
        (NOW[:7000], {}, ()),
        (NOW, {"since": territories.AS_OF}, ()),
        ([replace(COMO, province="XX"), *(one for one in NOW if one is not COMO)], {}, ("XX",)),
        (without(LECCO), {"stated": {"E507": ["Z999"]}}, ("Z999",)),
    ],
)
def test_a_list_that_cannot_be_right_is_refused(
    new: list[Listed], more: dict[str, Any], codes: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as refused:
        planned(new, **more)
    assert refused.value.codes == codes


SOME = st.lists(st.sampled_from(NOW), min_size=2, max_size=6, unique_by=lambda one: one.code)


@settings(max_examples=10, deadline=None)
@given(SOME, st.data())
def test_whatever_ends_moves_or_is_renamed_the_list_is_what_stands_afterwards(
    chosen: list[Listed], data: st.DataObject
) -> None:
    """And applied again it changes nothing; nobody is lost; every old name still leads somewhere."""
    kept, *gone = chosen
    moved = replace(
        kept, name="Nuovo Nome", italian_name="Nuovo Nome", province=data.draw(st.sampled_from(["LC", "RM"]))
    )
    province = ITALY.province(moved.province)
    assert province is not None
    moved = replace(moved, province_code=province.code, region=province.region)
    new = [moved if one is kept else one for one in NOW if one not in gone]
    found = planned(new, stated={one.code: [kept.code] for one in gone})
    after = ITALY.with_updates(list(found.updates))
    assert {one.code: one for one in listed(after.municipalities)} == {one.code: one for one in new}
    assert planned(new, italy=after, known=found.updates).updates == []
    assert sum(m.population for m in after.municipalities) == sum(m.population for m in ITALY.municipalities)
    for one in chosen:
        assert [m.code for m in after.standing(one.code)] == [kept.code]
        answer = after.resolve(one.name, one.province)
        assert kept.code in {m.code for m in (answer.municipality, *answer.candidates) if m}


def test_a_chain_of_mergers_leads_to_its_end() -> None:
    first = [
        Update("E507", "097042", "Lecco", "Lecco", "", "LC", "ITC43", NEW_YEAR, NEW_YEAR, ("M999",)),
        Update("M999", "097999", "Lecco Bellano", "Lecco Bellano", "", "LC", "ITC43", NEW_YEAR),
    ]
    later = date(2028, 1, 1)
    then = [first[0], replace(first[1], until=later, successors=("C933",))]
    italy = ITALY.with_updates(then)
    assert [m.code for m in italy.standing("E507")] == [m.code for m in italy.standing("M999")] == ["C933"]
    como, lecco = ITALY.municipality("C933"), ITALY.municipality("E507")
    assert como is not None
    assert lecco is not None
    assert italy.standing("M999")[0].population == como.population + lecco.population


def test_changes_that_a_newer_release_has_already_are_not_laid_over_it() -> None:
    old = Update("C933", "013075", "Como Vecchia", "Como Vecchia", "", "CO", "ITC42", territories.AS_OF)
    assert ITALY.with_updates([old]).municipalities == ITALY.municipalities
