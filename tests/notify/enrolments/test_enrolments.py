"""Who is enrolled in a path is told so, with the link by which it is taken."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from shared.access.actor import ROME
from shared.contracts.learning import EnrolmentCompleted, EnrolmentEnded, EnrolmentRenewed
from shared.runtime.clock import wall
from tests.harness import until
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)


async def test_who_is_enrolled_gets_the_path_the_day_and_the_link(room: Network, tmp_path: Path) -> None:
    italian, english = room.person(), room.person(given_name="Mary", language="en")
    first, second = room.enrolled(italian), room.enrolled(english, due=None)
    await room.running.tell(first, second)
    await room.running.tell(italian, english)
    (mail,) = await room.mails(italian)
    assert mail.message["Subject"] == f"Il tuo percorso: Rappresentare la rete – {TITLE}"
    for line in ("Percorso:  Rappresentare la rete", "Unità:     4", "Entro il:  31 gennaio 2099 compreso"):
        assert line in mail.text.splitlines()
    link = await room.link(mail.text, "/learning/v1/enrolments/link", "learn", tmp_path)
    assert (link.audience, link.subject) == ("learning", first.id)
    midnight = datetime.combine(date(2099, 2, 1), time(), ROME) + timedelta(days=60)
    assert abs(link.expires - midnight) < timedelta(minutes=1)
    (mail,) = await room.mails(english)
    assert mail.message["Subject"] == f"Your path: Rappresentare la rete – {TITLE}"
    assert "By:" not in mail.text
    link = await room.link(mail.text, "/learning/v1/enrolments/link", "learn", tmp_path)
    assert timedelta(days=179) < link.expires - wall() <= timedelta(days=180)


async def test_an_enrolment_that_has_ended_before_the_mail_goes_is_not_told(room: Network) -> None:
    person = room.person()
    enrolment = room.enrolled(person)
    await room.running.tell(enrolment, then(enrolment, EnrolmentEnded, state="ended"))
    await room.running.tell(person)
    await until(lambda: _is(room, person.id), 20, "suppressed")
    assert await room.topics(person) == [("enrolled", "suppressed", "too-late")]


async def test_a_replay_tells_nobody_again(room: Network) -> None:
    person = room.person()
    await room.running.tell(person, room.enrolled(person))
    await room.mails(person)
    for _ in range(3):
        await room.replay("learning")
        await room.running.settled()
    assert len(room.of(person)) == 1


async def _is(network: Network, person: object) -> bool:
    return [d["state"] for d in await network.deliveries(person=str(person))] == ["suppressed"]


async def test_a_renewal_is_told_once_and_its_day_reminded_of(room: Network) -> None:
    person = room.person()
    first = room.enrolled(person)
    done = then(first, EnrolmentCompleted, state="completed", units_done=4)
    renewed = then(done, EnrolmentRenewed, state="active", units_done=0, attempt=2, due=date(2099, 6, 30))
    await room.running.tell(person, first)
    await room.mails(person)
    assert await _days(room) == [(14, date(2099, 1, 17), "planned"), (3, date(2099, 1, 28), "planned")]
    await room.running.tell(done)
    await room.running.settled()
    assert {state for _, _, state in await _days(room)} == {"cancelled"}
    await room.running.tell(renewed)
    (_, mail) = await room.mails(person, 2)
    assert mail.message["Subject"] == f"Percorso da rifare: Rappresentare la rete – {TITLE}"
    assert await _days(room) == [(14, date(2099, 6, 16), "planned"), (3, date(2099, 6, 27), "planned")]


async def _days(room: Network) -> list[tuple[int, date, str]]:
    rows = await room.running.sql(
        "select days, at, state from reminders where topic = 'enrolment-reminder' and network_id = :room"
        " order by days desc",
        room=room.id,
    )
    return [(row.days, row.at.astimezone(ROME).date(), row.state) for row in rows]
