"""A crossing as tests run it: the focus groups' 4 fields x 6 needs x 5 funding sources, or a small one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from uuid_utils.compat import uuid7

from tests.mapping.inventory import Inventory

Sheet = Mapping[str, Any]


def terms(name: str, count: int) -> list[dict[str, Any]]:
    return [{"code": f"{name[0]}{at}", "label": f"{name} {at}"} for at in range(1, count + 1)]


def body(fields: int = 1, needs: int = 2, resources: int = 2, **more: Any) -> dict[str, Any]:
    cohorts = [
        {"code": "aps_odv", "label": "APS e ODV", "entitled": 57},
        {"code": "others", "label": "Fondazioni, CSV e altri", "entitled": 38},
    ]
    axes = {"fields": terms("field", fields), "needs": terms("need", needs), "resources": terms("resource", resources)}
    return {"title": "Bisogni e fonti", **axes, "cohorts": cohorts, **more}


def item(field: int, need: int, resource: int, score: Any) -> dict[str, Any]:
    return {"field": f"f{field}", "need": f"n{need}", "resource": f"r{resource}", "score": score}


def sheet(cohort: str, scores: Iterable[tuple[int, int, int, Any]], respondent: Any = "new") -> dict[str, Any]:
    respondent = str(uuid7()) if respondent == "new" else respondent
    return {"cohort": cohort, "respondent": respondent, "items": [item(*score) for score in scores]}


def whole(cohort: str, made: Mapping[str, Any], luck: Random) -> dict[str, Any]:
    """A sheet with a score in every cell."""
    axes = (range(1, len(made[name]) + 1) for name in ("fields", "needs", "resources"))
    fields, needs, resources = axes
    cells = [(f, n, r, luck.randint(1, 10)) for f in fields for n in needs for r in resources]
    return sheet(cohort, cells)


async def bulk(inventory: Inventory, made: Mapping[str, Any], sheets: Sequence[Sheet]) -> Any:
    return await inventory.post(f"/crossings/{made['id']}/sheets/bulk", {"sheets": sheets})


async def closed(inventory: Inventory, made: Mapping[str, Any]) -> Any:
    read = await inventory.get(inventory.path(made))
    answer = await inventory.step(read, "close")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def cells(inventory: Inventory, made: Mapping[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """All cells, over as many pages as it takes."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await inventory.get(f"/crossings/{made['id']}/results/cells", None, limit=200, **asked, **after)
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}
