"""The main job on real input: 20,497 bodies imported, mapped, ranked and told, checked against the file itself."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.system.stack import Stack, wait_for

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(600)]
SLUG = "cinque-per-mille"
FILE = "enti_5x1000_2022_parte.csv"


def memory(stack: Stack, service: str) -> int:
    """Resident bytes of a service's process."""
    return int(psutil.Process(int(stack.state["processes"][service]["pid"])).memory_info().rss)


def upload(client: httpx.Client, slug: str, file: Path) -> str:
    with file.open("rb") as content:
        answer = client.post(
            f"/registry/v1/networks/{slug}/imports", files={"file": (file.name, content)}, data={"commit": "true"}
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def finished(client: httpx.Client, import_id: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        state: dict[str, Any] = client.get(f"/registry/v1/imports/{import_id}").json()
        return state if state["status"] in {"done", "failed"} else None

    state: dict[str, Any] = wait_for("the import ends", over, 300)
    return state


def report_rows(client: httpx.Client, import_id: str) -> list[dict[str, str]]:
    text = client.get(f"/registry/v1/imports/{import_id}/rows.csv").text
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@dataclass
class Imported:
    """The job done once, with what the file itself says, read here by other means than the product's."""

    client: httpx.Client
    secretary: str
    import_id: str
    state: dict[str, Any]
    report: list[dict[str, str]]
    expected: dict[str, str]  # tax code -> cadastral code
    region_of: dict[str, str]  # cadastral code -> region
    grown: int


@pytest.fixture(scope="module")
def imported(stack: Stack, real_data: Path) -> Iterator[Imported]:
    with stack.client(stack.token("admin")) as admin:
        admin.post("/registry/v1/networks", json={"slug": SLUG, "name": "Cinque per mille"}).raise_for_status()
    token = stack.token("secretariat", SLUG)
    with (real_data / "enti_5x1000_2022_parte_atteso.csv").open(encoding="utf-8") as rows:
        expected = {row["codice_fiscale"]: row["codice_catastale"] for row in csv.DictReader(rows)}
    with (real_data / "situas_comuni_2026-08-14.csv").open(encoding="utf-8-sig") as rows:
        region_of = {row["Codice catasto"]: row["Codice Regione"] for row in csv.DictReader(rows, delimiter=";")}
    with stack.client(token) as client:
        me = client.get("/registry/v1/me").json()
        before = memory(stack, "registry")
        import_id = upload(client, SLUG, real_data / FILE)
        state = finished(client, import_id)
        grown = memory(stack, "registry") - before
        stack.settled()
        yield Imported(
            client, me["email"], import_id, state, report_rows(client, import_id), expected, region_of, grown
        )


def test_every_row_is_accepted_or_reported(imported: Imported) -> None:
    assert imported.state["rows"] == 20497
    assert len(imported.report) == 20497
    assert Counter(row["outcome"] for row in imported.report) == {"created": 20497}
    assert [row["line"] for row in imported.report] == [str(line) for line in range(2, 20499)]


def test_every_municipality_is_the_expected_one(imported: Imported) -> None:
    found = {row["tax_code"]: row["municipality"] for row in imported.report}
    assert found == imported.expected


def test_presences_by_municipality_equal_the_file(imported: Imported) -> None:
    counted: dict[str, int] = {}
    after: str | None = None
    while True:
        page = imported.client.get(
            f"/mapping/v1/networks/{SLUG}/coverage",
            params={"level": "municipality", "limit": 200, **({"after": after} if after else {})},
        ).json()
        counted |= {item["territory"]["code"]: item["organisations"]["count"] for item in page["items"]}
        after = page["next"]
        if not after:
            break
    assert {code: n for code, n in counted.items() if n} == Counter(imported.expected.values())
    assert len(counted) == 7894, "zeroes are included"


def test_the_ranking_of_regions_equals_the_file(imported: Imported) -> None:
    ranking = imported.client.get(f"/mapping/v1/networks/{SLUG}/ranking").json()["items"]
    by_region = Counter(imported.region_of[code] for code in imported.expected.values())
    assert {
        item["region"]["code"]: item["organisations"]["count"] for item in ranking if item["organisations"]["count"]
    } == by_region
    assert len(ranking) == 20, "regions without any presence are shown too"
    counts = [item["organisations"]["count"] for item in ranking]
    assert counts == sorted(counts, reverse=True)


def test_the_secretariat_is_told_by_mail_with_the_report(stack: Stack, imported: Imported) -> None:
    mails = [mail for mail in stack.mails(imported.secretary) if FILE in mail["text"]]
    assert len(mails) == 1
    assert "20.497" in mails[0]["text"] or "20497" in mails[0]["text"]
    link = next(word for word in mails[0]["text"].split() if "/rows.csv?" in word)
    with stack.client() as stranger:
        assert len(stranger.get(link).text.splitlines()) == 20498


def test_memory_stays_flat(imported: Imported) -> None:
    assert imported.grown < 150 * 1024 * 1024


def test_a_second_import_of_the_same_file_changes_nothing(stack: Stack, imported: Imported, real_data: Path) -> None:
    before = stack.published("registry")
    state = finished(imported.client, upload(imported.client, SLUG, real_data / FILE))
    assert (state["created"], state["updated"], state["unchanged"], state["rejected"]) == (0, 0, 20497, 0)
    stack.settled()
    assert stack.published("registry") - before == 1, "only the import itself is told"


def test_an_import_while_the_broker_hangs_loses_nothing(stack: Stack, imported: Imported, real_data: Path) -> None:
    slug = "senza-nats"
    with stack.client(stack.token("admin")) as admin:
        admin.post("/registry/v1/networks", json={"slug": slug, "name": "Senza NATS"}).raise_for_status()
        stack.settled()
        with stack.paused("nats"):  # not a crash, which would be repaired within a second
            state = finished(admin, upload(admin, slug, real_data / FILE))
            assert state["rows"] == 20497
            assert state["rejected"] == 0
            assert stack.lag("registry", "relay") >= 20497, "the facts wait in the log"
        stack.settled()
        ranking = admin.get(f"/mapping/v1/networks/{slug}/ranking").json()["items"]
    assert sum(item["organisations"]["count"] for item in ranking) == 20497
