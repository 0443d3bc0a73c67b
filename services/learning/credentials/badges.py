"""A credential as Open Badges 3.0 wants it: a verifiable credential signed as a JWT (§8.2: the payload is the
credential, beside the registered claims), with its entry in a bitstring status list, and the badge as a drawing.

https://www.imsglobal.org/spec/ob/v3p0/ and https://www.w3.org/TR/vc-bitstring-status-list/
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from html import escape
from textwrap import wrap
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from services.learning.credentials.rules import Achievement, Credential
from shared.access.actor import ROME

CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
MEDIA_TYPE = "application/vc+jwt"
BITS = 131_072
"""Places of one status list: the least that the specification allows, so that a reader hides among many."""
FRESH = timedelta(days=1)
"""How long a copy of a status list is believed: an older one must not bring back what was revoked."""


@dataclass(frozen=True)
class Issuer:
    """A network as it attests: its addresses begin with `root`, the service's public address."""

    root: str
    network_id: UUID
    name: str

    @property
    def id(self) -> str:
        return f"{self.root}/networks/{self.network_id}/issuer"

    def profile(self) -> dict[str, Any]:
        return {"id": self.id, "type": ["Profile"], "name": self.name, "url": self.id}


def page_of(root: str, code: str) -> str:
    return f"{root}/credentials/verify/{code}"


def badge_of(root: str, achievement_id: UUID) -> str:
    return f"{root}/achievements/{achievement_id}/badge"


def kid_of(root: str, key: ECKey) -> str:
    """A verifier reads the key at this address."""
    return f"{root}/credentials/keys/{key.thumbprint()}"


def public_key(root: str, key: ECKey) -> dict[str, Any]:
    """As it is published: named as in the headers that it verifies."""
    numbers = {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")}
    return {**numbers, "use": "sig", "alg": "ES256", "kid": kid_of(root, key)}


def achievement_of(root: str, achievement: Achievement, issuer: Issuer) -> dict[str, Any]:
    address = badge_of(root, achievement.id)
    return {
        "id": address,
        "type": ["Achievement"],
        "creator": issuer.profile(),
        "name": achievement.title,
        "description": achievement.description or achievement.title,
        "criteria": {"narrative": achievement.criteria},
        "image": {"id": f"{address}.svg", "type": "Image", "caption": achievement.title},
    }


def credential_of(issuer: Issuer, achievement: Achievement, credential: Credential, name: str) -> dict[str, Any]:
    """The credential itself. It has the holder's name when they want that; else its salted hash, so that somebody who
    says whose it is can be believed."""
    root, address = issuer.root, page_of(issuer.root, credential.code)
    subject: dict[str, Any] = {"id": f"urn:uuid:{credential.id}", "type": ["AchievementSubject"]}
    if name and credential.salt:
        subject["identifier"] = [identity(name, None if credential.named else credential.salt)]
    subject["achievement"] = achievement_of(root, achievement, issuer)
    body: dict[str, Any] = {
        "@context": CONTEXT,
        "id": address,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": achievement.title,
        "issuer": issuer.profile(),
        "validFrom": instant(credential.issued_at),
        "credentialSubject": subject,
        "credentialStatus": status_entry(issuer, credential.place or 0),
    }
    if (end := ends(credential)) is not None:
        body["validUntil"] = instant(end)
    return body


def identity(name: str, salt: str | None) -> dict[str, Any]:
    """The spec's IdentityObject: `sha256$` of the name and the salt after it, in hexadecimal; without salt the name."""
    if salt is None:
        return {"type": "IdentityObject", "hashed": False, "identityHash": name, "identityType": "name"}
    digest = hashlib.sha256((name + salt).encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "identityType": "name",
        "salt": salt,
    }


def ends(credential: Credential) -> datetime | None:
    """The instant from which it is good no more: the last day is still in it, as that day goes in Italy."""
    if credential.expires_on is None:
        return None
    return datetime.combine(credential.expires_on + timedelta(days=1), time(), ROME)


def instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def signed(key: ECKey, root: str, body: Mapping[str, Any]) -> str:
    """The compact JWT of a credential or a status list; the header names the key and has it."""
    claims = {**body, "iss": issuer_id(body["issuer"]), "jti": body["id"], "nbf": seconds(body["validFrom"])}
    subject = body["credentialSubject"].get("id")
    if subject is not None:
        claims["sub"] = subject
    if "validUntil" in body:
        claims["exp"] = seconds(body["validUntil"])
    header = {"alg": "ES256", "typ": "JWT", "kid": kid_of(root, key), "jwk": public_key(root, key)}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def issuer_id(issuer: Any) -> str:
    found: str = issuer if isinstance(issuer, str) else issuer["id"]
    return found


def seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())


