"""Who may do what in mapping: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`mapping:<right>`), in its network.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    SEE_MAP = "see_map"
    PROPOSE = "propose"  # places, resources and experiences of their organisation
    ENDORSE = "endorse"  # as their organisation's referent: the first look at an item
    VALIDATE = "validate"  # as coordinator of where it lies: the second look
    DECLARE_ABSENCE = "declare_absence"
    IMPORT_PLACES = "import_places"
    COLLECT_NEEDS = "collect_needs"
    FOLLOW_NEEDS = "follow_needs"  # which there are, for whom and since when; not what was asked
    READ_NEEDS = "read_needs"  # what was asked; besides, who collected it and who is to answer
    ASSIGN_NEEDS = "assign_needs"
    DRAW_AREAS = "draw_areas"  # ambiti and free areas of the network
    SET_YARDSTICKS = "set_yardsticks"
    RUN_CROSSINGS = "run_crossings"  # open, change, close
    RECORD_SCORES = "record_scores"  # sheets of a crossing, on paper or of a ballot
    SET_UP_MAP = "set_up_map"  # how often the map is checked, for how long the text of needs is kept


EVERYBODY = tuple(Role)

policy = Policy(
    {
        Right.SEE_MAP: EVERYBODY,  # members see and export all of their network's map
        Right.PROPOSE: EVERYBODY,
        Right.ENDORSE: (Role.REFERENT, Role.SECRETARIAT),
        Right.VALIDATE: (Role.COORDINATOR, Role.SECRETARIAT),
        Right.DECLARE_ABSENCE: (Role.REFERENT, Role.SECRETARIAT),
        Right.IMPORT_PLACES: (Role.SECRETARIAT,),
        Right.COLLECT_NEEDS: EVERYBODY,
        Right.FOLLOW_NEEDS: (Role.SECRETARIAT, Role.COORDINATOR, Role.COMMUNITY_MAKER),
        Right.READ_NEEDS: (Role.COORDINATOR,),
        Right.ASSIGN_NEEDS: (Role.SECRETARIAT, Role.COORDINATOR, Role.COMMUNITY_MAKER),
        Right.DRAW_AREAS: (Role.SECRETARIAT,),
        Right.SET_YARDSTICKS: (Role.SECRETARIAT,),
        Right.RUN_CROSSINGS: (Role.SECRETARIAT,),
        Right.RECORD_SCORES: (Role.SECRETARIAT,),
        Right.SET_UP_MAP: (Role.SECRETARIAT,),
    }
)
