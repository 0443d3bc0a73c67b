"""Erasure and access across the five services: everything that is held of one person, given to her, out of sight, back
again, and gone but for what is retained with its ground or listed for somebody to look at."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from deploy.local import secrets
from deploy.local.postgres import SUPERUSER, Postgres, run_psql
from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network, held, meeting, minuted
from deploy.local.story import Client, Platform, Story
from tests.system.stack import SERVICES, Stack, wait_for

pytestmark = pytest.mark.timeout(420)
NAME, SURNAME, PHONE = "Zenobia", "Marcatrice", "+390341778899"


@dataclass
class Told:
    """What the story has come to: who, in which network, and what was there before."""

    story: Story
    network: Network
    person: str
    approved: str
    draft: str
    committee: str
    path: str
    mentioned: str

    @property
    def email(self) -> str:
        return self.network.email(f"{NAME} {SURNAME}")

    @property
    def secretariat(self) -> Client:
        return self.network.secretariat

    def erasure(self, id_: str) -> Any:
        return self.secretariat.get(f"/registry/v1/erasures/{id_}")


@pytest.fixture(scope="module")
def told(stack: Stack) -> Told:
    """A referent who was invited, came, voted with her feet, learnt, signed in and owes something; her term is over."""
    story = Story(Platform(stack.url, stack.home / "clock.json", stack.environment), tell=lambda _: None)
    network = members.founded(story, "diritti", "Rete dei diritti")
    secretariat = network.secretariat
    for name in ("Ponti", "Radici"):
        body = {"name": name, "kind": "informal_group", "state": "active"}
        network.organisations[name] = secretariat.created(network.path("organisations"), body)["id"]
    seats = {"name": "Comitato", "kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"]}
    committee = secretariat.created(network.path("bodies"), seats)["id"]
    unit = {"title": "Che cosa fa il Comitato", "text": "Da leggere."}
    course = {"title": "Per i referenti", "audience": "representatives", "enrolment": "rule", "roles": ["referent"]}
    path = secretariat.created(network.path("paths", "learning"), {**course, "units": [unit]})["id"]
    secretariat.acted(f"/learning/v1/paths/{path}/publish")
    body = {"given_name": NAME, "family_name": SURNAME, "email": network.email(f"{NAME} {SURNAME}"), "phone": PHONE}
    network.people[f"{NAME} {SURNAME}"] = secretariat.created(network.path("people"), body)["id"]
    until = (story.now() + timedelta(days=3)).date().isoformat()
    network.mandate(f"{NAME} {SURNAME}", "referent", "Ponti", body_id=committee, until=until)
    network.mandate("Paolo Fontana", "referent", "Radici", body_id=committee)
    story.settled()
    ids = []
    for day in (1, 2):
        at = (story.now() + timedelta(days=day)).replace(hour=17, minute=0, second=0, microsecond=0)
        called = meeting(network, f"Riunione {day}", committee, at.isoformat(), (at + timedelta(hours=2)).isoformat())
        ids.append(called["id"])
    story.settled()
    story.until(story.now() + timedelta(days=2, hours=12))
    for id_ in ids:
        held(network, id_)
    approved = minuted(network, ids[0])["id"]
    draft = secretariat.created(f"/events/v1/meetings/{ids[1]}/minutes", {})["id"]
    owed = {"title": f"Telefonare a {SURNAME} {NAME}", "kind": "action", "due": "2199-01-01"}
    mentioned = secretariat.created(
        network.path("commitments"), {**owed, "organisation_id": network.organisations["Radici"]}
    )["id"]
    story.signed_in(network.email(f"{NAME} {SURNAME}"))
    story.until(story.now() + timedelta(days=2))
    person = network.people[f"{NAME} {SURNAME}"]
    return Told(story, network, person, approved, draft, committee, path, mentioned)


def statistics(told: Told) -> dict[str, Any]:
    """Figures without people, which an erasure leaves as they are."""
    slug = told.network.slug
    return {
        "learning": told.secretariat.get(f"/learning/v1/networks/{slug}/progress")["items"],
        "presences": told.secretariat.get(f"/mapping/v1/networks/{slug}/coverage", level="region")["items"],
        "minutes": [
            {key: minutes[key] for key in ("id", "present", "entitled", "quorate", "number")}
            for minutes in told.secretariat.get(f"/events/v1/networks/{slug}/minutes")["items"]
        ],
    }


def test_she_gets_all_that_five_services_hold_of_her(told: Told) -> None:
    zenobia = told.story.signed_in(told.email)
    request = zenobia.created("/registry/v1/me/access-requests", {})
    told.story.settled()
    ready = zenobia.get(f"/registry/v1/access-requests/{request['id']}")
    assert (ready["state"], ready["unanswered"]) == ("ready", [])
    answer = zenobia.send("GET", f"/registry/v1/access-requests/{request['id']}/archive")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        documents = {s: json.loads(archive.read(f"{s}.json"))["items"] for s in SERVICES}
        page = archive.read("indice.html").decode()
    assert documents["registry"]["person"][0]["phone"] == PHONE
    assert documents["registry"]["mandates"][0]["organisation"] == "Ponti"
    assert {row["meeting"] for row in documents["events"]["attendances"]} == {"Riunione 1", "Riunione 2"}
    assert documents["learning"]["enrolments"][0]["path"] == "Per i referenti"
    assert any(row["topic"] == "meeting-convened" for row in documents["notify"]["deliveries"]), documents["notify"]
    assert f"{NAME} {SURNAME}" in page
    assert "Riunione 1" in page
    journey = told.secretariat.get(f"/registry/v1/access-requests/{request['id']}")["readings"]
    assert [reading["read_by"] for reading in journey] == [told.person]


def test_out_of_sight_in_every_service_and_back(told: Told, stack: Stack) -> None:
    erasure = told.secretariat.created(f"/registry/v1/people/{told.person}/erasure", {"phase": "dry_run"})
    told.story.settled()
    seen = told.erasure(erasure["id"])
    assert seen["unanswered"] == []
    found = {a["service"]: {h["what"]: h for h in a["holdings"]} for a in seen["answers"]}
    assert set(found) == set(SERVICES)
    assert found["events"]["attendances"]["ground"] == "approved_minutes"
    assert found["learning"]["enrolments"]["ground"] is None
    mentions = {(a["service"], m["what"], m["id"]) for a in seen["answers"] for m in a["mentions"]}
    assert {("registry", "commitments", told.mentioned), ("notify", "commitments", told.mentioned)} <= mentions
    assert ("events", "minutes", told.approved) in mentions
    told.secretariat.acted(f"/registry/v1/erasures/{erasure['id']}/quarantine", {"days": 30})
    told.story.settled()
    assert told.erasure(erasure["id"])["unanswered"] == []
    assert not names_shown(told)
    told.secretariat.acted(f"/registry/v1/erasures/{erasure['id']}/release")
    told.story.settled()
    closed = told.erasure(erasure["id"])
    assert (closed["phase"], closed["unanswered"], closed["closed_on"]) == ("release", [], told.story.today())
    assert names_shown(told) == {"registry", "events", "learning", "notify", "draft"}


def names_shown(told: Told) -> set[str]:
    """Which services show her name where they show names."""
    slug, get = told.network.slug, told.secretariat.get
    texts = {
        "registry": [get(told.network.path("people")), get(told.network.path("mandates"))],
        "events": [
            get(f"/events/v1/meetings/{m['id']}/invitations")
            for m in get(f"/events/v1/networks/{slug}/meetings")["items"]
        ],
        "learning": [get(f"/learning/v1/networks/{slug}/enrolments")],
        "notify": [get(f"/notify/v1/networks/{slug}/contacts")],
        "draft": [get(f"/events/v1/minutes/{told.draft}")],
    }
    return {name for name, found in texts.items() if SURNAME in json.dumps(found)}


def test_erased_she_is_nowhere_but_where_the_register_says(told: Told, stack: Stack) -> None:
    before = statistics(told)
    erasure = told.secretariat.created(f"/registry/v1/people/{told.person}/erasure", {"phase": "dry_run"})
    told.story.settled()
    mentions = {
        (a["service"], m["what"], m["id"]) for a in told.erasure(erasure["id"])["answers"] for m in a["mentions"]
    }
    told.secretariat.acted(f"/registry/v1/erasures/{erasure['id']}/quarantine", {"days": 30})
    told.story.settled()
    told.story.until(told.story.now() + timedelta(days=31))

    def closed() -> Any:
        seen = told.erasure(erasure["id"])
        return seen if seen["closed_on"] and seen["stream"]["state"] == "done" else None

    register = wait_for("the erasure is closed and the stream is clean", closed)
    assert (register["phase"], register["person"]["name"], register["unanswered"]) == ("erase", "", [])
    assert register["stream"]["messages"] >= 4
    outcomes = {
        (a["service"], h["what"]): (h["outcome"], h["ground"])
        for a in register["answers"]
        if a["phase"] == "erase"
        for h in a["holdings"]
    }
    assert outcomes["registry", "person"] == ("erased", None)
    assert outcomes["registry", "mandates"] == ("retained", "office_held")
    assert outcomes["events", "attendances"] == ("retained", "approved_minutes")
    assert outcomes["learning", "enrolments"] == ("erased", None)
    assert outcomes["notify", "deliveries"] == ("retained", "accountability")
    told.story.settled()
    left = set(rows_with_the_name(told, stack))
    assert left == {place for place in mentions if place[1] != "minutes" or place[2] == told.approved}
    assert not list(files_with_the_address(told, stack))
    assert not names_shown(told)
    assert statistics(told) == before


def rows_with_the_name(told: Told, stack: Stack) -> Iterator[tuple[str, str, str | None]]:
    """(service, table, id) of each row of the five databases that holds the name, the address or the number."""
    psql, port = Postgres(stack.home).binary("psql"), stack.state["processes"]["postgres"]["port"]
    secret = quote(secrets.password(stack.home, f"postgres-{SUPERUSER}"))
    found = (told.email.lower(), SURNAME.lower(), PHONE[3:])
    hexed = [word.encode().hex() for word in (told.email, SURNAME, PHONE[3:])]
    for service in SERVICES:
        dsn = f"postgresql://{SUPERUSER}:{secret}@127.0.0.1:{port}/{service}"
        listing = "select table_name from information_schema.tables where table_schema = 'public'"
        for table in run_psql(psql, dsn, f"copy ({listing}) to stdout", {}).split():
            rows = run_psql(psql, dsn, f'copy (select to_jsonb(t) from "{table}" t) to stdout (format csv)', {})
            for line in rows.splitlines():
                if any(word in line.lower() for word in (*found, *hexed)):
                    row = json.loads(line[1:-1].replace('""', '"'))
                    yield service, table, row.get("aggregate_id") if table == "log" else row.get("id")


def files_with_the_address(told: Told, stack: Stack) -> Iterator[str]:
    """Files of the streams and of the processes' logs in which her address or number stands; the mail sink has what
    was in her own mailbox."""
    words = [told.email.encode(), PHONE[3:].encode()]
    for path in stack.home.rglob("*"):
        inside = path.relative_to(stack.home).parts[0] if path != stack.home else ""
        if path.is_file() and inside not in ("mail", "postgres") and any(word in path.read_bytes() for word in words):
            yield str(path)