# --- status ---------------------------------------------------------------------------------------------------------


def status_url(issuer: Issuer, number: int) -> str:
    return f"{issuer.root}/networks/{issuer.network_id}/credentials/status/{number}"


def status_entry(issuer: Issuer, place: int) -> dict[str, Any]:
    number, index = divmod(place, BITS)
    address = status_url(issuer, number)
    return {
        "id": f"{address}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": address,
    }


def status_list(issuer: Issuer, number: int, revoked: Iterable[int], now: datetime) -> dict[str, Any]:
    """`revoked` are places of this list, counted from its first."""
    address = status_url(issuer, number)
    return {
        "@context": CONTEXT[:1],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.id,
        "validFrom": instant(now),
        "validUntil": instant(now + FRESH),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": bitstring(revoked),
        },
    }


def bitstring(places: Iterable[int]) -> str:
    """Multibase base64url of the packed bits, the first place being the highest bit of the first byte."""
    bits = bytearray(BITS // 8)
    for place in places:
        bits[place // 8] |= 0x80 >> place % 8
    return "u" + base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")


# --- the drawing ----------------------------------------------------------------------------------------------------

INK, FIELD = "#17324d", "#0066cc"
LINE = 18
"""Characters of the title on one line of the drawing."""


def drawing(title: str, network: str) -> str:
    """The badge as SVG: a seal with the title in it and the network's name below."""
    lines = wrap(title, LINE, break_long_words=True)[:4]
    if len(" ".join(lines)) < len(" ".join(title.split())):
        lines[-1] = lines[-1][: LINE - 1] + "…"
    top = 166 - 15 * len(lines)
    texts = [
        f'<text x="160" y="{top + 30 * place + 16}" font-size="24" font-weight="bold">{escape(line)}</text>'
        for place, line in enumerate(lines)
    ]
    name = network if len(network) <= 30 else network[:29] + "…"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" width="240" height="240" role="img"'
        f' aria-label="{escape(f"{title} – {network}")}" text-anchor="middle"'
        f' font-family="Libertinus Serif, Titillium Web, Georgia, serif" fill="{INK}">'
        f'<circle cx="160" cy="160" r="152" fill="#ffffff" stroke="{FIELD}" stroke-width="12"/>'
        f'<circle cx="160" cy="160" r="134" fill="none" stroke="{FIELD}" stroke-width="2"/>'
        f'<path d="M160 34l8.2 17 18.8 2.4-13.8 13 3.5 18.6-16.7-9-16.7 9 3.5-18.6-13.8-13 18.8-2.4z" fill="{FIELD}"/>'
        f"{''.join(texts)}"
        f'<path d="M100 232h120" stroke="{FIELD}" stroke-width="2"/>'
        f'<text x="160" y="254" font-size="16">{escape(name)}</text></svg>'
    )


def baked(drawn: str, token: str) -> str:
    """The drawing with the credential in it, as backpacks take it (§5.3)."""
    within = (
        f'<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" verify="{escape(token)}"/></svg>'
    )
    return drawn.removesuffix("</svg>") + within
