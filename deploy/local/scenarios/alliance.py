"""Scenario A: the Alleanza per le Case della comunità, from its members' commitments to its regional coordinations.

Six months of the alliance in one pass of the clock. Who took part and what was decided on 12 September 2024 is told by
the alliance itself; the days, the people and the regions that follow are invented to make the case complete.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from PIL import Image, ImageDraw

from deploy.local.scenarios import coordinations, founders
from deploy.local.scenarios.members import Network, held, meeting, minuted
from deploy.local.story import Story, at, header

TITLE = "L'Alleanza per le Case della comunità, da settembre 2024 a marzo 2025"
COMMITTEE = "Comitato Esecutivo Nazionale"
LAST = "Prima"
"""The founder whose referent is named last, so that its seat is seen vacant."""
PROMPT = "CSVnet"
"""The founder that sends its list of representatives at once."""
LIST = [
    ("Bruno Testa", "Puglia"),
    ("Caterina Villani", "Piemonte"),
    ("Dario Esposito", "Calabria"),
    ("Emma Lai", "Sardegna"),
]
PLAN = {
    "address": ("Indirizzo email dell'Alleanza", "Forum", "2024-10-31"),
    "logo": ("Logo ufficiale dell'Alleanza", "ACLI", "2024-11-30"),
}
SENDER = {"sender_name": "Alleanza Case della comunità", "sender_address": "segreteria@casedellacomunita.example"}
PATHS = {
    "representatives": ("Rappresentare l'Alleanza nella propria regione", "rule"),
    "communities": ("Che cos'è una Casa della comunità", "invitation"),
    "administrators": ("Che cosa può fare un Comune", "open"),
}
UPLOAD = "/registry/v1/representatives/link"
HOUSES = {
    "Casa della comunità di Lecco": "E507",
    "Casa della comunità di Prato": "G999",
    "Casa della comunità di Bari": "A662",
}
FRAME = "/atlas/embed?network=case-della-comunita"
DAVIDE, NEIGHBOUR, MAYOR = "Davide Sala", "Livia Corsi", "Ugo Marchetti"


@dataclass
class Alliance:
    """The alliance as the story goes on."""

    network: Network
    committee: str = ""
    seats: list[Any] = field(default_factory=list)
    meeting: str = ""
    paths: dict[str, str] = field(default_factory=dict)


def tell(story: Story) -> None:
    """The points A1 to A6."""
    alliance = Alliance(founders.tell(story))
    steps: list[tuple[datetime, Callable[[], None]]] = [
        (at("2024-09-12", "10:00"), lambda: committee(story, alliance)),
        (at("2024-09-12", "11:00"), lambda: learning_paths(story, alliance)),
        (at("2024-09-12", "12:00"), lambda: commitments(story, alliance)),
        (at("2024-09-13", "09:00"), lambda: list_sent(story, alliance)),
        (at("2024-09-16", "09:00"), lambda: convened(story, alliance)),
        (at("2024-09-26", "19:30"), lambda: decided(story, alliance)),
        (at("2024-09-29", "08:00"), lambda: reminded(story, alliance, days=14)),
        (at("2024-10-10", "08:00"), lambda: reminded(story, alliance, days=3)),
        (at("2024-10-14", "08:00"), lambda: escalated(story, alliance)),
        (at("2024-10-28", "10:00"), lambda: presented(story, alliance)),
        (at("2024-11-20", "10:00"), lambda: embedded(story, alliance)),
        *coordinations.steps(story, alliance.network),
    ]
    for instant, step in sorted(steps, key=lambda dated: dated[0]):
        story.until(instant)
        step()
    story.settled()
    told(story, alliance)


# A2: the national executive committee


def committee(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Nasce il Comitato Esecutivo: un referente per ogni associazione, un posto resta vacante")
    body = secretariat.created(
        network.path("bodies"),
        {"name": COMMITTEE, "kind": "executive_committee", "composition": "one_per_member", "roles": ["referent"]},
    )
    alliance.committee = body["id"]
    named = [founder for founder in founders.REFERENTS if founder != LAST]
    for founder in named:
        network.mandate(founders.REFERENTS[founder], "referent", founder, body_id=body["id"])
    seats = secretariat.all(f"/registry/v1/bodies/{body['id']}/seats")
    vacant = [seat["organisation"]["name"] for seat in seats if seat["vacant"]]
    story.check("A2", "seats", len(seats), 7)
    story.check("A2", "filled", len(seats) - len(vacant), 6)
    story.check("A2", "vacant", vacant, ["Prima la Comunità"])
    second = network.designation("Renato Motta", "referent", "ACLI", body_id=body["id"])
    story.check("A2", "second_referent", secretariat.refused(network.path("mandates"), second), (409, "office-taken"))
    acli = next(seat for seat in seats if seat["organisation"]["name"].startswith("ACLI"))
    other = network.designation("Renato Motta", "referent", "CNCA", body_id=body["id"], seat_id=acli["id"])
    status, _ = secretariat.refused(network.path("mandates"), other)
    story.check("A2", "designation_for_another_association", status, 422)
    network.mandate(founders.REFERENTS[LAST], "referent", LAST, body_id=body["id"])
    alliance.seats = secretariat.all(f"/registry/v1/bodies/{body['id']}/seats")
    story.check("A2", "vacant_at_last", sum(seat["vacant"] for seat in alliance.seats), 0)


# A6: three audiences, three paths


def learning_paths(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Tre percorsi di formazione per tre pubblici")
    roles = {"representatives": ["representative"]}
    units = [
        {"title": title, "text": f"{title}: da leggere prima dell'incontro di novembre."}
        for title in ("Il DM 77/2022", "Chi fa che cosa", "I primi passi")
    ]
    for audience, (title, enrolment) in PATHS.items():
        body = {"title": title, "audience": audience, "enrolment": enrolment, "units": units, "due_days": 90}
        path = secretariat.created(network.path("paths", "learning"), {**body, "roles": roles.get(audience, [])})
        secretariat.acted(f"/learning/v1/paths/{path['id']}/publish")
        alliance.paths[audience] = path["id"]
    network.mandate(NEIGHBOUR, "member")
    network.person(MAYOR)
    story.settled()
    for audience, person in (("representatives", DAVIDE), ("communities", NEIGHBOUR), ("administrators", MAYOR)):
        seen = story.signed_in(network.email(person)).all(network.path("paths", "learning"))
        story.check("A6", f"{audience}_see", [path["title"] for path in seen], [PATHS[audience][0]])
    mayor = story.signed_in(network.email(MAYOR))
    enrolment = mayor.created(f"/learning/v1/paths/{alliance.paths['administrators']}/enrolments", {})
    first = mayor.get(f"/learning/v1/paths/{alliance.paths['administrators']}")["units"][0]["id"]
    mine = f"/learning/v1/enrolments/{enrolment['id']}"
    mayor.acted(f"{mine}/units/{first}/done", of=mine)
    enrolled = secretariat.all(network.path("enrolments", "learning"))
    by_path = {a: sum(e["path"]["id"] == id_ for e in enrolled) for a, id_ in alliance.paths.items()}
    expected = sum(len(regions) for regions in founders.REPRESENTATIVES.values())
    story.check("A6", "enrolled", by_path, {"representatives": expected, "communities": 0, "administrators": 1})
    progress = mayor.get(mine)["progress"]
    story.check("A6", "progress_of_the_mayor", (progress["count"], progress["of"]), (1, 3))
    story.link("Il percorso aperto agli amministratori", f"/learning/v1/paths/{alliance.paths['administrators']}/page")


# A1: what every association owes


def commitments(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Ogni associazione si impegna: l'elenco dei rappresentanti e il resoconto delle esperienze")
    for kind, title, due in (
        ("list_of_representatives", "Elenco dei rappresentanti regionali", "2024-10-12"),
        ("report_of_experiences", "Resoconto delle esperienze sul territorio", "2024-12-15"),
    ):
        secretariat.created(network.path("commitment-rules"), {"kind": kind, "title": title, "due": due})
    story.settled()
    story.check("A1", "commitments", len(secretariat.all(network.path("commitments"), state="open")), 14)


def list_sent(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step(f"{PROMPT} carica il suo elenco con il collegamento ricevuto per posta e lo dichiara completo")
    before = len(secretariat.all(network.path("mandates"), role="representative"))
    link = story.link_mailed(network.email(founders.REFERENTS[PROMPT]), UPLOAD)
    rows = [f"{name.replace(' ', ';', 1)};{network.email(name)};{region};2024-09-13" for name, region in LIST]
    file = "\n".join(["Nome;Cognome;Email;Regione;Dal", *rows]).encode()
    stranger = story.client()
    shown = stranger.send("GET", link, headers={"Accept": "text/html"})
    story.check("A1", "page_of_the_link", shown.status_code, 200)
    answer = stranger.send(
        "POST",
        link,
        files={"file": ("rappresentanti.csv", file, "text/csv")},
        data={"complete": "true"},
        headers={"Accept": "application/json"},
    )
    story.check("A1", "list_taken", answer.status_code < 300 and answer.json()["created"], len(LIST))
    story.settled()
    after = secretariat.all(network.path("mandates"), role="representative")
    story.check("A1", "dated_mandates", len(after) - before, len(LIST))
    story.check("A1", "open_afterwards", len(secretariat.all(network.path("commitments"), state="open")), 13)


def reminded(story: Story, alliance: Alliance, days: int) -> None:
    story.step(f"{days} giorni prima della scadenza: chi non ha ancora inviato l'elenco riceve un promemoria")
    told = alliance.network.secretariat.all(alliance.network.path("deliveries", "notify"), topic="commitment-reminder")
    expected = 6 if days == 14 else 12
    story.check("A1", f"reminders_{days}_days_before", len(told), expected)


def escalated(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Scaduto il termine: la segreteria sa chi non ha inviato l'elenco")
    late = secretariat.all(network.path("commitments"), state="late")
    story.check("A1", "late", len(late), 6)
    mails = [mail for mail in story.mails(network.mailbox) if "Elenco dei rappresentanti" in mail["text"]]
    names = [founder for founder in founders.REFERENTS if founder != PROMPT]
    named = sum(any(founder in mail["text"] for mail in mails) for founder in names)
    story.check("A1", "told_to_the_secretariat", named, 6)
    status, _ = secretariat.refused(f"/registry/v1/commitments/{late[0]['id']}/waive", {})
    story.check("A1", "waived_without_reason", status in (422, 428), True)


# A3: the first work plan


def convened(story: Story, alliance: Alliance) -> None:
    network = alliance.network
    story.step("La prima riunione del Comitato è convocata; ciascuno risponde dal collegamento ricevuto")
    called = meeting(
        network,
        "Prima riunione: il programma di lavoro",
        alliance.committee,
        at("2024-09-26", "17:30").isoformat(),
        at("2024-09-26", "19:00").isoformat(),
        agenda=[{"title": "Programma di lavoro"}, {"title": "Strumenti di comunicazione"}],
    )
    alliance.meeting = called["id"]
    story.settled()
    for founder, name in founders.REFERENTS.items():
        link = story.link_mailed(network.email(name), "/events/v1/rsvp/link")
        answer = "no" if founder == LAST else "yes"
        story.client().send("POST", link, data={"answer": answer}, headers={"Accept": "application/json"})
    invitations = network.secretariat.all(f"/events/v1/meetings/{alliance.meeting}/invitations")
    answers = [invitation["answer"] for invitation in invitations]
    story.check("A3", "invited", len(invitations), 7)
    story.check("A3", "coming", answers.count("yes"), 6)


def decided(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Il Comitato decide indirizzo e logo; approvato il verbale, le decisioni diventano impegni")
    for title, owner, due in PLAN.values():
        decision = {"title": title, "kind": "action", "organisation_id": network.organisations[owner], "due": due}
        secretariat.created(f"/events/v1/meetings/{alliance.meeting}/decisions", decision)
    held(network, alliance.meeting, present=6)
    minutes = minuted(network, alliance.meeting)
    story.check("A3", "minutes", minutes["number"], "1/2024")
    story.settled()
    born = secretariat.all(network.path("commitments"), source="decision")
    found = {(c["title"], c["debtor"]["name"].split(" ")[0], c["due"]) for c in born}
    story.check("A3", "actions_owned_and_dated", found == {*PLAN.values()}, True)


def presented(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Indirizzo e logo ci sono: gli impegni si chiudono, posta e pagine li portano")
    before = story.mails(network.email(founders.REFERENTS["ACLI"]))[-1]
    story.check("A3", "sender_before", SENDER["sender_address"] in header(before, "From"), False)
    secretariat.changed(f"/registry/v1/networks/{network.slug}", SENDER)
    secretariat.changed(
        f"/registry/v1/networks/{network.slug}/logo", method="PUT", files={"file": ("logo.png", logo())}
    )
    for commitment in secretariat.all(network.path("commitments"), source="decision"):
        secretariat.acted(f"/registry/v1/commitments/{commitment['id']}/fulfil", {"evidence": "In uso dal 28 ottobre"})
    story.settled()  # the next mail is to carry what was decided, so it is not to be quicker
    called = meeting(
        network,
        "Seconda riunione del Comitato",
        alliance.committee,
        at("2024-11-07", "17:30").isoformat(),
        at("2024-11-07", "19:00").isoformat(),
    )
    story.settled()
    mail = story.mails(network.email(founders.REFERENTS["ACLI"]))[-1]
    shown = secretariat.get(f"/registry/v1/networks/{network.slug}")["logo"]
    story.check("A3", "sender_afterwards", SENDER["sender_address"] in header(mail, "From"), True)
    story.check("A3", "logo_in_mails", shown in mail["html"], True)
    link = story.link_mailed(network.email(founders.REFERENTS["ACLI"]), "/events/v1/rsvp/link")
    page = story.client().send("GET", link, headers={"Accept": "text/html"})
    story.check("A3", "logo_on_pages", shown in page.text, True)
    fulfilled = secretariat.all(network.path("commitments"), source="decision", state="fulfilled")
    story.check("A3", "actions_fulfilled", len(fulfilled), 2)
    story.check("A3", "second_meeting", called["state"], "convened")


# A4: the alliance's section on a partner's site


def embedded(story: Story, alliance: Alliance) -> None:
    network, secretariat = alliance.network, alliance.network.secretariat
    story.step("Il sito di un partner mostra la mappa dell'Alleanza: un cambiamento vi appare da solo")
    houses = [shown_to_all(network, title, municipality) for title, municipality in HOUSES.items()]
    body = {"title": "Casa non ancora aperta", "kind": "community_house_hub", "municipality": "F205"}
    secretariat.created(network.path("places", "mapping"), {**body, "visibility": "network"})
    story.check(
        "A4", "any_site_may_frame_it", "frame-ancestors *" in frame(story).headers["content-security-policy"], True
    )
    story.check("A4", "shown", figures(story), {"Lombardia": 1, "Toscana": 1, "Puglia": 1})
    shown_to_all(network, "Casa della comunità di Merate", "F133")
    story.check("A4", "shown_afterwards", figures(story), {"Lombardia": 2, "Toscana": 1, "Puglia": 1})
    secretariat.acted(f"/mapping/v1/places/{houses[-1]}/close")
    story.check("A4", "shown_when_one_closes", figures(story), {"Lombardia": 2, "Toscana": 1})
    story.check("A4", "what_is_not_public", body["title"] in frame(story, "03").text, False)
    story.check("A4", "bears_its_name", "Alleanza per le Case della comunità" in frame(story).text, True)
    data = story.client().get("/mapping/v1/atlas/items.geojson", network=network.slug)
    story.check("A4", "open_data", len(data["features"]), 3)
    story.link("La mappa dell'Alleanza, com'è nel riquadro di un partner", FRAME)
    story.link("L'atlante pubblico", "/atlas")


def shown_to_all(network: Network, title: str, municipality: str) -> str:
    """A place for everybody, proposed and validated."""
    body = {"title": title, "kind": "community_house_hub", "municipality": municipality, "visibility": "public"}
    made = network.secretariat.created(network.path("places", "mapping"), body)
    network.secretariat.acted(f"/mapping/v1/places/{made['id']}/validate")
    return str(made["id"])


def frame(story: Story, region: str = "") -> httpx.Response:
    """The frame as the browser of a visitor of the partner's site asks for it."""
    path = FRAME.replace("?", f"/{region}?") if region else FRAME
    answer = story.client().send("GET", path, headers={"Accept": "text/html", "Origin": "https://partner.example"})
    answer.raise_for_status()
    return answer


