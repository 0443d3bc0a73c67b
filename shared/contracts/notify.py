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


class DeliveryBounced(DeliveryState, fact="notify.delivery.bounced"):
    """The relay had taken it, and it came back: nobody read it."""


class EndpointState(Fact):
    """A partner's address that is told the network's facts. `state` is active, paused (by its owner) or disabled (it
    has failed for days, or said 410); no address and no secret."""

    title: str
    state: str
    reason: str | None = None
    failing_since: datetime | None = None


class EndpointRegistered(EndpointState, fact="notify.endpoint.registered"): ...


class EndpointChanged(EndpointState, fact="notify.endpoint.changed"): ...


class EndpointDisabled(EndpointState, fact="notify.endpoint.disabled"): ...


class EndpointRemoved(EndpointState, fact="notify.endpoint.removed"): ...


class CertifiedMailState(Fact):
    """A certified mail (PEC) to an organisation: `state` is sent, accepted (the sender's provider took it), delivered
    (it is in the mailbox), failed or unanswered; of legal value are the receipts, which notify keeps."""

    organisation_id: UUID
    topic: str
    state: str
    because_of: UUID | None = None


class CertifiedMailSent(CertifiedMailState, fact="notify.certified_mail.sent"): ...


class CertifiedMailAccepted(CertifiedMailState, fact="notify.certified_mail.accepted"): ...


class CertifiedMailDelivered(CertifiedMailState, fact="notify.certified_mail.delivered"): ...


class CertifiedMailFailed(CertifiedMailState, fact="notify.certified_mail.failed"): ...


class CertifiedMailUnanswered(CertifiedMailState, fact="notify.certified_mail.unanswered"):
    """A day has brought no receipt; one that comes later still counts."""


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
