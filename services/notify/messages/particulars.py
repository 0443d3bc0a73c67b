"""What the templates of each topic are given: read from the projections, checked against the clock, with its link.

Each function raises TooLate when what it would tell has no use any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.notify.commitments.rules import LIST_OF_REPRESENTATIVES, outstanding, overdue
from services.notify.digests.rules import arranged
from services.notify.meetings.rules import about_to_begin, to_come
from services.notify.messages import learning, rules
from services.notify.messages.asked import Asked, TooLate, end_of
from services.notify.messages.words import countdown, period, territory_name
from services.notify.pacts.rules import NAMED, live
from services.notify.polls.rules import awaits, outcome
from services.notify.rules import texts
from shared.access.actor import ROME


def sign_in(asked: Asked) -> dict[str, Any]:
    expires_at = datetime.fromisoformat(asked.given["expires_at"])
    if rules.too_late(expires_at, asked.wall):
        raise TooLate
    link = asked.link("registry", "sign-in/link", "sign-in", asked.id("request_id"), expires_at)
    return {"link": link, "expires_at": expires_at}


def privacy_notice(asked: Asked) -> dict[str, Any]:
    """The page has the whole notice, as the network's record stands when it is read."""
    until = asked.until(asked.now + rules.NOTICE_LINK_LASTS)
    return {"link": asked.link("registry", "notices/link", "notice", asked.id("notice_id"), until)}


def import_report(asked: Asked) -> dict[str, Any]:
    import_id, until = asked.id("import_id"), asked.wall + rules.REPORT_LINK_LASTS
    of_places = asked.given.get("of") == "places"
    service, path = ("mapping", "place-imports") if of_places else ("registry", "imports")
    figures = ("file_name", "rows", "created", "updated", "unchanged", "rejected", "problems", "failed_because")
    return {name: asked.given[name] for name in figures} | {
        "of_places": of_places,
        "link": asked.link(service, f"{path}/{import_id}/rows.csv", "import-report", import_id, until),
        "link_until": until,
    }


def mandate(asked: Asked) -> dict[str, Any]:
    given = asked.given
    role = given["role"]
    since, until = date.fromisoformat(given["since"]), given["until"] and date.fromisoformat(given["until"])
    meaning = rules.MEANING.get(role)
    return {
        "role": rules.in_language(rules.ROLES.get(role, (role, role)), asked.language),
        "meaning": rules.in_language(meaning, asked.language) if meaning else None,
        "organisation": asked.known.organisations[asked.id("organisation_id")].title
        if given["organisation_id"]
        else None,
        "territory": given["territory"] and territory_name(given["territory"]),
        "since": since,
        "until": until,
        "never_began": rules.never_began(since, until),
        "home": asked.home,
    }


def digest(asked: Asked) -> dict[str, Any]:
    """Never an empty one. Its entries were looked at when the mail was about to be written."""
    parts, further = arranged(asked.known.digests.get(asked.id("digest_id"), ()))
    if not parts:
        raise TooLate
    told = sum(len(chapter.entries) for part in parts for chapter in part.chapters)
    return {"parts": parts, "told": told, "further": further, "only": parts[0].network if len(parts) == 1 else None}


# Commitments


def commitment_made(asked: Asked) -> dict[str, Any]:
    row = asked.known.commitments[asked.id("commitment_id")]
    if not outstanding(row.state):
        raise TooLate
    return _commitment(asked, row)


def commitment_reminder(asked: Asked) -> dict[str, Any]:
    """Of the day that it was planned for: a commitment that was moved has another reminder, a late one another news."""
    row = asked.known.commitments[asked.id("commitment_id")]
    meant = asked.given.get("due") or row.due.isoformat()
    if not outstanding(row.state) or row.due.isoformat() != meant or row.due < asked.today:
        raise TooLate
    return {**_commitment(asked, row), "countdown": countdown(row.due, asked.today, asked.language)}


def commitment_late(asked: Asked) -> dict[str, Any]:
    row = asked.known.commitments[asked.id("commitment_id")]
    if not overdue(row.state, row.due, asked.today):
        raise TooLate
    return _commitment(asked, row)


