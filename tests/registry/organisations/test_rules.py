from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.organisations import rules
from services.registry.organisations.rules import (
    InvalidOrganisation,
    InvalidTaxCode,
    Membership,
    Organisation,
    Section,
    State,
    TooEarly,
    WrongState,
    section_list,
    tax_code,
)
from tests.registry.desk import check_digit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("94080470480", "94080470480"),
        ("'94080470480'", "94080470480"),
        (" 940.804.704-80 ", "94080470480"),
        ("IT 01229650377", "01229650377"),
        ("it01229650377", "01229650377"),
        ("RCCMNL83S18D969H", "RCCMNL83S18D969H"),
        ("rcc mnl 83s18 d969h", "RCCMNL83S18D969H"),
        ("RCCMNL83S18D96VX", None),  # the check character goes with the letters of omocodia
    ],
)
def test_tax_codes_of_bodies_and_persons_are_read(given: str, plain: str | None) -> None:
    if plain is None:
        with pytest.raises(InvalidTaxCode):
            tax_code(given)
    else:
        assert tax_code(given) == plain


ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
OMOCODIA = "LMNPQRSTUV"


def check_character(fifteen: str) -> str:
    """Of a personal tax code, written down here by itself (DM 23 December 1976)."""
    value = [int(c) if c.isdigit() else ord(c) - 65 for c in fifteen]
    return chr(65 + sum(ODD[v] if place % 2 == 0 else v for place, v in enumerate(value)) % 26)


@given(st.sets(st.sampled_from([6, 7, 9, 10, 12, 13, 14])))
def test_letters_of_omocodia_stand_for_digits_in_any_place(places: set[int]) -> None:
    fifteen = list("RCCMNL83S18D969")
    for place in places:
        fifteen[place] = OMOCODIA[int(fifteen[place])]
    code = "".join(fifteen) + check_character("".join(fifteen))
    assert tax_code(code) == code


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "missing"),
        ("'  '", "missing"),
        ("1234", "length"),
        ("94080470481", "check_digit"),
        ("RCCMNL83S18D969A", "check_digit"),
        ("00000000000", "component"),
        ("9408047048O", "characters"),
        ("01229659377", "component"),
        ("RCCMNL83S40D969H", "check_digit"),
        ("²²²²²²²²²²²", "characters"),
    ],
)
def test_a_wrong_tax_code_says_what_is_wrong(given: str, reason: str) -> None:
    with pytest.raises(InvalidTaxCode) as refused:
        tax_code(given)
    assert refused.value.reason == reason


@given(st.integers(min_value=1, max_value=9_999_999), st.integers(min_value=1, max_value=100))
def test_every_number_with_its_check_digit_is_a_tax_code(number: int, office: int) -> None:
    ten = f"{number:07d}{office:03d}"
    assert tax_code(ten + check_digit(ten)) == ten + check_digit(ten)


@given(st.text(max_size=30))
def test_any_text_is_a_tax_code_or_a_reason(given: str) -> None:
    try:
        assert len(tax_code(given)) in {11, 16}
    except InvalidTaxCode as refused:
        assert refused.reason in {"missing", "length", "characters", "check_digit", "component"}  # noqa: PT017


def test_sections_are_dated_and_exclusive_but_for_that_of_the_networks() -> None:
    year = timedelta(days=365)
    kept = section_list([Section("odv", DAY, DAY + year), Section("aps", DAY + year), Section("network", DAY)])
    assert [(s["section"], s["since"], s["until"]) for s in kept] == [
        ("aps", "2027-01-01", None),
        ("network", "2026-01-01", None),
        ("odv", "2026-01-01", "2027-01-01"),
    ]
    for wrong in (
        [Section("odv", DAY), Section("aps", DAY + year)],
        [Section("odv"), Section("odv", DAY)],
        [Section("odv", DAY, DAY)],
    ):
        with pytest.raises(InvalidOrganisation):
            section_list(wrong)


