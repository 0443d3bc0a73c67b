"""The pages of the mailed links, as people have them who never signed in: at a desk, on a phone, with a keyboard,
without scripts, in both languages. One alliance is founded for all of them; each test acts for a person of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from deploy.local.scenarios import members
from deploy.local.scenarios.alliance import logo
from deploy.local.scenarios.members import Network, held, meeting, minuted
from deploy.local.story import Platform, Story
from shared.access import links
from tests.pages.conftest import AS_MOST, Visitor, focused, heading, hours
from tests.system.stack import Stack, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TITLE = "Alleanza delle pagine"
MARTA, PAOLO, GRACE = "Marta Bassi", "Paolo Fontana", "Grace Irving"
ASSOCIATIONS = {MARTA: "Ponti", PAOLO: "Radici", GRACE: "Sentieri"}
PAGES = {
    "rsvp": ("events", "rsvp", "/events/v1/rsvp/link"),
    "ballot": ("events", "vote", "/events/v1/ballots/link"),
    "representatives": ("registry", "representatives", "/registry/v1/representatives/link"),
    "commitment": ("registry", "commitment", "/registry/v1/commitments/link"),
    "goal": ("registry", "goal", "/registry/v1/goals/link"),
    "enrolment": ("learning", "learn", "/learning/v1/enrolments/link"),
}
"""Page -> audience and purpose of its links, its path."""
UNITS: list[dict[str, str | int]] = [
    {"title": "Il DM 77/2022", "text": "In due pagine.", "minutes": 20, "url": "https://example.org/dm-77-2022"},
    {"title": "Chi fa che cosa", "text": "Distretto, Casa della comunità, Comune."},
]
BAD = "Nome;Cognome;Email;Regione\nBruno;Testa;bruno.example.org;Puglia\nEmma;Lai;emma@example.org;Sardenia\n"
GOOD = "Nome;Cognome;Email;Regione;Dal\nBruno;Testa;bruno@example.org;Puglia;\nEmma;Lai;emma@example.org;Sardegna;\n"


@dataclass
class Alliance:
    """What the pages are about."""

    story: Story
    network: Network
    meeting: str = ""
    ballot: str = ""
    minutes: str = ""
    open_path: str = ""
    _links: dict[tuple[str, str], str] = field(default_factory=dict)

    def link(self, page: str, of: str) -> str:
        """The address that the mail to a person brought; the goal's went to the secretariat."""
        if (page, of) not in self._links:
            mailbox = self.network.mailbox if page == "goal" else self.network.email(of)
            self._links[page, of] = self.story.link_mailed(mailbox, PAGES[page][2])
        return self._links[page, of]

    def every(self, of: str) -> dict[str, str]:
        """What a person can open without signing in."""
        return {**{page: self.link(page, of) for page in PAGES}, "path": f"{self.story.url}{self.open_path}"}

    def get(self, path: str) -> Any:
        return self.network.secretariat.get(path)

    def all(self, collection: str, service: str = "registry", **params: Any) -> list[Any]:
        return self.network.secretariat.all(self.network.path(collection, service), **params)

    def answers(self) -> dict[str, tuple[str | None, str | None]]:
        """By person: the answer to the invitation, and who is delegated."""
        found = self.network.secretariat.all(f"/events/v1/meetings/{self.meeting}/invitations")
        return {one["person"]["name"]: (one["answer"], (one["delegate"] or {}).get("name")) for one in found}

    def commitment(self, kind: str, of: str) -> Any:
        organisation = self.network.organisations[ASSOCIATIONS[of]]
        (found,) = self.all("commitments", kind=kind, organisation=organisation)
        return found

    def state(self) -> Any:
        """All that the links could act upon."""
        return (
            self.answers(),
            self.get(f"/events/v1/ballots/{self.ballot}")["cast"],
            [(one["id"], one["state"], one["version"]) for one in self.all("commitments")],
            [(one["id"], one["state"], one["version"]) for one in self.all("mandates")],
            [(one["id"], one["state"], one["progress"]) for one in self.all("enrolments", "learning")],
        )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform of its own: here days pass."""
    with running(tmp_path_factory.mktemp("links") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def alliance(platform: Stack) -> Alliance:
    story = Story(Platform(platform.url, platform.home / "clock.json", platform.environment), tell=lambda _: None)
    network = members.founded(story, "alleanza-delle-pagine", TITLE)
    made = Alliance(story, network)
    files = {"file": ("logo.png", logo())}
    network.secretariat.changed(f"/registry/v1/networks/{network.slug}/logo", method="PUT", files=files)
    committee = peopled(made)
    owing(made)
    aimed(made)
    called(made, committee)
    return made


def peopled(made: Alliance) -> str:
    """Three associations with their referents in a committee, and two paths. Gives the committee."""
    network, secretariat = made.network, made.network.secretariat
    for name in ASSOCIATIONS.values():
        body = {"name": name, "kind": "informal_group", "state": "active"}
        network.organisations[name] = secretariat.created(network.path("organisations"), body)["id"]
    for title, audience, enrolment in (
        ("Per chi rappresenta", "representatives", "rule"),
        ("Che cosa può fare un Comune", "administrators", "open"),
    ):
        roles = ["referent"] if enrolment == "rule" else []
        path: dict[str, Any] = {
            "title": title,
            "audience": audience,
            "enrolment": enrolment,
            "units": UNITS,
            "due_days": 90,
        }
        written = secretariat.created(network.path("paths", "learning"), {**path, "roles": roles})
        secretariat.acted(f"/learning/v1/paths/{written['id']}/publish")
        made.open_path = f"/learning/v1/paths/{written['id']}/page"
    kind = {"kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"], "proxies": 1}
    committee: str = secretariat.created(network.path("bodies"), {"name": "Comitato", **kind})["id"]
    for name, organisation in ASSOCIATIONS.items():
        network.mandate(name, "referent", organisation, body_id=committee)
    return committee


def owing(made: Alliance) -> None:
    network = made.network
    for kind, title in (
        ("list_of_representatives", "Elenco dei rappresentanti"),
        ("report_of_experiences", "Resoconto"),
    ):
        rule = {"kind": kind, "title": title, "due": hours(made.story, 30, 0)[:10]}
        network.secretariat.created(network.path("commitment-rules"), rule)


def aimed(made: Alliance) -> None:
    """A goal, and a coordination that is constituted for it: two days pass."""
    network, story, secretariat = made.network, made.story, made.network.secretariat
    goal = {"title": "Coordinamenti regionali", "body_kind": "regional_coordination", "minimum": 4, "full": 6}
    days = {"since": story.today(), "last_day": hours(story, 60, 0)[:10]}
    secretariat.created(network.path("goals"), {**goal, **days})
    opened = [
        secretariat.created(network.path("constitutions"), {"territory": region, "minimum_members": 1})
        for region in ("03", "08")
    ]
    network.mandate("Davide Sala", "representative", "Ponti", territory="03")
    network.mandate("Rita Colombo", "coordinator", territory="03")
    for office in ("president", "giunta"):
        secretariat.created(network.path("interlocutors"), {"institution": "03", "office": office})
    story.settled()
    body = opened[0]["body"]["id"]
    founding = meeting(network, "Costituzione", body, hours(story, 1, 17), hours(story, 1, 18), founding=True)
    story.until(story.now() + timedelta(days=2))
    held(network, founding["id"])
    made.minutes = f"/events/v1/minutes/{minuted(network, founding['id'])['id']}"


def called(made: Alliance, committee: str) -> None:
    network, story = made.network, made.story
    agenda = [{"title": "Il programma di lavoro", "minutes": 30}, {"title": "Strumenti"}]
    starts, ends = hours(story, 5, 17), hours(story, 5, 19)
    place = {"mode": "hybrid", "place": "Roma, via dei Mille 1", "agenda": agenda}
    made.meeting = meeting(network, "Il primo incontro", committee, starts, ends, **place)["id"]
    story.settled()
    question = {"question": "Si approva il programma di lavoro?"}
    made.ballot = network.secretariat.created(f"/events/v1/meetings/{made.meeting}/ballots", question)["id"]
    story.settled()


def branded(page: Page) -> None:
    """The network's name, and its logo: a picture that came."""
    assert TITLE in page.locator("header").inner_text()
    assert TITLE in page.title()
    assert page.evaluate("document.querySelector('header img').naturalWidth") > 0


