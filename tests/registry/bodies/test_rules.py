"""What is true of bodies and seats, without a database, a loop or a clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import (
    DEFAULTS,
    Body,
    BodyDissolved,
    Composition,
    ConstitutedAlready,
    InvalidBody,
    InvalidPlace,
    Kind,
    NotByHand,
    Quorum,
    Seat,
    SeatClosed,
    SeatOfAnother,
    State,
    check,
    check_proxies,
    check_seat,
    place,
    proxies_by_default,
    roles_by_default,
)
from services.registry.mandates.rules import InvalidTerm, Mandate
from shared.access.roles import Role

NETWORK, PONTI, RETI = uuid7(), uuid7(), uuid7()
GIULIA = uuid7()
MARCH, JUNE, SEPTEMBER = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)
DAY = timedelta(days=1)


def body(composition: Composition = Composition.ONE_PER_MEMBER, **more: Any) -> Body:
    roles = {
        Composition.ONE_PER_MEMBER: ["referent"],
        Composition.FIXED: [],
        Composition.BY_TERRITORY: ["representative"],
        Composition.OPEN: ["member"],
    }[composition]
    return Body(NETWORK, "Comitato", **{"kind": Kind.WORKING_GROUP, "composition": composition, "roles": roles, **more})


def seat(of: Body, organisation: Any = PONTI, role: Role = Role.REFERENT, **more: Any) -> Seat:
    return Seat(of.id, of.network_id, "Ponti", role, MARCH, organisation, **more)


def mandate(of: Body | None = None, where: Seat | None = None, **more: Any) -> Mandate:
    values = {
        "network_id": NETWORK,
        "role": Role.REFERENT,
        "since": MARCH,
        "organisation_id": PONTI,
        "body_id": of and of.id,
        "seat_id": where and where.id,
    }
    return Mandate(person_id=GIULIA, **{**values, **more})


@pytest.mark.parametrize(
    ("quorum", "path", "accepted"),
    [
        (Quorum(1, 0), "/first_call/denominator", "1 to 1000000"),
        (Quorum(1, -2), "/first_call/denominator", "1 to 1000000"),
        (Quorum(-1, 2), "/first_call/numerator", "0 to 1"),
        (Quorum(3, 2, exceeded=False), "/first_call/numerator", "0 to 2"),
        (Quorum(2, 2), "/first_call/numerator", "0 to 1"),  # nobody is more than all
        (Quorum(1, 2, at_least=0), "/first_call/at_least", "1 to 1000000"),
    ],
)
def test_a_fraction_lies_between_none_and_all(quorum: Quorum, path: str, accepted: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        check(body(first_call=quorum))
    assert (refused.value.path, refused.value.accepted) == (path, accepted)
    with pytest.raises(InvalidBody) as refused:
        check(body(second_call=quorum))
    assert refused.value.path == path.replace("first", "second")


@pytest.mark.parametrize(("members", "most"), [(0, 3), (499, 3), (500, 5), (20_000, 5)])
def test_an_assembly_allows_the_proxies_of_the_law(members: int, most: int) -> None:
    assert proxies_by_default(Kind.ASSEMBLY, members) == most
    check_proxies(body(kind=Kind.ASSEMBLY, proxies=most), members)
    with pytest.raises(InvalidBody) as refused:
        check_proxies(body(kind=Kind.ASSEMBLY, proxies=most + 1), members)
    assert (refused.value.path, refused.value.accepted) == ("/proxies", f"0 to {most}")


def test_other_bodies_know_no_proxies_unless_they_say_so() -> None:
    assert proxies_by_default(Kind.EXECUTIVE_COMMITTEE, 7) == 0
    check_proxies(body(proxies=4), 7)
    with pytest.raises(InvalidBody):
        check_proxies(body(proxies=-1), 7)


def test_an_assembly_that_shrinks_is_not_told_at_a_change_of_name() -> None:
    assembly = body(kind=Kind.ASSEMBLY, proxies=5)
    assert assembly.change({"name": "Assemblea"}, 499, JUNE)
    with pytest.raises(InvalidBody):
        assembly.change({"proxies": 4}, 499, JUNE)


@pytest.mark.parametrize("kind", Kind)
def test_what_a_kind_is_by_default_can_stand(kind: Kind) -> None:
    usual = DEFAULTS[kind]
    roles = [str(role) for role in roles_by_default(kind, usual.composition)]
    check(
        Body(
            NETWORK,
            "Organo",
            kind,
            usual.composition,
            roles,
            territory="03",
            first_call=usual.first_call,
            second_call=usual.second_call,
        )
    )
    for composition in Composition:
        others = [str(role) for role in roles_by_default(kind, composition)]
        check(Body(NETWORK, "Organo", kind, composition, others, territory="03"))


@pytest.mark.parametrize(
    ("composition", "more", "path", "code"),
    [
        (Composition.BY_TERRITORY, {"territory": None}, "/territory", "missing"),
        (Composition.BY_TERRITORY, {"territory": "03", "roles": []}, "/roles", "missing"),
        (Composition.BY_TERRITORY, {"territory": "03", "roles": ["referent"]}, "/roles", "unfit"),
        (Composition.ONE_PER_MEMBER, {"roles": []}, "/roles", "one"),
        (Composition.ONE_PER_MEMBER, {"roles": ["referent", "delegate"]}, "/roles", "one"),
        (Composition.ONE_PER_MEMBER, {"roles": ["secretariat"]}, "/roles", "unfit"),
        (Composition.FIXED, {"roles": ["member"]}, "/roles", "unfit"),
        (Composition.OPEN, {"roles": ["secretariat", "member"]}, "/roles", "unfit"),
        (Composition.OPEN, {"roles": ["delegate"]}, "/roles", "missing"),
    ],
)
def test_a_composition_says_what_it_needs(composition: Composition, more: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        check(body(composition, **more))
    assert (refused.value.path, refused.value.code) == (path, code)


def test_a_body_does_not_hang_below_itself() -> None:
    one = body()
    with pytest.raises(InvalidBody) as refused:
        one.change({"parent_id": one.id}, 0, JUNE)
    assert refused.value.code == "itself"


def test_a_body_is_constituted_once_and_dissolved_once() -> None:
    one = body()
    assert one.state is State.FORMING
    one.constitute(MARCH)
    assert (one.state, one.constituted_on) == (State.CONSTITUTED, MARCH)
    with pytest.raises(ConstitutedAlready):
        one.constitute(JUNE)
    one.dissolve(JUNE)
    assert (one.state, one.constituted_on, one.dissolved_on) == (State.DISSOLVED, MARCH, JUNE)
    for act in (lambda: one.dissolve(JUNE), lambda: one.constitute(JUNE), lambda: one.change({"name": "X"}, 0, JUNE)):
        with pytest.raises(BodyDissolved):
            act()


def test_a_change_that_changes_nothing_is_none() -> None:
    one = body()
    assert not one.change({"name": "Comitato", "first_call": Quorum()}, 0, JUNE)
    assert one.change({"second_call": Quorum(0, 1, exceeded=False)}, 0, JUNE)


def test_a_seat_is_there_from_its_first_day_until_it_is_closed() -> None:
    one = seat(body())
    assert [one.exists(day) for day in (MARCH - DAY, MARCH, SEPTEMBER)] == [False, True, True]
    one.close(JUNE)
    assert [one.exists(day) for day in (MARCH, JUNE - DAY, JUNE)] == [True, True, False]
    with pytest.raises(SeatClosed):
        one.close(SEPTEMBER)


def test_a_seat_is_not_closed_before_it_began() -> None:
    with pytest.raises(InvalidBody) as refused:
        seat(body()).close(MARCH - DAY)
    assert refused.value.path == "/on"


@pytest.mark.parametrize("composition", [Composition.ONE_PER_MEMBER, Composition.BY_TERRITORY, Composition.OPEN])
def test_only_named_seats_are_made_by_hand(composition: Composition) -> None:
    with pytest.raises(NotByHand):
        check_seat(one := body(composition), seat(one))


def test_a_seat_of_the_secretariat_stands_in_the_secretariat_only() -> None:
    """Whoever holds it acts for the whole network."""
    secretariat = body(Composition.FIXED, kind=Kind.SECRETARIAT)
    check_seat(secretariat, seat(secretariat, None, Role.SECRETARIAT))
    group = body(Composition.FIXED)
    with pytest.raises(InvalidBody) as refused:
        check_seat(group, seat(group, None, Role.SECRETARIAT), "seats/2/")
    assert refused.value.path == "/seats/2/role"


def test_no_organisation_owns_a_seat_of_the_secretariat() -> None:
    secretariat = body(Composition.FIXED, kind=Kind.SECRETARIAT)
    with pytest.raises(InvalidBody) as refused:
        check_seat(secretariat, seat(secretariat, PONTI, Role.SECRETARIAT))
    assert refused.value.path == "/organisation_id"


def test_a_mandate_goes_with_its_seat() -> None:
    committee = body()
    own = seat(committee)
    place(mandate(committee, own), committee, own)
    with pytest.raises(SeatOfAnother) as another:
        place(mandate(committee, own, organisation_id=RETI), committee, own)
    assert another.value.owner == PONTI
    with pytest.raises(InvalidPlace) as unfit:
        place(mandate(committee, own, role=Role.DELEGATE), committee, own)
    assert (unfit.value.path, unfit.value.accepted) == ("/role", "referent")
    with pytest.raises(InvalidPlace) as missing:
        place(mandate(committee), committee, None)
    assert missing.value.path == "/seat_id"
    elsewhere = seat(body())
    with pytest.raises(InvalidPlace) as other:
        place(mandate(committee, elsewhere), committee, elsewhere)
    assert other.value.code == "of_another_body"


def test_a_seat_of_nobody_in_particular_is_open_to_every_organisation() -> None:
    group = body(Composition.FIXED)
    free = seat(group, None, Role.REPRESENTATIVE)
    for organisation in (PONTI, RETI, None):
        place(mandate(group, free, role=Role.REPRESENTATIVE, organisation_id=organisation), group, free)


def test_a_mandate_lasts_no_longer_than_its_seat() -> None:
    committee = body()
    closed = seat(committee, until=JUNE)
    place(mandate(committee, closed, until=JUNE), committee, closed)
    with pytest.raises(SeatClosed):
        place(mandate(committee, closed, since=JUNE), committee, closed)
    for wrong in ({"until": JUNE + DAY}, {"until": None}, {"until": JUNE, "holds_over": True}):
        with pytest.raises(InvalidTerm) as refused:
            place(mandate(committee, closed, **wrong), committee, closed)
        assert refused.value.path == "/until"
    with pytest.raises(InvalidTerm) as early:
        place(mandate(committee, closed, since=MARCH - DAY, until=JUNE), committee, closed)
    assert early.value.path == "/since"


def test_a_body_of_another_network_or_a_dissolved_one_takes_nobody() -> None:
    committee = body()
    own = seat(committee)
    with pytest.raises(InvalidPlace) as refused:
        place(mandate(committee, own, network_id=uuid7()), committee, own)
    assert refused.value.code == "of_another_network"
    committee.dissolve(JUNE)
    with pytest.raises(BodyDissolved):
        place(mandate(committee, own), committee, own)


def test_who_belongs_to_a_territory_needs_no_mandate_in_the_body() -> None:
    coordination = body(Composition.BY_TERRITORY, territory="03")
    with pytest.raises(InvalidPlace) as refused:
        place(mandate(coordination, role=Role.REPRESENTATIVE, territory="03"), coordination, None)
    assert refused.value.code == "follows_territory"


def test_an_open_body_has_its_roles_and_no_seats() -> None:
    community = body(Composition.OPEN)
    place(mandate(community, role=Role.MEMBER), community, None)
    with pytest.raises(InvalidPlace) as refused:
        place(mandate(community, role=Role.DELEGATE), community, None)
    assert refused.value.path == "/role"
    with pytest.raises(InvalidPlace):
        place(mandate(community, seat(community), role=Role.MEMBER), community, seat(community))
