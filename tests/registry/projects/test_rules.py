"""Projects: days, money, places. Each amount is contained in the one before it, whatever is done in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.registry.projects import rules
from services.registry.projects.rules import (
    Action,
    Amounts,
    Entry,
    InvalidProject,
    Line,
    NotContained,
    Outcome,
    OutcomeKind,
    Partner,
    PastTheEnd,
    Payment,
    Pledge,
    Project,
    ProjectClosed,
    Role,
    Source,
    SourceKind,
    State,
)

TODAY = date(2016, 6, 1)
NETWORK, LEAD, OTHER = (UUID(int=n) for n in range(1, 4))


def project(**more: Any) -> Project:
    days = {"since": date(2015, 2, 1), "last_day": date(2018, 1, 31), "opened_on": TODAY}
    return Project(NETWORK, "FareLegami", **{**days, **more})


PARTNERS = [Partner(UUID(int=9), LEAD, Role.LEAD), Partner(UUID(int=9), OTHER, Role.PARTNER)]


# --- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", [date(1899, 12, 31), date(2018, 2, 1)])
def test_a_project_ends_after_it_begins_on_days_that_can_be(since: date) -> None:
    with pytest.raises(InvalidProject):
        rules.open_(project(since=since))
    assert rules.open_(project(since=date(2018, 1, 31)))


def test_a_date_past_the_end_is_refused_until_the_project_is_extended() -> None:
    one = project()
    late = Action(one.id, "Coda", date(2018, 1, 31), date(2018, 2, 1))
    with pytest.raises(PastTheEnd) as refused:
        rules.check_action(one, late, PARTNERS)
    assert refused.value.last_day == date(2018, 1, 31)
    with pytest.raises(PastTheEnd):
        one.require_year(2019)
    one.extend("45/2017", TODAY, date(2019, 1, 1), TODAY)
    assert rules.check_action(one, late, PARTNERS) is late
    one.require_year(2019)
    assert one.extensions == [
        {"number": "45/2017", "day": "2016-06-01", "before": "2018-01-31", "last_day": "2019-01-01"}
    ]


@pytest.mark.parametrize(
    ("day", "last_day"),
    [(TODAY, date(2018, 1, 31)), (TODAY + timedelta(1), date(2019, 1, 1)), (TODAY, date(2201, 1, 1))],
)
def test_an_extension_is_longer_and_its_act_is_not_of_tomorrow(day: date, last_day: date) -> None:
    one = project()
    with pytest.raises(InvalidProject):
        one.extend("45", day, last_day, TODAY)
    assert one.extensions == []


def test_what_is_closed_changes_no_more() -> None:
    one = project()
    with pytest.raises(InvalidProject):
        one.close(TODAY + timedelta(1), None, TODAY)
    one.close(TODAY, "Fatto", TODAY)
    assert one.state is State.CLOSED
    for act in (
        lambda: one.change(title="Altro"),
        lambda: one.extend("1", TODAY, date(2020, 1, 1), TODAY),
        lambda: one.close(TODAY, None, TODAY),
        lambda: rules.check_action(one, Action(one.id, "A", one.since, one.since), PARTNERS),
    ):
        with pytest.raises(ProjectClosed):
            act()


@pytest.mark.parametrize("given", ["j47h15000440006", "J47 H150 0044 0006", "J47H15000440006"])
def test_a_cup_is_kept_as_it_is_written_officially(given: str) -> None:
    assert rules.cup_of(given) == "J47H15000440006"


@pytest.mark.parametrize(
    "given", ["J47H1500044000", "J47H150004400066", "147H15000440006", "J4XH15000440006", "J47515000440006", "", "à"]
)
def test_what_is_no_cup_is_refused(given: str) -> None:
    with pytest.raises(InvalidProject) as refused:
        rules.cup_of(given)
    assert refused.value.path == "/cup"


def test_a_decree_has_a_number_and_a_day() -> None:
    for half in ({"decree_number": "1"}, {"decree_day": TODAY}):
        with pytest.raises(InvalidProject):
            rules.open_(project(**half))
    assert rules.open_(project(decree_number="1", decree_day=TODAY))


def test_exactly_one_partner_leads() -> None:
    for wrong in ([], [PARTNERS[1]], [PARTNERS[0], Partner(UUID(int=9), OTHER, Role.LEAD)]):
        with pytest.raises(InvalidProject):
            rules.require_partners(wrong)
    rules.require_partners(PARTNERS)
    assert rules.lead_of(PARTNERS) == LEAD


def test_two_partners_that_prove_to_be_one_have_the_stronger_role_and_work_where_either_did() -> None:
    assert rules.combined((Role.SUPPORTER, ["D150"]), (Role.LEAD, ["D142", "D150"])) == (Role.LEAD, ["D142", "D150"])
    assert rules.combined((Role.PARTNER, ["D150"]), (Role.SUPPORTER, [])) == (Role.PARTNER, ["D150"])


def test_who_answers_for_an_action_is_a_partner() -> None:
    one = project()
    with pytest.raises(InvalidProject):
        rules.check_action(one, Action(one.id, "A", one.since, one.since, uuid4()), PARTNERS)
    assert rules.check_action(one, Action(one.id, "A", one.since, one.since, OTHER), PARTNERS)


# --- money -----------------------------------------------------------------------------------------------------------


class PledgedSignedPaid(RuleBasedStateMachine):
    """Whatever is asked for, in whatever order: what is refused changes nothing, what is taken keeps the order."""

    def __init__(self) -> None:
        super().__init__()
        self.pledge = Pledge(uuid4(), uuid4(), 2016, 1_000)
        self.payments: list[Payment] = []

    def attempt(self, act: Callable[[], Any]) -> Any:
        before = (self.pledge.pledged, self.pledge.signed, self.pledge.paid)
        try:
            return act()
        except (NotContained, InvalidProject):
            assert (self.pledge.pledged, self.pledge.signed, self.pledge.paid) == before
            return None

    @rule(cents=st.integers(-10, 3_000))
    def change(self, cents: int) -> None:
        self.attempt(lambda: self.pledge.pledge(cents))

    @rule(cents=st.integers(-10, 3_000), days=st.integers(-3, 3))
    def sign(self, cents: int, days: int) -> None:
        self.attempt(lambda: self.pledge.sign(cents, TODAY + timedelta(days), None, None, TODAY))

    @rule(cents=st.integers(-10, 3_000))
    def pay(self, cents: int) -> None:
        paid = self.attempt(lambda: self.pledge.pay(cents, TODAY, TODAY))
        if paid:
            self.payments.append(paid)

    @rule()
    def take_back(self) -> None:
        if self.payments:
            self.pledge.take_back(self.payments.pop())

    @invariant()
    def each_is_contained_in_the_one_before(self) -> None:
        one = self.pledge
        assert one.pledged >= one.signed >= one.paid >= 0
        assert one.pledged > 0
        assert one.paid == sum(payment.cents for payment in self.payments)
        assert all(payment.cents > 0 for payment in self.payments)
        assert one.settled is (one.signed > 0 and one.paid == one.signed)


TestPledgedSignedPaid = PledgedSignedPaid.TestCase


def test_the_bounds_that_are_told_are_those_that_hold() -> None:
    one = Pledge(uuid4(), uuid4(), 2016, 100)
    for cents in (0, 101):
        with pytest.raises(NotContained) as refused:
            one.sign(cents, TODAY, None, None, TODAY)
        assert (refused.value.least, refused.value.most) == (1, 100)
    one.sign(100, TODAY, None, None, TODAY)
    one.pay(40, TODAY, TODAY)
    with pytest.raises(NotContained) as refused:
        one.pay(61, TODAY, TODAY)
    assert (refused.value.least, refused.value.most) == (1, 60)
    with pytest.raises(NotContained) as refused:
        one.pledge(99)
    assert refused.value.least == 100
    with pytest.raises(NotContained):
        one.sign(39, TODAY, None, None, TODAY)
    one.sign(40, TODAY, None, None, TODAY)
    assert one.settled


CENTS = st.integers(1, 10**12)
AMOUNTS = st.tuples(CENTS, st.integers(0, 100), st.integers(0, 100), st.integers(2015, 2018), st.integers(0, 2))


@given(st.lists(CENTS, max_size=5), st.lists(AMOUNTS, max_size=12), st.lists(CENTS, max_size=4))
def test_sums_are_the_same_whatever_they_are_summed_by(
    costs: list[int], given_: list[tuple[int, int, int, int, int]], collected: list[int]
) -> None:
    one = uuid4()
    sources = [Source(one, kind, str(kind), 1_000) for kind in SourceKind]
    pledges = []
    for cents, signed, paid, year, source in given_:
        pledged = Pledge(one, sources[source].id, year, cents, OTHER if source else None)
        pledged.signed = cents * signed // 100
        pledged.paid = pledged.signed * paid // 100
        pledges.append(pledged)
    entries = [Entry(one, sources[2].id, TODAY, cents, "Cena") for cents in collected]
    figures = rules.budget([Line(one, "L", cents) for cents in costs], sources, pledges, entries)
    assert figures.total == sum(costs)
    for part in (figures.kinds, figures.years, {s.source.id: s.amounts for s in figures.sources}):
        assert sum(part.values(), Amounts()) == figures.whole
    assert sum(figures.partners.values(), Amounts()).pledged == figures.whole.pledged - sum(collected)
    assert figures.whole.pledged >= figures.whole.signed >= figures.whole.paid >= sum(collected)
    assert figures.uncovered >= 0
    assert figures.over_pledged >= 0
    assert figures.total - figures.uncovered + figures.over_pledged == figures.whole.pledged
    for each in figures.sources:
        assert each.source.cents + each.over == each.amounts.pledged + each.open
        assert sum(each.years.values(), Amounts()) == each.amounts


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_share_is_the_exact_one_to_four_decimals(cents: int, of: int) -> None:
    found = rules.share(cents, of)
    assert found is not None
    assert abs(Fraction(found).limit_denominator(10_000) - Fraction(cents, of)) <= Fraction(1, 20_000)
    assert rules.share(cents, 0) is None


def test_the_grant_of_farelegami_is_45_45_per_cent() -> None:
    assert rules.share(150_000_000, 330_000_000) == 0.4545
    assert rules.share(180_000_000, 330_000_000) == 0.5455
    assert rules.share(1, 3) == 0.3333
    assert rules.share(2, 3) == 0.6667
    assert rules.share(5, 100_000) == 0.0001  # half up


def test_co_funding_is_a_partners_and_nobody_else_pledges() -> None:
    one = project()
    sources = {kind: Source(one.id, kind, "S", 1) for kind in SourceKind}
    co_funding = sources[SourceKind.CO_FUNDING]
    for who in (None, uuid4()):
        with pytest.raises(InvalidProject):
            rules.check_pledge(one, co_funding, Pledge(one.id, co_funding.id, 2016, 1, who), PARTNERS)
    assert rules.check_pledge(one, co_funding, Pledge(one.id, co_funding.id, 2016, 1, OTHER), PARTNERS)
    grant = sources[SourceKind.GRANT]
    assert rules.check_pledge(one, grant, Pledge(one.id, grant.id, 2016, 1), PARTNERS)
    with pytest.raises(InvalidProject):
        rules.check_pledge(one, grant, Pledge(one.id, grant.id, 2014, 1), PARTNERS)


def test_only_fundraising_collects_and_only_what_has_come() -> None:
    one = project()
    for kind in SourceKind:
        source = Source(one.id, kind, "S", 1)
        entry = Entry(one.id, source.id, TODAY, 5, "Cena")
        if kind is SourceKind.FUNDRAISING:
            assert rules.check_entry(one, source, entry, TODAY)
            with pytest.raises(InvalidProject):
                rules.check_entry(one, source, entry, TODAY - timedelta(1))
        else:
            with pytest.raises(InvalidProject):
                rules.check_entry(one, source, entry, TODAY)


# --- outcomes and places ---------------------------------------------------------------------------------------------


def test_an_outcome_is_somewhere_and_can_be_seen() -> None:
    one = project()
    made: dict[str, Any] = {"kind": OutcomeKind.INTERVENTION, "title": "Orto", "on": TODAY}
    assert rules.check_outcome(one, Outcome(one.id, **made, territory="D150", link="https://example.org"), TODAY)
    lacking: list[dict[str, Any]] = [{"territory": "D150"}, {"evidence": "Foto"}]
    for missing in lacking:
        with pytest.raises(InvalidProject):
            rules.check_outcome(one, Outcome(one.id, **made, **missing), TODAY)
    with pytest.raises(InvalidProject):
        rules.check_outcome(one, Outcome(one.id, **made, territory="D150", evidence="x"), TODAY - timedelta(1))


@given(st.lists(st.sets(st.sampled_from(["D142", "D150", "B898", "E507"])), max_size=20))
@settings(deadline=None)  # the first example reads the territories
def test_who_works_in_several_territories_is_counted_once(works_in: list[set[str]]) -> None:
    found = rules.places(["D142", "D150", "B898"], works_in)
    assert found.total == len(works_in)
    assert found.several == sum(len(one & {"D142", "D150", "B898"}) > 1 for one in works_in)
    assert found.elsewhere == sum(not one & {"D142", "D150", "B898"} for one in works_in)
    assert found.counts["D150"] == sum("D150" in one for one in works_in)


def test_a_municipality_counts_in_its_province_and_region() -> None:
    assert rules.places(["03", "019", "097"], [["D150"], ["E507"], ["019"]]).counts == {"03": 3, "019": 2, "097": 1}
