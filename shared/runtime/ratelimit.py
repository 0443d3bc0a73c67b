"""Requests a minute of one caller, told in headers (`RateLimit-Policy`, `RateLimit`).

Counted in this process: with several processes of a service a caller gets the limit once per process. A store shared
between processes would cost every request a round trip.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

MOST = 10_000


class Windows(Storage):
    """Counters of this process. The library's own memory storage starts a thread every 10 ms to clear them, which took
    an eighth of a request; here whatever is over is cleared when there are many."""

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        count, until = self._counters.get(key, (0, 0.0))
        if until <= now:
            if len(self._counters) >= MOST:
                self._counters = {k: held for k, held in self._counters.items() if held[1] > now}
            count, until = 0, now + expiry
        self._counters[key] = count + amount, until
        return count + amount

    def get(self, key: str) -> int:
        count, until = self._counters.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counters.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        held = len(self._counters)
        self._counters.clear()
        return held

    def clear(self, key: str) -> None:
        self._counters.pop(key, None)


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
        self._limiter = FixedWindowRateLimiter(Windows())
        self._items: dict[int, Any] = {}

    def hit(self, caller: str, per_minute: int) -> Allowance:
        """Counts one request of the caller."""
        limit = self._items.get(per_minute) or self._items.setdefault(per_minute, RateLimitItemPerMinute(per_minute))
        allowed = self._limiter.hit(limit, caller)
        window = self._limiter.get_window_stats(limit, caller)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return Allowance(per_minute, max(0, window.remaining), reset, not allowed)
