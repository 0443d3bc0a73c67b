"""Scenario E: FareLegami, between Crema, Cremona and Casalmaggiore: pacts, laboratories, civic centres, a budget.

The first partners, the three areas, the four kinds of activity, the seven community makers and the figures of the
budget are of the project's own announcements. The other bodies, all codes and people, the needs and how the partners'
share is spread over the three years are invented here to make the case complete.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from deploy.local.scenarios.members import Network, founded, tax_code
from deploy.local.story import Client, Story, at

TITLE = "FareLegami: legami di comunità tra Crema, Cremona e Casalmaggiore"
AREAS = {
    "Cremasco": ["Crema", "Castelleone", "Offanengo", "Pandino", "Rivolta d'Adda", "Soncino", "Bagnolo Cremasco"],
    "Cremonese": ["Cremona", "Castelverde", "Soresina", "Vescovato", "Sospiro", "Pizzighettone", "Ostiano"],
    "Casalasco": ["Casalmaggiore", "Piadena Drizzona", "Gussola", "Rivarolo del Re ed Uniti", "Torricella del Pizzo"],
}  # fmt: skip
PARTNERS = {
    "Comune di Cremona": ("municipality", "Cremona"),
    "Consorzio Casalasco Servizi Sociali": ("consortium", "Casalmaggiore"),
    "Azienda Sociale Cremonese": ("union", "Cremona"),
    "Provincia di Cremona": ("province", "Cremona"),
    "Comunità Sociale Cremasca": ("union", "Crema"),
    "Camera di Commercio di Cremona": ("chamber", "Cremona"),
    "Fondazione Comunitaria della Provincia di Cremona": ("community_foundation", "Cremona"),
    "CISVOL": ("csv", "Cremona"),
    "Consorzio Arcobaleno": ("consortium", "Crema"),
    "Consorzio Solco": ("consortium", "Cremona"),
    "Confcooperative Cremona": ("trade_association", "Cremona"),
    "Legacoop Lombardia": ("trade_association", "Cremona"),
}
LEAD = "Comune di Cremona"
KINDS = ("association", "cooperative", "religious", "school", "committee", "firm")
OTHERS = 92
"""With the partners more than a hundred."""
EVERYWHERE = ("Camera di Commercio di Cremona", "CISVOL", "Legacoop Lombardia")
"""Who works in all three areas, and is one body all the same."""
MAKERS = {
    "Anna Bini": "Cremasco",
    "Luca Denti": "Cremasco",
    "Rosa Galli": "Cremonese",
    "Marco Poli": "Cremonese",
    "Elisa Volpi": "Cremonese",
    "Pietro Guerra": "Casalasco",
    "Silvia Rossi": "Casalasco",
}
ACTIVITIES = ("family_work", "solidarity_purchasing", "housing", "urban_animation")
CENTRES = {"Cremasco": "Crema", "Cremonese": "Cremona", "Casalasco": "Casalmaggiore"}
HOUSEHOLDS = 6
NAMES = [f"Famiglia Brambilla {letter}" for letter in "ABCDEF"]
BUDGET, GRANTED = 330_000_000, 150_000_000
COFUNDED, RAISED = 120_000_000, 60_000_000
"""Of the 1,800,000 that are not granted; in cents, like all money."""
YEARS = (2025, 2026, 2027)
LINES = {"Personale": 198_000_000, "Laboratori e centri civici": 99_000_000, "Valutazione": 33_000_000}
SOURCES = {
    "grant": ("Contributo della fondazione", GRANTED),
    "co_funding": ("Cofinanziamento dei partner", COFUNDED),
    "fundraising": ("Raccolta fondi", RAISED),
}
RAISING: dict[str, Any] = {"on": "2025-03-18", "cents": 1_250_000, "title": "Cena solidale di primavera"}


@dataclass
class Bonds:
    """The project as the story goes on."""

    network: Network
    codes: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    makers: dict[str, Client] = field(default_factory=dict)
    mandates: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def tell(story: Story) -> None:
    """The points E1 to E5."""
    story.until(max(story.now(), at("2025-03-17", "09:00")))
    bonds = begun(story)
    territories(story, bonds)
    groups(story, bonds)
    pacts(story, bonds)
    places(story, bonds)
    needs(story, bonds)
    budget(story, bonds)
    story.until(max(story.now(), at("2025-03-20", "09:00")))
    uncovered(story, bonds)
    story.settled()


# E1: more than a hundred bodies over three areas, each counted once


def begun(story: Story) -> Bonds:
    story.step(f"{len(PARTNERS) + OTHERS} enti di tre territori, da un foglio")
    network = founded(story, "fare-legami", "FareLegami")
    rows = [(tax_code(100 + n), name, kind, place) for n, (name, (kind, place)) in enumerate(PARTNERS.items())]
    where = cycle(name for municipalities in zip(*AREAS.values(), strict=False) for name in municipalities)
    for number, kind, place in zip(range(OTHERS), cycle(KINDS), where, strict=False):
        rows.append((tax_code(200 + number), f"Ente {number + 1} di {place}", kind, place))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "enti.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out, delimiter=";").writerows([("Codice fiscale", "Denominazione", "Tipo", "Comune"), *rows])
        done = network.secretariat.imported(network.slug, file, commit=True)
    story.check("E1", "bodies", done["created"] + done["updated"] + done["unchanged"], len(rows))
    members = network.secretariat.all(network.path("organisations"))
    network.organisations = {member["name"]: member["id"] for member in members}
    return Bonds(network)


def territories(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("I tre territori: chi lavora in più d'uno è contato una volta")
    for title, municipalities in AREAS.items():
        area = secretariat.created(
            network.path("areas", "mapping"), {"title": title, "kind": "free", "municipalities": municipalities}
        )
        bonds.codes[title] = area["territory"]
    wherever = [code for title in CENTRES.values() for code in [_municipality(secretariat, title)]]
    for name in EVERYWHERE:
        secretariat.changed(f"/registry/v1/organisations/{network.organisations[name]}", {"territories": wherever})
    story.settled()
    coverage = secretariat.get(network.path("coverage/union", "mapping"), territory=list(bonds.codes.values()))
    apart = [
        secretariat.get(network.path("coverage/union", "mapping"), territory=code) for code in bonds.codes.values()
    ]
    story.check("E1", "counted_once", coverage["organisations"]["count"], len(PARTNERS) + OTHERS)
    several = sum(one["organisations"]["count"] for one in apart) - coverage["organisations"]["count"]
    story.check("E1", "counted_again_area_by_area", several, 2 * len(EVERYWHERE))
    story.show("Gli enti di FareLegami", [(t, a["organisations"]["count"]) for t, a in zip(AREAS, apart, strict=True)])


def _municipality(client: Client, name: str) -> str:
    found: str = client.get("/mapping/v1/territories/resolve", name=name)["municipality"]["code"]
    return found


# E4: working groups and their seven community makers


def groups(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("Un gruppo di lavoro per territorio, sette community maker")
    for title, centre in CENTRES.items():
        body = {
            "name": f"Gruppo di lavoro {title}",
            "kind": "working_group",
            "composition": "open",
            "territory": _municipality(secretariat, centre),
            "needed_role": "community_maker",
        }
        bonds.groups[title] = secretariat.created(network.path("bodies"), body)["id"]
    story.settled()
    uncovered = secretariat.all(network.path("bodies"), uncovered="true")
    story.check("E4", "uncovered_at_first", len(uncovered), 3)
    for maker, title in MAKERS.items():
        mandate = network.mandate(maker, "community_maker", body_id=bonds.groups[title])
        bonds.mandates[maker] = mandate["id"]
    story.settled()
    story.check("E4", "community_makers", len(bonds.mandates), 7)
    story.check("E4", "uncovered_with_them", secretariat.all(network.path("bodies"), uncovered="true"), [])
    for maker in ("Rosa Galli", "Anna Bini"):
        bonds.makers[maker] = story.signed_in(network.email(maker))


def uncovered(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("I due community maker del Casalasco lasciano: il gruppo scoperto dà l'allarme")
    before = alarms(story, network)
    for maker in ("Pietro Guerra", "Silvia Rossi"):
        secretariat.acted(f"/registry/v1/mandates/{bonds.mandates[maker]}/end", {"reason": "resigned"})
    story.settled()
    left = secretariat.all(network.path("bodies"), uncovered="true")
    story.check("E4", "uncovered", [body["name"] for body in left], ["Gruppo di lavoro Casalasco"])
    story.check("E4", "alarms_by_mail", alarms(story, network) - before, 1)
    network.mandate("Giada Ferri", "community_maker", body_id=bonds.groups["Casalasco"])
    story.settled()
    story.check("E4", "covered_again", secretariat.all(network.path("bodies"), uncovered="true"), [])


def alarms(story: Story, network: Network) -> int:
    """Mails to the secretariat that say that a group is without a community maker."""
    return sum("Senza community maker" in mail["subject"] for mail in story.mails(network.mailbox))


# E2: generative pacts, whose beneficiaries are nowhere but in their slice


def pacts(story: Story, bonds: Bonds) -> None:
    network = bonds.network
    story.step(f"{HOUSEHOLDS} patti generativi nel Cremonese, uno nel Cremasco", total=HOUSEHOLDS + 1)
    for number, name in enumerate(NAMES):
        _pact(bonds, "Rosa Galli", "Cremonese", name, operator="Marco Poli", year=number)
        story.advance()
    _pact(bonds, "Anna Bini", "Cremasco", "Famiglia Carminati", operator="Luca Denti", year=0)
    story.advance()
    story.settled()
    secretariat = network.secretariat
    listed = secretariat.all(network.path("pacts"))
    story.check("E2", "pacts", len(listed), HOUSEHOLDS + 1)
    story.check("E2", "signed", {one["state"] for one in listed} == {"signed"}, True)
    told = str([listed, secretariat.all(network.path("commitments")), secretariat.get(network.path("pact-statistics"))])
    story.check("E2", "names_told", [name for name in [*NAMES, "Famiglia Carminati"] if name in told], [])
    figures = secretariat.get(network.path("pact-statistics"))
    story.check("E2", "published", figures["total"], HOUSEHOLDS + 1)


def _pact(bonds: Bonds, maker: str, area: str, name: str, *, operator: str, year: int) -> None:
    network, client = bonds.network, bonds.makers[maker]
    body = {"kind": "household", "body_id": bonds.groups[area], "beneficiary": {"name": name}}
    pact = f"/registry/v1/pacts/{client.created(network.path('pacts'), body)['id']}"
    due = f"2025-{9 + year % 3:02d}-30"
    for obligation in (
        {"organisation_id": network.organisations[LEAD], "text": "Un alloggio temporaneo"},
        {"organisation_id": network.organisations[f"Ente 1 di {AREAS['Cremasco'][0]}"], "text": "Accompagna i figli"},
        {"person_id": network.person(operator), "text": "Un colloquio ogni due settimane"},
        {"side": "beneficiary", "text": "Frequenta il corso, e dà quattro ore la settimana al laboratorio"},
    ):
        client.acted(f"{pact}/obligations", {"due": due, **obligation}, of=pact)
    client.acted(f"{pact}/steps", {"text": "Trova un lavoro", "due": "2025-12-31"}, of=pact)
    client.acted(f"{pact}/sign", {"until": "2026-03-17"})


# E3: laboratories with four kinds of activity; civic centres where needs are collected, assigned, answered


def places(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("Tre laboratori con le quattro attività, tre centri civici")
    for title, centre in CENTRES.items():
        common = {
            "organisation_id": network.organisations[LEAD],
            "municipality": _municipality(secretariat, centre),
            "body_id": bonds.groups[title],
            "visibility": "public",
        }
        for kind, name, more in (
            ("community_laboratory", f"Laboratorio di comunità di {centre}", {"activities": list(ACTIVITIES)}),
            ("civic_centre", f"Centro civico di {centre}", {}),
        ):
            made = secretariat.created(
                network.path("places", "mapping"), {"title": name, "kind": kind, **common, **more}
            )
            secretariat.acted(f"/mapping/v1/places/{made['id']}/validate")
            bonds.places[f"{kind} {title}"] = made["id"]
    laboratories = secretariat.all(network.path("places", "mapping"), kind="community_laboratory")
    story.check("E3", "laboratories", len(laboratories), 3)
    story.check("E3", "activities", sorted({a for one in laboratories for a in one["activities"]}), sorted(ACTIVITIES))


def needs(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("Al centro civico: un bisogno raccolto, assegnato il giorno dopo, risposto due giorni dopo")
    place = bonds.places["civic_centre Cremonese"]
    body = {"place_id": place, "theme": "housing", "text": "Cerca una stanza vicino al lavoro"}
    need = bonds.makers["Rosa Galli"].created(network.path("needs", "mapping"), body)
    path = f"/mapping/v1/needs/{need['id']}"
    story.until(max(story.now(), at("2025-03-18", "09:00")))
    who = "Anna Bini"
    secretariat.acted(f"{path}/assign", {"person_id": network.people[who]})
    told = [mail for mail in story.mails(network.email(who)) if body["text"] in mail["text"]]
    story.check("E3", "mails_that_tell_what_was_asked", len(told), 0)
    story.until(max(story.now(), at("2025-03-20", "09:00")))
    bonds.makers[who].acted(f"{path}/answer", {"answer": "Una stanza presso la cooperativa"})
    seen = secretariat.get(path)
    story.check("E3", "secretariat_reads_what_was_asked", body["text"] in str(seen), False)
    figures = secretariat.get(network.path("needs/statistics", "mapping"))
    story.check("E3", "needs_answered", figures["whole"]["states"]["answered"]["count"], 1)
    story.check("E3", "hours_to_assign", round(figures["whole"]["hours_to_assign"]["median"]), 24)
    story.check("E3", "hours_to_answer", round(figures["whole"]["hours_to_answer"]["median"]), 72)


# E5: 3,300,000 euros, 45.45 % granted, the rest from pledges and fundraising over three years


def budget(story: Story, bonds: Bonds) -> None:
    network, secretariat = bonds.network, bonds.network.secretariat
    story.step("Il costo: 3,3 milioni, 1,5 concessi, il resto dai partner e dalla raccolta in tre anni")
    made = secretariat.created(
        network.path("projects"),
        {
            "title": "FareLegami",
            "since": "2025-03-01",
            "last_day": "2028-02-29",
            "lead_id": network.organisations[LEAD],
            "funder": "Fondazione Cariplo",
            "notice": "Welfare in azione",
        },
    )
    project = f"/registry/v1/projects/{made['id']}"
    others = [{"organisation_id": id_} for name, id_ in network.organisations.items() if name != LEAD]
    secretariat.acted(f"{project}/partners", {"items": others}, of=project)
    bodies = secretariat.get(f"{project}/bodies")
    story.check("E1", "partners_counted_once", bodies["total"], len(PARTNERS) + OTHERS)
    money = f"{project}/budget"
    for title, cents in LINES.items():
        secretariat.acted(f"{project}/budget-lines", {"title": title, "cents": cents}, of=project)
    for kind, (title, cents) in SOURCES.items():
        secretariat.acted(f"{project}/sources", {"kind": kind, "title": title, "cents": cents}, of=project)
    sources = {one["kind"]: one["id"] for one in secretariat.get(money)["sources"]}
    for year in YEARS:
        grant = {"year": year, "cents": GRANTED // len(YEARS)}
        secretariat.acted(f"{project}/sources/{sources['grant']}/pledges", grant, of=project)
        pledge = {"year": year, "cents": COFUNDED // len(YEARS), "organisation_id": network.organisations[LEAD]}
        secretariat.acted(f"{project}/sources/{sources['co_funding']}/pledges", pledge, of=project)
    before = secretariat.get(money)
    story.check("E5", "budget", before["total"]["cents"], BUDGET)
    granted = before["kinds"]["grant"]["pledged"]
    story.check("E5", "granted", (granted["amount"]["cents"], round(granted["share"] * 100, 2)), (GRANTED, 45.45))
    story.check("E5", "uncovered_before_raising", before["uncovered"]["amount"]["cents"], RAISED)
    secretariat.acted(f"{project}/sources/{sources['fundraising']}/entries", RAISING, of=project)
    after = secretariat.get(money)
    story.check("E5", "uncovered_afterwards", after["uncovered"]["amount"]["cents"], RAISED - RAISING["cents"])
    story.check("E5", "years", [one["year"] for one in after["years"]], list(YEARS))
    first = next(
        one for one in secretariat.all(f"{project}/pledges") if one["organisation"] and one["year"] == YEARS[0]
    )
    path = f"{project}/pledges/{first['id']}"
    secretariat.acted(f"{path}/sign", {"cents": COFUNDED // len(YEARS), "on": "2025-03-20"}, of=project)
    story.settled()
    owed = secretariat.all(network.path("commitments"), source="project")
    story.check("E5", "signed_is_owed", [one["state"] for one in owed], ["open"])
    too_much = {"cents": COFUNDED, "on": "2025-03-20"}
    status, _ = secretariat.refused(f"{path}/pay", too_much, of=project)
    story.check("E5", "more_than_signed", status, 422)
    secretariat.acted(f"{path}/pay", {"cents": COFUNDED // len(YEARS), "on": "2025-03-20"}, of=project)
    story.settled()
    owed = secretariat.all(network.path("commitments"), source="project")
    story.check("E5", "paid_is_kept", [one["state"] for one in owed], ["fulfilled"])
