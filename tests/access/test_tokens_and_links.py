"""Signed statements: who signs in, and what a mailed link lets somebody do once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt as jose
from joserfc.jwk import RSAKey

from shared.access import jwks, jwt, links, oidc
from shared.access.jwks import KeysUnreadable, PublicKeys
from shared.access.jwt import TokenExpired, TokenInvalid
from shared.access.oidc import Provider
from shared.access.tokens import Verifier
from shared.runtime.clock import wall
from tests.harness import Running
from tests.runtime.test_edge import THINGS, kind


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(running: Running) -> None:
    """HS256 with the published key as its secret: the classical confusion of algorithms."""
    public = jwks.public(running.key)["keys"][0]
    for secret in (json.dumps(public).encode(), running.key.as_pem(private=False)):
        _, payload, _ = running.token(admin=True).split(".")
        head = encoded({"alg": "HS256", "kid": running.key.kid})
        mac = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
        headers = {"authorization": f"Bearer {head}.{payload}.{encoded(mac)}"}
        answer = await running.client.get(THINGS, headers=headers)
        assert (answer.status_code, kind(answer)) == (401, "token-invalid")


async def test_a_changed_claim_breaks_the_signature(running: Running) -> None:
    head, payload, signature = running.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = f"{head}.{encoded({**claims, 'admin': True})}.{signature}"
    answer = await running.client.get(THINGS, headers={"authorization": f"Bearer {forged}"})
    assert (answer.status_code, kind(answer)) == (401, "token-invalid")


async def test_an_expired_token_says_so_also_when_it_was_known(running: Running) -> None:
    good = running.token(lifetime=timedelta(minutes=5))
    assert (await running.context.verifier.verify(good)).person_id
    known = running.context.verifier._known[good]
    object.__setattr__(known, "expires", time.time() - 60)
    answer = await running.client.get(THINGS, headers={"authorization": f"Bearer {good}"})
    assert (answer.status_code, kind(answer)) == (401, "token-expired")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("odd", ["", "a", "a.b", "a.b.c", "..", "é.b.c", "e30.e30.", "x" * 10_000])
async def test_what_is_no_token_is_refused(running: Running, odd: str) -> None:
    with pytest.raises(TokenInvalid):
        await running.context.verifier.verify(odd)


async def test_a_symmetric_key_in_the_published_set_verifies_nothing(tmp_path: Path) -> None:
    secret = {"kty": "oct", "kid": "s", "k": encoded(b"secret")}
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [secret, *jwks.public(jwks.new_key())["keys"]]}))
    assert await PublicKeys(str(path)).find("s") is None


async def test_a_new_key_is_found_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "AGAIN", 0.0)
    old, new = jwks.new_key(), jwks.new_key()
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks.public(old)))
    keys = PublicKeys(str(path))
    assert await keys.find(str(old.kid)) is not None
    path.write_text(json.dumps(jwks.public(old, new)))
    assert await keys.find(str(new.kid)) is not None
    path.unlink()
    assert await keys.find(str(old.kid)) is not None
    with pytest.raises(KeysUnreadable):
        await keys.find("another")


async def test_unreadable_keys_are_an_outage_and_not_a_stranger(running: Running, tmp_path: Path) -> None:
    running.context.verifier = Verifier(PublicKeys(str(tmp_path / "none.json")), running.context.settings.issuer)
    answer = await running.client.get(THINGS, headers=running.signed_in())
    assert (answer.status_code, kind(answer)) == (503, "unavailable")


class TestLinks:
    def mint(self, running: Running, audience: str = "toy", purpose: str = "confirm", hours: int = 1) -> str:
        return links.mint(running.link_key, audience, purpose, uuid4(), wall() + timedelta(hours=hours))

    async def test_a_link_acts_once(self, running: Running) -> None:
        link = self.mint(running)
        assert (await running.client.post(f"/toy/v1/links/{link}")).status_code == 204
        again = await running.client.post(f"/toy/v1/links/{link}")
        assert (again.status_code, kind(again)) == (410, "link-used")

    async def test_an_expired_link_says_what_to_do(self, running: Running) -> None:
        answer = await running.client.post(f"/toy/v1/links/{self.mint(running, hours=-1)}")
        assert (answer.status_code, kind(answer)) == (410, "link-expired")
        assert "Chiederne un altro" in answer.json()["detail"]

    async def test_a_link_for_something_else_is_refused(self, running: Running) -> None:
        for link in (
            self.mint(running, audience="registry"),
            self.mint(running, purpose="vote"),
            self.mint(running)[:-9],
            "nonsense",
            links.mint(jwks.new_key(), "toy", "confirm", uuid4(), wall() + timedelta(hours=1)),
            running.token(audience="toy"),
        ):
            answer = await running.client.post(f"/toy/v1/links/{link}")
            assert (answer.status_code, kind(answer)) == (400, "link-invalid")

    async def test_a_link_is_no_token(self, running: Running) -> None:
        headers = {"authorization": f"Bearer {self.mint(running, audience='trama')}"}
        assert (await running.client.get(THINGS, headers=headers)).status_code == 401

    async def test_what_the_link_carries_comes_back(self, running: Running) -> None:
        subject = uuid4()
        token = links.mint(running.link_key, "toy", "vote", subject, wall() + timedelta(hours=1), seat="7", iss="me")
        link = await links.verify(token, "toy", "vote", keys=running.context.link_keys)
        assert (link.subject, link.claims) == (subject, {"seat": "7"})


class TestProviders:
    """Any OIDC provider, by issuer and keys."""

    ISSUER = "https://login.example"

    @pytest.fixture
    def key(self) -> RSAKey:
        return RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)

    @pytest.fixture
    def provider(self, key: RSAKey, tmp_path: Path) -> Provider:
        path = tmp_path / "provider.json"
        path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        return Provider(
            "login",
            self.ISSUER,
            "trama-client",
            str(path),
            authorization_endpoint="https://login.example/authorize",
            token_endpoint="https://login.example/token",
        )

    def token(self, key: RSAKey, **changed: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.ISSUER, "aud": "trama-client", "sub": "s1", "exp": now + 60, "iat": now, "nonce": "n"}
        claims |= {"email": "a@example.org", "email_verified": True, **changed}
        return jose.encode({"alg": "RS256", "kid": key.kid}, {k: v for k, v in claims.items() if v is not None}, key)

    async def test_a_good_id_token_says_who(self, provider: Provider, key: RSAKey) -> None:
        who = await oidc.verify(provider, self.token(key), nonce="n")
        assert (who.issuer, who.subject, who.email, who.email_verified) == (self.ISSUER, "s1", "a@example.org", True)

    async def test_an_address_that_is_not_verified_is_told_as_such(self, provider: Provider, key: RSAKey) -> None:
        assert not (await oidc.verify(provider, self.token(key, email_verified="true"))).email_verified

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "https://other.example"},
            {"aud": "another"},
            {"aud": ["trama-client", "another"]},
            {"azp": "another"},
            {"sub": None},
            {"sub": ""},
            {"nonce": "m"},
            {"nonce": None},
            {"exp": None},
            {"nbf": time.time() + 3600},
        ],
    )
    async def test_any_other_is_refused(self, provider: Provider, key: RSAKey, changed: dict[str, Any]) -> None:
        with pytest.raises(TokenInvalid):
            await oidc.verify(provider, self.token(key, **changed), nonce="n")

    async def test_one_that_is_over_says_so(self, provider: Provider, key: RSAKey) -> None:
        with pytest.raises(TokenExpired):
            await oidc.verify(provider, self.token(key, exp=int(time.time()) - 60))

    async def test_an_algorithm_that_does_not_fit_the_key_is_refused(self, provider: Provider, key: RSAKey) -> None:
        _, payload, signature = self.token(key).split(".")
        for algorithm in ("none", "HS256", "ES256", "RS1", None, 7):
            head = encoded({"alg": algorithm, "kid": key.kid})
            with pytest.raises(TokenInvalid):
                await oidc.verify(provider, f"{head}.{payload}.{signature}")

    def test_the_browser_is_sent_with_a_challenge_that_fits_the_verifier(self, provider: Provider) -> None:
        first = oidc.authorize(provider, "https://trama.example/back")
        digest = hashlib.sha256(first.code_verifier.encode()).digest()
        assert f"code_challenge={encoded(digest)}" in first.url
        assert "code_challenge_method=S256" in first.url
        assert first.code_verifier not in first.url
        assert first.state != oidc.authorize(provider, "https://trama.example/back").state


async def test_es256_and_nothing_else_signs_our_tokens() -> None:
    assert jwt.header(jwt.sign(jwks.new_key(), {}))["alg"] == "ES256"
