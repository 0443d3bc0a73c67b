"""What learning and notify show to whom they wrote to, and to whoever is shown what was learnt: a path with its paper
and its quiz, an assessment, a credential, one's preferences and inbox. One network is founded for all of them; each
flow acts for a person of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from deploy.local.papers import paper
from deploy.local.scenarios import members
from deploy.local.scenarios.alliance import logo
from deploy.local.scenarios.members import Network
from deploy.local.story import Platform, Story
from shared.access import links
from tests.pages.conftest import AS_MOST, Visitor, focused, heading, hours
from tests.system.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TITLE = "Scuola delle reti"
MARTA, PAOLO, GRACE = "Marta Bassi", "Paolo Fontana", "Grace Irving"
LINKS = {
    "enrolment": "/learning/v1/enrolments/link",
    "document": "/learning/v1/documents/link",
    "assessment": "/learning/v1/assessments/link",
    "credential": "/learning/v1/credentials/link",
    "preferences": "/notify/v1/preferences/link",
    "unsubscribe": "/notify/v1/preferences/unsubscribe",
}
"""Page -> path of its mailed link."""
UNITS: list[dict[str, Any]] = [
    {"title": "Chi siamo", "text": "Una **rete** di associazioni:\n\n- Ponti\n- Radici", "minutes": 20},
    {
        "title": "Una giornata al Punto unico di accesso",
        "kind": "video",
        "url": "https://example.org/video",
        "transcript": "Una signora entra e chiede.",
    },
]
QUESTIONS = [
    {
        "kind": "single",
        "text": "Chi convoca la riunione?",
        "options": [{"text": "La segreteria", "right": True}, {"text": "Il Comune", "right": False}],
    },
    {
        "kind": "multiple",
        "text": "Che cosa c'è nella convocazione?",
        "options": [
            {"text": "L'ordine del giorno", "right": True},
            {"text": "Il luogo", "right": True},
            {"text": "Il verbale", "right": False},
        ],
    },
    {"kind": "numeric", "text": "Quanti sono i coordinamenti da costituire?", "value": "4.5"},
]
RIGHT = ("La segreteria", "L'ordine del giorno", "Il luogo")
ITEMS = [
    {"text": "So leggere un piano di zona.", "steps": 5, "lowest": "per niente", "highest": "del tutto"},
    {
        "kind": "choice",
        "text": "Chi adotta il piano di zona?",
        "options": [{"text": "L'Assemblea dei sindaci", "points": 1}, {"text": "La Regione", "points": 0}],
    },
]
TEXT = " ".join(["Le associazioni si conoscono, si dividono i compiti e tornano a vedere che cosa ne è stato."] * 3)


@dataclass
class School:
    """What the pages are about."""

    platform: Stack
    story: Story
    network: Network
    path: str = ""
    document: str = ""
    _links: dict[tuple[str, str], str] = field(default_factory=dict)

    def link(self, page: str, of: str) -> str:
        """The address that a mail to a person brought."""
        if (page, of) not in self._links:
            self._links[page, of] = self.story.link_mailed(self.network.email(of), LINKS[page])
        return self._links[page, of]

    def pages(self, of: str) -> dict[str, str]:
        """What a person can open without signing in."""
        (credential,) = [one for one in self.all("credentials") if one["person"]["name"] == of]
        return {
            **{page: self.link(page, of) for page in LINKS},
            "credential of anybody": f"{self.platform.url}{credential['page']}",
            "document of anybody": f"{self.platform.url}{self.document}/page",
            "open path": f"{self.platform.url}{self.path}/page",
        }

    def all(self, collection: str, service: str = "learning", **params: Any) -> list[Any]:
        return self.network.secretariat.all(self.network.path(collection, service), **params)

    def signed_in(self, person: Visitor, mailbox: str) -> Page:
        """At the desk, by the mailed link."""
        self.story.client().created("/registry/v1/sign-in", {"email": mailbox})
        self.story.settled()
        page = person.open(self.story.link_mailed(mailbox, "/registry/v1/sign-in/link"))
        page.locator("main button").click()
        return page


@pytest.fixture(scope="module")
def school(platform: Stack) -> School:
    story = Story(Platform(platform.url, platform.home / "clock.json", platform.environment), tell=lambda _: None)
    return opened(platform, story)


def opened(platform: Stack, story: Story) -> School:
    network = members.founded(story, "scuola-delle-reti", TITLE)
    made, secretariat = School(platform, story, network), network.secretariat
    files = {"file": ("logo.png", logo())}
    secretariat.changed(f"/registry/v1/networks/{network.slug}/logo", method="PUT", files=files)
    body = {"name": "Gruppo", "kind": "working_group", "composition": "open", "roles": ["member"]}
    group = secretariat.created(network.path("bodies"), body)["id"]
    ponti = {"name": "Ponti", "kind": "informal_group", "state": "active"}
    network.organisations["Ponti"] = secretariat.created(network.path("organisations"), ponti)["id"]
    story.settled()
    taught(made, group)
    for name in (MARTA, PAOLO, GRACE):
        network.mandate(name, "member", "Ponti", body_id=group)
    story.settled()
    told(made, group)
    story.settled()
    return made


def taught(made: School, group: str) -> None:
    """A paper, a quiz, a path of both that begins with a mandate, an open one."""
    network, secretariat = made.network, made.network.secretariat
    about = {"title": "La guida di chi rappresenta", "kind": "guide", "visibility": "public", "description": TEXT}
    guide = ("la-guida-di-chi-rappresenta-nei-tavoli.pdf", paper("La guida", 60_000, TEXT), "application/pdf")
    document = secretariat.uploaded(network.path("documents", "learning"), about, guide)
    made.document = document["href"]
    quiz = {"title": "Che cosa ho capito", "pass_percent": 100, "attempts": 2, "questions": QUESTIONS}
    quiz_id = secretariat.created(network.path("quizzes", "learning"), quiz)["id"]
    secretariat.acted(f"/learning/v1/quizzes/{quiz_id}/publish")
    papers = [
        {"title": "La guida", "kind": "document", "document_id": document["id"]},
        {"title": "Che cosa ho capito", "kind": "quiz", "quiz_id": quiz_id},
    ]
    for path in (
        {"title": "Benvenuti", "enrolment": "rule", "bodies": [group], "due_days": 60, "units": [*UNITS, *papers]},
        {"title": "Che cosa può fare un Comune", "enrolment": "open", "due_days": 30, "units": UNITS},
    ):
        written = secretariat.created(network.path("paths", "learning"), {"audience": "communities", **path})
        secretariat.acted(f"/learning/v1/paths/{written['id']}/publish")
        made.path = f"/learning/v1/paths/{written['id']}"


def told(made: School, group: str) -> None:
    """A revision to whoever follows the paper, an assessment, a credential by hand, news."""
    network, secretariat = made.network, made.network.secretariat
    for name in (MARTA, PAOLO, GRACE):
        made.story.signed_in(network.email(name)).send("POST", f"{made.document}/follow").raise_for_status()
    again = ("guida.pdf", paper("La guida", 61_000, TEXT), "application/pdf")
    secretariat.uploaded(f"{made.document}/editions", {"note": "C'è un capitolo in più."}, again)
    competences = [{"code": "leggere", "title": "Leggere un piano", "items": ITEMS}]
    asked = {"title": "Co-progettare", "competences": competences, "audience": [{"bodies": [group]}]}
    assessment = secretariat.created(network.path("assessments", "learning"), asked)
    closes = hours(made.story, 20, 0)[:10]
    secretariat.acted(f"/learning/v1/assessments/{assessment['id']}/open", {"closes_on": closes})
    badge = {"title": "Referente di rete", "description": TEXT, "criteria": "Ha accolto chi è venuto dopo."}
    achievement = secretariat.created(network.path("achievements", "learning"), badge)["id"]
    for name in (MARTA, PAOLO, GRACE):
        given = {"person_id": network.people[name], "reason": "Ha tenuto il primo incontro."}
        secretariat.created(f"/learning/v1/achievements/{achievement}/credentials", given)
    news = {"title": "Aperto il bando", "text": TEXT, "summary": "Fino a giugno.", "visibility": "network"}
    item = secretariat.created(network.path("news", "learning"), news)
    secretariat.acted(f"/learning/v1/news/{item['id']}/publish")


def branded(page: Page) -> None:
    """The network's name, and its logo: a picture that came."""
    assert TITLE in page.locator("header").inner_text()
    assert TITLE in page.title()
    assert page.evaluate("document.querySelector('header img').naturalWidth") > 0


