"""Scenario B: Palestre di capacità, a year of focus groups in Lombardia, from a programme to its report.

Six groups, eighteen meetings, 95 bodies with a delegate each, the four themes, the cohorts of 51 and 32 delegates and
the scores from 1 to 10 are of the project's own page. Bodies' names and codes, people, places, the text of what they
say, the fields, needs and resources of the grid and every single score are invented here to make the case complete.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count, cycle, product
from pathlib import Path
from typing import Any

from deploy.local.scenarios.members import Network, founded, held, tax_code
from deploy.local.story import Story, at

TITLE = "Palestre di capacità: sei focus group, diciotto incontri, novantacinque enti"
KINDS = {
    "ODV": 26,
    "APS": 25,
    "Associazione": 6,
    "Fondazione di comunità": 11,
    "CSV": 10,
    "Cooperativa": 4,
    "Comune": 2,
    "Fondazione": 5,
    "Comitato": 3,
    "Ente religioso": 3,
}
"""How many bodies of each kind, as a file calls them: 57 associations, of which 51 are ODV or APS, 11 community
foundations, 10 CSV, 6 cooperatives and public bodies, 11 others."""
BODIES = 95
PROVINCES = {
    "Milano": "F205",
    "Bergamo": "A794",
    "Brescia": "B157",
    "Como": "C933",
    "Pavia": "G388",
    "Varese": "L682",
}
"""Where the six groups meet, by the seat of the province."""
MEETINGS = 18
REFUSED = (409, "outside-series")
THEMES = [
    {"code": "energies", "it": "Energie per il dibattito", "en": "Energies for the debate"},
    {"code": "networks", "it": "Reti comunitarie", "en": "Community networks"},
    {"code": "tools", "it": "Strumentazione", "en": "Tools"},
    {"code": "chains", "it": "Catene di valore", "en": "Value chains"},
]
REPRESENTATIVES = ("Olga Sala", "Renzo Villa", "Silvia Zani")
"""Of the regional organisations, to whom the synthesis is sent."""
GRID = {
    "fields": ["Abitare", "Lavoro", "Cura", "Cultura"],
    "needs": ["Spazi", "Competenze", "Volontari", "Liquidità", "Relazioni", "Dati"],
    "resources": ["Bandi regionali", "Fondazioni", "Imprese", "Autofinanziamento", "Fondi europei"],
}
COHORTS = [
    {"code": "aps_odv", "title": "Delegati APS e ODV", "sections": ["aps", "odv"]},
    {
        "code": "others",
        "title": "Delegati di fondazioni, CSV e altri",
        "kinds": ["community_foundation", "csv", "foundation", "committee", "religious"],
    },
]
CELLS = [
    f"{field}.{need}.{resource}"
    for field, need, resource in product(*(range(1, len(terms) + 1) for terms in GRID.values()))
]
GROUPS = [
    {"title": "Associazioni", "kinds": ["association"]},
    {"title": "Fondazioni comunitarie", "kinds": ["community_foundation"]},
    {"title": "CSV", "kinds": ["csv"]},
    {"title": "Cooperazione e P.A.", "kinds": ["cooperative", "municipality"]},
    {"title": "Altri", "kinds": ["foundation", "committee", "religious"]},
]
VOTING = {"aps_odv": 51, "others": 32}
PREFERRED = {1: (1, 2), 2: (2, 5), 3: (3, 1), 4: (5, 3)}
"""Of each field the need and the resource that delegates score highest, by their numbers."""
SAID = 48
"""Contributions of the first phase, twelve on each theme."""
TAGS = (["strength"], ["weakness"], ["development"], ["weakness", "development"])
NAMES = ("Ada", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Gaia", "Ivo", "Lia", "Mario")
FAMILIES = ("Alberti", "Bonetti", "Cattaneo", "Donati", "Ferrari", "Gatti", "Longhi", "Mauri", "Pozzi", "Riva")


@dataclass
class Gym:
    """The programme as the story goes on."""

    network: Network
    groups: dict[str, str] = field(default_factory=dict)
    delegates: list[Any] = field(default_factory=list)
    series: str = ""
    meetings: list[Any] = field(default_factory=list)
    ballot: str = ""
    best: dict[str, str] = field(default_factory=dict)


def tell(story: Story) -> None:
    """The points B1 to B5."""
    story.until(max(story.now(), at("2025-03-24", "09:00")))
    gym = begun(story)
    programme(story, gym)
    contributions(story, gym)
    crossing(story, gym)
    met(story, gym)
    report(story, gym)
    story.settled()


# B2: 95 bodies with a delegate each


def begun(story: Story) -> Gym:
    story.step(f"{BODIES} enti con un delegato ciascuno, da due fogli")
    network = founded(story, "palestre", "Palestre di capacità")
    bodies, delegates = [], []
    kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
    people = [f"{given} {family}" for family in FAMILIES for given in NAMES]
    for number, (kind, province, person) in enumerate(zip(kinds, cycle(PROVINCES), people, strict=False), 1):
        code, name = tax_code(400 + number), f"{kind} Lombarda {number}"
        bodies.append((code, name, kind, province))
        given, family = person.split()
        delegates.append((code, given, family, network.email(person), "Delegato", province))
    imported(network, "organisations", ("Codice fiscale", "Denominazione", "Tipo", "Comune"), bodies)
    columns = ("Codice fiscale ente", "Nome", "Cognome", "Email", "Ruolo", "Provincia")
    done = imported(network, "representatives", columns, delegates)
    story.check("B2", "delegates", done["created"], BODIES)
    network.organisations = {one["name"]: one["id"] for one in network.secretariat.all(network.path("organisations"))}
    story.check("B2", "bodies", len(network.organisations), BODIES)
    gym = Gym(network)
    for province, code in PROVINCES.items():
        territory = network.secretariat.get(f"/mapping/v1/territories/{code}")["province"]
        body = {
            "name": f"Focus group {province}",
            "kind": "working_group",
            "composition": "by_territory",
            "roles": ["delegate"],
            "territory": territory,
        }
        gym.groups[province] = network.secretariat.created(network.path("bodies"), body)["id"]
    for name, organisation in zip(REPRESENTATIVES, sorted(network.organisations), strict=False):
        network.mandate(name, "representative", organisation, territory="03")
    gym.delegates = network.secretariat.all(network.path("mandates"), role="delegate")
    story.settled()
    return gym


def imported(network: Network, kind: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{kind}.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out, delimiter=";").writerows([header, *rows])
        return network.secretariat.imported(network.slug, file, commit=True, of=kind)


# B1: eighteen meetings of six groups, planned against the programme's own quotas


def programme(story: Story, gym: Gym) -> None:
    network, secretariat = gym.network, gym.network.secretariat
    story.step("Un programma di un anno: sei focus group, diciotto incontri")
    frame = {
        "title": TITLE.partition(":")[0],
        "since": "2025-04-01",
        "last_day": "2026-03-31",
        "level": "territorial",
        "bodies": list(gym.groups.values()),
        "quotas": [{"count": MEETINGS, "exact": True}],
        "modes": ["remote"],
        "min_days": 14,
    }
    made = secretariat.created(network.path("series", "events"), frame)
    gym.series = f"/events/v1/series/{made['id']}"
    shares = [4, 4, 4, 2, 2, 2]
    story.check("B1", "even_split", split(secretariat.get(f"{gym.series}/progress")), [3] * 6)
    secretariat.changed(gym.series, {"shares": shares})
    story.check("B1", "split_by_hand", split(secretariat.get(f"{gym.series}/progress")), shares)
    secretariat.changed(gym.series, {"shares": None})
    secretariat.acted(f"{gym.series}/adopt")
    plan = secretariat.created(f"{gym.series}/plan", {"times": ["17:30"], "weekdays": [2, 3, 4]})
    story.check("B1", "dates_proposed", (plan["feasible"], len(plan["items"])), (True, MEETINGS))
    wanted = [{name: item[name] for name in ("body_id", "mode", "starts_at", "ends_at")} for item in plan["items"]]
    drafts = secretariat.created(f"{gym.series}/plan/accept", {"items": wanted})["items"]
    story.check("B1", "meetings_planned", len(drafts), MEETINGS)
    one_more = {**outside(wanted[-1]), "title": "Un incontro in più", "series_id": made["id"]}
    story.check("B1", "a_nineteenth", secretariat.refused(network.path("meetings", "events"), one_more), REFUSED)
    late = {**one_more, "starts_at": "2026-04-14T15:30:00Z", "ends_at": "2026-04-14T17:30:00Z"}
    story.check("B1", "after_the_end", secretariat.refused(network.path("meetings", "events"), late), REFUSED)
    act: dict[str, Any] = {"act": "Determina 12", "day": story.today(), "reason": "Un tema in più"}
    act["quotas"] = [{"count": MEETINGS + 1, "exact": True}]
    act["shares"] = [3 + (body == one_more["body_id"]) for body in gym.groups.values()]
    secretariat.acted(f"{gym.series}/extensions", act)
    added = secretariat.created(network.path("meetings", "events"), one_more)
    story.check("B1", "after_an_extension", added["state"], "draft")
    secretariat.acted(f"/events/v1/meetings/{added['id']}/cancel")
    gym.meetings = drafts


def split(progress: Any) -> list[int]:
    return [body["limit"] for body in progress["bodies"]]


def outside(item: dict[str, Any]) -> dict[str, Any]:
    """The same three weeks later: as good a date, and one more than the programme has."""
    instants = {name: datetime.fromisoformat(item[name]) + timedelta(days=21) for name in ("starts_at", "ends_at")}
    return {**item, **{name: instant.isoformat() for name, instant in instants.items()}}


# B3: four themes; what the delegates said, counted, and its synthesis for the regional organisations


def contributions(story: Story, gym: Gym) -> None:
    network, secretariat = gym.network, gym.network.secretariat
    story.step("Fase 1: i contributi sui quattro temi, contati e sintetizzati", total=SAID)
    body = {"title": "Fase 1", "question": "Che cosa serve per il bando?", "themes": THEMES}
    made = secretariat.created(network.path("collections", "events"), {**body, "series_id": gym.series[-36:]})
    path = f"/events/v1/collections/{made['id']}"
    secretariat.acted(f"{path}/open")
    tagged = []
    for mandate, theme, tags in zip(gym.delegates[:SAID], cycle(THEMES), shuffled(TAGS, len(THEMES)), strict=False):
        text = f"{mandate['organisation']['name']} dice la sua su: {theme['it'].lower()}."
        given = {"theme": theme["code"], "text": text, "person_id": mandate["person"]["id"]}
        said = secretariat.created(f"{path}/contributions", given)
        tagged.append({"contribution_id": said["id"], "tags": tags})
        story.advance()
    secretariat.created(f"{path}/tags", {"items": tagged})
    expected = Counter(tag for one in tagged for tag in one["tags"])
    counts = secretariat.all(f"{path}/counts")
    story.check("B3", "contributions", [cell["contributions"] for cell in counts], [SAID // len(THEMES)] * len(THEMES))
    found = {tag: sum(cell[tag] for cell in counts) for tag in ("strength", "weakness", "development")}
    story.check("B3", "tags", found, dict(expected))
    synthesis(story, gym, path)


def synthesis(story: Story, gym: Gym, collection: str) -> None:
    network, secretariat = gym.network, gym.network.secretariat
    body = {"title": "Sintesi della fase 1", "text": "## Energie\n\nCi sono."}
    made = secretariat.created(f"{collection}/synthesis", body)
    path = f"/events/v1/syntheses/{made['id']}"
    issued = [secretariat.acted(f"{path}/issue")]
    story.settled()  # once there is a second version, only that one is still sent
    secretariat.changed(path, {"text": "## Energie\n\nCi sono, e servono spazi."})
    issued.append(secretariat.acted(f"{path}/issue"))
    story.check("B3", "versions", [one["number"] for one in issued], [1, 2])
    story.check("B3", "recipients", [one["recipients"] for one in issued], [len(REPRESENTATIVES)] * 2)
    story.settled()
    mails = [mail for name in REPRESENTATIVES for mail in story.mails(network.email(name))]
    told = [mail for mail in mails if "/events/v1/syntheses/link" in mail["text"]]
    story.check("B3", "mails_to_regional_representatives", len(told), 2 * len(REPRESENTATIVES))


def shuffled(values: Sequence[Any], every: int) -> Iterator[Any]:
    """In turn, one further on after each round: every theme gets each of them."""
    return (values[(n + n // every) % len(values)] for n in count())


# B4: 83 delegates score 120 crossings, by their own hand, by link, on paper and from a file


def score(delegate: int, cell: str) -> int:
    """What the delegate of that number gives to a cell: 1 to 10, highest where PREFERRED says."""
    field_, need, resource = map(int, cell.split("."))
    preferred = 4 if PREFERRED[field_] == (need, resource) else 0
    return min(10, 1 + preferred + (delegate * 7 + field_ * 5 + need * 3 + resource) % 7)


def crossing(story: Story, gym: Gym) -> None:
    network, secretariat = gym.network, gym.network.secretariat
    story.step("Fase 2: 83 delegati danno un voto da 1 a 10 a 120 incroci", total=sum(VOTING.values()))
    call = {
        "question": "Qual è il miglior incrocio tra risorse ed esigenze, campo per campo?",
        "kind": "grid",
        "grid": GRID,
        "cohorts": COHORTS,
        "roles": ["delegate"],
        "closes_at": at("2025-04-15").isoformat(),
    }
    made = secretariat.created(network.path("ballots", "events"), call)
    gym.ballot = f"/events/v1/ballots/{made['id']}"
    story.check("B4", "called", made["entitled"], BODIES)
    story.settled()
    voters = [one for one in secretariat.all(f"{gym.ballot}/voters") if one["cohort"]]
    story.check("B4", "cohorts", dict(Counter(one["cohort"] for one in voters)), VOTING)
    given = {one["id"]: {cell: score(number, cell) for cell in CELLS} for number, one in enumerate(voters)}
    by_hand, by_link, on_paper, rest = voters[:1], voters[-1:], voters[1:2], voters[2:-1]
    for voter in by_hand:
        paper = {"state": "cast", "cells": given[voter["id"]]}
        mailbox = network.email(voter["person"]["name"])
        story.signed_in(mailbox).changed(f"{gym.ballot}/papers/me", paper, method="PUT")
    for voter in by_link:
        link = story.link_mailed(network.email(voter["person"]["name"]), "/events/v1/ballots/link")
        form = {cell: str(value) for cell, value in given[voter["id"]].items()}
        answer = story.client().send("POST", link, data=form, headers={"Accept": "application/json"})
        story.check("B4", "by_link", answer.status_code, 200)
    for voter in on_paper:
        paper = {"state": "cast", "cells": given[voter["id"]]}
        secretariat.changed(f"{gym.ballot}/papers/{voter['id']}", paper, method="PUT")
    file = table(rest, given)
    taken = secretariat.send("POST", f"{gym.ballot}/papers/file", files={"file": ("schede.csv", file, "text/csv")})
    story.check("B4", "from_a_file", taken.json().get("papers"), len(rest))
    closed = secretariat.acted(f"{gym.ballot}/close")
    story.check("B4", "voted", (closed["cast"], closed["entitled"]), (sum(VOTING.values()), BODIES))
    results(story, gym, voters, given)


def table(voters: list[Any], given: dict[str, dict[str, int]]) -> bytes:
    """The papers as the secretariat types them: a row for each score."""
    names = dict(zip(CELLS, product(*GRID.values()), strict=True))
    lines = [("votante", "campo", "bisogno", "risorsa", "punteggio")]
    lines += [(one["id"], *names[cell], str(value)) for one in voters for cell, value in given[one["id"]].items()]
    return "\n".join(";".join(line) for line in lines).encode()


def results(story: Story, gym: Gym, voters: list[Any], given: dict[str, dict[str, int]]) -> None:
    """Read back, and compared with what is worked out here from the scores."""
    secretariat = gym.network.secretariat
    found = secretariat.get(f"{gym.ballot}/results")
    story.check("B4", "scores", found["scores"], sum(VOTING.values()) * len(CELLS))
    groups = {group["code"]: group for group in found["groups"]}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for voter in voters:
        for cell, value in given[voter["id"]].items():
            sums[voter["cohort"], cell] += value
            sums["all", cell] += value
    for code in ("all", *VOTING):
        best = [max((c for c in CELLS if c.startswith(f"{n}.")), key=lambda c: sums[code, c]) for n in range(1, 5)]
        said = [one["cells"][0] for one in groups[code]["best"]]
        means = [round(sums[code, cell] / (VOTING.get(code) or sum(VOTING.values())), 4) for cell in best]
        story.check("B4", f"best_{code}", [round(cell["mean"], 4) for cell in said], means)
        if code == "all":
            gym.best = {cell["field"]: f"{cell['need']} × {cell['resource']}" for cell in said}
    story.settled()
    crossings = secretariat.all(gym.network.path("crossings", "mapping"))
    mapped = [(one["state"], one["respondents"]["count"]) for one in crossings]
    story.check("B4", "on_the_map", mapped, [("closed", sum(VOTING.values()))])
    story.show("I migliori incroci", list(gym.best.items()))


# B5: what was promised is held, and reported


def met(story: Story, gym: Gym) -> None:
    secretariat = gym.network.secretariat
    story.step("Diciotto incontri, convocati e tenuti", total=2 * MEETINGS)
    for meeting in gym.meetings:
        path = f"/events/v1/meetings/{meeting['id']}"
        secretariat.changed(path, {"join_url": "https://meet.example.org/palestre"})
        secretariat.acted(f"{path}/convene")
        story.advance()
    story.until(at("2026-03-31", "22:00"))
    for meeting in gym.meetings:
        held(gym.network, meeting["id"])
        story.advance()
    story.settled()


def report(story: Story, gym: Gym) -> None:
    secretariat = gym.network.secretariat
    story.step("La relazione: le stesse cifre in pagina, in PDF e in JSON, per tutti")
    made = secretariat.created(f"{gym.series}/reports", {"ballots": [gym.ballot[-36:]], "groups": GROUPS})
    released = secretariat.acted(f"{made['href']}/release")
    public = released["public_href"]
    read = {kind: story.client().send("GET", f"{public}{kind}") for kind in ("", ".json", ".pdf")}
    story.check("B5", "public", [answer.status_code for answer in read.values()], [200] * 3)
    chapters = read[".json"].json()["chapters"]
    story.check("B5", "meetings", chapters["participation"]["held"], MEETINGS)
    shares = {group["title"]: group["share"] for group in chapters["composition"]["groups"]}
    story.check("B2", "composition", [one["count"] for one in shares.values()], [57, 11, 10, 6, 11])
    story.check("B2", "shares_as_they_round", [one["percent"] for one in shares.values()], [60, 12, 11, 6, 12])
    (crossed,) = chapters["crossings"]["items"]
    story.check("B4", "shown_as", (crossed["respondents"]["count"], crossed["respondents"]["of"]), (83, BODIES))
    same = sha256(read[".pdf"].content).hexdigest() == released["sha256"]
    story.check("B5", "pdf_is_the_one_recorded", same, True)
    story.link("Relazione delle Palestre di capacità", public)
