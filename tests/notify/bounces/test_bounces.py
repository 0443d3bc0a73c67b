"""What comes back by LMTP: what becomes of the delivery, of the address, and of what is told to it next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.notify.preferences.rules import Digests
from shared.contracts.registry import PersonChanged, PersonRegistered
from tests.notify.bounces.returned import complaint, exim, gmail, postfix, qmail
from tests.notify.digests.test_digests import moved_to
from tests.notify.network import Network, then
from tests.notify.preferences.test_preferences import choice, decided, enrolled, somebody
from tests.notify.relay import Taken
from tests.notify.replies.desk import hand_over

pytestmark = pytest.mark.timeout(120)
DESK = "bounces@reply.example"


async def mailed(room: Network, person: PersonRegistered, count: int = 1) -> Taken:
    """Something that is not owed."""
    await room.running.tell(room.enrolled(person))
    return (await room.mails(person, count))[-1]


async def back(room: Network, raw: bytes, to: str) -> tuple[int, str]:
    answer = await hand_over(room, raw, to, "")
    await room.running.settled()
    return answer


async def suppressions(room: Network, **params: Any) -> list[dict[str, Any]]:
    answer = await room.running.client.get(
        f"/notify/v1/networks/{room.id}/suppressions", params=params, headers=room.running.signed_in(admin=True)
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def bounced(room: Network) -> list[dict[str, Any]]:
    facts = await room.running.published("notify.delivery.>")
    return [body for _, body in facts if body["state"] == "bounced" and body["network_id"] == str(room.id)]


async def test_a_mailbox_that_is_gone_is_mailed_no_more_until_it_is_another_one(room: Network) -> None:
    person, running = room.person(), room.running
    await running.tell(person)
    mail = await mailed(room, person)
    assert mail.sender.startswith("bounce+")
    assert mail.sender.endswith("@reply.example")
    assert (await back(room, postfix(to=str(person.email)), mail.sender))[0] == 250
    assert (await back(room, postfix(to=str(person.email)), mail.sender))[0] == 250, "once more, as after a kill"
    assert await room.topics(person) == [("enrolled", "bounced", "returned-unknown")]
    [fact] = await bounced(room)
    assert fact["state"] == "bounced"
    [delivery] = await room.deliveries(person=str(person.id))
    assert "@" not in delivery["reason"]
    assert delivery["reason"].startswith("5.1.1 550 5.1.1 <…>")
    [entry] = await suppressions(room, person=str(person.id))
    assert (entry["reason"], entry["status"], entry["allowed_actions"]) == ("hard", "5.1.1", ["release"])
    assert entry["person"]["name"] == "Maria Rossi"
    assert "@" not in str(entry)

    await running.tell(room.designated(person), room.enrolled(person), room.sign_in(person))
    await running.settled()
    assert set(await room.topics(person)) == {
        ("enrolled", "bounced", "returned-unknown"),
        ("enrolled", "suppressed", "address-suppressed"),
        ("mandate-given", "failed", "address-suppressed"),
        ("sign-in", "sent", None),
    }
    assert len(room.of(person)) == 2

    moved = then(person, PersonChanged, version=3, email=f"new{person.id.hex}@example.org")
    await running.tell(moved, room.enrolled(person))
    await room.relay.wait_until(lambda: any(m.to == moved.email for m in room.relay.taken))
    assert await suppressions(room) == []


async def test_a_released_address_is_mailed_again_and_what_came_back_can_be_tried_again(room: Network) -> None:
    person, running = room.person(), room.running
    office = await running.holder("secretariat", room.id)
    await running.tell(person)
    mail = await mailed(room, person)
    await back(room, postfix(to=str(person.email)), mail.sender)
    [entry] = await suppressions(room, reason="hard")
    path = f"/notify/v1/suppressions/{entry['id']}"
    refused = await running.client.post(f"{path}/release", json={"reason": "why not"}, headers=office)
    assert refused.status_code == 422
    elsewhere = await running.holder("secretariat", uuid7())
    hidden = await running.client.post(f"{path}/release", json={"reason": "works"}, headers=elsewhere)
    assert hidden.status_code == 404
    released = await running.client.post(f"{path}/release", json={"reason": "works"}, headers=office)
    assert (released.status_code, released.json()["release"]) == (200, "works"), released.text
    assert released.json()["allowed_actions"] == []
    assert await suppressions(room) == []
    [delivery] = await room.deliveries(person=str(person.id))
    one = await running.client.get(f"/notify/v1/deliveries/{delivery['id']}", headers=office)
    assert one.json()["allowed_actions"] == ["retry"]
    again = {**office, "If-Match": one.headers["ETag"]}
    assert (await running.client.post(f"/notify/v1/deliveries/{delivery['id']}/retry", headers=again)).is_success
    await room.mails(person, 2)
    await back(room, postfix(to=str(person.email)), room.of(person)[1].sender)
    assert await suppressions(room) == [], "the same mail says nothing new of the mailbox"
    await back(room, exim(), (await mailed(room, person, 3)).sender)
    assert [e["reason"] for e in await suppressions(room)] == ["hard"]


async def test_people_behind_one_mailbox_get_each_their_own_mail_and_share_what_comes_back(room: Network) -> None:
    address = f"info{room.id.hex}@example.org"
    maria, luca = (
        room.person(email=address),
        room.person(email=address.replace("info", "Info"), given_name="Luca", family_name="Bianchi"),
    )
    meeting = room.meeting()
    await room.running.tell(maria, luca, meeting, room.invited(meeting, maria), room.invited(meeting, luca))
    mails = [*(await room.mails(maria)), *(await room.mails(luca))]
    assert [str(mail.message["To"].addresses[0].display_name) for mail in mails] == ["Maria Rossi", "Luca Bianchi"]
    assert ["Buongiorno Maria," in mails[0].text, "Buongiorno Luca," in mails[1].text] == [True, True]
    links = [{word for word in mail.text.split() if "token=" in word} for mail in mails]
    assert links[0]
    assert not links[0] & links[1]
    assert mails[0].sender != mails[1].sender
    await back(room, postfix(to=address), mails[1].sender)
    assert {entry["person"]["id"] for entry in await suppressions(room)} == {str(maria.id), str(luca.id)}
    assert [state for _, state, _ in await room.topics(luca)] == ["bounced"]
    assert [state for _, state, _ in await room.topics(maria)] == ["sent"], "hers was not returned"
    newcomer = room.person(email=address)
    await room.running.tell(newcomer, room.enrolled(newcomer))
    await room.running.settled()
    assert await room.topics(newcomer) == [("enrolled", "suppressed", "address-suppressed")]
    [first, _] = await suppressions(room)
    headers = room.running.signed_in(admin=True)
    await room.running.client.post(
        f"/notify/v1/suppressions/{first['id']}/release", json={"reason": "asked"}, headers=headers
    )
    assert await suppressions(room) == []


async def test_a_mailbox_that_is_full_again_and_again_is_mailed_no_more(room: Network) -> None:
    person = room.person()
    await room.running.tell(person)
    for number in (1, 2, 3):
        assert await suppressions(room) == []
        mail = await mailed(room, person, number)
        await back(room, gmail("4.4.1", "421 busy").replace(b"Action: failed", b"Action: delayed"), mail.sender)
        await back(room, exim("5.0.0", "550 5.7.1 refused as spam") if number == 1 else gmail(), mail.sender)
        if number == 1:
            assert await room.topics(person) == [("enrolled", "bounced", "returned-refused")]
            await back(room, gmail(), mail.sender)
    assert [(e["reason"], e["status"]) for e in await suppressions(room)] == [("soft", "5.2.2")]


async def test_who_complains_is_told_what_is_owed_only(room: Network) -> None:
    person = room.person()
    await room.running.tell(person)
    mail = await mailed(room, person)
    assert (await back(room, complaint(path=mail.sender, id_=str(UUID(int=0))), DESK))[0] == 250
    assert await room.topics(person) == [("enrolled", "sent", None)], "it was read"
    assert [e["reason"] for e in await suppressions(room)] == ["complaint"]
    await room.running.tell(room.enrolled(person), room.designated(person))
    await room.mails(person, 2)
    assert set(await room.topics(person)) == {
        ("enrolled", "sent", None),
        ("mandate-given", "sent", None),
        ("enrolled", "suppressed", "address-suppressed"),
    }
    await back(room, exim(path=mail.sender), DESK)
    assert [e["reason"] for e in await suppressions(room)] == ["hard"], "what stops more"


async def test_a_mail_without_an_envelope_of_its_own_is_known_by_its_message_id(room: Network) -> None:
    person, other = room.person(), room.person()
    await room.running.tell(person, other)
    ids = [str((await mailed(room, one)).message["Message-ID"])[1:37] for one in (person, other)]
    await back(room, qmail(id_=ids[0]), DESK)
    assert await room.topics(person) == [("enrolled", "bounced", "returned-unknown")]
    await back(room, postfix(to="somebody@else.example", id_=ids[1]), DESK)
    assert await room.topics(other) == [("enrolled", "bounced", "returned-unknown")]
    found = {entry["person"]["id"] for entry in await suppressions(room)}
    assert found == {str(person.id)}, "of an address that is not theirs nothing follows"


async def test_a_report_that_overtakes_the_record_comes_again(room: Network) -> None:
    person = room.person()
    await room.running.tell(person)
    mail = await mailed(room, person)
    raw, sql = postfix(to=str(person.email)), room.running.sql
    later = "update deliveries set state = :state, lease_until = now() + interval '1 hour' where person_id = :id"
    await sql(f"{later} returning 1", state="sending", id=person.id)
    assert (await back_while_sending(room, raw, mail.sender))[0] == 451
    await sql(f"{later} returning 1", state="sent", id=person.id)
    assert (await back(room, raw, mail.sender))[0] == 250
    assert await room.topics(person) == [("enrolled", "bounced", "returned-unknown")]


async def back_while_sending(room: Network, raw: bytes, to: str) -> tuple[int, str]:
    return await hand_over(room, raw, to, "")


async def test_what_nobody_sent_changes_nothing(room: Network) -> None:
    person = room.person()
    await room.running.tell(person)
    mail = await mailed(room, person)
    forged = mail.sender[:20] + ("a" if mail.sender[20] != "a" else "b") + mail.sender[21:]
    assert (await hand_over(room, postfix(), forged, ""))[0] == 550
    for raw in (postfix(id_=str(uuid7())), b"Subject: Assente\r\n\r\nTorno lunedi\r\n", b"\0" * 1000):
        assert (await back(room, raw, DESK))[0] == 250
    assert (await back(room, b"Subject: Assente\r\n\r\nTorno lunedi\r\n", mail.sender))[0] == 250
    assert await room.topics(person) == [("enrolled", "sent", None)]


async def test_a_digest_that_came_back_takes_its_entries_along_and_is_tried_again_whole(notify: Network) -> None:
    person, running = await somebody(notify), notify.running
    await decided(notify, person, choices=[choice("training", "daily")])
    await enrolled(notify, person, 2)
    await moved_to(notify, Digests().daily(running.context.clock.now()) + timedelta(seconds=1))
    (mail,) = await notify.mails(person)
    await back(notify, exim("5.0.0", "550 5.7.1 refused as spam"), mail.sender)
    deliveries = await notify.deliveries(person=str(person.id))
    assert {(d["state"], d["problem"]) for d in deliveries} == {("bounced", "returned-refused")}
    assert len(deliveries) == 3
    [digest] = [d["id"] for d in deliveries if d["topic"] == "digest"]
    office = await running.holder("secretariat", notify.id)
    etag = (await running.client.get(f"/notify/v1/deliveries/{digest}", headers=office)).headers["etag"]
    await running.client.post(f"/notify/v1/deliveries/{digest}/retry", headers={**office, "if-match": etag})
    assert "2 novità" in (await notify.mails(person, 2))[-1].message["subject"]
    assert {d["state"] for d in await notify.deliveries(person=str(person.id))} == {"sent"}


async def test_an_erased_person_leaves_nothing_on_the_list(room: Network) -> None:
    person = room.person()
    await room.running.tell(person)
    first, second = await mailed(room, person), await mailed(room, person, 2)
    await back(room, postfix(to=str(person.email)), first.sender)
    await room.running.tell(room.erased(person))
    await room.running.settled()
    assert await suppressions(room) == []
    await back(room, postfix(to=str(person.email)), second.sender)
    rows = await room.running.sql(
        "select 1 from suppressions where person_id = :id union all select 1 from bounces where person_id = :id",
        id=person.id,
    )
    assert rows == []
