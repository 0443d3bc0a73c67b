"""Requests a minute of one caller, told in headers (`RateLimit-Policy`, `RateLimit`).

Counted in this process: with several processes of a service a caller gets the limit once per process. A store shared
between processes would cost every request a round trip.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of `limit` requests a minute until the window starts anew, in `reset` seconds."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"ratelimit-policy", b'"caller";q=%d;w=60' % self.limit),
            (b"ratelimit", b'"caller";r=%d;t=%d' % (self.remaining, self.reset)),
        ]


class Limiter:
    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, caller: str, per_minute: int) -> Allowance:
        """Counts one request of the caller."""
        limit = RateLimitItemPerMinute(per_minute)
        allowed = self._limiter.hit(limit, caller)
        window = self._limiter.get_window_stats(limit, caller)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return Allowance(per_minute, max(0, window.remaining), reset, not allowed)
