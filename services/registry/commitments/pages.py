"""The page of a commitment's link: what is owed, by when, how it stands, and a form to say that it is done."""

from __future__ import annotations

from babel.dates import format_date
from starlette.responses import Response

from services.registry.commitments import rules
from services.registry.commitments.queries import Linked
from services.registry.commitments.rules import State
from shared.runtime.italian import with_article
from shared.runtime.pages import Pages, day
from shared.runtime.problems import Problem

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
