"""The service's side of NATS: the relay that sends and the listening that receives, in the background.

Neither stops HTTP: while NATS is away they wait, and readiness says how far behind they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import nats.errors
from sqlalchemy import text

from shared.messaging.listening import Listening
from shared.messaging.relay import CursorElsewhere, Relay

WAITING = text(
    "select (select count(*) from log l, relay_cursor c where l.tx >= pg_snapshot_xmin(c.previous)"
    " and not pg_visible_in_snapshot(l.tx, c.previous)"
    ' and not (c."window" is not null and l.seq <= c.last_seq and pg_visible_in_snapshot(l.tx, c."window"))) as relay,'
    " (select count(*) from parked where dead_at is null) as parked,"
    " (select count(*) from parked where dead_at is not null) as dead"
)

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
        """Raises what a database or a broker that is away raises."""
        state = State()
        async with context.database.sessions() as session:
            row = (await session.execute(WAITING)).one()
        state.lags = {"relay": row.relay, "parked": row.parked}
        state.checks["dead"] = row.dead
        for name, part in (("relay", self.relay), ("listening", self.listening)):
            if part is not None:
                state.checks[name] = part.problem or "ok"
        if self.relay is not None and (self.relay.problem or "").startswith(CursorElsewhere.__name__):
            state.reasons.append("relay: resume --after-restore")
        if self.listening is not None and self.listening.intakes:
            await self._consumers(state)
        return state

    async def _consumers(self, state: State) -> None:
        """What the streams still have for us. Not known while NATS is away: then nothing is settled."""
        listening = self.listening
        assert listening is not None
        client = listening.client
        if client is None or not client.is_connected:
            state.checks["nats"] = "away"
            return
        try:
            js = client.jetstream(timeout=2)
            waiting = {}
            for intake in listening.intakes:
                info = await js.consumer_info(intake.consumer.stream, intake.consumer.name)
                waiting[intake.consumer.name] = (info.num_pending or 0) + (info.num_ack_pending or 0)
        except (nats.errors.Error, TimeoutError) as error:
            state.checks["nats"] = f"away: {type(error).__name__}"
            return
        state.checks["nats"] = "ok"
        state.lags["consumers"] = waiting
