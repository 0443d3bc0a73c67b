"""Four workflows across the services, each from its first act to its last effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network, held, meeting, minuted
from deploy.local.story import Client, Platform, Story
from tests.system.stack import Stack, wait_for

pytestmark = pytest.mark.timeout(300)
SECONDS = 10.0
"""Within which an act has had all its effects; a generous ceiling, the usual is below one."""
_numbers = count(1)


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    return Story(Platform(stack.url, stack.home / "clock.json", stack.environment), tell=lambda _: None)


@pytest.fixture
def network(story: Story) -> Network:
    """Two associations, their referents seated in a committee."""
    number = next(_numbers)
    room = members.founded(story, f"flussi-{number}", f"Rete dei flussi {number}")
    for name in ("Ponti", "Radici"):
        body = {"name": f"{name} {number}", "kind": "informal_group", "state": "active"}
        room.organisations[name] = room.secretariat.created(room.path("organisations"), body)["id"]
    return room


@pytest.fixture
def committee(network: Network) -> str:
    body = {"name": "Comitato", "kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"]}
    found: str = network.secretariat.created(network.path("bodies"), body)["id"]
    return found


def in_days(story: Story, days: int, hour: int = 18) -> str:
    return (story.now() + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0).isoformat()


def within_seconds(what: str, holds: Callable[[], Any]) -> None:
    began = time.monotonic()
    wait_for(what, holds, SECONDS)
    assert time.monotonic() - began < SECONDS


def test_when_a_mandate_ends_invitations_votes_access_and_training_follow(
    story: Story, network: Network, committee: str
) -> None:
    secretariat = network.secretariat
    unit = {"title": "Che cosa fa il Comitato", "text": "Da leggere."}
    path = secretariat.created(
        network.path("paths", "learning"),
        {
            "title": "Per i referenti",
            "audience": "representatives",
            "enrolment": "rule",
            "roles": ["referent"],
            "units": [unit],
        },
    )
    secretariat.acted(f"/learning/v1/paths/{path['id']}/publish")
    mandate = network.mandate("Marta Bassi", "referent", "Ponti", body_id=committee)
    network.mandate("Paolo Fontana", "referent", "Radici", body_id=committee)
    story.settled()
    called = meeting(network, "Riunione", committee, in_days(story, 1, 17), in_days(story, 1, 19))
    story.settled()
    marta = story.signed_in(network.email("Marta Bassi"))

    def invited() -> dict[str, str]:
        found = secretariat.all(f"/events/v1/meetings/{called['id']}/invitations")
        return {one["person"]["name"]: one["state"] for one in found if one["state"] == "issued"}

    def enrolled() -> set[str]:
        found = secretariat.all(network.path("enrolments", "learning"))
        return {one["person"]["name"] for one in found if one["state"] == "active"}

    assert set(invited()) == {"Marta Bassi", "Paolo Fontana"}
    assert enrolled() == {"Marta Bassi", "Paolo Fontana"}
    assert marta.send("GET", network.path("meetings", "events")).status_code == 200
    rsvp = story.link_mailed(network.email("Marta Bassi"), "/events/v1/rsvp/link")
    ballot = secretariat.created(f"/events/v1/meetings/{called['id']}/ballots", {"question": "Si approva?"})
    story.settled()
    vote = story.link_mailed(network.email("Marta Bassi"), "/events/v1/ballots/link")

    secretariat.acted(f"/registry/v1/mandates/{mandate['id']}/end", {"reason": "resigned"})
    network.mandate("Irene Galli", "referent", "Ponti", body_id=committee)

    within_seconds("the invitation follows the seat", lambda: set(invited()) == {"Irene Galli", "Paolo Fontana"})
    within_seconds("training follows", lambda: enrolled() == {"Irene Galli", "Paolo Fontana"})
    for service, path_ in (("events", "meetings"), ("learning", "paths"), ("registry", "mandates")):
        within_seconds(f"{service} refuses", lambda s=service, p=path_: refused(marta, network.path(p, s)))  # type: ignore[misc]
    story.settled()
    stranger = story.client()
    answer = stranger.send("POST", rsvp, data={"answer": "yes"}, headers={"Accept": "application/json"})
    assert answer.status_code in (409, 410), answer.text
    answer = stranger.send("POST", vote, data={"vote": "yes"}, headers={"Accept": "application/json"})
    assert answer.status_code in (403, 409, 410), answer.text
    assert secretariat.get(f"/events/v1/ballots/{ballot['id']}")["cast"] == 0
    told = [mail["subject"] for mail in story.mails(network.email("Irene Galli"))]
    assert len(told) >= 3, told  # the mandate, the invitation, the path


def refused(client: Client, path: str) -> bool:
    """Denied; a list of one's own that is empty now is as good."""
    answer = client.send("GET", path)
    return answer.status_code == 403 or (answer.status_code == 200 and answer.json()["items"] == [])


