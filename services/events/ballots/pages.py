"""The page of a ballot's link: the question, what was voted so far, a choice; the result once it is closed."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from services.events.ballots.commands import Given
from services.events.ballots.queries import Sheet
from services.events.ballots.rules import Outcome, Vote
from shared.runtime.pages import Pages, number
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Votazione",
        "of": "{meeting}, {day}",
        "yours": "Il tuo voto",
        "yours_for": "Il tuo voto per {organisation}",
        "theirs": "Voto per delega di {name}",
        "so_far": "Hai già votato: {vote}. Puoi cambiare il voto finché la votazione è aperta.",
        "button": "Invia il voto",
        "yes": "A favore",
        "no": "Contro",
        "abstain": "Astensione",
        "open_ballot": "Il voto è palese: chiusa la votazione, la segreteria vede chi ha votato e come.",
        "thanks": "Voto registrato",
        "recorded": "È registrato: {vote}.",
        "recorded_for": "È registrato, per delega di {name}: {vote}.",
        "change": "Finché la votazione è aperta puoi cambiare il voto, con lo stesso collegamento.",
        "closed": "La votazione è chiusa.",
        "not_now": "La riunione non è in corso: non si vota.",
        "carried": "La proposta è approvata.",
        "rejected": "La proposta è respinta.",
        "no_quorum": "Non c'era il numero legale: la votazione non vale.",
        "result": "Risultato",
        "choice": "Voto",
        "votes": "Voti",
        "entitled": "Aventi diritto",
        "in_favour": "Favorevoli",
        "against": "Contrari",
        "abstained": "Astenuti",
        "ask": "Se hai domande, scrivi alla segreteria della rete.",
    },
    "en": {
        "title": "Ballot",
        "of": "{meeting}, {day}",
        "yours": "Your vote",
        "yours_for": "Your vote for {organisation}",
        "theirs": "Vote by proxy of {name}",
        "so_far": "You have voted already: {vote}. You can change the vote while the ballot is open.",
        "button": "Send the vote",
        "yes": "In favour",
        "no": "Against",
        "abstain": "Abstention",
        "open_ballot": "Voting is open: the secretariat sees who voted and how, once the ballot is closed.",
        "thanks": "Your vote is recorded",
        "recorded": "Recorded: {vote}.",
        "recorded_for": "Recorded, by proxy of {name}: {vote}.",
        "change": "Until the ballot is closed it can be changed with the same link.",
        "closed": "The ballot is closed.",
        "not_now": "The meeting is not in course: there is no voting.",
        "carried": "The motion is carried.",
        "rejected": "The motion is rejected.",
        "no_quorum": "There was no quorum: the ballot is not valid.",
        "result": "Result",
        "choice": "Vote",
        "votes": "Votes",
        "entitled": "Entitled",
        "in_favour": "In favour",
        "against": "Against",
        "abstained": "Abstained",
        "ask": "If you have questions, write to the secretariat of the network.",
    },
}


def show(language: str, sheet: Sheet, network: Any) -> Response:
    """Opening it does nothing: mail scanners open links."""
    shown = sheet.shown
    return PAGES.page(
        language,
        TEXTS[language]["title"],
        "ballot.html",
        network=network,
        say=TEXTS[language],
        ballot=shown.ballot,
        meeting=shown.meeting,
        votable=sheet.votable,
        papers=[_paper(language, paper) for paper in sheet.papers] if sheet.votable else [],
        choices=[(str(choice), TEXTS[language][choice]) for choice in Vote],
        outcome=TEXTS[language][shown.ballot.outcome] if shown.ballot.outcome else "",
        figures=_figures(language, sheet) if shown.ballot.outcome in tuple(Outcome) else [],
    )


def _paper(language: str, paper: Any) -> dict[str, Any]:
    say, ticket = TEXTS[language], paper.ticket
    if ticket.proxy is not None:
        legend = say["theirs"].format(name=paper.person)
    elif paper.organisation:
        legend = say["yours_for"].format(organisation=paper.organisation)
    else:
        legend = say["yours"]
    return {
        "id": ticket.invitation_id,
        "legend": legend,
        "vote": paper.vote and str(paper.vote),
        "so_far": say["so_far"].format(vote=say[paper.vote].lower()) if paper.vote else "",
    }


def _figures(language: str, sheet: Sheet) -> list[tuple[str, str]]:
    ballot, say = sheet.shown.ballot, TEXTS[language]
    names = ("in_favour", "against", "abstained", "entitled")
    return [(say[name], number(getattr(ballot, name), language)) for name in names]


def thanks(language: str, given: Given, network: Any) -> Response:
    say, paper = TEXTS[language], given.paper
    vote = say[given.vote].lower()
    proxied = paper.ticket.proxy is not None
    recorded = say["recorded_for" if proxied else "recorded"].format(vote=vote, name=paper.person)
    return PAGES.page(language, say["thanks"], lines=[given.ballot.question, recorded, say["change"]], network=network)


def failed(language: str, problem: Problem, network: Any = None) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["ask"], network=network)
