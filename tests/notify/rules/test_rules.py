"""What a network's rule may say, which facts it counts, and when its tellings come: without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.notify.rules import texts
from services.notify.rules.definition import Definition, Filter
from services.notify.rules.fields import Kind, Names, fields_of, rulable
from services.notify.rules.rules import (
    Come,
    Plan,
    RuleUnfit,
    State,
    Telling,
    Version,
    check,
    come,
    follow,
    holds,
    identity,
    in_force,
    outcome,
)
from shared.contracts.envelope import Fact
from shared.contracts.events import MeetingCancelled, MeetingConvened, MeetingHeld, MeetingMoved
from shared.contracts.registry import CommitmentFulfilled, CommitmentMade, ProjectOpened
from tests.notify.network import then

NETWORK, RULE, BODY, PERSON, OFFICE = (UUID(int=n) for n in range(1, 6))
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
WORDS = {"subject": {"it": "Ciao {{title}}", "en": "Hello {{title}}"}, "text": {"it": "x", "en": "y"}}


def rule(**changed: Any) -> Definition:
    known: dict[str, Any] = {
        "name": "Regola",
        "fact_type": "registry.commitment.made",
        "audience": [{"kind": "secretariat"}],
        "template": WORDS,
    }
    return Definition.model_validate({**known, **changed})


def commitment(**changed: Any) -> CommitmentMade:
    known: dict[str, Any] = {
        "title": "Elenco",
        "kind": "report",
        "due": date(2026, 4, 2),
        "state": "open",
        "source": "hand",
        "debtor_body_id": BODY,
    }
    return CommitmentMade(id=uuid7(), version=1, network_id=NETWORK, **{**known, **changed})


def meeting(**changed: Any) -> MeetingConvened:
    """On the day after the clocks go forward, at three in the afternoon in Italy."""
    known: dict[str, Any] = {
        "title": "Assemblea",
        "starts_at": datetime(2026, 3, 30, 13, tzinfo=UTC),
        "ends_at": datetime(2026, 3, 30, 14, tzinfo=UTC),
        "mode": "remote",
        "state": "convened",
    }
    return MeetingConvened(id=uuid7(), version=1, network_id=NETWORK, **{**known, **changed})


def telling(fact: Fact, at: datetime = NOW) -> Telling:
    id_ = uuid7()
    body = orjson.loads(orjson.dumps(fact.model_dump()))
    assert fact.network_id is not None
    bodies = [fact.debtor_body_id] if isinstance(fact, CommitmentMade) and fact.debtor_body_id else []
    return Telling(id_, fact.name, fact.id, 1, fact.version, fact.network_id, id_, at, bodies, [], body)


def version(definition: Definition, number: int = 1, since: datetime = NOW, *, active: bool = True) -> Version:
    return Version(UUID(int=100 + number), RULE, number, since, active, definition)


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"fact_type": "registry.person.registered"}, "/fact_type"),
        ({"fact_type": "registry.grant.changed"}, "/fact_type"),
        ({"fact_type": "registry.organisation.changed"}, "/fact_type"),
        ({"fact_type": "notify.delivery.sent"}, "/fact_type"),
        ({"filter": {"conditions": [{"field": "colour", "op": "eq", "value": "red"}]}}, "/filter/conditions/0/field"),
        ({"filter": {"conditions": [{"field": "title", "op": "gt", "value": "a"}]}}, "/filter/conditions/0/op"),
        ({"filter": {"conditions": [{"field": "title", "op": "within", "value": "03"}]}}, "/filter/conditions/0/op"),
        ({"filter": {"conditions": [{"field": "due", "op": "lt", "value": "soon"}]}}, "/filter/conditions/0/value"),
        ({"filter": {"conditions": [{"field": "due", "op": "lt", "value": 7}]}}, "/filter/conditions/0/value"),
        ({"filter": {"conditions": [{"field": "due", "op": "lt", "value": "9999-01-01"}]}},
         "/filter/conditions/0/value"),
        ({"filter": {"conditions": [{"field": "title", "op": "in", "value": "a"}]}}, "/filter/conditions/0/value"),
        ({"filter": {"conditions": [{"field": "title", "op": "eq", "value": ["a"]}]}}, "/filter/conditions/0/value"),
        ({"filter": {"conditions": [{"field": "title", "op": "exists", "value": "yes"}]}},
         "/filter/conditions/0/value"),
        ({"audience": [{"kind": "field", "field": "debtor_body_id"}]}, "/audience/0/field"),
        ({"audience": [{"kind": "secretariat"}, {"kind": "organisation", "field": "title"}]}, "/audience/1/field"),
        ({"audience": [{"kind": "coordinators", "levels": [1, 1]}]}, "/audience/0/levels"),
        ({"audience": [{"kind": "role", "role": "referent", "body_id": str(BODY)}]}, "/audience/0/where"),
        ({"audience": [{"kind": "role", "role": "referent", "where": "territory"}]}, "/audience/0/where"),
        ({"audience": [{"kind": "role", "role": "referent", "where": "territory", "territory": "Z9"}]},
         "/audience/0/territory"),
        ({"template": {}}, "/template"),
        ({"template": {**WORDS, "topic": "goal-advanced"}}, "/template"),
        ({"template": {"topic": "commitment-made"}}, "/template/topic"),
        ({"template": {"topic": "goal-advanced"}}, "/template/topic"),
        ({"template": {**WORDS, "text": {"it": "x", "en": "{{ nobody }}"}}}, "/template/text/en"),
        ({"template": {**WORDS, "text": {"it": "{{ 7 * 7 }}", "en": "y"}}}, "/template/text/it"),
        ({"template": {**WORDS, "subject": {"it": "{{title", "en": "y"}}}, "/template/subject/it"),
        ({"delay": {"kind": "relative", "field": "title", "days": -1}}, "/delay/field"),
        ({"delay": {"kind": "after"}}, "/delay"),
        ({"still": {"conditions": [{"field": "state", "op": "eq", "value": "open"}]}}, "/still"),
        ({"cancelled_by": ["waived"]}, "/cancelled_by"),
        ({"channels": ["email", "email"]}, "/channels"),
        ({"channels": ["pec"]}, "/channels"),
        ({"channels": ["pec"], "audience": [{"kind": "organisation", "field": "debtor_organisation_id"}],
          "template": {**WORDS, "text": {"it": "{{debtor_person_id}}", "en": "y"}}}, "/template"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_place(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(RuleUnfit) as refused:
        check(rule(**changed))
    assert refused.value.path == path
    assert refused.value.accepted


def test_levels_above_need_a_body_that_has_some_above() -> None:
    goal = {"fact_type": "registry.pact.signed", "audience": [{"kind": "coordinators", "levels": [0, 1]}]}
    check(rule(**goal, template={**WORDS, "subject": {"it": "x", "en": "y"}}))
    for fact_type in ("mapping.need.collected", "registry.import.finished"):
        with pytest.raises(RuleUnfit):
            check(rule(**{**goal, "fact_type": fact_type, "template": WORDS}))


def test_every_fact_that_can_have_rules_has_fields_that_can_be_asked() -> None:
    assert len(rulable()) > 150
    assert all("id" in fields_of(fact) and "version" not in fields_of(fact) for fact in rulable().values())
    project = fields_of(ProjectOpened)
    assert (project["territories"].many, project["territories"].names) == (True, Names.TERRITORY)
    assert (project["lead_id"].kind, project["lead_id"].names) == (Kind.ID, Names.ORGANISATION)
    assert "partners" not in project


@pytest.mark.parametrize(
    ("field", "op", "value", "so"),
    [
        ("kind", "eq", "report", True),
        ("kind", "eq", "list", False),
        ("kind", "ne", "list", True),
        ("kind", "in", ["list", "report"], True),
        ("due", "lt", "2026-04-02", False),
        ("due", "lt", "2026-04-03", True),
        ("due", "gt", "2026-04-01", True),
        ("due", "gt", "2026-04-02", False),
        ("fulfilled_on", "exists", False, True),
        ("fulfilled_on", "exists", True, False),
        ("fulfilled_on", "lt", "2030-01-01", False),
        ("fulfilled_on", "ne", "2030-01-01", True),
        ("debtor_body_id", "eq", str(BODY).upper(), True),
    ],
)
def test_a_condition_reads_what_the_fact_says(field: str, op: str, value: Any, so: bool) -> None:
    definition = rule(filter={"conditions": [{"field": field, "op": op, "value": value}]})
    check(definition)
    assert holds(definition.filter, telling(commitment())) is so


def test_all_or_any_of_several_conditions() -> None:
    one, other = {"field": "kind", "op": "eq", "value": "report"}, {"field": "kind", "op": "eq", "value": "list"}
    fact = telling(commitment())
    assert not holds(Filter.model_validate({"match": "all", "conditions": [one, other]}), fact)
    assert holds(Filter.model_validate({"match": "any", "conditions": [one, other]}), fact)
    assert holds(Filter(), fact)


def test_of_a_list_one_value_is_enough_and_a_territory_holds_what_lies_in_it() -> None:
    project = ProjectOpened(
        id=uuid7(), version=1, network_id=NETWORK, title="x", state="running", territories=("E507", "01"),
        since=NOW.date(), last_day=NOW.date(), budget_cents=1,
    )  # fmt: skip

    def so(op: str, value: str) -> bool:
        return holds(
            Filter.model_validate({"conditions": [{"field": "territories", "op": op, "value": value}]}),
            telling(project),
        )

    assert so("within", "03")  # Lecco lies in Lombardia
    assert so("within", "097")
    assert not so("within", "05")
    assert so("eq", "01")
    assert not so("ne", "01")


def test_the_version_in_force_when_the_fact_was_told_decides() -> None:
    first, paused, third = (
        version(rule(), 1, NOW),
        version(rule(), 2, NOW + timedelta(days=1), active=False),
        version(rule(), 3, NOW + timedelta(days=2)),
    )
    versions = [first, paused, third]
    assert in_force(versions, NOW - timedelta(seconds=1)) is None
    assert in_force(versions, NOW) is first
    assert in_force(versions, NOW + timedelta(days=1)) is None
    assert in_force(versions, NOW + timedelta(days=9)) is third


BEFORE = {"kind": "relative", "field": "starts_at", "days": -2}


def planned(definition: Definition, *facts: tuple[Fact, datetime]) -> Plan:
    plans: dict[UUID, Plan] = {}
    for fact, at in facts:
        for plan in follow(version(definition), telling(fact, at), plans, at):
            plans[plan.id] = plan
    (only,) = plans.values()
    return only


def test_days_before_an_instant_keep_its_hour_on_the_wall_across_summer_time() -> None:
    plan = planned(rule(fact_type="events.meeting.convened", delay=BEFORE), (meeting(), NOW))
    assert plan.at == datetime(2026, 3, 28, 14, tzinfo=UTC)  # 15:00 in winter, as it is 15:00 in summer
    at_nine = rule(fact_type="events.meeting.convened", delay={**BEFORE, "hour": "09:30"})
    assert planned(at_nine, (meeting(), NOW)).at == datetime(2026, 3, 28, 8, 30, tzinfo=UTC)


def test_days_around_a_day_come_in_the_morning() -> None:
    for days, at in ((-5, datetime(2026, 3, 28, 7, tzinfo=UTC)), (3, datetime(2026, 4, 5, 6, tzinfo=UTC))):
        plan = planned(rule(delay={"kind": "relative", "field": "due", "days": days}), (commitment(), NOW))
        assert (plan.at, plan.state) == (at, State.PLANNED)
        assert (plan.before is None) is (days > 0)


def test_after_days_it_comes_at_the_same_hour_of_the_wall_and_hours_are_hours() -> None:
    late = datetime(2026, 3, 28, 23, tzinfo=UTC)  # at midnight, two hours before the clocks go forward
    assert planned(rule(delay={"kind": "after", "days": 1}), (commitment(), late)).at == late + timedelta(hours=23)
    assert planned(rule(delay={"kind": "after", "hours": 5}), (commitment(), late)).at == late + timedelta(hours=5)


def test_it_moves_with_what_it_is_about_and_is_called_off_with_it() -> None:
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE, cancelled_by=["cancelled"])
    first = meeting()
    later = then(first, MeetingMoved, starts_at=datetime(2026, 4, 20, 13, tzinfo=UTC))
    plan = planned(definition, (first, NOW), (later, NOW))
    assert (plan.at, plan.state) == (datetime(2026, 4, 18, 13, tzinfo=UTC), State.PLANNED)
    off = planned(definition, (first, NOW), (later, NOW), (then(later, MeetingCancelled, state="cancelled"), NOW))
    assert off.state is State.CANCELLED
    again = then(then(later, MeetingCancelled, state="cancelled"), MeetingMoved, state="convened")
    assert planned(definition, (first, NOW), (then(first, MeetingCancelled, state="cancelled"), NOW), (again, NOW)
                   ).state is State.PLANNED  # fmt: skip


def test_what_does_not_count_any_more_is_called_off() -> None:
    only = {"conditions": [{"field": "mode", "op": "eq", "value": "remote"}]}
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE, filter=only)
    first = meeting()
    assert (
        planned(definition, (first, NOW), (then(first, MeetingMoved, mode="in_person"), NOW)).state is State.CANCELLED
    )


def test_nothing_is_planned_by_the_other_facts_of_a_thing_that_the_rule_never_counted() -> None:
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE)
    assert follow(version(definition), telling(then(meeting(), MeetingMoved)), {}, NOW) == []
    at_last = rule(fact_type="events.meeting.held", delay={"kind": "after", "days": 1})
    assert follow(version(at_last), telling(meeting()), {}, NOW) == []


def test_never_for_the_past_and_never_twice_for_one_instant() -> None:
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE)
    first = meeting()
    late = datetime(2026, 3, 29, tzinfo=UTC)
    past = planned(definition, (first, late))
    assert past.state is State.PAST
    for settled in (State.SENT, State.PAST, State.NOBODY):
        plans = {past.id: Plan(**{**_fields(past), "state": settled})}
        assert follow(version(definition), telling(then(first, MeetingMoved)), plans, late) == []


def _fields(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in Plan.__dataclass_fields__}


def test_when_its_instant_comes_the_newest_state_decides() -> None:
    still = {"conditions": [{"field": "state", "op": "eq", "value": "open"}]}
    definition = rule(delay={"kind": "after", "days": 3}, still=still, cancelled_by=["waived"])
    made = commitment()
    plan = planned(definition, (made, NOW))
    come_true = plan.at + timedelta(minutes=1)
    assert outcome(plan, definition, telling(made), come_true) is State.SENT
    assert outcome(plan, definition, telling(made), come_true, active=False) is State.CANCELLED
    done = telling(then(made, CommitmentFulfilled, state="fulfilled"))
    assert outcome(plan, definition, done, come_true) is State.OTHERWISE
    waived = telling(then(made, CommitmentFulfilled, state="waived"))
    assert outcome(plan, definition, waived, come_true) is State.CANCELLED


def test_a_reminder_is_of_no_use_once_its_day_has_come_and_none_of_another_day_is_sent() -> None:
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE)
    first = meeting()
    plan = planned(definition, (first, NOW))
    assert outcome(plan, definition, telling(first), plan.at) is State.SENT
    assert outcome(plan, definition, telling(first), first.starts_at) is State.PAST
    moved = telling(then(first, MeetingMoved, starts_at=first.starts_at + timedelta(days=1)))
    assert outcome(plan, definition, moved, plan.at) is State.CANCELLED


def test_a_dry_run_tells_what_moves_and_cancellations_leave() -> None:
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE, cancelled_by=["cancelled"])
    first = meeting()
    moved = then(first, MeetingMoved, starts_at=datetime(2026, 4, 20, 13, tzinfo=UTC))
    until = datetime(2026, 5, 1, tzinfo=UTC)

    def instants(*facts: tuple[Fact, datetime]) -> list[datetime]:
        return [c.at for c in come(version(definition), [telling(*f) for f in facts], until)]

    early, after_the_first = NOW + timedelta(days=1), datetime(2026, 3, 29, tzinfo=UTC)
    assert instants((first, NOW), (moved, early)) == [datetime(2026, 4, 18, 13, tzinfo=UTC)]
    assert instants((first, NOW), (moved, after_the_first)) == [
        datetime(2026, 3, 28, 14, tzinfo=UTC),
        datetime(2026, 4, 18, 13, tzinfo=UTC),
    ]
    cancelled = then(moved, MeetingCancelled, state="cancelled")
    assert instants((first, NOW), (moved, early), (cancelled, early)) == []
    assert instants((first, NOW), (then(first, MeetingHeld, state="held"), early)) != []


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 60), st.sampled_from(["convened", "cancelled"])),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_a_dry_run_is_what_would_have_happened_hour_by_hour(history: list[tuple[int, int, str]]) -> None:
    """The same facts, once simulated and once lived through with a due table that is looked at every six hours."""
    definition = rule(fact_type="events.meeting.convened", delay=BEFORE, cancelled_by=["cancelled"])
    first = meeting()
    told = []
    for number, (day, starts, state) in enumerate(sorted(history, key=lambda h: h[0])):
        at = NOW + timedelta(days=day, minutes=number)
        fact = meeting(
            starts_at=NOW + timedelta(days=starts, hours=2), ends_at=NOW + timedelta(days=starts, hours=3), state=state
        ).model_copy(update={"id": first.id, "version": number + 1})
        told.append(telling(fact, at))
    until = NOW + timedelta(days=70)
    dry = [c.at for c in come(version(definition), told, until)]
    assert dry == _lived(version(definition), told, until)
    assert len(dry) == len(set(dry))


def _lived(of: Version, told: list[Telling], until: datetime) -> list[datetime]:
    plans: dict[UUID, Plan] = {}
    sent, newest, clock, waiting = [], told[0], NOW - timedelta(days=1), list(told)
    while clock < until:
        clock += timedelta(minutes=1) if waiting and clock + timedelta(hours=6) > waiting[0].occurred_at else timedelta(
            hours=6
        )  # fmt: skip
        for plan in [p for p in plans.values() if p.state is State.PLANNED and p.at <= clock]:
            state = outcome(plan, of.definition, newest, plan.at)
            plans[plan.id] = Plan(**{**_fields(plan), "state": state})
            sent += [plan.at] if state is State.SENT else []
        while waiting and waiting[0].occurred_at <= clock:
            newest = waiting.pop(0)
            for plan in follow(of, newest, plans, newest.occurred_at):
                plans[plan.id] = plan
    return sent


def test_one_telling_for_each_fact_or_for_each_thing() -> None:
    first = telling(commitment())
    again = Telling(**{**{n: getattr(first, n) for n in Telling.__dataclass_fields__}, "id": uuid7()})
    after, before = rule(delay={"kind": "after", "days": 1}), rule(
        delay={"kind": "relative", "field": "due", "days": -1}
    )  # fmt: skip
    assert identity(RULE, after, first) != identity(RULE, after, again)
    assert identity(RULE, before, first) == identity(RULE, before, again)


def test_at_once_each_fact_that_counts_comes_as_it_was_told() -> None:
    definition = rule(filter={"conditions": [{"field": "kind", "op": "eq", "value": "report"}]})
    facts = [telling(commitment()), telling(commitment(kind="list"))]
    assert list(come(version(definition), facts, NOW)) == [Come(NOW, facts[0], facts[0].id)]


# In words


def test_values_are_written_as_people_write_them_and_never_read_as_placeholders() -> None:
    template = {
        "subject": {"it": "{{title}}", "en": "{{title}}"},
        "text": {
            "it": "{{network}}: {{ due }}, {{debtor_body_id}}, {{debtor_person_id}}, {{fulfilled_on}}",
            "en": "{{due}}",
        },
    }
    definition = rule(template=template)
    check(definition)
    fact = telling(commitment(title="{{due}} <b>", debtor_person_id=PERSON))
    said = texts.said(definition, fact, lambda kind, id_: "Comitato" if (kind, id_) == (Names.BODY, BODY) else None)
    assert orjson.loads(orjson.dumps(said)) == said
    assert texts.people_said(said) == {PERSON}
    names = {PERSON: "Maria Rossi"}
    italian = texts.write(template["text"]["it"], said, "Alleanza", names, "it")
    assert italian == "Alleanza: 2 aprile 2026, Comitato, Maria Rossi, –"
    assert texts.write(template["text"]["en"], said, "Alleanza", names, "en") == "April 2, 2026"
    assert texts.write(template["subject"]["it"], said, "Alleanza", names, "it") == "{{due}} <b>"
    assert texts.ids_said(definition, fact) == {(Names.BODY, BODY)}


def test_instants_money_places_and_truth_in_words() -> None:
    def written(fact_type: str, fact: Fact, field: str, language: str = "it") -> str:
        definition = rule(
            fact_type=fact_type,
            template={"subject": {"it": "x", "en": "x"}, "text": {"it": f"{{{{{field}}}}}", "en": "x"}},
        )
        said = texts.said(definition, telling(fact), lambda *_: None)
        return texts.write(f"{{{{{field}}}}}", said, "", {}, language)

    convened = meeting()
    assert written("events.meeting.convened", convened, "starts_at") == "30 marzo 2026, 15:00"
    assert written("events.meeting.convened", convened, "founding") == "no"
    assert written("events.meeting.convened", meeting(founding=True), "founding", "en") == "yes"
    project = ProjectOpened(
        id=uuid7(), version=1, network_id=NETWORK, title="x", state="running", territories=("03", "E507"),
        since=NOW.date(), last_day=NOW.date(), budget_cents=330000000,
    )  # fmt: skip
    assert written("registry.project.opened", project, "territories") == "Lombardia, Lecco"
    assert written("registry.project.opened", project, "budget_cents") == "3.300.000,00\xa0€"


def test_a_subject_is_one_line_that_is_not_too_long() -> None:
    assert texts.subject_line(" a\nb ") == "a b"
    assert len(texts.subject_line("x" * 500)) == 200