def test_commitments_are_chased_until_they_are_kept(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    network.mandate("Marta Bassi", "referent", "Ponti")
    network.mandate("Paolo Fontana", "referent", "Radici")
    due = (story.now() + timedelta(days=20)).date()
    rule = {"kind": "report_of_experiences", "title": "Resoconto delle esperienze", "due": due.isoformat()}
    secretariat.created(network.path("commitment-rules"), rule)
    story.settled()
    link = story.link_mailed(network.email("Marta Bassi"), "/registry/v1/commitments/link")
    kept = story.client().send(
        "POST", link, data={"evidence": "Inviato per posta"}, headers={"Accept": "application/json"}
    )
    assert kept.status_code == 200, kept.text
    story.until(story.now() + timedelta(days=18))
    reminded = [d["person"]["name"] for d in deliveries(network, "commitment-reminder")]
    assert set(reminded) == {"Paolo Fontana"}, "who has kept it is left in peace"
    story.until(story.now() + timedelta(days=3))
    (late,) = secretariat.all(network.path("commitments"), state="late")
    assert late["debtor"]["name"].startswith("Radici")
    assert [d["person"]["name"] for d in deliveries(network, "commitment-late")] == ["Paolo Fontana"]
    assert len(deliveries(network, "commitment-escalated")) == 1
    secretariat.acted(f"/registry/v1/commitments/{late['id']}/fulfil", {"evidence": "Arrivato in ritardo"})
    states = {one["debtor"]["name"][:5]: one["state"] for one in secretariat.all(network.path("commitments"))}
    assert set(states.values()) == {"fulfilled"}


def deliveries(network: Network, topic: str) -> list[Any]:
    return network.secretariat.all(network.path("deliveries", "notify"), topic=topic)


def test_a_regional_coordination_stands_when_its_last_requirement_is_met(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    opened = secretariat.created(network.path("constitutions"), {"territory": "03", "minimum_members": 2})
    path = f"/registry/v1/constitutions/{opened['id']}"
    network.mandate("Marta Bassi", "representative", "Ponti", territory="03")
    network.mandate("Paolo Fontana", "representative", "Radici", territory="F205")
    network.mandate("Irene Galli", "coordinator", territory="03")
    for office in ("president", "giunta"):
        secretariat.created(network.path("interlocutors"), {"institution": "03", "office": office})
    story.settled()
    missing = [one["code"] for one in secretariat.get(path)["requirements"] if not one["met"]]
    assert missing == ["founding_minutes"]
    called = meeting(
        network, "Costituzione", opened["body"]["id"], in_days(story, 2, 17), in_days(story, 2, 18), founding=True
    )
    story.until(story.now() + timedelta(days=3))
    held(network, called["id"])
    minuted(network, called["id"])
    within_seconds("the path is completed", lambda: secretariat.get(path)["completed_on"])
    body = secretariat.get(f"/registry/v1/bodies/{opened['body']['id']}")
    assert (body["state"], body["constituted_on"]) == ("constituted", story.today())


def test_founding_minutes_without_a_quorum_constitute_nothing(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    opened = secretariat.created(network.path("constitutions"), {"territory": "03", "minimum_members": 2})
    network.mandate("Marta Bassi", "representative", "Ponti", territory="03")
    network.mandate("Paolo Fontana", "representative", "Radici", territory="03")
    network.mandate("Irene Galli", "coordinator", territory="03")
    for office in ("president", "giunta"):
        secretariat.created(network.path("interlocutors"), {"institution": "03", "office": office})
    story.settled()
    called = meeting(
        network, "Costituzione", opened["body"]["id"], in_days(story, 2, 17), in_days(story, 2, 18), founding=True
    )
    story.until(story.now() + timedelta(days=3))
    closed = held(network, called["id"], present=1)
    assert closed["state"] == "held"
    minuted(network, called["id"])
    story.settled()
    path = secretariat.get(f"/registry/v1/constitutions/{opened['id']}")
    assert [one["code"] for one in path["requirements"] if not one["met"]] == ["founding_minutes"]
    assert path["completed_on"] is None


def test_a_decision_becomes_a_commitment_when_its_minutes_are_approved(
    story: Story, network: Network, committee: str
) -> None:
    secretariat = network.secretariat
    network.mandate("Marta Bassi", "referent", "Ponti", body_id=committee)
    network.mandate("Paolo Fontana", "referent", "Radici", body_id=committee)
    story.settled()
    called = meeting(network, "Riunione", committee, in_days(story, 1, 17), in_days(story, 1, 19))
    due = (story.now() + timedelta(days=40)).date().isoformat()
    decision = {
        "title": "Aprire la casella",
        "kind": "action",
        "organisation_id": network.organisations["Ponti"],
        "due": due,
    }
    secretariat.created(f"/events/v1/meetings/{called['id']}/decisions", decision)
    story.until(story.now() + timedelta(days=2))
    held(network, called["id"])
    story.settled()
    assert secretariat.all(network.path("commitments")) == [], "not before the minutes are approved"
    minuted(network, called["id"])

    def born() -> list[Any]:
        return secretariat.all(network.path("commitments"), source="decision")

    within_seconds("the commitment is there", born)
    (commitment,) = born()
    assert (commitment["title"], commitment["due"], commitment["state"]) == ("Aprire la casella", due, "open")
    story.settled()
    told = story.mails(network.email("Marta Bassi"))
    assert any("Aprire la casella" in mail["text"] for mail in told)


@pytest.fixture(autouse=True)
def _the_platform_is_calm(story: Story) -> Iterator[None]:
    yield
    story.settled()
