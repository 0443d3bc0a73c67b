"""Who may do what in learning: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`learning:<right>`), in its network.
Beside the rights: whoever is signed in sees the paths of their own audience, enrols in open ones, and reads and
advances their own enrolments, never another's.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    READ_PATHS = "read_paths"  # all of a network's, drafts and other audiences' too
    WRITE_PATHS = "write_paths"
    ENROL = "enrol"  # others
    READ_ENROLMENTS = "read_enrolments"  # others'
    READ_PROGRESS = "read_progress"  # figures, nobody's name


SECRETARIAT = (Role.SECRETARIAT,)
COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)

policy = Policy(
    {
        Right.READ_PATHS: SECRETARIAT,
        Right.WRITE_PATHS: SECRETARIAT,
        Right.ENROL: SECRETARIAT,
        Right.READ_ENROLMENTS: SECRETARIAT,
        Right.READ_PROGRESS: COORDINATION,
    }
)
