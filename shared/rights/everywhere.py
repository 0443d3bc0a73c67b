"""What every service holds of people alike: what they may do, what they asked for, which facts tell what they did."""

from shared.access.tables import grant_lists, grants
from shared.messaging.tables import log
from shared.rights.holdings import Held
from shared.rights.words import Ground
from shared.runtime.idempotency import answers

EVERYWHERE = (
    Held("grants", grants.c.person_id, forget="delete"),
    Held("grants", grant_lists.c.person_id, Ground.ACCOUNTABILITY, shows=()),
    Held("answers", answers.c.actor_id, forget="delete", shows=("recorded_at",)),
    Held("acts", log.c.actor_id, Ground.ACCOUNTABILITY, shows=("type", "subject", "occurred_at")),
)
"""The list of grants stays without any, so that an older one cannot come back."""
