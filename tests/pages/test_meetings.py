"""The pages of a meeting from the first question to the report: those that mails bring, those of the door, those that
are everybody's. One network is founded for all of them; the tests go on with it in the order of its days."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from deploy.local.scenarios import members
from deploy.local.scenarios.members import Network, held, meeting
from deploy.local.story import Platform, Story
from shared.access import links
from tests.pages.conftest import AS_MOST, Visitor, focused, heading, hours
from tests.system.stack import Stack, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TITLE = "Rete delle riunioni"
MARTA, PAOLO, GRACE = "Marta Bassi", "Paolo Fontana", "Grace Irving"
ASSOCIATIONS = {MARTA: "Ponti", PAOLO: "Radici", GRACE: "Sentieri"}
LINKS = {
    "poll": "/events/v1/polls/link",
    "rsvp": "/events/v1/rsvp/link",
    "code": "/events/v1/check-in/link",
    "grid": "/events/v1/ballots/link",
    "approval": "/events/v1/minutes/approval/link",
    "synthesis": "/events/v1/syntheses/link",
}
"""Page -> path of its mailed link."""
GRID = {
    "fields": ["Abitare", "Lavoro", "Cura", "Cultura"],
    "needs": ["Spazi", "Competenze", "Volontari", "Liquidità", "Relazioni", "Dati"],
    "resources": ["Bandi regionali", "Fondazioni", "Imprese", "Autofinanziamento", "Fondi europei"],
}
AGENDA = [{"title": "Bilancio di previsione", "minutes": 45}, {"title": "Varie"}]
SYNTHESIS = "## Energie\n\nI volontari formati ci sono.\n\n- otto a Lecco\n- tre a Como"
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@dataclass
class Committee:
    """A committee with one meeting behind it, of which minutes and a report are made, and one ahead that is public."""

    platform: Stack
    story: Story
    network: Network
    body: str = ""
    meeting: str = ""
    poll: str = ""
    ballot: str = ""
    minutes: str = ""
    report: str = ""
    registration: str = ""
    _links: dict[tuple[str, str], str] = field(default_factory=dict)

    def link(self, page: str, of: str) -> str:
        """The address that the mail to a person brought."""
        if (page, of) not in self._links:
            mailbox = self.network.email(of)
            self._links[page, of] = self.story.link_mailed(mailbox, LINKS[page])
        return self._links[page, of]

    def public(self) -> dict[str, str]:
        """What everybody may open."""
        url = self.platform.url
        return {
            "open": f"{url}/events/public?network={self.network.slug}",
            "meeting": f"{url}/events/public/{self.meeting}",
            "register": f"{url}/events/v1/registrations/{self.meeting}",
            "manage": self.registration,
            "report": f"{url}{self.report}",
        }

    def every(self, of: str) -> dict[str, str]:
        """What a person can open without signing in."""
        return {**{page: self.link(page, of) for page in LINKS}, **self.public()}

    def get(self, path: str) -> Any:
        return self.network.secretariat.get(f"/events/v1/{path}")

    def all(self, path: str) -> list[Any]:
        return self.network.secretariat.all(f"/events/v1/{path}")

    def invitations(self) -> dict[str, Any]:
        return {one["person"]["name"]: one for one in self.all(f"meetings/{self.meeting}/invitations")}

    def state(self) -> Any:
        """All that the pages could act upon."""
        return (
            self.all(f"polls/{self.poll}/requests"),
            self.invitations(),
            self.get(f"ballots/{self.ballot}"),
            self.get(f"meetings/{self.meeting}/attendance"),
            self.get(f"meetings/{self.meeting}/public-places"),
            self.all(f"meetings/{self.meeting}/registrations"),
            self.all(f"minutes/{self.minutes}/approvals"),
        )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A platform of its own: here days pass."""
    with running(tmp_path_factory.mktemp("meetings") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def committee(platform: Stack) -> Committee:
    story = Story(Platform(platform.url, platform.home / "clock.json", platform.environment), tell=lambda _: None)
    made = Committee(platform, story, members.founded(story, "rete-delle-riunioni", TITLE))
    seated(made)
    past = programmed(made)
    ahead(made)
    asked(made)
    synthesised(made)
    story.until(story.now().replace(hour=12, minute=5))
    remembered(made, *past)
    story.settled()
    return made


def seated(made: Committee) -> None:
    """Three associations with their referents in a committee, whose minutes are approved by who was there."""
    network, secretariat = made.network, made.network.secretariat
    for name in ASSOCIATIONS.values():
        body = {"name": name, "kind": "informal_group", "state": "active"}
        network.organisations[name] = secretariat.created(network.path("organisations"), body)["id"]
    kind = {"kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"], "proxies": 1}
    made.body = secretariat.created(network.path("bodies"), {"name": "Comitato", **kind})["id"]
    for name, organisation in ASSOCIATIONS.items():
        network.mandate(name, "referent", organisation, body_id=made.body)
        network.mandate(name, "representative", organisation, territory="03")
    network.story.settled()
    rule = {"approval": "attendees", "share": {"numerator": 1, "denominator": 1}, "days": 3, "silence": False}
    secretariat.changed(f"/events/v1/bodies/{made.body}/minutes-rule", rule, method="PUT")


