"""The workflow of running a meeting, on the whole platform: from the question when to meet to the decision that is
owed, each step taken in the way in which people take it."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

import pytest
from icalendar import Calendar, vCalAddress

from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network
from deploy.local.story import Platform, Story
from tests.system.stack import Stack, running

pytestmark = pytest.mark.timeout(300)

MARTA, PAOLO, IRENE = "Marta Bassi", "Paolo Fontana", "Irene Galli"
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("meeting") / "home") as started:
        yield started


def test_a_meeting_runs_from_the_question_when_to_what_is_owed(stack: Stack) -> None:
    story = Story(Platform(stack.url, stack.home / "clock.json", stack.environment), tell=lambda _: None)
    network = members.founded(story, "una-riunione", "Una riunione")
    committee = seated(network)
    meeting = dated(story, network, committee)
    convened(stack, story, network, meeting)
    entered(story, network, meeting)
    carried(story, network, meeting)
    minutes = approved(story, network, committee, meeting)
    kept(story, network, minutes)


def seated(network: Network) -> str:
    """Three associations with their referents in a committee, whose minutes are approved by who was there."""
    secretariat = network.secretariat
    for name in ("Ponti", "Radici", "Sentieri"):
        member = {"name": name, "kind": "informal_group", "state": "active"}
        network.organisations[name] = secretariat.created(network.path("organisations"), member)["id"]
    body = {"name": "Comitato", "kind": "executive_committee", "composition": "one_per_member"}
    committee = secretariat.created(network.path("bodies"), {**body, "roles": ["referent"], "proxies": 1})["id"]
    for name, organisation in ((MARTA, "Ponti"), (PAOLO, "Radici"), (IRENE, "Sentieri")):
        network.mandate(name, "referent", organisation, body_id=committee)
    network.story.settled()
    rule = {"approval": "attendees", "share": {"numerator": 1, "denominator": 1}, "days": 3, "silence": False}
    secretariat.changed(f"/events/v1/bodies/{committee}/minutes-rule", rule, method="PUT")
    return str(committee)


def dated(story: Story, network: Network, committee: str) -> str:
    """A poll, answered by link; the date that most can becomes a draft."""
    days = [story.now() + timedelta(days=days) for days in (10, 12)]
    options = [
        {"starts_at": one.isoformat(), "ends_at": (one + timedelta(hours=2)).isoformat()}
        for one in (day.replace(hour=15, minute=0, second=0, microsecond=0) for day in days)
    ]
    closes = (story.now() + timedelta(days=2)).isoformat()
    body = {"title": "Comitato di primavera", "body_id": committee, "options": options, "closes_at": closes}
    poll = network.secretariat.created(network.path("polls", "events"), body)
    story.settled()
    first, second = (one["id"] for one in poll["options"])
    for name, answers in ((MARTA, ("yes", "yes")), (PAOLO, ("no", "yes")), (IRENE, ("if_need_be", "if_need_be"))):
        link = story.link_mailed(network.email(name), "/events/v1/polls/link")
        said = story.client().send("POST", link, data=dict(zip((first, second), answers, strict=True)), headers=JSON)
        assert said.status_code == 200, said.text
    path = f"/events/v1/polls/{poll['id']}"
    chosen = {"option_id": second, "mode": "hybrid", "place": "Sede", "join_url": "https://meet.example.org/comitato"}
    made = network.secretariat.acted(f"{path}/choose", chosen)
    return str(made["meeting"]).rsplit("/", 1)[-1]


def convened(stack: Stack, story: Story, network: Network, meeting: str) -> None:
    """Marta answers by link, Paolo from his calendar, Irene delegates Marta."""
    path = f"/events/v1/meetings/{meeting}"
    network.secretariat.changed(path, {"agenda": [{"title": "Piano di lavoro", "minutes": 60}]})
    network.secretariat.acted(f"{path}/convene")
    story.settled()
    people = {one["person"]["name"]: one for one in network.secretariat.all(f"{path}/invitations")}
    rsvp = story.link_mailed(network.email(MARTA), "/events/v1/rsvp/link")
    assert story.client().send("POST", rsvp, data={"answer": "yes"}, headers=JSON).status_code == 200
    replied(stack, story, network.email(PAOLO), "ACCEPTED")
    rsvp = story.link_mailed(network.email(IRENE), "/events/v1/rsvp/link")
    marta = people[MARTA]["person"]["id"]
    told = story.client().send("POST", rsvp, data={"answer": "delegated", "delegate_id": marta}, headers=JSON)
    assert told.status_code == 200, told.text
    story.settled()
    answers = {one["person"]["name"]: one["answer"] for one in network.secretariat.all(f"{path}/invitations")}
    assert answers == {MARTA: "yes", PAOLO: "yes", IRENE: "delegated"}


def replied(stack: Stack, story: Story, mailbox: str, partstat: str) -> None:
    """What a calendar program sends when its owner answers the invitation that came by mail."""
    listing = story.client().get("/mail/messages.json", to=mailbox, limit=100)["items"]
    mails = [
        message_from_string(story.client().send("GET", f"/mail/messages/{one['id']}.eml").text, policy=policy.default)
        for one in listing
    ]
    parts = [part for mail in mails for part in mail.walk() if part.get_content_type() == "text/calendar"]
    asked: Any = Calendar.from_ical(parts[0].get_content())
    event = asked.events[0]
    organizer = str(event["ORGANIZER"]).removeprefix("mailto:")
    attendee = vCalAddress(f"mailto:{mailbox}")
    attendee.params["PARTSTAT"] = partstat
    event["ATTENDEE"], event["DTSTAMP"].dt = attendee, datetime.now(UTC).replace(microsecond=0)
    asked["METHOD"] = "REPLY"
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = mailbox, organizer, "Accettato"
    answer.set_content("Ha accettato l'invito.")
    answer.add_alternative(asked.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    with smtplib.LMTP("127.0.0.1", stack.lmtp, timeout=30) as server:
        server.send_message(answer)


def entered(story: Story, network: Network, meeting: str) -> None:
    """Marta shows her code at the door; Paolo is entered by hand. With Irene's proxy all three count."""
    path = f"/events/v1/meetings/{meeting}"
    starts = datetime.fromisoformat(network.secretariat.get(path)["starts_at"])
    story.until(starts + timedelta(minutes=1))
    code = story.link_mailed(network.email(MARTA), "/events/v1/check-in/link")
    assert story.client().send("GET", code, headers=JSON).json()["mode"] is None, "opening it does nothing"
    token = code.partition("token=")[2]
    checked = network.secretariat.created(f"{path}/check-ins", {"token": token, "mode": "present"})
    assert not checked["already"]
    assert network.secretariat.created(f"{path}/check-ins", {"token": token, "mode": "present"})["already"]
    people = {one["person"]["name"]: one["id"] for one in network.secretariat.all(f"{path}/invitations")}
    by_hand = {"items": [{"invitation_id": people[PAOLO], "mode": "remote"}]}
    network.secretariat.created(f"{path}/attendance", by_hand)
    quorum = network.secretariat.get(f"{path}/quorum")
    assert (quorum["present"], quorum["by_proxy"], quorum["entitled"], quorum["reached"]) == (2, 1, 3, True)
    sheet = network.secretariat.send("GET", f"{path}/signature-sheet")
    assert sheet.content.startswith(b"%PDF"), sheet.text[:200]


