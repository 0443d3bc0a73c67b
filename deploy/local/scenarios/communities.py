"""Scenario C: OPES sets up five communities of practice, which meet six times each within sixteen months.

Five communities, six meetings (five remote, one in presence), sixteen months and the four chapters of the final report
are of the network's own announcement. The affiliates, the people, what the communities left behind and where are
invented here to make the case complete.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import cycle, product
from typing import Any

from deploy.local.scenarios.members import Network, enrolled, founded, held, tax_code
from deploy.local.story import Story, at

TITLE = "OPES: cinque comunità di pratica, trenta incontri in sedici mesi"
COMMUNITIES = {
    "Sport e inclusione": ("Roma", "H501"),
    "Invecchiamento attivo": ("Torino", "L219"),
    "Spazi rigenerati": ("Napoli", "F839"),
    "Giovani e lavoro": ("Bari", "A662"),
    "Aree interne": ("L'Aquila", "A345"),
}
EACH, REMOTE = 6, 5
MEMBERS = 6
NAMES = ("Anna", "Biagio", "Cinzia", "Delia", "Ettore", "Franca")
FAMILIES = ("Amato", "Basile", "Conti", "De Luca", "Esposito")
SINCE, LAST_DAY, LONGER = "2026-04-07", "2027-08-06", "2027-09-30"
"""Sixteen months, and what an extension makes of them."""
REFUSED = (409, "outside-series")
LEFT = {
    "organisational_form": ("Cooperativa di comunità", 2),
    "management_model": ("Gestione condivisa di un impianto", 3),
    "partnership": ("Protocollo con il Comune", 4),
    "intervention": ("Sportello di quartiere", 6),
}
"""Kind of outcome -> what it is called, and how many of it the communities left, in turn."""
PRACTICES = {
    "Sport e inclusione": ("Palestra aperta al quartiere", "culture", "12"),
    "Invecchiamento attivo": ("Ginnastica dolce in piazza", "active-ageing", "01"),
    "Giovani e lavoro": ("Tirocini nelle società sportive", "youth", "16"),
}
"""Community -> a way of doing something, its theme and the region in which it was tried."""
COMPETENCES = {"coprogettazione": "Co-progettazione", "impatto": "Valutazione d'impatto"}
ITEMS, STEPS = ("So da dove cominciare", "L'ho già fatto con altri"), 5
"""Of each competence, rated from 1 to so much."""
NEIGHBOURS = "rete-montana"
"""A network of others, with which what was learnt is shared."""
ABSENT = {"Spazi rigenerati": 2, "Aree interne": 1}
"""How many of a community stay away from each of its meetings."""


@dataclass
class Practice:
    """The programme as the story goes on."""

    network: Network
    communities: dict[str, str] = field(default_factory=dict)
    project: str = ""
    series: str = ""
    assessment: str = ""
    meetings: list[Any] = field(default_factory=list)


def tell(story: Story) -> None:
    """The points C1 to C4."""
    story.until(max(story.now(), at("2026-04-01", "09:00")))
    practice = begun(story)
    programme(story, practice)
    asked(story, practice)
    shared(story, practice)
    met(story, practice)
    asked_again(story, practice)
    left_behind(story, practice)
    report(story, practice)
    story.settled()


def begun(story: Story) -> Practice:
    story.step("OPES e le sue cinque comunità di pratica, sei affiliate ciascuna")
    network = founded(story, "opes", "OPES")
    practice = Practice(network)
    lead = enrolled(network, "OPES APS", tax_code(600), "association", "H501")
    people = iter([f"{given} {family}" for family in FAMILIES for given in NAMES])
    number = 601
    for name, (city, code) in COMMUNITIES.items():
        body = {"name": name, "kind": "community_of_practice", "composition": "open", "roles": ["member"]}
        community = network.secretariat.created(network.path("bodies"), {**body, "territory": code})["id"]
        practice.communities[name] = community
        for nth in range(1, MEMBERS + 1):
            club = f"Affiliata {nth} di {city}"
            enrolled(network, club, tax_code(number), "asd", code)
            network.mandate(next(people), "member", club, body_id=community)
            number += 1
    dated = {"since": SINCE, "last_day": LONGER, "lead_id": lead}
    project = network.secretariat.created(network.path("projects"), {"title": "Comunità in rete", **dated})
    practice.project = f"/registry/v1/projects/{project['id']}"
    action = {"title": "Azione 5: le comunità di pratica", "since": SINCE, "last_day": LONGER}
    network.secretariat.acted(f"{practice.project}/actions", action, of=practice.project)
    story.settled()
    return practice


# C1: five communities x six meetings, five remote and one in presence, within sixteen months


def programme(story: Story, practice: Practice) -> None:
    network, secretariat = practice.network, practice.network.secretariat
    story.step("Il programma: sei incontri per comunità, uno solo in presenza, entro sedici mesi")
    frame = {
        "title": "Comunità di pratica",
        "since": SINCE,
        "last_day": LAST_DAY,
        "level": "national",
        "bodies": list(practice.communities.values()),
        "quotas": [
            {"count": EACH, "each": True, "exact": True},
            {"count": REMOTE, "each": True, "mode": "remote"},
            {"count": EACH - REMOTE, "each": True, "mode": "in_person"},
        ],
        "modes": ["remote", "in_person"],
        "min_days": 21,
        "project_id": practice.project[-36:],
    }
    made = secretariat.created(network.path("series", "events"), frame)
    practice.series = f"/events/v1/series/{made['id']}"
    secretariat.acted(f"{practice.series}/adopt")
    plan = secretariat.created(f"{practice.series}/plan", {"weekdays": [1, 2, 3, 4], "times": ["18:00"]})
    story.check("C1", "feasible", plan["feasible"], True)
    wanted = [
        {**{name: item[name] for name in ("body_id", "mode", "starts_at", "ends_at")}, **place(item)}
        for item in plan["items"]
    ]
    secretariat.created(f"{practice.series}/plan/accept", {"items": wanted})
    practice.meetings = secretariat.all(network.path("meetings", "events"), series=made["id"])
    modes = [one["mode"] for one in practice.meetings]
    counted = {mode: modes.count(mode) for mode in ("remote", "in_person")}
    story.check("C1", "meetings", counted, {"remote": 5 * REMOTE, "in_person": 5})
    refusals(story, practice)


def place(item: dict[str, Any]) -> dict[str, str]:
    return {"place": "Casa delle associazioni"} if item["mode"] == "in_person" else {}


def refusals(story: Story, practice: Practice) -> None:
    """What breaks the quotas is refused with its reason, and taken once an extension is recorded."""
    network, secretariat = practice.network, practice.network.secretariat
    body = next(iter(practice.communities.values()))
    path = network.path("meetings", "events")
    extra = {"title": "Un incontro in più", "body_id": body, "series_id": practice.series[-36:], "level": "national"}
    remote = {**extra, "mode": "remote", **hours("2027-07-30")}
    present = {**extra, "mode": "in_person", "place": "Palestra", **hours("2027-07-30")}
    beyond = {**remote, **hours("2027-09-10")}
    for figure, asked in (("a_seventh", remote), ("a_second_in_presence", present), ("past_the_end", beyond)):
        story.check("C1", figure, secretariat.refused(path, asked), REFUSED)
    act: dict[str, Any] = {"act": "Nota ministeriale 9", "day": story.today(), "reason": "Proroga", "last_day": LONGER}
    act["quotas"] = [
        {"count": EACH + 1, "each": True, "exact": True},
        {"count": EACH - REMOTE + 1, "each": True, "mode": "in_person"},
    ]
    secretariat.acted(f"{practice.series}/extensions", act)
    added = secretariat.created(path, {**present, **hours("2027-09-10")})
    story.check("C1", "after_an_extension", (added["state"], added["day"]), ("draft", "2027-09-10"))
    secretariat.acted(f"/events/v1/meetings/{added['id']}/cancel")


def hours(day: str) -> dict[str, str]:
    begins = at(day, "18:00")
    return {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat()}


# C4: what the communities knew before, and after


def asked(story: Story, practice: Practice) -> None:
    story.step("Che cosa sanno le comunità prima di cominciare: un questionario a ciascuno dei trenta")
    network, secretariat = practice.network, practice.network.secretariat
    body = {
        "title": "Co-progettare e valutare",
        "competences": [
            {"code": code, "title": title, "items": [{"text": text, "steps": STEPS} for text in ITEMS]}
            for code, title in COMPETENCES.items()
        ],
        "audience": [{"bodies": list(practice.communities.values()), "roles": ["member"]}],
    }
    made = secretariat.created(network.path("assessments", "learning"), body)
    practice.assessment = f"/learning/v1/assessments/{made['id']}"
    secretariat.acted(f"{practice.assessment}/open", {"closes_on": "2026-05-31"})
    story.settled()
    answered(story, practice, "before")


def asked_again(story: Story, practice: Practice) -> None:
    story.step("E che cosa sanno dopo: il divario colmato, comunità per comunità")
    secretariat = practice.network.secretariat
    secretariat.acted(f"{practice.assessment}/open", {"closes_on": "2027-08-31"})
    story.settled()
    answered(story, practice, "after")
    story.settled()
    found = secretariat.all(f"{practice.assessment}/results")
    gains = {
        (one["competence"], one["body"]["name"]): (one["n"], one["before"], one["after"], one["gain"])
        for one in found
        if one["of"] == "body"
    }
    story.check("C4", "communities_measured", len(gains), len(COMMUNITIES) * len(COMPETENCES))
    expected = {
        (code, name): gap(number, nth)
        for nth, code in enumerate(COMPETENCES)
        for number, name in enumerate(COMMUNITIES)
    }
    story.check("C4", "as_worked_out_from_the_answers", gains == expected, True)
    by_community = {name: gains.get(("coprogettazione", name), (None,) * 4)[3] for name in COMMUNITIES}
    wanted = {name: gap(number, 0)[3] for number, name in enumerate(COMMUNITIES)}
    story.check("C4", "gap_closed", by_community, wanted)


def answered(story: Story, practice: Practice, phase: str) -> None:
    """The first answers through the link that was mailed, the others on paper, typed in as one table."""
    network, secretariat = practice.network, practice.network.secretariat
    people = {f"{given} {family}": at for at, (family, given) in enumerate(product(FAMILIES, NAMES))}
    content = secretariat.send("GET", f"{practice.assessment}/template").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    columns = [name for name in rows[0] if name not in ("request", "name")]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    for row in rows:
        number, member = divmod(people[row["name"]], len(NAMES))
        given = {name: level(number, member, nth // len(ITEMS), phase) for nth, name in enumerate(columns)}
        if row["name"] == f"{NAMES[0]} {FAMILIES[0]}":
            by_link(story, network.email(row["name"]), [str(value) for value in given.values()])
        else:
            writer.writerow({**row, **given})
    secretariat.uploaded(f"{practice.assessment}/papers", {}, ("risposte.csv", out.getvalue().encode(), "text/csv"))
    closed = secretariat.acted(f"{practice.assessment}/close")
    story.check("C4", f"answered_{phase}", closed[phase]["count"], len(people))


def by_link(story: Story, mailbox: str, values: Sequence[str]) -> None:
    """Answers the page as it stands: one field for each item, in its order."""
    link = story.link_mailed(mailbox, "/learning/v1/assessments/link")
    page = story.client().send("GET", link, headers={"Accept": "text/html"}).text
    names = list(dict.fromkeys(re.findall(r'name="(a-[0-9a-f-]+)"', page)))
    entered = {"do": "send", **dict(zip(names, values, strict=True))}
    sent = story.client().send("POST", link, data=entered, headers={"Accept": "text/html"})
    story.check("C4", "answered_by_link", sent.status_code, 200)


def level(community: int, member: int, competence: int, phase: str) -> int:
    """What somebody answers, from 1 to STEPS: invented, and different enough that no two communities are alike."""
    before = 1 + (community + member + competence) % 3
    return before if phase == "before" else min(STEPS, before + 1 + (community * (member + 1) + competence) % 3)


def gap(community: int, competence: int) -> tuple[int, float, float, float | None]:
    """People, means before and after in percent, and the part of what was missing that was closed."""
    before, after = (
        Fraction(sum(level(community, member, competence, phase) - 1 for member in range(MEMBERS)) * 100)
        / (MEMBERS * (STEPS - 1))
        for phase in ("before", "after")
    )
    gain = None if before == 100 else round((after - before) / (100 - before), 4)
    return MEMBERS, float(round(before, 4)), float(round(after, 4)), None if gain is None else float(gain)


# C2: practices by theme and territory, adopted by others


def shared(story: Story, practice: Practice) -> None:
    story.step("Le pratiche: scritte dalle comunità, riviste, condivise per tema e territorio, adottate da altri")
    network, secretariat = practice.network, practice.network.secretariat
    others = founded(story, NEIGHBOURS, "Rete delle associazioni di montagna")
    member = enrolled(others, "Montagna viva APS", tax_code(690), "association", "A345")
    story.settled()
    other_id = others.secretariat.get(f"/registry/v1/networks/{NEIGHBOURS}")["id"]
    published = [written(story, practice, name, other_id) for name in PRACTICES]
    story.settled()
    path = network.path("practices", "learning")
    by_theme = [len(secretariat.all(path, theme=theme)) for _, theme, _ in PRACTICES.values()]
    by_place = [len(secretariat.all(path, territory=region)) for _, _, region in PRACTICES.values()]
    story.check("C2", "by_theme", by_theme, [1, 1, 1])
    story.check("C2", "by_territory", by_place, [1, 1, 1])
    both = [len(secretariat.all(path, theme="youth", territory=region)) for region in ("16", "12")]
    story.check("C2", "by_theme_and_territory", both, [1, 0])
    seen = others.secretariat.all(others.path("practices", "learning"), shared="true")
    story.check("C2", "shared_with_another_network", len(seen), len(PRACTICES))
    here = network.organisations["Affiliata 2 di Torino"]
    first = f"/learning/v1/practices/{published[0]['id']}"
    secretariat.created(f"{first}/adoptions", {"network": network.slug, "organisation_id": here, "named": True})
    others.secretariat.created(f"{first}/adoptions", {"network": others.slug, "organisation_id": member})
    again = others.secretariat.refused(f"{first}/adoptions", {"network": others.slug, "organisation_id": member})
    story.check("C2", "adopted_twice", again, (409, "practice-adopted"))
    figures = secretariat.get(f"{first}/adoptions/figures")
    story.check("C2", "adoptions", (figures["active"], figures["networks"]), (2, 2))
    where = {one["territory"]: one["count"] for one in figures["by_region"]}
    story.check("C2", "adoptions_by_region", where, {"01": 1, "13": 1})
    proven = secretariat.changed(first, {"stage": "proven"})
    story.check("C2", "proven_once_adopted", (proven["proposed"] or proven)["stage"], "proven")


def written(story: Story, practice: Practice, community: str, other_network: str) -> Any:
    """By somebody of the community; who wrote it cannot approve it, the secretariat does."""
    network, (title, theme, region) = practice.network, PRACTICES[community]
    name = f"{NAMES[0]} {FAMILIES[list(COMMUNITIES).index(community)]}"
    author = story.signed_in(network.email(name))
    text = {
        "title": title,
        "stage": "tried",
        "themes": [theme],
        "territory": region,
        "body_id": practice.communities[community],
        "problem": "La palestra è chiusa quando il quartiere è a casa.",
        "done": "Si apre la sera, con chi abita accanto.",
        "results": "Sessanta persone ogni settimana.",
        "trials": [{"place": COMMUNITIES[community][1], "result": "Sessanta persone in tre mesi"}],
        "visibility": "networks",
        "shared_with": [other_network],
    }
    made = author.created(network.path("practices", "learning"), text)
    path = f"/learning/v1/practices/{made['id']}"
    author.acted(f"{path}/submit")
    status, _ = author.refused(f"{path}/approve", {}, of=path)
    story.check("C2", "own_practice_approved", status, 403)
    return network.secretariat.acted(f"{path}/approve")


# C3: thirty meetings held, what the communities left behind, and the report of it


def met(story: Story, practice: Practice) -> None:
    secretariat = practice.network.secretariat
    story.step("Trenta incontri, convocati e tenuti", total=2 * len(practice.meetings))
    for meeting in practice.meetings:
        if meeting["mode"] == "remote":
            joined = {"join_url": "https://meet.example.org/opes"}
            secretariat.changed(f"/events/v1/meetings/{meeting['id']}", joined)
        secretariat.acted(f"/events/v1/meetings/{meeting['id']}/convene")
        story.advance()
    story.until(at(LAST_DAY, "22:00"))
    away = {practice.communities[name]: count for name, count in ABSENT.items()}
    for meeting in practice.meetings:
        held(practice.network, meeting["id"], MEMBERS - away.get(meeting["body"]["id"], 0))
        story.advance()
    story.settled()
    progress = secretariat.get(f"{practice.series}/progress")
    story.check("C1", "held", progress["held"], EACH * len(COMMUNITIES))


def left_behind(story: Story, practice: Practice) -> None:
    secretariat = practice.network.secretariat
    story.step("Che cosa lasciano le comunità: forme, modelli, partenariati, interventi")
    where = cycle(practice.communities.values())
    for kind, (title, count) in LEFT.items():
        for number in range(1, count + 1):
            outcome = {"kind": kind, "title": f"{title} {number}", "on": "2027-06-30", "evidence": "Verbale"}
            path = f"{practice.project}/outcomes"
            secretariat.acted(path, {**outcome, "body_id": next(where)}, of=practice.project)
    story.settled()


def report(story: Story, practice: Practice) -> None:
    network, secretariat = practice.network, practice.network.secretariat
    story.step("La relazione finale del progetto, con i suoi capitoli")
    made = secretariat.created(network.path(f"projects/{practice.project[-36:]}/reports", "events"), {})
    chapters = secretariat.get(made["json_href"])["chapters"]
    there = EACH * (MEMBERS * len(COMMUNITIES) - sum(ABSENT.values()))
    participation = chapters["participation"]
    story.check("C3", "presences", (participation["held"], participation["presences"]), (30, there))
    forms = LEFT["organisational_form"][1] + LEFT["management_model"][1]
    for chapter, count in {"forms": forms, "partnerships": LEFT["partnership"][1]}.items():
        story.check("C3", chapter, chapters[chapter]["count"], count)
    by_community = {one["community"]["name"]: one["count"] for one in chapters["interventions"]["by_community"]}
    story.check("C3", "interventions_by_community", sorted(by_community.values()), [1, 1, 1, 1, 2])
    measured = [one for one in chapters["knowledge"]["items"] if one["group"]["name"] in COMMUNITIES]
    gains = {(one["competence"], one["group"]["name"]): one["gain"] for one in measured}
    numbers = {name: number for number, name in enumerate(COMMUNITIES)}
    wanted = {
        (title, name): gap(number, nth)[3]
        for nth, title in enumerate(COMPETENCES.values())
        for name, number in numbers.items()
    }
    story.check("C3", "knowledge", gains == wanted, True)
    four = [code for code in ("knowledge", "forms", "partnerships", "interventions") if code in made["empty"]]
    story.check("C3", "chapters_without_data", four, [])
    pdf = secretariat.send("GET", made["pdf_href"])
    story.check("C3", "pdf_is_the_one_recorded", sha256(pdf.content).hexdigest() == made["sha256"], True)
    story.check("C3", "evidence", files(secretariat.send("GET", f"{practice.series}/evidence").content), 30)


def files(content: bytes) -> int:
    """Signature sheets in the archive of evidence, whose sums are checked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sums = archive.read(next(name for name in archive.namelist() if name.endswith("SHA256SUMS"))).decode()
        listed = {name: known for known, _, name in (line.partition("  ") for line in sums.splitlines())}
        wrong = [name for name, known in listed.items() if sha256(archive.read(name)).hexdigest() != known]
        return 0 if wrong else sum(name.endswith("foglio-firme.pdf") for name in listed)
