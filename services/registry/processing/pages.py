"""The page of a notice: what the network does with somebody's data, by which right, and what they may ask for. And at
the desk: the record that notices tell, and those that somebody must hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from services.registry.desk.seating import entered
from services.registry.policy import Right, policy
from services.registry.processing import commands, queries
from services.registry.processing.commands import Handing, Record
from services.registry.processing.queries import Linked, Named
from services.registry.processing.rules import Basis, How, Processing, State
from shared.access.actor import Actor
from shared.runtime.browsers import refusal
from shared.runtime.edge import Edge
from shared.runtime.pages import Pages, day
from shared.runtime.paging import After
from shared.runtime.problems import NotFound, Problem
from shared.runtime.sessions import Seated

PAGES = Pages(__file__)
BASES: dict[Basis, tuple[str, str]] = {
    Basis.CONSENT: ("il tuo consenso", "your consent"),
    Basis.CONTRACT: ("un contratto di cui sei parte", "a contract to which you are party"),
    Basis.LEGAL_OBLIGATION: ("un obbligo di legge", "a legal obligation"),
    Basis.VITAL_INTERESTS: ("la salvaguardia di interessi vitali", "the protection of vital interests"),
    Basis.PUBLIC_TASK: (
        "un compito di interesse pubblico o l'esercizio di pubblici poteri",
        "a task in the public interest or the exercise of official authority",
    ),
    Basis.LEGITIMATE_INTERESTS: ("il legittimo interesse del titolare", "the legitimate interests of the controller"),
}
TEXTS: dict[str, dict[str, Any]] = {
    "it": {
        "title": "I tuoi dati in questa rete",
        "hello": "{name}, qualcuno ti ha registrato in {network}: un ente che rappresenti, o la segreteria. Qui trovi "
        "che cosa la rete fa con i tuoi dati e che cosa puoi chiedere.",
        "hello_nobody": "Qui trovi che cosa {network} fa con i dati delle persone registrate da altri.",
        "who": "Chi ne risponde",
        "controller": "Titolare del trattamento",
        "contact": "Come scrivergli",
        "officer": "Responsabile della protezione dei dati",
        "why": "Perché, e con quale diritto",
        "basis": "Base giuridica",
        "basis_is": "{basis} (art. 6, par. 1, lett. {letter} del Regolamento UE 2016/679)",
        "what": "Quali dati",
        "data": "Nome e cognome; indirizzo di posta o telefono; lingua; gli incarichi che hai e per quale ente; "
        "riunioni, impegni e formazione che ne derivano.",
        "source": "Da chi li abbiamo avuti",
        "source_unsaid": "Da chi ti ha registrato: l'ente che rappresenti o la segreteria della rete.",
        "recipients": "Chi li vede",
        "recipients_unsaid": "Chi opera nella rete, per quanto gli serve; nessun altro.",
        "retention": "Per quanto tempo",
        "retention_is": "{months} mesi dopo il tuo ultimo incarico o rapporto con la rete.",
        "retention_one": "Un mese dopo il tuo ultimo incarico o rapporto con la rete.",
        "rights": "Che cosa puoi chiedere",
        "rights_are": (
            "di vedere i tuoi dati e averne una copia (art. 15)",
            "di correggerli (art. 16)",
            "di cancellarli (art. 17) o di limitarne l'uso (art. 18)",
            "di opporti al loro uso, per motivi che dipendono dalla tua situazione (art. 21)",
        ),
        "right_to_withdraw": "di revocare il consenso in ogni momento, senza effetto su quanto è già avvenuto (art. 7)",
        "right_to_carry": "di ricevere i dati che ci hai dato in un formato leggibile da una macchina (art. 20)",
        "how": "Scrivi a {contact}. Puoi anche presentare un reclamo al Garante per la protezione dei dati personali "
        "(www.garanteprivacy.it). Nessuna decisione su di te è presa in modo automatico.",
        "again": "Se hai domande, scrivi alla segreteria della tua rete.",
    },
    "en": {
        "title": "Your data in this network",
        "hello": "{name}, somebody entered you in {network}: a body that you represent, or the secretariat. Here you "
        "find what the network does with your data, and what you can ask for.",
        "hello_nobody": "Here you find what {network} does with the data of people entered by others.",
        "who": "Who answers for it",
        "controller": "Controller",
        "contact": "How to write to them",
        "officer": "Data protection officer",
        "why": "Why, and by which right",
        "basis": "Legal basis",
        "basis_is": "{basis} (art. 6(1)({letter}) of Regulation (EU) 2016/679)",
        "what": "Which data",
        "data": "Given and family name; mailbox or phone; language; the offices that you hold and for which body; "
        "meetings, commitments and training that follow from them.",
        "source": "Where we have them from",
        "source_unsaid": "From whoever entered you: the body that you represent, or the network's secretariat.",
        "recipients": "Who sees them",
        "recipients_unsaid": "Those who work in the network, as far as they need to; nobody else.",
        "retention": "For how long",
        "retention_is": "{months} months after your last office or tie with the network.",
        "retention_one": "One month after your last office or tie with the network.",
        "rights": "What you can ask for",
        "rights_are": (
            "to see your data and have a copy (art. 15)",
            "to have them corrected (art. 16)",
            "to have them erased (art. 17) or their use restricted (art. 18)",
            "to object to their use, on grounds relating to your situation (art. 21)",
        ),
        "right_to_withdraw": "to withdraw your consent at any time, without effect on what has been done (art. 7)",
        "right_to_carry": "to receive the data that you gave us in a form that machines read (art. 20)",
        "how": "Write to {contact}. You can also lodge a complaint with the Italian data protection authority "
        "(www.garanteprivacy.it). No decision about you is taken automatically.",
        "again": "If you have questions, write to the secretariat of your network.",
    },
}
LETTERS = dict(zip(Basis, "abcdef", strict=True))


def shown(language: str, linked: Linked) -> Response:
    texts, terms, network = TEXTS[language], linked.processing.terms, linked.network.name
    name = linked.named.person
    return PAGES.page(
        language,
        texts["title"],
        "notice.html",
        network=linked.network,
        hello=texts["hello"].format(name=name, network=network)
        if name
        else texts["hello_nobody"].format(network=network),
        sections=sections(language, linked),
        rights=rights(language, terms.basis),
        how=texts["how"].format(contact=terms.contact),
        texts=texts,
    )


def sections(language: str, linked: Linked) -> list[tuple[str, Sequence[tuple[str | None, str]]]]:
    """Headings, and under each lines with or without a term before them."""
    texts, terms = TEXTS[language], linked.processing.terms
    basis = BASES[terms.basis][language == "en"]
    who = [(texts["controller"], terms.controller), (texts["contact"], terms.contact)]
    if terms.officer:
        who.append((texts["officer"], terms.officer))
    months = terms.retention_months
    kept = texts["retention_one"] if months == 1 else texts["retention_is"].format(months=months)
    why: list[tuple[str | None, str]] = [(None, purpose) for purpose in terms.purposes]
    why.append((texts["basis"], texts["basis_is"].format(basis=basis, letter=LETTERS[terms.basis])))
    return [
        (texts["who"], who),
        (texts["why"], why),
        (texts["what"], [(None, texts["data"])]),
        (texts["source"], [(None, terms.source or texts["source_unsaid"])]),
        (texts["recipients"], [(None, one) for one in terms.recipients or (texts["recipients_unsaid"],)]),
        (texts["retention"], [(None, kept)]),
    ]


def rights(language: str, basis: Basis) -> list[str]:
    """What follows from the basis: consent can be withdrawn, and what rests on it or on a contract can be carried."""
    texts = TEXTS[language]
    more = [texts["right_to_withdraw"]] if basis is Basis.CONSENT else []
    more += [texts["right_to_carry"]] if basis in (Basis.CONSENT, Basis.CONTRACT) else []
    return [*texts["rights_are"], *more]


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])


# --- at the desk -----------------------------------------------------------------------------------------------------

site = APIRouter()
DESK: dict[str, dict[str, str]] = {
    "it": {
        "title": "Informative",
        "lead": "A chi è registrato da altri la rete deve dire, entro un mese, che cosa fa con i suoi dati (art. 14 "
        "del Regolamento UE 2016/679).",
        "record": "Registro dei trattamenti",
        "record_none": "Non è ancora scritto: finché manca, nessuna informativa può partire.",
        "record_there": "È scritto. Quello che cambi qui vale per le informative da oggi in poi.",
        "controller": "Titolare: nome e sede",
        "contact": "Indirizzo a cui scrivergli",
        "officer": "Responsabile della protezione dei dati, se c'è",
        "purposes": "Finalità, una per riga",
        "basis": "Base giuridica",
        "retention_months": "Mesi di conservazione dopo l'ultimo legame con la rete",
        "source": "Da chi vengono i dati",
        "recipients": "A chi sono comunicati, uno per riga",
        "save": "Salva il registro",
        "saved": "Salvato.",
        "undelivered": "Da consegnare a mano",
        "undelivered_none": "Nessuna informativa aspetta di essere consegnata a mano.",
        "who": "Chi",
        "due": "Entro",
        "why": "Perché",
        "state_unreachable": "nessun indirizzo",
        "state_failed": "messaggio non recapitato",
        "how": "Come",
        "hand": "L'ho consegnata",
        "hand_to": "L'ho consegnata a {name}",
        "how_handed": "a mano",
        "how_post": "per posta",
        "how_phone": "per telefono",
        "how_in_person": "di persona",
        "further": "Altre informative",
        "sums": "Consegnate {told}, in viaggio {asked}, in attesa del registro {owed}.",
    },
    "en": {
        "title": "Notices",
        "lead": "Whoever is entered by others must be told by the network, within a month, what it does with their "
        "data (art. 14 of Regulation EU 2016/679).",
        "record": "Processing record",
        "record_none": "It is not written yet: as long as it is missing no notice can be sent.",
        "record_there": "It is written. What you change here holds for the notices from today on.",
        "controller": "Controller: name and seat",
        "contact": "Address to write to",
        "officer": "Data protection officer, if there is one",
        "purposes": "Purposes, one a line",
        "basis": "Legal basis",
        "retention_months": "Months for which data is kept after the last tie with the network",
        "source": "Whom the data comes from",
        "recipients": "Whom it is told to, one a line",
        "save": "Save the record",
        "saved": "Saved.",
        "undelivered": "To be handed over",
        "undelivered_none": "No notice waits to be handed over.",
        "who": "Who",
        "due": "By",
        "why": "Why",
        "state_unreachable": "no address",
        "state_failed": "message not delivered",
        "how": "How",
        "hand": "I handed it over",
        "hand_to": "I handed it to {name}",
        "how_handed": "by hand",
        "how_post": "by post",
        "how_phone": "by phone",
        "how_in_person": "in person",
        "further": "Further notices",
        "sums": "{told} delivered, {asked} on their way, {owed} waiting for the record.",
    },
}
UNDELIVERED = (State.UNREACHABLE, State.FAILED)
LINES = ("purposes", "recipients")
Field = Annotated[str, Form(max_length=6_300)]


@site.get("/desk/{network}/notices")
async def notices(network: str, at: Seated, after: After = None, saved: str = "") -> Response:
    """The notices that nobody could be sent, and the record that all of them tell."""
    return await _notices(network, at, after=after, saved=bool(saved))


async def _notices(
    network: str,
    at: Edge,
    *,
    after: str | None = None,
    saved: bool = False,
    refused: Problem | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    room, seat = await entered(at, network, "/notices")
    found = await at.query(queries.listed, network, state=UNDELIVERED, sort="due", after=after, limit=50)
    counts = (await at.query(queries.summary, network)).counts
    record = await at.query(_record, room.network.id)
    texts, base = DESK[at.language], f"/desk/{network}/notices"
    return PAGES.page(
        at.language,
        texts["title"],
        "notices.html",
        status=refused.status if refused else 200,
        network=room.network,
        seat=seat,
        wide=True,
        texts=texts,
        problem=refused.body(at.language) if refused else None,
        saved=saved,
        sums=texts["sums"].format(**{state: counts.get(state, 0) for state in (State.TOLD, State.ASKED, State.OWED)}),
        items=[_item(each, at.language) for each in found.items],
        hows=[(how, texts[f"how_{how}"]) for how in How],
        further=f"{base}?after={found.next}" if found.next else None,
        recorded=record is not None,
        version=record.version if record else 0,
        given=given or _written(record),
        bases=[(basis, BASES[basis][0 if at.language == "it" else 1]) for basis in Basis],
        may_write=room.chair.may(Right.WRITE_PROCESSING),
        base=base,
    )


async def _record(session: AsyncSession, actor: Actor, network_id: UUID, *, now: datetime) -> Processing | None:
    policy.require(actor, Right.MANAGE_NOTICES, network=network_id, on=now)
    return await queries.record_of(session, network_id)


def _item(named: Named, language: str) -> Mapping[str, Any]:
    notice, texts = named.notice, DESK[language]
    return {
        "id": notice.id,
        "name": named.person,
        "due": day(notice.due, language),
        "why": texts[f"state_{notice.state}"],
        "version": notice.version,
        "hand_to": texts["hand_to"].format(name=named.person),
    }


def _written(record: Processing | None) -> dict[str, str]:
    """The record as the fields of its form."""
    if record is None:
        return {"basis": str(Basis.LEGITIMATE_INTERESTS), "retention_months": "24"}
    terms = record.terms.as_dict()
    return {name: "\n".join(v) if name in LINES else "" if v is None else str(v) for name, v in terms.items()}


@site.post("/desk/{network}/notices/record")
async def write(
    network: str,
    at: Seated,
    version: Annotated[int, Form()],
    controller: Field = "",
    contact: Field = "",
    officer: Field = "",
    purposes: Field = "",
    basis: Annotated[str, Form(max_length=40)] = "",
    retention_months: Annotated[str, Form(max_length=10)] = "",
    source: Field = "",
    recipients: Field = "",
) -> Response:
    """Writes the record; the first one sends the notices that waited for it."""
    given = {
        "controller": controller,
        "contact": contact,
        "officer": officer,
        "purposes": purposes,
        "basis": basis,
        "retention_months": retention_months,
        "source": source,
        "recipients": recipients,
    }

    async def act() -> None:
        await at.command(commands.record, network, _asked(given), expected=version or None, out=lambda _: None)

    refused = await refusal(at, act)
    if refused is not None:
        return await _notices(network, at, refused=refused, given=given)
    return RedirectResponse(f"/desk/{network}/notices?saved=1", 303)


def _asked(given: Mapping[str, str]) -> Record:
    """The form as a record; raises what FastAPI raises for a body, naming the fields."""
    fields: dict[str, Any] = {name: value.strip() or None for name, value in given.items() if name not in LINES}
    for name in LINES:
        fields[name] = [line.strip() for line in given[name].splitlines() if line.strip()]
    try:
        return Record.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from None


@site.post("/desk/{network}/notices/{notice_id}/handed")
async def handed(
    network: str,
    notice_id: UUID,
    at: Seated,
    version: Annotated[int, Form()],
    how: Annotated[How, Form()] = How.HANDED,
) -> Response:
    """Somebody was told otherwise than by mail, today."""
    room, _ = await entered(at, network)

    async def act() -> None:
        if (await at.query(queries.get, notice_id)).notice.network_id != room.network.id:
            raise NotFound  # of another network: not from this desk, whatever one may do there
        await at.command(commands.hand, notice_id, Handing(how=how), expected=version, out=lambda _: None)

    refused = await refusal(at, act)
    if refused is not None:
        return await _notices(network, at, refused=refused)
    return RedirectResponse(f"/desk/{network}/notices", 303)
