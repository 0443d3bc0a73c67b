"""A new edition reaches who had read the one before, once, with a link of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.learning import DocumentPublished, DocumentReadersTold, DocumentRevised
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)


def published(room: Network, **changed: Any) -> DocumentPublished:
    known: dict[str, Any] = {
        "title": "Piano di zona", "kind": "plan", "visibility": "network", "edition": 1, "file_name": "piano.pdf",
        "media_type": "application/pdf", "size": 630_000, "sha256": "0" * 64, "state": "published",
    }  # fmt: skip
    return DocumentPublished(id=uuid7(), version=1, network_id=room.id, **{**known, **changed})


def readers(
    room: Network, of: DocumentPublished | DocumentRevised, *people: UUID, part: int = 1
) -> DocumentReadersTold:
    return DocumentReadersTold(
        id=uuid7(), version=1, network_id=room.id, document_id=of.id, title=of.title, edition=of.edition, part=part,
        people=people,
    )  # fmt: skip


async def test_readers_are_told_of_each_edition_once_and_only_of_the_newest(room: Network, tmp_path: Path) -> None:
    reader, other = room.person(), room.person()
    first = published(room)
    second = then(first, DocumentRevised, edition=2)
    await room.running.tell(readers(room, second, reader.id), readers(room, second, reader.id, part=2), first)
    await room.running.tell(reader, other, second)
    (mail,) = await room.mails(reader)
    assert mail.message["Subject"] == f"Nuova edizione: Piano di zona – {TITLE}"
    assert "Edizione:   2" in mail.text.splitlines()
    link = await room.link(mail.text, "/learning/v1/documents/link", "document", tmp_path)
    assert (link.subject, link.claims) == (first.id, {"person": str(reader.id)})
    third = then(second, DocumentRevised, edition=3)
    await room.running.tell(third, readers(room, second, other.id), readers(room, third, reader.id))
    assert "Edizione:   3" in (await room.mails(reader, 2))[1].text.splitlines()
    assert await room.topics(other) == [("document-revised", "suppressed", "too-late")]
