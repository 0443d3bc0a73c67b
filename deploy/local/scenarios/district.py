"""Scenario D: the Ambito of Lecco pools resources, signs a pact, closes its plan of 2021-2023 and keeps its papers.

The consortium Girasole, its mixed capital, the five kinds of resources, the four kinds of actors, the regional
guideline and the sizes of the plan's seven papers are of the district's own documents. Bodies' codes, the people, the
pact, the plan's objectives and what the papers say are invented here to make the case complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from deploy.local.papers import PLAN_OF_LECCO, paper
from deploy.local.scenarios.members import Network, enrolled, founded, tax_code
from deploy.local.story import Client, Story, at

TITLE = "L'Ambito di Lecco: risorse in comune, un patto, un piano che si chiude, i suoi documenti"
LECCO, MERATE = "E507", "F133"
GIRASOLE = "Impresa Sociale Consorzio Girasole"
BODIES = {
    "Comune di Lecco": ("municipality", "public", LECCO),
    "ASST di Lecco": ("health_authority", "public", LECCO),
    "Istituto comprensivo di Merate": ("school", "public", MERATE),
    GIRASOLE: ("consortium", "mixed", LECCO),
    "Cooperativa La Vecchia Quercia": ("cooperative", "private", LECCO),
    "Associazione Il Ponte": ("association", "private", MERATE),
    "Officine Resegone srl": ("firm", "private", LECCO),
    "Sindacato dei pensionati di Lecco": ("trade_union", "private", LECCO),
}
RESOURCES = {
    "economic": ("Fondo di comunità per le famiglie", "Officine Resegone srl"),
    "knowledge": ("Mediazione culturale nelle scuole", "Istituto comprensivo di Merate"),
    "organisational": ("Sala e segreteria per i tavoli", "Comune di Lecco"),
    "professional": ("Educatori per otto ore la settimana", GIRASOLE),
    "relational": ("Rete di vicinato di quaranta volontari", "Associazione Il Ponte"),
}
"""One of each kind, each of another kind of body; Girasole offers a second one besides."""
SECOND = ("organisational", "Coordinamento dell'ufficio di piano", GIRASOLE)
GROUP, MAKER, OPERATOR = "Gruppo di lavoro di Lecco", "Nadia Colombo", "Sergio Invernizzi"
HOUSEHOLD = "Famiglia Rigamonti Zanetti"
"""Who must be nowhere but where the pact is followed."""
SIDES = ("local_authority", "third_sector", "operator", "beneficiary")
OBJECTIVES = {
    "Punti unici di accesso in ogni polo": "achieved",
    "Rete delle case della comunità": "carried_over",
    "Fondo di comunità": "achieved",
    "Sportello unico per la casa": "lapsed",
}


@dataclass
class District:
    """The district as the story goes on."""

    network: Network
    maker: Client
    group: str = ""
    pact: str = ""
    plan: str = ""
    objectives: dict[str, str] = field(default_factory=dict)


def tell(story: Story) -> None:
    """The points D1 to D4."""
    story.until(max(story.now(), at("2025-03-14", "09:00")))
    district = begun(story)
    resources(story, district)
    steps: list[tuple[datetime, Callable[[], None]]] = [
        (at("2025-03-14", "12:00"), lambda: pact(story, district)),
        (at("2025-03-15", "10:00"), lambda: plan(story, district)),
        (at("2025-03-15", "12:00"), lambda: papers(story, district)),
    ]
    for instant, step in steps:
        story.until(instant)
        step()
    story.settled()


def begun(story: Story) -> District:
    story.step("Nasce la rete dell'Ambito di Lecco, con enti di ogni natura")
    network = founded(story, "ambito-lecco", "Ambito di Lecco")
    for number, (name, (kind, ownership, municipality)) in enumerate(BODIES.items(), 1):
        enrolled(network, name, tax_code(number), kind, municipality, ownership=ownership)
    story.settled()
    body = {
        "name": GROUP,
        "kind": "working_group",
        "composition": "open",
        "territory": LECCO,
        "needed_role": "community_maker",
    }
    group = network.secretariat.created(network.path("bodies"), body)
    network.mandate(MAKER, "community_maker", body_id=group["id"])
    network.mandate(OPERATOR, "member", "ASST di Lecco", body_id=group["id"])
    story.settled()
    return District(network, story.signed_in(network.email(MAKER)), group["id"])


# D1: five kinds of resources, and a body that is public and private at once


def resources(story: Story, district: District) -> None:
    network, secretariat = district.network, district.network.secretariat
    story.step("Cinque tipi di risorse messe in comune da enti di ogni natura")
    offered = [(kind, title, owner) for kind, (title, owner) in RESOURCES.items()] + [SECOND]
    for kind, title, owner in offered:
        body: dict[str, Any] = {
            "title": title,
            "kind": kind,
            "organisation_id": network.organisations[owner],
            "territories": [LECCO],
            "visibility": "network",
        }
        if kind == "economic":
            body["amount"] = {"cents": 15_000_000, "currency": "EUR"}
        made = secretariat.created(network.path("resources", "mapping"), body)
        secretariat.acted(f"/mapping/v1/resources/{made['id']}/validate")
    listed = secretariat.all(network.path("resources", "mapping"))
    story.check("D1", "resources", len(listed), 6)
    story.check("D1", "kinds_of_resources", sorted({one["kind"] for one in listed}), sorted(RESOURCES))
    owners = {one["organisation"]["id"] for one in listed}
    story.check("D1", "bodies_that_offer", len(owners), 5)
    figures = secretariat.get(network.path("organisations/statistics"))
    by_ownership = {row["code"]: row["count"] for row in figures["ownerships"]}
    story.check("D1", "public_private_mixed", by_ownership, {"public": 3, "private": 4, "mixed": 1})
    story.check("D1", "bodies_counted_once", figures["of"], len(BODIES))


# D2: a pact is complete when four kinds of actors hold something concrete


def pact(story: Story, district: District) -> None:
    network, maker = district.network, district.maker
    story.step("Un patto: incompleto finché i quattro attori non hanno ciascuno un impegno concreto")
    made = maker.created(
        network.path("pacts"),
        {
            "kind": "household",
            "body_id": district.group,
            "territory": LECCO,
            "beneficiary": {"name": HOUSEHOLD, "contact": "0341 000000", "notes": "Due figli a scuola"},
        },
    )
    district.pact = f"/registry/v1/pacts/{made['id']}"
    story.check("D2", "missing_at_first", sorted(made["missing"]), sorted(SIDES))
    given: list[dict[str, Any]] = [
        {"organisation_id": network.organisations["Comune di Lecco"], "text": "Mette a disposizione un alloggio"},
        {"organisation_id": network.organisations["Associazione Il Ponte"], "text": "Accompagna i figli dopo scuola"},
        {"person_id": network.person(OPERATOR), "text": "Un colloquio ogni due settimane"},
        {"side": "beneficiary", "text": "Frequenta il corso da assistente familiare"},
    ]
    missing = []
    for obligation in given:
        signing = maker.refused(f"{district.pact}/sign", {"until": "2026-03-14"}, of=district.pact)
        story.check("D2", "signed_while_incomplete", signing, (409, "pact-incomplete"))
        seen = maker.acted(f"{district.pact}/obligations", {"due": "2025-09-30", **obligation}, of=district.pact)
        missing.append(len(seen["missing"]))
    story.check("D2", "still_missing", missing, [3, 2, 1, 0])
    for text, due in (("Ottiene la residenza", "2025-06-30"), ("Trova un lavoro", "2025-12-31")):
        maker.acted(f"{district.pact}/steps", {"text": text, "due": due}, of=district.pact)
    signed = maker.acted(f"{district.pact}/sign", {"until": "2026-03-14"})
    story.check("D2", "state", signed["state"], "signed")
    secretariat = network.secretariat
    story.settled()
    owed = secretariat.all(network.path("commitments"), source="pact")
    story.check("D2", "commitments_of_bodies", len(owed), 3)
    seen_by_all = str([owed, secretariat.get(district.pact), secretariat.all(network.path("pacts"))])
    story.check("D2", "beneficiary_is_nowhere_else", HOUSEHOLD in seen_by_all, False)
    status, _ = secretariat.refused(f"{district.pact}/readings", {"reason": "follow_up"})
    story.check("D2", "secretariat_reads_the_name", status, 403)
    read = maker.created(f"{district.pact}/readings", {})
    story.check("D2", "maker_reads_the_name", read["beneficiary"]["name"], HOUSEHOLD)
    printed = maker.send("GET", f"{district.pact}/document")
    story.check("D2", "printed", printed.content[:5] == b"%PDF-", True)


# D3: what became of each objective when the plan ends, extension included


def plan(story: Story, district: District) -> None:
    network, secretariat = district.network, district.network.secretariat
    story.step("Il piano 2021-2023 «Fare Comunità», prorogato, si chiude: ogni obiettivo ha un esito")
    made = secretariat.created(
        network.path("plans"),
        {
            "title": "Piano di zona 2021-2023",
            "guideline": "DGR 4563/2021, Fare Comunità",
            "since": "2021-01-01",
            "last_day": "2023-12-31",
            "territories": [LECCO, MERATE],
        },
    )
    district.plan = f"/registry/v1/plans/{made['id']}"
    for title in OBJECTIVES:
        body = {"title": title, "organisation_id": network.organisations[GIRASOLE]}
        seen = secretariat.acted(f"{district.plan}/objectives", body, of=district.plan)
        district.objectives[title] = seen["objectives"][-1]["id"]
    act = {"number": "Deliberazione 12/2021", "day": "2021-12-20", "authority": "Assemblea dei Sindaci"}
    secretariat.acted(f"{district.plan}/adopt", act)
    extension = {"number": "Deliberazione 4/2023", "day": "2023-12-11", "authority": "Assemblea dei Sindaci"}
    extended = secretariat.acted(f"{district.plan}/extend", {"act": extension, "last_day": "2024-12-31"})
    story.check("D3", "last_day", extended["last_day"], "2024-12-31")
    following = {"title": "Piano di zona 2025-2027", "since": "2025-01-01", "last_day": "2027-12-31"}
    early = secretariat.refused(f"{district.plan}/close", {"following": following}, of=district.plan)
    story.check("D3", "closed_with_open_objectives", early, (409, "objectives-undecided"))
    for title, outcome in OBJECTIVES.items():
        body = {"outcome": outcome, **({"reason": "Superato dallo sportello regionale"} if outcome == "lapsed" else {})}
        secretariat.acted(f"{district.plan}/objectives/{district.objectives[title]}/decide", body, of=district.plan)
    closed = secretariat.acted(f"{district.plan}/close", {"following": following})
    outcomes = {one["title"]: one["outcome"] for one in closed["objectives"]}
    story.check("D3", "outcomes", outcomes, OBJECTIVES)
    story.check("D3", "state", closed["state"], "closed")
    plans = secretariat.all(network.path("plans"))
    heir = next(one for one in plans if one["title"] == "Piano di zona 2025-2027")
    carried = [one["title"] for one in secretariat.get(f"/registry/v1/plans/{heir['id']}")["objectives"]]
    story.check("D3", "carried_over", carried, ["Rete delle case della comunità"])


# D4: the seven papers of the plan, their sums, editions, words and territory


def papers(story: Story, district: District) -> None:
    secretariat, kept = district.network.secretariat, []
    story.step("I sette documenti del piano: impronta, edizioni, ricerca, territorio", total=len(PLAN_OF_LECCO))
    for title, size, sentence in PLAN_OF_LECCO:
        content = paper(title, size, sentence)
        dated = {"since": "2021-01-01", "until": "2025-01-01", "visibility": "public"}
        made = sent(district, {"title": title, "kind": "plan", "territory": LECCO, **dated}, content)
        file = made["edition"]["file"]
        kept.append((made, file["size"], file["sha256"] == sha256(content).hexdigest()))
        story.advance()
    story.settled()
    sizes = [size for _, size, _ in kept]
    story.check("D4", "documents", sizes, [size for _, size, _ in PLAN_OF_LECCO])
    story.check("D4", "megabytes", round(sum(sizes) / 1e6, 2), 18.82)
    story.check("D4", "checksums_equal", all(equal for _, _, equal in kept), True)
    path = district.network.path("documents", "learning")
    here, elsewhere = secretariat.all(path, territory=LECCO), secretariat.all(path, territory="H501")
    story.check("D4", "of_the_territory", (len(here), len(elsewhere)), (7, 0))
    in_force = [len(secretariat.all(path, on=day)) for day in ("2020-12-31", "2021-01-01", "2024-12-31", "2025-01-01")]
    story.check("D4", "in_force", in_force, [0, 7, 7, 0])
    found = secretariat.all(path, q="progettualita sovrazonali")
    story.check("D4", "found_by_its_words", [one["title"] for one in found], [PLAN_OF_LECCO[3][0]])
    story.check("D4", "words_marked", "<mark>" in (found[0]["found"] or {}).get("headline", ""), True)
    revised(story, district, kept[0][0])
    hostile(story, district)


def sent(district: District, fields: dict[str, str], content: bytes, path: str | None = None) -> Any:
    """A document, or with `path` a further edition of one."""
    secretariat = district.network.secretariat
    where = path or district.network.path("documents", "learning")
    return secretariat.uploaded(where, fields, ("piano.pdf", content, "application/pdf"))


def revised(story: Story, district: District, first: Any) -> None:
    """A new edition: whoever follows the document is told, the old one can still be read."""
    title, size, sentence = PLAN_OF_LECCO[0]
    district.maker.send("POST", f"{first['href']}/follow")
    content = paper(title, size, f"{sentence} Prorogato al 31 dicembre 2024.")
    made = sent(district, {"note": "Con la proroga al 31 dicembre 2024"}, content, f"{first['href']}/editions")
    story.settled()
    story.check("D4", "editions", [one["number"] for one in made["editions"]], [2, 1])
    link = story.link_mailed(district.network.email(MAKER), "/learning/v1/documents/link")
    opened = story.client().send("GET", link, headers={"Accept": "text/html"})
    story.check("D4", "reader_is_told", "Con la proroga" in opened.text, True)
    old = made["editions"][-1]["file"]["href"]
    answer = story.client().send("GET", old, headers={"Range": "bytes=0-7"})
    story.check("D4", "old_edition_in_parts", (answer.status_code, answer.text[:5]), (206, "%PDF-"))
    whole = story.client().send("GET", old)
    unchanged = sha256(whole.content).hexdigest() == first["edition"]["file"]["sha256"]
    story.check("D4", "old_edition_unchanged", unchanged, True)
    story.link("Il piano di zona, con le sue edizioni", f"{first['href']}/page")


def hostile(story: Story, district: District) -> None:
    """What is no document, or would harm who opens it, is refused with its reason."""
    secretariat, path = district.network.secretariat, district.network.path("documents", "learning")
    eicar = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"  # in parts
    page = b"<!doctype html><title>Piano</title><script>location='https://example.org'</script>"
    refusals = []
    for content in (eicar, page, b""):
        answer = secretariat.send(
            "POST", path, data={"title": "Piano"}, files={"file": ("piano.pdf", content, "application/pdf")}
        )
        refusals.append(400 <= answer.status_code < 500)
    story.check("D4", "malicious_files_refused", refusals, [True, True, True])
