"""`python -m shared.messaging.provision`: makes the topology's streams and consumers; done again it changes nothing.

In the image of every service, because the topology is. Variables: `TRAMA_PROVISIONING_NATS_URL`, or with `_FILE` a file
that holds it; `TRAMA_STREAM_REPLICAS` (1; 3 on a cluster). Ends with 0, 1 (NATS was away or refused us for a minute, or
a stream would lose something), 2 (bad variables).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.messaging import topology
from shared.messaging.broker import BrokerClosed, connect

URL, REPLICAS = "TRAMA_PROVISIONING_NATS_URL", "TRAMA_STREAM_REPLICAS"
FAILED, BAD_SETTINGS = 1, 2
PATIENCE = 60.0
"""Seconds that NATS gets to take us; whoever runs this tries again."""


class BadVariable(Exception):
    """Its name and what is wrong, never its value."""


def settings(env: Mapping[str, str]) -> tuple[str, int]:
    """(URL, replicas)."""
    replicas = env.get(REPLICAS, "1")
    if replicas not in {"1", "3", "5"}:
        raise BadVariable(f"{REPLICAS}: expected 1, 3 or 5")
    url, file = env.get(URL), env.get(f"{URL}_FILE")
    if (url is None) == (file is None):
        raise BadVariable(f"{URL}: expected, or {URL}_FILE, and not both")
    if file is not None:
        try:
            url = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadVariable(f"{URL}_FILE: cannot be read: {type(error).__name__}") from None
    if not url or not url.startswith(("nats://", "tls://")):
        raise BadVariable(f"{URL}: must start with nats:// or tls://")
    return url, int(replicas)


async def provision(url: str, replicas: int) -> None:
    """Raises TimeoutError when NATS does not take us; why is in the log by then."""
    async with asyncio.timeout(PATIENCE):
        client = await connect(url, topology.PROVISIONING)
    try:
        await topology.provision(client.jetstream(), replicas)
    finally:
        await client.close()


def main(env: Mapping[str, str]) -> int:
    try:
        asyncio.run(provision(*settings(env)))
    except BadVariable as error:
        print(error, file=sys.stderr)  # noqa: T201 (an operator reads it)
        return BAD_SETTINGS
    except TimeoutError:
        print(f"NATS did not take us within {PATIENCE:.0f} s", file=sys.stderr)  # noqa: T201
        return FAILED
    except (BrokerClosed, topology.DestructiveChange) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return FAILED
    streams, consumers = len(topology.SERVICES), len(list(topology.all_consumers()))
    print(f"{streams} streams and {consumers} consumers are there")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
