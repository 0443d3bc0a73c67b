"""The secretariat is told how a goal stands: at each step, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.registry import GoalAdvanced, GoalDecided
from shared.runtime.clock import wall
from tests.harness import until
from tests.notify.network import TITLE, Network, then, today

pytestmark = pytest.mark.timeout(120)


async def test_each_step_is_told_with_what_is_left_and_where_to_begin_next(room: Network, tmp_path: Path) -> None:
    italian, english, stranger = room.person(), room.person(given_name="Mary", language="en"), room.person()
    goal = room.goal()
    await room.running.tell(italian, english, stranger, room.secretary(italian), room.secretary(english))
    await room.running.settled()
    await room.running.tell(goal)
    (mail,) = await room.mails(italian)
    assert mail.message["Subject"] == f"3 su 4: Coordinamenti regionali, ora anche Piemonte – {TITLE}"
    for line in (
        "Raggiunti:                3",
        "Il minimo:                4",
        "In pieno:                 6",
        "Giorni rimasti:           41",
        "Da cui cominciare adesso: Lombardia",
    ):
        assert " ".join(line.split()) in [" ".join(line.split()) for line in mail.text.splitlines()]
    link = await room.link(mail.text, "/registry/v1/goals/link", "goal", tmp_path)
    assert link.subject == goal.id
    assert timedelta(days=71) < link.expires - wall() < timedelta(days=73)
    (mail,) = await room.mails(english)
    assert mail.message["Subject"] == f"3 of 4: Coordinamenti regionali, now also Piemonte – {TITLE}"
    assert "To begin with next:  Lombardia" in mail.text
    await room.running.tell(then(goal, GoalAdvanced, reached=4, territory="03", next_best=None))
    mails = await room.mails(italian, 2)
    assert mails[1].message["Subject"] == f"4 su 4: Coordinamenti regionali, ora anche Lombardia – {TITLE}"
    assert "cominciare adesso" not in mails[1].text
    assert room.of(stranger) == []


@pytest.mark.parametrize(
    ("reached", "state", "italian", "english"),
    [
        (3, "missed", "Obiettivo mancato: ", "Goal missed: "),
        (4, "met", "Obiettivo raggiunto: ", "Goal met: "),
        (6, "full", "Obiettivo raggiunto in pieno: ", "Goal met in full: "),
    ],
)
async def test_the_outcome_is_told(
    room: Network, reached: int, state: str, italian: str, english: str, tmp_path: Path
) -> None:
    secretary, other = room.person(), room.person(language="en")
    decided = then(room.goal(last_day=today() - timedelta(days=1)), GoalDecided, reached=reached, state=state)
    await room.running.tell(secretary, other, room.secretary(secretary), room.secretary(other))
    await room.running.settled()
    await room.running.tell(decided)
    (mail,) = await room.mails(secretary)
    assert mail.message["Subject"] == f"{italian}Coordinamenti regionali – {TITLE}"
    assert f"ce ne sono {reached}" in " ".join(mail.text.split()).lower()
    assert "Giorni rimasti" not in mail.text
    link = await room.link(mail.text, "/registry/v1/goals/link", "goal", tmp_path)
    assert timedelta(days=29) < link.expires - wall() <= timedelta(days=30)
    (mail,) = await room.mails(other)
    assert mail.message["Subject"] == f"{english}Coordinamenti regionali – {TITLE}"


async def test_a_network_without_a_secretariat_is_a_failure_to_be_seen(room: Network) -> None:
    await room.running.tell(room.goal())
    await until(lambda: _any(room), 20, "on record")
    (delivery,) = await room.deliveries()
    assert (delivery["topic"], delivery["state"], delivery["problem"]) == ("goal-advanced", "failed", "nobody-to-tell")


async def test_a_replay_tells_nobody_again(room: Network) -> None:
    secretary, goal = room.person(), room.goal()
    await room.running.tell(secretary, room.secretary(secretary))
    await room.running.settled()
    await room.running.tell(goal, then(goal, GoalDecided, state="missed"))
    await room.mails(secretary, 2)
    for _ in range(3):
        await room.replay("registry")
        await room.running.settled()
    assert len(room.of(secretary)) == 2


async def _any(network: Network) -> bool:
    return bool(await network.deliveries())