# --- every page ------------------------------------------------------------------------------------------------------


@AS_MOST
def test_every_page_is_sound_and_bears_the_networks_name_and_logo(
    alliance: Alliance, visitor: Callable[..., Visitor], language: str, width: int
) -> None:
    person = visitor(language, width=width)
    for address in alliance.every(MARTA).values():
        page = person.open(address)
        person.sound(language)
        branded(page)
        for control in page.locator("main :is(input:not([type=hidden]), select, textarea)").all():
            assert control.evaluate("one => one.labels.length"), f"a control without a label: {address}"
        for control in page.locator("main button, label.choice, select").all():
            assert control.evaluate("one => one.getBoundingClientRect().height") >= 44, f"too low to touch: {address}"


def test_a_mail_scanner_that_opens_every_link_does_nothing(alliance: Alliance) -> None:
    before = alliance.state()
    addresses = [address for person in ASSOCIATIONS for address in alliance.every(person).values()]
    with httpx.Client(headers={"user-agent": "scanner"}) as scanner:
        for address in addresses:
            answers = [scanner.get(address), scanner.head(address), scanner.get(address)]
            assert [answer.status_code for answer in answers[::2]] == [200, 200]
            assert all(answer.status_code < 500 and "set-cookie" not in answer.headers for answer in answers)
            assert answers[0].headers["cache-control"] == "no-store"
    alliance.story.settled()
    assert alliance.state() == before


