"""HTTP of people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.registry.people import commands, queries
from services.registry.people.queries import Readable
from services.registry.people.rules import Language, OutOfSight, Reach, Retained, Unfit, UnknownPerson
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref, line
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["people"])

Name = Annotated[str, line(100)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]


class PersonBody(BaseModel):
    """An address may belong to several people; who has none may have a phone, Italian if it has no prefix."""

    model_config = ConfigDict(extra="forbid")

    given_name: Name = Field(examples=["Giulia"])
    family_name: Name = Field(examples=["Serra"])
    email: Email | None = Field(default=None, examples=["giulia.serra@example.org"])
    phone: Phone | None = Field(default=None, examples=["0341 123456"])
    language: Language = Language.ITALIAN


class ChangeBody(PersonBody):
    """Only what is given changes; null takes an address or a number away."""

    given_name: Name = Field(default="", examples=["Giulia"])
    family_name: Name = Field(default="", examples=["Serra"])


class PersonOut(BaseModel):
    """`reach` is how the platform can tell them something: who has only a phone has to be called. `merged_into` stands
    for this one, who was a duplicate."""

    id: UUID
    name: str
    given_name: str
    family_name: str
    language: Language
    email: str | None
    email_verified: bool
    phone: str | None
    reach: Reach
    erased_at: datetime | None
    merged_into: Ref | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, readable: Readable) -> PersonOut:
        person = readable.person
        return cls(
            id=person.id,
            name=person.name,
            given_name=person.given_name,
            family_name=person.family_name,
            language=person.language,
            email=person.email,
            email_verified=person.email_verified,
            phone=person.phone,
            reach=person.reach,
            erased_at=person.erased_at,
            merged_into=Ref(
                id=person.merged_into,
                name=readable.survivor or "",
                href=f"/registry/v1/people/{person.merged_into}",
            )
            if person.merged_into
            else None,
            href=f"/registry/v1/people/{person.id}",
            version=person.version,
            allowed_actions=readable.actions,
        )


@routes.post("/networks/{network}/people", status_code=201, response_model=PersonOut)
async def register(network: str, body: PersonBody, at: At) -> Response:
    """Enters a person. A second person of the same name or address is another person."""
    return await at.command(
        commands.register,
        network,
        out=PersonOut.of,
        location=lambda readable: f"/registry/v1/people/{readable.person.id}",
        **body.model_dump(),
    )


@routes.get("/networks/{network}/people", response_model=PageOut[PersonOut])
async def people(
    network: str,
    at: At,
    q: Annotated[str | None, Query(max_length=100, description="Part of a name or address")] = None,
    language: Annotated[list[Language], Query()] = [],  # noqa: B006 (FastAPI copies it)
    reach: Annotated[list[Reach], Query(description="How they can be told something")] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    sort: Annotated[Literal["id", "name"], Query(description="By family name, or as they were entered")] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The people whom the network knows: those it entered, and those who hold or held a mandate in it."""
    return await at.page(
        queries.listed,
        network,
        q=q,
        language=language,
        reach=reach,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=PersonOut.of,
    )


@routes.get("/people/{person_id}", response_model=PersonOut)
async def person(person_id: UUID, at: At) -> Response:
    """A person, for those who work with them and for themselves."""
    return await at.read(queries.get, person_id, out=PersonOut.of)


@routes.patch("/people/{person_id}", response_model=PersonOut)
async def change(person_id: UUID, body: ChangeBody, at: At) -> Response:
    """Changes what is given. Needs If-Match. A new address has to be verified again."""
    return await at.command(
        commands.change,
        person_id,
        expected=at.if_match(),
        out=PersonOut.of,
        **body.model_dump(exclude_unset=True),
    )


problems = {
    UnknownPerson: not_found,
    Unfit: problem(
        "unfit",
        422,
        it="Valore non valido\nNon ha la forma che ci si aspetta: `errors` dice quale e dà un esempio.",
        en="Unfit value\nIt has not the expected form: `errors` says which, with an example.",
        code="form",
    ),
    OutOfSight: problem(
        "person-out-of-sight",
        409,
        it="La persona è in quarantena\nLa sua cancellazione è in corso: per cambiarne i dati va prima revocata.",
        en="The person is in quarantine\nTheir erasure is under way: to change anything call it off first.",
    ),
    Retained: problem(
        "person-retained",
        409,
        it="La persona ha un incarico in corso\nFinché dura il mandato {mandate_id} si deve sapere chi lo esercita: "
        "prima terminarlo o affidarlo ad altri.",
        en="The person holds an office\nWhile mandate {mandate_id} lasts it must be known who holds it: end or replace "
        "it first.",
    ),
}

vocabularies = (
    vocabulary(
        "reaches",
        "Come si raggiunge una persona",
        "How a person is reached",
        [
            (Reach.EMAIL, "Per posta elettronica", "By email"),
            (Reach.PHONE, "Solo per telefono", "By phone only"),
            (Reach.UNREACHABLE, "Nessun recapito", "No contact"),
        ],
    ),
)
