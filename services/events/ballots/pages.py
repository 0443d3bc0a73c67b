"""The page of a ballot's link: the question, what was voted so far, a paper to be filled in; the result once it is
closed. A grid is a form of native selects, field by field, that works on a phone and without a script."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import Response

from services.events.ballots.forms import Unasked, View, text
from services.events.ballots.grids import NO_OPINION, UNANSWERED, WORD, Grid
from services.events.ballots.queries import Paper, Sheet, Slip
from services.events.ballots.results import Group, Results
from services.events.ballots.rules import Ballot, Kind, Outcome, Vote
from shared.access.roles import Level
from shared.runtime.pages import Pages, day, hour, number
from shared.runtime.problems import Problem
from shared.runtime.sessions import SIGN_IN

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
        "until": "Si vota fino a {day}, ore {hour}.",
        "ended": "Si è votato fino a {day}, ore {hour}.",
        "secret_ballot": "Il voto è segreto: si sa chi ha votato, non come. Una volta inviato non si può cambiare.",
        "done_secret": "Hai votato. Il voto è segreto e non si può più cambiare.",
        "sign_in": "Per questa votazione occorre accedere alla piattaforma: il collegamento da solo non basta.",
        "sign_in_link": "Accedi e torna a questa pagina",
        "choose_one": "Scegli un'opzione.",
        "choose_many": "Scegli al massimo {most} opzioni. Senza alcuna scelta la scheda è bianca.",
        "no_option": "Nessuna (scheda bianca)",
        "option": "Opzione",
        "chosen": "Sono scelte: {options}.",
        "tied": "C'è parità: nessuna opzione è scelta.",
        "scored": "I punteggi sono stati raccolti.",
        "cancelled": "La votazione è stata annullata: non si conta nulla.",
        "recorded_choice": "È registrata la tua scelta: {options}.",
        "blank": "scheda bianca",
        "recorded_secret": "Il tuo voto è nell'urna. Nessuno può collegarlo a te, quindi non si può cambiare.",
        "recorded_grid": "È registrata la tua scheda: {answered} celle su {of}.",
        "grid_how": "Dai a ogni risorsa un punteggio da {lowest} (non aiuta) a {highest} (aiuta molto), oppure «Nessuna"
        " opinione». Le celle lasciate vuote non contano come zero: non contano.",
        "drafts": "Puoi salvare la bozza e riprenderla con lo stesso collegamento: conta solo la scheda inviata.",
        "field_of": "{number} di {of}: {field}",
        "no_opinion": "Nessuna opinione",
        "empty": "–",
        "draft": "Salva la bozza",
        "cast": "Invia la scheda",
        "saved": "La bozza è salvata: {answered} celle su {of}. Non conta finché non la invii.",
        "resumed": "Hai ripreso la bozza: {answered} celle su {of}. Non conta finché non la invii.",
        "cast_so_far": "Hai già inviato la scheda: {answered} celle su {of}. Puoi cambiarla finché è aperta.",
        "draft_beside": "Questa bozza non conta ancora: conta la scheda che hai inviato prima.",
        "unasked": "Mancano {count} celle su {of}",
        "unasked_do": "Completale, oppure conferma che restano vuote e invia di nuovo. Nulla è stato inviato.",
        "not_taken": "Non è stato preso nulla: correggi le celle indicate qui sotto.",
        "incomplete": "Lascio vuote le celle che mancano",
        "cell": "{field}, {need}: {resource}",
        "more_cells": "e altre {count}",
        "score_wrong": "Un numero intero da {lowest} a {highest}, oppure «Nessuna opinione».",
        "score_twice": "Due valori per la stessa cella.",
        "other_papers": "Le altre schede che puoi compilare",
        "paper_of": "La scheda",
        "taken_part": "Hanno votato in {cast} su {entitled}.",
        "group": "Gruppo",
        "everybody": "Tutti",
        "cast_of": "Hanno votato",
        "of_entitled": "{cast} su {entitled}",
        "best": "Il migliore di ogni campo, secondo tutti",
        "field": "Campo",
        "crossing": "Bisogno e risorsa",
        "mean": "Media (punteggi)",
        "too_few": "Nessuna cella ha abbastanza punteggi per essere indicata come la migliore.",
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
        "until": "Voting ends on {day} at {hour}.",
        "ended": "Voting ended on {day} at {hour}.",
        "secret_ballot": "The ballot is secret: who voted is known, how is not. Once sent a vote cannot be changed.",
        "done_secret": "You have voted. The ballot is secret, and a vote cannot be changed any more.",
        "sign_in": "For this ballot you need to sign in to the platform: the link alone is not enough.",
        "sign_in_link": "Sign in and come back to this page",
        "choose_one": "Choose an option.",
        "choose_many": "Choose {most} options at most. Without any the paper is blank.",
        "no_option": "None (blank paper)",
        "option": "Option",
        "chosen": "Chosen: {options}.",
        "tied": "There is a tie: no option is chosen.",
        "scored": "The scores have been collected.",
        "cancelled": "The ballot was cancelled: nothing is counted.",
        "recorded_choice": "Your choice is recorded: {options}.",
        "blank": "blank paper",
        "recorded_secret": "Your vote is in the urn. Nobody can link it to you, so it cannot be changed.",
        "recorded_grid": "Your paper is recorded: {answered} cells of {of}.",
        "grid_how": "Score each resource from {lowest} (does not help) to {highest} (helps a lot), or say “No opinion”."
        " Cells left empty do not count as nought: they do not count.",
        "drafts": "You can save a draft and go on with the same link: only the paper that you send counts.",
        "field_of": "{number} of {of}: {field}",
        "no_opinion": "No opinion",
        "empty": "–",
        "draft": "Save the draft",
        "cast": "Send the paper",
        "saved": "The draft is saved: {answered} cells of {of}. It does not count until you send it.",
        "resumed": "This is your draft: {answered} cells of {of}. It does not count until you send it.",
        "cast_so_far": "You have sent your paper: {answered} cells of {of}. You can change it while it is open.",
        "draft_beside": "This draft does not count yet: the paper that you sent before does.",
        "unasked": "{count} cells of {of} are empty",
        "unasked_do": "Fill them in, or confirm that you leave them empty and send again. Nothing has been sent.",
        "not_taken": "Nothing was taken: put the cells named below right.",
        "incomplete": "I leave the missing cells empty",
        "cell": "{field}, {need}: {resource}",
        "more_cells": "and {count} more",
        "score_wrong": "A whole number from {lowest} to {highest}, or “No opinion”.",
        "score_twice": "Two values for the same cell.",
        "other_papers": "The other papers that you can fill in",
        "paper_of": "The paper",
        "taken_part": "{cast} of {entitled} have voted.",
        "group": "Group",
        "everybody": "All",
        "cast_of": "Voted",
        "of_entitled": "{cast} of {entitled}",
        "best": "The best of each field, by all",
        "field": "Field",
        "crossing": "Need and resource",
        "mean": "Mean (scores)",
        "too_few": "No cell has enough scores to be named the best.",
    },
}


LISTED = 20
"""Empty cells that are linked at the head of the page; all of them are marked where they are."""


def show(
    language: str, sheet: Sheet, network: Any, view: View, refused: Problem | Unasked | None = None, told: str = ""
) -> Response:
    """Opening it does nothing: mail scanners open links. With `refused` what was sent is shown again."""
    ballot, say = sheet.shown.ballot, TEXTS[language]
    common = {
        "network": network,
        "say": say,
        "ballot": ballot,
        "when": _when(language, sheet),
        "votable": sheet.votable,
        "sign_in": _sign_in(ballot, view) if sheet.votable else None,
        "secrecy": say["secret_ballot" if ballot.secret else "open_ballot"],
        "outcome": outcome(language, view.results) if view.results else say["closed"] if not sheet.votable else "",
        "not_now": sheet.shown.ballot.open and not sheet.votable,
        "tables": _tables(language, view.results) if view.results else [],
    }
    if ballot.kind is Kind.GRID and sheet.votable and sheet.papers:
        return _grid(language, sheet, view, refused, told, common)
    papers = [_paper(language, paper, ballot) for paper in sheet.papers] if sheet.votable else []
    choices = [(str(choice), say[choice]) for choice in Vote]
    status = refused.status if isinstance(refused, Problem) else 200
    body = refused.body(language) if isinstance(refused, Problem) else None
    return PAGES.page(
        language, say["title"], "ballot.html", status=status, papers=papers, choices=choices, refused=body, **common
    )


def _when(language: str, sheet: Sheet) -> str:
    say, meeting, ballot = TEXTS[language], sheet.shown.meeting, sheet.shown.ballot
    if meeting is not None:
        return say["of"].format(meeting=meeting.title, day=day(meeting.starts_at, language))
    assert ballot.closes_at is not None
    last = ballot.closes_at if ballot.closed_at is None else min(ballot.closes_at, ballot.closed_at)
    said = say["until" if ballot.open else "ended"]
    return said.format(day=day(last, language), hour=hour(last, language))


def _sign_in(ballot: Ballot, view: View) -> str | None:
    """Where to prove better who one is, when a link is not enough."""
    if view.level >= Level.named(ballot.level):
        return None
    return f"{SIGN_IN}?next={quote(f'/events/v1/ballots/link?{view.query}', safe='')}"


def _legend(language: str, paper: Paper) -> str:
    say, ticket = TEXTS[language], paper.ticket
    if ticket.proxy is not None:
        return say["theirs"].format(name=paper.person)
    return say["yours_for"].format(organisation=paper.organisation) if paper.organisation else say["yours"]


def _paper(language: str, paper: Paper, ballot: Ballot) -> dict[str, Any]:
    say = TEXTS[language]
    marked = [place for place, mark in enumerate(paper.marks or b"", 1) if mark]
    return {
        "id": paper.id,
        "legend": _legend(language, paper),
        "vote": paper.vote and str(paper.vote),
        "options": marked,
        "done": paper.voted and ballot.secret,
        "so_far": _so_far(say, paper, ballot, marked),
    }


def _so_far(say: dict[str, str], paper: Paper, ballot: Ballot, marked: list[int]) -> str:
    if paper.vote:
        return say["so_far"].format(vote=say[paper.vote].lower())
    if ballot.kind is Kind.CHOICE and paper.voted and not ballot.secret:
        return say["so_far"].format(vote=_options(say, ballot, marked))
    return ""


def _options(say: dict[str, str], ballot: Ballot, numbers: list[int]) -> str:
    return ", ".join(ballot.options[number - 1] for number in numbers) or say["blank"]


# --- a grid ---------------------------------------------------------------------------------------------------------


def _grid(
    language: str,
    sheet: Sheet,
    view: View,
    refused: Problem | Unasked | None,
    told: str,
    common: dict[str, Any],
) -> Response:
    ballot, say, grid = sheet.shown.ballot, TEXTS[language], sheet.shown.ballot.cells
    paper = next((one for one in sheet.papers if one.id == view.paper), sheet.papers[0])
    values = _values(grid, view, paper)
    wrong = _wrong(say, grid, refused)
    missing = refused.cells if isinstance(refused, Unasked) else ()
    return PAGES.page(
        language,
        say["title"],
        "grid.html",
        status=422 if refused is not None else 200,
        paper=paper,
        legend=_legend(language, paper),
        done=paper.voted and ballot.secret,
        how=say["grid_how"].format(lowest=grid.lowest, highest=grid.highest),
        told=told or _grid_so_far(say, ballot, paper),
        beside=say["draft_beside"] if paper.draft is not None and paper.voted else "",
        others=_others(language, sheet, view, paper),
        problem=refused.body(language) if isinstance(refused, Problem) else None,
        summary=[(grid.keys[cell], _cell(say, grid, cell)) for cell in [*wrong, *missing][:LISTED]],
        further=max(0, len(wrong) + len(missing) - LISTED),
        missing=len(missing),
        fields=_fields(say, grid, values, wrong, set(missing)),
        scores=[(str(score), str(score)) for score in range(grid.lowest, grid.highest + 1)],
        width=grid.cells,
        **common,
    )


def _values(grid: Grid, view: View, paper: Paper) -> list[str]:
    """What each cell shows: what was filled in just now, else the draft, else what was cast."""
    if view.form is not None:
        form = view.form
        return [text(form, key) for key in grid.keys]
    marks = paper.draft if paper.draft is not None else paper.marks or grid.blank()
    named = {NO_OPINION: WORD, UNANSWERED: ""}
    return [named.get(mark, str(mark)) for mark in marks]


def _wrong(say: dict[str, str], grid: Grid, refused: Problem | Unasked | None) -> dict[int, str]:
    if not isinstance(refused, Problem):
        return {}
    found = {}
    for error in refused.errors:
        cell = grid.places.get(error.path.removeprefix("/cells/"))
        if cell is not None:
            code = "score_twice" if error.code == "duplicate" else "score_wrong"
            found[cell] = say[code].format(lowest=grid.lowest, highest=grid.highest)
    return found


def _cell(say: dict[str, str], grid: Grid, cell: int) -> str:
    field, need, resource = grid.terms(cell)
    return say["cell"].format(field=field, need=need, resource=resource)


def _fields(
    say: dict[str, str], grid: Grid, values: list[str], wrong: dict[int, str], missing: set[int]
) -> list[dict[str, Any]]:
    def resources(first: int) -> list[dict[str, Any]]:
        return [
            {
                "key": grid.keys[first + place],
                "label": label,
                "value": values[first + place],
                "wrong": wrong.get(first + place),
                "missing": first + place in missing,
            }
            for place, label in enumerate(grid.resources)
        ]

    across = len(grid.resources)
    return [
        {
            "title": say["field_of"].format(number=number + 1, of=len(grid.fields), field=label),
            "needs": [
                {"label": need, "resources": resources(number * grid.of_a_field + place * across)}
                for place, need in enumerate(grid.needs)
            ],
        }
        for number, label in enumerate(grid.fields)
    ]


def _answered(marks: bytes) -> int:
    return len(marks) - marks.count(UNANSWERED)


def _grid_so_far(say: dict[str, str], ballot: Ballot, paper: Paper) -> str:
    if paper.draft is not None:
        return say["resumed"].format(answered=_answered(paper.draft), of=ballot.width)
    if paper.marks is not None:
        return say["cast_so_far"].format(answered=_answered(paper.marks), of=ballot.width)
    return ""


def _others(language: str, sheet: Sheet, view: View, shown: Paper) -> list[tuple[str, str]]:
    """The addresses of the other papers, of those for whom one stands."""
    kept = [(name, value) for name, value in parse_qsl(view.query) if name != "paper"]
    return [
        ("?" + urlencode([*kept, ("paper", str(one.id))]), _legend(language, one))
        for one in sheet.papers
        if one.id != shown.id
    ]


def saved(language: str, sheet: Sheet, network: Any, view: View, slip: Slip) -> Response:
    """The draft was saved: the same page goes on."""
    papers = [slip.paper if one.id == slip.paper.id else one for one in sheet.papers]
    told = TEXTS[language]["saved"].format(answered=_answered(slip.paper.draft or b""), of=slip.ballot.width)
    return show(language, Sheet(sheet.shown, papers, sheet.now), network, view, told=told)


# --- what came of it ------------------------------------------------------------------------------------------------


def outcome(language: str, results: Results) -> str:
    say, ballot = TEXTS[language], results.ballot
    said = say[ballot.outcome or ""]
    if ballot.outcome is Outcome.CHOSEN:
        said = said.format(options=", ".join(ballot.options[number - 1] for number in results.winners))
    return f"{say['closed']} {said}"


def _tables(language: str, results: Results) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, headings and rows of each."""
    ballot, say = results.ballot, TEXTS[language]
    if ballot.outcome is Outcome.CANCELLED:
        return []
    if ballot.kind is Kind.MOTION:
        names = ("in_favour", "against", "abstained", "entitled")
        rows = [[say[name], number(getattr(ballot, name), language)] for name in names]
        return [(say["result"], [say["choice"], say["votes"]], rows), *_groups(language, results)]
    if ballot.kind is Kind.CHOICE:
        counts = ballot.counts or []
        rows = [[title, number(votes, language)] for title, votes in zip(ballot.options, counts, strict=True)]
        return [(say["result"], [say["option"], say["votes"]], rows), *_groups(language, results)]
    rows = [
        [field, _crossings(results, place), _mean(language, results, place)]
        for place, field in enumerate(ballot.cells.fields)
        if ("", place) in results.best
    ]
    best = [(say["best"], [say["field"], say["crossing"], say["mean"]], rows)] if rows else []
    return [*_groups(language, results), *best]


