"""A person was entered twice: what was to be told to the duplicate is told to the one who stands for both."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import PersonMerged
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)


async def test_a_duplicate_has_no_address_and_its_deliveries_are_the_others(notify: Network) -> None:
    going, staying = notify.person(), notify.person()
    await notify.running.tell(going, staying, notify.sign_in(going))
    await notify.mails(going, 1)
    merged = PersonMerged(id=going.id, version=9, network_id=notify.id, into_id=staying.id)
    await notify.running.tell(merged)
    await notify.running.settled()
    (row,) = await notify.running.sql("select given_name, email from contacts where person_id = :id", id=going.id)
    assert tuple(row) == ("", None)
    assert [one["topic"] for one in await notify.deliveries(person=str(staying.id))] == ["sign-in"]
    assert await notify.deliveries(person=str(going.id)) == []


async def test_what_is_queued_for_both_is_sent_once(notify: Network) -> None:
    going, staying, meeting = notify.person(), notify.person(), uuid7()
    await notify.running.tell(going, staying)
    await notify.running.settled()
    for person, topic in ((going, "both"), (staying, "both"), (going, "one")):
        await notify.running.sql(
            "insert into deliveries (id, network_id, person_id, channel, topic, key, because_of, state, intended_at,"
            " next_try) values (:id, :network, :person, 'email', 'enrolled', :key, :id, 'queued', now(),"
            " now() + interval '1 day')",
            id=uuid7(),
            network=notify.id,
            person=person.id,
            key=f"{topic}:{meeting}:{person.id}",
        )
    await notify.running.tell(PersonMerged(id=going.id, version=2, network_id=notify.id, into_id=staying.id))
    await notify.running.settled()
    rows = await notify.running.sql(
        "select person_id, state, count(*) from deliveries where key like :key group by 1, 2 order by 2",
        key=f"%{meeting}%",
    )
    assert [tuple(row) for row in rows] == [(staying.id, "queued", 2), (staying.id, "suppressed", 1)]
