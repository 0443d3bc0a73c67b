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
    RULE_MEETINGS = "rule_meetings"
    PLAN_SERIES = "plan_series"
    READ_INVITATIONS = "read_invitations"
    ANSWER_FOR_OTHERS = "answer_for_others"
    KEEP_FEEDS = "keep_feeds"
    READ_ATTENDANCE = "read_attendance"
    RECORD_ATTENDANCE = "record_attendance"
    HOLD_BALLOTS = "hold_ballots"
    READ_POLLS = "read_polls"
    READ_POLL_ANSWERS = "read_poll_answers"
    HOLD_POLLS = "hold_polls"
    READ_REGISTRATIONS = "read_registrations"
    KEEP_REGISTRATIONS = "keep_registrations"
    READ_VOTES = "read_votes"
    RECORD_PAPERS = "record_papers"
    READ_MINUTES = "read_minutes"
    WRITE_MINUTES = "write_minutes"
    APPROVE_MINUTES = "approve_minutes"
    READ_COLLECTIONS = "read_collections"
    COLLECT_CONTRIBUTIONS = "collect_contributions"
    READ_CONTRIBUTIONS = "read_contributions"
    ENTER_CONTRIBUTIONS = "enter_contributions"
    TAG_CONTRIBUTIONS = "tag_contributions"
    WRITE_SYNTHESES = "write_syntheses"
    ISSUE_SYNTHESES = "issue_syntheses"
    READ_REPORTS = "read_reports"
    WRITE_REPORTS = "write_reports"
    READ_EVIDENCE = "read_evidence"


COORDINATION = (Role.SECRETARIAT, Role.COORDINATOR)
EVERYBODY = tuple(Role)

policy = Policy(
    {
        Right.READ_MEETINGS: EVERYBODY,
        Right.CONVENE_MEETINGS: COORDINATION,
        Right.RULE_MEETINGS: (Role.SECRETARIAT,),
        Right.PLAN_SERIES: COORDINATION,  # for all of its bodies; and rooms, and absences of others
        Right.READ_INVITATIONS: COORDINATION,  # and whoever is invited to the same meeting
        Right.ANSWER_FOR_OTHERS: COORDINATION,
        Right.KEEP_FEEDS: (Role.SECRETARIAT,),  # others' calendars of the network; everybody keeps their own
        Right.READ_ATTENDANCE: COORDINATION,  # and whoever is invited to the same meeting
        Right.RECORD_ATTENDANCE: COORDINATION,
        Right.HOLD_BALLOTS: COORDINATION,  # voting is no right of a role: it goes with the invitation
        Right.READ_VOTES: COORDINATION,
        Right.RECORD_PAPERS: COORDINATION,  # of ballots, written on paper by others
        Right.READ_POLLS: EVERYBODY,  # the counts; answering is no right of a role: it goes with being asked
        Right.READ_POLL_ANSWERS: COORDINATION,
        Right.HOLD_POLLS: COORDINATION,
        Right.READ_REGISTRATIONS: COORDINATION,  # names and addresses of people from outside
        Right.KEEP_REGISTRATIONS: COORDINATION,
        Right.READ_MINUTES: EVERYBODY,  # approved ones; before that, their writers and whoever was invited
        Right.WRITE_MINUTES: COORDINATION,
        Right.APPROVE_MINUTES: COORDINATION,
        Right.READ_COLLECTIONS: EVERYBODY,  # and issued syntheses; contributing is no right of a role but of a mandate
        Right.COLLECT_CONTRIBUTIONS: COORDINATION,
        Right.READ_CONTRIBUTIONS: COORDINATION,  # and their authors, their own
        Right.ENTER_CONTRIBUTIONS: COORDINATION,
        Right.TAG_CONTRIBUTIONS: COORDINATION,
        Right.WRITE_SYNTHESES: COORDINATION,
        Right.ISSUE_SYNTHESES: COORDINATION,
        Right.READ_REPORTS: EVERYBODY,  # released ones; others, who writes them
        Right.WRITE_REPORTS: COORDINATION,  # of a whole network
        Right.READ_EVIDENCE: COORDINATION,  # names of who was there
    }
)
