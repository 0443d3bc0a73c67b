"""A secretariat at its desk: the registry over HTTP as somebody who runs a network has it."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from tests import harness
from tests.harness import Running

_numbers = itertools.count(1)
HEADER = ("Codice fiscale", "Denominazione", "Comune", "PR")
Row = Sequence[str]


def check_digit(ten: str) -> str:
    """Of a tax code of eleven digits, from its first ten (Luhn, written down here by itself)."""
    doubled = [sum(divmod(int(d) * 2, 10)) if place % 2 else int(d) for place, d in enumerate(ten)]
    return str(-sum(doubled) % 10)


def tax_code() -> str:
    """A good one that no other test has; it begins with zeros, as real ones do."""
    ten = f"{120_000 + next(_numbers):07d}015"
    return ten + check_digit(ten)


def table(rows: Sequence[Row], header: Row = HEADER, delimiter: str = ";") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows([header, *rows])
    return out.getvalue()


def bodies(number: int, place: str = "Lecco", province: str = "LC") -> list[Row]:
    return [(tax_code(), f"Ente {n} di prova", place, province) for n in range(number)]


@dataclass
class Desk:
    running: Running
    slug: str
    network_id: UUID
    headers: dict[str, str]

    @classmethod
    async def founded(cls, running: Running) -> Desk:
        """The desk of a network of its own."""
        slug = f"rete-{next(_numbers)}"
        admin = running.signed_in(admin=True)
        answer = await running.client.post(
            "/registry/v1/networks", json={"slug": slug, "name": slug.title()}, headers=admin
        )
        assert answer.status_code == 201, answer.text
        network = UUID(answer.json()["id"])
        return cls(running, slug, network, await running.holder("secretariat", network))

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.running.client.request(method, f"/registry/v1{path}", headers=headers, **more)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def register(self, expect: int = 201, **body: Any) -> Any:
        body = {"name": "Ente di prova", "tax_code": tax_code(), **body}
        answer = await self.ask("POST", f"/networks/{self.slug}/organisations", json=body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def members(self, **filters: Any) -> list[Any]:
        """All members under the filters, page by page."""
        found: list[Any] = []
        after: str | None = None
        while True:
            more = {"after": after} if after else {}
            page = await self.get(f"/networks/{self.slug}/organisations", limit=200, **filters, **more)
            found += page["items"]
            after = page["next"]
            if after is None:
                return found

    async def upload(
        self,
        content: bytes | str,
        name: str = "elenco.csv",
        *,
        commit: bool = True,
        expect: int = 202,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Sends a file and waits for its end: the state of the import."""
        data = content.encode() if isinstance(content, str) else content
        answer = await self.ask(
            "POST",
            f"/networks/{self.slug}/imports",
            files={"file": (name, data)},
            data={"commit": str(commit).lower()},
            headers=headers or {},
        )
        assert answer.status_code == expect, answer.text
        return await self.ended(answer.json()["id"]) if expect == 202 else answer.json()

    async def send(self, content: bytes | str) -> str:
        """Sends a file to be imported at once, and does not wait."""
        data = content.encode() if isinstance(content, str) else content
        answer = await self.ask(
            "POST", f"/networks/{self.slug}/imports", files={"file": ("elenco.csv", data)}, data={"commit": "true"}
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def ended(self, import_id: str, seconds: float = 60) -> Any:
        state: dict[str, Any] = {}

        async def over() -> bool:
            state.update(await self.get(f"/imports/{import_id}"))
            return bool(state["status"] != "running")

        await harness.until(over, seconds, "the import ends")
        return state

    async def commit(self, import_id: str) -> Any:
        answer = await self.ask("POST", f"/imports/{import_id}/commit")
        assert answer.status_code == 202, answer.text
        return await self.ended(import_id)

    async def report(self, import_id: str) -> list[dict[str, str]]:
        answer = await self.ask("GET", f"/imports/{import_id}/rows.csv")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.text)))

    async def told(self, aggregate: str) -> list[tuple[str, dict[str, Any]]]:
        """The registry's facts about this network's aggregates of a kind (about all organisations, which have none)."""
        facts = await self.running.published(f"registry.{aggregate}.>")
        return [(type_, body) for type_, body in facts if body["network_id"] in (None, str(self.network_id))]


def figures(state: dict[str, Any]) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, rejected)"""
    return state["created"], state["updated"], state["unchanged"], state["rejected"]