def in_order(page: Page) -> None:
    """Each heading is at most one level below the one before it."""
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels)), levels


def tab_to(page: Page, selector: str, most: int = 40) -> None:
    """By the keyboard alone, to what is seen to have the focus then."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert focused(page, selector)
            return
    raise AssertionError(f"the keyboard does not come to {selector}")


# --- every page ------------------------------------------------------------------------------------------------------


@AS_MOST
def test_every_page_is_sound(school: School, visitor: Callable[..., Visitor], language: str, width: int) -> None:
    person = visitor(language, width=width)
    for name, address in school.pages(MARTA).items():
        page = person.open(address)
        person.sound(language)
        in_order(page)
        if name != "preferences":  # of all networks
            branded(page)
        for control in page.locator("main :is(input:not([type=hidden]), select, textarea)").all():
            assert control.evaluate("one => one.labels.length"), f"a control without a label: {name}"
        for control in page.locator("main :is(button, a.button, a.plain, label.choice, select):visible").all():
            assert control.evaluate("one => one.getBoundingClientRect().height") >= 44, f"too low to touch: {name}"
        shown = page.locator("main").inner_text()
        assert "None" not in shown
        assert not re.search(r"\bdel (lune|marte|mercole|giove|vener|saba|dome)", shown), "as nobody says it"
    assert person.context.cookies() == []


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_messages_are_sound_as_mails(school: School, visitor: Callable[..., Visitor], language: str) -> None:
    """As a mail program shows them on a phone; a digest is one of them."""
    person = visitor(language, width=360)
    previews = school.network.path("previews", "notify")
    for topic in ("digest", "news-published", "enrolled", "assessment-asked", "credential-issued", "rule"):
        body = {"topic": topic, "language": language}
        made = school.network.secretariat.send("POST", previews, json=body).raise_for_status().json()
        person.page.set_content(made["html"])
        person.sound(language)
        in_order(person.page)
        assert TITLE in person.page.locator("footer").inner_text()
        assert person.page.locator("img.logo").get_attribute("alt") == TITLE
        assert person.page.locator("footer a").count() >= 1, topic
    (newest, *_) = [mail for mail in school.platform.mails(school.network.email(MARTA)) if "bando" in mail["text"]]
    assert "Fino a giugno." in newest["html"]


@pytest.mark.parametrize("page", [page for page in LINKS if page != "enrolment"])
def test_a_link_that_is_over_foreign_or_cut_says_what_to_do_next(
    school: School, visitor: Callable[..., Visitor], page: str
) -> None:
    platform, path = school.platform, LINKS[page]
    key = ECKey.import_key(json.loads((platform.home / "secrets" / "links-key.json").read_text()))

    def minted(purpose: str, hours: int) -> str:
        return links.mint(key, path.split("/")[1], purpose, uuid4(), datetime.now(UTC) + timedelta(hours=hours))

    good = school.link(page, MARTA).partition("token=")[2]
    bad = {
        "over": (410, minted(page, -1), "scadut"),
        "for another page": (400, minted("confirm", 1), "non è valido"),
        "cut": (400, good[: len(good) // 2], "non è valido"),
    }
    person = visitor(width=360)
    for token, (status, value, words) in bad.items():
        shown = person.open(f"{platform.url}{path}?token={value}", status)
        assert re.search(words, heading(shown)), token
        assert re.search("chied|scriv|messaggio", shown.locator("main").inner_text().lower()), "what to do next"
        assert shown.get_by_role("button").count() == 0
    person.sound("it")


def test_a_mail_scanner_that_opens_every_link_does_nothing(school: School) -> None:
    def state() -> Any:
        return [
            [(one["id"], one["version"]) for one in school.all(what)] for what in ("enrolments", "credentials")
        ], httpx.get(school.link("preferences", MARTA), headers={"accept": "application/json"}).json()

    before = state()
    with httpx.Client(headers={"user-agent": "scanner"}) as scanner:
        for name, address in school.pages(MARTA).items():
            opened = [scanner.get(address), scanner.head(address), scanner.get(address)]
            assert [answer.status_code for answer in opened[::2]] == [200, 200], name
            assert all(answer.status_code < 500 and "set-cookie" not in answer.headers for answer in opened), name
            assert name not in LINKS or opened[0].headers["cache-control"] == "no-store", name
    school.story.settled()
    assert state() == before


# --- the path and its quiz -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["it", "en"])
def test_a_quiz_says_what_is_missing_what_was_wrong_and_that_it_is_passed(
    school: School, visitor: Callable[..., Visitor], language: str
) -> None:
    """In Italian on a phone, at first with the keyboard; in English without scripts."""
    words = {
        "it": (
            "Vai al quiz",
            "Inizia il quiz",
            "Consegna",
            "Prova di nuovo",
            "Non superato: 66,66 %",
            "Superato: 100 %",
        ),
        "en": ("Go to the quiz", "Begin", "Hand in", "Try again", "Not passed: 66.66 %", "Passed: 100 %"),
    }[language]
    begin, submit, again = words[1:4]
    person = visitor(language, scripts=language == "it", width=360 if language == "it" else 1200)
    page = person.open(school.link("enrolment", PAOLO if language == "it" else GRACE))
    page.get_by_role("link", name=words[0]).click()
    page.get_by_role("button", name=begin).click()
    expect(page.get_by_role("group")).to_have_count(len(QUESTIONS))
    page.get_by_role("button", name=submit).click()
    alert = page.get_by_role("alert")
    assert alert.get_by_role("link").count() == len(QUESTIONS), "each of them leads to its question"
    alert.get_by_role("link").first.click()
    assert page.locator("fieldset:target").count() == 1
    assert page.locator("[aria-invalid=true]").count() == 1 + 2 + 3
    person.complaints = [said for said in person.complaints if "422" not in said]  # the browser's own
    checked(person, language)
    for number, says in (("4", words[4]), ("4,5" if language == "it" else "4.5", words[5])):
        if page.get_by_role("button", name=again).count():
            page.get_by_role("button", name=again).click()
            expect(page.get_by_role("group")).to_have_count(len(QUESTIONS))
        if language == "it":
            typed(page, number)
        else:
            for answer in RIGHT:
                page.get_by_label(answer).check()
            page.get_by_role("textbox").fill(number)
            page.get_by_role("button", name=submit).click()
        expect(page.get_by_role("status")).to_contain_text(says)
        assert "4.5" not in page.locator("main").inner_text() or says == words[5], "not before the last attempt"
        checked(person, language)
    page.get_by_role("link", name="Torna al percorso" if language == "it" else "Back to the path").click()
    expect(page.get_by_role("status")).to_contain_text("1 di 4" if language == "it" else "1 of 4")
    person.complaints.clear()


def checked(person: Visitor, language: str) -> None:
    """As every page is, where scripts run: which axe needs, and the pages do not."""
    if language == "it":
        in_order(person.page)
        person.sound(language)


def typed(page: Page, number: str) -> None:
    """Answers by the keyboard alone, in whatever order the questions are this time."""
    page.locator("main").focus()  # where the first link of the page leads
    for _ in range(20):
        page.keyboard.press("Tab")
        what, label, on = in_focus(page)
        while what == "radio" and label not in RIGHT:  # arrows go round within a question
            page.keyboard.press("ArrowDown")
            what, label, on = in_focus(page)
        if what == "radio" or (what == "checkbox" and (label in RIGHT) != on):
            page.keyboard.press("Space")
        elif what == "decimal":
            page.keyboard.press("Control+A")
            page.keyboard.type(number)
        elif what == "submit":
            page.keyboard.press("Enter")
            return
    raise AssertionError("the keyboard does not come to the button")


def in_focus(page: Page) -> tuple[str, str, bool]:
    """What has the focus: its kind, its label, whether it is checked."""
    kind, label, checked_ = page.evaluate(
        "(one => [one.inputMode || one.type || one.tagName, one.labels?.[0]?.innerText?.trim(), one.checked])"
        "(document.activeElement)"
    )
    return kind, label, checked_


# --- the assessment, the credential ----------------------------------------------------------------------------------


def test_an_assessment_is_put_off_completed_and_changed(school: School, visitor: Callable[..., Visitor]) -> None:
    person = visitor(width=360)
    page = person.open(school.link("assessment", PAOLO))
    page.get_by_label("3", exact=True).check()
    page.get_by_role("button", name="Invia le risposte").click()
    alert = page.get_by_role("alert")
    assert alert.get_by_role("link").count() == 1, "what is missing"
    alert.get_by_role("link").click()
    assert page.locator("fieldset:target").inner_text().startswith("Chi adotta il piano di zona?")
    assert page.get_by_label("3", exact=True).is_checked(), "what was chosen stays"
    person.complaints = [said for said in person.complaints if "422" not in said]  # the browser's own
    person.sound("it")
    page.get_by_role("button", name="Conserva e continua più tardi").click()
    expect(page.get_by_role("status")).to_be_visible()
    page = person.open(school.link("assessment", PAOLO))
    assert page.get_by_label("3", exact=True).is_checked()
    tab_to(page, "fieldset:nth-of-type(2) input")
    page.keyboard.press("Space")
    tab_to(page, "button[value=send]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    person.sound("it")
    page = person.open(school.link("assessment", PAOLO))
    assert page.locator("input:checked").count() == 2
    expect(page.locator("main")).to_contain_text("Hai risposto")
    english = visitor("en", scripts=False).open(school.link("assessment", GRACE))
    english.get_by_role("button", name="Send").click()
    assert english.get_by_role("alert").get_by_role("link").count() == 2


@pytest.mark.parametrize(("language", "scripts"), [("it", True), ("en", False)])
def test_the_holder_of_a_credential_says_whether_their_name_is_shown(
    school: School, visitor: Callable[..., Visitor], language: str, scripts: bool
) -> None:
    person = visitor(language, scripts=scripts, width=360)
    public = school.pages(GRACE)["credential of anybody"]
    names = {"it": ("Mostra il mio nome", "Non mostrare"), "en": ("Show my name", "Do not show")}[language]
    page = person.open(school.link("credential", GRACE))
    page.get_by_role("button", name=names[0]).press("Enter")
    expect(page.locator(".success")).to_be_visible()
    if scripts:
        person.sound(language)
    expect(person.open(public).locator("main")).to_contain_text(GRACE)
    page = person.open(school.link("credential", GRACE))
    page.get_by_role("button", name=names[1]).click()
    expect(page.locator(".success")).to_be_visible()
    expect(person.open(public).locator("main")).not_to_contain_text(GRACE)
    branded(page)


# --- what one is told, and how ---------------------------------------------------------------------------------------


def test_preferences_are_chosen_and_kept(school: School, visitor: Callable[..., Visitor]) -> None:
    """With the keyboard in Italian, without scripts in English, for one network alone."""
    person, link = visitor(width=360), school.link("preferences", PAOLO)
    page = person.open(link)
    tab_to(page, "select[name^='email:']")
    page.keyboard.press("ArrowDown")
    name, chosen = page.evaluate("[document.activeElement.name, document.activeElement.value]")
    assert chosen
    tab_to(page, "[name=quiet]", most=80)
    page.keyboard.press("Space")
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Le tue scelte sono salvate.")
    person.sound("it")
    page = person.open(link)
    assert page.locator(f"select[name='{name}']").input_value() == chosen
    assert page.locator("[name=quiet]").is_checked()
    plain = visitor("en", scripts=False).open(school.link("preferences", GRACE))
    plain.get_by_role("link", name=TITLE).click()
    expect(plain.locator("main")).to_contain_text(f"Here you choose for {TITLE} only")
    plain.get_by_label("By mail: Training").select_option(index=2)
    plain.get_by_role("button", name="Save the choices").click()
    expect(plain.get_by_role("status")).to_have_text("Your choices are saved.")
    branded(plain)


@pytest.mark.parametrize(("language", "scripts"), [("it", True), ("en", False)])
def test_the_way_out_asks_acts_and_takes_back(
    school: School, visitor: Callable[..., Visitor], language: str, scripts: bool
) -> None:
    asks, goes, undoes = {
        "it": ("Non ricevere più questi messaggi?", "Fatto: non riceverai", "Fatto: li ricevi di nuovo"),
        "en": ("Get no more messages like this?", "Done: you get no more", "Done: you get them again"),
    }[language]
    person, link = visitor(language, scripts=scripts, width=360), school.link("unsubscribe", GRACE)
    for _ in range(2):
        assert heading(person.open(link)) == asks, "opening does nothing"
    for says in (goes, undoes):
        person.page.get_by_role("button").press("Enter")
        assert heading(person.page).startswith(says)
        branded(person.page)
        if scripts:
            person.sound(language)


# --- at the desk -----------------------------------------------------------------------------------------------------


def test_who_signs_in_enrols_in_an_open_path_and_reads_their_messages(
    school: School, visitor: Callable[..., Visitor]
) -> None:
    person = visitor(width=360)
    page = school.signed_in(person, school.network.email(MARTA))
    page = person.open(f"{school.platform.url}{school.path}/page")
    page.get_by_role("link", name="Iscriviti").click()
    person.sound("it")
    page.get_by_role("button", name="Iscriviti").click()
    expect(page.locator("main")).to_contain_text("Il collegamento alle tappe arriva per posta.")
    person.sound("it")
    school.story.settled()
    inbox = f"{school.platform.url}/notify/v1/inbox/page"
    page = person.open(inbox)
    waiting = page.locator(".messages .tag").count()
    assert waiting > 3
    expect(page.get_by_role("status")).to_have_text(f"Da leggere: {waiting}.")
    person.sound("it")
    in_order(page)
    page.locator(".messages a", has_text="Aperto il bando").click()
    expect(page.locator(".written")).to_contain_text("Fino a giugno.")
    assert page.locator(".written a").count() > 0
    person.sound("it")
    branded(page)
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(f"Da leggere: {waiting - 1}.")
    page.get_by_role("link", name="Solo da leggere").click()
    assert page.locator(".messages > li").count() == waiting - 1
    page.set_viewport_size({"width": 1200, "height": 760})
    page.get_by_role("button", name="Segna tutto come letto").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Hai letto tutto.")
    assert page.locator(".messages .tag").count() == 0
    person.sound("it")
    plain = visitor("en", scripts=False)
    school.signed_in(plain, school.network.email(GRACE))
    page = plain.open(inbox)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("status")).to_have_text("You have read everything.")


@AS_MOST
def test_the_journey_of_a_mandate_is_read_at_the_desk(
    school: School, visitor: Callable[..., Visitor], language: str, width: int
) -> None:
    person = visitor(language, width=width)
    school.signed_in(person, school.network.mailbox)
    told = school.all("deliveries", "notify", topic="mandate-given")[0]
    page = person.open(f"{school.platform.url}/notify/v1/journeys/{told['correlation']}/page")
    assert page.locator(".timeline li").count() >= 3
    person.sound(language)
    in_order(page)
    branded(page)
