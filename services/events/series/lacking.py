"""What a programme still lacks, by body and by mode, and the drafts that it has too many: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.events.series.plans import Standing, UnknownNumber
from services.events.series.rules import Quota, Series


@dataclass(frozen=True)
class Lacking:
    """The modes of the meetings that a body lacks, drafts that it has too many, and how many no quota has room for."""

    modes: tuple[str, ...]
    dropped: tuple[Standing, ...]
    refused: int


def targets(series: Series, each: int | None = None) -> dict[UUID | None, int]:
    """How many meetings each body is to have in all: its share, an even part of the total, or the quota of each; at
    most `each` where that is asked for. Raises UnknownNumber."""
    counts = {quota.key: quota.count for quota in series.allowed}
    by_mode = [quota.count for quota in series.allowed if quota.each and quota.mode]
    own = counts.get((True, None), sum(by_mode) if by_mode else None)
    total, groups = counts.get((False, None)), series.groups
    found: dict[UUID | None, int] = {}
    for place, body_id in enumerate(groups):
        even = total // len(groups) + (place < total % len(groups)) if total is not None else None
        limits = [
            n for n in (series.share(body_id), even if series.shares is None else None, own, each) if n is not None
        ]
        if not limits:
            raise UnknownNumber
        found[body_id] = min(limits)
    return found


def lacking(series: Series, standing: Sequence[Standing], each: int | None = None) -> dict[UUID | None, Lacking]:
    """What each body lacks beside the meetings that stand, in the modes for which there is room: those that are asked
    for exactly come first. Bodies take turns, so that what all share goes round. Raises UnknownNumber."""
    wanted, kept = targets(series, each), [*standing]
    dropped: dict[UUID | None, list[Standing]] = {body_id: [] for body_id in wanted}
    for draft in sorted(
        (one for one in standing if not one.firm), key=lambda one: (one.starts_at, one.id), reverse=True
    ):
        if draft.body_id in wanted and _too_many(series, kept, draft, wanted[draft.body_id]):
            kept.remove(draft)
            dropped[draft.body_id].append(draft)
    counted = Counter((one.body_id, one.mode) for one in kept)
    modes: dict[UUID | None, list[str]] = {body_id: [] for body_id in wanted}
    own = Counter(one.body_id for one in kept)
    left = {body_id: max(number - own[body_id], 0) for body_id, number in wanted.items()}
    refused: dict[UUID | None, int] = dict.fromkeys(wanted, 0)
    while any(left.values()):
        for body_id in [one for one, number in left.items() if number]:
            mode = _mode_with_room(series, counted, body_id)
            if mode is None:
                refused[body_id], left[body_id] = left[body_id], 0
                continue
            counted[body_id, mode] += 1
            modes[body_id].append(mode)
            left[body_id] -= 1
    return {of: Lacking(tuple(spread(modes[of])), tuple(dropped[of]), refused[of]) for of in wanted}


def _too_many(series: Series, kept: Sequence[Standing], draft: Standing, wanted: int) -> bool:
    def over(quota: Quota) -> bool:
        of = draft.body_id
        return quota.about(of, draft.mode, of) and quota.count < sum(
            quota.about(one.body_id, one.mode, of) for one in kept
        )

    own = sum(one.body_id == draft.body_id for one in kept)
    return own > wanted or draft.mode not in series.modes or any(over(quota) for quota in series.allowed)


def _mode_with_room(series: Series, counted: Mapping[tuple[UUID | None, str], int], body_id: UUID | None) -> str | None:
    """A mode that no quota refuses: exact ones first, then those that nothing limits, then where most is left."""
    ranked = []
    for place, mode in enumerate(series.modes):
        limits = [quota for quota in series.allowed if quota.about(body_id, mode, body_id)]
        rooms = [
            quota.count - sum(number for (of, m), number in counted.items() if quota.about(of, m, body_id))
            for quota in limits
        ]
        if min(rooms, default=1) <= 0:
            continue
        own = [room for quota, room in zip(limits, rooms, strict=True) if quota.mode]
        exact = any(quota.exact and quota.mode for quota in limits)
        ranked.append((not exact, bool(own) and not exact, -min(own, default=0), place, mode))
    return min(ranked)[-1] if ranked else None


def spread(modes: Sequence[str]) -> list[str]:
    """The rarer modes evenly among the others: one in presence is in the middle of five remote ones."""
    counts = Counter(modes)
    places = [((place + 0.5) / number, number, mode) for mode, number in counts.items() for place in range(number)]
    return [mode for _, _, mode in sorted(places)]
