"""A goal in words, and the page that shows how far it is: in figures, and in tables that say the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.registry.bodies.rules import Kind
from services.registry.bodies.rules import State as BodyState
from services.registry.constitutions.queries import Standing
from services.registry.constitutions.routes import LABELS
from services.registry.constitutions.rules import Code, missing, name_of
from services.registry.desk.seating import entered
from services.registry.goals import queries
from services.registry.goals.queries import Tracked, Tracker
from services.registry.goals.rules import Choice, Goal, Reason, State
from shared.access.actor import day
from shared.runtime.pages import Pages, Seat, link
from shared.runtime.pages import day as long_day
from shared.runtime.paging import After
from shared.runtime.problems import NotFound, Problem
from shared.runtime.sessions import Seated

PAGES = Pages(__file__)
site = APIRouter()
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "progress": "{reached} di {minimum} {unit}",
        "enough": "{reached} di {full} {unit}, il minimo di {minimum} è raggiunto",
        "left": "mancano {days} giorni",
        "left_one": "manca 1 giorno",
        "left_none": "oggi è l'ultimo giorno",
        "over": "il termine è passato",
        "next": "la prossima: {name}",
        "missed": "Obiettivo mancato: {reached} di {minimum} {unit} entro {last_day}",
        "met": "Obiettivo raggiunto: {reached} {unit} entro {last_day}, il minimo era {minimum}",
        "full": "Obiettivo pieno: {reached} {unit} su {full} entro {last_day}",
        "region": "regione",
        "regions": "regioni",
        "body": "organo",
        "bodies": "organi",
        "why_only": "È l'unica regione da costituire in cui qualcuno ha referenti o ha cominciato.",
        "why_members": "Ha più enti con referenti regionali di ogni altra regione da costituire: {members}, contro "
        "{their_members} ({other}).",
        "why_missing": "Ha tanti enti con referenti regionali quanti {other} ({members}), ma le mancano meno "
        "requisiti: {missing} contro {their_missing}.",
        "why_code": "Ha gli stessi numeri di {other}, e viene prima per codice ISTAT.",
        "still": "Le mancano: {missing}.",
        "still_title": "Che cosa le manca ancora:",
        "days": "Conta chi si costituisce da {since} a {last_day}, giorni compresi. Ne servono almeno {minimum}; con "
        "{full} l'obiettivo è raggiunto in pieno.",
        "next_title": "Dove proseguire: {name}",
        "constituted_title": "Costituiti finora: {count}",
        "nobody": "Ancora nessuno.",
        "all_title": "Regione per regione",
        "col_region": "Regione",
        "col_body": "Organo",
        "col_day": "Costituito",
        "col_state": "Situazione",
        "col_members": "Enti con referenti",
        "col_missing": "Che cosa manca",
        "state_constituted": "costituito {day}",
        "state_forming": "in formazione",
        "state_none": "non avviato",
        "nothing_missing": "nulla",
        "not_begun": "Non ancora avviate, e senza enti con referenti: {names}.",
        "goals": "Obiettivi",
        "goals_caption": "Gli obiettivi di costituzione della rete",
        "col_goal": "Obiettivo",
        "col_stands": "A che punto è",
        "goals_none": "La rete non ha ancora obiettivi.",
        "further": "Altri obiettivi",
        "again": "Se serve un altro collegamento, chiedilo alla segreteria della tua rete.",
    },
    "en": {
        "progress": "{reached} of {minimum} {unit}",
        "enough": "{reached} of {full} {unit}, the minimum of {minimum} is reached",
        "left": "{days} days left",
        "left_one": "1 day left",
        "left_none": "today is the last day",
        "over": "the last day is over",
        "next": "next best: {name}",
        "missed": "Goal missed: {reached} of {minimum} {unit} by {last_day}",
        "met": "Goal met: {reached} {unit} by {last_day}, the minimum was {minimum}",
        "full": "Full goal: {reached} {unit} of {full} by {last_day}",
        "region": "region",
        "regions": "regions",
        "body": "body",
        "bodies": "bodies",
        "why_only": "It is the only region still to be constituted where anybody has referents or has begun.",
        "why_members": "It has more members with referents than any other region still to be constituted: {members}, "
        "against {their_members} ({other}).",
        "why_missing": "It has as many members with referents as {other} ({members}), and lacks fewer requirements: "
        "{missing} against {their_missing}.",
        "why_code": "It has the same figures as {other}, and comes first by its ISTAT code.",
        "still": "It still lacks: {missing}.",
        "still_title": "What it still lacks:",
        "days": "What is constituted from {since} to {last_day} counts, both days included. At least {minimum} are "
        "needed; with {full} the goal is fully met.",
        "next_title": "Where to go on: {name}",
        "constituted_title": "Constituted so far: {count}",
        "nobody": "None yet.",
        "all_title": "Region by region",
        "col_region": "Region",
        "col_body": "Body",
        "col_day": "Constituted on",
        "col_state": "State",
        "col_members": "Members with referents",
        "col_missing": "What is missing",
        "state_constituted": "constituted on {day}",
        "state_forming": "forming",
        "state_none": "not begun",
        "nothing_missing": "nothing",
        "not_begun": "Not begun yet, and without members with referents: {names}.",
        "goals": "Goals",
        "goals_caption": "The network's goals of constitution",
        "col_goal": "Goal",
        "col_stands": "How far it is",
        "goals_none": "The network has no goals yet.",
        "further": "Further goals",
        "again": "If you need another link, ask the secretariat of your network.",
    },
}


def summary(tracked: Tracked, on: date, language: str) -> str:
    """`3 di 4 regioni, mancano 41 giorni, la prossima: Lombardia`; once it is decided, what it has become."""
    texts, goal = TEXTS[language], tracked.goal
    if goal.state is not State.RUNNING:
        figures = _figures(goal, tracked.reached, goal.minimum if goal.state is State.MISSED else tracked.reached)
        unit = texts[figures.pop("unit")]
        return texts[goal.state].format(unit=unit, last_day=long_day(goal.last_day, language), **figures)
    enough = tracked.reached >= goal.minimum
    figures = _figures(goal, tracked.reached, goal.full if enough else goal.minimum)
    unit = texts[figures.pop("unit")]
    parts = [texts["enough" if enough else "progress"].format(unit=unit, **figures), _left(goal, on, texts)]
    if tracked.choice:
        parts.append(texts["next"].format(name=name_of(tracked.choice.best.code)))
    return ", ".join(parts)


def _figures(goal: Goal, reached: int, of: int) -> dict[str, Any]:
    one, many = ("region", "regions") if goal.body_kind is Kind.REGIONAL_COORDINATION else ("body", "bodies")
    return {"reached": reached, "minimum": goal.minimum, "full": goal.full, "unit": one if of == 1 else many}


def _left(goal: Goal, on: date, texts: dict[str, str]) -> str:
    if not goal.running(on):
        return texts["over"]
    days = goal.days_left(on)
    return texts["left_none" if days == 0 else "left_one" if days == 1 else "left"].format(days=days)


def why(choice: Choice, language: str) -> str:
    """What decided for the region, and what it still lacks."""
    texts, best = TEXTS[language], choice.best
    reason = _reason(choice, language)
    if not best.missing:
        return reason
    return f"{reason} {texts['still'].format(missing='; '.join(_named(best.missing, language)))}"


def _reason(choice: Choice, language: str) -> str:
    best, second = choice.best, choice.runner_up
    compared = {
        "members": best.members,
        "missing": len(best.missing),
        "their_members": second.members if second else 0,
        "their_missing": len(second.missing) if second else 0,
        "other": name_of(second.code) if second else "",
    }
    return TEXTS[language][f"why_{Reason(choice.reason)}"].format(**compared)


def _named(codes: Iterable[Code], language: str) -> list[str]:
    labels = [LABELS[code][language] for code in codes]
    return [label[0].lower() + label[1:] for label in labels]


def page(tracker: Tracker, on: date, language: str, seat: Seat | None = None) -> Response:
    """Everything that the goal is about, to be read on a phone as on paper; `seat`: at somebody's desk."""
    texts, tracked = TEXTS[language], tracker.tracked
    goal, choice = tracked.goal, tracked.choice
    begun = [standing for standing in tracker.standings if standing.coordination or standing.members]
    others = [standing.name for standing in tracker.standings if standing not in begun]
    return PAGES.page(
        language,
        goal.title,
        "goal.html",
        network=tracker.network,
        seat=seat,
        texts=texts,
        summary=summary(tracked, on, language),
        goal=goal,
        reached=tracked.reached,
        days=texts["days"].format(
            since=long_day(goal.since, language),
            last_day=long_day(goal.last_day, language),
            minimum=goal.minimum,
            full=goal.full,
        ),
        next_title=texts["next_title"].format(name=name_of(choice.best.code)) if choice else None,
        why=_reason(choice, language) if choice else "",
        still=_named(choice.best.missing, language) if choice else [],
        constituted=texts["constituted_title"].format(count=len(tracked.bodies)),
        bodies=[
            (body.name, name_of(body.territory) if body.territory else "–", long_day(body.constituted_on, language))
            for body in tracked.bodies
            if body.constituted_on
        ],
        regions=[_row(standing, texts, language) for standing in begun],
        not_begun=texts["not_begun"].format(names=", ".join(others)) if others else "",
    )


