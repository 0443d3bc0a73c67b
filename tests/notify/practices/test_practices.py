"""A practice goes to its reviewers, comes back to its author, and whose it is hears who took it up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.learning import PracticeAdopted, PracticePublished, PracticeReturned, PracticeSubmitted
from shared.contracts.registry import PersonRegistered
from tests.notify.network import Network, then
from tests.notify.polls.test_polls import of_topic

pytestmark = pytest.mark.timeout(120)


def submitted(room: Network, author: PersonRegistered | None, **changed: Any) -> PracticeSubmitted:
    known: dict[str, Any] = {"title": "Sportello", "stage": "tried", "state": "in_review", "visibility": "network"}
    return PracticeSubmitted(
        id=uuid7(), version=1, network_id=room.id, author_id=author and author.id, **{**known, **changed}
    )


async def test_reviewers_are_the_secretariat_and_the_coordinators_of_territory_and_body(room: Network) -> None:
    body = room.body()
    office, region, leader, elsewhere = (room.person() for _ in range(4))
    await room.running.tell(
        body,
        office,
        region,
        leader,
        elsewhere,
        room.secretary(office),
        room.secretary(region, role="coordinator", territory="03"),
        room.secretary(leader, role="coordinator", body_id=body.id),
        room.secretary(elsewhere, role="coordinator", territory="01"),
    )
    await room.running.settled()
    practice = submitted(room, region, territory="E507", body_id=body.id)
    await room.running.tell(practice)
    await room.running.settled()
    told = {name: len(room.of(person)) for name, person in (("office", office), ("leader", leader))}
    assert told == {"office": 1, "leader": 1}
    assert room.of(region) == [], "nobody reviews what they have written"
    assert room.of(elsewhere) == []
    returned = then(practice, PracticeReturned, state="draft")
    await room.running.tell(returned)
    assert "chiede qualcosa" in (await room.mails(region))[0].text
    again = then(returned, PracticeSubmitted, state="in_review")
    await room.running.tell(again)
    await room.mails(office, 2)
    await room.running.tell(then(again, PracticePublished, state="published", edition=1))
    await room.mails(region, 2)
    assert await of_topic(room, region, "practice-published") == ["sent"]


async def test_an_adoption_is_told_where_the_practice_is_from(room: Network, notify: Network, tmp_path: Path) -> None:
    author, office, there = room.person(), room.person(), room.person()
    taking = room.organisation("CNCA Lombardia")
    practice = submitted(room, author)
    published = then(practice, PracticePublished, state="published", edition=1, adoptions=1)
    adopted = PracticeAdopted(
        id=uuid7(), version=1, network_id=notify.id, practice_id=practice.id, practice_network_id=room.id,
        practice_title=practice.title, organisation_id=taking.id, since=date(2026, 1, 8), state="active",
    )  # fmt: skip
    secretariats = (room.secretary(office), room.secretary(there, network_id=notify.id))
    await room.running.tell(author, office, there, *secretariats, taking)
    await room.running.settled()
    await room.running.tell(adopted)
    await room.running.tell(practice, published)
    (mail,) = await room.mails(author, 2) and [m for m in room.of(author) if "adottata" in str(m.message["Subject"])]
    for line in ("Da chi:           CNCA Lombardia", "Dal:              8 gennaio 2026", "Adozioni finora:  1"):
        assert line in mail.text.splitlines()
    assert "Nella rete:" in mail.text
    link = await room.link(mail.text, "/learning/v1/practices/link", "practice", tmp_path)
    assert (link.subject, link.claims) == (practice.id, {"person": str(author.id)})
    assert await of_topic(room, office, "practice-adopted") == ["sent"]
    assert await of_topic(room, there, "practice-adopted") == []
