"""The alliance's seven founders: imported from a list, represented, mapped, ranked and told.

The names are those of the alliance's own announcement of 27 June 2024. Their seats and tax codes, and all
representatives with their addresses, are invented here to make the case complete.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from deploy.local.story import Story

TITLE = "I sette fondatori dell'alleanza: importati da un elenco, rappresentati, sulla mappa, avvisati"
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
SEAT_REGIONS = {"Prima": "03"}  # all others sit in Rome
LAZIO = "12"


def expected_by_region() -> Counter[str]:
    """Founders present in each region by seat or by a representative's mandate, from the lists above alone."""
    present = {(founder, SEAT_REGIONS.get(founder, LAZIO)) for founder in REFERENTS}
    present |= {(founder, region) for founder, regions in REPRESENTATIVES.items() for region in regions}
    return Counter(region for _, region in present)


def address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.org"


def tell(story: Story) -> None:
    """The three points `import`, `presences` and `mail`."""
    story.step("Nasce la rete; la segreteria entra")
    admin = story.client(story.token("admin"))
    admin.created("/registry/v1/networks", {"slug": SLUG, "name": "Alleanza per le Case della comunità"})
    secretariat = story.client(story.token("secretariat", SLUG))
    organisations = import_founders(story, secretariat)
    appointed = appoint(story, secretariat, organisations)
    story.settled()
    check_presences(story, secretariat)
    check_mail(story, secretariat, appointed)


def import_founders(story: Story, secretariat: Any) -> dict[str, str]:
    """Previews the list, commits it, imports it again; returns founder -> organisation id."""
    story.step("Importa l'elenco dei sette fondatori: anteprima, conferma, seconda volta")
    preview = secretariat.imported(SLUG, LIST, commit=False)
    story.check("import", "previewed", preview["rows"], 7)
    done = secretariat.committed(preview["id"])
    for figure, value in {"rows": 7, "created": 7, "rejected": 0}.items():
        story.check("import", figure, done[figure], value)
    again = secretariat.imported(SLUG, LIST, commit=True)
    story.check("import", "unchanged_when_repeated", again["unchanged"], 7)
    members = secretariat.all(f"/registry/v1/networks/{SLUG}/organisations")
    story.check("import", "organisations", len(members), 7)
    return {founder: m["id"] for founder in REFERENTS for m in members if m["name"].startswith(founder)}


def appoint(story: Story, secretariat: Any, organisations: dict[str, str]) -> list[str]:
    """A referent for each founder and representatives in the regions; returns the people's addresses."""
    mandates: list[tuple[str, str, str, str | None]] = [
        (name, founder, "referent", None) for founder, name in REFERENTS.items()
    ]
    mandates += [
        (name, founder, "representative", region)
        for founder, regions in REPRESENTATIVES.items()
        for region, name in regions.items()
    ]
    story.step(f"Registra {len(mandates)} persone con i loro mandati", total=len(mandates))
    today = story.today()
    for name, founder, role, territory in mandates:
        given, family = name.split(" ", 1)
        person = secretariat.created(
            f"/registry/v1/networks/{SLUG}/people",
            {"given_name": given, "family_name": family, "email": address(name), "language": "it"},
        )
        secretariat.created(
            f"/registry/v1/networks/{SLUG}/mandates",
            {
                "person_id": person["id"],
                "organisation_id": organisations[founder],
                "role": role,
                "since": today,
                **({"territory": territory} if territory else {}),
            },
        )
        story.advance()
    return [address(name) for name, *_ in mandates]


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


def check_mail(story: Story, secretariat: Any, appointed: list[str]) -> None:
    story.step("Legge la posta: il resoconto alla segreteria, la nomina a ciascuno")
    me = secretariat.get("/registry/v1/me")
    reports = [m for m in story.mails(me["email"]) if LIST.name in m["text"]]
    story.check("mail", "reports_to_the_secretariat", len(reports), 2)
    told = Counter(address for address in appointed for _ in story.mails(address))
    story.check("mail", "people_told_of_their_mandate", len(told), len(set(appointed)))
    story.check("mail", "told_twice", sum(1 for times in told.values() if times > 1), 0)
    deliveries = secretariat.all(f"/notify/v1/networks/{SLUG}/deliveries")
    story.check("mail", "undelivered", sum(1 for d in deliveries if d["state"] != "sent"), 0)
    story.link("La posta inviata", "/mail/")
