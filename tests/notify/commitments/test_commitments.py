"""Who is told of a commitment: when it is made, when it is late, and when somebody else takes over."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.notify.commitments.queries import COORDINATORS, answerable
from shared.access.actor import ROME
from shared.contracts.registry import (
    CommitmentChanged,
    CommitmentFulfilled,
    CommitmentLate,
    CommitmentMade,
    CommitmentWaived,
    GrantsChanged,
    MandateStarted,
    PersonRegistered,
)
from shared.runtime.clock import wall
from tests.harness import until
from tests.notify.network import TITLE, Network, then, today

pytestmark = pytest.mark.timeout(120)
YESTERDAY = today() - timedelta(days=1)


def late(commitment: CommitmentMade) -> CommitmentLate:
    return then(commitment, CommitmentLate, state="late")


async def test_the_referent_gets_the_link_to_upload_the_list(room: Network, tmp_path: Path) -> None:
    organisation = room.organisation("Fondazione <Ca' d'Oro> & C.")
    italian, english = room.person(), room.person(given_name="Mary", language="en")
    owed = room.commitment(debtor_organisation_id=organisation.id, due=date(2099, 10, 10))
    await room.running.tell(organisation, italian, english)
    await room.running.tell(room.referent(italian, organisation), room.referent(english, organisation), owed)
    (mail,) = await room.mails(italian)
    assert mail.message["Subject"] == (
        f"Nuovo impegno: Elenco dei rappresentanti – Fondazione <Ca' d'Oro> & C. – {TITLE}"
    )
    for line in (
        f"nella rete {TITLE} c'è un nuovo impegno per Fondazione <Ca' d'Oro> & C..",
        "Che cosa:  Elenco dei rappresentanti",
        "Chi:       Fondazione <Ca' d'Oro> & C.",
        "Entro il:  10 ottobre 2099 compreso",
        "Carica l'elenco:",
    ):
        assert line in mail.text.splitlines()
    assert "Fondazione &lt;Ca&#39; d&#39;Oro&gt; &amp; C." in mail.part("html")
    link = await room.link(mail.text, "/registry/v1/representatives/link", "representatives", tmp_path)
    assert (link.audience, link.subject) == ("registry", owed.id)
    midnight = datetime.combine(date(2099, 10, 11), time(), ROME) + timedelta(days=60)
    assert abs(link.expires - midnight) < timedelta(minutes=1)
    (mail,) = await room.mails(english)
    assert mail.message["Subject"].startswith("New commitment: Elenco dei rappresentanti – ")
    assert "By:    October 10, 2099 included" in mail.text
    assert "Upload the list:" in mail.text
    other = await room.link(mail.text, "/registry/v1/representatives/link", "representatives", tmp_path)
    assert other.jti != link.jti


async def test_any_other_kind_leads_to_the_commitment(room: Network, tmp_path: Path) -> None:
    person = room.person()
    owed = room.commitment(debtor_person_id=person.id, kind="action", title="Contattare la Regione", source="decision")
    await room.running.tell(person, owed)
    (mail,) = await room.mails(person)
    assert "Chi:       Maria Rossi" in mail.text
    assert "Vedi l'impegno:" in mail.text
    assert (await room.link(mail.text, "/registry/v1/commitments/link", "commitment", tmp_path)).subject == owed.id


async def test_a_body_answers_through_its_own_people_then_through_its_coordinator(room: Network) -> None:
    body, member, coordinator, elsewhere = room.body(territory="03"), room.person(), room.person(), room.person()
    owed = room.commitment(debtor_body_id=body.id, kind="document", title="Relazione")
    await room.running.tell(body, member, coordinator, elsewhere)
    await room.running.tell(
        room.secretary(coordinator, role="coordinator", territory="03"),
        room.secretary(elsewhere, role="coordinator", territory="01"),
        owed,
    )
    (mail,) = await room.mails(coordinator)
    assert "Chi:       Comitato esecutivo nazionale" in mail.text
    later = room.commitment(debtor_body_id=body.id, kind="document", title="Seconda relazione")
    await room.running.tell(room.secretary(member, role="member", body_id=body.id), later)
    (mail,) = await room.mails(member)
    assert "Seconda relazione" in mail.text
    assert len(room.of(coordinator)) == 1
    assert room.of(elsewhere) == []


async def test_where_nobody_answers_the_secretariat_does_and_without_one_it_is_a_failure_to_be_seen(
    room: Network,
) -> None:
    organisation, secretary, former = room.organisation(), room.person(), room.person()
    first, second = (room.commitment(debtor_organisation_id=organisation.id) for _ in range(2))
    await room.running.tell(organisation, former, room.referent(former, organisation, until=date(2020, 1, 1)), first)
    await until(lambda: _any(room), 20, "the failure is on record")
    (delivery,) = await room.deliveries()
    assert (delivery["topic"], delivery["state"], delivery["problem"]) == (
        "commitment-made", "failed", "nobody-to-tell",
    )  # fmt: skip
    await room.running.tell(secretary, room.secretary(secretary), second)
    assert len(await room.mails(secretary)) == 1
    assert room.of(former) == []


async def test_a_rule_tells_each_member_of_its_own(room: Network) -> None:
    organisations = [room.organisation(f"Ente {n}") for n in range(14)]
    people = [room.person() for _ in organisations]
    await room.running.tell(*organisations, *people)
    await room.running.tell(*map(room.referent, people, organisations))
    await room.running.tell(*(room.commitment(debtor_organisation_id=o.id) for o in organisations))
    for person, organisation in zip(people, organisations, strict=True):
        (mail,) = await room.mails(person)
        assert organisation.title in mail.message["Subject"]


async def test_another_debtor_is_told_and_who_knew_is_not_told_again(room: Network) -> None:
    before, after = room.person(), room.person()
    owed = room.commitment(debtor_person_id=before.id)
    await room.running.tell(before, after, owed)
    await room.mails(before)
    moved = then(owed, CommitmentChanged, due=owed.due + timedelta(days=5))
    other = then(moved, CommitmentChanged, debtor_person_id=after.id)
    await room.running.tell(moved, other)
    await room.mails(after)
    assert len(room.of(before)) == 1
    done = then(other, CommitmentChanged, state="fulfilled", debtor_person_id=before.id)
    await room.running.tell(done)
    await room.running.settled()
    assert [topic for topic, *_ in await room.topics(before)] == ["commitment-made"]


async def test_a_new_referent_is_told_what_is_still_owed(room: Network, tmp_path: Path) -> None:
    organisation, first, second = room.organisation(), room.person(), room.person()
    owed, done = (room.commitment(debtor_organisation_id=organisation.id) for _ in range(2))
    await room.running.tell(organisation, first, room.referent(first, organisation), owed, done)
    await room.mails(first, 2)
    await room.running.tell(then(done, CommitmentFulfilled, state="fulfilled"))
    await room.running.settled()
    handed = room.referent(second, organisation)
    await room.running.tell(GrantsChanged(id=first.id, version=2, grants=()), second, handed)
    (mail,) = await room.mails(second)
    link = await room.link(mail.text, "/registry/v1/representatives/link", "representatives", tmp_path)
    assert link.subject == owed.id
    again = GrantsChanged(id=second.id, version=2, grants=handed.grants)
    await room.running.tell(again)
    await room.running.settled()
    assert len(room.of(second)) == 1


async def test_a_referent_to_come_is_told_when_the_mandate_begins(room: Network) -> None:
    organisation, person = room.organisation(), room.person()
    await room.running.tell(organisation, person)
    mandate = room.designated(person, organisation_id=organisation.id, since=today() + timedelta(days=1))
    owed = room.commitment(debtor_organisation_id=organisation.id, due=date(2099, 1, 1))
    await room.running.tell(mandate, room.referent(person, organisation, since=mandate.since), owed)
    await room.mails(person)
    await room.running.settled()
    assert [topic for topic, *_ in await room.topics(person)] == ["mandate-given"]
    await room.running.tell(then(mandate, MandateStarted, state="in_office"))
    mails = await room.mails(person, 2)
    assert "Nuovo impegno" in mails[1].message["Subject"]


async def test_who_is_late_is_told_and_the_secretariat_gets_one_list_of_the_day(room: Network, tmp_path: Path) -> None:
    organisations = [room.organisation(f"Ente {n}") for n in (2, 1, 3)]
    people = [room.person(language="en"), room.person()]
    secretaries = [room.person(), room.person(given_name="Mary", language="en")]
    owed = [room.commitment(debtor_organisation_id=o.id, due=YESTERDAY) for o in organisations]
    kept = room.commitment(debtor_organisation_id=organisations[0].id, due=YESTERDAY, title="Rapporto")
    await room.running.tell(*organisations, *people, *secretaries)
    await room.running.tell(*map(room.referent, people, organisations), *map(room.secretary, secretaries))
    await room.running.tell(*owed, kept, then(kept, CommitmentFulfilled, state="fulfilled"))
    await room.running.settled()
    await room.running.tell(*map(late, owed))
    mails = await room.mails(people[1], 2)
    assert mails[1].message["Subject"] == f"In ritardo: Elenco dei rappresentanti – Ente 1 – {TITLE}"
    assert "non risulta ancora mantenuto" in mails[1].text
    link = await room.link(mails[1].text, "/registry/v1/representatives/link", "representatives", tmp_path)
    assert link.subject == owed[1].id
    assert link.expires > wall() + timedelta(days=58)
    (english,) = [m for m in await room.mails(people[0], 2) if m.message["Subject"].startswith("Late: ")]
    assert "It can still be done; the secretariat knows." in " ".join(english.text.split())
    await room.mails(secretaries[0], 2)  # the list, and what nobody answers for
    (mail,) = [m for m in room.of(secretaries[0]) if "non mantenuti" in m.message["Subject"]]
    assert mail.message["Subject"].startswith("3 impegni non mantenuti entro il ")
    listed = [line for line in mail.text.splitlines() if line.startswith("- ")]
    assert listed == [f"- Ente {n}: Elenco dei rappresentanti" for n in (1, 2, 3)]
    assert "<li>Ente 1: Elenco dei rappresentanti</li>" in mail.part("html")
    await room.mails(secretaries[1], 2)
    (mail,) = [m for m in room.of(secretaries[1]) if "not kept" in m.message["Subject"]]
    assert "3 commitments were due by" in " ".join(mail.text.split())
    topics = [topic for topic, *_ in await room.topics(secretaries[0])]
    assert sorted(topics) == ["commitment-escalated", "commitment-made"]


async def test_late_ones_that_nobody_can_be_told_of_are_a_failure_to_be_seen(room: Network) -> None:
    organisation = room.organisation()
    owed = room.commitment(debtor_organisation_id=organisation.id, due=YESTERDAY)
    await room.running.tell(organisation, owed, late(owed))
    await until(lambda: _any(room, 2), 20, "both failures are on record")
    assert {(d["topic"], d["problem"]) for d in await room.deliveries()} == {
        ("commitment-made", "nobody-to-tell"),
        ("commitment-escalated", "nobody-to-tell"),
    }


@pytest.mark.parametrize("over", [CommitmentFulfilled, CommitmentWaived])
async def test_what_is_over_before_the_mail_goes_is_not_told(
    room: Network, over: type[CommitmentFulfilled | CommitmentWaived]
) -> None:
    person = room.person()
    assert person.email is not None
    owed = room.commitment(debtor_person_id=person.id, due=YESTERDAY)
    room.relay.replies[person.email] = ["451 later", "451 later"]
    await room.running.tell(person, room.secretary(person), owed, late(owed))
    await until(lambda: _waiting(room, person, 3), 20, "two were put off")
    await room.running.tell(then(late(owed), over, state=over.__name__[10:].lower()))
    await room.running.settled()
    await room.running.sql("update deliveries set next_try = now() where person_id = :id", id=person.id)
    await until(lambda: _settled(room, person), 20, "nothing waits any more")
    problems = {(state, problem) for _, state, problem in await room.topics(person)}
    assert ("suppressed", "too-late") in problems
    assert len(room.of(person)) <= 1


async def test_whatever_arrives_first_waits_for_the_rest(room: Network) -> None:
    organisation, person = room.organisation("Arrivato dopo"), room.person()
    owed = room.commitment(debtor_organisation_id=organisation.id, due=YESTERDAY)
    await room.running.tell(owed, late(owed))
    await room.running.tell(room.referent(person, organisation))
    await room.running.tell(organisation)
    await room.running.tell(person)
    mails = await room.mails(person, 2)
    assert sorted(m.message["Subject"].split(":")[0] for m in mails) == ["In ritardo", "Nuovo impegno"]


async def test_an_erased_person_is_told_nothing(room: Network) -> None:
    person = room.person()
    await room.running.tell(person, room.erased(person))
    await room.running.tell(room.commitment(debtor_person_id=person.id))
    await until(lambda: _settled(room, person), 20, "settled")
    assert await room.topics(person) == [("commitment-made", "suppressed", "person-erased")]


async def test_replaying_everything_tells_nobody_again(room: Network) -> None:
    organisation, person, secretary = room.organisation(), room.person(), room.person()
    owed = room.commitment(debtor_organisation_id=organisation.id, due=YESTERDAY)
    await room.running.tell(organisation, person, secretary)
    await room.running.tell(room.referent(person, organisation), room.secretary(secretary), owed, late(owed))
    await room.mails(person, 2)
    await room.mails(secretary)
    before = await room.running.sql("select md5(string_agg(d::text, ',' order by id)) from deliveries d")
    count = room.relay.count
    for _ in range(3):
        await room.replay("registry")
        await room.running.settled()
    assert room.relay.count == count
    assert await room.running.sql("select md5(string_agg(d::text, ',' order by id)) from deliveries d") == before


async def test_who_answers_is_asked_of_the_day(room: Network) -> None:
    organisation, now, past = room.organisation(), room.person(), room.person()
    owed = room.commitment(debtor_organisation_id=organisation.id)
    await room.running.tell(
        organisation, now, past, owed, room.secretary(past, since=date(2001, 1, 1), until=date(2002, 1, 1)),
        room.referent(now, organisation, since=date(2010, 1, 1)),
    )  # fmt: skip
    await room.running.settled()
    unknown = UUID(int=1)
    async with room.running.context.database.sessions() as session:
        assert await answerable(session, [owed.id, unknown], date(2010, 1, 1)) == {owed.id: [now.id], unknown: []}
        assert await answerable(session, [owed.id], date(2001, 12, 31)) == {owed.id: [past.id]}
        assert await answerable(session, [owed.id], date(2001, 12, 31), farthest=COORDINATORS) == {owed.id: []}
        assert await answerable(session, [owed.id], date(2002, 1, 1)) == {owed.id: []}
        assert await answerable(session, [], date(2002, 1, 1)) == {}


async def _any(network: Network, count: int = 1) -> bool:
    return len(await network.deliveries()) >= count


async def _waiting(network: Network, person: PersonRegistered, count: int) -> bool:
    found = await network.deliveries(person=str(person.id))
    return len(found) == count and all(d["tried"] for d in found)


async def _settled(network: Network, person: PersonRegistered) -> bool:
    found = await network.deliveries(person=str(person.id))
    return bool(found) and all(d["state"] not in ("queued", "sending") for d in found)