def _groups(language: str, results: Results) -> list[tuple[str, list[str], list[list[str]]]]:
    say = TEXTS[language]
    if not results.ballot.cohorts and results.ballot.kind is Kind.MOTION:
        return []
    rows = [[group.title or say["everybody"], _cast(language, group)] for group in results.groups]
    return [(say["cast_of"], [say["group"], say["cast_of"]], rows)]


def _cast(language: str, group: Group) -> str:
    cast, entitled = number(group.cast, language), number(group.entitled, language)
    return TEXTS[language]["of_entitled"].format(cast=cast, entitled=entitled)


def _crossings(results: Results, field: int) -> str:
    grid = results.ballot.cells
    named = (grid.terms(one.cell) for one in results.best["", field])
    return "; ".join(f"{need}, {resource}" for _, need, resource in named)


def _mean(language: str, results: Results, field: int) -> str:
    best = results.best["", field][0]
    return f"{number(round(best.mean or 0, 2), language)} ({number(best.n, language)})"


def thanks(language: str, slip: Slip, network: Any) -> Response:
    say, paper, ballot = TEXTS[language], slip.paper, slip.ballot
    lines = [ballot.question, _recorded(say, paper, ballot)]
    if not ballot.secret:
        lines.append(say["change"])
    return PAGES.page(language, say["thanks"], lines=lines, network=network)


def _recorded(say: dict[str, str], paper: Paper, ballot: Ballot) -> str:
    if ballot.secret:
        return say["recorded_secret"]
    marks = paper.marks or b""
    if ballot.kind is Kind.GRID:
        return say["recorded_grid"].format(answered=_answered(marks), of=ballot.width)
    if ballot.kind is Kind.CHOICE:
        marked = [place for place, mark in enumerate(marks, 1) if mark]
        return say["recorded_choice"].format(options=_options(say, ballot, marked))
    proxied = paper.ticket.proxy is not None
    vote = say[paper.vote or Vote.ABSTAIN].lower()
    return say["recorded_for" if proxied else "recorded"].format(vote=vote, name=paper.person)


def failed(language: str, problem: Problem, network: Any = None) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["ask"], network=network)
