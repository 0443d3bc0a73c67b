"""What follows from mandates: what a person may be, from which day until which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.registry.mandates.rules import Mandate
from shared.access.roles import Role
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
            body_id=bound_to(mandate),
            territory=mandate.territory,
            since=mandate.since,
            until=mandate.ends,
        )
        for mandate in sorted(lasting, key=lambda mandate: mandate.id)
    )


def bound_to(mandate: Mandate) -> UUID | None:
    """The body to which what the grant allows is confined: the mandate's, but for the secretariat, which acts for the
    whole network whatever body it sits in. What is open to all of the network is asked without a body, so that a grant
    bound to one body reads it like any other."""
    return None if mandate.role is Role.SECRETARIAT else mandate.body_id
