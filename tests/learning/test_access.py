"""Nobody gets in: every operation of learning, asked by everybody who must be refused."""

from __future__ import annotations

import pytest

from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import Running
from tests.learning.school import School

PUBLIC = ("GET /paths/{path_id}/page", "GET /enrolments/link", "POST /enrolments/link")
"""A page for everybody, and the pages behind signed links: the link is the right."""
OWN = ("GET /networks/{network}/paths", "GET /me/enrolments")
"""Whoever is signed in: the paths for those without a mandate, and one's own enrolments."""


@pytest.fixture(scope="module")
async def room(learning: Running) -> tuple[School, dict[str, str]]:
    """A network with a path and somebody on it, and the ids of these."""
    school = await School(learning).founded()
    path = await school.path()
    await school.appointed()
    (enrolment,) = await school.enrolled()
    ids = {"path_id": path["id"], "enrolment_id": enrolment["id"], "unit_id": path["units"][0]["id"]}
    return school, ids


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(learning: Running, room: tuple[School, dict[str, str]], stranger: str) -> None:
    school, ids = room
    await refused(learning, stranger, network=school.id, public=PUBLIC, signed_in=OWN, ids=ids)


async def test_what_is_open_is_named_here(learning: Running) -> None:
    assert unlisted(learning, PUBLIC) == []