def carried(story: Story, network: Network, meeting: str) -> None:
    """A motion, voted by link; what it decides has an owner and a day."""
    path = f"/events/v1/meetings/{meeting}"
    ballot = network.secretariat.created(f"{path}/ballots", {"question": "Si approva il piano?"})
    story.settled()
    link = story.link_mailed(network.email(PAOLO), "/events/v1/ballots/link")
    assert story.client().send("POST", link, data={"vote": "yes"}, headers=JSON).status_code == 200
    closed = network.secretariat.acted(f"/events/v1/ballots/{ballot['id']}/close")
    assert (closed["result"]["outcome"], closed["result"]["in_favour"]) == ("carried", 1)
    due = (story.now() + timedelta(days=30)).date().isoformat()
    owner = {"organisation_id": network.organisations["Ponti"], "due": due, "ballot_id": ballot["id"]}
    network.secretariat.created(f"{path}/decisions", {"title": "Indirizzo comune", "kind": "action", **owner})
    starts = datetime.fromisoformat(network.secretariat.get(path)["ends_at"])
    story.until(starts)
    network.secretariat.acted(f"{path}/close")


def approved(story: Story, network: Network, committee: str, meeting: str) -> Any:
    """Whoever was there says that the minutes are right; with the last answer they are numbered, on paper, for good."""
    drafted = network.secretariat.created(f"/events/v1/meetings/{meeting}/minutes", {})
    path = f"/events/v1/minutes/{drafted['id']}"
    network.secretariat.acted(f"{path}/submit")
    story.settled()
    for name in (MARTA, PAOLO):
        assert network.secretariat.get(path)["state"] == "in_approval"
        link = story.link_mailed(network.email(name), "/events/v1/minutes/approval/link")
        said = story.client().send("POST", link, data={"answer": "approve"}, headers=JSON)
        assert said.status_code == 200, said.text
    story.settled()
    minutes = network.secretariat.get(path)
    assert (minutes["state"], minutes["number"][:2]) == ("approved", "1/")
    pdf = network.secretariat.send("GET", f"{path}/pdf")
    assert sha256(pdf.content).hexdigest() == minutes["sha256"]
    return minutes


def kept(story: Story, network: Network, minutes: Any) -> None:
    """The decision is owed, kept, and the register of decisions says so."""
    secretariat = network.secretariat
    story.settled()
    (owed,) = secretariat.all(network.path("commitments"), source="decision")
    assert (owed["title"], owed["debtor"]["name"]) == ("Indirizzo comune", "Ponti")
    secretariat.acted(f"/registry/v1/commitments/{owed['id']}/fulfil", {"evidence": "info@rete.example"})
    story.settled()
    (found,) = secretariat.all(network.path("decisions", "events"), q="indirizzi comuni")
    assert found["kept"] == "fulfilled", found