def commitment_escalated(asked: Asked) -> dict[str, Any]:
    """All that has not come of that day, as it stands now and not as it stood at midnight."""
    known = asked.known
    if asked.given.get("commitment_id"):
        rows = [known.commitments[asked.id("commitment_id")]]
        due = rows[0].due
    else:
        due = date.fromisoformat(asked.given["due"])
        rows = [known.commitments[id_] for id_ in known.outstanding.get((asked.network_id or UUID(int=0), due), ())]
    owed = [(row.title, _debtor(asked, row) or "") for row in rows if overdue(row.state, row.due, asked.today)]
    if not owed:
        raise TooLate
    return {
        "owed": [{"commitment": title, "debtor": debtor} for title, debtor in sorted(owed)],
        "due": due,
        "home": asked.home,
    }


def commitment_climbed(asked: Asked) -> dict[str, Any]:
    """Of the day by which it was owed when it climbed. No link: who is told here does not answer for it."""
    row, given = asked.known.commitments[asked.id("commitment_id")], asked.given
    if not overdue(row.state, row.due, asked.today) or row.due.isoformat() != given.get("due", row.due.isoformat()):
        raise TooLate
    return {
        "commitment": row.title,
        "debtor": _debtor(asked, row),
        "due": row.due,
        "days_late": (asked.today - row.due).days,
        "body": asked.known.bodies[asked.id("body_id")].title,
        "home": asked.home,
    }


def _commitment(asked: Asked, row: Row[Any]) -> dict[str, Any]:
    uploads = row.kind == LIST_OF_REPRESENTATIVES
    whose = {"person": str(asked.person_id)} if asked.person_id else {}
    path, purpose = ("representatives/link", "representatives") if uploads else ("commitments/link", "commitment")
    until = asked.until(end_of(row.due) + rules.COMMITMENT_LINK_LASTS)
    return {
        "commitment": row.title,
        "debtor": _debtor(asked, row),
        "due": row.due,
        "uploads": uploads,
        "link": asked.link("registry", path, purpose, row.id, until, **whose),
    }


def _debtor(asked: Asked, row: Row[Any]) -> str | None:
    """The name of who owes it; none for a person who was erased."""
    if row.debtor_organisation_id:
        organisation = asked.known.organisations[row.debtor_organisation_id]
        return str(organisation.title)
    if row.debtor_body_id:
        return str(asked.known.bodies[row.debtor_body_id].title)
    person = asked.known.contacts[row.debtor_person_id]
    return f"{person.given_name} {person.family_name}".strip() or None


# Procedures and calls


def agreement(asked: Asked) -> dict[str, Any]:
    """While one can come forward; a reminder only of the deadline that it was planned for."""
    row = asked.known.agreements[asked.id("agreement_id")]
    meant = asked.given.get("due") or row.deadline.isoformat()
    if row.state != "open" or row.deadline < asked.today or row.deadline.isoformat() != meant:
        raise TooLate
    kind = rules.AGREEMENTS.get(row.kind, (row.kind, row.kind))
    authority = asked.known.organisations.get(row.authority_id)
    return {
        "call": row.title,
        "kind": rules.in_language(kind, asked.language),
        "organisation": asked.known.organisations[asked.id("organisation_id")].title,
        "authority": authority and authority.title,
        "deadline": row.deadline,
        "countdown": countdown(row.deadline, asked.today, asked.language),
        "home": asked.home,
    }


# Meetings


def meeting_convened(asked: Asked) -> dict[str, Any]:
    meeting, invitation = _invited(asked)
    if invitation.state != "issued" or not to_come(meeting.state, meeting.ends_at, asked.now):
        raise TooLate
    return _to_answer(asked, meeting, invitation)


def meeting_moved(asked: Asked) -> dict[str, Any]:
    meeting, invitation = _invited(asked)
    given = asked.given
    here = (meeting.starts_at, meeting.ends_at, meeting.mode, meeting.place)
    meant = (*(datetime.fromisoformat(given[name]) for name in ("starts_at", "ends_at")), given["mode"], given["place"])
    gone = invitation.state != "issued" or not to_come(meeting.state, meeting.ends_at, asked.now)
    if gone or here != meant:
        raise TooLate
    return {**_to_answer(asked, meeting, invitation), "answer": invitation.answer}


def meeting_cancelled(asked: Asked) -> dict[str, Any]:
    meeting, invitation = _invited(asked)
    if meeting.ends_at <= asked.now:
        raise TooLate
    return _meeting(asked, meeting, invitation)


