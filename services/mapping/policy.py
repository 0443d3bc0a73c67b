"""Who may do what in mapping: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`mapping:<right>`), in its network.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    SEE_MAP = "see_map"


EVERYBODY = tuple(Role)

policy = Policy({Right.SEE_MAP: EVERYBODY})  # members see and export all of their network's map
