"""What the map asks goes to who can answer it, together, with links that are theirs alone; no mail says what was asked
of a civic centre."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.mapping import FreshnessAnswered, FreshnessAsked, NeedAnswered, NeedAssigned, PlaceReturned
from tests.notify.network import TITLE, Network, then, today

pytestmark = pytest.mark.timeout(120)


def question(room: Network, organisation_id: UUID | None, title: str = "Centro civico", **changed: Any) -> Any:
    known: dict[str, Any] = {
        "item": "place",
        "item_id": uuid7(),
        "asked_on": today(),
        "answer_by": today() + timedelta(days=30),
        "version": 1,
    }
    return FreshnessAsked(
        id=uuid7(), network_id=room.id, title=title, organisation_id=organisation_id, **{**known, **changed}
    )


def need(room: Network, organisation_id: UUID | None, person_id: UUID | None = None) -> NeedAssigned:
    return NeedAssigned(
        id=uuid7(),
        version=2,
        network_id=room.id,
        municipality="D150",
        theme="solidarity-economy",
        state="assigned",
        organisation_id=organisation_id,
        person_id=person_id,
        collected_on=date(2026, 3, 1),
    )


async def test_questions_that_come_together_are_one_mail_with_a_link_for_each(room: Network, tmp_path: Path) -> None:
    referent, other = room.person(), room.person()
    auser, arci = room.organisation("Auser"), room.organisation("Arci")
    await room.running.tell(referent, other, auser, arci, room.referent(referent, auser), room.referent(other, arci))
    await room.running.settled()
    asked = [question(room, auser.id, title) for title in ("Sportello", "Biblioteca")]
    await room.running.tell(*asked, question(room, arci.id, "Circolo"))
    mails = await room.mails(referent)
    text = "\n".join(mail.text for mail in room.of(referent))
    assert mails[0].message["Subject"] == f"Sulla mappa è ancora così? – {TITLE}"
    assert "Sportello (luogo)" in text
    assert "Biblioteca (luogo)" in text
    assert "Circolo" not in text
    link = await room.link(mails[0].text, "/mapping/v1/freshness/link", "freshness", tmp_path)
    assert link.subject in {one.id for one in asked}
    assert link.claims == {"person": str(referent.id)}


async def test_what_is_nobodys_is_asked_of_the_secretariat(room: Network) -> None:
    secretary = room.person(given_name="Mary", language="en")
    await room.running.tell(secretary, room.secretary(secretary))
    await room.running.settled()
    await room.running.tell(question(room, None, "Ambulatorio"))
    (mail,) = await room.mails(secretary)
    assert mail.message["Subject"] == f"Is the map still right? – {TITLE}"
    assert "Ambulatorio (place)" in mail.text


async def test_what_has_been_answered_meanwhile_is_not_asked(room: Network) -> None:
    referent, organisation = room.person(), room.organisation("Acli")
    await room.running.tell(referent, organisation, room.referent(referent, organisation))
    await room.running.settled()
    asked = question(room, organisation.id)
    answered = then(asked, FreshnessAnswered, answer="confirmed")
    await room.running.tell(asked, answered)
    await room.running.settled()
    assert await room.topics(referent) == [("freshness-asked", "suppressed", "too-late")]
    assert room.of(referent) == []


async def test_who_proposed_is_told_what_came_back(room: Network) -> None:
    referent, organisation = room.person(), room.organisation("Anteas")
    await room.running.tell(referent, organisation, room.referent(referent, organisation))
    await room.running.settled()
    returned = PlaceReturned(
        id=uuid7(),
        version=2,
        network_id=room.id,
        title="Casa di quartiere",
        organisation_id=organisation.id,
        state="returned",
        visibility="network",
        kind="other",
    )
    await room.running.tell(returned)
    (mail,) = await room.mails(referent)
    assert mail.message["Subject"] == f"Da correggere: Casa di quartiere – {TITLE}"
    await room.running.tell(then(returned, PlaceReturned))  # returned once more
    assert len(await room.mails(referent, 2)) == 2


async def test_who_is_to_answer_a_need_is_told_that_there_is_one_and_nothing_of_it(room: Network) -> None:
    person, referent, organisation = room.person(), room.person(), room.organisation("Nazareth")
    await room.running.tell(person, referent, organisation, room.referent(referent, organisation))
    await room.running.settled()
    await room.running.tell(need(room, organisation.id), need(room, organisation.id, person.id))
    (own,) = await room.mails(person)
    (shared,) = await room.mails(referent)
    assert own.message["Subject"] == shared.message["Subject"] == f"Un bisogno da seguire – {TITLE}"
    assert "Cremona" in shared.text
    assert "solidarity economy" in shared.text
    assert "a Nazareth" in shared.text
    assert "token=" not in shared.said


async def test_a_need_that_was_answered_meanwhile_is_told_to_nobody(room: Network) -> None:
    referent, organisation = room.person(), room.organisation("Solco")
    await room.running.tell(referent, organisation, room.referent(referent, organisation))
    await room.running.settled()
    assigned = need(room, organisation.id)
    answered = NeedAnswered(
        **{**assigned.model_dump(), "version": 3, "state": "answered", "answered_on": date(2026, 3, 2)}
    )
    await room.running.tell(answered)
    await room.running.settled()
    await room.running.tell(assigned)
    await room.running.settled()
    assert room.of(referent) == []
