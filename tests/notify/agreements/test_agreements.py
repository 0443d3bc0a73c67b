"""Calls over the whole service: facts in, the clock set forward, mails to who speaks for those whom they concern."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import (
    AgreementAdvanced,
    AgreementChanged,
    AgreementOpened,
    AudienceListed,
    InterestExpressed,
    InterestWithdrawn,
    OrganisationRegistered,
    PersonRegistered,
)
from shared.runtime import clock
from tests.notify.network import Network, then

pytestmark = pytest.mark.timeout(180)


def today(notify: Network) -> date:
    return notify.running.context.clock.today()


async def let_pass(notify: Network, days: int) -> None:
    file = notify.running.context.settings.clock_file
    assert file is not None
    clock.set(file, notify.running.context.clock.now() + timedelta(days=days))
    await notify.running.settled()


async def member(notify: Network, title: str) -> tuple[OrganisationRegistered, PersonRegistered]:
    organisation, person = notify.organisation(title), notify.person()
    await notify.running.tell(organisation, person, notify.referent(person, organisation))
    return organisation, person


def opened(notify: Network, days: int = 20, **more: Any) -> AgreementOpened:
    known: dict[str, Any] = {"title": "Co-progettazione abitare", "kind": "co_design", "state": "open", "version": 2}
    deadline = today(notify) + timedelta(days=days)
    return AgreementOpened(id=uuid7(), network_id=notify.id, deadline=deadline, **{**known, **more})


def listed(notify: Network, call: AgreementOpened, *organisations: UUID) -> AudienceListed:
    return AudienceListed(
        id=uuid7(), version=1, network_id=notify.id, agreement_id=call.id, part=1, organisations=organisations
    )


def interest(notify: Network, call: AgreementOpened, organisation: UUID, **more: Any) -> InterestExpressed:
    known: dict[str, Any] = {"state": "expressed", "version": 1, "expressed_on": today(notify), **more}
    return InterestExpressed(
        id=uuid7(), network_id=notify.id, agreement_id=call.id, organisation_id=organisation, **known
    )


async def told(notify: Network, topic: str, person: PersonRegistered) -> int:
    return len(await notify.deliveries(topic=topic, person=str(person.id)))


async def test_who_speaks_for_those_concerned_is_told_once_in_whatever_order_it_arrives(room: Network) -> None:
    (ponti, anna), (rive, bruno), (_, carla) = [await member(room, title) for title in ("Ponti", "Rive", "Colli")]
    authority, call = room.organisation("Comune di Lecco"), opened(room)
    call = call.model_copy(update={"authority_id": authority.id})
    audience = listed(room, call, ponti.id, rive.id, uuid7())
    await room.running.tell(audience, audience)
    await room.running.tell(call, authority, audience)
    await room.running.settled()
    assert [await told(room, "agreement-opened", one) for one in (anna, bruno, carla)] == [1, 1, 0]
    (mail,) = await room.mails(anna, 1)
    assert "Co-progettazione abitare" in mail.text
    assert "Ponti" in mail.text
    assert "Comune di Lecco" in mail.text
    assert "procedura di co-progettazione" in mail.text


async def test_who_has_not_answered_is_reminded_fourteen_and_three_days_before(room: Network) -> None:
    (ponti, anna), (rive, bruno), (colli, carla) = [await member(room, title) for title in ("Ponti", "Rive", "Colli")]
    call = opened(room, 20)
    came, back = interest(room, call, rive.id), interest(room, call, colli.id)
    await room.running.tell(call, listed(room, call, ponti.id, rive.id, colli.id), came, back)
    await room.running.tell(then(back, InterestWithdrawn, state="withdrawn"))
    await room.running.settled()
    reminder = "agreement-reminder"
    await let_pass(room, 7)
    assert [await told(room, reminder, one) for one in (anna, bruno, carla)] == [1, 0, 1]
    await room.running.tell(interest(room, call, ponti.id))
    await room.running.settled()
    await let_pass(room, 11)
    assert [await told(room, reminder, one) for one in (anna, bruno, carla)] == [1, 0, 2]


async def test_a_deadline_that_moves_moves_its_reminders_and_a_call_that_is_over_has_none(room: Network) -> None:
    ponti, anna = await member(room, "Ponti")
    call, gone = opened(room, 20), opened(room, 20)
    await room.running.tell(call, gone, listed(room, call, ponti.id), listed(room, gone, ponti.id))
    later = call.deadline + timedelta(days=30) if call.deadline else None
    await room.running.tell(
        then(call, AgreementChanged, deadline=later), then(gone, AgreementAdvanced, state="withdrawn")
    )
    await room.running.settled()
    await let_pass(room, 25)
    assert await told(room, "agreement-reminder", anna) == 0
    await let_pass(room, 12)
    assert await told(room, "agreement-reminder", anna) == 1


async def test_what_is_signed_reminds_nobody(room: Network) -> None:
    ponti, anna = await member(room, "Ponti")
    signing = opened(room, kind="memorandum", state="signing", signatories=(ponti.id,))
    await room.running.tell(signing.model_copy(update={"deadline": None}))
    await room.running.settled()
    await let_pass(room, 40)
    assert await told(room, "agreement-reminder", anna) == await told(room, "agreement-opened", anna) == 0