def programmed(made: Committee) -> tuple[str, str]:
    """A programme and its first meeting, at noon."""
    network, story, secretariat = made.network, made.story, made.network.secretariat
    days = {"since": story.today(), "last_day": hours(story, 300, 0)[:10]}
    frame = {"title": "Palestre di capacità", **days, "bodies": [made.body]}
    series = secretariat.created(network.path("series", "events"), frame)["id"]
    secretariat.acted(f"/events/v1/series/{series}/adopt")
    ends = hours(story, 0, 13)
    return series, meeting(network, "Il primo incontro", made.body, hours(story, 0, 12), ends, series_id=series)["id"]


def ahead(made: Committee) -> None:
    """A meeting in five days with one place for those who are invited, and two for everybody."""
    network, story, secretariat = made.network, made.story, made.network.secretariat
    place = {"mode": "hybrid", "place": "Roma, via dei Mille 1", "agenda": AGENDA, "capacity": 1}
    told = {"open_to_public": True, "description": "Che cosa fa la rete, e che cosa può fare con te."}
    starts, ends = hours(story, 5, 17), hours(story, 5, 19)
    made.meeting = meeting(network, "La rete si presenta", made.body, starts, ends, **place, **told)["id"]
    secretariat.changed(f"/events/v1/meetings/{made.meeting}/public-places", {"places": 2}, method="PUT")
    sent = story.client().send(
        "POST",
        f"/events/v1/registrations/{made.meeting}",
        data={"name": "Ugo Neri", "email": "ugo.neri@example.org", "organisation": "Circolo Aurora"},
        headers={"Accept": "application/json"},
    )
    assert sent.status_code == 201, sent.text
    made.registration = sent.json()["manage_url"]


def asked(made: Committee) -> None:
    """When to meet next, and what helps most."""
    network, story, secretariat = made.network, made.story, made.network.secretariat
    options = [{"starts_at": hours(story, days, 17), "ends_at": hours(story, days, 19)} for days in (5, 12, 14)]
    body = {"title": "Comitato di primavera", "body_id": made.body, "options": options}
    closes = {"closes_at": hours(story, 3, 18)}
    made.poll = secretariat.created(network.path("polls", "events"), {**body, **closes})["id"]
    question = {"question": "Che cosa aiuta di più, campo per campo?", "kind": "grid", "grid": GRID}
    call = {**question, "roles": ["referent"], "closes_at": hours(story, 4, 18)}
    made.ballot = secretariat.created(network.path("ballots", "events"), call)["id"]


