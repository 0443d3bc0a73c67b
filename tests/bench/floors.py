"""The floors: the least that the same machine needs for the same work, without our code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

from nats.aio.client import Client
from nats.js.api import Header

Message = tuple[str, bytes, dict[str, str]]
"""Subject, body, headers."""
BATCH = 500


async def atomic_batches(client: Client, messages: Sequence[Message]) -> float:
    """Messages a second that JetStream stores on disk in atomic batches of 500, nothing else being done."""
    began = time.perf_counter()
    for first in range(0, len(messages), BATCH):
        batch = str(uuid4())
        chunk = messages[first : first + BATCH]
        for sequence, (subject, body, headers) in enumerate(chunk[:-1], 1):
            numbered = {**headers, Header.BATCH_ID.value: batch, Header.BATCH_SEQUENCE.value: str(sequence)}
            await client.publish(subject, body, headers=numbered)
        subject, body, headers = chunk[-1]
        closing = {
            **headers,
            Header.BATCH_ID.value: batch,
            Header.BATCH_SEQUENCE.value: str(len(chunk)),
            Header.BATCH_COMMIT.value: "1",
        }
        answer = await client.request(subject, body, headers=closing, timeout=30)
        if b'"error"' in answer.data:
            raise AssertionError(answer.data)
    return len(messages) / (time.perf_counter() - began)
