"""Point A5: between four and six regional coordinations within six months, the last day included.

Three networks live through the same six months. The alliance has six coordinations, its sixth on the last evening; a
second network has its fourth on that evening; a third approves the minutes of its fourth the morning after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from deploy.local.scenarios import founders
from deploy.local.scenarios.members import Network, founded, held, meeting, minuted
from deploy.local.story import Story, at

BEGIN, LAST_DAY = "2024-09-12", "2025-03-12"
MINIMUM, FULL = 4, 6
OFFICES = ("president", "giunta")
MEMBERS = 2
"""Associations with a representative in the region, without which a coordination is not begun."""
REGIONS = {
    "03": "Lombardia",
    "05": "Veneto",
    "08": "Emilia-Romagna",
    "09": "Toscana",
    "15": "Campania",
    "16": "Puglia",
}
COORDINATORS = {
    "03": "Rita Colombo",
    "05": "Marco Zorzi",
    "08": "Gianni Ferrari",
    "09": "Lucia Bianchi",
    "15": "Ciro De Luca",
    "16": "Angela Lorusso",
}
FIRST_THREE = {"03": at("2024-10-20"), "08": at("2024-11-15"), "09": at("2024-12-10")}
LAST_EVENING, MORNING_AFTER = at(LAST_DAY, "23:30"), at("2025-03-13", "10:00")
SIX = {**FIRST_THREE, "05": at("2025-01-15"), "15": at("2025-02-10"), "16": LAST_EVENING}
FOUR = {**FIRST_THREE, "05": LAST_EVENING}
THREE = {**FIRST_THREE, "05": MORNING_AFTER}
"""Region -> when the minutes of its founding meeting are approved."""


@dataclass
class Months:
    """Six months of one network."""

    network: Network
    approved: dict[str, datetime]
    goal: str = ""
    bodies: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    meetings: dict[str, str] = field(default_factory=dict)

    def reads(self) -> Any:
        return self.network.secretariat.get(f"/registry/v1/goals/{self.goal}")


def steps(story: Story, alliance: Network) -> list[tuple[datetime, Callable[[], None]]]:
    """What happens when, in the three networks."""
    networks = [Months(alliance, SIX)]
    timeline: list[tuple[datetime, Callable[[], None]]] = [
        (at(BEGIN, "13:00"), lambda: begun(story, networks)),
        (at("2025-01-30", "10:00"), lambda: tracked(story, networks[0])),
        (at(LAST_DAY, "23:50"), lambda: last_minutes(story, networks)),
        (at("2025-03-13", "00:05"), lambda: decided(story, networks)),
        (at("2025-03-13", "11:00"), lambda: unchanged(story, networks)),
    ]
    minutes = {(region, instant) for plan in (SIX, FOUR, THREE) for region, instant in plan.items()}
    for region, instant in sorted(minutes):
        timeline.append((instant, partial(constituted, story, networks, region, instant)))
    for region, evening in sorted({(region, evening_of(instant)) for region, instant in minutes}):
        timeline.append((evening - timedelta(days=7), partial(prepared, story, networks, region, evening)))
    return timeline


def evening_of(approved: datetime) -> datetime:
    """When the founding meeting begins: the same day at five, or the day before minutes approved in the morning."""
    day = approved.date() if approved.hour >= 17 else approved.date() - timedelta(days=1)
    return at(day, "17:00")


def begun(story: Story, networks: list[Months]) -> None:
    story.step("L'obiettivo: da 4 a 6 coordinamenti regionali entro il 12 marzo; tre reti ci provano")
    networks.append(Months(another(story, "quattro-coordinamenti", "Rete dei quattro coordinamenti"), FOUR))
    networks.append(Months(another(story, "tre-coordinamenti", "Rete dei tre coordinamenti"), THREE))
    for months in networks:
        secretariat = months.network.secretariat
        goal = {
            "title": "Da 4 a 6 coordinamenti regionali in sei mesi",
            "body_kind": "regional_coordination",
            "since": BEGIN,
            "last_day": LAST_DAY,
            "minimum": MINIMUM,
            "full": FULL,
        }
        months.goal = secretariat.created(months.network.path("goals"), goal)["id"]
        for region in months.approved:
            path = {"territory": region, "minimum_members": MEMBERS}
            opened = secretariat.created(months.network.path("constitutions"), path)
            months.paths[region], months.bodies[region] = opened["id"], opened["body"]["id"]
    ranking = networks[0].network.secretariat.get(networks[0].network.path("ranking", "mapping"))["items"]
    first = [r["region"]["name"] for r in ranking if r["organisations"]["count"]][:1]
    story.check("A5", "regions_ranked_first", first, ["Lombardia"])


def another(story: Story, slug: str, name: str) -> Network:
    """A network of the same associations, each with representatives where coordinations are to be."""
    network = founded(story, slug, name)
    network.secretariat.imported(slug, founders.LIST, commit=True)
    members = network.secretariat.all(network.path("organisations"))
    network.organisations = {f: m["id"] for f in founders.REFERENTS for m in members if m["name"].startswith(f)}
    for region in FOUR:
        there = [(f, people[region]) for f, people in founders.REPRESENTATIVES.items() if region in people]
        for founder, name_ in there[:MEMBERS]:
            network.mandate(name_, "representative", founder, territory=region)
    return network


def prepared(story: Story, networks: list[Months], region: str, evening: datetime) -> None:
    """A coordinator, the interlocutors, and the convocation of those who represent an association in the region."""
    there = [m for m in networks if region in m.approved and evening_of(m.approved[region]) == evening]
    story.step(f"{REGIONS[region]}: coordinatore, interlocutori e convocazione{how_many(there)}")
    for months in there:
        network = months.network
        network.mandate(COORDINATORS[region], "coordinator", territory=region)
        for office in OFFICES:
            network.secretariat.created(network.path("interlocutors"), {"institution": region, "office": office})
    story.settled()  # the meetings' service has to know the body and its people
    for months in there:
        called = meeting(
            months.network,
            f"Costituzione del coordinamento: {REGIONS[region]}",
            months.bodies[region],
            evening.isoformat(),
            (evening + timedelta(hours=1)).isoformat(),
            founding=True,
        )
        months.meetings[region] = called["id"]


def constituted(story: Story, networks: list[Months], region: str, instant: datetime) -> None:
    there = [months for months in networks if months.approved.get(region) == instant]
    story.step(f"{REGIONS[region]}: la riunione costitutiva, il verbale approvato{how_many(there)}")
    for months in there:
        held(months.network, months.meetings[region])
        minuted(months.network, months.meetings[region])
    story.settled()
    standing = {
        months.network.slug: months.network.secretariat.get(f"/registry/v1/constitutions/{months.paths[region]}")
        for months in there
    }
    found = {slug: path["completed_on"] for slug, path in standing.items()}
    expected = dict.fromkeys(standing, instant.date().isoformat())
    story.check("A5", f"constituted_{REGIONS[region].lower()}_{instant.date()}", found, expected)


def how_many(there: list[Months]) -> str:
    return f" ({len(there)} reti)" if len(there) > 1 else f" ({there[0].network.slug.replace('-', ' ')})"


def tracked(story: Story, months: Months) -> None:
    """Forty-one days before the end the alliance knows where it stands, and where to go next."""
    story.step("Quarantuno giorni alla scadenza: quante regioni, quale la prossima")
    goal = months.reads()
    story.check("A5", "tracker", [goal["reached"], goal["days_left"], goal["state"]], [4, 41, "running"])
    story.check("A5", "next_best", goal["next_best"]["territory"]["name"], "Campania")


def last_minutes(story: Story, networks: list[Months]) -> None:
    story.step("Mancano dieci minuti: l'ultimo giorno vale ancora")
    states = {months.network.slug: [months.reads()["reached"], months.reads()["state"]] for months in networks}
    expected = {m.network.slug: [n, "running"] for m, n in zip(networks, (6, 4, 3), strict=True)}
    story.check("A5", "last_evening", states, expected)


def decided(story: Story, networks: list[Months]) -> None:
    story.step("Mezzanotte è passata: l'esito di ciascuna rete")
    endings = {months.network.slug: [months.reads()["reached"], months.reads()["state"]] for months in networks}
    expected = {m.network.slug: e for m, e in zip(networks, ([6, "full"], [4, "met"], [3, "missed"]), strict=True)}
    story.check("A5", "endings", endings, expected)
    told = {
        months.network.slug: sum("/registry/v1/goals/link" in m["text"] for m in story.mails(months.network.mailbox))
        for months in networks
    }
    story.check("A5", "told_to_each_secretariat", list(told.values()), [6 + 1, 4 + 1, 3 + 1])
    said = {"full": "pieno", "met": "raggiunto", "missed": "mancato"}
    rows = [(slug.replace("-", " "), f"{reached}: {said[state]}") for slug, (reached, state) in endings.items()]
    story.show("I coordinamenti al 12 marzo 2025", rows)


def unchanged(story: Story, networks: list[Months]) -> None:
    """The coordination that came too late stands; the outcome does not change any more."""
    late = networks[2]
    story.check("A5", "too_late", [late.reads()["reached"], late.reads()["state"]], [3, "missed"])
    recorded = {
        months.network.slug: {
            (one["institution"]["code"], one["office"])
            for one in months.network.secretariat.all(months.network.path("interlocutors"))
        }
        for months in networks
    }
    expected = {m.network.slug: {(r, office) for r in m.approved for office in OFFICES} for m in networks}
    story.check("A5", "president_and_giunta_everywhere", recorded == expected, True)
    link = story.link_mailed(networks[0].network.mailbox, "/registry/v1/goals/link")
    story.link("Il cammino verso i sei coordinamenti", link)
