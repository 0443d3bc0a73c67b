"""Who may do what in notify: the only place that says so.

Administrators may do everything. A partner's key may do what its scopes name (`notify:<right>`), in its network.
"""

from enum import StrEnum

from shared.access.policy import Policy
from shared.access.roles import Role


class Right(StrEnum):
    READ_DELIVERIES = "read_deliveries"
    READ_MEETING_DELIVERIES = "read_meeting_deliveries"
    RETRY_DELIVERIES = "retry_deliveries"
    READ_CONTACTS = "read_contacts"
    READ_SUPPRESSIONS = "read_suppressions"
    RELEASE_SUPPRESSIONS = "release_suppressions"
    READ_REMINDERS = "read_reminders"
    CHANGE_REMINDERS = "change_reminders"
    READ_WEBHOOKS = "read_webhooks"
    MANAGE_WEBHOOKS = "manage_webhooks"
    READ_CERTIFIED_MAILS = "read_certified_mails"
    SEND_CERTIFIED_MAILS = "send_certified_mails"

    READ_RULES = "read_rules"
    CHANGE_RULES = "change_rules"
    READ_JOURNEYS = "read_journeys"


SECRETARIAT = (Role.SECRETARIAT,)
COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)

policy = Policy(
    {
        Right.READ_DELIVERIES: SECRETARIAT,
        Right.READ_MEETING_DELIVERIES: COORDINATION,  # of the meeting's body and territory: who may convene it
        Right.RETRY_DELIVERIES: SECRETARIAT,
        Right.READ_CONTACTS: SECRETARIAT,
        Right.READ_SUPPRESSIONS: SECRETARIAT,
        Right.RELEASE_SUPPRESSIONS: SECRETARIAT,
        Right.READ_REMINDERS: COORDINATION,
        Right.CHANGE_REMINDERS: SECRETARIAT,
        Right.READ_WEBHOOKS: SECRETARIAT,
        Right.MANAGE_WEBHOOKS: SECRETARIAT,
        Right.READ_CERTIFIED_MAILS: SECRETARIAT,
        Right.SEND_CERTIFIED_MAILS: SECRETARIAT,
        Right.READ_RULES: SECRETARIAT,
        Right.CHANGE_RULES: SECRETARIAT,
        Right.READ_JOURNEYS: COORDINATION,
    }
)
