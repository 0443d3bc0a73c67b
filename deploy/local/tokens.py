"""Bearer tokens for people who try the local stack, signed with the registry's key by the registry's own code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from joserfc.jwk import ECKey

from deploy.local import home as homes
from deploy.local import secrets
from shared.access import tokens
from shared.access.roles import Level, Role
from shared.runtime.clock import Clock

LIFETIME = timedelta(hours=12)
# Nobody in the registry: an administrator's authority is in the token alone.
ADMIN = uuid5(NAMESPACE_URL, "urn:trama:local:admin")


class NoToken(Exception):
    """Why there is none, and what to do next."""


def token(home: Path, role: str, network: str | None) -> str:
    """A token for `admin`, or for a person of our own who holds `secretariat` in `network` (made if missing).

    Returns when every running service knows the grant. Raises NoToken.
    """
    place = homes.running(home)
    if place is None:
        raise NoToken(f"no platform runs in {home}: start it with `make up`")
    gateway = str(homes.read_state(place).get("gateway", ""))
    if not gateway:
        raise NoToken("the platform is still starting: try again when it says that it is ready")
    if role == "admin":
        return _signed(place, gateway, ADMIN, admin=True)
    if role != Role.SECRETARIAT:
        raise NoToken("ROLE is `admin` or `secretariat`: other roles come from mandates given over HTTP")
    if not network:
        raise NoToken("which network? make token ROLE=secretariat NETWORK=<slug>")
    with httpx.Client(base_url=gateway, timeout=30) as client:
        client.headers["Accept-Language"] = "en"
        client.headers["Authorization"] = f"Bearer {_signed(place, gateway, ADMIN, admin=True)}"
        person = _secretary(client, place, network)
        bearer = _signed(place, gateway, person)
        _wait_for_grant(client, place, bearer)
    return bearer


def _signed(home: Path, gateway: str, subject: UUID, *, admin: bool = False) -> str:
    key = ECKey.import_key(json.loads(secrets.keys(home).registry.read_text()))
    return tokens.sign(key, f"{gateway}/registry", subject, level=Level.OIDC, admin=admin, lifetime=LIFETIME)


def _secretary(client: httpx.Client, home: Path, network: str) -> UUID:
    """The person of this tool in the network, with a mandate that is in office today."""
    base = f"/registry/v1/networks/{network}"
    email = f"segreteria.{network}@trama.example"
    people = _asked(client, "GET", f"{base}/people", params={"q": email})["items"]
    person = next((found for found in people if found.get("email") == email), None)
    if person is None:
        named = {"given_name": "Segreteria", "family_name": "Locale", "email": email}
        person = _asked(client, "POST", f"{base}/people", json=named)
    held = _asked(
        client, "GET", f"{base}/mandates", params={"role": "secretariat", "person": person["id"], "limit": 200}
    )
    if not any(mandate["state"] == "in_office" for mandate in held["items"]):
        today = Clock(home / "clock.json").today().isoformat()
        office = {"person_id": person["id"], "role": "secretariat", "since": today}
        _asked(client, "POST", f"{base}/mandates", json=office)
    return UUID(person["id"])


def _asked(client: httpx.Client, method: str, path: str, **rest: Any) -> Any:
    try:
        answer = client.request(method, path, **rest)
    except httpx.TransportError as error:
        raise NoToken(f"the gateway does not answer ({error}): see `make logs`") from error
    if answer.is_error:
        try:
            problem = answer.json()
            said = f"{problem.get('title')}: {problem.get('detail', '')} {problem.get('errors') or ''}".rstrip()
        except ValueError:
            said = answer.text[:500]
        raise NoToken(f"{method} {path} was refused ({answer.status_code}). {said}")
    return answer.json()


def _wait_for_grant(client: httpx.Client, home: Path, bearer: str, *, seconds: float = 30) -> None:
    running = homes.read_state(home).get("processes", {})
    services = [name for name in running if (homes.ROOT / "services" / name).is_dir()]
    for name in services:
        _until(lambda name=name: _knows(client, name, bearer), f"{name} knows the grant", seconds)  # type: ignore[misc]


def _knows(client: httpx.Client, service: str, bearer: str) -> bool:
    answer = client.get(f"/{service}/v1/me", headers={"Authorization": f"Bearer {bearer}"})
    return answer.status_code == 200 and any(grant["role"] == "secretariat" for grant in answer.json()["grants"])


def _until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise NoToken(f"not within {seconds:.0f} s: {what}; see `make logs`")
        time.sleep(0.05)
