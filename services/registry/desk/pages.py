"""The desk: what waits for whoever is signed in, each thing with what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.registry.desk import queries
from services.registry.desk.queries import Home
from services.registry.desk.seating import name_of, seat_of
from services.registry.goals import pages as goals
from services.registry.policy import Right
from services.registry.processing.rules import State as NoticeState
from shared.access.actor import day
from shared.runtime.edge import Edge
from shared.runtime.pages import Pages, Seat
from shared.runtime.sessions import Seated, form_of

site = APIRouter()
PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "choose": "Le tue reti",
        "today": "Che cosa aspetta oggi",
        "acting": "Oggi agisci come:",
        "none": "Oggi non hai incarichi in corso in nessuna rete. Se dovresti averne, scrivi alla segreteria.",
        "import": "Elenco dei soci",
        "members": "soci attivi",
        "import_none": "Nessun foglio è stato ancora caricato.",
        "import_running": "«{file}» è in lavorazione.",
        "import_waiting": "«{file}» aspetta la tua conferma.",
        "import_over": "L'ultimo foglio è «{file}».",
        "import_new": "Carica il foglio dei soci",
        "import_check": "Controlla e conferma",
        "import_follow": "Guarda a che punto è",
        "commitments": "Impegni aperti",
        "late": "{late} in ritardo",
        "late_none": "Nessuno in ritardo.",
        "commitments_next": "Vedi chi deve ancora che cosa",
        "commitments_late": "Vedi gli impegni in ritardo",
        "seats": "Seggi vacanti",
        "seats_of": "di {seats} seggi",
        "seats_none": "Tutti i seggi hanno un titolare.",
        "seats_no": "Gli organi di questa rete non hanno seggi.",
        "seats_next": "Designa chi manca",
        "seats_all": "Vedi i seggi",
        "goals": "Obiettivo di costituzione",
        "goals_none": "Nessun obiettivo in corso.",
        "goals_next": "Vedi a che punto è, regione per regione",
        "goals_all": "Vedi gli obiettivi",
        "notices": "Informative non recapitate",
        "notices_none": "Tutte le informative dovute sono state consegnate o sono in viaggio.",
        "notices_record": "In attesa del registro dei trattamenti: {waiting}. Senza registro nessuna può partire.",
        "notices_next": "Consegnale a mano",
        "notices_write": "Scrivi il registro dei trattamenti",
        "notices_all": "Vedi le informative",
        "groups": "Gruppi senza community maker",
        "groups_is": "Nessuno segue chi vi è affidato: designa qualcuno.",
        "groups_next": "Vedi i gruppi scoperti",
    },
    "en": {
        "choose": "Your networks",
        "today": "What waits today",
        "acting": "Today you act as:",
        "none": "You hold no office in any network today. If you should, write to the secretariat.",
        "import": "List of members",
        "members": "active members",
        "import_none": "No sheet has been uploaded yet.",
        "import_running": "“{file}” is being worked on.",
        "import_waiting": "“{file}” waits for you to confirm it.",
        "import_over": "The last sheet is “{file}”.",
        "import_new": "Upload the sheet of members",
        "import_check": "Check and confirm",
        "import_follow": "See how far it is",
        "commitments": "Open commitments",
        "late": "{late} late",
        "late_none": "None is late.",
        "commitments_next": "See who still owes what",
        "commitments_late": "See the late commitments",
        "seats": "Vacant seats",
        "seats_of": "of {seats} seats",
        "seats_none": "Every seat has a holder.",
        "seats_no": "The bodies of this network have no seats.",
        "seats_next": "Designate who is missing",
        "seats_all": "See the seats",
        "goals": "Goal of constitution",
        "goals_none": "No goal is running.",
        "goals_next": "See how far it is, region by region",
        "goals_all": "See the goals",
        "notices": "Undelivered notices",
        "notices_none": "All notices that are owed were delivered or are on their way.",
        "notices_record": "Waiting for the processing record: {waiting}. Without it none can be sent.",
        "notices_next": "Hand them over",
        "notices_write": "Write the processing record",
        "notices_all": "See the notices",
        "groups": "Groups without a community maker",
        "groups_is": "Nobody follows those entrusted to them: designate somebody.",
        "groups_next": "See the uncovered groups",
    },
}
UNDELIVERED = (NoticeState.UNREACHABLE, NoticeState.FAILED)


@dataclass(frozen=True)
class Card:
    """One thing that waits: its figure if it has one, what it means, what to do next. `kind`: alert-card or calm."""

    title: str
    figure: str | None
    lines: list[str]
    href: str
    next: str
    kind: str = ""


@site.get("/desk")
async def desk(at: Seated) -> Response:
    """The networks of whoever is signed in; with only one, its desk."""
    doors = await at.query(queries.doors, at.language)
    if len(doors.networks) == 1:
        return RedirectResponse(f"/desk/{doors.networks[0].slug}", 303, {"cache-control": "no-store"})
    texts = TEXTS[at.language]
    return PAGES.page(
        at.language,
        texts["choose"],
        "doors.html",
        seat=Seat(name_of(at, doors.name), form_of(at)),
        texts=texts,
        networks=doors.networks,
        offices=doors.offices,
    )


@site.get("/desk/{network}")
async def home(network: str, at: Seated) -> Response:
    found = await at.query(queries.home, network)
    return PAGES.page(
        at.language,
        TEXTS[at.language]["today"],
        "desk.html",
        network=found.room.network,
        seat=seat_of(at, found.room),
        wide=True,
        cards=cards(found, at),
    )


def cards(home: Home, at: Edge) -> list[Card]:
    """What needs somebody first, what is calm last; each only for who may see it."""
    base, texts = f"/desk/{home.room.network.slug}", TEXTS[at.language]
    may = home.room.chair.may
    found = [
        *([imports(home, base, texts)] if may(Right.IMPORT) else []),
        commitments(home, base, texts),
        seats(home, base, texts),
        goal(home, base, texts, at),
        *([notices(home, base, texts)] if home.notices is not None else []),
        *([groups(home, base, texts)] if home.uncovered else []),
    ]
    return sorted(found, key=lambda card: {"alert-card": 0, "": 1, "calm": 2}[card.kind])


def imports(home: Home, base: str, texts: Mapping[str, str]) -> Card:
    last, figure = home.last_import, f"{home.members} {texts['members']}"
    if last is None:
        return Card(texts["import"], figure, [texts["import_none"]], f"{base}/imports", texts["import_new"])
    page = f"{base}/imports/{last.id}"
    if last.status == "running":
        said = texts["import_running"].format(file=last.file_name)
        return Card(texts["import"], figure, [said], page, texts["import_follow"])
    if last.status in WAITING:
        said = texts["import_waiting"].format(file=last.file_name)
        return Card(texts["import"], figure, [said], page, texts["import_check"], "alert-card")
    said = texts["import_over"].format(file=last.file_name)
    return Card(texts["import"], figure, [said], f"{base}/imports", texts["import_new"], "calm")


WAITING = ("previewed", "mapping")
"""States of an import that wait for somebody."""


def commitments(home: Home, base: str, texts: Mapping[str, str]) -> Card:
    figure, page = str(home.open + home.late), f"{base}/commitments"
    if home.late:
        said = [texts["late"].format(late=home.late)]
        return Card(texts["commitments"], figure, said, f"{page}?state=late", texts["commitments_late"], "alert-card")
    kind = "" if home.open else "calm"
    return Card(texts["commitments"], figure, [texts["late_none"]], page, texts["commitments_next"], kind)


def seats(home: Home, base: str, texts: Mapping[str, str]) -> Card:
    page = f"{base}/seats"
    if home.vacant:
        said = [texts["seats_of"].format(seats=home.seats)]
        return Card(texts["seats"], str(home.vacant), said, page, texts["seats_next"], "alert-card")
    said = [texts["seats_none" if home.seats else "seats_no"]]
    return Card(texts["seats"], "0", said, page, texts["seats_all"], "calm")


def goal(home: Home, base: str, texts: Mapping[str, str], at: Edge) -> Card:
    if not home.goals:
        return Card(texts["goals"], None, [texts["goals_none"]], f"{base}/goals", texts["goals_all"], "calm")
    first, *_ = home.goals
    lines = [each.goal.title + ": " + goals.summary(each, day(at.now), at.language) + "." for each in home.goals]
    page = f"{base}/goals/{first.goal.id}" if len(home.goals) == 1 else f"{base}/goals"
    return Card(texts["goals"], f"{first.reached} / {first.goal.minimum}", lines, page, texts["goals_next"])


def notices(home: Home, base: str, texts: Mapping[str, str]) -> Card:
    assert home.notices is not None
    counts, page = home.notices.counts, f"{base}/notices"
    undelivered = sum(counts.get(state, 0) for state in UNDELIVERED)
    waiting = 0 if home.notices.recorded else counts.get(NoticeState.OWED, 0)
    lines = [texts["notices_record"].format(waiting=waiting)] if waiting else []
    if undelivered:
        return Card(texts["notices"], str(undelivered), lines, page, texts["notices_next"], "alert-card")
    if waiting:
        return Card(texts["notices"], "0", lines, page, texts["notices_write"], "alert-card")
    return Card(texts["notices"], "0", [texts["notices_none"]], page, texts["notices_all"], "calm")


def groups(home: Home, base: str, texts: Mapping[str, str]) -> Card:
    said = [texts["groups_is"]]
    return Card(texts["groups"], str(home.uncovered), said, f"{base}/seats#groups", texts["groups_next"], "alert-card")
