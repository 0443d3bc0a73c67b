"""What a digest says: what its person has not been told yet and is not over, by network and body, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

SHOWN = 50
"""Entries in one mail; of more, their number and the inbox."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as a line of a digest; `id` is its delivery, whose order is that of time."""

    id: UUID
    told_at: datetime
    subject: str
    network_id: UUID | None = None
    network: str | None = None
    body: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one body (or the network itself, without one) has told."""

    body: str | None
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Part:
    """What one network has told; the platform itself, without one."""

    network: str | None
    chapters: Sequence[Chapter]


def due_id(at: datetime) -> UUID:
    """One row of the due table for each instant, however many people wait for it."""
    return uuid5(NAMESPACE_URL, f"urn:trama:waiting:{at.timestamp():.0f}")


def key(person_id: UUID, at: datetime) -> str:
    """One digest for each person and instant for which its entries waited."""
    return f"digest:{at.timestamp():.0f}:{person_id}"


def arranged(entries: Iterable[Entry], most: int = SHOWN) -> tuple[list[Part], int]:
    """The newest `most`, by network and body, and how many are left out. The network, the body and the entry that are
    newest come first."""
    newest = sorted(entries, key=lambda entry: (entry.told_at, entry.id), reverse=True)
    found: dict[UUID | None, dict[str | None, list[Entry]]] = {}
    for entry in newest[:most]:
        found.setdefault(entry.network_id, {}).setdefault(entry.body, []).append(entry)
    return [_part(bodies) for bodies in found.values()], max(0, len(newest) - most)


def _part(bodies: Mapping[str | None, Sequence[Entry]]) -> Part:
    chapters = [Chapter(body, entries) for body, entries in bodies.items()]
    return Part(chapters[0].entries[0].network, chapters)
