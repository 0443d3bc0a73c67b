"""An import followed as it goes: polled, or as a stream that a browser can open."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.access.loading import KeyInvalid
from shared.runtime import progress
from shared.runtime.progress import Progress, Stream, Streams, TooManyStreams
from tests.registry.desk import Desk, bodies, table
from tests.registry.imports.scene import upload


async def ticket(desk: Desk, import_id: str) -> Any:
    answer = await desk.ask("POST", f"/imports/{import_id}/ticket")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def told(text: str) -> list[tuple[str, dict[str, Any]]]:
    """(event, data) of a stream."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def test_a_job_has_the_shape_of_every_long_job(desk: Desk) -> None:
    state = await upload(desk, table([*bodies(2), ("1", "x", "Lecco", "LC")]), commit=True)
    assert {name: state[name] for name in ("state", "done", "total", "problem")} == {
        "state": "done", "done": 3, "total": 3, "problem": None,
    }  # fmt: skip
    figures = {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1, "undone": 0, "kept": 0}
    assert state["result"] == {**figures, "report": state["report"]}


async def test_a_ticket_opens_the_stream_without_any_header_and_it_ends_with_the_job(desk: Desk) -> None:
    import_id = await desk.send(table(bodies(300)))
    opened = await ticket(desk, import_id)
    answer = await desk.running.client.get(opened["href"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    events = told(answer.text)
    assert [name for name, _ in events[-2:]] == ["progress", "end"]
    assert events[-1][1]["state"] == "done"
    assert (events[-1][1]["done"], events[-1][1]["result"]["created"]) == (300, 300)
    assert all(set(data) == {"state", "done", "total", "problem", "result"} for _, data in events)
    done = [data["done"] for _, data in events]
    assert done == sorted(done)


async def test_a_credential_opens_the_stream_too_and_without_any_nothing_does(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    path = f"/imports/{state['id']}/events"
    assert told((await desk.ask("GET", path)).text)[-1][0] == "end"
    assert (await desk.running.client.get(f"/registry/v1{path}")).status_code == 401


async def test_who_comes_back_after_the_end_is_sent_away_for_good(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)), commit=True)
    path = f"/imports/{state['id']}/events"
    text = (await desk.ask("GET", path)).text
    last = [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")][-1]
    assert (await desk.ask("GET", path, headers={"last-event-id": last})).status_code == 204
    assert (await desk.ask("GET", path, headers={"last-event-id": "running-0-0"})).status_code == 200


async def test_a_ticket_is_for_one_job_for_minutes_and_only_while_its_holder_may_see_it(desk: Desk) -> None:
    running = desk.running
    state, other = await upload(desk, table(bodies(1))), await upload(desk, table(bodies(1)))
    opened = await ticket(desk, state["id"])

    async def status(import_id: str, secret: str) -> int:
        path = f"/registry/v1/imports/{import_id}/events"
        return (await running.client.get(path, params={"ticket": secret})).status_code

    assert await status(state["id"], opened["ticket"]) == 200
    assert await status(other["id"], opened["ticket"]) == 401
    assert await status(state["id"], opened["ticket"][:-1]) == 401
    assert await status(state["id"], "") == 401
    kept = await running.sql("select secret_sha256, purpose from tickets where subject_id = :id", id=state["id"])
    assert [opened["ticket"] in str(row) for row in kept] == [False]
    await running.sql("update tickets set purpose = 'other'")
    assert await status(state["id"], opened["ticket"]) == 401
    await running.sql("update tickets set purpose = 'import', expires_at = now() - interval '1 second'")
    assert await status(state["id"], opened["ticket"]) == 401


async def test_who_loses_the_mandate_loses_the_stream_that_the_ticket_opens(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    opened = await ticket(desk, state["id"])
    await desk.running.sql("delete from grants where network_id = :id", id=desk.network_id)
    assert (await desk.running.client.get(opened["href"])).status_code == 404


async def test_strangers_and_members_get_no_ticket(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    member = await desk.running.holder("member", desk.network_id)
    path = f"/imports/{state['id']}/ticket"
    assert (await desk.ask("POST", path, headers=member)).status_code == 404
    assert (await desk.running.client.post(f"/registry/v1{path}")).status_code == 401


async def test_a_ticket_lasts_no_longer_than_the_token_it_was_asked_with(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    short = desk.running.signed_in(admin=True, lifetime=timedelta(seconds=60))
    answer = await desk.ask("POST", f"/imports/{state['id']}/ticket", headers=short)
    long = await ticket(desk, state["id"])
    assert answer.json()["expires_at"] < long["expires_at"]


# --- a stream by itself


def at(done: int, *, ended: bool = False) -> Progress:
    return Progress(state="running", done=done, total=2, problem=None, result=None, ended=ended)


async def spoken(*found: Progress | BaseException, **how: Any) -> str:
    """What a stream says when its looks find these, one after the other."""
    looks = iter(found[1:])

    async def look() -> Progress:
        one = next(looks)
        if isinstance(one, BaseException):
            raise one
        return one

    first = found[0]
    assert isinstance(first, Progress)
    return "".join(
        [event.decode() async for event in progress._events(first, look, how.get("stopping", lambda: False))]
    )


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL", 0.0)


async def test_only_what_differs_is_told_and_the_end_closes_it() -> None:
    text = await spoken(at(0), at(0), at(1), at(1), at(2, ended=True))
    assert [(name, data["done"]) for name, data in told(text)] == [
        ("progress", 0), ("progress", 1), ("progress", 2), ("end", 2),
    ]  # fmt: skip


async def test_silence_is_broken_so_that_no_proxy_takes_it_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT", 0.0)
    assert ": still here\n\n" in await spoken(at(0), at(0), at(0, ended=True))


async def test_a_database_that_is_away_is_waited_for() -> None:
    assert told(await spoken(at(0), TimeoutError(), at(1, ended=True)))[-1][0] == "end"


async def test_a_key_that_is_revoked_meanwhile_hears_nothing_more() -> None:
    assert [name for name, _ in told(await spoken(at(0), KeyInvalid(), at(1, ended=True)))] == ["progress"]


async def test_a_process_that_stops_ends_its_streams_without_an_end_of_the_job() -> None:
    assert [name for name, _ in told(await spoken(at(0), at(1), stopping=lambda: True))] == ["progress"]


async def test_a_stream_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LONGEST", 0.0)
    assert [name for name, _ in told(await spoken(at(0), at(1)))] == ["progress"]


async def test_a_caller_has_so_many_streams_and_a_process_so_many() -> None:
    streams, caller = Streams(), uuid4()
    for _ in range(progress.MOST_EACH):
        streams.enter(caller)
    with pytest.raises(TooManyStreams):
        streams.enter(caller)
    streams.leave(caller)
    streams.enter(caller)
    for _ in range(progress.MOST_STREAMS - progress.MOST_EACH):
        streams.enter(uuid4())
    with pytest.raises(TooManyStreams):
        streams.enter(uuid4())


async def test_a_stream_whose_listener_was_gone_at_once_is_counted_no_more() -> None:
    left: list[bool] = []

    async def nothing() -> Any:
        yield b""

    async def gone(_: Any = None) -> Any:
        raise OSError

    with pytest.raises(Exception):  # noqa: B017 (whichever way the server's library tells it)
        await Stream(nothing(), lambda: left.append(True))({"type": "http"}, gone, gone)
    assert left == [True]
