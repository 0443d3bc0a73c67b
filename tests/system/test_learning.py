"""Four workflows of learning and of telling others, each from its first act to its last effect."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest
from standardwebhooks import Webhook

from deploy.local.papers import paper
from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network, held, meeting
from deploy.local.story import Client, Platform, Story
from tests.system.stack import Stack, wait_for

pytestmark = pytest.mark.timeout(300)
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
_numbers = count(1)


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    return Story(Platform(stack.url, stack.home / "clock.json", stack.environment), tell=lambda _: None)


@pytest.fixture
def network(story: Story) -> Network:
    """Two associations of Lecco and Roma."""
    number = next(_numbers)
    room = members.founded(story, f"sapere-{number}", f"Rete del sapere {number}")
    for name, municipality in (("Ponti", "E507"), ("Radici", "H501")):
        body = {
            "name": f"{name} {number}",
            "kind": "informal_group",
            "state": "active",
            "municipality": municipality,
        }
        room.organisations[name] = room.secretariat.created(room.path("organisations"), body)["id"]
    return room


def in_days(story: Story, days: int, hour: int = 18) -> str:
    return (story.now() + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0).isoformat()


def test_training_begins_with_the_mandate_and_ends_in_a_credential_that_anybody_can_verify(
    story: Story, network: Network
) -> None:
    secretariat, name = network.secretariat, "Marta Bassi"
    group = secretariat.created(
        network.path("bodies"), {"name": "Gruppo", "kind": "working_group", "composition": "open", "roles": ["member"]}
    )["id"]
    guide = secretariat.uploaded(
        network.path("documents", "learning"),
        {"title": "La guida", "kind": "guide"},
        ("guida.pdf", paper("La guida", 60_000, "Che cosa fa chi rappresenta."), "application/pdf"),
    )
    quiz = published_quiz(network)
    course = secretariat.created(
        network.path("courses", "learning"),
        {
            "title": "Le basi",
            "units": [
                {"title": "Chi siamo", "text": "Una **rete** di associazioni."},
                {"title": "La guida", "kind": "document", "document_id": guide["id"]},
                {"title": "Che cosa ho capito", "kind": "quiz", "quiz_id": quiz},
            ],
        },
    )
    secretariat.acted(f"/learning/v1/courses/{course['id']}/publish")
    path = secretariat.created(
        network.path("paths", "learning"),
        {
            "title": "Benvenuti nel gruppo",
            "audience": "communities",
            "enrolment": "rule",
            "bodies": [group],
            "due_days": 60,
            "units": [{"course_id": course["id"]}, {"title": "Un incontro", "kind": "meeting", "body_id": group}],
        },
    )
    secretariat.acted(f"/learning/v1/paths/{path['id']}/publish")
    badge = {"title": "Benvenuta", "description": "Conosce la rete.", "criteria": "Ha completato il percorso."}
    secretariat.created(network.path("achievements", "learning"), {**badge, "path_id": path["id"]})

    network.mandate(name, "member", "Ponti", body_id=group)
    network.mandate("Paolo Fontana", "member", "Radici")  # not of the group: not on its path
    story.settled()
    (enrolled,) = secretariat.all(network.path("enrolments", "learning"))
    assert (enrolled["person"]["name"], enrolled["state"]) == (name, "active")

    link = story.link_mailed(network.email(name), "/learning/v1/enrolments/link")
    visitor = story.client()
    page = visitor.send("GET", link, headers=HTML).text
    assert "<strong>rete</strong>" in page
    for unit in re.findall(r'name="unit" value="([0-9a-f-]+)"', page):
        visitor.send("POST", link, data={"unit": unit}, headers=HTML)
    passed_quiz(story, link)
    called = meeting(network, "Primo incontro", group, in_days(story, 9, 17), in_days(story, 9, 19))
    story.until(story.now() + timedelta(days=10))
    held(network, called["id"])
    story.settled()

    done = secretariat.get(f"/learning/v1/enrolments/{enrolled['id']}")
    assert done["state"] == "completed", done
    (credential,) = secretariat.all(network.path("credentials", "learning"))
    told = story.link_mailed(network.email(name), "/learning/v1/credentials/link")
    assert name in visitor.send("GET", told, headers=HTML).text, "the holder's own page"
    for shown in ("no", "yes"):
        own = visitor.send("POST", told, data={"shown": shown}, headers=JSON).json()
        verified = visitor.send("GET", own["page"], headers=HTML).text
        assert "Benvenuta" in verified
        assert (name in verified) is (shown == "yes"), "the name is there when its holder wants it"
    assert credential["person"]["name"] == name


def published_quiz(network: Network) -> str:
    questions = [
        {
            "kind": "single",
            "text": "Chi convoca?",
            "options": [{"text": "La segreteria", "right": True}, {"text": "Il Comune", "right": False}],
        },
        {"kind": "numeric", "text": "Quanti sono i coordinamenti da costituire?", "value": "4"},
    ]
    body = {"title": "Che cosa ho capito", "pass_percent": 100, "attempts": 2, "questions": questions}
    made = network.secretariat.created(network.path("quizzes", "learning"), body)
    network.secretariat.acted(f"/learning/v1/quizzes/{made['id']}/publish")
    return str(made["id"])


def passed_quiz(story: Story, link: str) -> None:
    """By the page alone: wrong once, right the second time, with a number as people write it."""
    visitor, address = story.client(), link.replace("/enrolments/link?", "/enrolments/link/quiz?")
    unit = re.findall(r"link/quiz\?[^\"]*unit=([0-9a-f-]+)", visitor.send("GET", link, headers=HTML).text)[0]
    address = f"{address}&unit={unit}"
    for number, passes in (("5", False), ("4,0", True)):
        page = visitor.send("POST", address, headers=HTML).text
        (attempt,) = re.findall(r'name="attempt" value="([^"]+)"', page)
        ((choice, right),) = re.findall(r'type="radio" name="([^"]+)" value="([^"]+)"> La segreteria<', page)
        (numeric,) = re.findall(r'inputmode="decimal" id="[^"]+" name="([^"]+)"', page)
        sent = {"attempt": attempt, choice: right, numeric: number}
        said = visitor.send("POST", address, data=sent, headers=HTML).text
        assert ('class="success"' in said) is passes, said


def test_a_practice_goes_from_the_map_to_another_networks_members(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    network.mandate("Marta Bassi", "representative", "Ponti")
    story.settled()
    experience = secretariat.created(
        network.path("experiences", "mapping"),
        {
            "title": "Portierato sociale",
            "description": "Una portineria per il quartiere.",
            "organisation_id": network.organisations["Ponti"],
            "territories": ["E507"],
            "themes": ["housing"],
        },
    )
    secretariat.acted(f"/mapping/v1/experiences/{experience['id']}/validate")
    story.settled()
    author = story.signed_in(network.email("Marta Bassi"))
    (candidate,) = author.all(network.path("practice-candidates", "learning"))
    neighbours = members.founded(story, f"{network.slug}-vicina", "Rete vicina")
    club = {"name": f"Vicini di {network.slug}", "kind": "informal_group", "state": "active"}
    club_id = neighbours.secretariat.created(neighbours.path("organisations"), club)["id"]
    other = neighbours.secretariat.get(f"/registry/v1/networks/{neighbours.slug}")["id"]
    story.settled()
    said = {"problem": "Nessuno apre la porta.", "done": "Si apre a turno.", "results": "Aperta da un anno."}
    made = author.created(
        network.path("practices", "learning"),
        {"experience_id": candidate["id"], **said, "visibility": "networks", "shared_with": [other]},
    )
    assert (made["title"], made["themes"]) == ("Portierato sociale", ["housing"])
    path = f"/learning/v1/practices/{made['id']}"
    author.acted(f"{path}/submit")
    story.settled()
    assert any("Portierato" in mail["text"] for mail in story.mails(network.mailbox)), "who reviews is told"
    secretariat.acted(f"{path}/return", {"text": "Dove, e da quando?"})
    author.changed(path, {"territory": "E507", "results": "A Lecco, aperta dal 2024."})
    author.acted(f"{path}/submit")
    secretariat.acted(f"{path}/approve")
    story.settled()
    assert author.all(network.path("practice-candidates", "learning")) == [], "a candidate is taken once"
    (seen,) = neighbours.secretariat.all(neighbours.path("practices", "learning"), shared="true", theme="housing")
    assert seen["results"] == "A Lecco, aperta dal 2024."
    neighbours.secretariat.created(
        f"{path}/adoptions", {"network": neighbours.slug, "organisation_id": club_id, "named": True}
    )
    story.settled()
    assert secretariat.get(path)["adoptions"] == 1
    topics = [one["topic"] for one in secretariat.all(network.path("deliveries", "notify"))]
    for topic in ("practice-submitted", "practice-returned", "practice-published", "practice-adopted"):
        assert topic in topics, topics


def test_a_plan_is_published_with_its_papers_its_news_and_whoever_follows_it(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    network.mandate("Marta Bassi", "representative", "Ponti", territory="E507")
    story.settled()
    reader = story.signed_in(network.email("Marta Bassi"))
    plan = secretariat.created(
        network.path("plans"),
        {"title": "Piano di zona", "since": "2025-01-01", "last_day": "2027-12-31", "territories": ["E507"]},
    )
    act = {"number": "1/2025", "day": "2025-01-10", "authority": "Assemblea dei Sindaci"}
    objective = {"title": "Una portineria per quartiere", "organisation_id": network.organisations["Ponti"]}
    secretariat.acted(f"/registry/v1/plans/{plan['id']}/objectives", objective, of=f"/registry/v1/plans/{plan['id']}")
    secretariat.acted(f"/registry/v1/plans/{plan['id']}/adopt", act)
    shown = {"title": "Portierato", "organisation_id": network.organisations["Ponti"], "territories": ["E507"]}
    shown["description"], shown["visibility"] = "Una portineria per il quartiere.", "public"
    on_the_map = secretariat.created(network.path("experiences", "mapping"), shown)
    secretariat.acted(f"/mapping/v1/experiences/{on_the_map['id']}/validate")
    said = {"title": "Piano di zona", "kind": "plan", "territory": "E507", "visibility": "public"}
    document = secretariat.uploaded(
        network.path("documents", "learning"),
        said,
        ("piano.pdf", paper("Piano di zona", 90_000, "La domiciliarità prima di tutto."), "application/pdf"),
    )
    page = f"{story.url}{document['href']}/page"
    item = secretariat.created(
        network.path("news", "learning"),
        {
            "title": "Il piano di zona è pubblico",
            "summary": "Obiettivi e documenti, da oggi per tutti.",
            "link": page,
            "territory": "E507",
            "visibility": "public",
        },
    )
    secretariat.acted(f"/learning/v1/news/{item['id']}/publish")
    story.settled()
    reader.send("POST", f"{document['href']}/follow")
    stranger = story.client()
    assert "Piano di zona" in stranger.send("GET", f"{document['href']}/page", headers=HTML).text
    feed = stranger.send("GET", f"{network.path('news', 'learning')}/feed.atom")
    assert "Il piano di zona è pubblico" in feed.text
    embedded = stranger.http.get("/atlas/embed/03", params={"network": network.slug}, headers=HTML)
    assert "Il piano di zona è pubblico" in embedded.text
    (found,) = reader.all(network.path("documents", "learning"), q="domiciliarita")
    assert "<mark>" in found["found"]["headline"]
    secretariat.uploaded(
        f"{document['href']}/editions",
        {"note": "Con gli allegati"},
        ("piano.pdf", paper("Piano di zona", 95_000, "Con gli allegati."), "application/pdf"),
    )
    story.settled()
    link = story.link_mailed(network.email("Marta Bassi"), "/learning/v1/documents/link")
    opened = stranger.send("GET", link, headers=HTML)
    assert "Con gli allegati" in opened.text
    topics = [one["topic"] for one in secretariat.all(network.path("deliveries", "notify"))]
    assert topics.count("document-revised") == 1
    assert topics.count("news-published") == 1


@dataclass
class Machine:
    """A partner's: keeps what comes, and answers as it is told."""

    url: str
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)
    status: int = 204


