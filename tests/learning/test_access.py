"""Nobody gets in: every operation of learning, asked by everybody who must be refused."""

from __future__ import annotations

import pytest

from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import Running
from tests.learning.practices.commons import Commons
from tests.learning.school import School

VERIFIED = (
    "GET /achievements/{achievement_id}/badge",
    "GET /achievements/{achievement_id}/badge.svg",
    "GET /credentials/jwks.json",
    "GET /credentials/keys/{thumbprint}",
    "GET /credentials/verify/{code}",
    "GET /credentials/verify/{code}/badge.svg",
    "GET /credentials/verify/{code}/certificate.pdf",
    "GET /credentials/verify/{code}/credential.jwt",
    "GET /networks/{network}/credentials/status/{number}",
    "GET /networks/{network}/issuer",
)
"""What whoever was shown a credential needs to verify it."""
PUBLIC = (
    *VERIFIED,
    "GET /assessments/link",
    "POST /assessments/link",
    "GET /credentials/link",
    "POST /credentials/link",
    "GET /credentials/link/certificate.pdf",
    "GET /networks/{network}/documents",
    "GET /documents/{document_id}",
    "GET /documents/{document_id}/editions",
    "GET /documents/{document_id}/editions/{number}/file",
    "HEAD /documents/{document_id}/editions/{number}/file",
    "GET /documents/{document_id}/page",
    "GET /documents/link",
    "POST /documents/link",
    "GET /networks/{network}/news/feed.atom",
    "GET /networks/{network}/news/feed.json",
    "GET /paths/{path_id}/page",
    "GET /public-practices",
    "GET /public-practices/{practice_id}",
    "GET /enrolments/link",
    "POST /enrolments/link",
    "POST /enrolments/link/leave",
    "GET /enrolments/link/quiz",
    "POST /enrolments/link/quiz",
)
"""A page for everybody, and the pages behind signed links: the link is the right."""
OWN = (
    "GET /networks/{network}/paths",
    "GET /me/enrolments",
    "GET /me/assessments",
    "GET /me/credentials",
    "GET /me/news",
)
"""Whoever is signed in: the paths for those without a mandate, and one's own enrolments."""


@pytest.fixture(scope="module")
async def room(learning: Running) -> tuple[School, dict[str, str]]:
    """A network with a path and somebody on it, and the ids of these."""
    school = await School(learning).founded()
    path = await school.path()
    await school.appointed()
    (enrolment,) = await school.enrolled()
    person, _ = await school.appointed()
    network = f"/networks/{school.slug}"
    badge = {"title": "Formata", "description": "Sa", "criteria": "Il percorso"}
    achievement = await school.done("POST", f"{network}/achievements", 201, json=badge)
    given = {"person_id": str(person), "reason": "Per prova"}
    credential = await school.done("POST", f"/achievements/{achievement['id']}/credentials", 201, json=given)
    asked = {"title": "Prima e dopo", "audience": [{"people": [str(person)]}]}
    item = {"code": "uno", "title": "Uno", "items": [{"text": "Quanto?"}]}
    assessment = await school.done("POST", f"{network}/assessments", 201, json={**asked, "competences": [item]})
    open_ = {"closes_on": school.today(30)}
    await school.done("POST", f"/assessments/{assessment['id']}/open", version=assessment["version"], json=open_)
    requests = await school.done("GET", f"/assessments/{assessment['id']}/requests")
    ids = {"path_id": path["id"], "enrolment_id": enrolment["id"], "unit_id": path["units"][0]["id"]}
    ids |= {"achievement_id": achievement["id"], "credential_id": credential["id"]}
    ids |= {"assessment_id": assessment["id"], "request_id": requests["items"][0]["id"]}
    file = {"file": ("a.txt", b"uno")}
    documents = f"{network}/documents"
    document = await school.done("POST", documents, 201, data={"title": "Un documento"}, files=file)
    ids |= {"document_id": document["id"], "number": "1"}
    units = [{"title": "Una"}]
    course = await school.done("POST", f"{network}/courses", 201, json={"title": "Corso", "units": units})
    quiz = await school.done("POST", f"{network}/quizzes", 201, json={"title": "Quiz"})
    ids |= {"course_id": course["id"], "quiz_id": quiz["id"]}
    ids |= await _commons(school)
    return school, ids


async def _commons(school: School) -> dict[str, str]:
    """A practice that was taken up, news and a campaign."""
    commons = Commons(school.running)
    commons.id, commons.slug, commons.secretariat = school.id, school.slug, school.secretariat
    practice = await commons.published()
    adoption = await commons.adopted(practice, commons, organisation_id=str(await commons.member()))
    item = await school.done("POST", f"/networks/{school.slug}/news", 201, json={"title": "Notizia"})
    about = {"slug": "casa", "title": "La Casa", "audience": "communities", "since": school.today()}
    campaign = await school.done("POST", f"/networks/{school.slug}/campaigns", 201, json=about)
    return {
        "practice_id": practice["id"],
        "adoption_id": adoption["id"],
        "item_id": item["id"],
        "campaign_id": campaign["id"],
    }


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(learning: Running, room: tuple[School, dict[str, str]], stranger: str) -> None:
    school, ids = room
    await refused(learning, stranger, network=school.id, public=PUBLIC, signed_in=OWN, ids=ids)


async def test_what_is_open_is_named_here(learning: Running) -> None:
    assert unlisted(learning, PUBLIC) == []
