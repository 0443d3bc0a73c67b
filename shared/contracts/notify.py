"""What notify tells: the outcome of each message that it sent or could not send. No address, no name, no text."""

from __future__ import annotations

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


class ErasureAnswered(ErasureAnswerState, fact="notify.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="notify.access.answered"): ...
