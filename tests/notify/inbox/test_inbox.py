"""The inbox: one's own messages, read by nobody else, in the words of the mails."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import ApiKeyIssued, PersonRegistered
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)


async def asked(notify: Network, person: PersonRegistered, method: str, path: str, **more: Any) -> httpx.Response:
    headers = notify.running.signed_in(person.id)
    return await notify.running.client.request(method, f"/notify/v1{path}", headers=headers, **more)


async def inbox(notify: Network, person: PersonRegistered, **filters: Any) -> list[dict[str, Any]]:
    answer = await asked(notify, person, "GET", "/me/inbox", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def appointed(notify: Network, count: int = 1, **person: Any) -> PersonRegistered:
    """A person who was told of so many mandates."""
    known = notify.person(**person)
    await notify.running.tell(known, *(notify.designated(known) for _ in range(count)))
    await notify.running.settled()
    return known


async def test_a_person_reads_in_the_inbox_what_was_mailed(notify: Network) -> None:
    person = await appointed(notify)
    (mail,) = await notify.mails(person)
    (message,) = await inbox(notify, person)
    assert message["topic"] == "mandate-given"
    assert message["read_at"] is None
    assert message["subject"] == mail.message["subject"]
    assert _said(message["text"]) == _said(mail.text)


def _said(text: str) -> list[str]:
    """Each reading signs its links anew."""
    return re.sub(r"token=\S+", "token", text).split()


async def test_who_has_no_mailbox_has_the_inbox(notify: Network) -> None:
    person = await appointed(notify, email=None, phone="+390341123456")
    (message,) = await inbox(notify, person)
    assert "Alleanza" in message["text"]


async def test_messages_are_read_one_by_one_or_all_at_once_and_the_first_reading_counts(notify: Network) -> None:
    person = await appointed(notify, 3)
    first, *_ = await inbox(notify, person)
    read = await asked(notify, person, "POST", f"/inbox/{first['id']}/read")
    assert read.status_code == 200
    again = await asked(notify, person, "POST", f"/inbox/{first['id']}/read")
    assert again.json()["read_at"] == read.json()["read_at"] is not None
    assert (await asked(notify, person, "GET", "/me/inbox/unread")).json()["unread"] == 2
    assert len(await inbox(notify, person, unread=True)) == 2
    assert (await asked(notify, person, "POST", "/me/inbox/read")).json() == {"read": 2}
    assert await inbox(notify, person, unread=True) == []
    assert len(await inbox(notify, person, unread=False)) == 3


async def test_nobody_reads_anothers_messages(notify: Network) -> None:
    person, other = await appointed(notify), await appointed(notify)
    (message,) = await inbox(notify, person)
    assert (await asked(notify, other, "GET", f"/inbox/{message['id']}")).status_code == 404
    assert (await asked(notify, other, "POST", f"/inbox/{message['id']}/read")).status_code == 404
    secretariat = await notify.running.holder("secretariat", notify.id)
    answer = await notify.running.client.get(f"/notify/v1/inbox/{message['id']}", headers=secretariat)
    assert answer.status_code == 404
    assert (await inbox(notify, person))[0]["read_at"] is None


async def test_a_partners_key_is_nobody_and_reads_nothing(notify: Network) -> None:
    """What nobody could be told has no person: it is not the message of who has none either."""
    empty = Network(notify.running, notify.relay, notify.link_key)
    body = empty.body()
    await notify.running.tell(empty.founded(), body, empty.commitment(debtor_body_id=body.id))
    await notify.running.settled()
    (untold,) = await empty.deliveries(topic="commitment-made")
    assert (untold["person"], untold["problem"]) == (None, "nobody-to-tell")
    secret, id_ = "s" * 43, uuid7()
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    await notify.running.tell(
        ApiKeyIssued(
            id=id_, version=1, network_id=notify.id, title="k", secret_sha256=hashed, scopes=(), per_minute=1000
        )
    )
    await notify.running.settled()
    key, client = {"authorization": f"Bearer trama_{id_.hex}_{secret}"}, notify.running.client
    listed = await client.get("/notify/v1/me/inbox", headers=key)
    assert (listed.status_code, listed.json()["items"]) == (200, [])
    assert (await client.get("/notify/v1/me/inbox/unread", headers=key)).json() == {"unread": 0, "networks": []}
    assert (await client.get(f"/notify/v1/inbox/{untold['id']}", headers=key)).status_code == 404
    assert (await client.post(f"/notify/v1/inbox/{untold['id']}/read", headers=key)).status_code == 404


async def test_a_link_to_sign_in_is_mailed_only(notify: Network) -> None:
    person = notify.person()
    await notify.running.tell(person, notify.sign_in(person))
    await notify.mails(person)
    assert await inbox(notify, person) == []


async def test_an_erased_persons_messages_are_gone(notify: Network) -> None:
    person = await appointed(notify)
    await notify.running.tell(notify.erased(person))
    await notify.running.settled()
    messages = await inbox(notify, person)
    assert [message["text"] for message in messages] in ([], [None])


async def test_pages_follow_each_other_without_gaps(notify: Network) -> None:
    person = await appointed(notify, 5)
    seen: list[str] = []
    after: str | None = None
    while True:
        more = {"after": after} if after else {}
        answer = await asked(notify, person, "GET", "/me/inbox", params={"limit": 2, **more})
        seen += [message["id"] for message in answer.json()["items"]]
        after = answer.json()["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
