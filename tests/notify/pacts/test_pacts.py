"""Who is told of pacts and of groups that nobody covers: codes and days, nothing of the person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.access.actor import ROME
from shared.contracts.registry import (
    BodyConstituted,
    BodyCovered,
    BodyState,
    BodyUncovered,
    GrantsChanged,
    PactChanged,
    PactHandedOver,
    PactSigned,
    PactState,
    PactStep,
    PersonRegistered,
)
from shared.runtime import clock
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(180)


def today(notify: Network) -> date:
    return notify.running.context.clock.now().astimezone(ROME).date()


async def morning(notify: Network, on: date) -> None:
    file = notify.running.context.settings.clock_file
    assert isinstance(file, Path)
    clock.set(file, datetime(on.year, on.month, on.day, 8, 0, 5, tzinfo=ROME))
    await notify.running.settled()


def group_of(notify: Network, **changed: Any) -> BodyConstituted:
    known = {"title": "Gruppo di Lecco", "kind": "working_group", "composition": "fixed", "territory": "E507"}
    return notify.body(**{**known, "needed_role": "community_maker", **changed})


def pact(notify: Network, group: BodyState, maker: PersonRegistered | None, **changed: Any) -> PactSigned:
    known: dict[str, Any] = {"code": "PG-2026-0007", "territory": "E507", "state": "signed", "version": 1}
    maker_id = maker.id if maker else None
    return PactSigned(id=uuid7(), network_id=notify.id, body_id=group.id, maker_id=maker_id, **{**known, **changed})


def coordinator(notify: Network, person: PersonRegistered, territory: str) -> GrantsChanged:
    return notify.secretary(person, role="coordinator", territory=territory)


def topics(deliveries: Sequence[dict[str, Any]], person: PersonRegistered) -> list[str]:
    return sorted(one["topic"] for one in deliveries if one["person"] and one["person"]["id"] == str(person.id))


async def test_the_maker_is_reminded_of_each_step_fourteen_and_three_days_before_it(room: Network) -> None:
    group, maker, later = group_of(room), room.person(), room.person(language="en")
    first, second = today(room) + timedelta(days=30), today(room) + timedelta(days=40)
    steps = (PactStep(number=1, due=first), PactStep(number=2, due=second))
    one = pact(room, group, maker, steps=2, due_steps=steps)
    await room.running.tell(group, maker, later, one)
    await room.running.settled()
    await morning(room, first - timedelta(days=14))
    (mail,) = await room.mails(maker)
    assert "patto PG-2026-0007, passo 1" in mail.message["Subject"]
    assert TITLE in mail.message["Subject"]
    assert "Passo:     n. 1" in mail.text
    assert "fra 14 giorni" in mail.text
    closed = then(one, PactChanged, steps_done=1, due_steps=steps[1:], maker_id=later.id)
    await room.running.tell(closed)
    await room.running.settled()
    await morning(room, first - timedelta(days=3))  # the step has its outcome: nobody is reminded of it
    await morning(room, second - timedelta(days=3))
    mails = await room.mails(later)
    assert [mail.message["Subject"] for mail in mails][-1].startswith("Reminder, by ")
    assert "pact PG-2026-0007, step 2" in mails[-1].message["Subject"]
    assert len(room.of(maker)) == 1
    for mail in (*room.of(maker), *mails):
        assert "http://trama.test" in mail.text
        assert "token=" not in mail.said


async def test_a_step_that_is_moved_moves_its_reminders_and_a_pact_that_ends_has_none(room: Network) -> None:
    group, maker = group_of(room), room.person()
    due = today(room) + timedelta(days=30)
    one = pact(room, group, maker, steps=1, due_steps=(PactStep(number=1, due=due),))
    await room.running.tell(group, maker, one)
    await room.running.settled()
    moved = then(one, PactChanged, due_steps=(PactStep(number=1, due=due + timedelta(days=60)),))
    await room.running.tell(moved)
    await room.running.settled()
    await morning(room, due - timedelta(days=3))
    assert room.of(maker) == []
    await room.running.tell(then(moved, PactChanged, state="ended", due_steps=()))
    await room.running.settled()
    await morning(room, due + timedelta(days=60))
    assert room.of(maker) == []


async def test_while_nobody_follows_the_pact_who_coordinates_its_territory_is_reminded(room: Network) -> None:
    group, near, far = group_of(room), room.person(), room.person()
    due = today(room) + timedelta(days=20)
    await room.running.tell(group, near, far, coordinator(room, near, "097"), coordinator(room, far, "01"))
    await room.running.tell(pact(room, group, None, steps=1, due_steps=(PactStep(number=1, due=due),)))
    await room.running.settled()
    await morning(room, due - timedelta(days=3))
    (mail,) = await room.mails(near)
    assert "passo 1" in mail.message["Subject"]
    assert room.of(far) == []


async def test_who_follows_pacts_now_is_told_once_for_all_that_pass_on_together(room: Network) -> None:
    group, heir, english = group_of(room), room.person(), room.person(language="en")
    told: list[PactState] = [pact(room, group, None, code=f"PG-2026-{n:04d}") for n in range(1, 4)]
    await room.running.tell(group, heir, english, *told)
    await room.running.settled()
    await room.running.tell(*(then(one, PactHandedOver, maker_id=heir.id) for one in told))
    (mail,) = await room.mails(heir)
    await room.running.settled()
    assert len(room.of(heir)) == 1
    assert mail.message["Subject"] == f"Ora segui 3 patti – Gruppo di Lecco – {TITLE}"
    for code in ("PG-2026-0001", "PG-2026-0002", "PG-2026-0003"):
        assert f"- {code}" in mail.text
    alone = pact(room, group, None, code="PG-2026-0009")
    await room.running.tell(alone)
    await room.running.settled()
    await room.running.tell(then(alone, PactHandedOver, maker_id=english.id))
    (mail,) = await room.mails(english)
    assert mail.message["Subject"] == f"You now follow pact PG-2026-0009 – Gruppo di Lecco – {TITLE}"


async def test_the_coordinator_is_told_of_pacts_that_nobody_follows_any_more(room: Network) -> None:
    group, coordinates, secretary = group_of(room), room.person(), room.person()
    one = pact(room, group, coordinates)
    grants = (coordinator(room, coordinates, "03"), room.secretary(secretary))
    await room.running.tell(group, coordinates, secretary, *grants, one)
    await room.running.settled()
    await room.running.tell(then(one, PactHandedOver, maker_id=None))
    (mail,) = await room.mails(coordinates)
    assert mail.message["Subject"] == f"Nessuno segue il patto PG-2026-0007 – Gruppo di Lecco – {TITLE}"
    assert room.of(secretary) == []


async def test_an_uncovered_group_is_told_to_its_coordinator_and_the_secretariat_and_once(room: Network) -> None:
    coordinates, secretary, far = room.person(), room.person(language="en"), room.person()
    group = group_of(room)
    grants = (coordinator(room, coordinates, "03"), room.secretary(secretary), coordinator(room, far, "01"))
    await room.running.tell(group, coordinates, secretary, far, *grants)
    await room.running.settled()
    since = date(2026, 3, 8)
    uncovered = then(group, BodyUncovered, uncovered_since=since)
    await room.running.tell(uncovered, uncovered)
    (mail,) = await room.mails(coordinates)
    assert mail.message["Subject"] == f"Senza community maker dall'8 marzo 2026: Gruppo di Lecco – {TITLE}"
    assert "Territorio:    Lecco" in mail.text
    (mail,) = await room.mails(secretary)
    assert mail.message["Subject"] == f"Without a community maker since March 8, 2026: Gruppo di Lecco – {TITLE}"
    await room.running.settled()
    assert len(room.of(coordinates)) == 1
    assert room.of(far) == []
    covered = then(uncovered, BodyCovered, uncovered_since=None)
    await room.running.tell(covered)
    await room.running.settled()
    await room.running.tell(then(covered, BodyUncovered, uncovered_since=date(2026, 5, 1)))
    mails = await room.mails(coordinates, 2)
    assert "dal 1 maggio 2026" in mails[1].message["Subject"]