def figures(story: Story) -> dict[str, int]:
    """Region -> places, as the frame says it, zeroes left out."""
    found = re.findall(r'aria-label="([^":]+): (\d+)"', frame(story).text)
    return {region: int(count) for region, count in found if int(count)}


def logo() -> bytes:
    """A house with a door: the alliance's logo of this story."""
    picture = Image.new("RGB", (256, 256), "#ffffff")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(128, 24), (232, 112), (24, 112)], fill="#0066cc")
    draw.rectangle((48, 112, 208, 232), fill="#004d99")
    draw.rectangle((108, 152, 148, 232), fill="#ffffff")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def told(story: Story, alliance: Alliance) -> None:
    """Nothing was lost on the way to people; what is still open can be opened."""
    network = alliance.network
    meeting(
        network,
        "Terza riunione: che cosa resta da fare",
        alliance.committee,
        at("2025-03-27", "17:30").isoformat(),
        at("2025-03-27", "19:00").isoformat(),
        agenda=[{"title": "I sei coordinamenti"}, {"title": "Gli elenchi che mancano"}],
    )
    story.settled()
    referent = network.email(founders.REFERENTS["ACLI"])
    story.link("L'invito alla terza riunione", story.link_mailed(referent, "/events/v1/rsvp/link"))
    story.link("Il modulo con cui le ACLI possono ancora inviare l'elenco", story.link_mailed(referent, UPLOAD))
    deliveries = network.secretariat.all(network.path("deliveries", "notify"))
    undelivered = [d for d in deliveries if d["state"] not in ("sent", "suppressed")]
    story.check("A1", "undelivered", len(undelivered), 0)
    story.link("La posta inviata", "/mail/")
