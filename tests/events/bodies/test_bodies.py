from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.contracts.registry import Quorum
from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


async def test_a_body_is_known_as_the_newest_fact_says_with_its_calls(room: Room) -> None:
    body = room.body("by_territory", territory="03", roles=("representative",), proxies=2)
    second = Quorum(numerator=1, denominator=3, exceeded=False, at_least=2)
    changed = room.body("fixed", body.id, title="Altro nome", second_call=second)
    await room.tell(changed, body)
    (row,) = await room.running.sql("select * from bodies where id = :id", id=body.id)
    assert (row.title, row.composition, row.roles, row.territory, row.proxies) == ("Altro nome", "fixed", [], None, 0)
    assert row.first_call == {"numerator": 1, "denominator": 2, "exceeded": True, "at_least": 1}
    assert row.second_call == second.model_dump()


async def test_a_body_with_one_call_has_no_second(room: Room) -> None:
    body = room.body()
    await room.tell(body)
    rows = await room.running.sql("select id from bodies where id = :id and second_call is null", id=body.id)
    assert [row.id for row in rows] == [body.id]


async def test_a_closed_seat_is_not_opened_by_an_older_fact(room: Room) -> None:
    body = room.body()
    seat = room.seat(body.id)
    closed = room.closed(seat, date(2026, 3, 1))
    await room.tell(body, closed, seat)
    (row,) = await room.running.sql("select since, until from seats where id = :id", id=seat.id)
    assert (row.until, row.since < row.until) == (date(2026, 3, 1), True)


async def test_a_seat_may_be_told_before_its_body(room: Room) -> None:
    body = room.body("fixed")
    seat = room.seat(body.id)
    mandate = room.mandate(body.id, seat_id=seat.id, since=room.today + timedelta(days=1))
    await room.tell(seat, body, mandate)
    meeting = await room.convened(body.id)
    assert len(await room.invitations(meeting)) == 1
