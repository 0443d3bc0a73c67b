"""Who may do what in events: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`events:<right>`), in its network.
Coordinators have their rights in the bodies of their territory only.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    READ_MEETINGS = "read_meetings"
    CONVENE_MEETINGS = "convene_meetings"
    READ_INVITATIONS = "read_invitations"
    ANSWER_FOR_OTHERS = "answer_for_others"


COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)
EVERYBODY = tuple(Role)

policy = Policy(
    {
        Right.READ_MEETINGS: EVERYBODY,
        Right.CONVENE_MEETINGS: COORDINATION,
        Right.READ_INVITATIONS: COORDINATION,  # and whoever is invited to the same meeting
        Right.ANSWER_FOR_OTHERS: COORDINATION,
    }
)
