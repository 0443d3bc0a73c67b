"""Who is told of a meeting, its ballots and its minutes: facts in any order, mails once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.contracts.events import (
    BallotClosed,
    InvitationAnswered,
    InvitationIssued,
    InvitationLinkRequested,
    MeetingCancelled,
    MeetingConvened,
    MeetingHeld,
    MeetingMoved,
    MinutesApproved,
    MinutesReturned,
    MinutesSubmitted,
)
from shared.contracts.registry import PersonRegistered
from tests.harness import until
from tests.notify.network import TITLE, Network, then, withdrawn

pytestmark = pytest.mark.timeout(120)
WHEN = "giovedì 10 settembre 2099, dalle 15:30 alle 17:00 (ora italiana)"


async def test_who_is_invited_gets_when_where_what_and_a_link_to_answer(room: Network, tmp_path: Path) -> None:
    body, organisation = room.body(), room.organisation("Fondazione <Ca' d'Oro>")
    italian, english = room.person(), room.person(given_name="Mary", language="en")
    meeting = room.meeting(body_id=body.id)
    first, second = room.invited(meeting, italian, organisation_id=organisation.id), room.invited(meeting, english)
    await room.running.tell(body, organisation, italian, english, meeting, first, second)
    (mail,) = await room.mails(italian)
    assert mail.message["Subject"] == f"Convocazione: Primo piano di lavoro, 10 settembre 2099 – {TITLE}"
    for line in (
        f"la rete {TITLE} ti invita a una riunione, per Fondazione <Ca' d'Oro>.",
        "Riunione:      Primo piano di lavoro",
        "Organo:        Comitato esecutivo nazionale",
        f"Quando:        {WHEN}",
        "Dove:          Via Roma 1, Lecco",
        "Come:          in presenza e a distanza",
        "Ordine del giorno:",
        "1. Apertura",
        "2. Piano & bilancio",
        "Rispondi all'invito:",
    ):
        assert line in mail.text.splitlines()
    assert "Convocazione:" not in mail.text
    assert "<li>Piano &amp; bilancio</li>" in mail.part("html")
    assert "Fondazione &lt;Ca&#39; d&#39;Oro&gt;" in mail.part("html")
    link = await room.link(mail.text, "/events/v1/rsvp/link", "rsvp", tmp_path)
    assert (link.audience, link.subject) == ("events", first.id)
    assert abs(link.expires - meeting.ends_at) < timedelta(minutes=1)
    (mail,) = await room.mails(english)
    assert mail.message["Subject"] == f"Convocation: Primo piano di lavoro, September 10, 2099 – {TITLE}"
    assert "When:     Thursday, September 10, 2099, from 15:30 to 17:00 (Italian time)" in mail.text
    assert "Answer the invitation:" in mail.text
    assert (await room.link(mail.text, "/events/v1/rsvp/link", "rsvp", tmp_path)).subject == second.id


async def test_a_second_call_says_so(room: Network) -> None:
    person, meeting = room.person(), room.meeting(call=2, mode="remote", place=None)
    await room.running.tell(person, meeting, room.invited(meeting, person))
    (mail,) = await room.mails(person)
    assert mail.message["Subject"].startswith("Seconda convocazione: Primo piano di lavoro, ")
    assert "Convocazione:  seconda" in mail.text
    assert "Come:          a distanza" in mail.text
    assert "Dove:" not in mail.text
    assert "Chi partecipa a distanza trova nella stessa pagina come collegarsi" in " ".join(mail.text.split())


async def test_whatever_arrives_first_waits_for_the_rest(room: Network) -> None:
    body, organisation, person = room.body(), room.organisation("Arrivata dopo"), room.person()
    meeting = room.meeting(body_id=body.id)
    ballot, minutes = room.ballot(meeting), room.minutes(meeting)
    await room.running.tell(room.invited(meeting, person, organisation_id=organisation.id), ballot, minutes)
    await room.running.tell(meeting)
    await room.running.tell(body)
    await room.running.tell(organisation)
    await room.running.tell(person)
    mails = await room.mails(person, 3)
    assert {mail.message["Subject"].split(":")[0] for mail in mails} == {
        "Convocazione", "Si vota", "Verbale da approvare",
    }  # fmt: skip
    assert all("Comitato esecutivo nazionale" in mail.text for mail in mails)


async def test_a_move_is_told_once_to_everybody_invited(room: Network, tmp_path: Path) -> None:
    people = [room.person(), room.person(language="en"), room.person()]
    meeting = room.meeting()
    invitations = [room.invited(meeting, person) for person in people]
    await room.running.tell(*people, meeting, *invitations, withdrawn(invitations[2]))
    await room.mails(people[0])
    await room.mails(people[1])
    later = datetime(2099, 9, 11, 7, 0, tzinfo=UTC)
    moved = then(
        meeting, MeetingMoved, starts_at=later, ends_at=later + timedelta(hours=1), place="Via Po 2", sequence=1
    )
    await room.running.tell(moved)
    for person, invitation in zip(people[:2], invitations, strict=False):
        mail = (await room.mails(person, 2))[1]
        link = await room.link(mail.text, "/events/v1/rsvp/link", "rsvp", tmp_path)
        assert link.subject == invitation.id
        assert abs(link.expires - moved.ends_at) < timedelta(minutes=1)
    mail = room.of(people[0])[1]
    assert "Non hai ancora risposto" in mail.text
    assert mail.message["Subject"] == f"Spostata: Primo piano di lavoro, 11 settembre 2099 – {TITLE}"
    assert "Quando:        venerdì 11 settembre 2099, dalle 09:00 alle 10:00 (ora italiana)" in mail.text
    assert "Dove:          Via Po 2" in mail.text
    assert room.of(people[1])[1].message["Subject"].startswith("Moved: ")
    assert "meeting-moved" not in [topic for topic, *_ in await room.topics(people[2])]
    again = then(moved, MeetingMoved, starts_at=later, ends_at=later + timedelta(hours=2), sequence=2)
    await room.running.tell(again)
    assert "dalle 09:00 alle 11:00" in (await room.mails(people[0], 3))[2].text
    await room.replay("events")
    await room.running.settled()
    assert len(room.of(people[0])) == 3


async def test_who_has_answered_reads_in_a_move_that_the_answer_stands(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    invitation = room.invited(meeting, person)
    await room.running.tell(person, meeting, invitation)
    await room.mails(person)
    await room.running.tell(then(invitation, InvitationAnswered, answer="yes"))
    await room.running.settled()
    await room.running.tell(then(meeting, MeetingMoved, starts_at=meeting.starts_at + timedelta(minutes=15)))
    text = (await room.mails(person, 2))[1].text
    assert "La risposta che hai già dato resta valida." in text
    assert "Non hai ancora risposto" not in text


async def test_who_had_delegated_somebody_is_told_that_nobody_stands_for_them_any_more(room: Network) -> None:
    person, delegate, meeting = room.person(), room.person(), room.meeting()
    invitation = room.invited(meeting, person)
    await room.running.tell(person, delegate, meeting, invitation)
    await room.mails(person)
    given = then(invitation, InvitationAnswered, answer="delegated", delegate_id=delegate.id)
    await room.running.tell(given)
    await room.running.settled()
    assert len(room.of(person)) == 1, "one's own answer is no news"
    await room.running.tell(then(given, InvitationAnswered, answer=None, delegate_id=None))
    lapsed = (await room.mails(person, 2))[1]
    assert lapsed.message["Subject"] == f"Delega decaduta: Primo piano di lavoro, 10 settembre 2099 – {TITLE}"
    assert "/events/v1/rsvp/link?token=" in lapsed.text
    await room.replay("events")
    await room.running.settled()
    assert len(room.of(person)) == 2


async def test_a_lapse_that_was_answered_since_is_not_told(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    assert person.email is not None
    invitation = room.invited(meeting, person)
    await room.running.tell(person, meeting, invitation)
    await room.mails(person)
    room.relay.replies[person.email] = ["451 later"]
    lapsed = then(then(invitation, InvitationAnswered, answer="delegated"), InvitationAnswered, answer=None)
    await room.running.tell(lapsed)
    await until(lambda: _tried(room, person, "delegation-lapsed"), 20, "put off")
    await room.running.tell(then(lapsed, InvitationAnswered, answer="no"))
    await room.running.settled()
    await room.running.sql("update deliveries set next_try = now() where person_id = :id", id=person.id)
    await until(lambda: _settled(room, person), 20, "nothing waits any more")
    told = [(state, problem) for topic, state, problem in await room.topics(person) if topic == "delegation-lapsed"]
    assert told == [("suppressed", "too-late")]


async def test_a_move_that_another_has_overtaken_is_not_told(room: Network) -> None:
    person = room.person()
    assert person.email is not None
    meeting = room.meeting()
    await room.running.tell(person, meeting, room.invited(meeting, person))
    await room.mails(person)
    room.relay.replies[person.email] = ["451 later"]
    first = then(meeting, MeetingMoved, starts_at=meeting.starts_at + timedelta(minutes=15))
    await room.running.tell(first)
    await until(lambda: _tried(room, person, "meeting-moved"), 20, "put off")
    await room.running.tell(then(first, MeetingMoved, starts_at=meeting.starts_at + timedelta(minutes=30)))
    await room.mails(person, 2)
    await room.running.sql("update deliveries set next_try = now() where person_id = :id", id=person.id)
    await until(lambda: _settled(room, person), 20, "nothing waits any more")
    assert [(s, p) for topic, s, p in await room.topics(person) if topic == "meeting-moved"] == [
        ("suppressed", "too-late"), ("sent", None),
    ]  # fmt: skip
    assert "dalle 16:00 alle 17:00" in room.of(person)[1].text


async def test_a_cancelled_meeting_is_told_once_also_to_whose_invitation_went_with_it(room: Network) -> None:
    stays, goes, gone = (room.person() for _ in range(3))
    english = room.person(language="en")
    meeting = room.meeting()
    invitations = [room.invited(meeting, person) for person in (stays, goes, gone, english)]
    await room.running.tell(stays, goes, gone, english, meeting, *invitations)
    await room.running.settled()
    await room.running.tell(withdrawn(invitations[2]))
    await room.mails(gone, 2)
    await room.running.tell(then(meeting, MeetingCancelled, state="cancelled"), withdrawn(invitations[1]))
    for person in (stays, goes):
        mails = await room.mails(person, 2)
        assert mails[1].message["Subject"] == f"Annullata: Primo piano di lavoro, 10 settembre 2099 – {TITLE}"
        assert f"Quando:        {WHEN}" in mails[1].text
        assert "token=" not in mails[1].said
    assert (await room.mails(english, 2))[1].message["Subject"].startswith("Cancelled: ")
    assert [m.message["Subject"].split(":")[0] for m in room.of(gone)] == ["Convocazione", "Invito ritirato"]
    assert len(room.of(stays)) == len(room.of(goes)) == len(room.of(english)) == 2


async def test_who_is_not_invited_any_more_is_told_and_so_is_who_is_again(room: Network) -> None:
    person, english, organisation = room.person(), room.person(language="en"), room.organisation("CNCA")
    meeting = room.meeting()
    invitation = room.invited(meeting, person, organisation_id=organisation.id)
    other = room.invited(meeting, english, mandate_id=None)
    await room.running.tell(person, english, organisation, meeting, invitation, other)
    await room.mails(person)
    await room.mails(english)
    gone = withdrawn(invitation)
    await room.running.tell(gone, withdrawn(other))
    mail = (await room.mails(person, 2))[1]
    assert mail.message["Subject"] == f"Invito ritirato: Primo piano di lavoro, 10 settembre 2099 – {TITLE}"
    assert "per CNCA non vale più, perché è cambiato il mandato da cui dipendeva." in " ".join(mail.text.split())
    mail = (await room.mails(english, 2))[1]
    assert "is no longer valid. The link" in " ".join(mail.text.split())
    await room.running.tell(then(gone, InvitationIssued, state="issued"))
    mails = await room.mails(person, 3)
    assert mails[2].message["Subject"].startswith("Convocazione: ")


async def test_whose_link_has_expired_gets_a_fresh_one_each_time_that_one_is_asked_for(
    room: Network, tmp_path: Path
) -> None:
    person, meeting = room.person(), room.meeting()
    invitation = room.invited(meeting, person)
    await room.running.tell(person, meeting, invitation)
    first = (await room.mails(person))[0]
    asked = then(invitation, InvitationLinkRequested)
    await room.running.tell(asked)
    second = (await room.mails(person, 2))[1]
    assert second.message["Subject"] == first.message["Subject"]
    assert (await room.link(second.text, "/events/v1/rsvp/link", "rsvp", tmp_path)).subject == invitation.id
    await room.running.tell(then(asked, InvitationLinkRequested))
    assert len(await room.mails(person, 3)) == 3


async def test_the_successor_is_invited_and_the_predecessor_is_not(room: Network) -> None:
    before, after, meeting = room.person(), room.person(), room.meeting()
    invitation = room.invited(meeting, before)
    await room.running.tell(before, meeting, invitation)
    await room.mails(before)
    await room.running.tell(after, withdrawn(invitation), room.invited(meeting, after, seat_id=invitation.seat_id))
    await room.mails(after)
    mails = await room.mails(before, 2)
    assert mails[1].message["Subject"].startswith("Invito ritirato")


async def test_each_invitation_votes_by_its_own_link(room: Network, tmp_path: Path) -> None:
    person, english = room.person(), room.person(language="en")
    organisations = [room.organisation("Prima"), room.organisation("Seconda")]
    meeting = room.meeting()
    invitations = [room.invited(meeting, person, organisation_id=o.id) for o in organisations]
    theirs = room.invited(meeting, english)
    ballot = room.ballot(meeting, question="Approvate il <piano>?")
    await room.running.tell(person, english, *organisations, meeting, *invitations, theirs, ballot)
    mails = [m for m in await room.mails(person, 4) if m.message["Subject"].startswith("Si vota")]
    assert {m.message["Subject"] for m in mails} == {f"Si vota: Approvate il <piano>? – {TITLE}"}
    found = [await room.link(m.text, "/events/v1/ballots/link", "vote", tmp_path) for m in mails]
    assert {link.subject for link in found} == {ballot.id}
    assert {link.claims["invitation"] for link in found} == {str(i.id) for i in invitations}
    assert {"Prima", "Seconda"} == {" ".join(m.text.split()).split("e voti per ")[1].split(".")[0] for m in mails}
    assert "Approvate il &lt;piano&gt;?" in mails[0].part("html")
    mail = (await room.mails(english, 2))[1]
    assert mail.message["Subject"].startswith("Please vote: ")
    link = await room.link(mail.text, "/events/v1/ballots/link", "vote", tmp_path)
    assert link.claims == {"invitation": str(theirs.id)}
    assert (link.audience, link.purpose) == ("events", "vote")


async def test_minutes_are_told_to_each_person_when_submitted_and_when_approved(room: Network) -> None:
    person, english, meeting = room.person(), room.person(language="en"), room.meeting()
    minutes = room.minutes(meeting)
    await room.running.tell(person, english, meeting)
    await room.running.tell(*(room.invited(meeting, p) for p in (person, person, english)))
    await room.mails(person, 2)
    await room.mails(english)
    await room.running.tell(minutes)
    mail = (await room.mails(person, 3))[2]
    assert mail.message["Subject"] == f"Verbale da approvare: Primo piano di lavoro, 10 settembre 2026 – {TITLE}"
    for line in ("Presenti:       9 su 14", "Numero legale:  raggiunto", "Per leggerlo, accedi: http://trama.test"):
        assert line in mail.text.splitlines()
    assert (await room.mails(english, 2))[1].message["Subject"].startswith("Minutes to be approved: ")
    returned = then(minutes, MinutesReturned, state="draft")
    again = then(returned, MinutesSubmitted, state="in_approval", present=10)
    await room.running.tell(returned, again)
    assert "Presenti:       10 su 14" in (await room.mails(person, 4))[3].text
    await room.mails(english, 3)
    await room.running.tell(then(again, MinutesApproved, state="approved", number="1/2026", quorate=False))
    mail = (await room.mails(person, 5))[4]
    assert mail.message["Subject"] == f"Verbale approvato: Primo piano di lavoro, 10 settembre 2026 – {TITLE}"
    assert "Verbale n.:     1/2026" in mail.text
    assert "non ha preso decisioni" in mail.text
    mail = (await room.mails(english, 4))[3]
    assert "Minutes no.:  1/2026" in mail.text
    assert "Quorum:       not reached" in mail.text
    assert len(room.of(person)) == 5


@pytest.mark.parametrize("over", ["cancelled", "past", "withdrawn", "closed", "returned"])
async def test_what_is_over_before_the_mail_goes_is_not_told(room: Network, over: str) -> None:
    person, meeting = room.person(), room.meeting()
    assert person.email is not None
    invitation, ballot, minutes = room.invited(meeting, person), room.ballot(meeting), room.minutes(meeting)
    room.relay.replies[person.email] = ["451 later"] * 3
    await room.running.tell(person, meeting, invitation, ballot, minutes)
    await until(lambda: _tried(room, person, "meeting-convened", "ballot-opened", "minutes-submitted"), 20, "put off")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await room.running.tell(
        {
            "cancelled": then(meeting, MeetingCancelled, state="cancelled"),
            "past": then(meeting, MeetingHeld, state="held", starts_at=yesterday, ends_at=yesterday),
            "withdrawn": withdrawn(invitation),
            "closed": then(ballot, BallotClosed, outcome="carried"),
            "returned": then(minutes, MinutesReturned, state="draft"),
        }[over]
    )
    await room.running.settled()
    await room.running.sql("update deliveries set next_try = now() where person_id = :id", id=person.id)
    await until(lambda: _settled(room, person), 20, "nothing waits any more")
    late = {topic for topic, _, problem in await room.topics(person) if problem == "too-late"}
    assert (
        late
        == {
            "cancelled": {"meeting-convened", "ballot-opened"},
            "past": {"meeting-convened"},
            "withdrawn": {"meeting-convened", "ballot-opened"},
            "closed": {"ballot-opened"},
            "returned": {"minutes-submitted"},
        }[over]
    )


async def test_an_erased_person_is_told_nothing(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    await room.running.tell(person, room.erased(person))
    await room.running.tell(meeting, room.invited(meeting, person), room.ballot(meeting))
    await until(lambda: _settled(room, person, 2), 20, "settled")
    assert {(s, p) for _, s, p in await room.topics(person)} == {("suppressed", "person-erased")}
    assert room.of(person) == []


async def test_an_answer_tells_nobody(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    invitation = room.invited(meeting, person)
    await room.running.tell(person, meeting, invitation, then(invitation, InvitationAnswered, answer="yes"))
    await room.mails(person)
    assert [topic for topic, *_ in await room.topics(person)] == ["meeting-convened"]


async def test_replaying_everything_tells_nobody_again(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    invitation, ballot, minutes = room.invited(meeting, person), room.ballot(meeting), room.minutes(meeting)
    moved = then(meeting, MeetingMoved, place="Via Po 2")
    facts = [person, meeting, invitation, ballot, minutes, moved]
    await room.running.tell(*facts, then(minutes, MinutesApproved, state="approved", number="1/2026"))
    await room.mails(person, 3)
    await room.running.tell(then(moved, MeetingCancelled, state="cancelled"))
    await until(lambda: _settled(room, person, 6), 20, "all is told")
    before = await room.running.sql(STATE)
    count = room.relay.count
    for _ in range(3):
        await room.replay("registry", "events")
        await room.running.settled(60)
    assert room.relay.count == count
    assert await room.running.sql(STATE) == before


async def test_facts_backwards_leave_the_newest_state(room: Network) -> None:
    meeting: MeetingConvened = room.meeting()
    person = room.person()
    invitation = room.invited(meeting, person)
    gone = withdrawn(invitation)
    await room.running.tell(person, then(meeting, MeetingCancelled, state="cancelled"), meeting, gone, invitation)
    await room.running.settled()
    (row,) = await room.running.sql("select state, version, agenda from meetings where id = :id", id=meeting.id)
    assert (row.state, row.version, row.agenda) == ("cancelled", 2, ["Apertura", "Piano & bilancio"])
    (row,) = await room.running.sql("select state, version from invitations where id = :id", id=invitation.id)
    assert (row.state, row.version) == ("withdrawn", 2)


STATE = """
    select (select md5(string_agg(d::text, ',' order by id)) from deliveries d),
        (select md5(string_agg(m::text, ',' order by id)) from meetings m),
        (select md5(string_agg(i::text, ',' order by id)) from invitations i)
"""


async def _tried(network: Network, person: PersonRegistered, *topics: str) -> bool:
    found = await network.deliveries(person=str(person.id))
    return {d["topic"] for d in found if d["problem"] == "relay-defers"} >= set(topics)


async def _settled(network: Network, person: PersonRegistered, count: int = 1) -> bool:
    found = await network.deliveries(person=str(person.id))
    return len(found) >= count and all(d["state"] not in ("queued", "sending") for d in found)