def meeting_reminder(asked: Asked) -> dict[str, Any]:
    """Of the instant that it was planned for: a meeting that was moved has another reminder."""
    meeting, invitation = _invited(asked)
    meant = datetime.fromisoformat(asked.given.get("starts_at") or meeting.starts_at.isoformat())
    coming = about_to_begin(meeting.state, meeting.starts_at, asked.now)
    if invitation.state != "issued" or not coming or meeting.starts_at != meant:
        raise TooLate
    on = meeting.starts_at.astimezone(ROME).date()
    return {
        **_to_answer(asked, meeting, invitation),
        "answer": invitation.answer,
        "countdown": countdown(on, asked.today, asked.language),
    }


def invitation_withdrawn(asked: Asked) -> dict[str, Any]:
    """Not when it was issued again meanwhile, nor of a meeting that is cancelled, which is told by itself, or over."""
    meeting, invitation = _invited(asked)
    if invitation.state == "issued" or not to_come(meeting.state, meeting.ends_at, asked.now):
        raise TooLate
    return {**_meeting(asked, meeting, invitation), "by_mandate": invitation.mandate_id is not None}


def delegation_lapsed(asked: Asked) -> dict[str, Any]:
    """Not when the person has answered again meanwhile."""
    meeting, invitation = _invited(asked)
    stands = invitation.state == "issued" and about_to_begin(meeting.state, meeting.starts_at, asked.now)
    if not stands or invitation.answer is not None:
        raise TooLate
    return {**_to_answer(asked, meeting, invitation), "door": None}


def ballot_opened(asked: Asked) -> dict[str, Any]:
    meeting, invitation = _invited(asked)
    ballot = asked.known.ballots[asked.id("ballot_id")]
    if invitation.state != "issued" or meeting.state == "cancelled" or ballot.outcome is not None:
        raise TooLate
    until = asked.until(meeting.ends_at)
    voting = str(invitation.id)
    return {
        **_meeting(asked, meeting, invitation),
        "question": ballot.question,
        "link": asked.link("events", "ballots/link", "vote", ballot.id, until, invitation=voting),
    }


def meeting_changed(asked: Asked) -> dict[str, Any]:
    """Not once it has changed or moved again: the later message has all of it."""
    meeting, invitation = _invited(asked)
    gone = invitation.state != "issued" or not to_come(meeting.state, meeting.ends_at, asked.now)
    if gone or meeting.sequence != asked.given["sequence"]:
        raise TooLate
    return _to_answer(asked, meeting, invitation)


def invitation_waiting(asked: Asked) -> dict[str, Any]:
    return _placed(asked, waiting=True)


def invitation_admitted(asked: Asked) -> dict[str, Any]:
    return _placed(asked, waiting=False)


def _placed(asked: Asked, *, waiting: bool) -> dict[str, Any]:
    """Not once they have answered otherwise, or the other was told meanwhile."""
    meeting, invitation = _invited(asked)
    stands = invitation.state == "issued" and invitation.answer == "yes" and invitation.waiting is waiting
    if not stands or not about_to_begin(meeting.state, meeting.starts_at, asked.now):
        raise TooLate
    return _to_answer(asked, meeting, invitation)


def reply_refused(asked: Asked) -> dict[str, Any]:
    """With the link, while one can still answer by it."""
    known, meeting = asked.known, asked.known.meetings[asked.id("meeting_id")]
    if meeting.ends_at <= asked.now:
        raise TooLate
    invitation = known.invitations[asked.id("invitation_id")] if asked.given["invitation_id"] else None
    answerable = about_to_begin(meeting.state, meeting.starts_at, asked.now)
    open_ = invitation is not None and invitation.state == "issued" and answerable
    reason = rules.REFUSALS.get(asked.given["reason"], rules.NOT_POSSIBLE)
    return {
        "meeting": meeting.title,
        "body": _body(asked, meeting),
        "when": period(meeting.starts_at, meeting.ends_at, asked.language),
        "reason": rules.in_language(reason, asked.language),
        "link": _rsvp(asked, meeting) if open_ else None,
    }


# Polls for a date


def poll_asked(asked: Asked) -> dict[str, Any]:
    """While one can answer."""
    return _poll_open(asked, asked.known.polls[asked.id("poll_id")])