def synthesised(made: Committee) -> None:
    network, secretariat = made.network, made.network.secretariat
    themes = [
        {"code": "energies", "it": "Energie", "en": "Energies"},
        {"code": "tools", "it": "Strumenti", "en": "Tools"},
    ]
    body = {"title": "Fase 1", "question": "Che cosa c'è già?", "body_id": made.body, "themes": themes}
    path = f"/events/v1/collections/{secretariat.created(network.path('collections', 'events'), body)['id']}"
    secretariat.acted(f"{path}/open")
    said = {"theme": "energies", "text": "Ci sono i volontari.", "person_id": network.people[PAOLO]}
    given = secretariat.created(f"{path}/contributions", said)
    secretariat.created(f"{path}/tags", {"items": [{"contribution_id": given["id"], "tags": ["strength"]}]})
    text = {"title": "Sintesi della prima fase", "text": SYNTHESIS}
    synthesis = secretariat.created(f"{path}/synthesis", text)
    secretariat.acted(f"/events/v1/syntheses/{synthesis['id']}/issue")


def remembered(made: Committee, series: str, past: str) -> None:
    """The first meeting is held; its minutes are to be approved, its report is everybody's."""
    secretariat = made.network.secretariat
    held(made.network, past)
    made.minutes = secretariat.created(f"/events/v1/meetings/{past}/minutes", {})["id"]
    secretariat.acted(f"/events/v1/minutes/{made.minutes}/submit")
    report = secretariat.created(f"/events/v1/series/{series}/reports", {})
    made.report = secretariat.acted(f"/events/v1/reports/{report['id']}/release")["public_href"]


def said(page: Page) -> str:
    return page.locator("main").inner_text()


def tabbed(page: Page, selector: str, within: int = 12) -> None:
    """Goes on with the keyboard until the focus is there, and seen."""
    for _ in range(within):
        page.keyboard.press("Tab")
        if focused(page, selector):
            return
    raise AssertionError(f"{selector} is not reached with {within} tabs")


# --- every page ------------------------------------------------------------------------------------------------------


@AS_MOST
def test_every_page_is_sound_and_bears_the_networks_name(
    committee: Committee, visitor: Callable[..., Visitor], language: str, width: int
) -> None:
    person = visitor(language, width=width)
    pages = committee.every(MARTA)
    if language == "en":
        del pages["grid"]  # the longest of all is looked at below
    for name, address in pages.items():
        page = person.open(address)
        person.sound("it" if name == "report" else language)  # which is a document in its own language
        assert TITLE in page.locator("header").inner_text(), name
        unnamed = page.locator("main :is(input:not([type=hidden]), select, textarea):visible").evaluate_all(
            "all => all.filter(one => !one.labels.length).map(one => one.outerHTML)"
        )
        assert unnamed == [], f"a control without a label: {address}"
        low = page.locator("main :is(button, label.choice, select)").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
        )
        assert low == [], f"too low to touch: {address}"


def test_a_mail_scanner_that_opens_every_link_does_nothing(committee: Committee) -> None:
    before = committee.state()
    addresses = {address for person in ASSOCIATIONS for address in committee.every(person).values()}
    with httpx.Client(headers={"user-agent": "scanner"}) as scanner:
        for address in addresses:
            answers = [scanner.get(address), scanner.head(address), scanner.get(address)]
            assert [answer.status_code for answer in answers[::2]] == [200, 200], address
            assert all(answer.status_code < 500 and "set-cookie" not in answer.headers for answer in answers)
            if "token=" in address or "code=" in address:
                assert answers[0].headers["cache-control"] == "no-store"
    committee.story.settled()
    assert committee.state() == before


# --- when to meet ----------------------------------------------------------------------------------------------------


