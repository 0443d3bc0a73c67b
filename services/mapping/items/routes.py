"""HTTP that places, resources and experiences have in common: what is shown of each, the steps of its validation, the
filters of its lists, the problems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.mapping.items import commands
from services.mapping.items.commands import Remarks
from services.mapping.items.queries import Filters, Shown, Sort
from services.mapping.items.rules import (
    Closed,
    InvalidDay,
    Item,
    NotEndorsed,
    NotInState,
    OrganisationMissing,
    RemarksMissing,
    State,
    UnknownItem,
    UnknownReference,
    UnknownTerritory,
    Visibility,
)
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.problems import Problems, not_found, problem
from shared.runtime.vocabularies import vocabulary

Network = Annotated[str, Path(max_length=64, description="Slug or id of the network")]


class KnownRef(BaseModel):
    """Something that another service keeps: `name` is null until it has told it."""

    id: UUID
    name: str | None
    href: str


def organisation_ref(id_: UUID | None, name: str | None) -> KnownRef | None:
    return KnownRef.model_construct(id=id_, name=name, href=f"/registry/v1/organisations/{id_}") if id_ else None


def body_ref(id_: UUID | None, name: str | None) -> KnownRef | None:
    return KnownRef.model_construct(id=id_, name=name, href=f"/registry/v1/bodies/{id_}") if id_ else None


class FreshnessOut(BaseModel):
    """How old what is shown is. `score` is 1 on the day on which somebody said that it is true, and falls evenly to 0
    on the day on which it expires: 1 - days since / (days from the check to the next question + days to answer)."""

    checked_on: date | None
    score: float | None
    stale: bool


class ItemOut(BaseModel):
    """What every item shows. `endorsed_on` is the organisation's own look, `validated_on` the coordinator's; these and
    `remarks` are shown to its own network only."""

    id: UUID
    network_id: UUID
    title: str
    organisation: KnownRef | None
    body: KnownRef | None
    state: State
    visibility: Visibility
    shared_with: list[UUID] = Field(description="Networks that see it, when it is shared with networks")
    proposed_on: date | None
    endorsed_on: date | None
    validated_on: date | None
    remarks: str | None
    closed_on: date | None
    freshness: FreshnessOut
    updated_at: datetime
    href: str
    version: int
    allowed_actions: list[str]


def common(shown: Shown[Any], href: str) -> dict[str, Any]:
    """The fields of `ItemOut`."""
    item = shown.item
    inside = shown.inside
    stale = item.state is State.EXPIRED or (
        item.checked_on is not None and item.checked_on < shown.rule.stale_before(shown.on)
    )
    return {
        "id": item.id,
        "network_id": item.network_id,
        "title": item.title,
        "organisation": organisation_ref(item.organisation_id, shown.organisation),
        "body": body_ref(item.body_id, shown.body),
        "state": item.state,
        "visibility": item.visibility,
        "shared_with": list(item.shared_with) if inside else [],
        "proposed_on": item.proposed_on if inside else None,
        "endorsed_on": item.endorsed_on if inside else None,
        "validated_on": item.validated_on if inside else None,
        "remarks": item.remarks if inside else None,
        "closed_on": item.closed_on,
        "freshness": FreshnessOut.model_construct(checked_on=item.checked_on, score=shown.score, stale=stale),
        "updated_at": shown.updated_at,
        "href": f"{href}/{item.id}",
        "version": item.version,
        "allowed_actions": list(shown.actions),
    }


def territories_of(item: Item) -> list[TerritoryRef]:
    return [TerritoryRef.of(named(code)) for code in item.territories]


# --- lists -----------------------------------------------------------------------------------------------------------


def filters(
    territory: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]],
        Query(max_length=50, description="In one of these or in what lies in them"),
    ] = [],  # noqa: B006 (FastAPI copies defaults)
    state: Annotated[list[State], Query(max_length=6, description="Without it: all but closed ones")] = [],  # noqa: B006
    visibility: Annotated[list[Visibility], Query(max_length=4)] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=50, description="The body that it is of, or relies on")] = [],  # noqa: B006
    stale: Annotated[
        bool | None, Query(description="Only what is due to be checked or has expired, or only what is not")
    ] = None,
    q: Annotated[str | None, Query(max_length=100, description="Words of the title, without minding accents")] = None,
    updated_since: Annotated[AwareDatetime | None, Query()] = None,
    sort: Annotated[Sort, Query()] = "title",
) -> Filters:
    return Filters(territory, state, visibility, organisation, body, stale, q, updated_since, sort)


Asked = Annotated[Filters, Depends(filters)]


# --- steps -----------------------------------------------------------------------------------------------------------

STEPS = {
    "propose": "A draft, or what was returned, is looked at from now on. Needs If-Match.",
    "endorse": "The organisation stands by it: its referent says so, or the secretariat for it. Needs If-Match.",
    "validate": "The coordinator of where it lies has looked at it: it is on the map. Needs If-Match.",
    "confirm": "It is still as the map shows it. Needs If-Match.",
    "close": "It is no more, or never was. Needs If-Match.",
}


def steps(
    routes: APIRouter,
    path: str,
    model: type[Item],
    shown: type[BaseModel],
    out: Callable[[Shown[Any], Edge], BaseModel],
) -> None:
    """The operations `POST {path}/{id}/{step}` of one kind of item; `out(found, at)` makes the `shown` of each."""

    def add(step: str, said: str) -> None:
        async def taken(id: UUID, at: At) -> Response:  # noqa: A002 (the name in the path)
            return await at.command(
                commands.act, model, id, step, expected=at.if_match(), out=lambda found: out(found, at)
            )

        routes.post(
            f"{path}/{{id}}/{step}",
            response_model=shown,
            name=f"{step} {model.subject}",
            description=said,
            openapi_extra=GUARDED,
        )(taken)

    for step, said in STEPS.items():
        add(step, said)

    @routes.post(f"{path}/{{id}}/return", response_model=shown, name=f"return {model.subject}", openapi_extra=GUARDED)
    async def send_back(
        id: UUID,  # noqa: A002
        body: Annotated[Remarks, Body(default_factory=Remarks)],
        at: At,
    ) -> Response:
        """What is to be put right before it can be on the map. Needs If-Match."""
        return await at.command(
            commands.act,
            model,
            id,
            "return",
            remarks=body.remarks,
            expected=at.if_match(),
            out=lambda found: out(found, at),
        )


problems: Problems = {
    UnknownItem: not_found,
    Closed: problem(
        "item-closed",
        409,
        it="È chiuso\nNon si può più cambiare: se c'è di nuovo, proporlo di nuovo.",
        en="It is closed\nNothing more can be done with it: if it is there again, propose it anew.",
    ),
    NotInState: problem(
        "not-in-state",
        409,
        it="Lo stato non lo permette\nÈ nello stato {state}; serve uno di questi: {accepted}.",
        en="Its state does not allow it\nIt is {state}; needed is one of: {accepted}.",
    ),
    NotEndorsed: problem(
        "not-endorsed",
        409,
        it="Manca il primo passo\nPrima deve confermarlo il referente dell'ente che lo propone.",
        en="The first step is missing\nThe referent of the organisation that proposes it must endorse it first.",
    ),
    RemarksMissing: problem(
        "remarks-missing",
        422,
        it="Mancano le osservazioni\nChi rimanda qualcosa dice che cosa non va.",
        en="The remarks are missing\nWho returns something says what is wrong.",
        path="/remarks",
        accepted="some words",
    ),
    OrganisationMissing: problem(
        "organisation-missing",
        422,
        it="Manca l'ente\nUna risorsa o un'esperienza è sempre di un ente.",
        en="The organisation is missing\nA resource or an experience is always some organisation's.",
        path="/organisation_id",
        accepted="an active member of the network",
    ),
    UnknownReference: problem(
        "not-of-the-network",
        422,
        it="Non è di questa rete\n`errors` dice che cosa si accetta.",
        en="Not of this network\n`errors` says what is accepted.",
        code="unknown",
    ),
    UnknownTerritory: problem(
        "territory-unknown",
        422,
        it="Territorio sconosciuto\nSi accettano i codici di regioni, province e comuni di oggi.",
        en="Unknown territory\nCodes of today's regions, provinces and municipalities are accepted.",
        code="unknown-territory",
    ),
    InvalidDay: problem(
        "invalid-day",
        422,
        it="Giorno non possibile\n`errors` dice quali giorni si accettano.",
        en="Impossible day\n`errors` says which days are accepted.",
        code="day",
    ),
}

vocabularies = (
    vocabulary(
        "item_states",
        "Stati di ciò che è sulla mappa",
        "States of what is on the map",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.PROPOSED, "Proposto, da convalidare", "Proposed, to be validated"),
            (State.VALIDATED, "Convalidato", "Validated"),
            (State.RETURNED, "Rimandato con osservazioni", "Returned with remarks"),
            (State.EXPIRED, "Scaduto: nessuno dice se è ancora così", "Expired: nobody says that it is still so"),
            (State.CLOSED, "Chiuso", "Closed"),
        ],
    ),
    vocabulary(
        "visibilities",
        "Chi lo vede",
        "Who sees it",
        [
            (Visibility.BODY, "L'ente e l'organo a cui appartiene", "The organisation and the body that it is of"),
            (Visibility.NETWORK, "La rete", "The network"),
            (Visibility.NETWORKS, "Anche altre reti scelte", "Chosen other networks too"),
            (Visibility.PUBLIC, "Tutti", "Everybody"),
        ],
    ),
    vocabulary(
        "themes",
        "Temi",
        "Themes",
        [
            ("active-ageing", "Anziani e invecchiamento attivo", "Older people and active ageing"),
            ("animation", "Animazione e rigenerazione urbana", "Urban animation and regeneration"),
            ("community-networks", "Reti di comunità", "Community networks"),
            ("culture", "Cultura e sport", "Culture and sport"),
            ("disability", "Disabilità", "Disability"),
            ("education", "Educazione e minori", "Education and minors"),
            ("energy", "Energie", "Energies"),
            ("environment", "Ambiente", "Environment"),
            ("family", "Famiglia e conciliazione", "Family and reconciliation with work"),
            ("health", "Salute", "Health"),
            ("housing", "Casa e abitare", "Housing"),
            ("migration", "Migrazioni e accoglienza", "Migration and reception"),
            ("poverty", "Contrasto alla povertà", "Fight against poverty"),
            ("solidarity-economy", "Economia solidale e acquisto collettivo", "Solidarity economy and purchasing"),
            ("tools", "Strumenti", "Tools"),
            ("value-chains", "Filiere", "Value chains"),
            ("work", "Lavoro", "Work"),
            ("youth", "Giovani", "Young people"),
        ],
    ),
)
