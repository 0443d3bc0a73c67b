"""Which fact tells whom. Each reaction writes intents; whoever sends them composes the words at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.listens import people
from services.notify.deliveries.commands import intend
from services.notify.messages import rules
from services.notify.messages.intents import (
    intent,
    networks_known,
    organisations_known,
    people_known,
    secretariats,
    to_each,
)
from services.notify.messages.rules import IMPORT_REPORT, MANDATE_ENDED, MANDATE_GIVEN, PRIVACY_NOTICE, SIGN_IN, Topic
from shared.access.actor import day
from shared.contracts import mapping
from shared.contracts.registry import (
    ImportFailed,
    ImportFinished,
    ImportState,
    MandateDesignated,
    MandateEnded,
    MandateStarted,
    MandateState,
    NoticeDue,
    SignInRequested,
)
from shared.messaging import Received, reacts


@reacts(SignInRequested)
async def mail_the_sign_in_link(
    session: AsyncSession, facts: Sequence[Received[SignInRequested]], now: datetime
) -> None:
    """The link itself is signed when the mail is sent and is kept nowhere. The fact says where the person is reached:
    the address that asked is the one that is written to, whether or not the projection has come so far."""
    await people(session, facts, now)
    await intend(
        session,
        [
            intent(
                r,
                SIGN_IN,
                now,
                subject=r.fact.request_id,
                person_id=r.fact.id,
                parameters={"request_id": str(r.fact.request_id), "expires_at": r.fact.expires_at.isoformat()},
            )
            for r in facts
        ],
        now,
    )


@reacts(NoticeDue)
async def tell_of_the_processing(session: AsyncSession, facts: Sequence[Received[NoticeDue]], now: datetime) -> None:
    """Once for each notice, however often it is asked for."""
    await people_known(session, {r.fact.id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    intents = [
        intent(
            r,
            PRIVACY_NOTICE,
            now,
            subject=r.fact.notice_id,
            person_id=r.fact.id,
            parameters={"notice_id": str(r.fact.notice_id)},
        )
        for r in facts
    ]
    await intend(session, intents, now)


@reacts(MandateDesignated, MandateStarted)
async def tell_the_new_holder(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:
    """Once for each mandate: a mandate that begins at once may never have been designated before."""
    await _tell_holder(session, facts, MANDATE_GIVEN, now)


@reacts(MandateEnded)
async def tell_the_former_holder(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:
    await _tell_holder(session, facts, MANDATE_ENDED, now)


@reacts(ImportFinished, ImportFailed)
async def report_the_import(session: AsyncSession, facts: Sequence[Received[ImportState]], now: datetime) -> None:
    """To everybody in the secretariat of the network and to who asked for it; to nobody is a failure to be seen."""
    await _report(session, facts, now)


@reacts(mapping.ImportFinished, mapping.ImportFailed)
async def report_the_import_of_places(
    session: AsyncSession, facts: Sequence[Received[mapping.ImportState]], now: datetime
) -> None:
    """To the same people: places are imported by the secretariat too."""
    await _report(session, facts, now, of="places")


async def _report(
    session: AsyncSession,
    facts: Sequence[Received[ImportState]] | Sequence[Received[mapping.ImportState]],
    now: datetime,
    **more: str,
) -> None:
    await networks_known(session, {r.fact.network_id for r in facts})
    told = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    for received in facts:
        audience = rules.audience_of_import(told[received.fact.network_id], received.fact.requested_by)
        await people_known(session, audience)
        await intend(session, to_each(received, IMPORT_REPORT, now, audience, _figures(received.fact) | more), now)


async def _tell_holder(
    session: AsyncSession, facts: Sequence[Received[MandateState]], topic: Topic, now: datetime
) -> None:
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts if r.fact.organisation_id})
    await intend(
        session,
        [intent(r, topic, now, person_id=r.fact.person_id, parameters=_terms(r.fact)) for r in facts],
        now,
    )


def _terms(mandate: MandateState) -> dict[str, Any]:
    return {
        "role": mandate.role,
        "organisation_id": mandate.organisation_id and str(mandate.organisation_id),
        "territory": mandate.territory,
        "since": mandate.since.isoformat(),
        "until": mandate.until and mandate.until.isoformat(),
    }


def _figures(imported: ImportState | mapping.ImportState) -> dict[str, Any]:
    return {
        "import_id": str(imported.id),
        "file_name": imported.file_name,
        "rows": imported.rows,
        "created": imported.created,
        "updated": imported.updated,
        "unchanged": imported.unchanged,
        "rejected": imported.rejected,
        "problems": [problem.model_dump() for problem in imported.problems[: rules.PROBLEMS_SHOWN]],
        "failed_because": imported.reason if isinstance(imported, ImportFailed | mapping.ImportFailed) else None,
    }
