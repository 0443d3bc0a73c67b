"""Credentials over HTTP: earned, given, verified by somebody else's library, revoked, and gone with their holder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import jwt as pyjwt
import pypdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from services.learning.credentials import badges, commands
from shared.access import jwks, links
from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)
BROWSER = "text/html"


async def achievement(school: School, **body: Any) -> Any:
    given = {"title": "Rappresentante formata", "description": "Sa rappresentare.", "criteria": "Il percorso.", **body}
    return await school.done("POST", f"/networks/{school.slug}/achievements", 201, json=given)


async def earned(school: School, **body: Any) -> tuple[Any, UUID, Any]:
    """An achievement of a path that somebody completes; (achievement, person, credential)."""
    path = await school.path(units=[{"title": "Una tappa sola"}])
    what = await achievement(school, path_id=path["id"], **body)
    person, _ = await school.appointed(given="Giulia", family="Serra")
    (enrolment,) = await school.enrolled(path=path["id"])
    await school.mark(enrolment, path["units"][0], person)
    page = await school.done("GET", "/me/credentials", as_=person)
    (credential,) = page["items"]
    return what, person, credential


async def get(school: School, path: str, status: int = 200, accept: str = "*/*", language: str = "it") -> Any:
    headers = {"accept": accept, "accept-language": language}
    answer = await school.running.client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


async def public_pem(school: School, token: str) -> bytes:
    """The key to which the header of a credential leads, as a verifier would find it."""
    kid = pyjwt.get_unverified_header(token)["kid"]
    keys = (await get(school, "/learning/v1/credentials/jwks.json")).json()["keys"]
    (key,) = [one for one in keys if one["kid"] == kid]
    assert (await get(school, kid.partition("//")[2].partition("/")[2].join(["/", ""]))).json() == key
    return pem(key)


def pem(key: dict[str, Any]) -> bytes:
    public = ECKey.import_key(key).public_key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def token_of(school: School, credential: Any) -> str:
    answer = await get(school, f"{credential['page']}/credential.jwt")
    assert answer.headers["content-type"] == "application/vc+jwt"
    return str(answer.text)


def payload(token: str) -> dict[str, Any]:
    found: dict[str, Any] = pyjwt.decode(token, options={"verify_signature": False})
    return found


async def test_whoever_completes_a_path_earns_what_it_is_bound_to_and_another_library_verifies_it(
    school: School,
) -> None:
    what, person, credential = await earned(school, months=24)
    assert credential["standing"] == "valid"
    assert credential["issued_on"] == school.today()
    assert await school.told({"id": credential["id"]}) == [("issued", "issued")]
    (fact,) = [body for _, body in await school.running.published(f"learning.credential.{credential['id']}.*")]
    assert (fact["person_id"], fact["title"]) == (str(person), "Rappresentante formata")
    token = await token_of(school, credential)
    verifier = OB3Verifier(await public_pem(school, token))
    found = verifier.verify(token)
    root = f"{school.running.context.settings.public_url}/learning/v1"
    assert found.issuer.id == f"{root}/networks/{school.id}/issuer"
    assert found.issuer.name == "Rete"
    assert found.achievement.name == "Rappresentante formata"
    assert found.achievement.id == f"{root}/achievements/{what['id']}/badge"
    assert found.id == root.removesuffix("/learning/v1") + credential["page"]
    assert found.recipient_id == f"urn:uuid:{credential['id']}"
    await the_structure_is_what_the_specification_asks(payload(token))
    baked = await get(school, f"{credential['page']}/badge.svg")
    assert OB3Verifier.extract_token_from_svg(baked.content).count(".") == 2
    ElementTree.fromstring(baked.text)
    described = (await get(school, f"/learning/v1/achievements/{what['id']}/badge")).json()
    assert described == payload(token)["credentialSubject"]["achievement"]
    profile = (await get(school, f"/learning/v1/networks/{school.slug}/issuer")).json()
    assert profile == payload(token)["issuer"]


async def the_structure_is_what_the_specification_asks(claims: dict[str, Any]) -> None:
    """Open Badges 3.0, B.1 and 8.2.4: what must be there, and the registered claims that say the same."""
    assert claims["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert claims["@context"][1].startswith("https://purl.imsglobal.org/spec/ob/v3p0/context")
    assert claims["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    subject = claims["credentialSubject"]
    assert subject["type"] == ["AchievementSubject"]
    assert {"id", "type", "name", "description", "criteria"} <= subject["achievement"].keys()
    assert subject["achievement"]["type"] == ["Achievement"]
    assert subject["achievement"]["criteria"]["narrative"]
    assert (claims["iss"], claims["jti"], claims["sub"]) == (claims["issuer"]["id"], claims["id"], subject["id"])
    assert claims["nbf"] == datetime.fromisoformat(claims["validFrom"]).timestamp()
    assert claims["exp"] == datetime.fromisoformat(claims["validUntil"]).timestamp()
    assert claims["credentialStatus"]["type"] == "BitstringStatusListEntry"
    assert "given_name" not in json.dumps(claims)
    assert "Giulia" not in json.dumps(claims)


async def test_a_tampered_or_otherwise_signed_credential_is_refused(school: School) -> None:
    _, _, credential = await earned(school)
    token = await token_of(school, credential)
    key = await public_pem(school, token)
    head, _, signature = token.split(".")
    changed = payload(token) | {"name": "Presidente"}
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    with pytest.raises(OB3VerificationError, match="signature"):
        OB3Verifier(key).verify(f"{head}.{forged}.{signature}")
    with pytest.raises(OB3VerificationError, match="signature"):
        OB3Verifier(pem(jwks.new_key().as_dict(private=False))).verify(token)
    stranger = jwks.new_key()
    resigned = badges.signed(stranger, "https://altrove.example/learning/v1", payload(token))
    with pytest.raises(OB3VerificationError, match="signature"):
        OB3Verifier(key).verify(resigned)
    assert OB3Verifier(key).verify(token).id == payload(token)["id"]


async def test_a_revocation_shows_in_the_signed_status_list_and_on_the_page(school: School) -> None:
    _, person, credential = await earned(school)
    token = await token_of(school, credential)
    verifier = OB3Verifier(await public_pem(school, token))
    url = payload(token)["credentialStatus"]["statusListCredential"]
    served: list[bytes] = []

    def download(address: str) -> bytes:
        assert address == url
        return served[-1]

    async def fetch() -> None:
        served.append((await get(school, "/" + url.split("/", 3)[3])).content)

    await fetch()
    verifier.verify(token, check_status=True, download=download)
    refused = await school.ask(
        "POST", f"/credentials/{credential['id']}/revoke", as_=person, version=1, json={"reason": "no"}
    )
    assert refused.status_code == 403
    after = await school.done(
        "POST", f"/credentials/{credential['id']}/revoke", version=1, json={"reason": "Rilasciata per errore."}
    )
    assert (after["standing"], after["revoked_on"]) == ("revoked", school.today())
    await fetch()
    with pytest.raises(OB3VerificationError, match="revocation"):
        verifier.verify(token, check_status=True, download=download)
    shown = (await get(school, credential["page"], accept="application/json")).json()
    assert (shown["standing"], shown["holder"]) == ("revoked", None)
    page = (await get(school, credential["page"], accept=BROWSER)).text
    assert "l'ha revocato" in page.replace("&#39;", "'")
    assert "errore" not in page  # why, is told to the holder alone
    mine = await school.done("GET", f"/credentials/{credential['id']}", as_=person)
    assert mine["revoked_for"] == "Rilasciata per errore."
    assert [fact for fact, _ in await school.told({"id": credential["id"]})] == ["issued", "revoked"]


async def test_a_name_is_shown_only_when_its_bearer_wants_and_else_hashed_with_salt(school: School) -> None:
    _, person, credential = await earned(school)
    hidden = payload(await token_of(school, credential))["credentialSubject"]["identifier"][0]
    digest = hashlib.sha256(("Giulia Serra" + hidden["salt"]).encode()).hexdigest()
    assert (hidden["hashed"], hidden["identityHash"], hidden["identityType"]) == (True, f"sha256${digest}", "name")
    assert "Giulia" not in (await get(school, credential["page"], accept=BROWSER)).text
    refused = await school.ask("POST", f"/credentials/{credential['id']}/naming", json={"shown": True})
    assert refused.status_code == 403
    after = await school.done("POST", f"/credentials/{credential['id']}/naming", as_=person, json={"shown": True})
    assert after["named"] is True
    shown = payload(await token_of(school, credential))["credentialSubject"]["identifier"][0]
    assert (shown["hashed"], shown["identityHash"]) == (False, "Giulia Serra")
    assert "Giulia Serra" in (await get(school, credential["page"], accept=BROWSER)).text


def link(school: School, credential: Any, person: UUID, purpose: str = "credential") -> str:
    expires = datetime.now(UTC) + timedelta(days=30)
    token = links.mint(
        school.running.link_key, "learning", purpose, UUID(credential["id"]), expires, person=str(person)
    )
    return f"/learning/v1/credentials/link?token={token}"


async def test_the_holders_link_shows_and_its_button_decides_about_the_name(school: School) -> None:
    _, person, credential = await earned(school)
    address = link(school, credential, person)
    opened = await get(school, address, accept=BROWSER)
    assert "Il tuo nome non è mostrato" in opened.text
    assert (await school.done("GET", f"/credentials/{credential['id']}", as_=person))["named"] is False
    posted = await school.running.client.post(address, data={"shown": "yes"}, headers={"accept": BROWSER})
    assert "Il tuo nome è mostrato" in posted.text
    assert "Giulia Serra" in (await get(school, credential["page"], accept=BROWSER)).text
    paper = await get(school, address.replace("/link?", "/link/certificate.pdf?"))
    assert "Giulia Serra" in pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    stranger = school.person()
    await get(school, link(school, credential, stranger.id), 404, accept=BROWSER)
    await get(school, link(school, credential, person, "learn"), 400, accept=BROWSER)


async def test_the_certificate_is_accessible_leads_to_the_page_and_names_nobody_who_does_not_want(
    school: School,
) -> None:
    _, _, credential = await earned(school, months=12)
    for language, said in (("it", "chi presenta questo documento"), ("en", "the bearer of this document")):
        answer = await get(school, f"{credential['page']}/certificate.pdf", language=language)
        assert answer.headers["content-type"] == "application/pdf"
        reader = pypdf.PdfReader(io.BytesIO(answer.content))
        text = reader.pages[0].extract_text()
        assert said in text
        assert "Giulia" not in text
        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
        assert b"pdfuaid" in answer.content
        addresses = [
            note.get_object()["/A"]["/URI"] for note in reader.pages[0].annotations or () if "/A" in note.get_object()
        ]
        assert addresses == [str(school.running.context.settings.public_url) + credential["page"]]


async def test_what_is_given_by_hand_is_given_once_and_for_a_reason(school: School) -> None:
    what = await achievement(school)
    person, _ = await school.appointed()
    address = f"/achievements/{what['id']}/credentials"
    given = await school.done("POST", address, 201, json={"person_id": str(person), "reason": "Per due anni."})
    assert given["reason"] == "Per due anni."
    again = await school.ask("POST", address, json={"person_id": str(person), "reason": "Ancora."})
    assert (again.status_code, again.json()["errors"][0]["path"]) == (409, "/person_id")
    other = school.person(network=UUID(int=1))
    await school.tell(other)
    foreign = await school.ask("POST", address, json={"person_id": str(other.id), "reason": "No."})
    assert foreign.status_code == 422
    nothing = await school.ask("POST", address, json={"person_id": str(person), "reason": " "})
    assert (nothing.status_code, nothing.json()["errors"][0]["path"]) == (422, "/reason")
    retired = await school.done("POST", f"/achievements/{what['id']}/retire", version=what["version"])
    assert (retired["retired_on"], retired["good"], retired["issued"]) == (school.today(), 1, 1)
    late = await school.ask("POST", address, json={"person_id": str(person), "reason": "Tardi."})
    assert late.status_code == 409


async def test_of_somebody_erased_the_page_says_that_it_is_no_more_and_the_list_that_it_is_revoked(
    school: School,
) -> None:
    _, person, credential = await earned(school)
    token = await token_of(school, credential)
    verifier = OB3Verifier(await public_pem(school, token))
    await school.tell(school.erased(person))
    answer = await get(school, credential["page"], 410, accept=BROWSER)
    assert "non esiste più" in answer.text
    assert "Serra" not in answer.text
    await get(school, f"{credential['page']}/credential.jwt", 410)
    await get(school, link(school, credential, person), 410, accept=BROWSER)
    url = payload(token)["credentialStatus"]["statusListCredential"]
    listed = (await get(school, "/" + url.split("/", 3)[3])).content
    with pytest.raises(OB3VerificationError, match="revocation"):
        verifier.verify(token, check_status=True, download=lambda _: listed)
    (row,) = await school.running.sql("select * from credentials where id = :id", id=UUID(credential["id"]))
    assert (row.person_id, row.salt, row.named, row.enrolment_id) == (None, None, False, None)
    assert [fact for fact, _ in await school.told({"id": credential["id"]})] == ["issued", "revoked"]


async def test_what_was_signed_with_a_key_before_stays_verifiable(school: School) -> None:
    former = jwks.new_key()
    root = f"{school.running.context.settings.public_url}/learning/v1"
    kept = badges.public_key(root, former)
    async with school.running.context.database.sessions.begin() as session:
        await commands.keep_key(session, kept["kid"], kept, datetime.now(UTC))
    keys = (await get(school, "/learning/v1/credentials/jwks.json")).json()["keys"]
    current = school.running.context.settings.badge_key  # type: ignore[attr-defined]
    assert keys[0] == badges.public_key(root, current)
    assert kept in keys
    assert not any("d" in key for key in keys)
    rows = await school.running.sql("select kid from badge_keys")
    assert badges.kid_of(root, current) in {row.kid for row in rows}


async def test_it_holds_until_the_end_of_its_last_day_and_then_has_expired(school: School) -> None:
    _, _, credential = await earned(school, months=1)
    last = datetime.fromisoformat(credential["expires_on"]).date()
    today = datetime.fromisoformat(school.today()).date()
    assert 28 <= (last - today).days <= 31
    claims = payload(await token_of(school, credential))
    assert datetime.fromisoformat(claims["validUntil"]) > datetime.combine(last, datetime.max.time(), UTC) - timedelta(
        hours=3
    )
    await school.let_pass((last - today).days)
    assert (await get(school, credential["page"], accept="application/json")).json()["standing"] == "valid"
    await school.let_pass(1)
    assert (await get(school, credential["page"], accept="application/json")).json()["standing"] == "expired"
    page = await school.done("GET", f"/networks/{school.slug}/credentials", params={"standing": "expired"})
    assert [one["id"] for one in page["items"]] == [credential["id"]]
    key = school.running.context.settings.badge_key  # type: ignore[attr-defined]
    past = {**claims, "validUntil": "2020-01-01T00:00:00Z", "validFrom": "2019-01-01T00:00:00Z"}
    late = badges.signed(key, "https://trama.example/learning/v1", past)
    with pytest.raises(OB3VerificationError, match="expired"):
        OB3Verifier(pem(key.as_dict(private=False))).verify(late)