def _row(standing: Standing, texts: dict[str, str], language: str) -> tuple[str, str, int, str]:
    body, lacking = standing.coordination, missing(standing.requirements)
    if body is None:
        state = texts["state_none"]
    elif body.state is BodyState.CONSTITUTED and body.constituted_on:
        state, lacking = texts["state_constituted"].format(day=long_day(body.constituted_on, language)), ()
    else:
        state = texts["state_forming"]
    named = "; ".join(_named(lacking, language)) or texts["nothing_missing"]
    return standing.name, state, standing.members, named


def failed(language: str, problem: Problem) -> Response:
    """Why there is nothing to see, and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["again"])


# --- at the desk -----------------------------------------------------------------------------------------------------


@site.get("/desk/{network}/goals")
async def at_desk(network: str, at: Seated, after: After = None) -> Response:
    """The goals of a network, the last one first."""
    room, seat = await entered(at, network, "/goals")
    found = await at.query(queries.listed, network, after=after, limit=50)
    texts, base, today = TEXTS[at.language], f"/desk/{network}/goals", day(at.now)
    return PAGES.page(
        at.language,
        texts["goals"],
        "goals.html",
        network=room.network,
        seat=seat,
        wide=True,
        texts=texts,
        items=[
            (link(f"{base}/{each.goal.id}", each.goal.title), summary(each, today, at.language)) for each in found.items
        ],
        further=f"{base}?after={found.next}" if found.next else None,
    )


@site.get("/desk/{network}/goals/{goal_id}")
async def one_at_desk(network: str, goal_id: UUID, at: Seated) -> Response:
    room, seat = await entered(at, network, "/goals")
    found = await at.query(queries.get, goal_id)
    if found.goal.network_id != room.network.id:
        raise NotFound
    return page(await at.query(queries.tracker, goal_id), day(at.now), at.language, seat)
