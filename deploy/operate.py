"""`python -m deploy.operate secrets | rotate-pact-keys | admin-token | nats-config`: what an operator does seldom.

`secrets FOLDER` makes what is missing in FOLDER: passwords, keys, and the files that follow from them. What is there
stays, so that it can be run again at any time; a file that somebody replaced (the URL of a managed database, of a mail
relay) is kept. The folder gets mode 0700 and its files 0644: nobody else on the host gets in, and a container, in
which a secret is mounted alone, may read it as whatever user it runs as.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from joserfc.jwk import OctKey

from shared.access import jwks, tokens
from shared.access.roles import Level
from shared.messaging import topology

# Nobody in the registry: an administrator's authority is in the token alone.
ADMIN = uuid5(NAMESPACE_URL, "urn:trama:operator:admin")
LONGEST = 24
"""Hours of a token of an administrator."""
KEYS = {"registry-key.json": "registry-jwks.json", "links-key.json": "links-jwks.json"}
"""Private key -> the public set that verifies what it signs."""
BADGE_KEY = "learning-badge-key.json"
"""Signs what learning attests; its public part learning publishes itself, with those of the keys before it."""
PACT_KEYS = "registry-pact-keys.json"
"""The master keys of what is written about people in pacts: a JWK set, the first wraps, the others only unwrap."""
WEBHOOK_KEYS = "notify-webhook-keys.json"
"""Seal the secrets of webhooks: a JWK set, the first seals, the others only open."""
CERTIFIED = ("notify-pec-smtp-url", "notify-pec-imap-url")
"""The certified mailbox (PEC); empty: there is none."""
PASSWORDS = "nats-passwords.conf"


class Refused(Exception):
    """What is missing or wrong, and what to do."""


def make_secrets(folder: Path, smtp_url: str | None) -> list[str]:
    """Returns the names of the files that were made. Raises Refused when the mail relay is not known yet."""
    if smtp_url is None and not (folder / "notify-smtp-url").exists():
        raise Refused("which mail relay? --smtp-url 'smtps://user:password@relay.example.org' (see the README)")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    wanted: dict[str, Callable[[], str]] = {"postgres-password": _password}
    for service in topology.SERVICES:
        wanted[f"{service}-database-url"] = lambda name=service: f"postgresql://{name}:{_password()}@postgres/{name}"  # type: ignore[misc]
    for user in topology.USERS:
        wanted[f"{user}-nats-url"] = lambda name=user: f"nats://{name}:{_password()}@nats:4222"  # type: ignore[misc]
    wanted |= dict.fromkeys((*KEYS, BADGE_KEY), lambda: json.dumps(jwks.new_key().as_dict(private=True)))
    wanted |= {PACT_KEYS: _pact_keys, WEBHOOK_KEYS: _pact_keys, **dict.fromkeys(CERTIFIED, str)}
    wanted["registry-oidc-providers.json"] = lambda: "[]"
    wanted["notify-smtp-url"] = lambda: smtp_url or ""
    made = [name for name, make in wanted.items() if _once(folder / name, make)]
    # These follow from the others and are written each time, so that a replaced key or URL reaches them.
    for private, public in KEYS.items():
        _replace(folder / public, json.dumps(jwks.public(jwks.read_private(folder / private))))
    _replace(folder / PASSWORDS, _nats_passwords(folder))
    return made


def rotate_pact_keys(folder: Path) -> str:
    """The id of a fresh master key, which wraps from the registry's next start on; those before it stay to unwrap."""
    path = folder / PACT_KEYS
    if not path.exists():
        raise Refused(f"{PACT_KEYS} is not there: make it with `secrets`")
    keys = json.loads(_pact_keys(json.loads(path.read_text(encoding="utf-8"))["keys"]))
    _replace(path, json.dumps(keys))
    return str(keys["keys"][0]["kid"])


def _pact_keys(before: Sequence[Mapping[str, str]] = ()) -> str:
    fresh = OctKey.generate_key(256, auto_kid=True).as_dict(private=True)
    return json.dumps({"keys": [fresh, *before]})


def _password() -> str:
    return secrets.token_urlsafe(24)  # its letters need no quoting in a URL, a configuration or SQL


def _once(path: Path, make: Callable[[], str]) -> bool:
    if path.exists():
        return False
    _replace(path, make())
    return True


def _replace(path: Path, text: str) -> None:
    """Whole or not at all. Mode 0644: the folder keeps others out."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.chmod(0o644)
    draft.replace(path)


def _nats_passwords(folder: Path) -> str:
    lines = []
    for user in topology.USERS:
        given = urlsplit((folder / f"{user}-nats-url").read_text().strip()).password
        if not given:
            raise Refused(f"{user}-nats-url names no password")
        lines.append(f"{_variable(user)}: {json.dumps(unquote(given))}")
    return "\n".join(lines)


def _variable(user: str) -> str:
    return f"password_of_{user}"


def nats_config() -> str:
    """The server's configuration for a deployment; the passwords are in a file that is mounted beside it."""
    passwords = {user: f"${_variable(user)}" for user in topology.USERS}
    said = "# Written by `make contracts` from shared/messaging/topology.py: who may do what.\n"
    return f"{said}include {PASSWORDS}\n{topology.server_config(passwords, '/data', host='0.0.0.0')}"  # noqa: S104


def admin_token(key: Path, public_url: str, hours: int) -> str:
    if not 1 <= hours <= LONGEST:
        raise Refused(f"--hours: expected 1 to {LONGEST}")
    issuer = f"{public_url.rstrip('/')}/registry"
    lifetime = timedelta(hours=hours)
    return tokens.sign(jwks.read_private(key), issuer, ADMIN, level=Level.OIDC, admin=True, lifetime=lifetime)


def main(arguments: list[str], env: Mapping[str, str]) -> int:
    given = _parser(env).parse_args(arguments)
    try:
        print(COMMANDS[given.command](given))
    except (Refused, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.operate")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("secrets", help="make the secrets that are missing")
    making.add_argument("folder", type=Path, nargs="?", default=Path("deploy/secrets"))
    making.add_argument("--smtp-url", help="smtp[s]://user:password@host:port?starttls=required|never")
    rotating = commands.add_parser("rotate-pact-keys", help="add a fresh master key of the pacts")
    rotating.add_argument("folder", type=Path, nargs="?", default=Path("deploy/secrets"))
    signing = commands.add_parser("admin-token", help="print a token that administers the platform")
    signing.add_argument("folder", type=Path, nargs="?", default=Path("deploy/secrets"))
    signing.add_argument("--public-url", default=env.get("TRAMA_PUBLIC_URL", "http://127.0.0.1:8080"))
    signing.add_argument("--hours", type=int, default=1)
    commands.add_parser("nats-config", help="print the configuration of NATS")
    return parser


def _secrets(given: argparse.Namespace) -> str:
    made = make_secrets(given.folder, given.smtp_url)
    return "\n".join(f"made {name}" for name in made) or "nothing was missing"


def _rotate_pact_keys(given: argparse.Namespace) -> str:
    return f"made {rotate_pact_keys(given.folder)}; restart the registry"


def _admin_token(given: argparse.Namespace) -> str:
    return admin_token(given.folder / "registry-key.json", given.public_url, given.hours)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], str]] = {
    "secrets": _secrets,
    "rotate-pact-keys": _rotate_pact_keys,
    "admin-token": _admin_token,
    "nats-config": lambda _: nats_config().rstrip(),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
