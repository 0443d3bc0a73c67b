"""Digests and hours of quiet over the whole service: facts in, the clock set forward, one mail out."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.preferences.rules import Digests
from shared.access.actor import ROME
from shared.contracts.learning import EnrolmentCompleted
from shared.contracts.registry import PersonRegistered
from shared.runtime import clock
from tests.notify.network import TITLE, Network, then
from tests.notify.preferences.test_preferences import choice, decided, enrolled, somebody, url_in

pytestmark = pytest.mark.timeout(120)


def now(notify: Network) -> datetime:
    return notify.running.context.clock.now()


async def moved_to(notify: Network, instant: datetime) -> None:
    file = notify.running.context.settings.clock_file
    assert isinstance(file, Path)
    clock.set(file, instant)
    await notify.running.settled()


async def told(notify: Network, person: PersonRegistered) -> list[dict[str, Any]]:
    return await notify.deliveries(person=str(person.id))


async def test_a_digest_tells_together_what_waited_and_says_its_senders_that_it_was_sent(notify: Network) -> None:
    person, other = await somebody(notify), Network(notify.running, notify.relay, notify.link_key)
    await notify.running.tell(other.founded())
    await decided(notify, person, choices=[choice("training", "daily")])
    await enrolled(notify, person, 2)
    await notify.running.tell(other.enrolled(person, path_title="Altrove"), notify.designated(person))
    assert len(await notify.mails(person)) == 1  # the mandate's, which is owed
    waiting = [d for d in await told(notify, person) if d["problem"] == "in-digest"]
    assert len(waiting) == 2
    due = Digests().daily(now(notify))
    assert {datetime.fromisoformat(d["waits_until"]) for d in waiting} == {due}
    await moved_to(notify, due + timedelta(seconds=1))
    digest = (await notify.mails(person, 2))[-1]
    assert digest.message["subject"].startswith("Riepilogo: 3 novità")
    assert digest.text.count("/learning/v1/enrolments/link?token=") == 3
    assert digest.text.count(f"\n{TITLE}\n") == 2  # a part for each network, though both are called the same
    assert digest.message["list-unsubscribe"]
    assert {d["state"] for d in await told(notify, person)} == {"sent"}
    await moved_to(notify, due + timedelta(days=2))
    assert len(await notify.mails(person, 2)) == 2  # never an empty one


async def test_what_is_over_is_left_out_and_a_digest_of_nothing_is_not_sent(notify: Network) -> None:
    person = await somebody(notify)
    await decided(notify, person, choices=[choice("training", "daily")])
    over, going = notify.enrolled(person), notify.enrolled(person, path_title="Ancora da fare")
    await notify.running.tell(over, going)
    await notify.running.settled()
    await notify.running.tell(then(over, EnrolmentCompleted, state="completed"))
    await moved_to(notify, Digests().daily(now(notify)) + timedelta(seconds=1))
    (digest,) = await notify.mails(person)
    assert digest.message["subject"].startswith("Riepilogo: una novità")
    assert sorted((d["state"], d["problem"]) for d in await told(notify, person) if d["topic"] == "enrolled") == [
        ("sent", None),
        ("suppressed", "too-late"),
    ]
    last = notify.enrolled(person)
    await notify.running.tell(last)
    await notify.running.settled()
    await notify.running.tell(then(last, EnrolmentCompleted, state="completed"))
    await moved_to(notify, Digests().daily(now(notify)) + timedelta(seconds=1))
    assert len(notify.of(person)) == 1
    assert [d["state"] for d in await told(notify, person) if d["topic"] == "digest"] == ["suppressed", "sent"]


async def test_a_failed_digest_fails_its_entries_and_tried_again_tells_them(notify: Network) -> None:
    person = await somebody(notify)
    assert person.email is not None
    await decided(notify, person, choices=[choice("training", "daily")])
    await enrolled(notify, person, 2)
    notify.relay.replies[person.email] = ["550 5.1.1 no such user"]
    await moved_to(notify, Digests().daily(now(notify)) + timedelta(seconds=1))
    await notify.relay.wait_until(lambda: not notify.relay.replies[person.email or ""])
    await notify.running.settled()
    digest = next(d for d in await told(notify, person) if d["topic"] == "digest")
    assert {d["state"] for d in await told(notify, person)} == {"failed"}
    headers = await notify.running.holder("secretariat", notify.id)
    shown = await notify.running.client.get(f"/notify/v1/deliveries/{digest['id']}", headers=headers)
    again = await notify.running.client.post(
        f"/notify/v1/deliveries/{digest['id']}/retry", headers={**headers, "if-match": shown.headers["etag"]}
    )
    assert again.status_code == 200, again.text
    mails = await notify.mails(person)
    assert "2 novità" in mails[-1].message["subject"]
    assert {d["state"] for d in await told(notify, person)} == {"sent"}


async def test_who_leaves_digests_by_their_link_keeps_the_inbox(notify: Network) -> None:
    person = await somebody(notify)
    await decided(notify, person, choices=[choice("training", "daily")])
    await enrolled(notify, person)
    await moved_to(notify, Digests().daily(now(notify)) + timedelta(seconds=1))
    (digest,) = await notify.mails(person)
    url = url_in(digest.text, "unsubscribe")
    done = await notify.running.client.post(url, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    await enrolled(notify, person)
    newest, *_ = await told(notify, person)
    assert (newest["state"], newest["problem"]) == ("suppressed", "not-wanted")
    inbox = await notify.running.client.get("/notify/v1/me/inbox", headers=notify.running.signed_in(person.id))
    assert [m["topic"] for m in inbox.json()["items"]] == ["enrolled", "enrolled"]  # never the digest itself


async def test_hours_of_quiet_hold_mails_back_but_for_what_is_owed(notify: Network) -> None:
    person = await somebody(notify)
    at = now(notify).astimezone(ROME)
    begins, ends = (at - timedelta(hours=1)).strftime("%H:%M"), (at + timedelta(hours=3)).strftime("%H:%M")
    await decided(notify, person, quiet_hours={"since": begins, "until": ends})
    await notify.running.tell(notify.enrolled(person), notify.designated(person))
    assert len(await notify.mails(person)) == 1
    (held,) = [d for d in await told(notify, person) if d["problem"] == "quiet-hours"]
    assert (held["topic"], held["state"], held["next_try"]) == ("enrolled", "queued", None)
    await moved_to(notify, datetime.fromisoformat(held["waits_until"]) + timedelta(seconds=1))
    assert len(await notify.mails(person, 2)) == 2