def poll_reminder(asked: Asked) -> dict[str, Any]:
    """Of the end that it was planned for, and not once the person has answered."""
    poll = asked.known.polls[asked.id("poll_id")]
    if poll.closes_at != datetime.fromisoformat(asked.given["closes_at"]):
        raise TooLate
    on = poll.closes_at.astimezone(ROME).date()
    return {**_poll_open(asked, poll), "countdown": countdown(on, asked.today, asked.language)}


def _poll_open(asked: Asked, poll: Row[Any]) -> dict[str, Any]:
    request = asked.known.poll_requests[asked.id("request_id")]
    if request.state != "asked" or not awaits(poll.state, poll.closes_at, asked.now):
        raise TooLate
    return {
        **_poll(asked, poll),
        "dates": [_date(option, asked.language) for option in poll.options],
        "closes_at": poll.closes_at,
        "link": asked.link("events", "polls/link", "poll", request.id, asked.until(poll.closes_at)),
    }


def poll_closed(asked: Asked) -> dict[str, Any]:
    """The date that was chosen, unless another one was since, or that there will be none."""
    poll, given = asked.known.polls[asked.id("poll_id")], asked.given
    if outcome(poll.state, poll.chosen) != given["outcome"] or poll.chosen != given["chosen"]:
        raise TooLate
    option = poll.options[poll.chosen - 1] if given["outcome"] == "chosen" else None
    if option is not None and datetime.fromisoformat(option["ends_at"]) <= asked.now:
        raise TooLate
    return {**_poll(asked, poll), "chosen": option and _date(option, asked.language)}


def _poll(asked: Asked, poll: Row[Any]) -> dict[str, Any]:
    return {"poll": poll.title, "body": asked.known.bodies[poll.body_id].title if poll.body_id else None}


def _date(option: Mapping[str, str], language: str) -> str:
    return period(*(datetime.fromisoformat(option[name]) for name in ("starts_at", "ends_at")), language)


# Ballots that are in no meeting


def ballot_called(asked: Asked) -> dict[str, Any]:
    return _paper(asked, asked.known.ballots[asked.id("ballot_id")])


def ballot_reminder(asked: Asked) -> dict[str, Any]:
    """Of the end that it was planned for, and not once the person has voted."""
    ballot = asked.known.ballots[asked.id("ballot_id")]
    if ballot.closes_at is None or ballot.closes_at != datetime.fromisoformat(asked.given["closes_at"]):
        raise TooLate
    on = ballot.closes_at.astimezone(ROME).date()
    return {**_paper(asked, ballot), "countdown": countdown(on, asked.today, asked.language)}


def _paper(asked: Asked, ballot: Row[Any]) -> dict[str, Any]:
    voter = asked.known.voters[asked.id("voter_id")]
    ended = ballot.closes_at is not None and ballot.closes_at <= asked.now
    if voter.state != "called" or ballot.outcome is not None or ended:
        raise TooLate
    organisation = asked.known.organisations.get(voter.organisation_id)
    until = ballot.closes_at or asked.now + rules.BALLOT_LINK_LASTS
    return {
        "question": ballot.question,
        "body": _body(asked, ballot),
        "organisation": organisation and organisation.title,
        "closes_at": ballot.closes_at,
        "secret": ballot.secret,
        "grid": ballot.kind == "grid",
        "link": asked.link("events", "ballots/link", "vote", voter.id, asked.until(until)),
    }


def ballot_closed(asked: Asked) -> dict[str, Any]:
    ballot = asked.known.ballots[asked.id("ballot_id")]
    if ballot.outcome is None:
        raise TooLate
    return {
        "question": ballot.question,
        "body": _body(asked, ballot),
        "outcome": ballot.outcome,
        "motion": ballot.kind == "motion",
        "options": [(option["title"], option["votes"] or 0) for option in ballot.options],
        **{name: getattr(ballot, name) for name in ("entitled", "cast", "in_favour", "against", "abstained")},
        "home": asked.home,
    }


# Minutes and programmes


def minutes_to_approve(asked: Asked) -> dict[str, Any]:
    """Not once they have said so, or the minutes are back with who writes them."""
    approval = asked.known.approvals[asked.id("approval_id")]
    in_approval = asked.known.minutes[asked.id("minutes_id")].state == "in_approval"
    if approval.state != "asked" or not in_approval:
        raise TooLate
    until = asked.until(asked.now + rules.APPROVAL_LINK_LASTS)
    return {
        **_minutes(asked),
        "link": asked.link("events", "minutes/approval/link", "approval", approval.id, until),
    }


