"""Looks into files of strangers in a child process of little memory, and never in the service itself.

A file can be small, unpack to much, and make a library run wild; the limits of a process stop that. The child is
`python -m services.learning.documents.child`. It is fed from the object store as it goes, so that this process holds a
chunk; it gets no variable of the service's, so no secret.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from services.learning.documents.child import CHARACTERS, DAMAGED, TOO_MUCH
from services.learning.documents.rules import refusal
from services.learning.documents.store import Store

PATIENCE = 120.0  # seconds of wall time
ANSWER = 6 * CHARACTERS + (1 << 20)  # bytes of what comes out, as JSON
PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT")


@dataclass(frozen=True)
class Looked:
    media_type: str
    pages: int | None


class Unreadable(Exception):
    """No text could be taken from it."""


async def look(store: Store, id_: UUID) -> Looked:
    """What an object of the store is. Raises UnfitFile, HarmfulFile, and what the store does."""
    status, answer = await _ask(store, id_, "check", "-")
    if status:
        raise refusal("damaged" if status == DAMAGED else "too_much")
    found = json.loads(answer)
    if "refused" in found:
        raise refusal(found["refused"])
    return Looked(found["media_type"], found["pages"])


async def words(store: Store, id_: UUID, media_type: str) -> list[str]:
    """The text of each page, 4 million characters in all at most. Raises Unreadable."""
    status, answer = await _ask(store, id_, "text", media_type)
    if status:
        raise Unreadable(f"the child ended with {status}")
    return [json.loads(line) for line in answer.splitlines()]


async def _ask(store: Store, id_: UUID, mode: str, media_type: str) -> tuple[int, bytes]:
    """The exit status (below zero: the signal of a limit) and what was said."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    async with store.looking:
        content = await store.read(id_)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.learning.documents.child",
            mode,
            media_type,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                _, answer = await asyncio.gather(_feed(child, content), _said(child))
                return await child.wait(), answer
        except TimeoutError:
            return TOO_MUCH, b""
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _feed(child: asyncio.subprocess.Process, content: AsyncIterator[bytes]) -> None:
    assert child.stdin is not None
    try:
        async for chunk in content:
            child.stdin.write(chunk)
            await child.stdin.drain()
        child.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return  # it has ended: its status says why


async def _said(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    said = bytearray()
    while chunk := await child.stdout.read(1 << 16):
        said += chunk
        if len(said) > ANSWER:
            raise TimeoutError
    return bytes(said)
