"""Who is asked to be assessed is told so, and reminded while they have not answered."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from services.notify.reminders.rules import Topic
from shared.contracts.learning import AssessmentAnswered, AssessmentAsked, AssessmentRequestWithdrawn
from shared.contracts.registry import PersonRegistered
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)


def asked(room: Network, person: PersonRegistered, **changed: Any) -> AssessmentAsked:
    known: dict[str, Any] = {
        "assessment_id": uuid7(), "title": "Coprogettare", "phase": "before", "state": "asked",
        "closes_on": date(2099, 3, 31),
    }  # fmt: skip
    return AssessmentAsked(id=uuid7(), version=1, network_id=room.id, person_id=person.id, **{**known, **changed})


async def test_who_is_asked_gets_the_link_and_a_reminder_until_they_answer(room: Network, tmp_path: Path) -> None:
    answering, leaving = room.person(), room.person()
    one, other = asked(room, answering), asked(room, leaving, phase="after", closes_on=None)
    await room.running.tell(one, other, answering, leaving)
    (mail,) = await room.mails(answering)
    assert mail.message["Subject"] == f"Un questionario per te: Coprogettare – {TITLE}"
    assert "Entro il:      31 marzo 2099 compreso" in mail.text.splitlines()
    assert "ti sarà chiesto di nuovo" in mail.text
    link = await room.link(mail.text, "/learning/v1/assessments/link", "assessment", tmp_path)
    assert (link.subject, link.claims) == (one.id, {})
    (mail,) = await room.mails(leaving)
    assert "prima della formazione" in mail.text

    async def planned() -> list[tuple[Any, ...]]:
        rows = await room.running.sql(
            "select subject_id, days, state from reminders where topic = :topic and network_id = :room",
            topic=Topic.ASSESSMENT, room=room.id,
        )  # fmt: skip
        return [tuple(row) for row in rows]

    assert await planned() == [(one.id, 3, "planned")]
    await room.running.tell(
        then(one, AssessmentAnswered, state="answered"),
        then(other, AssessmentRequestWithdrawn, state="withdrawn"),
    )
    await room.running.settled()
    assert await planned() == [(one.id, 3, "cancelled")]