def minutes_returned(asked: Asked) -> dict[str, Any]:
    """Not once they have been submitted again."""
    if asked.known.minutes[asked.id("minutes_id")].state != "draft":
        raise TooLate
    return _minutes(asked)


def synthesis_issued(asked: Asked) -> dict[str, Any]:
    row = asked.known.syntheses[asked.id("synthesis_id")]
    if row.number != asked.given["number"]:
        raise TooLate
    whose = {"person": str(asked.person_id)} if asked.person_id else {}
    until = asked.until(asked.now + rules.SYNTHESIS_LINK_LASTS)
    return {
        "synthesis": row.title,
        "body": asked.known.bodies[row.body_id].title if row.body_id else None,
        "number": row.number,
        "contributions": row.contributions,
        "link": asked.link("events", "syntheses/link", "synthesis", row.id, until, **whose),
    }


def series_extended(asked: Asked) -> dict[str, Any]:
    row = asked.known.series[asked.id("series_id")]
    return {
        "series": row.title,
        "last_day": row.last_day,
        "planned": row.planned,
        "held": row.held,
        "extensions": row.extensions,
        "home": asked.home,
    }


def report_released(asked: Asked) -> dict[str, Any]:
    """Its address is public: it needs no signature. Not once it was taken back."""
    row = asked.known.reports[asked.id("report_id")]
    if row.state != "released":
        raise TooLate
    return {"report": row.title, "link": f"{asked.home}/events/v1/reports/public/{row.id}"}


def minutes_submitted(asked: Asked) -> dict[str, Any]:
    """Not once they are approved, or back with who writes them."""
    if asked.known.minutes[asked.id("minutes_id")].state != "in_approval":
        raise TooLate
    return _minutes(asked)


def minutes_approved(asked: Asked) -> dict[str, Any]:
    return _minutes(asked)


def _invited(asked: Asked) -> tuple[Row[Any], Row[Any]]:
    known = asked.known
    return known.meetings[asked.id("meeting_id")], known.invitations[asked.id("invitation_id")]


def _meeting(asked: Asked, meeting: Row[Any], invitation: Row[Any]) -> dict[str, Any]:
    mode = rules.MODES.get(meeting.mode, (meeting.mode, meeting.mode))
    organisation = asked.known.organisations.get(invitation.organisation_id)
    return {
        "meeting": meeting.title,
        "body": _body(asked, meeting),
        "organisation": organisation and organisation.title,
        "starts_at": meeting.starts_at,
        "when": period(meeting.starts_at, meeting.ends_at, asked.language),
        "mode": rules.in_language(mode, asked.language),
        "remote": meeting.mode != "in_person",
        "place": meeting.place,
        "second_call": meeting.call == 2,
        "agenda": list(meeting.agenda),
    }


def _to_answer(asked: Asked, meeting: Row[Any], invitation: Row[Any]) -> dict[str, Any]:
    """With the link by which they answer and, for who may come in person, that of the code that they show at the
    door."""
    door = None
    if meeting.mode != "remote" and not invitation.waiting and invitation.answer not in ("no", "delegated"):
        until = asked.until(meeting.ends_at)
        door = asked.link("events", "check-in/link", "check-in", asked.id("invitation_id"), until)
    return {**_meeting(asked, meeting, invitation), "link": _rsvp(asked, meeting), "door": door}


def _body(asked: Asked, meeting: Row[Any]) -> str | None:
    return asked.known.bodies[meeting.body_id].title if meeting.body_id else None


def _rsvp(asked: Asked, meeting: Row[Any]) -> str:
    return asked.link("events", "rsvp/link", "rsvp", asked.id("invitation_id"), asked.until(meeting.ends_at))


def _minutes(asked: Asked) -> dict[str, Any]:
    row, meeting = asked.known.minutes[asked.id("minutes_id")], asked.known.meetings[asked.id("meeting_id")]
    return {
        "meeting": meeting.title,
        "body": _body(asked, meeting),
        "held_on": row.held_on,
        "number": row.number,
        "present": row.present,
        "entitled": row.entitled,
        "quorate": row.quorate,
        "home": asked.home,
    }


# Goals


