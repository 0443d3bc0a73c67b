"""One request, one transaction, one answer."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.harness import Running

THINGS = "/toy/v1/networks/rete/things"


def kind(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    return str(body["type"]).removeprefix("urn:trama:problem:")


async def made(running: Running, by: dict[str, str], name: str = "lamp", **more: Any) -> dict[str, Any]:
    answer = await running.client.post(THINGS, json={"name": name, **more}, headers=by)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_write_answers_with_its_version_its_place_and_its_correlation(
    running: Running, secretary: dict[str, str]
) -> None:
    answer = await running.client.post(THINGS, json={"name": "lamp"}, headers=secretary)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/toy/v1/things/{answer.json()['id']}"
    logged = await running.sql("select headers ->> 'correlationid' as correlation, actor_id from log")
    assert [row.correlation for row in logged] == [answer.headers["trama-correlation"]]
    assert logged[0].actor_id is not None


async def test_a_trace_that_comes_in_goes_on_into_the_facts(running: Running, secretary: dict[str, str]) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await running.client.post(THINGS, json={"name": "lamp"}, headers={**secretary, "traceparent": parent})
    [row] = await running.sql("select headers ->> 'traceparent' as traceparent from log")
    assert row.traceparent.split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_refused_command_leaves_nothing(running: Running, secretary: dict[str, str]) -> None:
    await made(running, secretary)
    answer = await running.client.post(THINGS, json={"name": "lamp"}, headers=secretary)
    assert (answer.status_code, kind(answer)) == (409, "name-taken")
    assert answer.json()["errors"] == [{"path": "/name", "code": "name-taken", "accepted": None}]
    assert [row.count for row in await running.sql("select count(*) from log")] == [1]


async def test_a_named_domain_error_is_told_in_the_callers_language(
    running: Running, secretary: dict[str, str]
) -> None:
    told = {}
    for language in ("it-IT,it;q=0.9", "en", "de, en;q=0.5", "fr"):
        headers = {**secretary, "accept-language": language}
        answer = await running.client.post(THINGS, json={"name": "full"}, headers=headers)
        told[language] = answer.json()["title"], answer.headers["content-language"]
    assert told == {
        "it-IT,it;q=0.9": ("Ne contiene al massimo 7", "it"),
        "en": ("It holds at most 7", "en"),
        "de, en;q=0.5": ("It holds at most 7", "en"),
        "fr": ("Ne contiene al massimo 7", "it"),
    }


async def test_an_unnamed_constraint_is_a_conflict_and_no_server_error(
    running: Running, secretary: dict[str, str]
) -> None:
    answer = await running.client.post(THINGS, json={"name": "lamp", "weight": 13}, headers=secretary)
    assert (answer.status_code, kind(answer)) == (409, "conflict")


async def test_a_value_that_the_database_cannot_hold_is_the_callers_error(
    running: Running, secretary: dict[str, str]
) -> None:
    for body in (b'{"name": "a\\u0000b"}', b'{"name": "\\ud800"}', b'{"name": "a", "weight": 99999999999}'):
        headers = {**secretary, "content-type": "application/json"}
        answer = await running.client.post(THINGS, content=body, headers=headers)
        assert (answer.status_code, kind(answer)) == (422, "invalid"), body


async def test_an_unknown_error_is_told_as_a_code_and_never_in_its_words(
    running: Running, secretary: dict[str, str]
) -> None:
    answer = await running.client.post(THINGS, json={"name": "explodes"}, headers=secretary)
    assert (answer.status_code, kind(answer)) == (500, "internal")
    assert answer.json()["correlation"] == answer.headers["trama-correlation"]
    assert "secret" not in answer.text


async def test_wrong_fields_are_named_with_what_would_be_accepted(running: Running, secretary: dict[str, str]) -> None:
    answer = await running.client.post(THINGS, json={"name": "", "weight": -1}, headers=secretary)
    assert (answer.status_code, kind(answer)) == (422, "invalid")
    assert answer.json()["errors"] == [
        {"path": "/name", "code": "string_too_short", "accepted": "at least 1 characters or items"},
        {"path": "/weight", "code": "greater_than_equal", "accepted": ">= 0"},
    ]
    missing = await running.client.post(THINGS, json={}, headers=secretary)
    assert missing.json()["errors"] == [{"path": "/name", "code": "missing", "accepted": "a value"}]
    odd = await running.client.get("/toy/v1/things/seven", headers=secretary)
    assert odd.json()["errors"] == [{"path": "{thing_id}", "code": "uuid_parsing", "accepted": "a UUID"}]


async def test_what_cannot_be_read_is_a_problem(running: Running, secretary: dict[str, str]) -> None:
    json_headers = {**secretary, "content-type": "application/json"}
    cut = await running.client.post(THINGS, content=b'{"name": ', headers=json_headers)
    assert (cut.status_code, kind(cut)) == (422, "invalid")
    bytes_ = await running.client.post(THINGS, content=b"\xff\xfe\x00", headers=json_headers)
    assert (bytes_.status_code, kind(bytes_)) == (400, "malformed")
    deep = await running.client.post(THINGS, content=b"[" * 200_000, headers=json_headers)
    assert deep.status_code in (400, 422)
    text = await running.client.post(THINGS, content=b"name=x", headers={**secretary, "content-type": "text/plain"})
    assert (text.status_code, kind(text)) == (415, "unsupported-media-type")
    assert text.json()["errors"][0]["accepted"] == "application/json"
    form = {**secretary, "content-type": "multipart/form-data; boundary=x"}
    torn = await running.client.post("/toy/v1/uploads", content=b"--x\r\nbroken", headers=form)
    assert torn.status_code in (400, 422)


async def test_unknown_places_and_methods_are_problems(running: Running, secretary: dict[str, str]) -> None:
    nowhere = await running.client.get("/toy/v1/nowhere", headers=secretary)
    assert (nowhere.status_code, kind(nowhere)) == (404, "not-found")
    method = await running.client.delete(THINGS, headers=secretary)
    assert (method.status_code, kind(method)) == (405, "method-not-allowed")
    assert method.headers["allow"]
    gone = await running.client.get(f"/toy/v1/things/{uuid4()}", headers=secretary)
    assert (gone.status_code, kind(gone)) == (404, "not-found")
    network = await running.client.get("/toy/v1/networks/altra/things", headers=secretary)
    assert (network.status_code, kind(network)) == (404, "network-unknown")


async def test_an_update_wants_the_version_that_was_read(running: Running, secretary: dict[str, str]) -> None:
    thing = await made(running, secretary)
    url = f"/toy/v1/things/{thing['id']}"
    without = await running.client.patch(url, json={"name": "x"}, headers=secretary)
    assert (without.status_code, kind(without)) == (428, "if-match-missing")
    done = await running.client.patch(url, json={"name": "x"}, headers={**secretary, "if-match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    stale = await running.client.patch(url, json={"name": "y"}, headers={**secretary, "if-match": '"1"'})
    assert (stale.status_code, kind(stale), stale.headers["etag"]) == (412, "version-mismatch", '"2"')
    odd = await running.client.patch(url, json={"name": "y"}, headers={**secretary, "if-match": "*"})
    assert (odd.status_code, kind(odd)) == (422, "invalid")
    assert (await running.client.get(url, headers=secretary)).json()["name"] == "x"


async def test_two_updates_of_one_version_let_one_through(running: Running, secretary: dict[str, str]) -> None:
    thing = await made(running, secretary)
    headers = {**secretary, "if-match": '"1"'}
    answers = await asyncio.gather(
        *(
            running.client.patch(f"/toy/v1/things/{thing['id']}", json={"name": f"n{n}"}, headers=headers)
            for n in range(5)
        )
    )
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412, 412]


async def test_a_gateway_that_compresses_does_not_break_the_version(
    running: Running, secretary: dict[str, str]
) -> None:
    thing = await made(running, secretary)
    headers = {**secretary, "if-match": '"1-gzip"'}
    assert (await running.client.patch(f"/toy/v1/things/{thing['id']}", json={"name": "x"}, headers=headers)).is_success


async def test_a_read_that_is_current_is_not_sent_again(running: Running, secretary: dict[str, str]) -> None:
    thing = await made(running, secretary)
    url = f"/toy/v1/things/{thing['id']}"
    first = await running.client.get(url, headers=secretary)
    tag = first.headers["etag"]
    assert re.fullmatch('"1-[0-9a-f]{12}"', tag)
    again = await running.client.get(url, headers={**secretary, "if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = await running.client.patch(url, json={"name": "x"}, headers={**secretary, "if-match": tag})
    assert changed.is_success


async def test_what_is_shown_otherwise_is_sent_again_though_it_has_no_new_version(
    running: Running, secretary: dict[str, str]
) -> None:
    """As figures are, and what the caller may do."""
    url = f"/toy/v1/things/{(await made(running, secretary))['id']}"
    tag = (await running.client.get(url, headers=secretary)).headers["etag"]
    await running.sql("update things set name = 'another', version = version")
    again = await running.client.get(url, headers={**secretary, "if-none-match": tag})
    assert (again.status_code, again.json()["name"]) == (200, "another")
    assert (await running.client.get(url, headers={**secretary, "if-none-match": '"1"'})).status_code == 200


class TestIdempotency:
    async def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        headers = {**secretary, "idempotency-key": "k1"}
        first = await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)
        again = await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert [r.count for r in await running.sql("select count(*) from log")] == [1]

    async def test_the_key_with_another_request_is_refused(self, running: Running, secretary: dict[str, str]) -> None:
        headers = {**secretary, "idempotency-key": "k1"}
        await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)
        other = await running.client.post(THINGS, json={"name": "table"}, headers=headers)
        assert (other.status_code, kind(other)) == (422, "idempotency-key-reused")
        assert [r.count for r in await running.sql("select count(*) from things")] == [1]

    async def test_a_key_belongs_to_its_actor(self, running: Running, secretary: dict[str, str], network: UUID) -> None:
        colleague = await running.holder("secretariat", network)
        for who, name in ((secretary, "lamp"), (colleague, "table")):
            answer = await running.client.post(THINGS, json={"name": name}, headers={**who, "idempotency-key": "k1"})
            assert (answer.status_code, answer.json()["name"]) == (201, name)

    async def test_what_failed_may_be_tried_again_with_its_key(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        await made(running, secretary, "lamp")
        headers = {**secretary, "idempotency-key": "k1"}
        assert (await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)).status_code == 409
        await running.sql("delete from things")
        assert (await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)).status_code == 201

    async def test_at_once_with_one_key_it_happens_once(self, running: Running, secretary: dict[str, str]) -> None:
        headers = {**secretary, "idempotency-key": "k1"}
        answers = await asyncio.gather(
            *(running.client.post(THINGS, json={"name": "lamp"}, headers=headers) for _ in range(8))
        )
        assert {a.status_code for a in answers} == {201}
        assert len({a.json()["id"] for a in answers}) == 1
        assert [r.count for r in await running.sql("select count(*) from things")] == [1]

    async def test_an_upload_is_known_again_whatever_boundary_its_client_draws(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        async def send(boundary: str, content: bytes) -> httpx.Response:
            part = b'--%b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--%b--\r\n'
            body = part % (boundary.encode(), content, boundary.encode())
            headers = {
                **secretary,
                "idempotency-key": "k1",
                "content-type": f"multipart/form-data; boundary={boundary}",
            }
            return await running.client.post("/toy/v1/uploads", content=body, headers=headers)

        assert (await send("aaaa", b"x" * 100_000)).json() == {"bytes": 100_000}
        again = await send("bbbbbb", b"x" * 100_000)
        assert (again.json(), again.headers["idempotency-replayed"]) == ({"bytes": 100_000}, "true")
        assert (await send("cccc", b"y" * 100_000)).status_code == 422

    async def test_a_key_that_is_none_is_refused(self, running: Running, secretary: dict[str, str]) -> None:
        for key in ("", "x" * 256, "a b"):
            headers = {**secretary, "idempotency-key": key}
            answer = await running.client.post(THINGS, json={"name": "lamp"}, headers=headers)
            assert (answer.status_code, kind(answer)) == (422, "invalid"), key


class TestWaiting:
    async def test_what_is_not_known_yet_is_waited_for_and_then_told(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        answer = await running.client.post(THINGS, json={"name": "later"}, headers=secretary)
        assert (answer.status_code, kind(answer)) == (409, "not-yet-known")
        assert answer.headers["retry-after"]

    async def test_a_read_waits_for_the_fact_that_it_must_have_seen(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        await made(running, secretary)
        [row] = await running.sql("select id from log")
        own = await running.client.get(THINGS, params={"seen": str(row.id)}, headers=secretary)
        assert own.status_code == 200
        fact = uuid4()
        reading = asyncio.create_task(running.client.get(THINGS, params={"seen": str(fact)}, headers=secretary))
        await asyncio.sleep(0)
        await running.sql("insert into inbox (consumer, fact_id) values ('toy-registry-reactions', :id)", id=fact)
        assert (await reading).status_code == 200
        odd = await running.client.get(THINGS, params={"seen": "x"}, headers=secretary)
        assert (odd.status_code, kind(odd)) == (422, "invalid")


class TestLimits:
    async def test_a_body_over_the_limit_is_refused_with_the_limit(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        answer = await running.client.post(THINGS, json={"name": "x" * (1 << 20)}, headers=secretary)
        assert (answer.status_code, kind(answer)) == (413, "too-large")
        assert answer.json()["errors"][0]["accepted"] == 1 << 20

    async def test_a_body_that_does_not_announce_its_size_is_counted(
        self, running: Running, secretary: dict[str, str]
    ) -> None:
        sent = 0

        async def endless() -> Any:
            nonlocal sent
            for _ in range(64):
                sent += 1 << 16
                yield b" " * (1 << 16)

        headers = {**secretary, "content-type": "application/json"}
        answer = await running.client.post(THINGS, content=endless(), headers=headers)
        assert (answer.status_code, kind(answer)) == (413, "too-large")

    async def test_an_upload_has_a_limit_of_its_own(self, running: Running, secretary: dict[str, str]) -> None:
        size = 2 << 20
        answer = await running.client.post("/toy/v1/uploads", files={"file": b"x" * size}, headers=secretary)
        assert answer.json() == {"bytes": size}
        large = await running.client.post("/toy/v1/uploads", files={"file": b"x" * (33 << 20)}, headers=secretary)
        assert (large.status_code, kind(large)) == (413, "too-large")
