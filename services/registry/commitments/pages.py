"""A commitment's pages: the one of its link, with a form to say that it is done, and those of the desk."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from babel.dates import format_date
from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.registry.commitments import commands, queries, rules
from services.registry.commitments.commands import Fulfilment, Waiver
from services.registry.commitments.queries import Linked, Named
from services.registry.commitments.rules import State
from services.registry.desk.seating import entered
from shared.runtime.browsers import refusal
from shared.runtime.italian import with_article
from shared.runtime.pages import Pages, day, link, tag
from shared.runtime.paging import After
from shared.runtime.problems import NotFound, Problem
from shared.runtime.sessions import Seated

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "who": "Chi",
        "what": "Impegno",
        "to": "Verso",
        "due": "Entro",
        "how": "Stato",
        "open": "aperto",
        "late": "in ritardo",
        "fulfilled": "assolto {day}",
        "waived": "non più dovuto",
        "evidence": "Come si vede che è fatto",
        "evidence_is": "Bastano poche parole, o l'indirizzo di un documento o di una pagina.",
        "file": "Un file, se c'è",
        "file_is": "PDF, immagine, documento o foglio di calcolo, fino a 20 MB.",
        "button": "Dichiara che è fatto",
        "closed": "Non c'è altro da fare. Se hai domande, scrivi alla segreteria della rete.",
        "done": "Grazie: l'impegno è assolto",
        "done_is": "È registrato, e la segreteria lo vede. Puoi chiudere la pagina.",
        "again": "Se serve un altro collegamento, chiedilo alla segreteria della tua rete.",
    },
    "en": {
        "who": "Who",
        "what": "Commitment",
        "to": "Towards",
        "due": "By",
        "how": "State",
        "open": "open",
        "late": "late",
        "fulfilled": "fulfilled {day}",
        "waived": "no longer owed",
        "evidence": "How one can see that it is done",
        "evidence_is": "Some words are enough, or the address of a document or a page.",
        "file": "A file, if there is one",
        "file_is": "PDF, image, document or spreadsheet, up to 20 MB.",
        "button": "Declare that it is done",
        "closed": "There is nothing more to do. If you have questions, write to the network's secretariat.",
        "done": "Thank you: fulfilled",
        "done_is": "It is recorded, and the secretariat sees it. You can close the page.",
        "again": "If you need another link, ask the secretariat of your network.",
    },
}


def shown(
    language: str, linked: Linked, *, error: Problem | None = None, given: str = "", form: bool = True
) -> Response:
    """The commitment, with the form while it is owed. `error`: why the last answer was not taken."""
    commitment, texts = linked.named.commitment, TEXTS[language]
    form = form and commitment.running
    return PAGES.page(
        language,
        commitment.title,
        "commitment.html",
        status=error.status if error else 200,
        network=linked.network,
        rows=rows(language, linked),
        lines=[] if form else [texts["closed"]],
        form=form,
        error=error.body(language)["title"] if error else None,
        given=given,
        longest=rules.LONGEST_TEXT,
        texts=texts,
    )


def done(language: str, linked: Linked) -> Response:
    texts = TEXTS[language]
    return PAGES.page(
        language,
        texts["done"],
        "commitment.html",
        network=linked.network,
        rows=rows(language, linked, titled=True),
        lines=[texts["done_is"]],
        form=False,
        error=None,
        texts=texts,
    )


def rows(language: str, linked: Linked, *, titled: bool = False) -> list[tuple[str, str]]:
    """What every page about a commitment says of it first: (term, description); with `titled` also what it is about,
    where the heading says something else."""
    commitment, texts = linked.named.commitment, TEXTS[language]
    creditor = linked.named.creditor or linked.network.name
    return [
        *([(texts["what"], commitment.title)] if titled else []),
        (texts["who"], linked.named.debtor),
        (texts["to"], creditor),
        (texts["due"], day(commitment.due, language)),
        (texts["how"], state(language, linked)),
    ]


def state(language: str, linked: Linked) -> str:
    commitment = linked.named.commitment
    text = TEXTS[language][commitment.state]
    if commitment.state is State.FULFILLED and commitment.fulfilled_on is not None:
        day = format_date(commitment.fulfilled_on, "d MMMM y", locale=language)
        return text.format(day=with_article({"it": "il", "en": "on"}[language], day))
    return text


def failed(language: str, seen: list[Linked], problem: Problem) -> Response:
    """Why it did not work and what to do next; of the network, when what the link is about has been seen."""
    network = seen[-1].network if seen else None
    return PAGES.problem(language, problem, TEXTS[language]["again"], network=network)


# --- at the desk -----------------------------------------------------------------------------------------------------

site = APIRouter()
DESK: dict[str, dict[str, str]] = {
    "it": {
        "title": "Impegni",
        "state": "Mostra",
        "states_open": "ancora dovuti",
        "states_late": "in ritardo",
        "states_fulfilled": "assolti",
        "states_waived": "non più dovuti",
        "states_all": "tutti",
        "show": "Mostra",
        "caption": "Chi deve che cosa, il più urgente per primo",
        "none": "Nessun impegno in questo stato.",
        "further": "Altri impegni",
        "state_open": "aperto",
        "state_late": "in ritardo",
        "state_fulfilled": "assolto",
        "state_waived": "non più dovuto",
        "see": "Apri",
        "back": "Torna agli impegni",
        "fulfil": "Segna come assolto",
        "waive": "Non è più dovuto",
        "reason": "Perché non è più dovuto",
        "reason_is": "Resta scritto accanto all'impegno, e chi lo doveva lo viene a sapere.",
        "waive_button": "Togli l'impegno",
        "done_fulfilled": "Fatto: l'impegno è assolto.",
        "done_waived": "Fatto: l'impegno non è più dovuto.",
        "because": "Perché",
    },
    "en": {
        "title": "Commitments",
        "state": "Show",
        "states_open": "still owed",
        "states_late": "late",
        "states_fulfilled": "fulfilled",
        "states_waived": "no longer owed",
        "states_all": "all",
        "show": "Show",
        "caption": "Who owes what, the most urgent first",
        "none": "No commitment is in this state.",
        "further": "Further commitments",
        "state_open": "open",
        "state_late": "late",
        "state_fulfilled": "fulfilled",
        "state_waived": "no longer owed",
        "see": "Open",
        "back": "Back to the commitments",
        "fulfil": "Mark as fulfilled",
        "waive": "It is no longer owed",
        "reason": "Why it is no longer owed",
        "reason_is": "It stays written beside the commitment, and who owed it gets to know it.",
        "waive_button": "Take the commitment away",
        "done_fulfilled": "Done: the commitment is fulfilled.",
        "done_waived": "Done: the commitment is no longer owed.",
        "because": "Why",
    },
}
SHOWN: dict[str, tuple[State, ...]] = {
    "open": rules.RUNNING,
    "late": (State.LATE,),
    "fulfilled": (State.FULFILLED,),
    "waived": (State.WAIVED,),
    "all": (),
}
TAGS = {State.LATE: "late", State.FULFILLED: "good"}
Which = Annotated[Literal["open", "late", "fulfilled", "waived", "all"], Query(alias="state")]
Done = Annotated[Literal["fulfilled", "waived"] | None, Query()]


@site.get("/desk/{network}/commitments")
async def at_desk(network: str, at: Seated, which: Which = "open", after: After = None) -> Response:
    """The commitments of a network, the most urgent first."""
    room, seat = await entered(at, network, "/commitments")
    found = await at.query(queries.listed, network, state=SHOWN[which], sort="due", after=after, limit=50)
    texts, base = DESK[at.language], f"/desk/{network}/commitments"
    return PAGES.page(
        at.language,
        texts["title"],
        "commitments.html",
        network=room.network,
        seat=seat,
        wide=True,
        texts=texts,
        which=which,
        choices=[(code, texts[f"states_{code}"]) for code in SHOWN],
        headings=[TEXTS[at.language][term] for term in ("what", "who", "due", "how")],
        items=[_row(each, base, at.language) for each in found.items],
        further=f"{base}?state={which}&after={found.next}" if found.next else None,
    )


def _row(named: Named, base: str, language: str) -> tuple[Any, ...]:
    one, texts = named.commitment, DESK[language]
    state = tag(texts[f"state_{one.state}"], TAGS.get(one.state, ""))
    return link(f"{base}/{one.id}", one.title), named.debtor, day(one.due, language), state


@site.get("/desk/{network}/commitments/{commitment_id}")
async def one_at_desk(network: str, commitment_id: UUID, at: Seated, done: Done = None) -> Response:
    """A commitment with what may be done about it."""
    return await _one(network, commitment_id, at, done=done)


async def _one(
    network: str, commitment_id: UUID, at: Seated, *, done: str | None = None, refused: Problem | None = None
) -> Response:
    room, seat = await entered(at, network, "/commitments")
    named = await at.query(queries.get, commitment_id)
    if named.commitment.network_id != room.network.id:
        raise NotFound
    texts, linked = DESK[at.language], Linked(named, room.network)
    because = named.commitment.waiver_reason
    return PAGES.page(
        at.language,
        named.commitment.title,
        "commitment_at_desk.html",
        status=refused.status if refused else 200,
        network=room.network,
        seat=seat,
        texts={**TEXTS[at.language], **texts},
        rows=[*rows(at.language, linked), *([(texts["because"], because)] if because else [])],
        problem=refused.body(at.language) if refused else None,
        done=texts[f"done_{done}"] if done else None,
        version=named.commitment.version,
        base=f"/desk/{network}/commitments",
        action=f"/desk/{network}/commitments/{commitment_id}",
        may_fulfil=named.commitment.running and queries.may_fulfil(at.actor, named, at.now),
        may_waive=named.commitment.running and queries.may_write(at.actor, named.commitment.network_id, at.now),
        longest=rules.LONGEST_TEXT,
    )


@site.post("/desk/{network}/commitments/{commitment_id}/fulfil")
async def fulfil_at_desk(
    network: str,
    commitment_id: UUID,
    at: Seated,
    version: Annotated[int, Form()],
    evidence: Annotated[str, Form()] = "",
) -> Response:
    given = Fulfilment.model_construct(evidence=evidence, link=None, on=None)  # the rule says what is too long
    return await _decided(network, commitment_id, at, commands.fulfil, given, version, "fulfilled")


@site.post("/desk/{network}/commitments/{commitment_id}/waive")
async def waive_at_desk(
    network: str,
    commitment_id: UUID,
    at: Seated,
    version: Annotated[int, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    given = Waiver.model_construct(reason=reason)
    return await _decided(network, commitment_id, at, commands.waive, given, version, "waived")


async def _decided(
    network: str, commitment_id: UUID, at: Seated, command: Any, given: Any, version: int, done: str
) -> Response:
    room, _ = await entered(at, network, "/commitments")
    if (await at.query(queries.get, commitment_id)).commitment.network_id != room.network.id:
        raise NotFound  # of another network: not from this desk, whatever one may do there
    refused = await refusal(at, lambda: at.command(command, commitment_id, given, expected=version, out=lambda _: None))
    if refused is not None:
        return await _one(network, commitment_id, at, refused=refused)
    return RedirectResponse(f"/desk/{network}/commitments/{commitment_id}?done={done}", 303)
