"""Nobody gets in: every operation of mapping, asked by everybody who must be refused."""

from __future__ import annotations

import pytest

from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import Running
from tests.mapping.alliance import Alliance

PUBLIC: tuple[str, ...] = (
    "GET /networks/{network}/places",
    "GET /networks/{network}/places/summary",
    "GET /places/{id}",
    "GET /places/{id}/hours",
    "GET /networks/{network}/resources",
    "GET /networks/{network}/resources/summary",
    "GET /resources/{id}",
    "GET /networks/{network}/experiences",
    "GET /experiences/{id}",
    "GET /freshness/link",
    "POST /freshness/link",
    "GET /place-imports/{id}/events",
    "GET /place-imports/{id}/rows.csv",
    "GET /atlas/items",
    "GET /atlas/items.geojson",
    "GET /atlas/figures",
)
"""What is public on the map; links and tickets, which are proof themselves."""
REFERENCE = (
    "GET /territories",
    "GET /territories/resolve",
    "GET /territories/boundaries",
    "GET /territories/{code}",
    "GET /territories/{code}/history",
    "GET /territories/{code}/population",
)
"""Public data of no network: for whoever is signed in."""


@pytest.fixture(scope="module")
async def alliance(mapping: Running) -> Alliance:
    return await Alliance(mapping).founded()


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(mapping: Running, alliance: Alliance, stranger: str) -> None:
    await refused(mapping, stranger, network=alliance.id, public=PUBLIC, signed_in=REFERENCE)


async def test_what_is_open_is_named_here(mapping: Running) -> None:
    assert unlisted(mapping, PUBLIC) == []
