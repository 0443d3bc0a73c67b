"""What follows from mandates: what a person may be, from which day until which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.registry.mandates.rules import Mandate
from shared.contracts.registry import Grant


def grants(mandates: Iterable[Mandate], on: date) -> tuple[Grant, ...]:
    """A grant for every mandate that is held on that day or will be; one for each of its days, prorogatio included.

    The days are checked again wherever a grant is used, so nothing has to happen when one begins or ends by itself.
    """
    lasting = [mandate for mandate in mandates if mandate.ends is None or mandate.ends > max(on, mandate.since)]
    return tuple(
        Grant(
            role=mandate.role,
            network_id=mandate.network_id,
            organisation_id=mandate.organisation_id,
            territory=mandate.territory,
            since=mandate.since,
            until=mandate.ends,
        )
        for mandate in sorted(lasting, key=lambda mandate: mandate.id)
    )
