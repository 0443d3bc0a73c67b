"""Who is where: told in facts, asked over HTTP."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.access.roles import Role
from shared.contracts.registry import ApiKeyIssued, MembershipActivated
from tests import harness
from tests.harness import Running
from tests.mapping.alliance import SINCE, Alliance

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def alliance(mapping: Running) -> Alliance:
    return await Alliance(mapping).founded()


@pytest.fixture(scope="module")
async def populated(mapping: Running) -> Alliance:
    """Four members: Lecco, Roma and Milano, and one that works in all Lombardia and in Como."""
    alliance = await Alliance(mapping).founded()
    await alliance.member("Città Aperta ODV", "E507", sections=["ODV"])
    await alliance.member("Amici della Casa", "H501", kind="foundation", sections=["APS", "ODV"])
    await alliance.member("Il Girasole", "F205", kind="consortium", territories=("03", "C933"))
    romans = await alliance.member("Insieme per Roma", "H501", sections=["APS"])
    await mapping.tell(alliance.mandate(romans, "12"))
    return alliance


def names(items: Any) -> list[tuple[str, str]]:
    return [(item["organisation"]["name"], item["territory"]["code"]) for item in items]


async def test_a_member_is_shown_where_it_is_with_the_reasons(alliance: Alliance) -> None:
    organisation = await alliance.member(
        "Città Aperta", "E507", tax_code="92012345678", sections=["APS"], territories=("E507",)
    )
    await alliance.running.tell(alliance.mandate(organisation, "E507"))
    (item,) = await alliance.items("presences")
    updated_at = item.pop("updated_at")
    assert updated_at.startswith("20")
    assert item == {
        "organisation": {
            "id": str(organisation),
            "name": "Città Aperta",
            "href": f"/registry/v1/organisations/{organisation}",
        },
        "territory": {
            "code": "E507",
            "name": "Lecco",
            "kind": "municipality",
            "istat": "097042",
            "province": "LC",
            "region": "03",
            "href": "/mapping/v1/territories/E507",
        },
        "sources": ["seat", "works", "mandate"],
        "kind": "association",
        "sections": ["APS"],
        "tax_code": "92012345678",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"territory": "E507"}, ["E507"]),
        ({"territory": "LC"}, ["E507"]),
        ({"territory": "03"}, ["E507", "03", "C933", "F205"]),
        ({"territory": ["12", "C933"]}, ["H501", "C933", "12", "H501"]),
        ({"kind": "consortium"}, ["03", "C933", "F205"]),
        ({"kind": ["consortium", "foundation"]}, ["H501", "03", "C933", "F205"]),
        ({"section": "ODV"}, ["H501", "E507"]),
        ({"section": ["ODV", "APS"], "territory": "12"}, ["H501", "12", "H501"]),
        ({"source": "works"}, ["03", "C933"]),
        ({"source": "mandate"}, ["12"]),
        ({"q": "citta APERTA"}, ["E507"]),
        ({"q": "CASA"}, ["H501"]),
        ({"q": "50%"}, []),
        ({"kind": "consortium", "territory": "12"}, []),
        ({}, ["H501", "E507", "03", "C933", "F205", "12", "H501"]),
    ],
)
async def test_filters_narrow_the_list_and_values_of_one_widen_it(
    populated: Alliance, asked: dict[str, Any], found: list[str]
) -> None:
    assert [code for _, code in names(await populated.items("presences", **asked))] == found


async def test_pages_hold_everything_once_in_the_order_of_names(populated: Alliance) -> None:
    whole = names(await populated.items("presences"))
    paged: list[tuple[str, str]] = []
    after: dict[str, Any] = {}
    while True:
        page = (await populated.get("presences", None, limit=2, **after)).json()
        paged += names(page["items"])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert paged == whole
    assert len(set(paged)) == 7


@pytest.mark.parametrize(
    ("asked", "path", "code"),
    [
        ({"territory": "Z404"}, "?territory", "unknown-territory"),
        ({"section": "APS", "sezione": "APS"}, "?sezione", "unknown"),
        ({"source": "rumour"}, "?source", "literal_error"),
        ({"updated_since": "ieri"}, "?updated_since", "datetime_from_date_parsing"),
        ({"q": "%"}, "?q", "no-words"),
        ({"after": "x"}, "?after", "cursor"),
        ({"limit": "201"}, "?limit", "less_than_equal"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(
    populated: Alliance, asked: dict[str, Any], path: str, code: str
) -> None:
    answer = await populated.get("presences", **asked)
    assert answer.status_code == 422
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [(path, code)]


@pytest.mark.parametrize("state", ["suspended", "withdrawn", "candidate"])
async def test_only_active_members_are_on_the_map(alliance: Alliance, state: str) -> None:
    organisation = alliance.organisation("Città Aperta", "E507")
    membership = alliance.membership(organisation.id)
    await alliance.running.tell(organisation, membership)
    assert len(await alliance.items("presences")) == 1
    await alliance.running.tell(alliance.membership(organisation.id, state, membership.id))
    assert await alliance.items("presences") == []
    assert await alliance.running.sql("select 1 from coverage where network_id = :id", id=alliance.id) == []


async def test_an_ended_mandate_leaves_what_the_seat_gives(alliance: Alliance) -> None:
    organisation = await alliance.member("Città Aperta", "E507")
    here, elsewhere = alliance.mandate(organisation, "E507"), alliance.mandate(organisation, "12")
    await alliance.running.tell(here, elsewhere)
    assert len(await alliance.items("presences")) == 2
    await alliance.running.tell(
        *(alliance.mandate(organisation, t, "ended", m.id) for t, m in [("E507", here), ("12", elsewhere)])
    )
    (item,) = await alliance.items("presences")
    assert (item["territory"]["code"], item["sources"]) == ("E507", ["seat"])


async def test_a_designated_mandate_places_nobody_yet_and_one_holding_over_still_does(alliance: Alliance) -> None:
    organisation = await alliance.member("Città Aperta", None)
    mandate = alliance.mandate(organisation, "12", "designated")
    await alliance.running.tell(mandate)
    assert await alliance.items("presences") == []
    await alliance.running.tell(alliance.mandate(organisation, "12", "holding_over", mandate.id))
    assert names(await alliance.items("presences")) == [("Città Aperta", "12")]


async def test_a_moved_and_renamed_organisation_is_only_where_it_is_now(alliance: Alliance) -> None:
    organisation = await alliance.member("Città Aperta", "E507")
    await alliance.running.tell(alliance.organisation("Città Chiusa", "C933", organisation))
    assert names(await alliance.items("presences")) == [("Città Chiusa", "C933")]
    assert await alliance.items("presences", q="aperta") == []


async def test_an_older_fact_that_comes_late_changes_nothing(alliance: Alliance) -> None:
    first = alliance.organisation("Città Aperta", "E507")
    second = alliance.organisation("Città Aperta", "C933", first.id)
    await alliance.running.tell(second, alliance.membership(first.id), first)
    assert names(await alliance.items("presences")) == [("Città Aperta", "C933")]


async def test_a_fact_of_a_later_generation_counts_whatever_its_version(alliance: Alliance) -> None:
    organisation = await alliance.member("Città Aperta", "E507")
    await alliance.running.tell(alliance.organisation("Città Aperta", "C933", organisation))
    alliance.versions[organisation] = 0
    await alliance.running.tell(alliance.organisation("Città Aperta", "H501", organisation), generation=2)
    assert names(await alliance.items("presences")) == [("Città Aperta", "H501")]


async def test_what_changed_since_an_instant_can_be_asked_for(alliance: Alliance) -> None:
    await alliance.member("Prima", "E507")
    (item,) = await alliance.items("presences")
    assert names(await alliance.items("presences", updated_since=item["updated_at"])) == [("Prima", "E507")]
    assert await alliance.items("presences", updated_since="2999-01-01T00:00:00Z") == []


async def test_the_list_as_csv_is_whole_and_no_formula(alliance: Alliance) -> None:
    await alliance.member("=HYPERLINK(evil)", "E507", sections=["APS", "ODV"])
    for number in range(3):
        await alliance.member(f"Ente {number}", "H501")
    await alliance.running.settled()
    headers = {**await alliance.running.holder("member", alliance.id), "accept": "text/csv"}
    answer = await alliance.get("presences", headers=headers, limit=2)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["organisation.name"] for row in rows] == ["Ente 0", "Ente 1", "Ente 2", "'=HYPERLINK(evil)"]
    assert (rows[3]["territory.code"], rows[3]["sections"], rows[3]["sources"]) == ("E507", "APS|ODV", "seat")


async def test_a_network_is_seen_by_its_own_people_only(mapping: Running, alliance: Alliance) -> None:
    other = await Alliance(mapping).founded()
    organisation = await alliance.member("In entrambe", "E507")
    await mapping.tell(other.membership(organisation), other.mandate(organisation, "12"))
    assert names(await alliance.items("presences")) == [("In entrambe", "E507")]
    assert names(await other.items("presences")) == [("In entrambe", "12"), ("In entrambe", "E507")]
    stranger = await mapping.holder(Role.SECRETARIAT, other.id)
    for path in ("presences", "coverage", "ranking"):
        assert (await alliance.get(path, headers=stranger)).status_code == 403
        assert (await alliance.get(path, headers={"authorization": ""})).status_code == 401


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_of_a_network_sees_its_map(mapping: Running, populated: Alliance, role: Role) -> None:
    headers = await mapping.holder(role, populated.id, organisation_id=uuid7(), territory="03")
    assert (await populated.get("presences", headers=headers)).status_code == 200


@pytest.mark.parametrize(("scopes", "status"), [(("mapping:see_map",), 200), (("registry:import",), 403)])
async def test_a_partners_key_sees_the_map_if_its_scopes_say_so(
    mapping: Running, populated: Alliance, scopes: tuple[str, ...], status: int
) -> None:
    key, hidden = uuid7(), "0" * 43
    await mapping.tell(issued(key, populated.id, hidden, scopes))
    await mapping.settled()
    headers = {"authorization": f"Bearer trama_{key.hex}_{hidden}"}
    assert (await populated.get("presences", headers=headers)).status_code == status


def issued(key: UUID, network: UUID, secret: str, scopes: tuple[str, ...]) -> ApiKeyIssued:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return ApiKeyIssued(
        id=key, version=1, network_id=network, title="Partner", secret_sha256=digest, scopes=scopes, per_minute=600
    )


async def test_a_fact_that_cannot_be_kept_holds_no_other_back(mapping: Running, alliance: Alliance) -> None:
    poison = MembershipActivated(id=uuid7(), version=1, organisation_id=uuid7(), state="active", since=SINCE)
    organisation = alliance.organisation("Dopo il veleno", "E507")
    await mapping.tell(organisation, poison, alliance.membership(organisation.id))
    admin = mapping.signed_in(admin=True)
    await harness.until(lambda: shown(alliance, admin), what="the healthy facts are on the map")
    (parked,) = await mapping.sql("select reason, type from parked where aggregate_id = :id", id=poison.id)
    assert parked.type == MembershipActivated.type
    assert "network_id" in parked.reason
    await mapping.sql("delete from parked where aggregate_id = :id", id=poison.id)


async def shown(alliance: Alliance, headers: dict[str, str]) -> bool:
    return bool((await alliance.get("presences", headers=headers)).json()["items"])