def goal(asked: Asked) -> dict[str, Any]:
    given = asked.given
    last_day = date.fromisoformat(given["last_day"])
    expires = asked.wall + max(end_of(last_day) - asked.now, timedelta()) + rules.GOAL_LINK_LASTS
    return {
        **{name: given[name] for name in ("reached", "minimum", "full", "state")},
        "goal": given["title"],
        "last_day": last_day,
        "days_left": max(0, (last_day - asked.today).days),
        "next_best": given["next_best"] and territory_name(given["next_best"]),
        "territory": given["territory"] and territory_name(given["territory"]),
        "link": asked.link("registry", "goals/link", "goal", asked.id("goal_id"), expires),
    }


# The map


def freshness_asked(asked: Asked) -> dict[str, Any]:
    """What nobody has answered yet of what was asked, each with a link of its own."""
    rows = [asked.known.map_questions[UUID(id_)] for id_ in asked.given["question_ids"]]
    open_ = [row for row in rows if row.answer is None and row.answer_by >= asked.today]
    if not open_:
        raise TooLate
    whose = {"person": str(asked.person_id)} if asked.person_id else {}
    return {
        "questions": [
            {
                "title": row.title,
                "item": rules.in_language(rules.ITEMS.get(row.item, (row.item, row.item)), asked.language),
                "link": asked.link(
                    "mapping",
                    "freshness/link",
                    "freshness",
                    row.id,
                    asked.until(end_of(row.answer_by) + rules.COMMITMENT_LINK_LASTS),
                    **whose,
                ),
            }
            for row in open_
        ],
        "answer_by": min(row.answer_by for row in open_),
    }


def item_returned(asked: Asked) -> dict[str, Any]:
    item = asked.given["item"]
    return {
        "title": asked.given["title"],
        "item": rules.in_language(rules.ITEMS.get(item, (item, item)), asked.language),
        "home": asked.home,
    }


def need_assigned(asked: Asked) -> dict[str, Any]:
    """Not once somebody else is to answer, or it has been answered. Where and about what; what was asked is nowhere
    but where it is kept."""
    row, given = asked.known.map_needs[asked.id("need_id")], asked.given
    meant = (given.get("organisation_id"), given.get("assignee_id"))
    if row.state != "assigned" or meant != (_text(row.organisation_id), _text(row.person_id)):
        raise TooLate
    organisation = asked.known.organisations.get(row.organisation_id)
    return {
        "theme": row.theme.replace("-", " "),
        "where": territory_name(row.municipality) if row.municipality else None,
        "collected_on": row.collected_on,
        "organisation": organisation and organisation.title,
        "home": asked.home,
    }


