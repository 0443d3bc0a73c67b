"""The alliance's seven founders: imported from a list, represented, mapped, ranked and told.

The names are those of the alliance's own announcement of 27 June 2024. Their seats and tax codes, and all
representatives with their addresses, are invented here to make the case complete.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from deploy.local.scenarios.members import Network, founded
from deploy.local.story import Story

SLUG = "case-della-comunita"
LIST = Path(__file__).with_name("founders.csv")

# Founder (by the beginning of its name) -> its referent, and its representatives by region.
REFERENTS = {
    "ACLI": "Marta Bassi",
    "Cittadinanzattiva": "Paolo Fontana",
    "CNCA": "Irene Galli",
    "CSVnet": "Luca Marini",
    "Forum": "Sara Conti",
    "MoVI": "Giorgio Riva",
    "Prima": "Anna Ferri",
}
REPRESENTATIVES = {
    "ACLI": {"03": "Davide Sala", "08": "Elena Costa", "09": "Pietro Gatti", "15": "Rosa Greco"},
    "Cittadinanzattiva": {"03": "Chiara Villa", "08": "Marco Leone", "16": "Nicola Serra"},
    "CNCA": {"03": "Giulia Monti", "05": "Andrea Zanin"},
    "CSVnet": {"03": "Silvia Rota", "08": "Fabio Neri", "09": "Laura Tosi"},
    "Forum": {"03": "Teresa Longo"},
    "MoVI": {"05": "Carlo Vidal", "15": "Maria Russo"},
    "Prima": {"08": "Stefano Bruni"},
}
PEOPLE = len(REFERENTS) + sum(len(regions) for regions in REPRESENTATIVES.values())
SEAT_REGIONS = {"Prima": "03"}  # all others sit in Rome
LAZIO = "12"


def expected_by_region() -> Counter[str]:
    """Founders present in each region by seat or by a representative's mandate, from the lists above alone."""
    present = {(founder, SEAT_REGIONS.get(founder, LAZIO)) for founder in REFERENTS}
    present |= {(founder, region) for founder, regions in REPRESENTATIVES.items() for region in regions}
    return Counter(region for _, region in present)


def tell(story: Story) -> Network:
    """The three points `import`, `presences` and `mail`; returns the alliance."""
    story.step("Nasce la rete; la segreteria entra")
    network = founded(story, SLUG, "Alleanza per le Case della comunità")
    import_founders(story, network)
    appoint(story, network)
    story.settled()
    check_presences(story, network.secretariat)
    check_mail(story, network)
    return network


def import_founders(story: Story, network: Network) -> None:
    """Previews the list, commits it, imports it again."""
    story.step("Importa l'elenco dei sette fondatori: anteprima, conferma, seconda volta")
    secretariat = network.secretariat
    preview = secretariat.imported(SLUG, LIST, commit=False)
    story.check("import", "previewed", preview["rows"], 7)
    done = secretariat.committed(preview["id"])
    for figure, value in {"rows": 7, "created": 7, "rejected": 0}.items():
        story.check("import", figure, done[figure], value)
    again = secretariat.imported(SLUG, LIST, commit=True)
    story.check("import", "unchanged_when_repeated", again["unchanged"], 7)
    members = secretariat.all(network.path("organisations"))
    story.check("import", "organisations", len(members), 7)
    network.organisations = {
        founder: m["id"] for founder in REFERENTS for m in members if m["name"].startswith(founder)
    }


def appoint(story: Story, network: Network) -> None:
    """A referent for each founder and representatives in the regions."""
    appointed = [
        (name, founder, region) for founder, regions in REPRESENTATIVES.items() for region, name in regions.items()
    ]
    story.step(f"Registra {PEOPLE} persone con i loro mandati", total=PEOPLE)
    for founder, name in REFERENTS.items():
        network.mandate(name, "referent", founder)
        story.advance()
    for name, founder, region in appointed:
        network.mandate(name, "representative", founder, territory=region)
        story.advance()


def check_presences(story: Story, secretariat: Any) -> None:
    story.step("Legge la mappa: presenze, copertura, graduatoria delle regioni")
    expected = expected_by_region()
    ranking = secretariat.get(f"/mapping/v1/networks/{SLUG}/ranking")["items"]
    story.check("presences", "regions", len(ranking), 20)
    found = {r["region"]["code"]: r["organisations"]["count"] for r in ranking if r["organisations"]["count"]}
    story.check("presences", "organisations_by_region", found, dict(expected))
    story.check("presences", "first_region", ranking[0]["region"]["name"], "Lombardia")
    coverage = secretariat.get(f"/mapping/v1/networks/{SLUG}/coverage?level=region")["items"]
    white = sum(1 for territory in coverage if territory["organisations"]["count"] == 0)
    story.check("presences", "white_regions", white, 20 - len(expected))
    story.show(
        "Le regioni da cui iniziare",
        [(f"{r['rank']}. {r['region']['name']}", r["organisations"]["count"]) for r in ranking[:6]],
    )


def check_mail(story: Story, network: Network) -> None:
    story.step("Legge la posta: il resoconto alla segreteria, la nomina a ciascuno")
    reports = [m for m in story.mails(network.mailbox) if LIST.name in m["text"]]
    story.check("mail", "reports_to_the_secretariat", len(reports), 2)
    told = Counter(name for name in network.people for _ in story.mails(network.email(name)))
    story.check("mail", "people_told_of_their_mandate", len(told), PEOPLE)
    story.check("mail", "told_twice", sum(1 for times in told.values() if times > 1), 0)
    deliveries = network.secretariat.all(network.path("deliveries", "notify"))
    story.check("mail", "undelivered", sum(1 for d in deliveries if d["state"] != "sent"), 0)
