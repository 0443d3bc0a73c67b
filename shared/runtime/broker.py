"""The service's side of NATS: the relay that sends and the listening that receives, in the background.

Neither stops HTTP: while NATS is away they wait, and readiness says how far behind they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.messaging.listening import Listening
from shared.messaging.relay import Relay

if TYPE_CHECKING:
    from shared.runtime.context import Context


@dataclass
class State:
    """For readiness: what is up, what is waiting, and what keeps facts from flowing for good."""

    checks: dict[str, Any] = field(default_factory=dict)
    lags: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


class Broker:
    def __init__(self, context: Context, *, relays: bool = True, listens: bool = True) -> None:
        settings, name = context.settings, context.service.name
        self.relay = Relay(context.database.engine, settings.nats_url, name) if relays else None
        self.listening = (
            Listening(
                context.database.engine,
                settings.nats_url,
                name,
                context.service.listens,
                now=context.clock.now,
                done=self.wake,
            )
            if listens
            else None
        )

    def wake(self) -> None:
        if self.relay is not None:
            self.relay.wake()

    def has_seen(self, fact: UUID) -> bool:
        """The listening of this process has committed it lately."""
        return self.listening is not None and self.listening.has_seen(fact)

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        running = {"relay": self.relay, "listening": self.listening}
        return {name: part.run for name, part in running.items() if part is not None}

    async def state(self, context: Context) -> State:
        return State()
