"""Preferences over the whole service: decided by the API and by mails' links, applied to what is told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.access import links
from shared.contracts.registry import PersonMerged, PersonRegistered
from tests.notify.network import TITLE, Network

pytestmark = pytest.mark.timeout(120)
HTML = {"accept": "text/html,application/xhtml+xml"}
DEEP = datetime(2099, 1, 1, tzinfo=UTC)


async def api(notify: Network, person: PersonRegistered, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {**notify.running.signed_in(person.id), **more.pop("headers", {})}
    return await notify.running.client.request(method, f"/notify/v1{path}", headers=headers, **more)


async def decided(notify: Network, person: PersonRegistered, **body: Any) -> dict[str, Any]:
    """All that the person wants, from now on."""
    before = await api(notify, person, "GET", "/me/preferences")
    answer = await api(
        notify, person, "PUT", "/me/preferences", json=body, headers={"if-match": before.headers["etag"]}
    )
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def choice(topic: str, choice: str, channel: str = "email", network: Any = None) -> dict[str, Any]:
    return {"network": network and str(network), "topic": topic, "channel": channel, "choice": choice}


def url_in(text: str, path: str) -> str:
    found = re.search(rf"http://trama\.test(/notify/v1/preferences/{path}\?token=\S+)", text)
    assert found is not None, text
    return found[1]


async def somebody(notify: Network, **person: Any) -> PersonRegistered:
    known = notify.person(**person)
    await notify.running.tell(known)
    await notify.running.settled()
    return known


async def enrolled(notify: Network, person: PersonRegistered, count: int = 1) -> None:
    """Told of so many paths, which is owed to nobody."""
    await notify.running.tell(*(notify.enrolled(person) for _ in range(count)))
    await notify.running.settled()


async def test_one_decides_all_at_once_and_nobody_overwrites_what_they_have_not_seen(notify: Network) -> None:
    person = await somebody(notify)
    first = await api(notify, person, "GET", "/me/preferences")
    assert (first.json()["version"], first.json()["choices"], first.json()["quiet_hours"]) == (0, [], None)
    topics = {topic["code"]: topic for topic in first.json()["topics"]}
    assert topics["meeting-convened"]["owed"]
    assert not topics["enrolled"]["owed"]
    assert "digest" not in topics
    assert (await api(notify, person, "PUT", "/me/preferences", json={})).status_code == 428
    body = {
        "language": "en",
        "quiet_hours": {"since": "22:00", "until": "07:00", "days": [5, 6]},
        "digest": {"hour": 18, "weekday": 5},
        "choices": [choice("training", "weekly"), choice("enrolled", "never", "inbox", notify.id)],
    }
    shown = await decided(notify, person, **body)
    assert {name: shown[name] for name in ("language", "quiet_hours", "digest")} == {
        name: body[name] for name in ("language", "quiet_hours", "digest")
    }
    assert {(c["topic"], c["network"] and c["network"]["id"]) for c in shown["choices"]} == {
        ("training", None),
        ("enrolled", str(notify.id)),
    }
    assert {t["code"]: t["email"] for t in shown["topics"]}["enrolled"] == "weekly"
    stale = await api(notify, person, "PUT", "/me/preferences", json={}, headers={"if-match": '"0"'})
    assert stale.status_code == 412
    assert (await decided(notify, person))["choices"] == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"choices": [choice("meeting-convened", "never")]}, "/choices/0/topic"),
        ({"choices": [choice("gossip", "never")]}, "/choices/0/topic"),
        ({"choices": [choice("enrolled", "daily", "inbox")]}, "/choices/0/choice"),
        ({"choices": [choice("enrolled", "daily"), choice("enrolled", "never")]}, "/choices/1"),
        (
            {"choices": [choice("enrolled", "daily", network="01936f5e-8a00-7000-8000-000000000009")]},
            "/choices/0/network",
        ),
        ({"quiet_hours": {"since": "08:00", "until": "08:00"}}, "/quiet_hours"),
        ({"quiet_hours": {"since": "25:00", "until": "08:00"}}, "/quiet_hours/since"),
        ({"language": "de"}, "/language"),
        ({"digest": {"hour": 24}}, "/digest/hour"),
    ],
)
async def test_what_cannot_be_decided_is_refused_by_name(notify: Network, body: dict[str, Any], path: str) -> None:
    person = notify.person()
    answer = await api(notify, person, "PUT", "/me/preferences", json=body, headers={"if-match": '"0"'})
    assert answer.status_code == 422
    assert path in answer.json()["errors"][0]["path"]
    if "quiet_hours" in body and path == "/quiet_hours":
        assert "at least one" in answer.json()["errors"][0]["accepted"]


async def test_mails_that_are_not_wanted_are_not_sent_and_the_sender_sees_why(notify: Network) -> None:
    person = await somebody(notify)
    await decided(notify, person, choices=[choice("enrolled", "never", network=notify.id)])
    await notify.running.tell(notify.enrolled(person), notify.designated(person))
    assert len(await notify.mails(person)) == 1  # the mandate's, which is owed
    assert sorted(await notify.topics(person)) == [
        ("enrolled", "suppressed", "not-wanted"),
        ("mandate-given", "sent", None),
    ]
    inbox = (await api(notify, person, "GET", "/me/inbox")).json()["items"]
    assert {message["topic"] for message in inbox} == {"enrolled", "mandate-given"}
    suppressed = await notify.running.sql(
        "select count(*) from log where type like '%delivery.suppressed%' and body like :person",
        person=f"%{person.id}%",
    )
    assert suppressed[0][0] == 1


async def test_an_inbox_can_be_left_out_too(notify: Network) -> None:
    person = await somebody(notify)
    await decided(notify, person, choices=[choice("training", "never", "inbox")])
    await enrolled(notify, person)
    assert len(await notify.mails(person)) == 1
    assert (await api(notify, person, "GET", "/me/inbox")).json()["items"] == []
    assert (await api(notify, person, "GET", "/me/inbox/unread")).json()["unread"] == 0


async def test_the_language_that_was_chosen_comes_before_the_registrys(notify: Network) -> None:
    person = await somebody(notify)
    await decided(notify, person, language="en")
    await enrolled(notify, person)
    (mail,) = await notify.mails(person)
    assert mail.message["content-language"] == "en"


async def test_a_mail_says_why_it_came_and_how_to_get_out_of_its_kind(notify: Network) -> None:
    person = await somebody(notify)
    await notify.running.tell(notify.enrolled(person), notify.designated(person))
    mails = {"percorso" in m.text.lower(): m for m in await notify.mails(person, 2)}
    wanted, owed = mails[True], mails[False]
    assert "Argomento: iscrizione a un percorso." in wanted.text
    assert wanted.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert wanted.message["list-unsubscribe"].strip("<>") == "http://trama.test" + url_in(wanted.text, "unsubscribe")
    assert owed.message["list-unsubscribe"] is None
    assert owed.message["list-unsubscribe-post"] is None
    assert "dovuta" in owed.text
    for mail in (wanted, owed):
        assert url_in(mail.text, "link")
        assert "/notify/v1/preferences/link?token=" in mail.part("html")


async def test_one_click_unsubscribes_of_that_topic_in_that_network_and_opening_the_link_does_not(
    notify: Network,
) -> None:
    person, client = await somebody(notify), notify.running.client
    await enrolled(notify, person)
    (mail,) = await notify.mails(person)
    url = mail.message["list-unsubscribe"].strip("<>").removeprefix("http://trama.test")
    opened = await client.get(url)
    assert opened.status_code == 200
    assert "Non ricevere più" in opened.text
    assert TITLE in opened.text
    assert (await api(notify, person, "GET", "/me/preferences")).json()["version"] == 0
    assert (await client.post(url, data={})).status_code == 422
    for _ in range(2):  # a program may send it again
        done = await client.post(url, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert not done.history
        assert "set-cookie" not in done.headers
        assert done.json()["unsubscribed"] is True
    state = (await api(notify, person, "GET", "/me/preferences")).json()
    assert state["version"] == 1
    (kept,) = state["choices"]
    assert (kept["topic"], kept["network"]["id"], kept["choice"]) == ("enrolled", str(notify.id), "never")
    await enrolled(notify, person)
    assert len(await notify.mails(person)) == 1
    undone = await client.post(url, data={"undo": "1"}, headers=HTML)
    assert undone.status_code == 200
    assert "arrivano di nuovo" in undone.text
    assert (await api(notify, person, "GET", "/me/preferences")).json()["choices"] == []


async def test_a_link_acts_for_its_purpose_and_its_person_only(notify: Network) -> None:
    person, client = await somebody(notify), notify.running.client
    other = links.mint(notify.link_key, "notify", "unsubscribe", person.id, DEEP, topic="enrolled")
    owed = links.mint(notify.link_key, "notify", "unsubscribe", person.id, DEEP, topic="meeting-convened")
    gone = links.mint(notify.link_key, "notify", "preferences", notify.person().id, DEEP)
    assert (await client.get("/notify/v1/preferences/link", params={"token": other}, headers=HTML)).status_code == 400
    assert (await client.get("/notify/v1/preferences/link", params={"token": gone}, headers=HTML)).status_code == 400
    page = await client.get("/notify/v1/preferences/unsubscribe", params={"token": owed})
    assert page.status_code == 200
    assert "dovuta" in page.text
    assert "<button" not in page.text
    refused = await client.post(
        "/notify/v1/preferences/unsubscribe", params={"token": owed}, data={"List-Unsubscribe": "One-Click"}
    )
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:trama:problem:topic-owed")


async def test_the_page_shows_all_choices_and_takes_them_back_without_a_script(notify: Network) -> None:
    person, client = await somebody(notify), notify.running.client
    token = links.mint(notify.link_key, "notify", "preferences", person.id, DEEP)
    page = await client.get("/notify/v1/preferences/link", params={"token": token}, headers=HTML)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert 'name="email:training"' in page.text
    assert 'name="email:enrolled"' in page.text
    assert 'name="email:meeting-convened"' not in page.text
    assert "convocazione" in page.text
    form = {
        "version": "0",
        "email:training": "daily",
        "inbox:training": "",
        "language": "en",
        "digest_hour": "18",
        "digest_weekday": "3",
        "quiet": "on",
        "quiet_since": "21:30",
        "quiet_until": "06:00",
        "quiet_days": ["6", "7"],
    }
    sent = await client.post("/notify/v1/preferences/link", params={"token": token}, data=form, headers=HTML)
    assert sent.status_code == 200
    assert "salvate" in sent.text
    state = (await api(notify, person, "GET", "/me/preferences")).json()
    assert (state["language"], state["digest"]) == ("en", {"hour": 18, "weekday": 3})
    assert state["quiet_hours"] == {"since": "21:30", "until": "06:00", "days": [6, 7]}
    assert [(c["topic"], c["choice"]) for c in state["choices"]] == [("training", "daily")]
    stale = await client.post("/notify/v1/preferences/link", params={"token": token}, data=form, headers=HTML)
    assert stale.status_code == 412
    assert 'role="alert"' in stale.text
    assert 'value="21:30"' in stale.text
    for wrong in ({"quiet_since": "noon"}, {"email:training": "hourly"}, {"email:meeting-convened": "never"}):
        refused = await client.post(
            "/notify/v1/preferences/link", params={"token": token}, data={**form, "version": "1", **wrong}, headers=HTML
        )
        assert refused.status_code == 422, wrong
        assert 'role="alert"' in refused.text
    here = {"token": token, "network": str(notify.id)}
    one = await client.post(
        "/notify/v1/preferences/link", params=here, data={"version": "1", "email:enrolled": "never"}, headers=HTML
    )
    assert one.status_code == 200
    everywhere = await client.get("/notify/v1/preferences/link", params={"token": token}, headers=HTML)
    assert "scelte proprie: 1" in everywhere.text
    after = (await api(notify, person, "GET", "/me/preferences")).json()
    assert len(after["choices"]) == 2
    assert after["language"] == "en"


async def test_what_waits_for_the_night_to_end_is_not_sent_when_it_is_not_wanted_any_more(notify: Network) -> None:
    """A change of preferences moves what already waits."""
    person = await somebody(notify)
    await decided(notify, person, choices=[choice("enrolled", "weekly")])
    await enrolled(notify, person, 2)
    first, _ = await notify.deliveries(person=str(person.id))
    assert {first["state"], first["problem"]} == {"queued", "in-digest"}
    assert first["waits_until"]
    await decided(notify, person, choices=[choice("enrolled", "never")])
    assert {d["problem"] for d in await notify.deliveries(person=str(person.id))} == {"not-wanted"}
    await enrolled(notify, person)
    await decided(notify, person, choices=[choice("enrolled", "daily")])
    await enrolled(notify, person)
    (waiting,) = [d for d in await notify.deliveries(person=str(person.id)) if d["problem"] == "in-digest"]
    await decided(notify, person)
    await notify.mails(person, 1)
    states = {d["id"]: d["state"] for d in await notify.deliveries(person=str(person.id))}
    assert states[waiting["id"]] == "sent"
    assert sorted(states.values()) == ["sent", "suppressed", "suppressed", "suppressed"]


async def test_a_duplicates_choices_and_its_old_mails_ways_out_are_the_others(notify: Network) -> None:
    going, staying = await somebody(notify), await somebody(notify)
    await decided(notify, going, language="en", choices=[choice("enrolled", "never"), choice("goal-decided", "never")])
    await decided(notify, staying, choices=[choice("enrolled", "daily")])
    old = links.mint(notify.link_key, "notify", "unsubscribe", going.id, DEEP, topic="report-released")
    await notify.running.tell(PersonMerged(id=going.id, version=2, network_id=notify.id, into_id=staying.id))
    await notify.running.settled()
    done = await notify.running.client.post(
        "/notify/v1/preferences/unsubscribe", params={"token": old}, data={"List-Unsubscribe": "One-Click"}
    )
    assert done.status_code == 200
    state = (await api(notify, staying, "GET", "/me/preferences")).json()
    assert {c["topic"]: c["choice"] for c in state["choices"]} == {
        "enrolled": "daily",
        "goal-decided": "never",
        "report-released": "never",
    }
    assert state["language"] is None  # the other had decided
