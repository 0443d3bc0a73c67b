"""The kinds of imports: what their rows are about, and who decides about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.imports import mandates, organisations, representatives, rules, texts
from services.registry.imports.model import Job, Judged, Layout, Reason
from shared.sheets import Correction, Record, Words
from shared.territories import Territories


@dataclass(frozen=True)
class Kind:
    """A kind of import. `batch`: rows of one transaction. `personal`: its rows name people."""

    words: Words
    fields: Mapping[str, tuple[str, str]]
    constants: Sequence[str]
    fits: Callable[[str, str], bool]
    example: Callable[[str], str]
    layout_of: Callable[[Sequence[Record], Territories, Correction], Layout]
    read: Callable[[Record, Layout, Territories], Any]
    as_kept: Callable[[Any], dict[str, Any]]
    entry_of: Callable[[int, str, Any, dict[str, Any]], Any]
    advance: Callable[[AsyncSession, Job, Sequence[Any], datetime], Awaitable[list[Judged]]]
    undo: Callable[[AsyncSession, Job, Sequence[UUID], datetime], Awaitable[Mapping[UUID, Reason | None]]]
    batch: int = 1_000
    personal: bool = False


_organisations = Kind(
    words=rules.WORDS,
    fields=texts.FIELDS,
    constants=rules.CONSTANTS,
    fits=rules.fits,
    example=rules.example,
    layout_of=rules.layout_of,
    read=rules.read,
    as_kept=organisations.as_kept,
    entry_of=organisations.entry_of,
    advance=organisations.advance,
    undo=organisations.undo,
)
KINDS: dict[str, Kind] = {
    "organisations": _organisations,
    "affiliates": _organisations,
    "representatives": Kind(
        words=representatives.WORDS,
        fields=texts.PEOPLE_FIELDS,
        constants=representatives.CONSTANTS,
        fits=representatives.fits,
        example=representatives.example,
        layout_of=representatives.layout_of,
        read=representatives.read,
        as_kept=representatives.as_kept,
        entry_of=representatives.entry_of,
        advance=mandates.advance,
        undo=mandates.undo,
        batch=500,
        personal=True,
    ),
}