def organisation(**more: object) -> Organisation:
    values = {"title": "Ente", "kind": "association", "created_at": NOW, "updated_at": NOW, "tax_code": "94080470480"}
    return Organisation(**{**values, **more})  # type: ignore[arg-type]


def test_only_an_informal_group_is_without_a_tax_code() -> None:
    rules.check(organisation(tax_code=None, kind="informal_group"))
    with pytest.raises(InvalidOrganisation, match="tax_code"):
        rules.check(organisation(tax_code=None))


@pytest.mark.parametrize("more", [{"title": " "}, {"title": "x" * 401}, {"kind": "club"}, {"ownership": "half"}])
def test_what_cannot_stand_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(InvalidOrganisation):
        rules.check(organisation(**more))


def test_a_change_that_changes_nothing_is_none() -> None:
    one = organisation()
    assert not one.change({"title": "Ente"}, NOW + timedelta(1))
    assert one.updated_at == NOW
    assert one.change({"title": "Altro"}, NOW + timedelta(1))
    assert one.updated_at > NOW


@pytest.mark.parametrize(
    ("code", "kept"), [("03", "03"), ("097", "097"), ("LC", "097"), ("E507", "E507"), ("201", "201")]
)
def test_territories_are_kept_by_their_codes(code: str, kept: str) -> None:
    assert rules.territory_codes([code, code]) == [kept]


def test_an_unknown_territory_is_refused() -> None:
    with pytest.raises(InvalidOrganisation):
        rules.territory_codes(["ZZ"])


def test_within_a_territory_lie_its_provinces_and_municipalities() -> None:
    lombardy = rules.codes_within("03")
    assert {"03", "097", "E507", "F205"} <= lombardy
    assert "H501" not in lombardy
    assert rules.codes_within("LC") == rules.codes_within("097")
    assert rules.codes_within("E507") == {"E507"}


# --- the life of a membership


def membership(state: str = "candidate", since: date = DAY) -> Membership:
    return Membership(uuid4(), uuid4(), state, since, NOW, NOW)


ALLOWED = {
    ("candidate", "activate"): "active",
    ("candidate", "withdraw"): "withdrawn",
    ("active", "suspend"): "suspended",
    ("active", "withdraw"): "withdrawn",
    ("suspended", "resume"): "active",
    ("suspended", "withdraw"): "withdrawn",
    ("withdrawn", "rejoin"): "candidate",
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(rules.STEPS))
def test_each_step_leads_on_only_from_its_states(state: str, step: str) -> None:
    one = membership(state)
    if (state, step) in ALLOWED:
        one.step(step, DAY, NOW)
        assert one.state == ALLOWED[state, step]
        assert one.history == [{"state": state, "since": "2026-01-01"}]
    else:
        with pytest.raises(WrongState):
            one.step(step, DAY, NOW)
        assert one.history == []


def test_a_state_cannot_begin_before_the_one_it_follows() -> None:
    with pytest.raises(TooEarly):
        membership().step("activate", DAY - timedelta(days=1), NOW)


@given(st.lists(st.tuples(st.sampled_from(list(rules.STEPS)), st.integers(0, 30)), max_size=12))
def test_the_state_of_a_day_is_that_which_was_last_entered_by_then(steps: list[tuple[str, int]]) -> None:
    one, entered, day = membership(), [(DAY, "candidate")], DAY
    for step, days in steps:
        if one.state in rules.STEPS[step][1]:
            day += timedelta(days=days)
            one.step(step, day, NOW)
            entered.append((day, one.state))
    for offset in range(-1, (day - DAY).days + 2):
        on = DAY + timedelta(days=offset)
        by_then = [state for since, state in entered if since <= on]
        assert one.state_on(on) == (by_then[-1] if by_then else None)


def test_the_steps_offered_are_those_that_can_be_taken() -> None:
    assert membership("active").steps() == ["suspend", "withdraw"]
    assert membership("withdrawn").steps() == []
