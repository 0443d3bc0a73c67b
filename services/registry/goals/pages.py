"""A goal in words, and the page that shows how far it is: in figures, and in tables that say the same."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response

from services.registry.bodies.rules import Kind
from services.registry.bodies.rules import State as BodyState
from services.registry.constitutions.queries import Standing
from services.registry.constitutions.routes import LABELS
from services.registry.constitutions.rules import missing, name_of
from services.registry.goals.queries import Tracked, Tracker
from services.registry.goals.rules import Choice, Goal, Reason, State
from shared.runtime.pages import Pages
from shared.runtime.pages import day as long_day
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
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
        "days": "Conta chi si costituisce da {since} a {last_day} compreso. Minimo: {minimum}; obiettivo pieno: "
        "{full}.",
        "next_title": "Dove proseguire: {name}",
        "constituted_title": "Costituiti finora",
        "nobody": "Ancora nessuno.",
        "all_title": "Regione per regione",
        "col_region": "Regione",
        "col_body": "Organo",
        "col_day": "Costituito il",
        "col_state": "Situazione",
        "col_members": "Enti con referenti",
        "col_missing": "Che cosa manca",
        "state_constituted": "costituito il {day}",
        "state_forming": "in formazione",
        "state_none": "non avviato",
        "nothing_missing": "nulla",
        "again": "Per un collegamento nuovo rivolgersi alla segreteria della propria rete.",
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
        "days": "What is constituted from {since} to {last_day} counts, that day included. Minimum: {minimum}; full: "
        "{full}.",
        "next_title": "Where to go on: {name}",
        "constituted_title": "Constituted so far",
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
        "again": "For a new link, turn to the secretariat of your network.",
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
    best, second = choice.best, choice.runner_up
    compared = {
        "members": best.members,
        "missing": len(best.missing),
        "their_members": second.members if second else 0,
        "their_missing": len(second.missing) if second else 0,
        "other": name_of(second.code) if second else "",
    }
    texts = TEXTS[language]
    reason = texts[f"why_{Reason(choice.reason)}"].format(**compared)
    return f"{reason} {texts['still'].format(missing=_named(best.missing, language))}" if best.missing else reason


def _named(codes: Any, language: str) -> str:
    labels = [LABELS[code][language] for code in codes]
    return "; ".join(label[0].lower() + label[1:] for label in labels)


def page(tracker: Tracker, on: date, language: str) -> Response:
    """Everything that the goal is about, to be read on a phone as on paper."""
    texts, tracked = TEXTS[language], tracker.tracked
    goal, choice = tracked.goal, tracked.choice
    return PAGES.page(
        language,
        goal.title,
        "goal.html",
        network=tracker.network,
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
        why=why(choice, language) if choice else "",
        bodies=[
            {"region": name_of(body.territory) if body.territory else "", "name": body.name, "on": body.constituted_on}
            for body in tracked.bodies
        ],
        regions=[_row(standing, texts, language) for standing in tracker.standings],
    )


def _row(standing: Standing, texts: dict[str, str], language: str) -> dict[str, Any]:
    body, lacking = standing.coordination, missing(standing.requirements)
    if body is None:
        state = texts["state_none"]
    elif body.state is BodyState.CONSTITUTED and body.constituted_on:
        state, lacking = texts["state_constituted"].format(day=long_day(body.constituted_on, language)), ()
    else:
        state = texts["state_forming"]
    named = _named(lacking, language) if lacking else texts["nothing_missing"]
    return {"name": standing.name, "state": state, "members": standing.members, "missing": named}


def failed(language: str, problem: Problem) -> Response:
    """Why there is nothing to see, and what to do next."""
    return PAGES.problem(language, problem, TEXTS[language]["again"])
