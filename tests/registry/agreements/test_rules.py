"""What an agreement may become, who may come forward until when, and what is enough: pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.agreements.rules import (
    AUDIENCE,
    CALLED,
    PROCEDURES,
    SIGNED,
    STEPS,
    Action,
    Agreement,
    CameForward,
    Interest,
    InvalidAgreement,
    Kind,
    NotPossible,
    Signatory,
    SignedAlready,
    Standing,
    State,
    Table,
    TooLate,
    Unevaluated,
    check,
    hold,
    parts,
)

NETWORK, TODAY = uuid7(), date(2026, 3, 2)
CRITERIA = [{"code": "quality", "title": "Qualità", "points": 60}, {"code": "cost", "title": "Costi", "points": 40}]
NOTICE = {"number": "Determina 45", "day": "2026-03-01", "authority": "Comune di Lecco"}
DEADLINE = TODAY + timedelta(days=30)


def call(kind: Kind = Kind.CO_DESIGN, state: State = State.OPEN, **more: Any) -> Agreement:
    notice: dict[str, Any] = {
        "authority_id": uuid7(),
        "act": NOTICE,
        "published_on": TODAY,
        "deadline": DEADLINE,
        "officer_mandate_id": uuid7(),
    }
    return Agreement(NETWORK, kind, "Co-progettazione", state=state, **{**notice, **more})


def memorandum(kind: Kind = Kind.MEMORANDUM, state: State = State.SIGNING, **more: Any) -> Agreement:
    return Agreement(NETWORK, kind, "Protocollo", state=state, **more)


def interest(agreement: Agreement, state: Standing = Standing.EXPRESSED) -> Interest:
    return Interest(agreement.id, NETWORK, uuid7(), TODAY, state=state)


@given(st.sampled_from(Kind), st.sampled_from(State), st.sampled_from(Action))
def test_what_is_refused_says_what_is_possible(kind: Kind, state: State, action: Action) -> None:
    one = call(kind, state) if kind in CALLED else memorandum(kind, state)
    possible = STEPS[kind].get(state, {})
    if action in possible:
        one.require(action, TODAY)
        return
    with pytest.raises(NotPossible) as refused:
        one.require(action, TODAY)
    assert refused.value.possible == ([*map(str, possible)] or ["–"])


@pytest.mark.parametrize("kind", Kind)
def test_every_state_of_a_kind_is_reached_and_every_end_is_one(kind: Kind) -> None:
    by_time = {State.SIGNING: State.IN_FORCE, State.OPEN: State.EVALUATION}  # by the last signature, by the deadline
    reached, ahead = {State.DRAFT}, [State.DRAFT]
    while ahead:
        state = ahead.pop()
        to = {*STEPS[kind].get(state, {}).values(), *([by_time[state]] if state in by_time else [])}
        ahead += to - reached
        reached |= to
    assert set(STEPS[kind]) <= reached
    assert reached - set(STEPS[kind]) == (
        {State.ENDED, State.WITHDRAWN} if kind in SIGNED else {State.CONCLUDED, State.WITHDRAWN}
    )


def test_it_is_in_force_when_the_last_has_signed_from_the_latest_day() -> None:
    one, two, three = (Signatory(uuid7(), uuid7()) for _ in range(3))
    agreement = memorandum()
    agreement.sign(two, [one, three], uuid7(), TODAY, TODAY)
    agreement.sign(one, [two, three], uuid7(), TODAY - timedelta(days=9), TODAY)
    assert (agreement.state, agreement.since) == (State.SIGNING, None)
    with pytest.raises(SignedAlready) as twice:
        agreement.sign(two, [one, three], uuid7(), TODAY, TODAY)
    assert twice.value.on == TODAY
    agreement.sign(three, [one, two], uuid7(), TODAY - timedelta(days=1), TODAY)
    assert (agreement.state, agreement.since) == (State.IN_FORCE, TODAY)


def test_a_day_agreed_on_that_is_later_is_the_first() -> None:
    first = TODAY + timedelta(days=20)
    agreement = memorandum(since=first)
    agreement.sign(Signatory(uuid7(), uuid7()), [], uuid7(), TODAY, TODAY)
    assert agreement.since == first


def test_nobody_signs_tomorrow_nor_when_it_would_be_over() -> None:
    signatory = Signatory(uuid7(), uuid7())
    with pytest.raises(InvalidAgreement):
        memorandum().sign(signatory, [], uuid7(), TODAY + timedelta(days=1), TODAY)
    with pytest.raises(InvalidAgreement):
        memorandum(until=TODAY).sign(signatory, [], uuid7(), TODAY, TODAY)
    assert signatory.signed_on is None
    memorandum(until=TODAY + timedelta(days=1)).sign(signatory, [], uuid7(), TODAY, TODAY)


def test_two_sign_at_least_and_the_administration_that_promotes_a_programme_is_one() -> None:
    one, two = (Signatory(uuid7(), uuid7()) for _ in range(2))
    with pytest.raises(InvalidAgreement) as few:
        memorandum(state=State.DRAFT).submit([one], TODAY)
    assert few.value.path == "/signatories"
    memorandum(state=State.DRAFT).submit([one, two], TODAY)
    for authority in (None, uuid7()):
        promoted = memorandum(Kind.PROGRAMME_AGREEMENT, State.DRAFT, authority_id=authority)
        with pytest.raises(InvalidAgreement) as lead:
            promoted.submit([one, two], TODAY)
        assert lead.value.path == "/authority_id"
    promoted = memorandum(Kind.PROGRAMME_AGREEMENT, State.DRAFT, authority_id=one.organisation_id)
    promoted.submit([one, two], TODAY)
    assert promoted.state is State.SIGNING


def test_the_deadline_is_in_time_and_the_day_after_is_not() -> None:
    call().hear(DEADLINE)
    for state in (State.OPEN, State.EVALUATION, State.TABLES, State.CONCLUDED):
        with pytest.raises(TooLate) as late:
            call(state=state).hear(DEADLINE + timedelta(days=1))
        assert late.value.deadline == DEADLINE
    with pytest.raises(NotPossible):
        call(state=State.DRAFT).hear(TODAY)
    with pytest.raises(NotPossible):
        call(state=State.WITHDRAWN).hear(TODAY)


def test_time_moves_what_is_open_and_what_is_in_force() -> None:
    one = call()
    assert one.due_at is not None
    assert one.due_at.isoformat() == "2026-04-02T00:00:00+02:00"
    assert not one.turn(DEADLINE)
    assert one.turn(DEADLINE + timedelta(days=1))
    assert one.state is State.EVALUATION
    assert not one.turn(DEADLINE + timedelta(days=2))
    last = memorandum(state=State.IN_FORCE, since=TODAY, until=DEADLINE)
    assert last.due_at is not None
    assert last.due_at.isoformat() == "2026-04-01T00:00:00+02:00"
    assert not last.turn(DEADLINE - timedelta(days=1))
    assert last.turn(DEADLINE)
    assert (last.state, last.closed_on) == (State.ENDED, DEADLINE)
    assert memorandum(state=State.IN_FORCE, since=TODAY).due_at is None


def test_a_call_says_what_it_must_before_it_opens() -> None:
    needed = ("authority_id", "act", "published_on", "deadline", "officer_mandate_id")
    for kind in PROCEDURES:
        for name in needed:
            with pytest.raises(InvalidAgreement) as missing:
                call(kind, State.DRAFT, **{name: None}).open(TODAY)
            assert missing.value.path == f"/{name}"
    bare = Agreement(NETWORK, Kind.FUNDING_CALL, "Avviso")
    with pytest.raises(InvalidAgreement):
        bare.open(TODAY)
    bare.deadline = TODAY
    bare.open(TODAY)
    assert bare.state is State.OPEN
    with pytest.raises(InvalidAgreement):
        call(state=State.DRAFT, deadline=TODAY, published_on=TODAY - timedelta(days=9)).open(TODAY + timedelta(days=1))
    with pytest.raises(InvalidAgreement):
        call(state=State.DRAFT, published_on=TODAY + timedelta(days=1)).open(TODAY)


def test_an_open_call_is_only_changed_in_favour_of_those_who_come_forward() -> None:
    one = call()
    for name, value in (("title", "Altro"), ("criteria", CRITERIA), ("deadline", DEADLINE - timedelta(days=1))):
        with pytest.raises(InvalidAgreement) as refused:
            one.change(TODAY, **{name: value})
        assert refused.value.path == f"/{name}"
    with pytest.raises(InvalidAgreement):
        one.change(TODAY, deadline=None)
    assert one.change(TODAY, deadline=DEADLINE + timedelta(days=1))
    assert not one.change(TODAY, deadline=DEADLINE + timedelta(days=1))
    with pytest.raises(NotPossible):
        one.change(DEADLINE + timedelta(days=2), link="https://example.org")


@pytest.mark.parametrize(
    ("scores", "path"),
    [
        ({"quality": 60}, "/scores/cost"),
        ({"quality": 60.5, "cost": 1}, "/scores/quality"),
        ({"quality": -0.5, "cost": 1}, "/scores/quality"),
        ({"quality": 6, "cost": 1, "charm": 9}, "/scores/charm"),
        ({"quality": 30, "cost": 29}, "/scores"),
    ],
)
def test_who_is_admitted_has_every_score_within_its_points_and_enough(scores: dict[str, float], path: str) -> None:
    one = call(state=State.EVALUATION, criteria=CRITERIA, threshold=60)
    heard = interest(one)
    with pytest.raises(InvalidAgreement) as refused:
        heard.evaluate(one, Standing.ADMITTED, scores, None, TODAY)
    assert refused.value.path == path
    assert heard.state is Standing.EXPRESSED


def test_the_threshold_is_enough_and_who_is_excluded_is_told_why() -> None:
    one = call(state=State.EVALUATION, criteria=CRITERIA, threshold=60)
    heard = interest(one)
    heard.evaluate(one, Standing.ADMITTED, {"quality": 60, "cost": 0}, None, TODAY)
    assert (heard.state, heard.points, heard.decided_on) == (Standing.ADMITTED, 60, TODAY)
    with pytest.raises(InvalidAgreement) as mute:
        heard.evaluate(one, Standing.EXCLUDED, {}, None, TODAY)
    assert mute.value.path == "/reason"
    heard.evaluate(one, Standing.EXCLUDED, {}, "Fuori termine", TODAY)
    assert (heard.state, heard.points) == (Standing.EXCLUDED, None)
    with pytest.raises(InvalidAgreement):
        heard.evaluate(one, Standing.WITHDRAWN, {}, None, TODAY)
    with pytest.raises(NotPossible):
        heard.evaluate(call(), Standing.ADMITTED, {}, None, TODAY)


@given(
    st.lists(st.integers(min_value=0, max_value=60), min_size=2, max_size=2), st.integers(min_value=0, max_value=100)
)
def test_somebody_is_admitted_exactly_from_the_threshold_on(points: list[int], threshold: int) -> None:
    one = call(state=State.EVALUATION, criteria=CRITERIA, threshold=threshold)
    scores = {"quality": points[0], "cost": min(points[1], 40)}
    heard = interest(one)
    if sum(scores.values()) >= threshold:
        heard.evaluate(one, Standing.ADMITTED, scores, None, TODAY)
        assert heard.points == sum(scores.values())
    else:
        with pytest.raises(InvalidAgreement):
            heard.evaluate(one, Standing.ADMITTED, scores, None, TODAY)


def test_tables_open_when_all_are_decided_and_somebody_was_admitted() -> None:
    one = call(state=State.EVALUATION)
    waiting = interest(one)
    with pytest.raises(Unevaluated) as refused:
        one.convene([interest(one, Standing.ADMITTED), waiting], TODAY)
    assert refused.value.interests == [waiting.id]
    with pytest.raises(InvalidAgreement):
        one.convene([interest(one, Standing.EXCLUDED), interest(one, Standing.WITHDRAWN)], TODAY)
    one.convene([interest(one, Standing.ADMITTED), interest(one, Standing.WITHDRAWN)], TODAY)
    assert one.state is State.TABLES


def test_a_procedure_is_concluded_after_a_table_with_something_to_show() -> None:
    with pytest.raises(InvalidAgreement) as nothing:
        call(state=State.TABLES).conclude(None, None, 1, TODAY)
    assert nothing.value.path == "/outcome"
    with pytest.raises(InvalidAgreement) as untabled:
        call(state=State.TABLES).conclude("Documento", None, 0, TODAY)
    assert untabled.value.path == "/tables"
    convention: UUID = uuid7()
    one = call(state=State.TABLES)
    one.conclude(None, convention, 1, TODAY)
    assert (one.state, one.outcome_id, one.closed_on) == (State.CONCLUDED, convention, TODAY)
    funding = call(Kind.FUNDING_CALL, State.EVALUATION)
    funding.conclude("Tre progetti", None, 0, TODAY)
    assert funding.state is State.CONCLUDED


def test_a_table_was_held_and_is_minuted() -> None:
    one = call(state=State.TABLES)
    hold(one, Table(one.id, TODAY, "Primo", record="Condiviso"), TODAY)
    for wrong in (Table(one.id, TODAY, "Primo"), Table(one.id, TODAY + timedelta(days=1), "Domani", record="x")):
        with pytest.raises(InvalidAgreement):
            hold(one, wrong, TODAY)


def test_what_was_taken_back_can_come_again_until_the_deadline() -> None:
    one = call()
    heard = interest(one)
    with pytest.raises(CameForward):
        heard.again(None, TODAY, on_behalf=False)
    heard.withdraw(one, DEADLINE)
    heard.again("Di nuovo", DEADLINE, on_behalf=True)
    assert (heard.state, heard.note, heard.on_behalf) == (Standing.EXPRESSED, "Di nuovo", True)
    with pytest.raises(TooLate):
        heard.withdraw(one, DEADLINE + timedelta(days=1))


def test_values_go_with_the_kind() -> None:
    for wrong in (
        memorandum(deadline=DEADLINE),
        memorandum(kinds=["association"]),
        call(since=TODAY),
        call(deadline=TODAY - timedelta(days=1)),
        memorandum(since=TODAY, until=TODAY),
        call(criteria=[CRITERIA[0], CRITERIA[0]]),
        call(criteria=CRITERIA, threshold=101),
    ):
        with pytest.raises(InvalidAgreement):
            check(wrong)
    check(call(criteria=CRITERIA, threshold=100))


@given(st.integers(min_value=0, max_value=5 * AUDIENCE))
def test_everybody_concerned_is_in_one_part(count: int) -> None:
    ids = [UUID(int=number) for number in range(count)]
    found = parts(ids)
    assert [id_ for _, some in found for id_ in some] == ids
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert all(0 < len(some) <= AUDIENCE for _, some in found)
