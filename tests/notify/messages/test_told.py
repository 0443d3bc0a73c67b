"""Which fact tells whom, in which words: facts in, mails out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from shared.contracts import mapping
from shared.contracts.registry import ImportFailed, MandateStarted, NoticeDue, RowProblem
from tests.harness import until
from tests.notify.network import TITLE, Network

pytestmark = pytest.mark.timeout(120)
STATE = """
    select (select md5(string_agg(d::text, ',' order by id)) from deliveries d where person_id is distinct from :but),
        (select md5(string_agg(c::text, ',' order by person_id)) from contacts c where person_id <> :but)
"""


async def test_who_asks_to_sign_in_gets_a_link_for_that_request(notify: Network, tmp_path: Path) -> None:
    person = notify.person(given_name="Màrio")
    asked = notify.sign_in(person)
    await notify.running.tell(person, asked)
    (mail,) = await notify.mails(person)
    assert mail.message["Subject"].startswith("Il tuo collegamento per accedere")
    assert "Buongiorno Màrio," in mail.text
    link = await notify.link(mail.text, "/registry/v1/sign-in/link", "sign-in", tmp_path)
    assert (link.subject, link.audience, link.purpose) == (asked.request_id, "registry", "sign-in")
    assert link.expires == asked.expires_at.replace(microsecond=0)


async def test_the_link_is_kept_nowhere(notify: Network) -> None:
    person = notify.person()
    await notify.running.tell(person, notify.sign_in(person))
    (mail,) = await notify.mails(person)
    token = mail.text.split("token=")[1].split()[0]
    for table in ("deliveries", "attempts", "log", "inbox", "parked"):
        rows = await notify.running.sql(f"select t::text as row from {table} t")
        assert not [row for row in rows if token in row.row or token.split(".")[2] in row.row], table


async def test_a_request_that_has_expired_is_not_mailed(notify: Network) -> None:
    person = notify.person()
    await notify.running.tell(person, notify.sign_in(person, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    await until(lambda: _has(notify, person.id, "suppressed"), 20, "the delivery is suppressed")
    (delivery,) = await notify.deliveries(person=str(person.id))
    assert (delivery["state"], delivery["problem"]) == ("suppressed", "too-late")
    assert notify.of(person) == []


async def test_a_person_reads_in_their_language(notify: Network) -> None:
    person = notify.person(given_name="Mary", language="en")
    mandate = notify.designated(person, until=date(2027, 1, 1), territory="03")
    await notify.running.tell(person, mandate)
    (mail,) = await notify.mails(person)
    assert mail.message["Content-Language"] == "en"
    assert mail.message["Subject"] == f"Your mandate: referent – {TITLE}"
    assert "Hello Mary," in mail.text
    assert "From:       January 1, 2026" in mail.text
    assert "To:         December 31, 2026 included" in mail.text
    assert '<html lang="en"' in mail.part("html")


async def test_who_was_entered_by_others_is_told_once_where_the_notice_is(notify: Network, tmp_path: Path) -> None:
    person, english = notify.person(), notify.person(language="en")
    due = [
        NoticeDue(
            id=one.id, version=1, network_id=notify.id, notice_id=uuid7(), processing_id=uuid7(), due=date(2026, 4, 1)
        )
        for one in (person, english)
    ]
    await notify.running.tell(person, english, *due, *due)
    (mail,) = await notify.mails(person)
    assert mail.message["Subject"] == f"I tuoi dati in {TITLE}: informativa"
    link = await notify.link(mail.text, "/registry/v1/notices/link", "notice", tmp_path)
    assert (link.subject, link.audience) == (due[0].notice_id, "registry")
    (mail,) = await notify.mails(english)
    assert mail.message["Subject"] == f"Your data in {TITLE}: privacy notice"
    await notify.running.settled()
    assert len(notify.of(person)) == 1
    (delivery,) = await notify.deliveries(person=str(person.id))
    assert (delivery["topic"], delivery["state"]) == ("privacy-notice", "sent")


async def test_a_new_mandate_is_told_with_what_for_whom_and_since_when(notify: Network) -> None:
    person, organisation = notify.person(), notify.organisation("Fondazione <Ca' d'Oro> & C.")
    mandate = notify.designated(person, organisation_id=organisation.id, territory="E507", until=date(2027, 1, 1))
    await notify.running.tell(person, organisation, mandate)
    (mail,) = await notify.mails(person)
    assert mail.message["Subject"] == f"Il tuo mandato: referente per Fondazione <Ca' d'Oro> & C. – {TITLE}"
    assert mail.message["List-Id"] == f"{TITLE} <{notify.slug}.trama.example>"
    for line in (
        f"nella rete {TITLE} ti è stato conferito un mandato.",
        "Ruolo:       referente",
        "Per:         Fondazione <Ca' d'Oro> & C.",
        "Territorio:  Lecco",
        "Dal:         1 gennaio 2026",
        "Fino al:     31 dicembre 2026 compreso",
        "Che cosa significa: parli per il tuo ente nella rete e ricevi le sue convocazioni.",
    ):
        assert line in mail.text.splitlines()
    assert "Fondazione &lt;Ca&#39; d&#39;Oro&gt; &amp; C." in mail.part("html")


async def test_a_mandate_is_told_once_whether_it_was_designated_or_began_at_once(notify: Network) -> None:
    first, second = notify.person(), notify.person()
    designated, at_once = notify.designated(first), notify.designated(second)
    started = [MandateStarted(**{**m.model_dump(), "version": 2, "state": "in_office"}) for m in (designated, at_once)]
    await notify.running.tell(first, second, designated, *started)
    assert len(await notify.mails(first)) == 1
    assert len(await notify.mails(second)) == 1


async def test_an_ended_mandate_is_told_with_its_last_day(notify: Network) -> None:
    person = notify.person()
    mandate = notify.designated(person)
    await notify.running.tell(person, mandate, notify.ended(mandate, date(2026, 7, 1)))
    mails = await notify.mails(person, 2)
    assert len(mails) == 2
    ended = next(mail for mail in mails if "cessato" in mail.message["Subject"])
    assert f"il tuo mandato nella rete {TITLE} è cessato." in ended.text
    assert "Fino al:     30 giugno 2026 compreso" in ended.text


async def test_a_mandate_revoked_before_it_began_is_told_as_such(notify: Network) -> None:
    person = notify.person()
    mandate = notify.designated(person, since=date(2027, 1, 1))
    await notify.running.tell(person, mandate, notify.ended(mandate, date(2027, 1, 1)))
    ended = next(m for m in await notify.mails(person, 2) if "cessato" in m.message["Subject"])
    assert "il mandato che doveva cominciare il 1 gennaio 2027" in ended.text
    assert "Fino al" not in ended.text


async def test_an_import_is_reported_to_the_secretariat_in_force_and_to_who_asked(
    notify: Network, tmp_path: Path
) -> None:
    now, past, to_come, asker = (notify.person() for _ in range(4))
    problems = tuple(RowProblem(line=n, field="codice fiscale", reason=f"cifra di controllo {n}") for n in range(2, 30))
    done = notify.imported(requested_by=asker.id, problems=problems)
    await notify.running.tell(
        now, past, to_come, asker,
        notify.secretary(now),
        notify.secretary(past, until=date(2026, 1, 1)),
        notify.secretary(to_come, since=date(2100, 1, 1)),
    )  # fmt: skip
    await notify.running.settled()
    await notify.running.tell(done)
    (mail,) = await notify.mails(now)
    assert len(await notify.mails(asker)) == 1
    assert notify.of(past) == []
    assert notify.of(to_come) == []
    assert mail.message["Subject"] == f"Importazione conclusa: enti.csv – {TITLE}"
    for line in ("Righe lette:  20.497", "Enti nuovi:   20.490", "Invariati:    4", "Scartate:     3"):
        assert line in mail.text.splitlines()
    assert mail.text.count("cifra di controllo") == 10
    assert "- riga 2, codice fiscale: cifra di controllo 2" in mail.text
    link = await notify.link(mail.text, f"/registry/v1/imports/{done.id}/rows.csv", "import-report", tmp_path)
    assert link.subject == done.id
    assert timedelta(days=29) < link.expires - datetime.now(UTC) <= timedelta(days=30)


async def test_an_import_of_places_is_reported_with_a_link_to_its_own_report(notify: Network, tmp_path: Path) -> None:
    asker = notify.person()
    figures = {"rows": 402, "created": 400, "updated": 1, "unchanged": 1, "rejected": 0, "version": 1}
    done = mapping.ImportFinished(
        id=uuid7(), network_id=notify.id, requested_by=asker.id, file_name="luoghi.csv", **figures
    )
    await notify.running.tell(asker, done)
    (mail,) = await notify.mails(asker)
    assert mail.message["Subject"] == f"Importazione conclusa: luoghi.csv – {TITLE}"
    assert "Luoghi nuovi: 400" in mail.text.splitlines()
    assert "Enti nuovi" not in mail.text
    path = f"/mapping/v1/place-imports/{done.id}/rows.csv"
    link = await notify.link(mail.text, path, "import-report", tmp_path)
    assert link.subject == done.id
    failed = mapping.ImportFailed(**{**done.model_dump(), "id": uuid7()}, reason="manca la colonna «nome»")
    await notify.running.tell(failed)
    mails = await notify.mails(asker, 2)
    assert "si è interrotta: manca la colonna «nome»." in mails[-1].text


async def test_a_failed_import_says_why(notify: Network) -> None:
    asker = notify.person()
    known = notify.imported(requested_by=asker.id).model_dump()
    failed = ImportFailed(**{**known, "id": uuid7()}, reason="manca la colonna «denominazione»")
    await notify.running.tell(asker, failed)
    (mail,) = await notify.mails(asker)
    assert mail.message["Subject"] == f"Importazione non riuscita: enti.csv – {TITLE}"
    assert "si è interrotta: manca la colonna «denominazione»." in mail.text


async def test_an_import_that_nobody_can_be_told_of_is_a_visible_failure(notify: Network) -> None:
    empty = Network(notify.running, notify.relay, notify.link_key)
    await notify.running.tell(empty.founded(), empty.imported())
    await until(lambda: _any(empty), 20, "the failure is on record")
    (delivery,) = await empty.deliveries()
    assert (delivery["state"], delivery["problem"], delivery["person"]) == ("failed", "nobody-to-tell", None)
    facts = await notify.running.published(f"notify.delivery.{delivery['id']}.failed")
    assert [type_ for type_, _ in facts] == ["trama.notify.delivery.failed.v1"]


async def test_what_needs_a_person_a_network_or_an_organisation_waits_for_them(notify: Network) -> None:
    later = Network(notify.running, notify.relay, notify.link_key)
    person, organisation = later.person(), later.organisation("Arrivata dopo")
    await notify.running.tell(later.designated(person, organisation_id=organisation.id))
    await notify.running.tell(later.founded())
    await notify.running.tell(organisation)
    await notify.running.tell(person)
    (mail,) = await later.mails(person)
    assert "Arrivata dopo" in mail.text


async def test_a_link_goes_to_the_address_that_asked_and_not_to_an_older_one(notify: Network) -> None:
    before = notify.person()
    await notify.running.tell(before)
    await notify.running.settled()
    after = before.model_copy(update={"email": f"nuovo-{before.id.hex}@example.org"})
    await notify.running.tell(notify.sign_in(after, version=2))
    assert len(await notify.mails(after)) == 1
    assert notify.of(before) == []


async def test_an_erased_person_is_told_nothing_and_leaves_no_trace(notify: Network) -> None:
    person = notify.person(given_name="Cancellanda", family_name="Persona", phone="+39 0341 000000")
    assert person.email is not None
    notify.relay.replies[person.email] = [f"451 4.2.0 <{person.email}> mailbox busy"]
    await notify.running.tell(person, notify.designated(person))
    await until(lambda: _problem(notify, person.id, "relay-defers"), 20, "deferred once")
    await notify.running.tell(notify.erased(person))
    await until(lambda: _has(notify, person.id, "suppressed"), 20, "nothing more is sent")
    await notify.running.tell(notify.designated(person))
    await until(lambda: _count(notify, person.id, 2), 20, "the later one is settled too")
    deliveries = await notify.deliveries(person=str(person.id))
    assert {d["problem"] for d in deliveries} == {"person-erased"}
    assert {d["person"]["name"] for d in deliveries} == {None}
    assert notify.of(person) == []
    for table in ("contacts", "deliveries", "attempts", "log", "inbox", "parked"):
        rows = await notify.running.sql(f"select t::text as row from {table} t")
        for marker in ("Cancellanda", person.email, "0341 000000"):
            assert not [row for row in rows if marker in row.row], (table, marker)


async def test_an_older_fact_does_not_bring_an_erased_person_back(notify: Network) -> None:
    person = notify.person()
    await notify.running.tell(notify.erased(person))
    await notify.running.tell(person)
    await notify.running.settled()
    (row,) = await notify.running.sql("select * from contacts where person_id = :id", id=person.id)
    assert (row.email, row.given_name, row.version) == (None, "", 9)


async def test_replaying_everything_three_times_sends_nothing_again(notify: Network) -> None:
    person, organisation = notify.person(), notify.organisation()
    secretary = notify.person()
    mandate = notify.designated(person, organisation_id=organisation.id)
    facts = [
        person, secretary, organisation, notify.secretary(secretary), mandate, notify.ended(mandate, date(2026, 7, 1)),
        notify.sign_in(person), notify.imported(requested_by=person.id),
    ]  # fmt: skip
    await notify.running.tell(*facts)
    await notify.mails(person, 4)
    await notify.mails(secretary, 1)
    (before,) = await notify.running.sql(STATE, but=uuid7())
    count = len(notify.relay.taken)
    for _ in range(3):
        await notify.replay()
    marker = notify.person()
    await notify.running.tell(marker, notify.sign_in(marker))
    await notify.mails(marker)
    assert len(notify.relay.taken) == count + 1
    (after,) = await notify.running.sql(STATE, but=marker.id)
    assert after == before


async def test_a_mail_carries_the_correlation_of_what_caused_it(notify: Network) -> None:
    person = notify.person()
    (_, asked) = await notify.running.tell(person, notify.sign_in(person))
    (mail,) = await notify.mails(person)
    assert mail.message["Trama-Correlation"] == str(asked)
    (delivery,) = await notify.deliveries(person=str(person.id))
    assert (delivery["correlation"], delivery["because_of"]) == (str(asked), str(asked))


async def _has(notify: Network, person: object, state: str) -> bool:
    found = await notify.deliveries(person=str(person))
    return bool(found) and all(delivery["state"] == state for delivery in found)


async def _problem(notify: Network, person: object, problem: str) -> bool:
    return any(delivery["problem"] == problem for delivery in await notify.deliveries(person=str(person)))


async def _count(notify: Network, person: object, count: int) -> bool:
    found = await notify.deliveries(person=str(person))
    return len(found) == count and all(delivery["state"] == "suppressed" for delivery in found)


async def _any(network: Network) -> bool:
    answer = await network.running.client.get(
        f"/notify/v1/networks/{network.id}/deliveries", headers=network.running.signed_in(admin=True)
    )
    return answer.status_code == 200 and bool(answer.json()["items"])
