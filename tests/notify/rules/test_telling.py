"""A network's rules over the whole service: made and tried over HTTP, facts in, mails out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from uuid_utils.compat import uuid7

from services.notify.rules import commands
from shared.access.actor import ROME
from shared.contracts.events import MeetingCancelled, MeetingMoved
from shared.contracts.registry import CommitmentFulfilled, Grant, GrantsChanged, PersonMerged, PersonRegistered
from shared.runtime import clock
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(180)
OWN_WORDS = {
    "subject": {"it": "Preso: {{title}}", "en": "Taken on: {{title}}"},
    "text": {
        "it": "{{debtor_body_id}} deve «{{title}}»\nentro il {{due}}.\n\nLo segue {{debtor_person_id}}.",
        "en": "{{debtor_body_id}} owes “{{title}}” by {{due}}.\n\n{{debtor_person_id}} follows it.",
    },
}


def rule(**changed: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "name": "Impegni alla segreteria",
        "fact_type": "registry.commitment.made",
        "audience": [{"kind": "secretariat"}],
        "template": OWN_WORDS,
    }
    return {**known, **changed}


async def send(room: Network, method: str, path: str, body: Any = None, version: int | None = None) -> Response:
    match = {"if-match": f'"{version}"'} if version is not None else {}
    headers = {**room.running.signed_in(admin=True), **match}
    return await room.running.client.request(method, f"/notify/v1{path}", json=body, headers=headers)


async def made(room: Network, **changed: Any) -> dict[str, Any]:
    answer = await send(room, "POST", f"/networks/{room.id}/rules", rule(**changed))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def now(room: Network) -> datetime:
    return room.running.context.clock.now().astimezone(ROME)


async def moved_to(room: Network, instant: datetime) -> None:
    file = room.running.context.settings.clock_file
    assert isinstance(file, Path)
    clock.set(file, instant)
    await room.running.settled()


async def tried(room: Network, path: str, **more: Any) -> dict[str, Any]:
    day = now(room).date()
    body = {"since": str(day - timedelta(days=300)), "until": str(day + timedelta(days=60)), **more}
    answer = await send(room, "POST", path, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def planned(room: Network, id_: str) -> list[tuple[str, int]]:
    answer = await send(room, "GET", f"/rules/{id_}/planned")
    assert answer.status_code == 200, answer.text
    return [(item["state"], item["told"]) for item in answer.json()["items"]]


def granted(person: PersonRegistered, *grants: dict[str, Any], network: UUID) -> GrantsChanged:
    return GrantsChanged(
        id=person.id,
        version=1,
        grants=tuple(Grant(**{"network_id": network, "since": date(2000, 1, 1), **g}) for g in grants),
    )


async def by_rules(room: Network) -> list[str]:
    return sorted(d["person"]["id"] for d in await room.deliveries(topic="rule"))


async def test_a_rule_tells_in_the_networks_own_words_from_then_on_and_a_dry_run_says_so(room: Network) -> None:
    italian, english, stranger = room.person(), room.person(given_name="Mary", language="en"), room.person()
    owing = room.person(given_name="Olga", family_name="<Neri>")
    body = room.body(title="Gruppo & soci")
    await room.running.tell(italian, english, stranger, owing, body, room.secretary(italian), room.secretary(english))
    commitment = room.commitment(title="Elenco {{due}}", debtor_body_id=body.id, debtor_person_id=owing.id)
    await room.running.tell(room.commitment(debtor_body_id=body.id))
    await room.running.settled()
    assert await by_rules(room) == [], "there was no rule"
    kept = await made(room, filter={"conditions": [{"field": "title", "op": "ne", "value": "Altro"}]})
    assert kept["allowed_actions"] == ["change", "dry_run", "pause"]
    await room.running.tell(commitment, room.commitment(title="Altro", debtor_body_id=body.id))
    (mail,) = [m for m in await room.mails(italian) if "Preso" in str(m.message["Subject"])]
    assert mail.message["Subject"] == f"Preso: Elenco {{{{due}}}} – {TITLE}"
    assert "Gruppo & soci deve «Elenco {{due}}»" in mail.text
    assert "Lo segue Olga <Neri>." in mail.text
    (html,) = (part.get_content() for part in mail.message.walk() if part.get_content_type() == "text/html")
    assert "Olga &lt;Neri&gt;" in html
    assert "<Neri>" not in html
    (mail,) = [m for m in await room.mails(english) if "Taken on" in str(m.message["Subject"])]
    assert "Olga <Neri> follows it." in mail.text
    assert await by_rules(room) == sorted([str(italian.id), str(english.id)])
    await room.replay("registry")
    await room.running.settled()
    assert len(await by_rules(room)) == 2, "once"

    # The dry run of the rule says what happened; before the rule there was one commitment more.
    dry = await tried(room, f"/rules/{kept['id']}/dry-run")
    assert (dry["tellings"], dry["messages"], dry["people"], dry["nobody"]) == (2, 4, 2, 0)
    assert [(d["tellings"], d["messages"]) for d in dry["days"]] == [(2, 4)]
    assert {r["person"]["id"] for r in dry["recipients"]} == set(await by_rules(room))
    told = next(s for s in dry["samples"] if s["subject_id"] == str(commitment.id))
    assert told["subject"]["it"] == "Preso: Elenco {{due}}"
    assert told["text"]["en"].endswith("Olga <Neri> follows it.")
    unsaved = await tried(room, f"/networks/{room.id}/rules/dry-run", rule=rule())
    assert unsaved["tellings"] == 3
    assert len(await by_rules(room)) == 2, "nobody is told by trying"


async def test_versions_are_kept_and_a_paused_rule_tells_nobody(room: Network) -> None:
    secretary = room.person()
    await room.running.tell(secretary, room.secretary(secretary))
    await room.running.settled()
    kept = await made(room)
    path = f"/rules/{kept['id']}"
    assert (await send(room, "PUT", path, rule(name="Altro nome"))).status_code == 428
    changed = await send(room, "PUT", path, rule(name="Altro nome"), version=1)
    assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 2, '"2"')
    assert (await send(room, "PUT", path, rule(), version=1)).status_code == 412
    paused = await send(room, "POST", f"{path}/pause", version=2)
    assert (paused.json()["rule"]["active"], paused.json()["allowed_actions"]) == (
        False, ["change", "dry_run", "resume"],
    )  # fmt: skip
    await room.running.tell(room.commitment())
    await room.running.settled()
    assert await by_rules(room) == []
    assert (await send(room, "POST", f"{path}/resume", version=3)).json()["version"] == 4
    await room.running.tell(room.commitment())
    await room.running.settled()
    assert await by_rules(room) == [str(secretary.id)]
    history = (await send(room, "GET", f"{path}/versions")).json()["items"]
    assert [(v["version"], v["rule"]["name"], v["rule"]["active"]) for v in history] == [
        (4, "Altro nome", True),
        (3, "Altro nome", False),
        (2, "Altro nome", True),
        (1, "Impegni alla segreteria", True),
    ]
    listed = (await send(room, "GET", f"/networks/{room.id}/rules?active=false")).json()["items"]
    assert listed == []


async def test_a_rule_that_is_about_something_else_now_says_no_more_of_the_first(room: Network) -> None:
    """What was put off before follows its thing all the same."""
    secretary = room.person()
    await room.running.tell(secretary, room.secretary(secretary))
    await room.running.settled()
    at_once = await made(room)
    waiting = await made(room, delay={"kind": "after", "days": 3}, cancelled_by=["fulfilled"])
    kept, open_ = room.commitment(), room.commitment()
    await room.running.tell(kept, open_)
    await room.running.settled()
    assert len(await by_rules(room)) == 2
    words = {"subject": {"it": "{{title}}", "en": "{{title}}"}, "text": {"it": "-", "en": "-"}}
    other = rule(fact_type="events.meeting.convened", template=words)
    before = {"kind": "relative", "field": "starts_at", "days": -1}
    assert (await send(room, "PUT", f"/rules/{at_once['id']}", other, version=1)).status_code == 200
    assert (
        await send(room, "PUT", f"/rules/{waiting['id']}", {**other, "delay": before}, version=1)
    ).status_code == 200
    await room.running.tell(room.commitment(), then(kept, CommitmentFulfilled, state="fulfilled"), room.meeting())
    await room.running.settled()
    assert len(await by_rules(room)) == 3, "of the meeting, and of no commitment"
    assert sorted(await planned(room, waiting["id"])) == [("cancelled", 0), ("planned", 0), ("planned", 0)]


async def test_who_stands_for_somebody_named_is_told_once_and_a_rule_tells_and_is_tried_in_parts(
    room: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, staying, other = room.person(), room.person(), room.person()
    await room.running.tell(going, staying, other)
    await room.running.settled()
    named = {"kind": "people", "people": [str(one.id) for one in (going, staying, other)]}
    kept = await made(room, audience=[named, {"kind": "field", "field": "debtor_person_id"}])
    await room.running.tell(PersonMerged(id=going.id, version=2, network_id=room.id, into_id=staying.id))
    await room.running.settled()
    await room.running.tell(room.commitment(debtor_person_id=going.id))
    await room.running.settled()
    assert await by_rules(room) == sorted([str(staying.id), str(other.id)])
    dry = await tried(room, f"/rules/{kept['id']}/dry-run")
    assert {r["person"]["id"] for r in dry["recipients"]} == set(await by_rules(room))
    monkeypatch.setattr(commands, "MOST_MESSAGES", 1)
    body = {"since": str(now(room).date() - timedelta(days=1)), "until": str(now(room).date() + timedelta(days=1))}
    refused = await send(room, "POST", f"/rules/{kept['id']}/dry-run", body)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/since")
    monkeypatch.setattr(commands, "MOST_MESSAGES", 2)
    monkeypatch.setattr(commands, "TRIED_AT_ONCE", 1)
    monkeypatch.setattr(commands, "HELD_AT_ONCE", 1)
    assert (await tried(room, f"/rules/{kept['id']}/dry-run"))["messages"] == 2
    await room.running.tell(room.commitment(debtor_person_id=other.id))
    await room.running.settled()
    assert len(await by_rules(room)) == 4


async def test_what_cannot_be_meant_names_its_place(room: Network) -> None:
    refused = await send(
        room, "POST", f"/networks/{room.id}/rules", rule(audience=[{"kind": "people", "people": [str(uuid7())]}])
    )
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/audience/0/people/0")
    unknown = rule(template={**OWN_WORDS, "subject": {"it": "{{x}}", "en": "y"}})
    refused = await send(room, "POST", f"/networks/{room.id}/rules", unknown)
    assert refused.json()["errors"][0]["path"] == "/template/subject/it"
    assert "title" in refused.json()["errors"][0]["accepted"]
    unfit: list[dict[str, Any]] = [{"channels": ["webhook"]}, {"colour": "red"}, {"name": "a\x00b"}, {"audience": []}]
    for more in unfit:
        assert (await send(room, "POST", f"/networks/{room.id}/rules", rule(**more))).status_code == 422
    backwards = {"since": "2026-02-01", "until": "2026-01-01", "rule": rule()}
    refused = await send(room, "POST", f"/networks/{room.id}/rules/dry-run", backwards)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/since")
    secretary = await room.running.holder("coordinator", room.id, territory="03")
    refused = await room.running.client.get(f"/notify/v1/networks/{room.id}/rules", headers=secretary)
    assert refused.status_code == 403


async def test_who_is_told_by_role_organisation_body_and_name(room: Network) -> None:
    """One commitment of a regional group, whose parent is the committee; each of these stands somewhere else."""
    committee = room.body(title="Comitato")
    region = room.body(title="Lombardia", territory="03", parent_id=committee.id)
    group = room.body(title="Gruppo", parent_id=region.id)
    acli = room.organisation("ACLI")
    holds: dict[str, dict[str, Any]] = {
        "in the group": {"role": "member", "body_id": group.id},
        "coordinates the region": {"role": "coordinator", "body_id": region.id},
        "is in the region": {"role": "member", "body_id": region.id},
        "is in the committee": {"role": "member", "body_id": committee.id},
        "speaks for ACLI": {"role": "referent", "organisation_id": acli.id},
        "speaks for another": {"role": "referent", "organisation_id": uuid7()},
        "coordinates Lecco": {"role": "coordinator", "territory": "097"},
        "coordinates Piemonte": {"role": "coordinator", "territory": "01"},
        "no more": {"role": "member", "body_id": group.id, "until": date(2001, 1, 1)},
    }
    people = {who: room.person() for who in holds}
    named = room.person()
    await room.running.tell(committee, region, group, acli, named, *people.values())
    await room.running.tell(*(granted(people[who], grant, network=room.id) for who, grant in holds.items()))
    commitment = room.commitment(debtor_body_id=group.id, debtor_organisation_id=acli.id, debtor_person_id=named.id)
    await room.running.tell(commitment)
    await room.running.settled()

    async def told(*audience: dict[str, Any]) -> set[str]:
        dry = await tried(room, f"/networks/{room.id}/rules/dry-run", rule=rule(audience=list(audience)))
        by_id = {str(p.id): who for who, p in people.items()} | {str(named.id): "named"}
        return {by_id[r["person"]["id"]] for r in dry["recipients"]}

    assert await told({"kind": "coordinators"}) == {"in the group"}
    assert await told({"kind": "coordinators", "levels": [1]}) == {"coordinates the region"}
    assert await told({"kind": "coordinators", "levels": [0, 2]}) == {"in the group", "is in the committee"}
    assert await told({"kind": "coordinators", "levels": [5]}) == set()
    assert await told({"kind": "organisation", "field": "debtor_organisation_id"}) == {"speaks for ACLI"}
    assert await told({"kind": "field", "field": "debtor_person_id"}) == {"named"}
    assert await told({"kind": "people", "people": [str(named.id)]}) == {"named"}
    assert await told({"kind": "role", "role": "referent"}) == {"speaks for ACLI", "speaks for another"}
    own = {"kind": "role", "role": "member", "where": "body"}
    assert await told(own) == {"in the group"}
    assert await told({**own, "body_id": str(region.id)}) == {"is in the region"}
    lombardia = {"kind": "role", "role": "coordinator", "where": "territory", "territory": "03"}
    assert await told(lombardia) == {"coordinates Lecco"}


async def test_reminders_follow_moves_and_cancellations_and_escalation_asks_again(room: Network) -> None:
    """In the order of the clock, which never goes back: a meeting that moves, one that is cancelled, a commitment that
    is still open after three days and one that is not."""
    secretary, above = room.person(), room.person()
    parent = room.body(title="Comitato")
    group = room.body(title="Gruppo", parent_id=parent.id)
    await room.running.tell(
        secretary, above, parent, group, room.secretary(secretary),
        granted(above, {"role": "coordinator", "body_id": parent.id}, network=room.id),
    )  # fmt: skip
    words = {"subject": {"it": "{{title}}", "en": "{{title}}"}, "text": {"it": "Alle {{starts_at}}", "en": "-"}}
    before = await made(
        room,
        fact_type="events.meeting.convened",
        template=words,
        delay={"kind": "relative", "field": "starts_at", "days": -1},
        cancelled_by=["cancelled"],
    )
    escalated = await made(
        room,
        audience=[{"kind": "coordinators", "levels": [1]}],
        delay={"kind": "after", "days": 3},
        still={"conditions": [{"field": "state", "op": "eq", "value": "open"}]},
    )
    start = now(room).replace(minute=0) + timedelta(days=10)
    meeting = room.meeting(starts_at=start, ends_at=start + timedelta(hours=1))
    other = room.meeting(starts_at=start, ends_at=start + timedelta(hours=1))
    soon = room.meeting(starts_at=now(room) + timedelta(hours=2), ends_at=now(room) + timedelta(hours=3))
    open_, kept = (room.commitment(debtor_body_id=group.id) for _ in range(2))
    await room.running.tell(meeting, other, soon, open_, kept)
    await room.running.settled()
    assert sorted(await planned(room, before["id"])) == [("past", 0), ("planned", 0), ("planned", 0)]
    await room.running.tell(
        then(meeting, MeetingMoved, starts_at=start + timedelta(days=2), ends_at=start + timedelta(days=2, hours=1)),
        then(other, MeetingCancelled, state="cancelled"),
        then(kept, CommitmentFulfilled, state="fulfilled"),
    )
    await room.running.settled()
    await moved_to(room, now(room) + timedelta(days=4))
    assert sorted(await planned(room, escalated["id"])) == [("otherwise", 0), ("sent", 1)]
    assert await by_rules(room) == [str(above.id)]
    await moved_to(room, start - timedelta(hours=20))
    assert len(await by_rules(room)) == 1, "it has moved"
    await moved_to(room, start + timedelta(days=1, hours=1))
    assert sorted(await by_rules(room)) == sorted([str(above.id), str(secretary.id)])
    assert sorted(await planned(room, before["id"])) == [("cancelled", 0), ("past", 0), ("sent", 1)]
    for id_ in (before["id"], escalated["id"]):
        dry = await tried(room, f"/rules/{id_}/dry-run")
        happened = sum(told for _, told in await planned(room, id_))
        assert (dry["tellings"], dry["messages"]) == (1, happened), "a dry run is what happened"


async def test_a_certified_mail_goes_to_the_organisation_once_and_to_no_person(room: Network) -> None:
    acli, secretary = room.organisation("ACLI"), room.person()
    await room.running.tell(acli, secretary, room.secretary(secretary))
    await room.running.settled()
    kept = await made(
        room,
        channels=["pec"],
        audience=[{"kind": "organisation", "field": "debtor_organisation_id"}, {"kind": "secretariat"}],
        template={"subject": {"it": "Dovuto: {{title}}", "en": "-"}, "text": {"it": "Entro il {{due}}", "en": "-"}},
    )
    await room.running.tell(room.commitment(debtor_organisation_id=acli.id))
    await room.running.settled()
    await room.replay("registry")
    await room.running.settled()
    letters = "select m.organisation_id, l.subject, l.text from certified_mails m join certified_letters l"
    (letter,) = await room.running.sql(f"{letters} on l.id = m.letter_id where m.network_id = :n", n=room.id)
    assert (str(letter.organisation_id), letter.subject) == (str(acli.id), "Dovuto: Elenco dei rappresentanti")
    assert letter.text.startswith("Entro il ")
    assert await by_rules(room) == []
    dry = await tried(room, f"/rules/{kept['id']}/dry-run")
    assert (dry["tellings"], dry["letters"], dry["messages"], dry["nobody"]) == (1, 1, 0, 0)
