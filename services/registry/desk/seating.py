"""Where every page of the desk begins: the network, who is signed in, and the pages that they may open."""

from __future__ import annotations

from services.registry.desk import queries
from services.registry.desk.queries import Room
from services.registry.policy import Right
from shared.runtime.edge import Edge
from shared.runtime.pages import Entry, Seat
from shared.runtime.sessions import form_of

ADMIN = {"it": "Amministrazione della piattaforma", "en": "Administration of the platform"}
"""Who is signed in and is nobody whom a network knows."""
NAV: tuple[tuple[str, Right, str, str], ...] = (
    ("", Right.READ_NETWORK, "Scrivania", "Desk"),
    ("/imports", Right.IMPORT, "Importazioni", "Imports"),
    ("/commitments", Right.READ_COMMITMENTS, "Impegni", "Commitments"),
    ("/seats", Right.READ_BODIES, "Seggi", "Seats"),
    ("/goals", Right.READ_GOALS, "Obiettivi", "Goals"),
    ("/notices", Right.MANAGE_NOTICES, "Informative", "Notices"),
)
"""The pages of a network, each for who may see what it shows."""


async def entered(at: Edge, network: str, current: str = "") -> tuple[Room, Seat]:
    """The network's room and the seat with its navigation; `current` is the page's path below the desk of the network.
    Raises NetworkUnknown, Forbidden."""
    room = await at.query(queries.room, network)
    return room, seat_of(at, room, current)


def name_of(at: Edge, name: str) -> str:
    """What pages call whoever is signed in: no name is left of somebody who was erased."""
    return name or (ADMIN[at.language] if at.actor.admin else "")


def seat_of(at: Edge, room: Room, current: str = "") -> Seat:
    base = f"/desk/{room.network.slug}"
    nav = [
        Entry(it if at.language == "it" else en, base + path, path == current)
        for path, right, it, en in NAV
        if room.chair.may(right)
    ]
    return Seat(name_of(at, room.chair.name), form_of(at), nav)
