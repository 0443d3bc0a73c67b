"""What follows from mandates, and that it is told whole, in order and at once."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import uuid4

from uuid_utils.compat import uuid7

from services.registry.grants.rules import grants
from services.registry.mandates.rules import EndReason, Mandate
from shared.access.roles import Role
from tests.harness import Running
from tests.registry.conftest import Room

NETWORK, GIULIA = uuid7(), uuid7()
MARCH, JUNE = date(2026, 3, 1), date(2026, 6, 1)
DAY = timedelta(days=1)


def mandate(**more: object) -> Mandate:
    return Mandate(NETWORK, GIULIA, Role.COORDINATOR, MARCH, JUNE, territory="03", **more)  # type: ignore[arg-type]


def test_a_mandate_gives_a_grant_for_its_days_and_its_place() -> None:
    (grant,) = grants([mandate(organisation_id=(lender := uuid4()))], MARCH - DAY)
    assert grant.model_dump() == {
        "role": "coordinator",
        "network_id": NETWORK,
        "organisation_id": lender,
        "body_id": None,
        "territory": "03",
        "since": MARCH,
        "until": JUNE,
    }


def test_a_mandate_in_a_body_gives_a_grant_confined_to_it() -> None:
    (grant,) = grants([mandate(body_id=(body := uuid4()))], MARCH)
    assert grant.body_id == body


def test_the_secretariat_is_confined_to_no_body() -> None:
    seated = Mandate(NETWORK, GIULIA, Role.SECRETARIAT, MARCH, body_id=uuid4(), seat_id=uuid4())
    (grant,) = grants([seated], MARCH)
    assert grant.body_id is None


def test_prorogatio_keeps_the_grant_until_the_mandate_is_ended() -> None:
    held_over = mandate(holds_over=True)
    assert [grant.until for grant in grants([held_over], JUNE + DAY)] == [None]
    held_over.end(JUNE + DAY, EndReason.REPLACED, on=JUNE)
    assert [grant.until for grant in grants([held_over], JUNE)] == [JUNE + DAY]
    assert grants([held_over], JUNE + DAY) == ()


def test_what_is_over_gives_nothing() -> None:
    assert len(grants([mandate()], JUNE - DAY)) == 1
    assert grants([mandate()], JUNE) == ()
    withdrawn = mandate()
    withdrawn.end(MARCH - DAY, EndReason.DECLINED, on=MARCH - DAY)
    assert grants([withdrawn], MARCH - DAY) == ()


async def test_mandates_given_at_once_end_up_in_one_list(registry: Running, room: Room) -> None:
    """Each command derives the whole list: whichever is last has seen what the others committed."""
    person = await room.person()
    today = registry.context.clock.today().isoformat()
    regions = [f"{number:02}" for number in range(1, 9)]
    await asyncio.gather(*(room.mandate(person, "coordinator", today, territory=code) for code in regions))
    lists = [body for _, body in await registry.published(f"registry.grant.{person['id']}.changed")]
    assert [told["version"] for told in lists] == list(range(1, 9))
    assert [len(told["grants"]) for told in lists] == list(range(1, 9))
    assert sorted(grant["territory"] for grant in lists[-1]["grants"]) == regions
    kept = await registry.sql("select territory, version from grants where person_id = :id", id=person["id"])
    assert sorted((row.territory, row.version) for row in kept) == [(code, 8) for code in regions]
