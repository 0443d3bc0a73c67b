"""The workflows of the two ledgers across the services: admission, a pact, a need, the map kept fresh, a frame on a
partner's site. Each from its first act to its last effect, as seen over HTTP and in the mail."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network, enrolled, tax_code
from deploy.local.story import Platform, Story
from tests.system.stack import Stack

pytestmark = pytest.mark.timeout(300)
LECCO = "E507"
_numbers = count(1)


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    return Story(Platform(stack.url, stack.home / "clock.json", stack.environment), tell=lambda _: None)


@pytest.fixture
def network(story: Story) -> Network:
    number = next(_numbers)
    room = members.founded(story, f"registri-{number}", f"Rete dei registri {number}")
    enrolled(room, f"Comune {number}", tax_code(1000 + number), "municipality", LECCO, ownership="public")
    enrolled(room, f"Ponti {number}", tax_code(2000 + number), "association", LECCO)
    return room


def called(network: Network, beginning: str) -> str:
    return next(id_ for name, id_ in network.organisations.items() if name.startswith(beginning))


def deliveries(network: Network, topic: str) -> list[Any]:
    return network.secretariat.all(network.path("deliveries", "notify"), topic=topic)


def topics(network: Network, person: str) -> list[str]:
    """What somebody was told, in the order in which it was intended."""
    everything = network.secretariat.all(network.path("deliveries", "notify"))
    return [one["topic"] for one in everything if one["person"] and one["person"]["name"] == person]


def test_admission_gives_a_seat_a_debt_a_place_on_the_map_and_leaving_takes_them(
    story: Story, network: Network
) -> None:
    secretariat = network.secretariat
    committee = secretariat.created(
        network.path("bodies"),
        {"name": "Comitato", "kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"]},
    )
    due = (story.now() + timedelta(days=60)).date().isoformat()
    rule = {"kind": "list_of_representatives", "title": "Elenco dei rappresentanti", "days": 60}
    secretariat.created(network.path("commitment-rules"), rule)
    body = {"name": "Candidata", "tax_code": tax_code(3000 + next(_numbers)), "kind": "association"}
    candidate = secretariat.created(
        network.path("organisations"), {**body, "municipality": "A662", "state": "candidate"}
    )
    story.settled()

    def seats() -> list[str]:
        return [seat["title"] for seat in secretariat.all(f"/registry/v1/bodies/{committee['id']}/seats")]

    def present() -> int:
        figures = secretariat.get(network.path("coverage", "mapping"), level="region")["items"]
        return int(next(row["organisations"]["count"] for row in figures if row["territory"]["code"] == "16"))

    assert "Candidata" not in seats()
    assert present() == 0, "a candidate is not on the map"
    membership = secretariat.get(network.path("memberships"), organisation=candidate["id"])["items"][0]
    secretariat.acted(f"/registry/v1/memberships/{membership['id']}/activate")
    story.settled()
    assert "Candidata" in seats()
    assert present() == 1
    owed = secretariat.all(network.path("commitments"), organisation=candidate["id"])
    assert [(one["state"], one["due"]) for one in owed] == [("open", due)]
    referent = network.designation("Marta Bassi", "referent", body_id=committee["id"])
    secretariat.created(network.path("mandates"), {**referent, "organisation_id": candidate["id"]})
    story.settled()
    assert {"mandate-given", "commitment-made"} <= set(topics(network, "Marta Bassi"))
    link = story.link_mailed(network.email("Marta Bassi"), "/registry/v1/representatives/link")
    rows = "nome;cognome;email;territorio;dal\nAldo;Neri;aldo@example.org;Puglia;2020-01-01\n"
    sent = story.client().send(
        "POST",
        link,
        files={"file": ("elenco.csv", rows.encode(), "text/csv")},
        data={"complete": "true"},
        headers={"Accept": "application/json"},
    )
    assert sent.status_code == 200, sent.text
    story.settled()
    assert secretariat.all(network.path("commitments"), organisation=candidate["id"], state="open") == []
    secretariat.acted(f"/registry/v1/memberships/{membership['id']}/withdraw")
    story.settled()
    assert "Candidata" not in seats()
    assert present() == 0
    held = secretariat.all(network.path("mandates"), organisation=candidate["id"])
    assert {mandate["state"] for mandate in held} == {"ended"}


def test_a_pact_is_followed_by_whoever_makes_community_there_and_by_nobody_else(story: Story, network: Network) -> None:
    secretariat, name = network.secretariat, "Famiglia Scaramuzza"
    group = secretariat.created(
        network.path("bodies"),
        {
            "name": "Gruppo di Lecco",
            "kind": "working_group",
            "composition": "open",
            "territory": LECCO,
            "needed_role": "community_maker",
        },
    )
    mandate = network.mandate("Nadia Colombo", "community_maker", body_id=group["id"])
    network.person("Sergio Riva")
    story.settled()
    nadia = story.signed_in(network.email("Nadia Colombo"))
    body = {"kind": "household", "body_id": group["id"], "beneficiary": {"name": name}}
    made = nadia.created(network.path("pacts"), body)
    pact = f"/registry/v1/pacts/{made['id']}"
    due = (story.now() + timedelta(days=40)).date().isoformat()
    for obligation in (
        {"organisation_id": called(network, "Comune"), "text": "Un alloggio"},
        {"organisation_id": called(network, "Ponti"), "text": "Accompagna i figli"},
        {"person_id": network.person("Sergio Riva"), "text": "Un colloquio al mese"},
        {"side": "beneficiary", "text": "Frequenta il corso"},
    ):
        nadia.acted(f"{pact}/obligations", {"due": due, **obligation}, of=pact)
    nadia.acted(f"{pact}/steps", {"text": "Trova un lavoro", "due": due}, of=pact)
    nadia.acted(f"{pact}/sign", {"until": (story.now() + timedelta(days=300)).date().isoformat()})
    story.settled()  # a reminder is planned before its time comes
    story.until(story.now() + timedelta(days=27))
    reminded = [mail for mail in story.mails(network.email("Nadia Colombo")) if made["code"] in mail["text"]]
    assert reminded, "the maker is reminded of the step by the pact's number"
    assert all(name not in mail["text"] for mail in story.mails(network.email("Nadia Colombo")))

    secretariat.acted(f"/registry/v1/mandates/{mandate['id']}/end", {"reason": "resigned"})
    story.settled()
    refused = nadia.send("POST", f"{pact}/readings", json={})
    assert refused.status_code in (403, 404), "who no longer follows it reads nothing"
    assert secretariat.get(pact)["maker"] is None
    network.mandate("Olga Conti", "community_maker", body_id=group["id"])
    story.settled()
    olga = story.signed_in(network.email("Olga Conti"))
    assert secretariat.get(pact)["maker"]["name"] == "Olga Conti"
    assert olga.created(f"{pact}/readings", {})["beneficiary"]["name"] == name
    log = [reading["person"]["name"] for reading in secretariat.all(f"{pact}/readings")]
    assert log.count("Olga Conti") == 1
    told = str([secretariat.all(network.path(what)) for what in ("pacts", "commitments", "people", "bodies")])
    assert name not in told
    for service in ("mapping", "events", "learning", "notify"):
        assert name not in story.client().send("GET", f"/{service}/metrics").text


def test_a_need_is_collected_assigned_and_answered_with_its_times(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    network.mandate("Rosa Galli", "referent", f"Ponti {called_number(network)}")
    story.settled()
    place = secretariat.created(
        network.path("places", "mapping"),
        {
            "title": "Centro civico",
            "kind": "civic_centre",
            "municipality": LECCO,
            "organisation_id": called(network, "Comune"),
            "visibility": "network",
        },
    )
    secretariat.acted(f"/mapping/v1/places/{place['id']}/validate")
    asked = "Cerca una stanza per due mesi"
    body = {"place_id": place["id"], "theme": "housing", "text": asked}
    need = secretariat.created(network.path("needs", "mapping"), body)
    path = f"/mapping/v1/needs/{need['id']}"
    story.until(story.now() + timedelta(days=1))
    secretariat.acted(f"{path}/assign", {"person_id": network.person("Rosa Galli")})
    story.settled()
    mails = story.mails(network.email("Rosa Galli"))
    assert any("need" in topic for topic in topics(network, "Rosa Galli"))
    assert all(asked not in mail["text"] for mail in mails), "what was asked is in no mail"
    rosa = story.signed_in(network.email("Rosa Galli"))
    assert rosa.get(path)["text"] == asked
    story.until(story.now() + timedelta(days=2))
    rosa.acted(f"{path}/answer", {"answer": "Una stanza in via Roma"})
    figures = secretariat.get(network.path("needs/statistics", "mapping"))["whole"]
    assert figures["states"]["answered"]["count"] == 1
    assert round(figures["hours_to_assign"]["median"]) == 24
    assert round(figures["hours_to_answer"]["median"]) == 72


def called_number(network: Network) -> str:
    return network.slug.rsplit("-", 1)[1]


def test_a_project_is_funded_by_pledges_that_are_signed_and_paid(story: Story, network: Network) -> None:
    secretariat, partner = network.secretariat, called(network, "Ponti")
    network.mandate("Rosa Galli", "referent", f"Ponti {called_number(network)}")
    story.settled()
    year = story.now().year + 1
    made = secretariat.created(
        network.path("projects"),
        {
            "title": "Legami",
            "lead_id": called(network, "Comune"),
            "since": story.today(),
            "last_day": f"{year}-12-31",
            "cup": "J47H15000440006",
        },
    )
    project = f"/registry/v1/projects/{made['id']}"
    secretariat.acted(f"{project}/partners", {"items": [{"organisation_id": partner}]}, of=project)
    secretariat.acted(f"{project}/budget-lines", {"title": "Personale", "cents": 330_000_01}, of=project)
    for kind, cents in (("grant", 150_000_00), ("co_funding", 180_000_00)):
        body = {"kind": kind, "title": kind, "cents": cents}
        secretariat.acted(f"{project}/sources", body, of=project)
    sources = {one["kind"]: one["id"] for one in secretariat.get(f"{project}/budget")["sources"]}
    rosa = story.signed_in(network.email("Rosa Galli"))
    pledge = {"year": year, "cents": 180_000_00, "organisation_id": partner}
    rosa.acted(f"{project}/sources/{sources['co_funding']}/pledges", pledge, of=project)
    figures = secretariat.get(f"{project}/budget")
    assert figures["stages"]["pledged"]["amount"]["cents"] == 180_000_00
    assert figures["uncovered"]["amount"]["cents"] == 150_000_01, "to the cent"
    mine = secretariat.all(f"{project}/pledges")[0]
    path = f"{project}/pledges/{mine['id']}"
    secretariat.acted(f"{path}/sign", {"cents": 180_000_00}, of=project)
    story.settled()
    (owed,) = secretariat.all(network.path("commitments"), source="project")
    assert (owed["state"], owed["due"]) == ("open", f"{year}-12-31")
    assert "commitment-made" in topics(network, "Rosa Galli"), "who pledged is told what is owed now"
    secretariat.acted(f"{path}/pay", {"cents": 100_000_00}, of=project)
    assert secretariat.get(f"/registry/v1/commitments/{owed['id']}")["state"] == "open", "part is not all"
    secretariat.acted(f"{path}/pay", {"cents": 80_000_00}, of=project)
    story.settled()
    assert secretariat.get(f"/registry/v1/commitments/{owed['id']}")["state"] == "fulfilled"
    late = secretariat.refused(
        f"{project}/actions", {"title": "Oltre", "since": story.today(), "last_day": f"{year + 1}-01-31"}, of=project
    )
    assert late[0] == 409, "past the end until it is extended"
    act = {"number": "Determina 1", "day": story.today(), "last_day": f"{year + 1}-06-30"}
    secretariat.acted(f"{project}/extend", act)
    action = {"title": "Oltre", "since": story.today(), "last_day": f"{year + 1}-01-31"}
    assert secretariat.acted(f"{project}/actions", action, of=project)["last_day"] == f"{year + 1}-06-30"


def test_the_map_is_kept_fresh_and_a_partners_site_shows_it(story: Story, network: Network) -> None:
    secretariat = network.secretariat
    network.mandate("Rosa Galli", "referent", f"Ponti {called_number(network)}")
    common = {"kind": "community_house_hub", "municipality": LECCO, "organisation_id": called(network, "Ponti")}
    for title in ("Casa che resta", "Casa che chiude", "Casa dimenticata"):
        body = {**common, "title": title, "visibility": "public"}
        place = secretariat.created(network.path("places", "mapping"), body)
        secretariat.acted(f"/mapping/v1/places/{place['id']}/validate")
    frame = f"/atlas/embed/03?network={network.slug}"

    def shown() -> set[str]:
        page = story.client().send("GET", frame, headers={"Accept": "text/html", "Origin": "https://partner.example"})
        assert "frame-ancestors *" in page.headers["content-security-policy"]
        return {title for title in ("Casa che resta", "Casa che chiude", "Casa dimenticata") if title in page.text}

    assert shown() == {"Casa che resta", "Casa che chiude", "Casa dimenticata"}
    story.until(story.now() + timedelta(days=190))
    asked = secretariat.all(network.path("freshness", "mapping"), open="true")
    assert len(asked) == 3
    links = {mail["subject"]: mail for mail in story.mails(network.email("Rosa Galli"))}
    assert links
    for title, answer in (("Casa che resta", "confirmed"), ("Casa che chiude", "gone")):
        link = freshness_link(story, network, title)
        before = story.client().send("GET", link, headers={"Accept": "text/html"})
        assert before.status_code == 200
        assert title in before.text
        done = story.client().send("POST", link, data={"answer": answer}, headers={"Accept": "application/json"})
        assert done.status_code == 200, done.text
    story.settled()
    assert shown() == {"Casa che resta", "Casa dimenticata"}
    story.until(story.now() + timedelta(days=35))
    assert shown() == {"Casa che resta"}, "what nobody answers for expires and is shown no longer"


def freshness_link(story: Story, network: Network, title: str) -> str:
    """The link of the question about `title`: all that is asked at once is in one mail, each question with its own."""
    for mail in reversed(story.mails(network.email("Rosa Galli"))):
        after = mail["text"].partition(title)[2].split()
        found = [word for word in after if "/mapping/v1/freshness/link?" in word]
        if found:
            return str(found[0])
    raise AssertionError(f"no mail asks whether {title} is still so")