def test_the_dates_of_a_poll_are_answered_with_the_keyboard_without_scripts(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    page = visitor(width=360, scripts=False).open(committee.link("poll", PAOLO))
    assert heading(page) == "Quando? Comitato di primavera"
    expect(page.locator("main")).to_contain_text("Non hai ancora risposto.")
    dates = page.get_by_role("group")
    expect(dates.nth(0)).to_contain_text("In quell'orario l'organo ha già: La rete si presenta.")
    tabbed(page, "fieldset:nth-of-type(1) input")
    for place, answer in enumerate(("no", "yes", "if_need_be")):
        page.keyboard.press("Space")
        for _ in range(("yes", "if_need_be", "no").index(answer)):
            page.keyboard.press("ArrowDown")
        assert dates.nth(place).locator(":checked").get_attribute("value") == answer
        page.keyboard.press("Tab")
    assert focused(page, "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Le risposte sono registrate.")
    (own,) = [one for one in committee.all(f"polls/{committee.poll}/requests") if one["person"]["name"] == PAOLO]
    assert [one["answer"] for one in own["answers"]] == ["no", "yes", "if_need_be"]


def test_a_poll_that_is_half_answered_marks_what_is_missing(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    person = visitor("en", width=360)
    page = person.open(committee.link("poll", GRACE))
    page.locator("form").evaluate("form => form.noValidate = true")
    page.get_by_role("group").nth(1).get_by_label("If need be").check()
    page.get_by_role("button", name="Send the answers").click()
    expect(page.get_by_role("alert")).to_contain_text("Some answers are missing")
    person.complaints.clear()  # the browser's own, of the answer with 422
    assert page.locator("fieldset .error").all_inner_texts() == ["Choose an answer"] * 2
    assert page.get_by_role("group").nth(1).get_by_label("If need be").is_checked(), "what was chosen stays"
    person.sound("en")


# --- the invitation --------------------------------------------------------------------------------------------------


def test_who_says_yes_when_the_places_are_taken_waits_until_one_falls_free(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    person = visitor(width=360)
    answered(person.open(committee.link("rsvp", MARTA)), "Sì", "La risposta è registrata: Sì.")
    page = answered(person.open(committee.link("rsvp", PAOLO)), "Sì", "sì, in lista d'attesa")
    expect(page.locator("main")).to_contain_text("Per ora i posti sono finiti: sei in lista d'attesa")
    person.sound("it")
    assert [committee.invitations()[one]["waiting"] for one in (MARTA, PAOLO)] == [False, True]
    answered(person.open(committee.link("rsvp", MARTA)), "Forse", "Forse")
    page = person.open(committee.link("rsvp", PAOLO))
    expect(page.locator("main")).not_to_contain_text("lista d'attesa")
    assert not committee.invitations()[PAOLO]["waiting"]


def answered(page: Page, choice: str, told: str) -> Page:
    page.get_by_label(choice, exact=True).check()
    page.get_by_role("button", name="Invia la risposta").click()
    expect(page.get_by_role("status")).to_contain_text(told)
    return page


def test_an_invitation_that_expired_offers_another_link(committee: Committee, visitor: Callable[..., Visitor]) -> None:
    key = ECKey.import_key(json.loads((committee.platform.home / "secrets" / "links-key.json").read_text()))
    invitation = UUID(committee.invitations()[GRACE]["id"])
    old = links.mint(key, "events", "rsvp", invitation, datetime.now(UTC) - timedelta(hours=1))
    person, before = visitor(width=360), committee.link("rsvp", GRACE)
    page = person.open(f"{committee.platform.url}{LINKS['rsvp']}?token={old}", 410)
    assert "scadut" in heading(page)
    assert "La rete si presenta" not in said(page), "whoever holds an old link is told nothing of the meeting"
    person.sound("it")
    tabbed(page, "main button", 3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Controlla la posta")
    committee.story.settled()
    fresh = committee.story.link_mailed(committee.network.email(GRACE), LINKS["rsvp"])
    assert fresh != before
    page = visitor("en", scripts=False).open(fresh)
    page.get_by_label("No", exact=True).check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status")).to_contain_text("The answer is recorded: No.")
    assert committee.invitations()[GRACE]["answer"] == "no"


# --- 120 cells -------------------------------------------------------------------------------------------------------


def test_a_grid_of_120_cells_is_drafted_mended_and_cast_on_a_phone_without_scripts(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    person, link = visitor(width=360, scripts=False), committee.link("grid", MARTA)
    page = person.open(link)
    assert page.locator("main select").count() == 120
    page.locator("[name='1.1.1']").select_option("10")
    page.locator("[name='4.6.5']").select_option(label="Nessuna opinione")
    page.get_by_role("button", name="Salva la bozza").first.click()
    expect(page.get_by_role("status")).to_contain_text("La bozza è salvata: 2 celle su 120.")
    page = person.open(link)
    expect(page.get_by_role("status")).to_contain_text("Hai ripreso la bozza: 2 celle su 120.")
    assert page.locator("[name='1.1.1']").input_value() == "10", "another day it goes on"
    assert committee.get(f"ballots/{committee.ballot}")["cast"] == 0, "a draft is no vote"
    page.get_by_role("button", name="Invia la scheda").click()
    expect(page.get_by_role("alert")).to_contain_text("Mancano 118 celle su 120")
    assert page.locator(".score.missing").count() == 118
    assert page.evaluate(FITS)
    # a score that no choice offers, as an old or a meddling browser sends it
    cell = page.locator("[name='2.3.4']")
    cell.evaluate("one => one.add(new Option('11', '11', true, true))")
    page.get_by_label("Lascio vuote le celle che mancano").check()
    page.get_by_role("button", name="Invia la scheda").click()
    wrong = page.get_by_role("alert").get_by_role("link")
    expect(wrong).to_have_text(["Lavoro, Volontari: Autofinanziamento"])
    assert cell.get_attribute("aria-invalid") == "true"
    assert page.locator(f"[id='{cell.get_attribute('aria-describedby')}']").inner_text().startswith("Un numero intero")
    wrong.press("Enter")
    assert page.url.endswith("#c2.3.4"), "the message leads to the cell"
    assert committee.get(f"ballots/{committee.ballot}")["cast"] == 0, "nothing was taken"
    cell.select_option("7")
    page.get_by_role("button", name="Invia la scheda").click()
    page.get_by_label("Lascio vuote le celle che mancano").check()
    page.get_by_role("button", name="Invia la scheda").click()
    expect(page.locator("main")).to_contain_text("È registrata la tua scheda: 3 celle su 120.")
    assert committee.get(f"ballots/{committee.ballot}")["cast"] == 1


def test_a_grid_is_gone_through_with_the_keyboard(committee: Committee, visitor: Callable[..., Visitor]) -> None:
    person = visitor("en", width=360)
    page = person.open(committee.link("grid", GRACE))
    tabbed(page, "[name='1.1.1']", 4)
    for score in ("8", "3"):
        page.keyboard.type(score)
        page.keyboard.press("Tab")
    assert focused(page, "[name='1.1.3']"), "a cell after the other"
    assert [page.locator(f"[name='1.1.{n}']").input_value() for n in (1, 2)] == ["8", "3"]
    page.get_by_role("button", name="Send the paper").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("118 cells of 120 are empty")
    person.complaints.clear()  # the browser's own, of the answer with 422
    person.sound("en")


# --- minutes and synthesis -------------------------------------------------------------------------------------------


def test_minutes_are_approved_or_objected_to_with_a_reason(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    page = visitor("en", scripts=False).open(committee.link("approval", GRACE))
    page.get_by_label("They are right").check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status")).to_have_text("Your answer is recorded.")
    person = visitor(width=360)
    page = person.open(committee.link("approval", PAOLO))
    for words in ("Il primo incontro", "Marta Bassi per Ponti", "Si risponde fino a"):
        assert words in said(page), words
    tabbed(page, "[value=approve]", 6)
    page.keyboard.press("ArrowDown")
    assert page.locator(":checked").get_attribute("value") == "object"
    page.keyboard.press("Tab")
    assert focused(page, "textarea")
    page.get_by_role("button", name="Invia la risposta").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Che cosa non va")).to_have_accessible_description(re.compile("Manca il motivo"))
    person.complaints.clear()  # the browser's own, of the answer with 422
    person.sound("it")
    page.get_by_label("Che cosa non va").fill("Manca il nome di chi presiedeva.")
    page.get_by_role("button", name="Invia la risposta").click()
    expect(page.get_by_role("status")).to_have_text("La risposta è registrata.")
    given = {one["person"]["name"]: one["state"] for one in committee.all(f"minutes/{committee.minutes}/approvals")}
    assert (given[GRACE], given[PAOLO]) == ("approved", "objected")
    assert committee.get(f"minutes/{committee.minutes}")["state"] != "approved"


def test_a_synthesis_is_read_with_its_counts_and_taken_as_a_pdf(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    page = visitor(width=360, scripts=False).open(committee.link("synthesis", GRACE))
    assert page.locator("main li").all_inner_texts()[:2] == ["otto a Lecco", "tre a Como"]
    table = page.get_by_role("table")
    expect(table.get_by_role("row", name="Energie")).to_contain_text("1")
    href = page.get_by_role("link", name="PDF").get_attribute("href")
    pdf = httpx.get(f"{committee.platform.url}{href}").raise_for_status()
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")


# --- everybody -------------------------------------------------------------------------------------------------------


def test_somebody_from_outside_finds_a_meeting_registers_and_gives_the_place_up(
    committee: Committee, visitor: Callable[..., Visitor]
) -> None:
    person = visitor(width=360, scripts=False)
    page = person.open(committee.public()["open"])
    page.get_by_role("link", name="La rete si presenta").press("Enter")
    assert heading(page) == "La rete si presenta"
    assert "https://meet.example.org" not in page.content(), "how to join is for who has a place"
    page.get_by_role("link", name="Iscriviti").press("Enter")
    expect(page.locator("main")).to_contain_text("Resta 1 posto.")
    assert "Garante" in said(page), "what becomes of the data is said before"
    tabbed(page, "[name=name]", 3)
    page.keyboard.type("Ada Verdi")
    page.keyboard.press("Tab")
    page.keyboard.type("ada@verdi")
    page.keyboard.press("Enter")
    wrong = page.get_by_role("alert").get_by_role("link")
    expect(wrong).to_have_text("Scrivi un indirizzo completo, come nome@esempio.it, oppure lascia vuoto.")
    assert page.get_by_label("Nome e cognome").input_value() == "Ada Verdi", "what was written stays"
    page.get_by_label("E-mail").fill("")
    page.get_by_role("button", name="Iscriviti").click()
    expect(page.get_by_role("status")).to_contain_text("Hai un posto.")
    assert page.locator("main img[alt^='Codice QR']").evaluate("one => one.naturalWidth") > 0
    mine = page.url
    page = visitor("en", scripts=False).open(committee.public()["register"])
    expect(page.locator("main")).to_contain_text("There are no more places")
    page.get_by_label("Name", exact=True).fill("Ivo Bianchi")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("status")).to_contain_text("You are waiting for a place: the next one is yours.")
    expect(page.locator("main")).to_contain_text("You will leave the waiting list")
    left = person.open(mine)
    left.get_by_role("button", name="Annulla l'iscrizione").press("Enter")
    expect(left.get_by_role("status")).to_contain_text("i tuoi dati sono cancellati")
    assert "Ada" not in said(left)
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("You have a place.")


# --- the door --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(committee: Committee) -> Committee:
    """The day has come; polls and ballots are over."""
    committee.every(MARTA)
    starts = datetime.fromisoformat(committee.get(f"meetings/{committee.meeting}")["starts_at"])
    committee.story.until(starts + timedelta(minutes=1))
    return committee


def test_a_code_is_shown_to_who_comes_and_read_by_who_is_at_the_door(
    begun: Committee, visitor: Callable[..., Visitor]
) -> None:
    code = begun.link("code", MARTA)
    shown = visitor("en", width=360).open(code)
    assert heading(shown) == "Your code for the door"
    drawn = shown.locator("main svg[role=img]").bounding_box()
    assert drawn is not None
    assert drawn["width"] >= 200, "large enough to be read"
    assert shown.get_by_role("button").count() == 0, "who comes records nothing"
    staff = visitor(width=360)
    page = at_door(begun, staff, code)
    assert page.url == code, "back at the code after signing in"
    expect(page.locator("main")).to_contain_text(MARTA)
    assert page.get_by_label("Di persona").is_checked(), "the likeliest"
    staff.sound("it")
    tabbed(page, "main [name=mode]", 8)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(f"Registrato: {MARTA} è presente.")
    page = staff.open(code)
    expect(page.get_by_role("status")).to_contain_text("Era già registrato")
    assert page.get_by_role("button", name="Registra").count() == 0
    page.get_by_role("link", name="Vai all'elenco delle presenze").click()
    recorded_at_door(begun, staff)
    walked_in(begun, staff)


def at_door(begun: Committee, staff: Visitor, code: str) -> Page:
    """Signs the secretariat in, on the way from a code."""
    page, mailbox = staff.open(code), begun.network.mailbox
    page.get_by_role("link", name="Accedi").click()
    page.get_by_role("textbox").fill(mailbox)
    page.get_by_role("button", name="Mandami il collegamento").click()
    begun.story.settled()
    page.goto(begun.story.link_mailed(mailbox, "/registry/v1/sign-in/link"))
    page.get_by_role("button", name="Entra").click()
    return page


def recorded_at_door(begun: Committee, staff: Visitor) -> None:
    """Who has no code is found by name; the figures follow."""
    page = staff.page
    assert heading(page) == "Presenze: La rete si presenta"
    expect(page.get_by_role("heading", name="Numero legale")).to_contain_text("manca 1")
    staff.sound("it")
    page.get_by_role("searchbox").fill("fontana")
    page.keyboard.press("Enter")
    expect(page.locator("main h3")).to_have_text(["Paolo Fontana – Radici"])
    page.get_by_role("button", name=f"A distanza – {PAOLO}").press("Enter")
    expect(page.get_by_role("status")).to_have_text(f"Registrato: {PAOLO}, a distanza.")
    expect(page.get_by_role("heading", name="Numero legale")).to_contain_text("raggiunto")
    page.get_by_role("link", name="Mostra tutti").click()
    expect(page.locator("main h3")).to_have_count(3)
    quorum = begun.get(f"meetings/{begun.meeting}/quorum")
    assert (quorum["present"], quorum["needed"], quorum["reached"]) == (2, 2, True)
    page.get_by_role("link", name="Aggiorna da sola").click()
    expect(page.locator("meta[http-equiv=refresh]")).to_have_attribute("content", "10")


def walked_in(begun: Committee, staff: Visitor) -> None:
    """Who registered from outside shows the code of their page."""
    page = staff.open(begun.registration)
    page.get_by_role("button", name="Registra la presenza").press("Enter")
    expect(page.get_by_role("status")).to_have_text("La presenza è registrata.")
    staff.sound("it")
    (came,) = [one for one in begun.all(f"meetings/{begun.meeting}/registrations") if one["name"] == "Ugo Neri"]
    assert came["attended"]


def test_what_is_over_says_what_came_of_it(begun: Committee, visitor: Callable[..., Visitor]) -> None:
    person = visitor(width=360)
    page = person.open(begun.link("grid", PAOLO))
    assert page.get_by_role("button").count() == 0
    expect(page.locator("main")).to_contain_text("Si è votato fino a")
    expect(page.get_by_role("row", name="Tutti")).to_contain_text("1 su 3")
    person.sound("it")
    page = person.open(begun.link("poll", GRACE), 410)
    assert page.get_by_role("button").count() == 0
    person.sound("it")
    page = person.open(begun.public()["register"], 410)
    assert heading(page) == "Le iscrizioni sono chiuse"
