"""The registry's questions to a service, as facts, and what it answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from shared.contracts.registry import AccessRequested, ErasureAdvanced, PersonRegistered, PersonSought
from shared.rights import sealing
from tests.harness import Running

NAMES = {"given_name": "Zenobia", "family_name": "Marcatore", "email": "zenobia@example.org"}


async def registered(running: Running, network_id: UUID) -> UUID:
    person_id = uuid4()
    await running.tell(PersonRegistered(id=person_id, version=1, network_id=network_id, **NAMES))
    await running.settled()
    return person_id


async def sought(running: Running, person_id: UUID, network_id: UUID) -> dict[str, Any]:
    """The answer to a dry run."""
    erasure_id = uuid4()
    known = {"id": person_id, "version": 1, "network_id": network_id, **NAMES}
    await running.tell(PersonSought(**known, erasure_id=erasure_id, asked=1))
    return await _answer(running, erasure_id)


async def told(running: Running, person_id: UUID, network_id: UUID, phase: str, person_version: int) -> dict[str, Any]:
    """The answer to a later phase, told before the person's own fact."""
    erasure_id = uuid4()
    asked = {"id": erasure_id, "version": 2, "network_id": network_id, "person_id": person_id, "phase": phase}
    await running.tell(ErasureAdvanced(**asked, person_version=person_version))
    return await _answer(running, erasure_id)


async def _answer(running: Running, erasure_id: UUID) -> dict[str, Any]:
    await running.settled()
    ((_, body),) = await running.published(f"{running.service.name}.erasure.{erasure_id}.*")
    return body


async def given(running: Running, person_id: UUID, network_id: UUID) -> dict[str, Any]:
    """All that the service gives of a person, opened."""
    private, public = sealing.new_key()
    request_id = uuid4()
    await running.tell(
        AccessRequested(id=request_id, version=1, network_id=network_id, person_id=person_id, key=public)
    )
    await running.settled()
    parts = [
        body
        for _, body in await running.published(f"{running.service.name}.access.*.answered")
        if body["access_id"] == str(request_id)
    ]
    assert {body["parts"] for body in parts} == {len(parts)}
    sealed = [body["sealed"] for body in sorted(parts, key=lambda body: int(body["part"]))]
    assert not any("Marcatore" in part for part in sealed)
    document: dict[str, Any] = sealing.opened(sealed, private)
    return document


def kinds(answer: dict[str, Any]) -> dict[str, tuple[int, str, str | None]]:
    return {held["what"]: (held["count"], held["outcome"], held["ground"]) for held in answer["holdings"]}
