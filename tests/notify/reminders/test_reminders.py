"""Reminders over the whole service: facts in, the clock set forward, mails out."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.access.actor import ROME
from shared.contracts.events import InvitationIssued, MeetingCancelled, MeetingConvened, MeetingMoved
from shared.contracts.registry import (
    CommitmentChanged,
    CommitmentFulfilled,
    CommitmentLate,
    CommitmentMade,
    Grant,
    GrantsChanged,
    PersonRegistered,
)
from shared.runtime import clock
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(180)
REMINDER = {"commitment": "commitment-reminder", "meeting": "meeting-reminder"}


def now(notify: Network) -> datetime:
    return notify.running.context.clock.now().astimezone(ROME)


async def moved_to(notify: Network, instant: datetime) -> None:
    """Time passes for the service; what is due is done."""
    file = notify.running.context.settings.clock_file
    assert isinstance(file, Path)
    clock.set(file, instant)
    await notify.running.settled()


async def debtor(notify: Network) -> tuple[PersonRegistered, UUID]:
    """A referent, and the organisation for which they answer."""
    person, organisation = notify.person(), notify.organisation()
    since = date(2000, 1, 1)
    grant = Grant(role="referent", network_id=notify.id, organisation_id=organisation.id, since=since)
    await notify.running.tell(person, organisation, GrantsChanged(id=person.id, version=1, grants=(grant,)))
    return person, organisation.id


def made(notify: Network, organisation: UUID, due: date, **more: Any) -> CommitmentMade:
    known: dict[str, Any] = {"version": 1, "state": "open", "source": "hand", "kind": "action", **more}
    return CommitmentMade(
        id=uuid7(), network_id=notify.id, title="Resoconto", debtor_organisation_id=organisation, due=due, **known
    )


def convened(notify: Network, starts: datetime) -> MeetingConvened:
    return MeetingConvened(
        id=uuid7(),
        version=1,
        network_id=notify.id,
        title="Riunione",
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        mode="remote",
        state="convened",
    )


def invited(notify: Network, meeting: MeetingConvened, person: PersonRegistered, **more: Any) -> InvitationIssued:
    return InvitationIssued(
        id=uuid7(), version=1, network_id=notify.id, meeting_id=meeting.id, person_id=person.id, state="issued", **more
    )


async def reminders(notify: Network, subject: UUID) -> dict[int, str]:
    """Days before -> state, as the secretariat reads them."""
    answer = await notify.running.client.get(
        f"/notify/v1/networks/{notify.id}/reminders",
        params={"subject": str(subject)},
        headers=notify.running.signed_in(admin=True),
    )
    assert answer.status_code == 200, answer.text
    return {item["days"]: item["state"] for item in answer.json()["items"]}


async def told(notify: Network, topic: str, person: PersonRegistered) -> int:
    return len(await notify.deliveries(topic=topic, person=str(person.id)))


async def test_who_owes_is_reminded_fourteen_and_three_days_before(notify: Network) -> None:
    person, organisation = await debtor(notify)
    due = now(notify).date() + timedelta(days=30)
    commitment = made(notify, organisation, due)
    await notify.running.tell(commitment)
    await notify.running.settled()
    assert await reminders(notify, commitment.id) == {14: "planned", 3: "planned"}
    await moved_to(notify, datetime.combine(due - timedelta(days=14), datetime.min.time(), ROME))
    assert await told(notify, REMINDER["commitment"], person) == 0, "at midnight people sleep"
    await moved_to(notify, now(notify) + timedelta(hours=9))
    assert await told(notify, REMINDER["commitment"], person) == 1
    await moved_to(notify, now(notify) + timedelta(days=11))
    assert await told(notify, REMINDER["commitment"], person) == 2
    assert await reminders(notify, commitment.id) == {14: "sent", 3: "sent"}
    mails = await notify.mails(person, 2)
    assert any("Resoconto" in mail.text for mail in mails)


async def test_what_is_kept_in_time_is_not_reminded_of(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=20))
    await notify.running.tell(commitment)
    await notify.running.settled()
    await notify.running.tell(
        CommitmentFulfilled(**{**commitment.model_dump(), "version": 2, "state": "fulfilled", "fulfilled_on": None})
    )
    await notify.running.settled()
    assert set((await reminders(notify, commitment.id)).values()) == {"cancelled"}
    await moved_to(notify, now(notify) + timedelta(days=21))
    assert await told(notify, REMINDER["commitment"], person) == 0


async def test_a_reminder_due_in_the_past_is_never_sent_and_says_so(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=5))
    await notify.running.tell(commitment)
    await notify.running.settled()
    assert await reminders(notify, commitment.id) == {14: "past", 3: "planned"}
    assert await told(notify, REMINDER["commitment"], person) == 0


async def test_a_clock_that_jumps_over_both_sends_one(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=40))
    await notify.running.tell(commitment)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=38))
    assert await reminders(notify, commitment.id) == {14: "superseded", 3: "sent"}
    assert await told(notify, REMINDER["commitment"], person) == 1


async def test_a_clock_that_jumps_over_the_day_itself_sends_none(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=40))
    await notify.running.tell(commitment)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=42))
    assert set((await reminders(notify, commitment.id)).values()) == {"past"}
    assert await told(notify, REMINDER["commitment"], person) == 0


async def test_a_moved_meeting_moves_its_reminders_and_a_cancelled_one_has_none(notify: Network) -> None:
    person = notify.person()
    meeting = convened(notify, now(notify) + timedelta(days=10))
    await notify.running.tell(person, meeting, invited(notify, meeting, person))
    await notify.running.settled()
    later = MeetingMoved(
        **{
            **meeting.model_dump(),
            "version": 2,
            "starts_at": meeting.starts_at + timedelta(days=10),
            "ends_at": meeting.ends_at + timedelta(days=10),
        }
    )
    await notify.running.tell(later)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=9))
    assert await told(notify, REMINDER["meeting"], person) == 0
    await moved_to(notify, now(notify) + timedelta(days=5))
    assert await told(notify, REMINDER["meeting"], person) == 1
    await notify.running.tell(MeetingCancelled(**{**later.model_dump(), "version": 3, "state": "cancelled"}))
    await notify.running.settled()
    assert await reminders(notify, meeting.id) == {7: "sent", 1: "cancelled"}


async def test_who_declined_is_not_reminded_and_nobody_left_is_a_stated_outcome(notify: Network) -> None:
    person = notify.person()
    meeting = convened(notify, now(notify) + timedelta(days=9))
    await notify.running.tell(person, meeting, invited(notify, meeting, person, answer="no"))
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=3))
    assert await told(notify, REMINDER["meeting"], person) == 0
    assert await reminders(notify, meeting.id) == {7: "nobody", 1: "planned"}


async def test_a_network_chooses_its_days_and_what_is_planned_follows(notify: Network) -> None:
    _, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=60))
    await notify.running.tell(commitment)
    await notify.running.settled()
    path = f"/notify/v1/networks/{notify.id}/reminder-rules/commitment-reminder"
    admin = notify.running.signed_in(admin=True)
    known = await notify.running.client.get(path, headers=admin)
    assert known.json()["days"] == [14, 3]
    stale = await notify.running.client.put(path, json={"days": [5]}, headers={**admin, "if-match": '"9"'})
    assert stale.status_code == 412
    changed = await notify.running.client.put(
        path, json={"days": [3, 21]}, headers={**admin, "if-match": known.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["days"] == [21, 3]
    assert await reminders(notify, commitment.id) == {21: "planned", 14: "cancelled", 3: "planned"}
    refused = await notify.running.client.put(
        path, json={"days": [0]}, headers={**admin, "if-match": changed.headers["etag"]}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "/days"
    nobody = await notify.running.client.put(
        path, json={"days": []}, headers={**admin, "if-match": changed.headers["etag"]}
    )
    assert nobody.status_code == 200
    assert set((await reminders(notify, commitment.id)).values()) == {"cancelled"}
    again = await notify.running.client.put(
        path, json={"days": [14, 3]}, headers={**admin, "if-match": nobody.headers["etag"]}
    )
    assert again.status_code == 200
    assert await reminders(notify, commitment.id) == {21: "cancelled", 14: "planned", 3: "planned"}


async def set_days(notify: Network, topic: str, days: list[int]) -> None:
    path, admin = f"/notify/v1/networks/{notify.id}/reminder-rules/{topic}", notify.running.signed_in(admin=True)
    tag = (await notify.running.client.get(path, headers=admin)).headers["etag"]
    answer = await notify.running.client.put(path, json={"days": days}, headers={**admin, "if-match": tag})
    assert answer.status_code == 200, answer.text


async def test_a_network_that_begins_to_remind_reminds_of_what_came_before(notify: Network) -> None:
    _, organisation = await debtor(notify)
    await set_days(notify, REMINDER["commitment"], [])
    owed, done = (made(notify, organisation, now(notify).date() + timedelta(days=60)) for _ in range(2))
    await notify.running.tell(owed, done)
    kept = {**done.model_dump(), "version": 2, "state": "fulfilled", "fulfilled_on": None}
    await notify.running.tell(CommitmentFulfilled(**kept))
    await notify.running.settled()
    assert await reminders(notify, owed.id) == {}
    await set_days(notify, REMINDER["commitment"], [14, 3])
    assert await reminders(notify, owed.id) == {14: "planned", 3: "planned"}
    assert await reminders(notify, done.id) == {}


async def test_what_comes_while_the_days_change_has_the_new_ones(notify: Network) -> None:
    """Planned by the old rule and moved, or by the new one: nothing stays between the two."""
    _, organisation = await debtor(notify)
    owed = [made(notify, organisation, now(notify).date() + timedelta(days=60)) for _ in range(60)]
    await set_days(notify, REMINDER["commitment"], [20])

    async def told() -> None:
        for one in owed:
            await notify.running.tell(one)

    async def changed() -> None:
        for days in ([11], [12], [13], [9, 4]):
            await set_days(notify, REMINDER["commitment"], days)

    await asyncio.gather(told(), changed())
    await notify.running.settled()
    for one in owed:
        planned = [days for days, state in (await reminders(notify, one.id)).items() if state == "planned"]
        assert sorted(planned) == [4, 9]
    await set_days(notify, REMINDER["commitment"], [14, 3])


async def test_a_commitment_that_was_late_and_has_a_new_day_is_reminded_of_again(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=20))
    await notify.running.tell(commitment)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=18))
    assert await told(notify, REMINDER["commitment"], person) == 1
    await moved_to(notify, now(notify) + timedelta(days=4))
    late = {**commitment.model_dump(), "version": 2, "state": "late"}
    await notify.running.tell(CommitmentLate(**late))
    later = now(notify).date() + timedelta(days=30)
    await notify.running.tell(CommitmentChanged(**{**late, "version": 3, "state": "open", "due": later}))
    await notify.running.settled()
    assert await reminders(notify, commitment.id) == {14: "planned", 3: "planned"}
    await moved_to(notify, now(notify) + timedelta(days=17))
    assert await told(notify, REMINDER["commitment"], person) == 2


def moved(meeting: MeetingConvened, version: int, starts: datetime) -> MeetingMoved:
    ends = starts + (meeting.ends_at - meeting.starts_at)
    return MeetingMoved(**{**meeting.model_dump(), "version": version, "starts_at": starts, "ends_at": ends})


async def test_a_meeting_moved_back_to_its_old_time_is_reminded_of_once(notify: Network) -> None:
    person = notify.person()
    meeting = convened(notify, now(notify) + timedelta(days=10))
    await notify.running.tell(person, meeting, invited(notify, meeting, person))
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=4))
    assert await told(notify, REMINDER["meeting"], person) == 1
    await notify.running.tell(moved(meeting, 2, meeting.starts_at + timedelta(days=10)))
    await notify.running.tell(moved(meeting, 3, meeting.starts_at))
    await notify.running.settled()
    assert (await reminders(notify, meeting.id))[1] == "planned"
    await moved_to(notify, now(notify) + timedelta(days=1))
    assert await told(notify, REMINDER["meeting"], person) == 1
    await moved_to(notify, meeting.starts_at - timedelta(hours=20))
    assert await told(notify, REMINDER["meeting"], person) == 2


async def test_who_is_invited_later_has_the_reminders_that_are_left(notify: Network) -> None:
    early, late = notify.person(), notify.person()
    meeting = convened(notify, now(notify) + timedelta(days=9))
    await notify.running.tell(early, late, meeting, invited(notify, meeting, early))
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=3))
    await notify.running.tell(invited(notify, meeting, late))
    await notify.running.settled()
    assert [await told(notify, REMINDER["meeting"], who) for who in (early, late)] == [1, 0]
    await moved_to(notify, meeting.starts_at - timedelta(hours=20))
    assert [await told(notify, REMINDER["meeting"], who) for who in (early, late)] == [2, 1]


async def test_who_is_invited_twice_is_reminded_of_each_invitation(notify: Network) -> None:
    """Each has a link of its own: with one mail, the other invitation would stay without an answer."""
    person = notify.person()
    meeting = convened(notify, now(notify) + timedelta(days=9))
    both = [invited(notify, meeting, person) for _ in range(2)]
    await notify.running.tell(person, meeting, *both)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=3))
    sent = await notify.deliveries(topic=REMINDER["meeting"], person=str(person.id))
    assert len(sent) == 2
    rows = await notify.running.sql(
        "select told from reminders where subject_id = :id and state = 'sent'", id=meeting.id
    )
    assert [row.told for row in rows] == [2]


async def test_a_history_told_again_reminds_nobody_twice(notify: Network) -> None:
    person, organisation = await debtor(notify)
    commitment = made(notify, organisation, now(notify).date() + timedelta(days=20))
    await notify.running.tell(commitment)
    await notify.running.settled()
    await moved_to(notify, now(notify) + timedelta(days=8))
    before = await told(notify, REMINDER["commitment"], person)
    assert before == 1
    for _ in range(3):
        await notify.replay()
        await notify.running.settled()
    assert await told(notify, REMINDER["commitment"], person) == before
    assert await reminders(notify, commitment.id) == {14: "sent", 3: "planned"}


async def test_only_the_secretariat_sets_the_days(notify: Network) -> None:
    path = f"/notify/v1/networks/{notify.id}/reminder-rules/meeting-reminder"
    referent = await notify.running.holder("referent", notify.id)
    refused = await notify.running.client.put(path, json={"days": [2]}, headers={**referent, "if-match": '"0"'})
    assert refused.status_code == 403
