"""What a secretariat sees of its deliveries and contacts over HTTP, and what it can try again."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import until
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def failed(notify: Network) -> dict[str, Any]:
    """A delivery that failed for want of an address."""
    person = notify.person(email=None)
    await notify.running.tell(person, notify.designated(person))

    async def there() -> bool:
        return any(d["state"] == "failed" for d in await notify.deliveries(person=str(person.id)))

    await until(there, 20, "the delivery has failed")
    (delivery,) = await notify.deliveries(person=str(person.id))
    return delivery


async def secretary(notify: Network) -> dict[str, str]:
    return await notify.running.holder("secretariat", notify.id)


async def get(notify: Network, path: str, headers: dict[str, str], **params: Any) -> Any:
    return await notify.running.client.get(f"/notify/v1{path}", headers=headers, params=params)


async def test_the_secretariat_sees_what_was_told_and_why_not(notify: Network, failed: dict[str, Any]) -> None:
    headers = await secretary(notify)
    answer = await get(notify, f"/deliveries/{failed['id']}", headers)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["state"], shown["problem"], shown["tried"]) == ("failed", "no-address", 0)
    assert shown["person"]["name"] == "Maria Rossi"
    assert shown["network"]["id"] == str(notify.id)
    assert shown["attempts"] == []
    assert shown["allowed_actions"] == ["retry"]
    assert "parameters" not in shown


async def test_attempts_are_shown_with_the_relays_words(notify: Network) -> None:
    person = notify.person()
    assert person.email is not None
    notify.relay.replies[person.email] = [f"550 5.1.1 <{person.email}>: no such user"]
    await notify.running.tell(person, notify.designated(person))

    async def there() -> bool:
        return any(d["state"] == "failed" for d in await notify.deliveries(person=str(person.id)))

    await until(there, 20, "refused")
    (delivery,) = await notify.deliveries(person=str(person.id))
    shown = (await get(notify, f"/deliveries/{delivery['id']}", await secretary(notify))).json()
    (attempt,) = shown["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["code"]) == (1, "refused", 550)
    assert attempt["reason"] == "5.1.1 <…>: no such user"


async def test_filters_narrow_and_unknown_ones_are_refused(notify: Network, failed: dict[str, Any]) -> None:
    headers = await secretary(notify)
    path = f"/networks/{notify.slug}/deliveries"
    person = failed["person"]["id"]
    for known in (
        {"state": "failed"},
        {"state": ["sent", "failed"]},
        {"topic": "mandate-given"},
        {"updated_since": failed["updated_at"]},
    ):
        items = (await get(notify, path, headers, person=person, **known)).json()["items"]
        assert [item["id"] for item in items] == [failed["id"]], known
    for other in ({"state": "sent"}, {"topic": "sign-in"}, {"updated_since": "2100-01-01T00:00:00Z"}):
        assert (await get(notify, path, headers, person=person, **other)).json()["items"] == []
    for wrong in ({"stato": "sent"}, {"state": "lost"}, {"updated_since": "yesterday"}, {"person": "maria"}):
        answer = await get(notify, path, headers, **wrong)
        assert answer.status_code == 422, wrong
        assert next(iter(wrong)) in answer.json()["errors"][0]["path"]


async def test_pages_give_each_delivery_once_the_latest_first(notify: Network) -> None:
    people = [notify.person(email=None) for _ in range(7)]
    await notify.running.tell(*people, *(notify.designated(person) for person in people))
    await until(lambda: _all_failed(notify, {str(p.id) for p in people}), 20, "all have failed")
    headers, seen = await secretary(notify), list[str]()
    cursor: dict[str, str] = {}
    while True:
        page = (await get(notify, f"/networks/{notify.id}/deliveries", headers, limit=3, **cursor)).json()
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"after": page["next"]}
    assert seen == sorted(set(seen), reverse=True)
    assert seen == [delivery["id"] for delivery in await notify.deliveries()]


async def test_a_spreadsheet_gets_the_same_rows(notify: Network, failed: dict[str, Any]) -> None:
    headers = {**await secretary(notify), "accept": "text/csv"}
    answer = await get(notify, f"/networks/{notify.id}/deliveries", headers, person=failed["person"]["id"])
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["id"], row["state"], row["person.name"]) == (failed["id"], "failed", "Maria Rossi")


async def test_a_failed_delivery_is_tried_again_once_the_address_is_there(notify: Network) -> None:
    person = notify.person(email=None)
    await notify.running.tell(person, notify.designated(person))
    await until(lambda: _all_failed(notify, {str(person.id)}), 20, "failed")
    (delivery,) = await notify.deliveries(person=str(person.id))
    found = person.model_copy(update={"email": f"trovata-{person.id.hex}@example.org", "version": 2})
    await notify.running.tell(found)
    await until(lambda: _address(notify, person.id), 20, "the address is known")
    headers = await secretary(notify)
    path = f"/notify/v1/deliveries/{delivery['id']}"
    etag = (await notify.running.client.get(path, headers=headers)).headers["etag"]
    post = notify.running.client.post
    assert (await post(f"{path}/retry", headers=headers)).status_code == 428
    assert (await post(f"{path}/retry", headers={**headers, "if-match": '"99"'})).status_code == 412
    again = await post(f"{path}/retry", headers={**headers, "if-match": etag})
    assert again.status_code == 200, again.text
    assert again.json()["state"] == "queued"
    assert again.json()["allowed_actions"] == []
    assert len(await notify.mails(found)) == 1
    etag = (await notify.running.client.get(path, headers=headers)).headers["etag"]
    refused_ = await post(f"{path}/retry", headers={**headers, "if-match": etag, "accept-language": "en"})
    assert refused_.status_code == 409
    assert refused_.json()["type"].endswith("delivery-not-failed")
    assert refused_.json()["title"] == "The delivery has not failed"


async def test_who_cannot_be_reached_is_found_by_the_secretariat(notify: Network) -> None:
    name = f"Famiglia{uuid7().hex[-6:]}"
    with_address, without = notify.person(family_name=name), notify.person(family_name=name, email=None)
    gone = notify.person(family_name=name)
    elsewhere = notify.person(family_name=name, network_id=uuid7())
    theirs = notify.person(family_name=name, network_id=uuid7(), language="en")
    await notify.running.tell(with_address, without, gone, elsewhere, theirs, notify.secretary(theirs, role="member"))
    await notify.running.tell(notify.erased(gone))
    marker = notify.person()
    await notify.running.tell(marker, notify.sign_in(marker))
    await notify.mails(marker)
    headers, path = await secretary(notify), f"/networks/{notify.slug}/contacts"
    await until(lambda: _contacts(notify, headers, name, 3), 20, "all are known")
    everybody = (await get(notify, path, headers, q=name)).json()["items"]
    assert {item["person"]["id"] for item in everybody} == {str(p.id) for p in (with_address, without, theirs)}
    (item,) = (await get(notify, path, headers, q=name, reachable=False)).json()["items"]
    assert (item["person"]["id"], item["email"], item["reachable"]) == (str(without.id), None, False)
    assert len((await get(notify, path, headers, q=name, reachable=True)).json()["items"]) == 2


async def test_vocabularies_name_everything_in_both_languages(notify: Network) -> None:
    answer = await notify.running.client.get("/notify/v1/vocabularies")
    found = {v["name"]: {t["code"]: (t["it"], t["en"]) for t in v["terms"]} for v in answer.json()["items"]}
    assert set(found) >= {"topics", "channels", "states", "problems", "roles"}
    assert found["states"]["failed"] == ("non riuscita", "failed")
    assert all(all(labels) for terms in found.values() for labels in terms.values())


OWN = {
    "GET /me/inbox",
    "GET /me/inbox/unread",
    "POST /me/inbox/read",
    "POST /me/inbox/ticket",
    "GET /me/preferences",
    "PUT /me/preferences",
    "GET /webhook-types",
    "GET /rule-fact-types",
}
"""Everybody has an inbox, which may be empty, and decides what they are told; catalogues are for who is signed in."""
OPEN = (
    "GET /me/inbox/events",  # by a ticket
    "GET /preferences/link",
    "POST /preferences/link",
    "GET /preferences/unsubscribe",
    "POST /preferences/unsubscribe",
)


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(notify: Network, failed: dict[str, Any], stranger: str) -> None:
    ids = {"delivery_id": failed["id"], "message_id": failed["id"], "topic": "meeting-reminder"}
    await refused(notify.running, stranger, network=notify.id, public=OPEN, signed_in=OWN, ids=ids)


async def test_what_came_of_a_convocation_is_counted_for_its_secretariat_and_who_convenes(notify: Network) -> None:
    body, other = notify.body(territory="03"), notify.body()
    meeting = notify.meeting(body_id=body.id)
    reached, without = notify.person(), notify.person(email=None)
    await notify.running.tell(body, other, meeting, reached, without)
    await notify.running.tell(notify.invited(meeting, reached), notify.invited(meeting, without))
    await notify.mails(reached)
    about = {"subject": str(meeting.id)}
    summary, listed = f"/networks/{notify.id}/deliveries/summary", f"/networks/{notify.id}/deliveries"
    shown = (await get(notify, summary, await secretary(notify), **about)).json()
    assert {name: shown[name] for name in ("intended", "waiting", "sent", "bounced", "failed", "suppressed")} == {
        "intended": 2,
        "waiting": 0,
        "sent": 1,
        "bounced": 0,
        "failed": 1,
        "suppressed": 0,
    }
    assert shown["delivered"] == {"count": 0, "of": 2, "share": 0.0}
    assert [(w["topic"], w["state"], w["problem"], w["count"]) for w in shown["why"]] == [
        ("meeting-convened", "failed", "no-address", 1),
        ("meeting-convened", "sent", None, 1),
    ]
    await notify.running.sql(
        "update deliveries set sent_at = now() - interval '5 days' where subject_id = :id and state = 'sent'",
        id=meeting.id,
    )
    later = (await get(notify, summary, await secretary(notify), **about)).json()
    assert later["delivered"] == {"count": 1, "of": 2, "share": 0.5}
    (one,) = (await get(notify, listed, await secretary(notify), **about, state="sent")).json()["items"]
    (same,) = (await get(notify, listed, await secretary(notify), because_of=one["because_of"], **about)).json()[
        "items"
    ]
    assert same["id"] == one["id"]

    convenes = await notify.running.holder("coordinator", notify.id, body_id=body.id)
    assert (await get(notify, summary, convenes, **about)).json()["intended"] == 2
    items = (await get(notify, listed, convenes, **about)).json()["items"]
    assert len(items) == 2
    assert reached.email
    assert reached.email not in str(items)
    for elsewhere in ({"body_id": other.id}, {"territory": "01"}):
        stranger = await notify.running.holder("coordinator", notify.id, **elsewhere)
        assert (await get(notify, summary, stranger, **about)).status_code == 403, elsewhere
    two = {"subject": [str(meeting.id), str(body.id)]}
    for narrower in ({}, two, {"topic": "meeting-convened"}):
        assert (await get(notify, summary, convenes, **narrower)).status_code == 403, narrower
        assert (await get(notify, listed, convenes, **narrower)).status_code == 403, narrower


@pytest.mark.parametrize("role", ["coordinator", "referent", "representative", "delegate", "member"])
async def test_no_lower_role_reads_or_retries(notify: Network, failed: dict[str, Any], role: str) -> None:
    headers = await notify.running.holder(role, notify.id, since=date(2000, 1, 1))
    assert (await get(notify, f"/networks/{notify.id}/deliveries", headers)).status_code == 403
    assert (await get(notify, f"/networks/{notify.id}/contacts", headers)).status_code == 403
    assert (await get(notify, f"/deliveries/{failed['id']}", headers)).status_code == 404
    retried = await notify.running.client.post(
        f"/notify/v1/deliveries/{failed['id']}/retry", headers={**headers, "if-match": '"1"'}
    )
    assert retried.status_code == 404


async def test_every_open_operation_is_known_to_be_open(notify: Network) -> None:
    assert unlisted(notify.running, OPEN) == []


async def test_readiness_counts_the_mails_that_are_due(notify: Network) -> None:
    answer = await notify.running.client.get("/notify/health/ready")
    assert "mails" in answer.json()["lags"]


async def _all_failed(notify: Network, people: set[str]) -> bool:
    failed = {d["person"]["id"] for d in await notify.deliveries(state="failed") if d["person"]}
    return people <= failed


async def _address(notify: Network, person: object) -> bool:
    (row,) = await notify.running.sql("select email from contacts where person_id = :id", id=person)
    return row.email is not None


async def _contacts(notify: Network, headers: dict[str, str], name: str, count: int) -> bool:
    answer = await get(notify, f"/networks/{notify.slug}/contacts", headers, q=name)
    return len(answer.json()["items"]) == count
