"""An OpenID Connect provider for tests: own keys, a token endpoint over HTTP, and whatever claims a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc.jwk import ECKey

from shared.access import jwks, jwt

CLIENT = "trama-at-this-provider"


class Provider:
    """Signs what it is told to; `codes` maps an authorization code to (claims, the challenge of PKCE)."""

    def __init__(self) -> None:
        self.key: ECKey = jwks.new_key()
        self.codes: dict[str, tuple[dict[str, Any], str]] = {}
        self.url = ""

    @property
    def issuer(self) -> str:
        return f"{self.url}/realm"

    def id_token(self, subject: str, email: str | None = None, *, key: ECKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        own = {"iss": self.issuer, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 300}
        mailbox = {"email": email, "email_verified": True} if email else {}
        return jwt.sign(key or self.key, {**own, **mailbox, **claims})

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "prova",
            "title": "Provider di prova",
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": "a-secret-of-the-provider",
            "jwks": f"{self.url}/jwks.json",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            **more,
        }

    def redeem(self, form: dict[str, str]) -> dict[str, Any] | None:
        claims, challenge = self.codes.pop(form["code"], ({}, ""))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if not claims or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return None
        return {"id_token": self.id_token(**claims), "token_type": "Bearer"}


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, jwks.public(provider.key))

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            found = provider.redeem({name: values[0] for name, values in sent.items()})
            self._answer(200 if found else 400, found or {"error": "invalid_grant"})

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Silence: the tests' output is for tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
