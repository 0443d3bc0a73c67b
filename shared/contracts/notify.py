"""What notify tells: the outcome of each message that it sent or could not send, and what people answered to it from
their calendars. No address, no name, no text."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.contracts.envelope import Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class DeliveryState(Fact):
    """One message to one person through one channel, caused by the fact `because_of`."""

    person_id: UUID | None = None
    channel: str
    topic: str
    state: str
    attempts: int
    because_of: UUID


class DeliverySent(DeliveryState, fact="notify.delivery.sent"): ...


class DeliveryFailed(DeliveryState, fact="notify.delivery.failed"): ...


class DeliverySuppressed(DeliveryState, fact="notify.delivery.suppressed"): ...


class CalendarReplyState(Fact):
    """What the person `person_id` answered in their calendar (iTIP REPLY) to the invitation `invitation_id` of a
    meeting: yes, no or perhaps, to the `sequence` that their calendar had, at the instant `stamped_at` that it says."""

    meeting_id: UUID
    invitation_id: UUID
    person_id: UUID
    answer: str
    sequence: int
    stamped_at: datetime


class CalendarReplied(CalendarReplyState, fact="notify.calendar_reply.received"): ...


class ErasureAnswered(ErasureAnswerState, fact="notify.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="notify.access.answered"): ...
