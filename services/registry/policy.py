"""Who may do what in the registry: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`registry:<right>`), in its network.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    FOUND_NETWORKS = "found_networks"
    READ_NETWORK = "read_network"
    CHANGE_NETWORK = "change_network"
    READ_ORGANISATIONS = "read_organisations"
    WRITE_ORGANISATIONS = "write_organisations"
    MANAGE_MEMBERSHIPS = "manage_memberships"
    ENROL_AFFILIATES = "enrol_affiliates"
    MERGE_ORGANISATIONS = "merge_organisations"
    SHARE = "share"
    IMPORT = "import"
    READ_PEOPLE = "read_people"
    WRITE_PEOPLE = "write_people"
    ERASE_PEOPLE = "erase_people"
    GIVE_ACCESS = "give_access"
    MERGE_PEOPLE = "merge_people"
    READ_PROCESSING = "read_processing"
    WRITE_PROCESSING = "write_processing"
    MANAGE_NOTICES = "manage_notices"
    READ_BODIES = "read_bodies"
    WRITE_BODIES = "write_bodies"
    JOIN_BODIES = "join_bodies"
    READ_CONSTITUTIONS = "read_constitutions"
    WRITE_CONSTITUTIONS = "write_constitutions"
    READ_GOALS = "read_goals"
    WRITE_GOALS = "write_goals"
    READ_INSTITUTIONS = "read_institutions"
    READ_INTERLOCUTORS = "read_interlocutors"
    WRITE_INTERLOCUTORS = "write_interlocutors"
    READ_MANDATES = "read_mandates"
    WRITE_MANDATES = "write_mandates"
    READ_COMMITMENTS = "read_commitments"
    WRITE_COMMITMENTS = "write_commitments"
    FULFIL_COMMITMENTS = "fulfil_commitments"
    READ_EVIDENCE = "read_evidence"
    READ_PLANS = "read_plans"
    WRITE_PLANS = "write_plans"
    READ_AGREEMENTS = "read_agreements"
    WRITE_AGREEMENTS = "write_agreements"
    COME_FORWARD = "come_forward"
    READ_PACTS = "read_pacts"
    WRITE_PACTS = "write_pacts"
    READ_PACT_READINGS = "read_pact_readings"
    READ_PACT_STATISTICS = "read_pact_statistics"
    ERASE_PACTS = "erase_pacts"
    READ_PROJECTS = "read_projects"
    WRITE_PROJECTS = "write_projects"
    PLEDGE = "pledge"
    MANAGE_API_KEYS = "manage_api_keys"


NOBODY: tuple[Role, ...] = ()
"""Administrators only."""
SECRETARIAT = (Role.SECRETARIAT,)
COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)
FOLLOWING_PACTS = (Role.SECRETARIAT, Role.COORDINATOR, Role.COMMUNITY_MAKER)
SPOKESPEOPLE = (Role.SECRETARIAT, Role.COORDINATOR, Role.REFERENT)
PARTNERS = (Role.SECRETARIAT, Role.REFERENT)
EVERYBODY = tuple(Role)

policy = Policy(
    {
        Right.FOUND_NETWORKS: NOBODY,
        Right.READ_NETWORK: EVERYBODY,
        Right.CHANGE_NETWORK: SECRETARIAT,
        Right.READ_ORGANISATIONS: EVERYBODY,  # members see and export all of their network's map
        Right.WRITE_ORGANISATIONS: SECRETARIAT,
        Right.MANAGE_MEMBERSHIPS: SECRETARIAT,
        Right.ENROL_AFFILIATES: (Role.SECRETARIAT, Role.REFERENT),  # referents those of their own organisation
        Right.MERGE_ORGANISATIONS: SECRETARIAT,  # of every network in which the duplicate is
        Right.SHARE: SECRETARIAT,
        Right.IMPORT: SECRETARIAT,
        Right.READ_PEOPLE: COORDINATION,
        Right.WRITE_PEOPLE: SECRETARIAT,
        Right.ERASE_PEOPLE: SECRETARIAT,
        Right.GIVE_ACCESS: SECRETARIAT,  # to all that is kept of somebody; people have it of themselves
        Right.MERGE_PEOPLE: SECRETARIAT,  # of every network that knows either of them
        Right.READ_PROCESSING: EVERYBODY,
        Right.WRITE_PROCESSING: SECRETARIAT,
        Right.MANAGE_NOTICES: SECRETARIAT,
        Right.READ_BODIES: EVERYBODY,
        Right.WRITE_BODIES: SECRETARIAT,
        Right.JOIN_BODIES: EVERYBODY,  # the open ones, each for themselves
        Right.READ_CONSTITUTIONS: EVERYBODY,
        Right.WRITE_CONSTITUTIONS: SECRETARIAT,
        Right.READ_GOALS: EVERYBODY,
        Right.WRITE_GOALS: SECRETARIAT,
        Right.READ_INSTITUTIONS: EVERYBODY,  # which offices are recorded, and nobody's name
        Right.READ_INTERLOCUTORS: COORDINATION,
        Right.WRITE_INTERLOCUTORS: COORDINATION,  # coordinators those of their own territory
        Right.READ_MANDATES: EVERYBODY,
        Right.WRITE_MANDATES: SECRETARIAT,
        Right.READ_COMMITMENTS: EVERYBODY,
        Right.WRITE_COMMITMENTS: SECRETARIAT,
        Right.FULFIL_COMMITMENTS: SPOKESPEOPLE,  # each of what they speak for; people of what they owe themselves
        Right.READ_PACTS: FOLLOWING_PACTS,  # figures and codes; who the beneficiary is, only its maker (pacts/rules.py)
        Right.WRITE_PACTS: (Role.COMMUNITY_MAKER, Role.COORDINATOR),
        Right.READ_PACT_READINGS: COORDINATION,
        Right.READ_PACT_STATISTICS: EVERYBODY,  # small counts are hidden
        Right.ERASE_PACTS: COORDINATION,
        Right.READ_PROJECTS: EVERYBODY,
        Right.WRITE_PROJECTS: PARTNERS,  # referents those that their organisation leads
        Right.PLEDGE: PARTNERS,  # referents what their own organisation gives
        Right.MANAGE_API_KEYS: SECRETARIAT,
        Right.READ_EVIDENCE: SPOKESPEOPLE,  # files of what they speak for; and the people of the body it was owed to
        Right.READ_PLANS: EVERYBODY,
        Right.WRITE_PLANS: SECRETARIAT,
        Right.READ_AGREEMENTS: EVERYBODY,
        Right.WRITE_AGREEMENTS: SECRETARIAT,
        Right.COME_FORWARD: (Role.SECRETARIAT, Role.REFERENT),  # and sign: referents for their own organisation
    },
    personal=(Right.WRITE_PACTS,),  # what is written in a pact is about a person, and known to who follows them
)
