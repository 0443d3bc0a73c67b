"""Founding and changing networks; their logos."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime

from PIL import Image, UnidentifiedImageError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries
from services.registry.networks.rules import Kind, Language, Network, UnfitAddress, UnfitLogo, logo_path
from services.registry.networks.tables import logos
from services.registry.people.rules import Unfit, email_of
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.contracts.registry import NetworkChanged, NetworkFounded, NetworkState
from shared.messaging import stage
from shared.runtime.problems import expect

SIDE = 512
"""Pixels to which a logo is brought: sharp in a mail and on a page, and small."""
LARGEST_PIXELS = 25_000_000
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS  # from twice as many on, the library itself refuses


async def found(
    session: AsyncSession,
    actor: Actor,
    *,
    slug: str,
    name: str,
    kind: Kind = Kind.ALLIANCE,
    language: Language = Language.ITALIAN,
    now: datetime,
) -> Network:
    """Raises UnfitSlug; the index `networks_slug` refuses a slug that is taken."""
    policy.require(actor, Right.FOUND_NETWORKS, network=None, on=now)  # no key of one network founds another
    network = Network(slug, name, kind, language)
    session.add(network)
    await session.flush()
    await stage(session, state_of(NetworkFounded, network))
    return network


async def change(
    session: AsyncSession, actor: Actor, ref: str, *, expected: int | None, now: datetime, **fields: str | None
) -> Network:
    """Takes the fields given (name, kind, language, sender_name, sender_address). Raises UnfitAddress."""
    network = await queries.by_ref(session, ref, lock=True)
    policy.require(actor, Right.CHANGE_NETWORK, network=network.id, on=now)
    expect(expected, network.version)
    if fields.get("sender_address"):
        fields["sender_address"] = address_of(str(fields["sender_address"]))
    return await changed(session, network, **fields)


async def set_logo(
    session: AsyncSession, actor: Actor, ref: str, image: bytes, *, expected: int | None, now: datetime
) -> Network:
    """The logo that mails and pages carry from now on. Raises UnfitLogo."""
    network = await queries.by_ref(session, ref, lock=True)
    policy.require(actor, Right.CHANGE_NETWORK, network=network.id, on=now)
    expect(expected, network.version)
    content = drawn(image)
    fingerprint = hashlib.sha256(content).hexdigest()
    await session.execute(insert(logos).values(sha256=fingerprint, content=content).on_conflict_do_nothing())
    return await changed(session, network, logo=logo_path(fingerprint))


async def remove_logo(session: AsyncSession, actor: Actor, ref: str, *, expected: int | None, now: datetime) -> Network:
    network = await queries.by_ref(session, ref, lock=True)
    policy.require(actor, Right.CHANGE_NETWORK, network=network.id, on=now)
    expect(expected, network.version)
    return await changed(session, network, logo=None)


async def changed(session: AsyncSession, network: Network, **fields: str | None) -> Network:
    if network.change(**fields):
        await session.flush()
        await stage(session, state_of(NetworkChanged, network))
    return network


def address_of(text: str) -> str:
    try:
        return email_of(text)
    except Unfit as error:
        raise UnfitAddress(error.accepted) from error


def drawn(image: bytes) -> bytes:
    """The image drawn anew as PNG of at most SIDE pixels: whatever else the file carried (the place where a photo was
    taken, a script, a second file) is left behind. Raises UnfitLogo."""
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG", "WEBP", "GIF")) as opened:
            if opened.width * opened.height > LARGEST_PIXELS:
                raise UnfitLogo("pixels")
            picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnfitLogo("image") from error
    picture.thumbnail((SIDE, SIDE))
    fresh = io.BytesIO()
    picture.save(fresh, "PNG", optimize=True)
    return fresh.getvalue()


def state_of(fact: type[NetworkState], network: Network) -> NetworkState:
    return fact(
        id=network.id,
        version=network.version,
        network_id=network.id,
        slug=network.slug,
        title=network.name,
        kind=network.kind,
        language=network.language,
        sender_name=network.sender_name,
        sender_address=network.sender_address,
        logo=network.logo,
    )
