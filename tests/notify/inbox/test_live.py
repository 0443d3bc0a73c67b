"""Live inboxes: what is new is told to who listens, once, also after a broken connection, at a flat cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from sqlalchemy import event, text
from uuid_utils.compat import uuid7

from services.notify.inbox import live
from services.notify.inbox.live import Watch, resumable
from shared.runtime.database import Database
from tests.harness import until
from tests.notify.inbox.test_inbox import appointed, asked, inbox
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)

Event = tuple[str, str | None, Any]


def events(raw: bytes) -> list[Event]:
    """(name, id, data) of each event."""
    found: list[Event] = []
    for block in raw.decode().split("\n\n"):
        said = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in said:
            found.append((said["event"], said.get("id"), orjson.loads(said["data"])))
    return found


class Browser:
    """A stream as it is heard; the transport of these tests gives no answer before its end."""

    def __init__(self, watch: Watch, person: Any, last: str | None = None) -> None:
        self.told: list[Event] = []
        self.stream: AsyncIterator[bytes] = live.stream(watch, person, last, lambda: False)
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for raw in self.stream:
            self.told += events(raw)

    async def hears(self, *names: str) -> list[Event]:
        """Once the names of what it has heard end so."""
        await until(lambda: self._ended(names), 20, f"{names} in {self.told}")
        return self.told

    async def _ended(self, names: tuple[str, ...]) -> bool:
        return tuple(name for name, _, _ in self.told)[-len(names) :] == names

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def watch(notify: Network) -> AsyncIterator[Watch]:
    made = Watch(notify.running.context.database.sessions, poll=0.05)
    yield made
    made.listeners.clear()


async def test_what_is_new_is_told_with_what_is_unread_and_a_broken_stream_goes_on(
    notify: Network, watch: Watch
) -> None:
    person = await appointed(notify)
    browser = Browser(watch, person.id)
    ((_, first, unread),) = await browser.hears("unread")
    assert unread["unread"] == 1
    assert [each["network"]["id"] for each in unread["networks"]] == [str(notify.id)]
    await notify.running.tell(notify.designated(person))
    _, (_, nothing, message), (_, last, unread) = await browser.hears("unread", "message", "unread")
    assert (message["topic"], message["network"]["id"], nothing) == ("mandate-given", str(notify.id), None)
    assert "text" not in message
    assert unread["unread"] == 2
    await browser.leave()
    assert not watch.listeners

    await notify.running.tell(notify.designated(person), notify.designated(person))
    await notify.running.settled()
    back = Browser(watch, person.id, last)
    heard = await back.hears("message", "message", "unread")
    newest = [m["id"] for m in await inbox(notify, person)][:2]
    assert [data["id"] for _, _, data in heard[:2]] == newest[::-1]
    assert heard[-1][2]["unread"] == 4
    await back.leave()
    assert first is not None


async def test_reading_is_told_to_every_open_page_and_nobody_hears_of_anothers(notify: Network, watch: Watch) -> None:
    person, other = await appointed(notify), await appointed(notify)
    one, two, stranger = (Browser(watch, p.id) for p in (person, person, other))
    for browser in (one, two, stranger):
        await browser.hears("unread")
    (message,) = await inbox(notify, person)
    await asked(notify, person, "POST", f"/inbox/{message['id']}/read")
    for browser in (one, two):
        assert (await browser.hears("unread", "unread"))[-1][2] == {"unread": 0, "networks": []}
    again = await asked(notify, person, "POST", f"/inbox/{message['id']}/unread")
    assert again.json()["read_at"] is None
    assert (await one.hears("unread", "unread", "unread"))[-1][2]["unread"] == 1
    assert len(stranger.told) == 1
    for browser in (one, two, stranger):
        await browser.leave()


async def test_what_commits_late_is_told_though_later_messages_were_told_before(notify: Network, watch: Watch) -> None:
    person = await appointed(notify)
    browser = Browser(watch, person.id)
    await browser.hears("unread")
    insert = (
        "insert into deliveries (id, person_id, channel, topic, key, because_of, state, intended_at)"
        " values (:id, :person, 'email', 'enrolled', :key, :id, 'sent', now())"
    )
    slow, quick = uuid7(), uuid7()
    async with notify.running.context.database.sessions() as session:
        await session.execute(text(insert), {"id": slow, "person": person.id, "key": str(slow)})
        await notify.running.sql(insert, id=quick, person=person.id, key=str(quick))
        await browser.hears("message", "unread")
        await session.commit()
    heard = await browser.hears("message", "unread", "message", "unread")
    assert [data["id"] for name, _, data in heard if name == "message"] == [str(quick), str(slow)]
    await browser.leave()


async def test_a_look_costs_two_statements_however_many_listen(database: Database) -> None:
    watch = Watch(database.sessions, poll=60)
    people = [uuid7() for _ in range(500)]
    listeners = [watch.enter(person) for person in people]
    await watch.begun()
    await until(lambda: _looked(watch), 20, "it has looked once")
    statements: list[str] = []

    def count(*told: Any) -> None:
        statements.append(told[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    await watch.look()
    event.remove(database.engine.sync_engine, "before_cursor_execute", count)
    assert len(statements) <= 3
    for person, listener in zip(people, listeners, strict=True):
        watch.leave(person, listener)


async def _looked(watch: Watch) -> bool:
    return watch.looks > 0


@pytest.mark.parametrize(
    ("last", "good"),
    [
        ("100:105:101,103", True),
        ("100:100:", True),
        (None, False),
        ("", False),
        ("100:105:103,101", False),
        ("100:105:105", False),
        ("105:100:", False),
        ("0:100:", False),
        ("100:300:", False),  # of a cluster that was further than this one
        ("100:105:101; drop", False),
        ("1:" + "9" * 30 + ":", False),
        ("100:105:" + ",".join(map(str, range(101, 900))), False),
    ],
)
def test_only_a_snapshot_of_this_database_is_gone_on_from(last: str | None, good: bool) -> None:
    assert resumable(last, "200:201:") == (last if good else None)


async def test_a_ticket_opens_the_inbox_of_whom_it_was_given_to(
    notify: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = await appointed(notify), notify.running.client
    made = await asked(notify, person, "POST", "/me/inbox/ticket")
    assert made.status_code == 201
    monkeypatch.setitem(notify.running.context.state, "stopping", lambda: True)  # it says what is now, and ends
    heard = await client.get(made.json()["href"])
    assert (heard.status_code, heard.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert heard.headers["cache-control"] == "no-store"
    ((name, id_, data),) = events(heard.content)
    assert (name, data["unread"]) == ("unread", 1)
    await notify.running.tell(notify.designated(person))
    await notify.running.settled()
    again = events((await client.get(made.json()["href"], headers={"last-event-id": str(id_)})).content)
    assert [name for name, _, _ in again] == ["message", "unread"]
    assert (await client.get("/notify/v1/me/inbox/events", params={"ticket": "x"})).status_code == 401
    assert (await asked(notify, person, "GET", "/me/inbox/events")).status_code == 422


async def test_messages_are_filtered_by_topic_and_network_and_read_so(notify: Network) -> None:
    person, other = await appointed(notify), Network(notify.running, notify.relay, notify.link_key)
    await notify.running.tell(other.founded(), notify.enrolled(person), other.enrolled(person))
    await notify.running.settled()
    assert len(await inbox(notify, person, topic="enrolled")) == 2
    assert [m["network"]["id"] for m in await inbox(notify, person, network=str(other.id))] == [str(other.id)]
    counted = (await asked(notify, person, "GET", "/me/inbox/unread")).json()
    assert {each["network"]["id"]: each["unread"] for each in counted["networks"]} == {
        str(notify.id): 2,
        str(other.id): 1,
    }
    read = await asked(notify, person, "POST", "/me/inbox/read", params={"network": str(notify.id)})
    assert read.json() == {"read": 2}
    assert len(await inbox(notify, person, unread=True)) == 1
