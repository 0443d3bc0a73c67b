"""The seats of a network's bodies at the desk: which are vacant, and a form to designate somebody."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.registry.bodies import queries
from services.registry.bodies.queries import Placed
from services.registry.desk import commands
from services.registry.desk.commands import Appointment
from services.registry.desk.seating import entered
from services.registry.people import queries as people
from services.registry.policy import Right
from shared.access.actor import day
from shared.runtime.browsers import refusal
from shared.runtime.edge import Edge
from shared.runtime.pages import Pages, link, tag
from shared.runtime.pages import day as long_day
from shared.runtime.paging import After
from shared.runtime.problems import Invalid, NotFound, Problem
from shared.runtime.sessions import Seated

site = APIRouter()
PAGES = Pages(__file__)
PEOPLE_SHOWN = 20
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Seggi",
        "which": "Mostra",
        "vacant": "solo i vacanti",
        "all": "tutti",
        "show": "Mostra",
        "caption": "I seggi degli organi della rete",
        "body": "Organo",
        "seat": "Seggio",
        "organisation": "Ente",
        "holder": "Titolare",
        "is_vacant": "vacante",
        "vacant_since": "Seggio istituito",
        "designate": "Designa",
        "none_vacant": "Nessun seggio è vacante.",
        "none": "Gli organi di questa rete non hanno seggi.",
        "further": "Altri seggi",
        "groups": "Gruppi di lavoro scoperti",
        "groups_since": "Scoperto da",
        "groups_needs": "Serve",
        "groups_none": "Nessun gruppo è scoperto.",
        "of_one": "Designa per il seggio",
        "search": "Cerca tra le persone che la rete conosce",
        "search_is": "Nome, cognome o indirizzo, anche solo una parte.",
        "search_button": "Cerca",
        "nobody": "Nessuno con questo nome: puoi registrarlo qui sotto.",
        "known": "Una persona conosciuta",
        "new": "Oppure una persona nuova",
        "given_name": "Nome",
        "family_name": "Cognome",
        "email": "Posta elettronica",
        "phone": "Telefono",
        "reach": "Basta uno dei due; senza, nessun avviso potrà raggiungerla.",
        "since": "Dal giorno",
        "button": "Designa",
        "done": "Fatto: {person} è designato per il seggio.",
        "taken": "Il seggio ha già un titolare: {person}.",
        "back": "Torna ai seggi",
    },
    "en": {
        "title": "Seats",
        "which": "Show",
        "vacant": "only the vacant ones",
        "all": "all",
        "show": "Show",
        "caption": "The seats of the network's bodies",
        "body": "Body",
        "seat": "Seat",
        "organisation": "Organisation",
        "holder": "Holder",
        "is_vacant": "vacant",
        "vacant_since": "Seat created",
        "designate": "Designate",
        "none_vacant": "No seat is vacant.",
        "none": "The bodies of this network have no seats.",
        "further": "Further seats",
        "groups": "Uncovered working groups",
        "groups_since": "Uncovered since",
        "groups_needs": "Needs",
        "groups_none": "No group is uncovered.",
        "of_one": "Designate for the seat",
        "search": "Search among the people whom the network knows",
        "search_is": "A name or an address, or part of it.",
        "search_button": "Search",
        "nobody": "Nobody by this name: you can enter them below.",
        "known": "Somebody known",
        "new": "Or somebody new",
        "given_name": "Given name",
        "family_name": "Family name",
        "email": "Mail address",
        "phone": "Phone",
        "reach": "One of the two is enough; without either no message can reach them.",
        "since": "From the day",
        "button": "Designate",
        "done": "Done: {person} is designated for the seat.",
        "taken": "The seat has a holder already: {person}.",
        "back": "Back to the seats",
    },
}
Search = Annotated[str, Query(max_length=200)]
Text = Annotated[str, Form(max_length=200)]


@site.get("/desk/{network}/seats")
async def seats(
    network: str,
    at: Seated,
    vacant: Annotated[str, Query(pattern="^(only|all)$")] = "only",
    after: After = None,
) -> Response:
    """Vacant seats first of all; and the groups that nobody follows."""
    room, seat = await entered(at, network, "/seats")
    only = True if vacant == "only" else None
    found = await at.query(queries.seats_in, network, vacant=only, after=after, limit=50)
    uncovered = await at.query(queries.listed, network, uncovered=True, limit=50)
    texts, base = TEXTS[at.language], f"/desk/{network}/seats"
    return PAGES.page(
        at.language,
        texts["title"],
        "seats.html",
        network=room.network,
        seat=seat,
        wide=True,
        texts=texts,
        vacant=vacant,
        headings=[texts[term] for term in ("seat", "body", "organisation", "holder")],
        items=[_row(each, base, at.language, may=room.chair.may(Right.WRITE_MANDATES)) for each in found.items],
        none=texts["none_vacant" if only else "none"],
        groups=[
            (shown.body.name, long_day(shown.body.uncovered_since, at.language))
            for shown in uncovered.items
            if shown.body.uncovered_since
        ],
        further=f"{base}?vacant={vacant}&after={found.next}" if found.next else None,
    )


def _row(placed: Placed, base: str, language: str, *, may: bool) -> tuple[object, ...]:
    texts = TEXTS[language]
    holder: object = placed.person or tag(texts["is_vacant"], "late")
    if placed.holder is None and may:
        holder = link(f"{base}/{placed.seat.id}", texts["designate"], hidden=placed.seat.title)
    return placed.seat.title, placed.body.name, placed.organisation or "–", holder


@site.get("/desk/{network}/seats/{seat_id}")
async def seat(network: str, seat_id: UUID, at: Seated, q: Search = "") -> Response:
    """Whose seat it is, and the form to designate somebody for it."""
    return await _seat(network, seat_id, at, q=q)


async def _seat(
    network: str,
    seat_id: UUID,
    at: Edge,
    *,
    q: str = "",
    refused: Problem | None = None,
    given: Appointment | None = None,
) -> Response:
    room, chair = await entered(at, network, "/seats")
    placed = await at.query(queries.seat, seat_id)
    if placed.seat.network_id != room.network.id:
        raise NotFound
    texts = TEXTS[at.language]
    may = room.chair.may(Right.WRITE_MANDATES) and room.chair.may(Right.WRITE_PEOPLE)
    known = await at.query(people.listed, network, q=q, sort="name", limit=PEOPLE_SHOWN) if may and q else None
    return PAGES.page(
        at.language,
        f"{texts['of_one']} {placed.seat.title}",
        "seat.html",
        status=refused.status if refused else 200,
        network=room.network,
        seat=chair,
        texts=texts,
        rows=[
            (texts["body"], placed.body.name),
            *([(texts["organisation"], placed.organisation)] if placed.organisation else []),
            (texts["holder"], placed.person or texts["is_vacant"]),
            (texts["vacant_since"], long_day(placed.seat.since, at.language)),
        ],
        problem=refused.body(at.language) if refused else None,
        taken=placed.holder is not None,
        form_shown=may and placed.holder is None,
        q=q,
        known=[each.person for each in known.items] if known else [],
        searched=known is not None,
        given=given or Appointment(since=day(at.now)),
        today=day(at.now),
        base=f"/desk/{network}/seats",
        action=f"/desk/{network}/seats/{seat_id}",
    )


@site.post("/desk/{network}/seats/{seat_id}")
async def appoint(
    network: str,
    seat_id: UUID,
    at: Seated,
    since: Annotated[str, Form(max_length=10)] = "",
    person_id: Annotated[str, Form(max_length=36)] = "",
    given_name: Text = "",
    family_name: Text = "",
    email: Annotated[str, Form(max_length=254)] = "",
    phone: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Designates a known or a new person; refused, the form comes back as it was filled in."""
    typed = Appointment(None, None, given_name, family_name, email, phone)

    async def act() -> None:
        given = _appointment(since, person_id, typed)
        await at.command(commands.appoint, network, seat_id, given, out=lambda _: None)

    refused = await refusal(at, act)
    if refused is not None:
        return await _seat(network, seat_id, at, refused=refused, given=typed)
    return RedirectResponse(f"/desk/{network}/seats?vacant=all", 303)


def _appointment(since: str, person_id: str, typed: Appointment) -> Appointment:
    """The form's fields; raises Invalid with the one that cannot be what it should be."""
    try:
        day_ = date.fromisoformat(since) if since else None
    except ValueError:
        raise Invalid("/since", "form", "2026-03-01") from None
    if person_id:
        try:
            return Appointment(day_, UUID(person_id))
        except ValueError:
            raise Invalid("/person_id", "form", "somebody of the list") from None
    for name in ("given_name", "family_name"):
        if not getattr(typed, name).strip():
            raise Invalid(f"/{name}", "missing", "at least one letter")
    return Appointment(day_, None, typed.given_name, typed.family_name, typed.email, typed.phone)