@pytest.mark.parametrize("page", PAGES)
def test_a_link_that_is_over_foreign_or_cut_says_what_to_do_next(
    alliance: Alliance, platform: Stack, visitor: Callable[..., Visitor], page: str
) -> None:
    audience, purpose, path = PAGES[page]
    key = ECKey.import_key(json.loads((platform.home / "secrets" / "links-key.json").read_text()))

    def minted(purpose: str, hours: int) -> str:
        return links.mint(key, audience, purpose, uuid4(), datetime.now(UTC) + timedelta(hours=hours))

    good = alliance.link(page, MARTA).partition("token=")[2]
    bad = {
        "over": (410, minted(purpose, -1), r"scadut"),
        "for another page": (400, minted("confirm", 1), r"non è valido"),
        "cut": (400, good[: len(good) // 2], r"non è valido"),
    }
    person = visitor(width=360)
    for token, (status, value, words) in bad.items():
        shown = person.open(f"{platform.url}{path}?token={value}", status)
        assert re.search(words, heading(shown)), token
        offers = page == "rsvp" and token == "over"  # a fresh link, to the mailbox that had this one
        next_step = "mandami" if offers else "chied|scriv"
        assert re.search(next_step, shown.locator("main").inner_text().lower()), "says what to do next"
        assert shown.get_by_role("button").count() == int(offers)
    person.sound("it")


def test_the_tracker_says_in_words_and_in_tables_what_its_bar_shows(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    page = visitor(width=360).open(alliance.link("goal", MARTA))
    summary = page.locator(".lead").inner_text()
    assert summary == "1 di 4 regioni, mancano 58 giorni, la prossima: Emilia-Romagna."
    bar = page.get_by_role("progressbar")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("1", "6")
    assert bar.get_attribute("aria-label") == summary.removesuffix(".")
    expect(page.get_by_role("table", name="Costituiti finora")).to_contain_text("Coordinamento regionale Lombardia")
    regions = page.get_by_role("table", name="Regione per regione")
    assert regions.get_by_role("rowheader").all_inner_texts() == ["Lombardia", "Emilia-Romagna"]
    expect(page.get_by_role("heading", name="Dove proseguire: Emilia-Romagna")).to_be_visible()
    expect(page.locator("main")).to_contain_text("coordinatore in carica")


# --- the invitation --------------------------------------------------------------------------------------------------


def test_an_invitation_is_answered_with_the_keyboard_alone_and_again(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    person = visitor(width=360)
    page = person.open(alliance.link("rsvp", PAOLO))
    said = page.locator("main").inner_text()
    assert "Il primo incontro" in heading(page)
    for words in (PAOLO, "dalle 17:00 alle 19:00", "Roma, via dei Mille 1", "Il programma di lavoro (30 min)"):
        assert words in said
    assert re.search(r"(lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica) \d+ \w+ \d{4}", said)
    for expected in ("a.skip", "a[href^='https://meet.example.org/']", "[name=answer]"):
        page.keyboard.press("Tab")
        assert focused(page, expected), expected
    page.keyboard.press("Space")
    assert page.locator(":checked[name=answer]").get_attribute("value") == "yes"
    page.keyboard.press("Tab")
    assert focused(page, "select")
    page.keyboard.press("Tab")
    assert focused(page, "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("La risposta è registrata: Sì.")
    person.sound("it")
    assert alliance.answers()[PAOLO] == ("yes", None)
    for _ in range(3):  # past the way to the content, and the link of the meeting
        page.keyboard.press("Tab")
    assert focused(page, "[name=answer][value=yes]"), "as it was answered"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # a form is sent from its fields too
    expect(page.get_by_role("status")).to_contain_text("La risposta è registrata: No.")
    assert alliance.answers()[PAOLO] == ("no", None)
    page.get_by_label("Forse").check()
    page.get_by_role("button", name="Invia la risposta").click()
    expect(page.get_by_role("status")).to_contain_text("Forse")


def test_an_invitation_is_passed_on_without_scripts(alliance: Alliance, visitor: Callable[..., Visitor]) -> None:
    person = visitor("en", scripts=False)
    page = person.open(alliance.link("rsvp", GRACE))
    page.get_by_label("I delegate somebody else").check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("alert")).to_contain_text("This delegation is not possible")
    assert page.get_by_label("I delegate somebody else").is_checked(), "what was chosen stays"
    assert page.locator("fieldset").get_attribute("aria-describedby") == page.get_by_role("alert").get_attribute("id")
    page.get_by_label("Whom I delegate").select_option(label=MARTA)
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status")).to_contain_text(f"delegation to {MARTA}")
    assert alliance.answers()[GRACE] == ("delegated", MARTA)


# --- the ballot ------------------------------------------------------------------------------------------------------


def test_a_vote_is_cast_and_changed_and_one_of_a_proxy_is_asked_for_apart(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    delegation = {"answer": "delegated", "delegate_id": alliance.network.people[MARTA]}
    httpx.post(alliance.link("rsvp", GRACE), data=delegation).raise_for_status()
    person = visitor(width=360)
    page = person.open(alliance.link("ballot", MARTA))
    assert "Si approva il programma di lavoro?" in page.locator("main").inner_text()
    groups = page.get_by_role("group")
    assert groups.count() == 2, "her own vote, and that of who delegated her"
    expect(groups.nth(1)).to_contain_text(GRACE)
    for choice in ("Contro", "A favore"):
        page = person.open(alliance.link("ballot", MARTA))
        page.get_by_role("group", name="Ponti").get_by_label(choice).check()
        page.locator("form").first.get_by_role("button", name="Invia il voto").click()
        assert heading(page) == "Voto registrato"
        expect(page.locator("main")).to_contain_text(f"È registrato: {choice.lower()}.")
        person.sound("it")
        branded(page)
    page = person.open(alliance.link("ballot", MARTA))
    expect(page.get_by_role("group", name="Ponti")).to_contain_text("Hai già votato: a favore.")
    assert page.get_by_role("group", name="Ponti").get_by_label("A favore").is_checked()
    person.sound("it")
    assert alliance.get(f"/events/v1/ballots/{alliance.ballot}")["cast"] == 1


# --- the list of representatives -------------------------------------------------------------------------------------


def test_a_list_with_bad_rows_is_refused_with_its_lines_and_a_good_one_keeps_the_commitment(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    person, link = visitor(width=360), alliance.link("representatives", MARTA)
    page = person.open(link)
    before = len(alliance.all("mandates"))
    page.get_by_label("Il file con l'elenco").set_input_files(file("errori.csv", BAD))
    page.get_by_label("Elenco completo").check()
    page.get_by_role("button", name="Invia l'elenco").click()
    expect(page.get_by_role("alert")).to_contain_text("Nessuna riga è stata presa")
    person.complaints = [said for said in person.complaints if "422" not in said]
    table = page.get_by_role("table", name="Che cosa correggere")
    lines = table.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    assert [line.get_by_role("rowheader").inner_text() for line in lines.all()] == ["2", "3"]
    expect(lines.nth(0)).to_contain_text("«bruno.example.org» non è un indirizzo")
    expect(lines.nth(1)).to_contain_text("«Sardenia» non è una regione")
    expect(lines.nth(1).get_by_role("cell", name="Si accetta: Lombardia, 03")).to_be_visible()
    assert "`" not in page.locator("main").inner_text(), "no word for programs"
    person.sound("it")
    branded(page)
    assert len(alliance.all("mandates")) == before
    page.get_by_label("Il file con l'elenco").set_input_files(file("elenco.csv", GOOD))
    page.get_by_label("Elenco completo").check()
    page.get_by_role("button", name="Invia l'elenco").click()
    assert heading(page) == "Grazie: elenco ricevuto"
    said = page.locator("main").inner_text()
    for words in ("Righe lette: 2. Incarichi nuovi: 2.", "l'impegno è assolto", "Bruno Testa", "Sardegna"):
        assert words in said
    person.sound("it")
    assert len(alliance.all("mandates")) == before + 2
    assert alliance.commitment("list_of_representatives", MARTA)["state"] == "fulfilled"


def test_the_link_of_a_list_that_was_taken_asks_for_nothing_more(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    person, link = visitor(width=360), alliance.link("representatives", PAOLO)
    left = person.open(link)  # a second window, open from before
    other = visitor()
    page = other.open(link)
    page.get_by_label("Il file con l'elenco").set_input_files(file("elenco.csv", GOOD.replace("@", ".2@")))
    page.get_by_label("Elenco completo").check()
    page.get_by_role("button", name="Invia l'elenco").click()
    page = other.open(link)
    assert page.get_by_role("button").count() == 0
    expect(page.locator("main")).to_contain_text("Non c'è altro da inviare. Se hai domande, scrivi alla segreteria")
    expect(page.locator("main")).to_contain_text(re.compile(r"assolto il \d+ \w+ \d{4}"))
    other.sound("it")
    left.get_by_label("Il file con l'elenco").set_input_files(file("elenco.csv", GOOD))
    left.get_by_role("button", name="Invia l'elenco").click()
    assert heading(left) == "L'impegno è chiuso"
    branded(left)


def file(name: str, text: str) -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


# --- the commitment, the path, the minutes -----------------------------------------------------------------


@pytest.mark.parametrize(("language", "name"), [("it", MARTA), ("en", GRACE)])
def test_a_commitment_is_declared_done_without_scripts(
    alliance: Alliance, visitor: Callable[..., Visitor], language: str, name: str
) -> None:
    words = {
        "it": ("Come si vede", "Dichiara che è fatto", "Grazie: l'impegno è assolto", "Non c'è altro da fare"),
        "en": ("How one can see", "Declare that it is done", "Thank you: fulfilled", "There is nothing more to do"),
    }[language]
    person = visitor(language, scripts=False)
    page = person.open(alliance.link("commitment", name))
    page.get_by_role("button", name=words[1]).click()
    assert heading(page) == "Resoconto", "not without a word"
    page.get_by_label(words[0]).fill("https://example.org/resoconto.pdf")
    page.get_by_role("button", name=words[1]).click()
    assert heading(page) == words[2]
    page = person.open(alliance.link("commitment", name))
    expect(page.locator("main")).to_contain_text(words[3])
    assert page.get_by_role("button").count() == 0
    assert alliance.commitment("report_of_experiences", name)["state"] == "fulfilled"


@pytest.mark.parametrize(("language", "name"), [("it", PAOLO), ("en", GRACE)])
def test_a_path_is_learnt_step_by_step(
    alliance: Alliance, visitor: Callable[..., Visitor], language: str, name: str
) -> None:
    words = {
        "it": ("Segna come fatta", "Tappe fatte: {} di 2.", "Hai completato il percorso"),
        "en": ("Mark as done", "Steps done: {} of 2.", "You completed the path on"),
    }[language]
    person = visitor(language, width=360)
    page = person.open(alliance.link("enrolment", name))
    for done in range(2):
        expect(page.get_by_role("status")).to_contain_text(words[1].format(done))
        assert page.get_by_role("progressbar").get_attribute("value") == str(done)
        page.get_by_role("button", name=words[0]).first.click()
    expect(page.get_by_role("status")).to_contain_text(words[2])
    assert page.get_by_role("button").count() == 0
    person.sound(language)


def test_minutes_are_read_as_a_page_by_who_may(alliance: Alliance, visitor: Callable[..., Visitor]) -> None:
    person = visitor(width=360)
    address = f"{alliance.story.url}{alliance.minutes}"
    person.context.set_extra_http_headers(dict(alliance.network.secretariat.http.headers) | {"accept": "text/html"})
    page = person.open(address)
    assert heading(page).startswith("Verbale della riunione")
    expect(page.locator(".note")).to_have_text(
        re.compile(r"Verbale n\. 1/\d{4}, approvato \S+ \d+ \w+ \d{4} da chi coordina\.")
    )
    expect(page.get_by_role("region", name="Presenze")).to_contain_text("Davide Sala per Ponti")
    branded(page)
    person.sound("it")


# --- when it is over -------------------------------------------------------------------------------------------------


def test_after_the_meeting_nobody_answers_and_the_result_is_read(
    alliance: Alliance, visitor: Callable[..., Visitor]
) -> None:
    person = visitor("en", width=360)
    left = person.open(alliance.link("rsvp", MARTA))
    alliance.story.until(alliance.story.now() + timedelta(days=6))
    alliance.network.secretariat.acted(f"/events/v1/ballots/{alliance.ballot}/close")
    held(alliance.network, alliance.meeting, present=2)
    left.get_by_label("Yes").check()
    left.get_by_role("button", name="Send the answer").click()
    assert heading(left) == "Answers are no longer taken"
    branded(left)
    page = person.open(alliance.link("rsvp", MARTA), 410)
    assert page.get_by_role("button").count() == 0
    expect(page.locator("main")).to_contain_text("write to the network's secretariat")
    person.complaints.clear()  # the browser's own, of the answer with 410 above
    person.sound("en")
    page = visitor(width=360).open(alliance.link("ballot", MARTA))
    assert page.get_by_role("button").count() == 0
    expect(page.get_by_role("table", name="Risultato")).to_contain_text("Favorevoli")