def _text(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None


# Pacts and groups


def pact_step(asked: Asked) -> dict[str, Any]:
    """Of the day that it was planned for; never what the step is, nor of whom."""
    step = asked.known.following.steps[asked.id("step_id")]
    pact = asked.known.following.pacts[step.pact_id]
    meant = asked.given.get("due") or (step.due and step.due.isoformat())
    if not live(pact.state, step.due) or step.due.isoformat() != meant or step.due < asked.today:
        raise TooLate
    return {
        "code": pact.code,
        "number": step.number,
        "due": step.due,
        "countdown": countdown(step.due, asked.today, asked.language),
        "home": asked.home,
    }


def pact_handed_over(asked: Asked) -> dict[str, Any]:
    return _pacts(asked, asked.person_id)


def pact_unattended(asked: Asked) -> dict[str, Any]:
    return _pacts(asked, None)


def _pacts(asked: Asked, maker: UUID | None) -> dict[str, Any]:
    """Those that the maker (or nobody) follows by now: they may have passed on again."""
    promoter = asked.id("promoter_id")
    codes = asked.known.following.codes.get((maker, promoter), ())
    if not codes:
        raise TooLate
    return {
        "promoter": asked.known.following.promoters[promoter].title,
        "codes": list(codes[:NAMED]),
        "count": len(codes),
        "more": max(0, len(codes) - NAMED),
        "home": asked.home,
    }


def group_uncovered(asked: Asked) -> dict[str, Any]:
    """Not once somebody covers it again."""
    group = asked.known.following.promoters[asked.id("group_id")]
    if group.uncovered_since is None or group.state == "dissolved":
        raise TooLate
    return {
        "group": group.title,
        "territory": group.territory and territory_name(group.territory),
        "since": group.uncovered_since,
        "home": asked.home,
    }


def endpoint_disabled(asked: Asked) -> dict[str, Any]:
    return {
        "endpoint": asked.given["title"],
        "reason": asked.given["reason"],
        "failing_since": datetime.fromisoformat(asked.given["failing_since"]),
        "home": asked.home,
    }


def by_rule(asked: Asked) -> dict[str, Any]:
    """In the words of the version that decided; each paragraph is a list of lines."""
    kept = asked.known.rule_versions[asked.id("rule_version_id")].definition
    said, template = asked.given["said"], kept["template"]
    names = {id_: f"{c.given_name} {c.family_name}".strip() for id_, c in asked.known.contacts.items()}
    network = asked.known.networks[asked.network_id].name if asked.network_id else ""
    subject, text = (
        texts.write(template[part][asked.language], said, network, names, asked.language)
        for part in ("subject", "text")
    )
    return {
        "rule": kept["name"],
        "subject": texts.subject_line(subject),
        "paragraphs": [p.splitlines() for p in text.replace("\r\n", "\n").split("\n\n") if p.strip()],
    }


PARTICULARS: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
    rules.SIGN_IN.code: sign_in,
    rules.IMPORT_REPORT.code: import_report,
    rules.DIGEST.code: digest,
    rules.MANDATE_GIVEN.code: mandate,
    rules.MANDATE_ENDED.code: mandate,
    rules.COMMITMENT_MADE.code: commitment_made,
    rules.COMMITMENT_REMINDER.code: commitment_reminder,
    rules.COMMITMENT_LATE.code: commitment_late,
    rules.COMMITMENT_ESCALATED.code: commitment_escalated,
    rules.COMMITMENT_CLIMBED.code: commitment_climbed,
    rules.AGREEMENT_OPENED.code: agreement,
    rules.AGREEMENT_REMINDER.code: agreement,
    rules.MEETING_CONVENED.code: meeting_convened,
    rules.MEETING_MOVED.code: meeting_moved,
    rules.MEETING_CANCELLED.code: meeting_cancelled,
    rules.MEETING_REMINDER.code: meeting_reminder,
    rules.MEETING_CHANGED.code: meeting_changed,
    rules.INVITATION_WAITING.code: invitation_waiting,
    rules.INVITATION_ADMITTED.code: invitation_admitted,
    rules.REPLY_REFUSED.code: reply_refused,
    rules.POLL_ASKED.code: poll_asked,
    rules.POLL_REMINDER.code: poll_reminder,
    rules.POLL_CLOSED.code: poll_closed,
    rules.BALLOT_CALLED.code: ballot_called,
    rules.BALLOT_REMINDER.code: ballot_reminder,
    rules.BALLOT_CLOSED.code: ballot_closed,
    rules.MINUTES_TO_APPROVE.code: minutes_to_approve,
    rules.MINUTES_RETURNED.code: minutes_returned,
    rules.SYNTHESIS_ISSUED.code: synthesis_issued,
    rules.SERIES_EXTENDED.code: series_extended,
    rules.REPORT_RELEASED.code: report_released,
    rules.INVITATION_WITHDRAWN.code: invitation_withdrawn,
    rules.DELEGATION_LAPSED.code: delegation_lapsed,
    rules.BALLOT_OPENED.code: ballot_opened,
    rules.MINUTES_SUBMITTED.code: minutes_submitted,
    rules.MINUTES_APPROVED.code: minutes_approved,
    rules.GOAL_ADVANCED.code: goal,
    rules.GOAL_DECIDED.code: goal,
    rules.PRIVACY_NOTICE.code: privacy_notice,
    rules.PACT_STEP.code: pact_step,
    rules.PACT_HANDED_OVER.code: pact_handed_over,
    rules.PACT_UNATTENDED.code: pact_unattended,
    rules.GROUP_UNCOVERED.code: group_uncovered,
    **learning.PARTICULARS,
    rules.FRESHNESS_ASKED.code: freshness_asked,
    rules.ITEM_RETURNED.code: item_returned,
    rules.NEED_ASSIGNED.code: need_assigned,
    rules.RULE.code: by_rule,
    rules.ENDPOINT_DISABLED.code: endpoint_disabled,
}
"""By topic: a new one is added here, in `rules.TOPICS` and as a folder of templates."""
