"""Which sections the law admits a body to, what an Onlus still is, and who may be whose affiliate."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.organisations import rules
from services.registry.organisations.rules import InvalidOrganisation, Kind, RuntsSection, Section
from tests.registry.desk import Desk


def entered(*codes: str) -> list[dict[str, Any]]:
    return rules.section_list(Section(code) for code in codes)


def refusal(kind: str, *codes: str, ownership: str | None = None) -> str | None:
    try:
        rules.check_sections(kind, ownership, entered(*codes))
    except InvalidOrganisation as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("kind", "sections", "why"),
    [
        (Kind.ASSOCIATION, ["odv"], None),
        (Kind.ASSOCIATION, ["aps", "network"], None),
        (Kind.ASD, ["aps"], None),
        (Kind.CSV, ["odv"], None),
        (Kind.FOUNDATION, ["philanthropic"], None),
        (Kind.FOUNDATION, ["odv"], "not_for_kind"),
        (Kind.COMMUNITY_FOUNDATION, ["aps"], "not_for_kind"),
        (Kind.COOPERATIVE, ["social_enterprise"], None),
        (Kind.COOPERATIVE, ["philanthropic"], "not_for_kind"),
        (Kind.CONSORTIUM, ["social_enterprise"], None),
        (Kind.CONSORTIUM, ["network"], "not_for_kind"),
        (Kind.FIRM, ["social_enterprise"], None),
        (Kind.FIRM, ["odv"], "not_for_kind"),
        (Kind.MUTUAL, ["mutual_aid"], None),
        (Kind.ASSOCIATION, ["mutual_aid"], "not_for_kind"),
        (Kind.OTHER, ["mutual_aid"], None),
        (Kind.RELIGIOUS, ["other_ets"], None),
        (Kind.MUNICIPALITY, ["other_ets"], "not_third_sector"),
        (Kind.HEALTH_AUTHORITY, ["other_ets"], "not_third_sector"),
        (Kind.CHAMBER, ["other_ets"], "not_third_sector"),
        (Kind.TRADE_UNION, ["aps"], "not_third_sector"),
        (Kind.TRADE_ASSOCIATION, ["aps"], "not_third_sector"),
        (Kind.INFORMAL_GROUP, ["aps"], "no_deed"),
        (Kind.MUNICIPALITY, [], None),
    ],
)
def test_the_law_closes_sections_to_kinds(kind: Kind, sections: list[str], why: str | None) -> None:
    assert refusal(kind, *sections) == why


def test_a_public_body_is_in_no_section_and_a_mixed_one_may_be() -> None:
    assert refusal(Kind.FOUNDATION, "philanthropic", ownership="public") == "not_third_sector"
    assert refusal(Kind.CONSORTIUM, "social_enterprise", ownership="mixed") is None


def test_two_sections_at_once_only_with_that_of_the_networks() -> None:
    for codes in (("odv", "aps"), ("philanthropic", "social_enterprise"), ("network", "aps", "odv")):
        with pytest.raises(InvalidOrganisation):
            entered(*codes)
    assert [one["section"] for one in entered("network", "aps")] == ["aps", "network"]
    later = [Section("odv", None, date(2023, 1, 1)), Section("aps", date(2023, 1, 1))]
    assert len(rules.section_list(later)) == 2


def test_a_body_is_noted_as_onlus_for_a_time_in_which_there_were_some() -> None:
    rules.check_kind(Kind.ONLUS, date(2025, 12, 31))
    with pytest.raises(InvalidOrganisation) as refused:
        rules.check_kind(Kind.ONLUS, date(2026, 1, 1))
    assert (refused.value.path, refused.value.code) == ("/kind", "ended")
    rules.check_kind(Kind.ASSOCIATION, date(2026, 1, 1))
    assert rules.kind_until(Kind.ONLUS) == date(2026, 1, 1)
    assert rules.kind_until(Kind.ASSOCIATION) is None


async def test_an_onlus_is_entered_for_the_past_and_said_to_be_no_more(desk: Desk) -> None:
    refused = await desk.register(kind="onlus", expect=422)
    assert (refused["errors"][0]["path"], refused["errors"][0]["code"]) == ("/kind", "ended")
    made = await desk.register(kind="onlus", state="active", since="2015-03-01")
    assert (made["kind"], made["kind_until"]) == ("onlus", "2026-01-01")
    answer = await desk.ask(
        "PATCH",
        f"/organisations/{made['id']}",
        json={"kind": "association", "sections": [{"code": "odv", "since": "2026-02-01"}]},
        headers={"if-match": '"1"'},
    )
    assert (answer.status_code, answer.json()["kind_until"]) == (200, None)
    new = await desk.register(state="active")
    answer = await desk.ask("PATCH", f"/organisations/{new['id']}", json={"kind": "onlus"}, headers={"if-match": '"1"'})
    assert answer.status_code == 422


async def test_a_change_of_kind_looks_at_the_sections_that_are_there(desk: Desk) -> None:
    made = await desk.register(kind="association", sections=[{"code": "odv"}])
    path = f"/organisations/{made['id']}"
    answer = await desk.ask("PATCH", path, json={"kind": "foundation"}, headers={"if-match": '"1"'})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_for_kind"
    assert "social_enterprise" in answer.json()["errors"][0]["accepted"]
    answer = await desk.ask("PATCH", path, json={"website": "https://x.example.org"}, headers={"if-match": '"1"'})
    assert answer.status_code == 200


async def test_every_kind_and_section_of_the_law_has_its_words(desk: Desk) -> None:
    found = {one["name"]: one["terms"] for one in (await desk.get("/vocabularies"))["items"]}
    assert {term["code"] for term in found["organisation_kinds"]} == set(Kind)
    assert {term["code"] for term in found["runts_sections"]} == set(RuntsSection)
    assert all(term["it"] and term["en"] for term in found["organisation_kinds"])


IDS = [UUID(int=n) for n in range(1, 9)]
lines = st.lists(st.tuples(st.sampled_from(IDS), st.one_of(st.none(), st.sampled_from(IDS))), max_size=12)


@given(lines)
def test_no_order_of_changes_closes_a_circle(changes: list[tuple[UUID, UUID | None]]) -> None:
    above: dict[UUID, UUID | None] = dict.fromkeys(IDS)
    for child, parent in changes:
        refused = rules.adopt({child: parent}, above)
        if not refused:
            above[child] = parent
    for one in IDS:
        seen, at = set(), above[one]
        while at is not None:
            assert at not in seen
            assert at != one
            seen.add(at)
            at = above[at]


def test_of_two_that_would_close_a_circle_the_first_stands() -> None:
    one, other = uuid4(), uuid4()
    assert rules.adopt({one: other, other: one}, {one: None, other: None}) == {other: "circle"}
    assert rules.adopt({one: one}, {one: None}) == {one: "itself"}
    assert rules.adopt({one: uuid4()}, {one: None}) == {one: "unknown"}
    assert rules.adopt({uuid4(): one}, {one: None}).popitem()[1] == "unknown"
    assert rules.adopt({one: None}, {one: other}) == {}


def test_a_line_has_its_length() -> None:
    above: dict[UUID, UUID | None] = {IDS[0]: None}
    chain = [uuid4() for _ in range(rules.LONGEST_LINE + 2)]
    for n, one in enumerate(chain):
        above[one] = None
        refused = rules.adopt({one: chain[n - 1] if n else None}, above)
        assert (refused == {}) is (n <= rules.LONGEST_LINE)
        above[one] = chain[n - 1] if n and not refused else None


def test_omocodia_is_seen_through() -> None:
    code = "RSSMRA80A01F205X"
    others = rules.variants(code)
    assert len(set(others)) == 127
    assert code not in others
    assert all(rules.tax_code(other) == other and rules.one_code(code, other) for other in others)
    assert not rules.one_code(code, code)
    assert not rules.one_code(code, "VRDMRA80A01F205N")
    assert not rules.one_code("94080470480", "94080470498")
    assert rules.variants("94080470480") == []
