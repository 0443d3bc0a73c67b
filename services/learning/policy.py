"""Who may do what in learning: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`learning:<right>`), in its network.
Beside the rights: whoever is signed in sees the paths of their own audience, enrols in open ones, and reads and
advances their own enrolments, never another's.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.access.actor import Actor, Grant, lies_in
from shared.access.policy import Forbidden, Policy
from shared.access.roles import Role


class Right(StrEnum):
    READ_PATHS = "read_paths"  # all of a network's, drafts and other audiences' too
    WRITE_PATHS = "write_paths"
    WRITE_QUIZZES = "write_quizzes"  # and read them: they hold the answers
    ENROL = "enrol"  # others
    READ_ENROLMENTS = "read_enrolments"  # others'
    READ_PROGRESS = "read_progress"  # figures, nobody's name
    READ_PRACTICES = "read_practices"  # published ones of the network, and those that others share with it
    WRITE_PRACTICES = "write_practices"
    REVIEW_PRACTICES = "review_practices"  # of others, by people alone
    ADOPT_PRACTICES = "adopt_practices"  # for an organisation or, as its coordinator, for a body
    SET_PRACTICE_RULES = "set_practice_rules"  # what each stage asks for
    READ_NEWS = "read_news"  # the network's own, when they are out
    WRITE_NEWS = "write_news"  # coordinators for their territory or body
    WRITE_CAMPAIGNS = "write_campaigns"  # and read how many they reach; coordinators for their territory
    READ_CREDENTIALS = "read_credentials"  # others'
    WRITE_ACHIEVEMENTS = "write_achievements"
    GIVE_CREDENTIALS = "give_credentials"  # by hand, and revoke them
    READ_ASSESSMENTS = "read_assessments"  # who is asked and who has answered; nobody's answers
    WRITE_ASSESSMENTS = "write_assessments"
    ENTER_ANSWERS = "enter_answers"  # that others gave on paper
    READ_DOCUMENTS = "read_documents"  # all of a network's: those of bodies, and withdrawn ones
    WRITE_DOCUMENTS = "write_documents"  # coordinators for their territory or body
    READ_GAPS = "read_gaps"  # figures of groups, nobody's


SECRETARIAT = (Role.SECRETARIAT,)
COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)
EVERYBODY = tuple(Role)

policy = Policy(
    {
        Right.READ_PATHS: SECRETARIAT,
        Right.WRITE_PATHS: SECRETARIAT,
        Right.WRITE_QUIZZES: SECRETARIAT,
        Right.ENROL: SECRETARIAT,
        Right.READ_ENROLMENTS: SECRETARIAT,
        Right.READ_PROGRESS: COORDINATION,
        Right.READ_PRACTICES: EVERYBODY,
        Right.WRITE_PRACTICES: EVERYBODY,
        Right.REVIEW_PRACTICES: COORDINATION,
        Right.ADOPT_PRACTICES: COORDINATION,
        Right.SET_PRACTICE_RULES: SECRETARIAT,
        Right.READ_NEWS: EVERYBODY,
        Right.WRITE_NEWS: COORDINATION,
        Right.WRITE_CAMPAIGNS: COORDINATION,
        Right.READ_CREDENTIALS: SECRETARIAT,
        Right.WRITE_ACHIEVEMENTS: SECRETARIAT,
        Right.GIVE_CREDENTIALS: SECRETARIAT,
        Right.READ_ASSESSMENTS: SECRETARIAT,
        Right.WRITE_ASSESSMENTS: SECRETARIAT,
        Right.ENTER_ANSWERS: SECRETARIAT,
        Right.READ_DOCUMENTS: SECRETARIAT,
        Right.WRITE_DOCUMENTS: COORDINATION,
        Right.READ_GAPS: COORDINATION,
    }
)


def has_for(
    actor: Actor, right: Right, *, network: UUID, body: UUID | None, territory: str | None, on: date | datetime
) -> bool:
    """The right over something of a body or a territory: a coordinator has it for what is of their body or lies in
    their territory, and one who coordinates neither has it for all of the network."""
    if actor.admin or actor.key_id is not None:
        return policy.has(actor, right, network=network, on=on)
    return any(
        grant.network_id == network and grant.role in policy.rules[right] and _coordinates(grant, body, territory)
        for grant in actor.current(on)
    )


def _coordinates(grant: Grant, body: UUID | None, territory: str | None) -> bool:
    if grant.role != Role.COORDINATOR or (grant.body_id is None and grant.territory is None):
        return True
    if body is not None and grant.body_id == body:
        return True
    return grant.territory is not None and lies_in(territory, grant.territory)


def require_for(
    actor: Actor, right: Right, *, network: UUID, body: UUID | None, territory: str | None, on: date | datetime
) -> None:
    """Raises Forbidden."""
    if not has_for(actor, right, network=network, body=body, territory=territory, on=on):
        raise Forbidden(f"learning:{right}", policy.rules[right])