@contextmanager
def machine() -> Iterator[Machine]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            partner.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(partner.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    partner = Machine(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield partner
    finally:
        server.shutdown()
        server.server_close()


def test_a_partners_machine_is_told_signed_facts_and_what_it_missed(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    body = {"name": "Gruppo", "kind": "working_group", "composition": "open", "roles": ["member"]}
    group = secretariat.created(network.path("bodies"), body)["id"]
    network.mandate("Marta Bassi", "member", "Ponti", body_id=group)
    story.settled()
    with machine() as partner:
        made = secretariat.created(
            network.path("endpoints", "notify"),
            {"title": "Il gestionale", "url": partner.url, "types": ["events.meeting.*", "events.invitation.*"]},
        )
        path = f"/notify/v1/endpoints/{made['id']}"
        tried = secretariat.created(f"{path}/test", {})
        assert tried["outcome"] == "delivered", tried
        called = meeting(network, "Riunione", group, in_days(story, 5, 17), in_days(story, 5, 19))
        story.settled()
        wait_for("the partner is told", lambda: len(partner.heard) >= 3)
        signed = Webhook(made["secret"])
        told = [signed.verify(text, headers) for headers, text in partner.heard]
        types = [one["type"] for one in told]
        assert types[1:] == ["events.meeting.convened", "events.invitation.issued"], types
        assert told[1]["data"]["id"] == called["id"]
        whole = json.dumps(told)
        assert "Marta" not in whole, "facts name nobody"
        assert network.email("Marta Bassi") not in whole

        partner.status, before = 503, len(partner.heard)
        journey = cancelled(secretariat, called["id"])
        story.settled()
        wait_for("it was tried", lambda: len(partner.heard) > before)
        partner.status = 204
        since = (story.now() - timedelta(hours=1)).isoformat()
        secretariat.created(f"{path}/replay", {"since": since})
        wait_for("what it missed came again", lambda: delivered(secretariat, path) >= 5)
        ids = [headers["webhook-id"] for headers, _ in partner.heard]
        assert len(ids) > len(set(ids)), "the same fact comes under the same id"

    shown = secretariat.get(f"/notify/v1/journeys/{journey}")
    assert "events.meeting.cancelled" in json.dumps(shown)
    assert "meeting-cancelled" in json.dumps(shown), "what was mailed because of it is in it, too"


def delivered(client: Client, path: str) -> int:
    return sum(one["outcome"] == "delivered" for one in client.all(f"{path}/attempts"))


def cancelled(client: Client, meeting_id: str) -> str:
    """The correlation of all that follows."""
    path = f"/events/v1/meetings/{meeting_id}"
    etag = client.send("GET", path).headers["etag"]
    answer = client.send("POST", f"{path}/cancel", json={}, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["trama-correlation"])
