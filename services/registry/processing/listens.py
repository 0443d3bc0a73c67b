"""What became of the notices that notify was asked to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, Boolean, DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.notify import DeliveryFailed, DeliverySent, DeliverySuppressed
from shared.messaging import Received, newest, reacts

TOPIC = "privacy-notice"

LEARNT = text(
    """
    update notices n set state = case when told.sent then 'told' else 'failed' end,
        sent_at = case when told.sent then told.at end, version = n.version + 1, updated_at = now()
    from unnest(:facts, :sent, :at) as told(fact, sent, at)
    where n.fact_id = told.fact and n.state in ('asked', 'failed')
    """
).bindparams(
    bindparam("facts", type_=ARRAY(Uuid)),
    bindparam("sent", type_=ARRAY(Boolean)),
    bindparam("at", type_=ARRAY(DateTime(timezone=True))),
)


@reacts(DeliverySent, DeliveryFailed, DeliverySuppressed)
async def learn_of_notices(
    session: AsyncSession,
    facts: Sequence[Received[DeliverySent | DeliveryFailed | DeliverySuppressed]],
    now: datetime,  # noqa: ARG001
) -> None:
    """The fact that asked for a notice is what its delivery names. One that failed and was tried again by hand may be
    told after all; who was told otherwise meanwhile stays told so."""
    told = [received for received in newest(facts) if received.fact.topic == TOPIC]
    if not told:
        return
    await session.execute(
        LEARNT,
        {
            "facts": [received.fact.because_of for received in told],
            "sent": [isinstance(received.fact, DeliverySent) for received in told],
            "at": [received.occurred_at for received in told],
        },
    )
