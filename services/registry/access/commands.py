"""Signing in: asking for a link, using it, and entering with another provider's statement."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access import rules
from services.registry.access.rules import AGAIN, AT_ONCE, LinkSpent, SignInRequest
from services.registry.access.tables import identities, sign_in_requests
from services.registry.people import commands as people_commands
from services.registry.people.rules import Person, Unfit, email_of
from services.registry.people.tables import known_people, people
from shared.access import loading
from shared.access.actor import Actor
from shared.access.links import Link
from shared.access.oidc import Subject
from shared.contracts.registry import PersonChanged, SignInRequested
from shared.messaging import stage
from shared.runtime.clock import wall

MOST = 10
"""People on one mailbox who are mailed a link each."""


async def request_links(
    session: AsyncSession, actor: Actor, email: str, network: str | None, lasting: timedelta, *, now: datetime
) -> None:
    """States a request for each person with this mailbox (in that network, if one is named); nobody learns how many."""
    del actor, now  # whoever asks; and links live by wall time
    asked_at = wall()
    found = select(Person).where(people.c.email == email_of(email), people.c.erased_at.is_(None))
    if network is not None:
        try:
            room = await loading.network_id(session, network)
        except loading.NetworkUnknown:
            return  # alike: a wrong network and a wrong address are answered as a right one
        found = found.where(people.c.id.in_(select(known_people.c.person_id).where(known_people.c.network_id == room)))
    asked = (
        select(func.count())
        .where(sign_in_requests.c.person_id == people.c.id, sign_in_requests.c.requested_at > asked_at - AGAIN)
        .scalar_subquery()
    )
    found = found.where(asked < AT_ONCE).order_by(people.c.id).limit(MOST).with_for_update(of=people)
    facts = []
    for person in (await session.execute(found)).scalars():
        assert person.email is not None
        request = SignInRequest(person.id, rules.digest(person.email), asked_at, asked_at + lasting)
        session.add(request)
        state = people_commands.state_of(PersonChanged, person).model_dump()
        facts.append(SignInRequested(**state, request_id=request.id, expires_at=request.expires_at))
    await session.execute(delete(sign_in_requests).where(sign_in_requests.c.expires_at < asked_at - AGAIN))
    await session.flush()
    await stage(session, *facts)


async def use_link(session: AsyncSession, actor: Actor, link: Link, *, now: datetime) -> Person:
    """The person whom the link lets in, once; their mailbox is verified thereby. Raises LinkSpent."""
    del actor
    request = await session.get(SignInRequest, link.subject, with_for_update=True)
    if request is None:
        raise LinkSpent
    person = await session.get_one(Person, request.person_id, with_for_update=True)
    request.use(person, wall())
    await verified(session, person, now)
    return person


async def enter(session: AsyncSession, actor: Actor, subject: Subject, *, now: datetime) -> Person:
    """The person with this identity; at the first time the one with the address for which the provider vouches.

    Raises NobodyKnown, SeveralPeople, AddressUnverified.
    """
    del actor
    known = select(identities.c.person_id).where(
        identities.c.issuer == subject.issuer, identities.c.subject == subject.subject
    )
    person_id = await session.scalar(known)
    if person_id is not None:
        return await session.get_one(Person, person_id)
    person = rules.only(await with_address(session, subject.email), subject.email_verified)
    await session.execute(
        insert(identities).values(issuer=subject.issuer, subject=subject.subject, person_id=person.id, since=now)
    )
    await verified(session, person, now)
    return person


async def with_address(session: AsyncSession, email: str | None) -> list[Person]:
    try:
        address = email_of(email or "")
    except Unfit:
        return []
    query = select(Person).where(people.c.email == address, people.c.erased_at.is_(None)).order_by(people.c.id)
    return list((await session.execute(query.limit(2).with_for_update())).scalars())


async def verified(session: AsyncSession, person: Person, now: datetime) -> None:
    if person.verify_email(now):
        await session.flush()
        await stage(session, people_commands.state_of(PersonChanged, person))
