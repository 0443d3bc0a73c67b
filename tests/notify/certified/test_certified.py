"""Certified mail from the secretariat to the receipts: HTTP, a provider's relay, its mailbox."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.notify.app import service
from services.notify.certified import commands
from services.notify.certified.mailbox import Mailbox, Reader
from services.notify.settings import Settings
from shared.access import jwks
from shared.contracts.registry import MembershipActivated, MembershipChanged, OrganisationRegistered
from shared.runtime.clock import wall
from shared.runtime.settings import SettingsError
from tests import harness
from tests.notify.certified.provider import OURS, FakeMailbox, receipt
from tests.notify.network import Network, then
from tests.notify.relay import FakeRelay

LETTER = {"subject": "Convocazione dell'assemblea", "text": "L'assemblea è convocata per il 10 settembre."}
PDF = base64.b64encode(b"%PDF-1.7\n...").decode()


@dataclass
class Office:
    room: Network
    relay: FakeRelay
    mailbox: FakeMailbox
    headers: dict[str, str]

    async def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        said = await self.room.running.client.request(
            method, f"/notify/v1{path}", headers={**self.headers, **more.pop("headers", {})}, **more
        )
        assert said.status_code == status, said.text
        return said.json() if "json" in said.headers["content-type"] else said

    async def post(self, status: int = 202, **body: Any) -> Any:
        return await self("POST", f"/networks/{self.room.id}/certified-mails", status, json={**LETTER, **body})

    async def member(self, pec: str | None) -> OrganisationRegistered:
        """A member whose certified address is known here."""
        organisation = self.room.organisation("Consorzio Girasole")
        self.membership = MembershipActivated(
            id=uuid7(), version=1, network_id=self.room.id, organisation_id=organisation.id,
            state="active", since=date(2026, 1, 1), pec=pec,
        )  # fmt: skip
        await self.room.running.tell(organisation, self.membership)
        await self.room.running.settled()
        return organisation

    async def hear(self, *messages: bytes) -> None:
        """The provider puts them into the mailbox; all has been read."""
        self.mailbox.messages += messages
        box = self.mailbox

        async def read() -> bool:
            [last] = await self.room.running.sql("select coalesce(max(last_uid), 0) from certified_mailboxes")
            return bool(last[0] >= len(box.messages))

        await harness.until(read, 10, "the mailbox is read")

    async def state(self, mail_id: str) -> str:
        return str((await self("GET", f"/certified-mails/{mail_id}"))["state"])

    async def reach(self, mail_id: str, state: str) -> Any:
        async def there() -> bool:
            return await self.state(mail_id) == state

        await harness.until(there, 10, state)
        return await self("GET", f"/certified-mails/{mail_id}")


@pytest.fixture(scope="module")
async def running(
    postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Network, FakeRelay, FakeMailbox]]:
    await harness.clear_streams(nats)
    home = tmp_path_factory.mktemp("certified")
    link_key = jwks.new_key()
    (home / "links.json").write_text(json.dumps(link_key.as_dict(private=True)))
    relay, provider, mailbox = await FakeRelay().start(), await FakeRelay().start(), await FakeMailbox().start()
    async with harness.running(
        service,
        Settings,
        await harness.service_database(postgres, "notify"),
        home,
        nats,
        smtp_url=relay.url("") + "?starttls=never",
        mail_from="Trama <no-reply@trama.example>",
        link_key_file=str(home / "links.json"),
        pec_smtp_url=provider.url("") + "?starttls=never",
        pec_from=OURS,
        pec_imap_url=mailbox.url,
        pec_poll="0.05",
    ) as made:
        room = Network(made, relay, link_key)
        await made.tell(room.founded())
        await harness.until(room.known, 20, "the network is known")
        yield room, provider, mailbox
    await relay.stop()
    await provider.stop()
    await mailbox.stop()


@pytest.fixture
async def office(running: tuple[Network, FakeRelay, FakeMailbox]) -> Office:
    room, provider, mailbox = running
    return Office(room, provider, mailbox, await room.running.holder("secretariat", room.id))


async def test_from_the_letter_to_the_receipt_of_delivery_with_its_evidence(office: Office) -> None:
    pec = f"g{uuid7().hex}@pec.example.org"
    organisation = await office.member(pec)
    attachment = {"name": "ordine.pdf", "content": PDF}
    made = await office.post(organisation_ids=[str(organisation.id)], attachments=[attachment])
    [mail_id] = made["items"]
    sent = await office.reach(mail_id, "sent")
    assert (sent["address"], sent["organisation"]["name"]) == (pec, "Consorzio Girasole")
    assert sent["files"] == [{"name": "ordine.pdf", "media_type": "application/pdf", "size": 12}]
    [taken] = [mail for mail in office.relay.taken if mail.to == pec]
    assert (taken.sender, taken.message["from"], taken.message["to"]) == (OURS, OURS, pec)
    message_id = taken.message["message-id"].strip("<>")
    assert taken.message["x-tiporicevuta"] == "completa"
    assert "è convocata" in taken.text
    accepted = receipt("accettazione", message_id, recipient=pec)
    await office.hear(
        accepted, b"Subject: una risposta\r\n\r\nciao", receipt("avvenuta-consegna", message_id, recipient=pec)
    )
    whole = await office.reach(mail_id, "delivered")
    assert [one["kind"] for one in whole["receipts"]] == ["accettazione", "avvenuta-consegna"]
    assert whole["receipts"][0]["data"]["identifier"].startswith("opec21004.")
    raw = await office("GET", f"/certified-mails/{mail_id}/receipts/{whole['receipts'][0]['id']}")
    assert raw.content == accepted
    assert raw.headers["content-type"] == "message/rfc822"
    marked = len(office.mailbox.messages) - 2
    assert {marked, marked + 2} <= office.mailbox.seen
    assert marked + 1 not in office.mailbox.seen  # what is no receipt stays unread, for people
    facts = await office.room.running.published(f"notify.certified_mail.{mail_id}.>")
    assert [type_.split(".")[3] for type_, _ in facts] == ["sent", "accepted", "delivered"]
    assert pec not in str(facts)
    # The mailbox counts anew, and everything comes again: nothing changes.
    office.mailbox.uid_validity += 1
    before = office.mailbox.visits
    await harness.until(lambda: _visited(office, before + 3), 10, "visited")
    again = await office("GET", f"/certified-mails/{mail_id}")
    assert (again["version"], len(again["receipts"])) == (whole["version"], 2)


async def _visited(office: Office, times: int) -> bool:
    return office.mailbox.visits >= times


async def test_receipts_that_are_not_of_the_mail_that_they_name_change_nothing(office: Office) -> None:
    pec = f"g{uuid7().hex}@pec.example.org"
    organisation = await office.member(pec)
    [mail_id] = (await office.post(organisation_ids=[str(organisation.id)]))["items"]
    await office.reach(mail_id, "sent")
    ours = f"{mail_id}@pec.trama.example"
    await office.hear(
        receipt("avvenuta-consegna", ours, recipient="another@pec.example.org"),
        receipt("avvenuta-consegna", ours, recipient=pec, sender="someone@pec.example.org"),
        receipt("avvenuta-consegna", f"{mail_id}@elsewhere.example", recipient=pec),
        receipt("avvenuta-consegna", f"{uuid7()}@pec.trama.example", recipient=pec),
        receipt("avvenuta-consegna", "nonsense", recipient=pec),
    )
    assert await office.state(mail_id) == "sent"
    await office.hear(receipt("errore-consegna", ours, recipient=pec, error="no-dest"))
    failed = await office.reach(mail_id, "failed")
    assert (failed["problem"], failed["reason"]) == ("not_delivered", "no-dest")


async def test_who_has_no_certified_address_has_failed_at_once_and_a_new_one_is_used(office: Office) -> None:
    organisation = await office.member(None)
    [mail_id] = (await office.post(organisation_ids=[str(organisation.id)]))["items"]
    failed = await office("GET", f"/certified-mails/{mail_id}")
    assert (failed["state"], failed["problem"]) == ("failed", "no_address")
    pec = f"n{uuid7().hex}@pec.example.org"
    await office.room.running.tell(then(office.membership, MembershipChanged, pec=pec))
    await office.room.running.settled()
    [second] = (await office.post(organisation_ids=[str(organisation.id)]))["items"]
    assert (await office.reach(second, "sent"))["address"] == pec
    listed = await office("GET", f"/networks/{office.room.id}/certified-mails?organisation={organisation.id}")
    assert [one["id"] for one in listed["items"]] == [second, mail_id]
    only = await office(
        "GET", f"/networks/{office.room.id}/certified-mails?state=failed&organisation={organisation.id}"
    )
    assert [one["id"] for one in only["items"]] == [mail_id]


async def test_a_meetings_convocation_goes_to_the_organisations_that_are_invited(office: Office) -> None:
    pec = f"g{uuid7().hex}@pec.example.org"
    organisation = await office.member(pec)
    person, meeting = office.room.person(), office.room.meeting()
    await office.room.running.tell(
        person, meeting, office.room.invited(meeting, person, organisation_id=organisation.id)
    )
    await office.room.running.settled()
    calendar = base64.b64encode(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n").decode()
    [mail_id] = (
        await office.post(meeting_id=str(meeting.id), attachments=[{"name": "riunione.ics", "content": calendar}])
    )["items"]
    whole = await office.reach(mail_id, "sent")
    assert (whole["address"], whole["meeting_id"]) == (pec, str(meeting.id))
    assert whole["files"][0]["media_type"] == "text/calendar"


async def test_a_refusal_of_the_provider_fails_and_its_absence_costs_nothing(office: Office) -> None:
    pec, away = f"g{uuid7().hex}@pec.example.org", f"a{uuid7().hex}@pec.example.org"
    office.relay.replies[pec] = ["550 no such mailbox"]
    organisation = await office.member(pec)
    [mail_id] = (await office.post(organisation_ids=[str(organisation.id)]))["items"]
    failed = await office.reach(mail_id, "failed")
    assert failed["problem"] == "provider_refuses"
    assert "no such mailbox" in failed["reason"]
    port = office.relay.port
    await office.relay.stop()
    second = await office.member(away)
    [waiting] = (await office.post(organisation_ids=[str(second.id)]))["items"]

    async def put_off() -> bool:
        [row] = await office.room.running.sql(
            "select attempts, next_try > now() as later from certified_mails where id = :id", id=UUID(waiting)
        )
        return bool(row.later and row.attempts == 0)

    await harness.until(put_off, 10, "put off")
    office.relay.port = port
    await office.relay.start()
    await office.room.running.sql("update certified_mails set next_try = now() where id = :id", id=UUID(waiting))
    assert (await office.reach(waiting, "sent"))["address"] == away


async def test_a_day_without_a_receipt_is_told(office: Office) -> None:
    organisation = await office.member(f"g{uuid7().hex}@pec.example.org")
    [mail_id] = (await office.post(organisation_ids=[str(organisation.id)]))["items"]
    await office.reach(mail_id, "sent")
    await office.room.running.sql(
        "update certified_mails set sent_at = sent_at - interval '24 hours' where id = :id", id=UUID(mail_id)
    )
    await office.reach(mail_id, "unanswered")
    facts = await office.room.running.published(f"notify.certified_mail.{mail_id}.>")
    assert [type_.split(".")[3] for type_, _ in facts] == ["sent", "unanswered"]


async def test_what_is_sent_once_by_a_rule_is_sent_once_and_goes_after_ten_years(office: Office) -> None:
    organisation = await office.member(f"g{uuid7().hex}@pec.example.org")
    given: dict[str, Any] = {"network_id": office.room.id, "organisation_ids": [organisation.id], **LETTER}
    for times in (1, 0):
        async with office.room.running.context.database.sessions.begin() as session:
            made = await commands.send(session, **given, key="rule 7", now=office.room.running.context.clock.now())
            assert len(made) == times
    count = "select count(*) from certified_mails where organisation_id = :id"
    for days, left in ((3652, 1), (3653, 0)):
        async with office.room.running.context.database.sessions.begin() as session:
            await commands.purge(session, wall() + timedelta(days=days))
            [found] = (await session.execute(text(count), {"id": organisation.id})).all()
            assert found[0] == left
            await session.rollback()


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({}, "/organisation_ids"),
        ({"organisation_ids": [str(uuid7())]}, "/organisation_ids/0"),
        ({"meeting_id": str(uuid7())}, "/meeting_id"),
        ({"organisation_ids": [str(uuid7())], "meeting_id": str(uuid7())}, "/organisation_ids"),
        (
            {"organisation_ids": [str(uuid7())], "attachments": [{"name": "a.exe", "content": "TVqQAA=="}]},
            "/attachments/0",
        ),
        ({"organisation_ids": [str(uuid7())], "attachments": [{"name": "a", "content": "@"}]}, "/attachments/0"),
        ({"organisation_ids": [str(uuid7())], "subject": "a\r\nBcc: x@y.example"}, "/subject"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_field(office: Office, wrong: dict[str, Any], path: str) -> None:
    said = await office.post(422, **wrong)
    assert said["errors"][0]["path"].startswith(path)


async def test_without_a_certified_mailbox_it_says_so(room: Network) -> None:
    headers = await room.running.holder("secretariat", room.id)
    said = await room.running.client.post(
        f"/notify/v1/networks/{room.id}/certified-mails",
        json={**LETTER, "organisation_ids": [str(uuid7())]},
        headers=headers,
    )
    assert (said.status_code, said.json()["type"]) == (409, "urn:trama:problem:certified-mail-off")


@pytest.mark.parametrize(
    "url",
    ["imaps://host", "http://u:p@host", "imaps://u@host", 'imaps://u:p@host/a"b', "imaps://u:secret@host:x"],
)
def test_a_bad_mailbox_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        Mailbox.parse(url)
    assert "secret" not in str(refused.value)
    assert Mailbox.parse("imaps://u:p@host/PEC").folder == "PEC"
    assert Reader(Mailbox.parse("imaps://u:p@host")).mailbox.port == 993


def test_the_three_settings_go_together(tmp_path: Any) -> None:
    key = jwks.new_key()
    (tmp_path / "links.json").write_text(json.dumps(key.as_dict(private=True)))
    known = {
        "TRAMA_DATABASE_URL": "postgresql://notify@localhost/notify",
        "TRAMA_NATS_URL": "nats://localhost:4222",
        "TRAMA_SMTP_URL": "smtp://localhost",
        "TRAMA_MAIL_FROM": "no-reply@trama.example",
        "TRAMA_LINK_KEY_FILE": str(tmp_path / "links.json"),
    }
    pec = {"TRAMA_PEC_SMTP_URL": "smtps://u:p@pec.example.org", "TRAMA_PEC_FROM": OURS}
    with pytest.raises(SettingsError, match="all three, or none"):
        Settings.load({**known, **pec})
    with pytest.raises(SettingsError, match="imaps"):
        Settings.load({**known, **pec, "TRAMA_PEC_IMAP_URL": "imap://u:p@pec.example.org"})
    assert Settings.load({**known, **pec, "TRAMA_PEC_IMAP_URL": "imaps://u:p@pec.example.org"}).certified is not None
    assert Settings.load({**known, "TRAMA_PEC_SMTP_URL": ""}).certified is None
    with pytest.raises(SettingsError, match="TRAMA_WEBHOOKS_INSECURE"):
        Settings.load({**known, "TRAMA_WEBHOOKS_INSECURE": "true"})
