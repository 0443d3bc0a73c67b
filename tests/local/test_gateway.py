"""The door: it routes by the first path segment, limits bodies, and answers problems instead of error pages."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.gateway import Gateway
from deploy.local.processes import free_port


class Upstream(http.server.BaseHTTPRequestHandler):
    """Says what it got; streams one event and then waits to be told that it was read."""

    read = threading.Event()

    def do_GET(self) -> None:
        if self.path.endswith("/stream"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            self.read.wait(10)
            return
        self._answer(f"{self.path}\n{self.headers}".encode())

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self._answer(str(len(self.rfile.read(length))).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = upstream.server_address[1]
    to = {"registry": port, "learning": port, "mapping": free_port(), "mail": port}
    started = Gateway(tmp_path_factory.mktemp("gateway"), to)
    started.start()
    yield started
    started.stop()
    upstream.shutdown()


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=20) as opened:
        yield opened


def test_it_forwards_the_whole_path_and_says_for_whom(client: httpx.Client) -> None:
    answer = client.get("/registry/v1/networks?limit=1", headers={"X-Forwarded-For": "10.9.9.9"})
    assert answer.text.startswith("/registry/v1/networks?limit=1\n")
    assert "X-Forwarded-For: 127.0.0.1" in answer.text  # a caller cannot claim another address
    assert "X-Forwarded-Proto: http" in answer.text


def test_who_ends_tls_is_believed_when_it_is_said_who_that_is(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAMA_TRUSTED_PROXIES", "127.0.0.1/32 10.1.0.0/16")
    behind = Gateway(tmp_path, gateway._upstreams)
    behind.start()
    try:
        claimed = {"X-Forwarded-For": "10.9.9.9, 203.0.113.7, 10.1.2.3"}
        answer = httpx.get(f"{behind.url}/registry/v1/networks", headers=claimed)
    finally:
        behind.stop()
    # The last address that nobody trusted wrote: what stands before it, the caller may have invented.
    assert "X-Forwarded-For: 203.0.113.7\n" in answer.text


def test_security_headers_are_set_unless_the_service_set_them(client: httpx.Client) -> None:
    from_service, own = client.get("/registry/").headers, client.get("/").headers
    assert (from_service["x-frame-options"], own["x-frame-options"]) == ("SAMEORIGIN", "DENY")
    for headers in (from_service, own):
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("language", "title"), [("it-IT", "Servizio non disponibile"), ("en", "Service unavailable")])
def test_a_service_that_is_down_is_a_problem(client: httpx.Client, gateway: Gateway, language: str, title: str) -> None:
    secrets = "token=very-secret&ticket=very-secret&code=very-secret"
    answer = client.get(f"/mapping/v1/x?{secrets}", headers={"Accept-Language": language})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["title"] == title
    assert "very-secret" not in gateway.log.read_text()


@pytest.mark.parametrize("megabytes", [26, 100])
def test_a_body_beyond_the_limit_is_a_problem_that_names_it(client: httpx.Client, megabytes: int) -> None:
    assert client.post("/registry/v1/imports", content=bytes(24_000_000)).text == "24000000"
    answer = client.post("/registry/v1/imports", content=bytes(megabytes * 1_000_000))
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:trama:problem:too-large"
    assert answer.json()["errors"][0]["accepted"] == "25MB"


def test_a_document_may_be_larger_than_any_other_body(client: httpx.Client) -> None:
    paths = ("/learning/v1/networks/rete/documents", "/learning/v1/documents/019a/editions")
    for path in paths:
        assert client.post(path, content=bytes(52_000_000)).text == "52000000"
        refused = client.post(path, content=bytes(56_000_000))
        assert (refused.status_code, refused.json()["errors"][0]["accepted"]) == (413, "55MB")
    assert client.post("/learning/v1/documents/019a/withdraw", content=bytes(26_000_000)).status_code == 413


def test_events_are_passed_on_at_once(client: httpx.Client) -> None:
    Upstream.read.clear()
    with client.stream("GET", "/registry/v1/stream") as answer:
        assert next(answer.iter_lines()) == "data: first"
        Upstream.read.set()


def test_an_unknown_address_is_a_problem_and_the_first_page_is_for_people(client: httpx.Client) -> None:
    assert client.get("/registryx/v1").json()["type"] == "urn:trama:problem:not-found"
    page = client.get("/")
    assert '<html lang="it">' in page.text
    assert 'href="/registry/openapi.json"' in page.text
    assert 'href="/mail/"' in page.text
    refused = client.post("/", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert refused.json()["type"] == "urn:trama:problem:method-not-allowed"


def test_the_administration_of_caddy_is_off(gateway: Gateway) -> None:
    configuration = (Path(__file__).parents[2] / "deploy/gateway/Caddyfile").read_text()
    assert "admin off" in configuration
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:2019/config/")
