"""The floor of hearing: a subscriber that inserts each message as it comes, without our code.

`python -m tests.bench.hearer NATS_URL DATABASE_URL`; it answers on no port: it says `listening` and runs until ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from uuid import UUID

import asyncpg
import nats
import uvloop
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy


async def main(nats_url: str, database_url: str) -> None:
    connections = await asyncpg.create_pool(database_url, min_size=4, max_size=4)
    client = await nats.connect(nats_url)

    async def hear(message: Msg) -> None:
        fact = json.loads(message.data)
        await connections.execute(
            "insert into contacts (person_id, network_id, given_name, family_name, email, generation, version)"
            " values ($1, $2, $3, $4, $5, 1, $6) on conflict do nothing",
            UUID(fact["id"]), UUID(fact["network_id"]), fact["given_name"], fact["family_name"], fact["email"],
            fact["version"],
        )  # fmt: skip
        await message.ack()

    config = ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    await client.jetstream().subscribe("registry.person.>", cb=hear, manual_ack=True, config=config)
    await client.flush()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
