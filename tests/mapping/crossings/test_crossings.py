"""Crossings over HTTP: opened, scored, closed, read by cohort."""

from __future__ import annotations

import asyncio
import statistics
import time
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.mapping.crossings.commands import record
from services.mapping.crossings.queries import of_ballot
from services.mapping.crossings.rules import Scoring, Sheet
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.crossings.grid import body, bulk, cells, closed, sheet, terms, whole
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def opened(inventory: Inventory, **given: Any) -> Any:
    return await inventory.post("crossings", body(**given))


async def test_the_focus_groups_score_9960_times_and_see_it_by_cohort(inventory: Inventory) -> None:
    made = await opened(inventory, fields=4, needs=6, resources=5)
    assert (made["cells"], made["state"], made["version"]) == (120, "open", 1)
    assert made["respondents"] == {"count": 0, "of": 95, "share": 0.0}
    luck = Random(4)
    sheets = [whole("aps_odv", made, luck) for _ in range(51)] + [whole("others", made, luck) for _ in range(32)]
    began = time.perf_counter()
    recorded = await bulk(inventory, made, sheets)
    print(f"9,960 scores in {time.perf_counter() - began:.2f} s")
    assert (len(recorded["sheets"]), recorded["scores"], recorded["replaced"]) == (83, 9_960, 0)
    shown = await closed(inventory, made)
    assert shown["respondents"] == {"count": 83, "of": 95, "share": pytest.approx(83 / 95)}
    assert [one["respondents"]["count"] for one in shown["cohorts"]] == [51, 32]
    assert shown["scores"] == 9_960
    results = await inventory.get(f"/crossings/{made['id']}/results")
    assert results["respondents"] == shown["respondents"]
    groups = {one["cohort"]["code"] if one["cohort"] else "all": one for one in results["groups"]}
    assert list(groups) == ["all", "aps_odv", "others"]
    assert groups["others"]["respondents"] == {"count": 32, "of": 38, "share": pytest.approx(32 / 38)}
    given: dict[tuple[str, ...], list[int]] = {}
    for one in sheets:
        for score in one["items"]:
            for group in ("all", one["cohort"]):
                given.setdefault((group, score["field"], score["need"], score["resource"]), []).append(score["score"])
    found = await cells(inventory, made)
    assert len(found) == 360
    for cell in found:
        scores = given[cell["cohort"], cell["field"]["code"], cell["need"]["code"], cell["resource"]["code"]]
        assert cell["n"] == len(scores) == {"all": 83, "aps_odv": 51, "others": 32}[cell["cohort"]]
        assert cell["mean"] == pytest.approx(statistics.mean(scores), abs=5e-5)
        assert cell["median"] == statistics.median(scores)
        assert cell["deviation"] == pytest.approx(statistics.stdev(scores), abs=5e-5)
        low, _, high = statistics.quantiles(scores, n=4, method="inclusive")
        assert (cell["lower_quartile"], cell["upper_quartile"]) == (low, high)
    for name, group in groups.items():
        assert [one["field"]["code"] for one in group["best"]] == ["f1", "f2", "f3", "f4"]
        for best in group["best"]:
            means = {
                key[2:]: statistics.fmean(scores)
                for key, scores in given.items()
                if key[:2] == (name, best["field"]["code"])
            }
            top = max(means.values())
            assert {(one["need"]["code"], one["resource"]["code"]) for one in best["cells"]} == {
                key for key, mean in means.items() if mean == pytest.approx(top)
            }
    told = await inventory.told("crossing", made["id"])
    assert [fact for fact, _ in told] == ["opened", "closed"]
    last = told[-1][1]
    assert (last["scores"], last["respondents"], last["entitled"], last["best_left_out"]) == (9_960, 83, 95, 0)
    assert [(one["code"], one["respondents"], one["entitled"]) for one in last["cohorts"]] == [
        ("aps_odv", 51, 57),
        ("others", 32, 38),
    ]
    assert {one["cohort"] for one in last["best"]} == {None, "aps_odv", "others"}
    assert not any(one["respondent"] in str(last) for one in sheets)


async def test_missing_and_no_opinion_are_no_zeroes(inventory: Inventory) -> None:
    made = await opened(inventory)
    sheets = [sheet("aps_odv", [(1, 1, 1, 8), (1, 2, 1, None)]) for _ in range(6)]
    sheets += [sheet("aps_odv", [(1, 1, 1, None), (1, 2, 1, 3)]) for _ in range(5)]
    recorded = await bulk(inventory, made, sheets)
    assert (recorded["scores"], recorded["no_opinions"]) == (11, 11)
    await closed(inventory, made)
    found = {(one["need"]["code"], one["resource"]["code"]): one for one in await cells(inventory, made, cohort="all")}
    assert (found["n1", "r1"]["n"], found["n1", "r1"]["no_opinion"], found["n1", "r1"]["mean"]) == (6, 5, 8.0)
    assert (found["n2", "r1"]["n"], found["n2", "r1"]["mean"], found["n2", "r1"]["deviation"]) == (5, 3.0, 0.0)
    nothing = found["n1", "r2"]
    assert (nothing["n"], nothing["mean"], nothing["median"], nothing["rank"]) == (0, None, None, None)


async def test_a_new_sheet_of_a_respondent_takes_the_place_of_the_former(inventory: Inventory) -> None:
    made = await opened(inventory)
    first = [sheet("aps_odv", [(1, 1, 1, 1), (1, 1, 2, 9)]) for _ in range(5)]
    await bulk(inventory, made, first)
    again = [sheet("others", [(1, 1, 1, 10)], one["respondent"]) for one in first]
    recorded = await bulk(inventory, made, again)
    assert (recorded["replaced"], recorded["scores"]) == (5, 5)
    shown = await closed(inventory, made)
    assert [one["respondents"]["count"] for one in shown["cohorts"]] == [0, 5]
    top, other, *_ = await cells(inventory, made, cohort="all")
    assert (top["mean"], top["n"], other["n"]) == (10.0, 5, 0)


async def test_sheets_of_paper_add_up_and_can_be_taken_out(inventory: Inventory) -> None:
    made = await opened(inventory)
    path = f"/crossings/{made['id']}/sheets"
    paper = sheet("aps_odv", [(1, 1, 1, 5)], None)
    ids = [(await inventory.post(path, paper))["sheets"][0] for _ in range(2)]
    await inventory.post(path, sheet("others", [(1, 1, 1, 5), (1, 1, 2, None)]))
    listed = (await inventory.get(path))["items"]
    assert [(one["paper"], one["scores"], one["no_opinions"]) for one in listed] == [
        (False, 1, 1),
        (True, 1, 0),
        (True, 1, 0),
    ]
    assert "respondent" not in listed[0]
    assert (await inventory.ask("DELETE", f"{path}/{ids[0]}")).status_code == 204
    assert (await inventory.ask("DELETE", f"{path}/{ids[0]}")).status_code == 404
    left = (await inventory.get(path, cohort="aps_odv"))["items"]
    assert [one["id"] for one in left] == [ids[1]]


@pytest.mark.parametrize("score", [0, 11, 7.5, "7", "sette", True, -1, 10**30])
async def test_what_is_no_score_is_refused_by_its_cell(inventory: Inventory, score: Any) -> None:
    made = await opened(inventory)
    wrong = sheet("aps_odv", [(1, 1, 1, 7), (1, 2, 1, score)])
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets", json=wrong)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["path"] == "/items/1/score"
    many = {"sheets": [sheet("aps_odv", [(1, 1, 1, 7)]), wrong]}
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets/bulk", json=many)
    assert [error["path"] for error in answer.json()["errors"]] == ["/sheets/1/items/1/score"]
    assert (await inventory.get(inventory.path(made)))["respondents"]["count"] == 0


async def test_a_score_outside_the_scale_says_which_cell_and_what_is_accepted(inventory: Inventory) -> None:
    made = await opened(inventory, lowest=2, highest=5)
    answer = await inventory.ask(
        "POST", f"/crossings/{made['id']}/sheets", json=sheet("aps_odv", [(1, 2, 1, 1), (1, 2, 2, 5)])
    )
    assert answer.json()["type"] == "urn:trama:problem:scores-refused"
    assert answer.json()["errors"] == [
        {
            "path": "/items/0/score",
            "code": "score",
            "accepted": "f1 x n2 x r1: a whole number from 2 to 5, or null for no opinion",
        }
    ]


async def test_duplicates_and_unknown_codes_are_refused_by_name(inventory: Inventory) -> None:
    made = await opened(inventory)
    one = sheet("nobody", [(1, 1, 1, 7), (1, 1, 1, 7), (2, 1, 1, 7)])
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets", json=one)
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [
        ("/cohort", "unknown"),
        ("/items/1", "duplicate"),
        ("/items/2/field", "unknown"),
    ]
    twice = sheet("others", [(1, 1, 1, 7)])
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets/bulk", json={"sheets": [twice, twice]})
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [
        ("/sheets/1/respondent", "duplicate")
    ]
    named = {**twice, "respondent": "Mario Rossi"}
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets", json=named)
    assert [error["path"] for error in answer.json()["errors"]] == ["/respondent"]


async def test_a_cohort_has_no_more_sheets_than_delegates(inventory: Inventory) -> None:
    few = [{"code": "few", "label": "Pochi", "entitled": 2}]
    made = await opened(inventory, cohorts=few)
    path = f"/crossings/{made['id']}/sheets"
    kept = sheet("few", [(1, 1, 1, 7)])
    await inventory.post(path, kept)
    await inventory.post(path, sheet("few", [(1, 1, 1, 7)], None))
    answer = await inventory.ask("POST", path, json=sheet("few", [(1, 1, 1, 7)]))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:cohort-full")
    await inventory.post(path, kept)  # one's own again is no other
    assert (await inventory.get(inventory.path(made)))["respondents"] == {"count": 2, "of": 2, "share": 1.0}


async def test_small_cohorts_are_not_shown_nor_worked_out_of_the_others(inventory: Inventory) -> None:
    cohorts = [{"code": code, "label": code, "entitled": 20} for code in ("large", "middle", "small")]
    made = await opened(inventory, cohorts=cohorts)
    for code, count in (("large", 9), ("middle", 6), ("small", 4)):
        await bulk(inventory, made, [sheet(code, [(1, 1, 1, 7)]) for _ in range(count)])
    await closed(inventory, made)
    results = await inventory.get(f"/crossings/{made['id']}/results")
    assert [one["cohort"] and one["cohort"]["code"] for one in results["groups"]] == [None, "large"]
    assert [one["code"] for one in results["hidden"]] == ["middle", "small"]
    assert {one["cohort"] for one in await cells(inventory, made)} == {"all", "large"}
    answer = await inventory.ask("GET", f"/crossings/{made['id']}/heatmap", params={"field": "f1", "cohort": "small"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not-shown")
    assert (await inventory.get(f"/crossings/{made['id']}/results", cohort="small"))["groups"] == []
    facts = await inventory.told("crossing", made["id"])
    assert {one["cohort"] for one in facts[-1][1]["best"]} == {None, "large"}


async def test_a_cell_that_too_few_scored_has_no_figures(inventory: Inventory) -> None:
    made = await opened(inventory)
    sheets = [sheet("aps_odv", [(1, 1, 1, 7), *([(1, 2, 1, 9)] if at < 4 else [])]) for at in range(9)]
    sheets += [sheet("others", [(1, 1, 1, 7), (1, 2, 1, 2)]) for _ in range(7)]
    await bulk(inventory, made, sheets)
    await closed(inventory, made)
    found = {(one["cohort"], one["need"]["code"]): one for one in await cells(inventory, made, resource="r1")}
    assert (found["aps_odv", "n2"]["n"], found["aps_odv", "n2"]["mean"]) == (4, None)
    assert found["others", "n2"]["mean"] is None  # with the mean of all it would say the other cohort's
    assert found["all", "n2"]["n"] == 11
    assert found["all", "n2"]["mean"] == pytest.approx(50 / 11, abs=5e-5)
    assert found["others", "n1"]["mean"] == found["aps_odv", "n1"]["mean"] == 7.0


async def test_ties_are_told_and_the_best_has_enough_scores(inventory: Inventory) -> None:
    made = await opened(inventory, fields=2, minimum=6)
    six = [(1, 1, 1, 7), (1, 2, 2, 7), (1, 1, 2, 6)]
    sheets = [sheet("aps_odv", [*six, *([(1, 2, 1, 10), (2, 1, 1, 10)] if at < 5 else [])]) for at in range(6)]
    await bulk(inventory, made, sheets)
    await closed(inventory, made)
    (everybody, _) = (await inventory.get(f"/crossings/{made['id']}/results"))["groups"]
    first, second = everybody["best"]
    assert [(one["need"]["code"], one["resource"]["code"]) for one in first["cells"]] == [("n1", "r1"), ("n2", "r2")]
    assert first["tied"] is True
    assert (second["cells"], second["tied"]) == ([], False)
    ranks = {
        (one["field"]["code"], one["need"]["code"], one["resource"]["code"]): (one["rank"], one["tied"])
        for one in await cells(inventory, made, cohort="all")
    }
    assert ranks["f1", "n1", "r1"] == ranks["f1", "n2", "r2"] == (1, True)
    assert ranks["f1", "n1", "r2"] == (3, False)
    assert ranks["f1", "n2", "r1"] == ranks["f2", "n1", "r1"] == (None, False)
    assert len(await cells(inventory, made, cohort="all", best=True)) == 2


async def test_results_are_read_after_the_close_which_is_final(inventory: Inventory) -> None:
    made = await opened(inventory)
    await bulk(inventory, made, [sheet("aps_odv", [(1, 1, 1, 7)]) for _ in range(6)])
    for path in ("results", "results/cells", "heatmap?field=f1", "heatmap.svg?field=f1"):
        answer = await inventory.ask("GET", f"/crossings/{made['id']}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:crossing-open"), path
    missing = await inventory.ask("POST", f"/crossings/{made['id']}/close")
    assert missing.status_code == 428
    shut = await closed(inventory, made)
    assert (shut["state"], shut["version"], shut["allowed_actions"]) == ("closed", 2, [])
    late = await inventory.ask("POST", f"/crossings/{made['id']}/sheets", json=sheet("others", [(1, 1, 1, 7)]))
    assert (late.status_code, late.json()["type"]) == (409, "urn:trama:problem:crossing-closed")
    assert (await inventory.step(shut, "close")).status_code == 409
    assert (await inventory.change(shut, {"title": "Tardi"})).status_code == 409


async def test_an_open_crossing_changes_and_once_scored_keeps_its_grid(inventory: Inventory) -> None:
    made = await opened(inventory)
    wider = [*made["needs"], {"code": "n3", "label": "need 3"}]
    changed = await inventory.change(made, {"needs": wider, "highest": 5})
    assert (changed.status_code, changed.json()["cells"], changed.json()["version"]) == (200, 6, 2)
    await bulk(inventory, made, [sheet("aps_odv", [(1, 3, 1, 5)])])
    now = changed.json()
    for given, path in (
        ({"needs": made["needs"]}, "/needs"),
        ({"needs": list(reversed(wider))}, "/needs"),
        ({"highest": 10}, "/highest"),
        ({"cohorts": [{"code": "others", "label": "Altri", "entitled": 3}]}, "/cohorts"),
    ):
        answer = await inventory.change(now, given)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (409, path), given
    renamed = [{**term, "label": f"{term['label']}!"} for term in wider]
    cohorts = [{**one, "entitled": 50} for one in body()["cohorts"]]
    after = await inventory.change(now, {"needs": renamed, "cohorts": cohorts, "title": "Nuovo"})
    assert after.status_code == 200, after.text
    assert after.json()["respondents"] == {"count": 1, "of": 100, "share": 0.01}
    assert (await inventory.change(now, {"title": "Stantio"})).status_code == 412
    assert [fact for fact, _ in await inventory.told("crossing", made["id"])] == ["opened", "changed", "changed"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"fields": []}, "/fields"),
        ({"fields": [{"code": "a", "label": "A"}, {"code": "a", "label": "B"}]}, "/fields/1/code"),
        ({"fields": [{"code": "A b", "label": "A"}]}, "/fields/0/code"),
        ({"fields": [{"code": "a", "label": "\x00"}]}, "/fields/0/label"),
        ({"lowest": 5, "highest": 5}, "/highest"),
        ({"highest": 11}, "/highest"),
        ({"minimum": 4}, "/minimum"),
        ({"entitled": 94}, "/entitled"),
        ({"cohorts": [{"code": "a", "label": "A", "entitled": 0}]}, "/cohorts/0/entitled"),
        ({"needs": terms("need", 100), "fields": terms("field", 21)}, "/fields"),
    ],
)
async def test_a_grid_that_cannot_be_is_refused_by_name(inventory: Inventory, given: Any, path: str) -> None:
    answer = await inventory.ask("POST", "crossings", json={**body(), **given})
    assert answer.status_code == 422, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_more_scores_than_one_request_takes_are_refused(inventory: Inventory) -> None:
    made = await opened(inventory, needs=10, resources=10)
    cells_ = [(1, n, r, 7) for n in range(1, 11) for r in range(1, 11)]
    sheets = [sheet("aps_odv", cells_) for _ in range(101)]
    answer = await inventory.ask("POST", f"/crossings/{made['id']}/sheets/bulk", json={"sheets": sheets})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:trama:problem:too-many-scores")


async def test_a_ballot_has_one_crossing(inventory: Inventory) -> None:
    ballot = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"
    made = await opened(inventory, ballot_id=ballot)
    again = await inventory.ask("POST", "crossings", json=body(ballot_id=ballot))
    assert (again.status_code, again.json()["type"]) == (409, "urn:trama:problem:ballot-taken")
    found = (await inventory.get("crossings", ballot=ballot, state="open"))["items"]
    assert [one["id"] for one in found] == [made["id"]]
    assert (await inventory.get("crossings", state="closed"))["items"] == []


async def test_members_read_the_secretariat_runs_and_others_see_nothing(inventory: Inventory) -> None:
    made = await opened(inventory)
    await bulk(inventory, made, [sheet("aps_odv", [(1, 1, 1, 7)]) for _ in range(6)])
    member = await inventory.person("member")
    assert (await inventory.get(inventory.path(made), member))["allowed_actions"] == []
    assert (await inventory.get(inventory.path(made)))["allowed_actions"] == ["change", "close", "enter"]
    one = sheet("aps_odv", [(1, 1, 1, 7)])
    href = inventory.path(made)
    other = await Inventory.of(await Alliance(inventory.running).founded())
    for method, path, given in (
        ("POST", "crossings", body()),
        ("PATCH", href, {"title": "X"}),
        ("POST", f"{href}/close", None),
        ("POST", f"{href}/sheets", one),
        ("POST", f"{href}/sheets/bulk", {"sheets": [one]}),
        ("GET", f"{href}/sheets", None),
    ):
        answer = await inventory.ask(method, path, member, json=given, more={"if-match": '"1"'})
        assert answer.status_code == 403, (method, path)
        if path.startswith("/"):
            answer = await other.ask(method, path, json=given, more={"if-match": '"1"'})
            assert answer.status_code == 404, (method, path)
    await closed(inventory, made)
    for path in ("", "/results", "/results/cells", "/heatmap?field=f1", "/heatmap.svg?field=f1"):
        assert (await inventory.ask("GET", href + path, member)).status_code == 200, path
        assert (await other.ask("GET", href + path)).status_code == 404, path


async def test_cells_are_given_as_csv(inventory: Inventory) -> None:
    made = await opened(inventory)
    await bulk(inventory, made, [sheet("aps_odv", [(1, 1, 1, 7)]) for _ in range(6)])
    await closed(inventory, made)
    answer = await inventory.ask("GET", f"/crossings/{made['id']}/results/cells", more={"accept": "text/csv"})
    head, first, *rest = answer.text.splitlines()
    assert head.split(",")[:9] == [
        "n", "no_opinion", "mean", "median", "deviation", "lower_quartile", "upper_quartile", "rank", "tied",
    ]  # fmt: skip
    assert first.split(",")[:4] == ["6", "0", "7.0", "7.0"]
    assert len(rest) == 7
    wrong = await inventory.ask("GET", f"/crossings/{made['id']}/results/cells", params={"need": "n9"})
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "?need")


async def test_the_heat_map_says_its_figures_as_data_and_as_a_picture(inventory: Inventory) -> None:
    made = await opened(inventory, needs=2, resources=3)
    sheets = [sheet("aps_odv", [(1, 1, 1, 7), (1, 2, 3, 10 if at else 9)]) for at in range(6)]
    await bulk(inventory, made, sheets)
    await closed(inventory, made)
    heat = await inventory.get(f"/crossings/{made['id']}/heatmap", field="f1", cohort="aps_odv")
    assert [one["code"] for one in heat["columns"]] == ["r1", "r2", "r3"]
    assert [row["need"]["code"] for row in heat["rows"]] == ["n1", "n2"]
    assert [[cell["mean"] for cell in row["cells"]] for row in heat["rows"]] == [
        [7.0, None, None],
        [None, None, 9.8333],
    ]
    assert heat["cohort"]["label"] == "APS e ODV"
    picture = await inventory.ask("GET", heat["svg"].removeprefix("/mapping/v1"), more={"accept-language": "it"})
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert '<title id="title">field 1: bisogni per risorse, APS e ODV</title>' in picture.text
    assert "need 2 con resource 3: media 9,83, mediana 10, n 6, migliore del campo" in picture.text
    unknown = await inventory.ask("GET", f"/crossings/{made['id']}/heatmap", params={"field": "f9"})
    assert unknown.json()["errors"][0]["accepted"] == ["f1"]


async def test_a_label_cannot_break_out_of_the_picture(inventory: Inventory) -> None:
    made = await opened(inventory, needs=1, resources=1)
    hostile = "<script>alert(1)</script>"
    made = (await inventory.change(made, {"needs": [{"code": "n1", "label": hostile}]})).json()
    await bulk(inventory, made, [sheet("aps_odv", [(1, 1, 1, 7)]) for _ in range(6)])
    await closed(inventory, made)
    picture = await inventory.ask("GET", f"/crossings/{made['id']}/heatmap.svg", params={"field": "f1"})
    assert "<script" not in picture.text


FILE = (
    "Scheda;Coorte;Campo;Bisogno;Fonte di finanziamento;Punteggio;Rispondente\r\n"
    "1;APS e ODV;field 1;n1;resource 1;7;\r\n"
    "1;APS e ODV;field 1;n1;resource 2;-;\r\n"
    "1;APS e ODV;field 1;n2;resource 1;;\r\n"
    "2;others;f1;n1;r1;10;0192f0c1-2b3a-7c4d-8e5f-60718293a4b5\r\n"
)


async def send(inventory: Inventory, made: Any, content: str) -> Any:
    files = {"file": ("schede.csv", content.encode(), "text/csv")}
    return await inventory.ask("POST", f"/crossings/{made['id']}/sheets/file", files=files)


async def test_sheets_come_as_a_file_by_code_or_label(inventory: Inventory) -> None:
    made = await opened(inventory)
    answer = await send(inventory, made, FILE)
    assert answer.status_code == 201, answer.text
    recorded = answer.json()
    assert (len(recorded["sheets"]), recorded["scores"], recorded["no_opinions"]) == (2, 2, 1)
    again = (await send(inventory, made, FILE)).json()
    assert again["replaced"] == 1  # the sheet of paper has nobody to be replaced for
    shown = await inventory.get(inventory.path(made))
    assert [one["respondents"]["count"] for one in shown["cohorts"]] == [2, 1]


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        ("1;7;", "1;0;", "/rows/2/score", "score"),
        ("1;7;", "1;11;", "/rows/2/score", "score"),
        ("1;7;", "1;7.5;", "/rows/2/score", "score"),
        ("1;7;", "1;sette;", "/rows/2/score", "score"),
        ("n1;resource 2", "n1;r1", "/rows/3", "duplicate"),
        ("n1;resource 2", "n1;altra", "/rows/3/resource", "unknown"),
        ("2;others", "2;nobody", "/rows/5/cohort", "unknown"),
        ("2;others", ";others", None, None),
        ("0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "Mario Rossi", "/rows/5/respondent", "form"),
        ("1;APS e ODV;field 1;n2", "1;others;field 1;n2", "/rows/4/cohort", "differs"),
        ("Punteggio", "Altro", "/file", "unreadable"),
    ],
)
async def test_what_is_wrong_in_a_file_is_named_by_its_line(
    inventory: Inventory, old: str, new: str, path: str | None, code: str | None
) -> None:
    made = await opened(inventory)
    assert old in FILE
    answer = await send(inventory, made, FILE.replace(old, new, 1))
    if path is None:  # its respondent tells the sheet apart as well
        assert answer.status_code == 201
        return
    assert answer.status_code == 422, answer.text
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [(path, code)]
    assert (await inventory.get(inventory.path(made)))["respondents"]["count"] == 0


async def test_what_is_no_table_is_refused(inventory: Inventory) -> None:
    made = await opened(inventory)
    for content in ("", "\x00\x01\x02", "scheda;coorte\r\n"):
        answer = await send(inventory, made, content)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/file"), content


async def test_neither_the_order_of_sheets_nor_what_was_replaced_changes_the_results(inventory: Inventory) -> None:
    luck = Random(7)
    plain, roundabout = [await opened(inventory, fields=2, needs=3, resources=3) for _ in range(2)]
    final = []
    for at in range(24):
        made = whole(("aps_odv", "others")[at % 2], plain, luck)
        gaps = [one for one in made["items"] if luck.random() < 0.7] or made["items"][:1]
        final.append({**made, "items": [{**one, "score": luck.choice([one["score"], None])} for one in gaps]})
    await bulk(inventory, plain, final)
    first = [{**whole("others", plain, luck), "respondent": one["respondent"]} for one in luck.sample(final, 15)]
    await bulk(inventory, roundabout, first)
    shuffled = luck.sample(final, len(final))
    replaced = [await bulk(inventory, roundabout, part) for part in (shuffled[:9], shuffled[9:])]
    assert sum(one["replaced"] for one in replaced) == 15
    for made in (plain, roundabout):
        await closed(inventory, made)
    assert await cells(inventory, plain) == await cells(inventory, roundabout)


async def test_figures_are_those_of_the_statistics_module_whatever_is_missing(inventory: Inventory) -> None:
    made = await opened(inventory, fields=8, needs=5, resources=10)
    luck, given = Random(11), dict[tuple[str, str, str], list[int]]()
    sheets = []
    for _ in range(12):
        one = whole("aps_odv", made, luck)
        items = [item for item in one["items"] if luck.random() < 0.6]
        sheets.append({**one, "items": items})
        for item in items:
            given.setdefault((item["field"], item["need"], item["resource"]), []).append(item["score"])
    await bulk(inventory, made, sheets)
    await closed(inventory, made)
    found = await cells(inventory, made, cohort="all")
    assert len(found) == 400
    for cell in found:
        scores = given.get((cell["field"]["code"], cell["need"]["code"], cell["resource"]["code"]), [])
        assert cell["n"] == len(scores)
        if len(scores) < 5:
            assert (cell["mean"], cell["median"], cell["deviation"], cell["upper_quartile"]) == (None,) * 4
            continue
        low, middle, high = statistics.quantiles(scores, n=4, method="inclusive")
        assert (cell["lower_quartile"], cell["median"], cell["upper_quartile"]) == (low, middle, high)
        assert cell["mean"] == pytest.approx(statistics.fmean(scores), abs=5e-5)
        assert cell["deviation"] == pytest.approx(statistics.stdev(scores), abs=5e-5)


async def test_a_ballots_sheets_are_recorded_as_they_come(inventory: Inventory) -> None:
    ballot = uuid7()
    made = await opened(inventory, ballot_id=str(ballot))
    context = inventory.running.context
    person = uuid7()
    async with context.database.sessions.begin() as session:
        crossing_id = await of_ballot(session, ballot)
        assert str(crossing_id) == made["id"]
        assert crossing_id is not None
        for score in (3, 9):
            one = Sheet("aps_odv", [Scoring("f1", "n1", "r1", score), Scoring("f1", "n2", "r1", None)], person)
            recorded = await record(session, crossing_id, [one], context.clock.now())
        assert (recorded.replaced, recorded.scores, recorded.no_opinions) == (1, 1, 1)
        traces = text("select trace from crossing_sheets where crossing_id = :id")
        kept = (await session.execute(traces, {"id": crossing_id})).all()
        assert len(kept) == 1
        assert person not in kept[0]
    shown = await inventory.get(inventory.path(made))
    assert (shown["respondents"]["count"], shown["scores"]) == (1, 1)


async def test_delegates_who_send_their_sheets_at_once_all_count(inventory: Inventory) -> None:
    made = await opened(inventory, cohorts=[{"code": "few", "label": "Pochi", "entitled": 4}])
    path = f"/crossings/{made['id']}/sheets"
    same = sheet("few", [(1, 1, 1, 7)])
    sent = [same, same, *(sheet("few", [(1, 1, 1, 7)]) for _ in range(4))]
    answers = await asyncio.gather(*(inventory.ask("POST", path, json=one) for one in sent))
    assert sorted(answer.status_code for answer in answers) in ([201] * 5 + [409], [201] * 4 + [409] * 2)
    assert (await inventory.get(inventory.path(made)))["respondents"]["count"] == 4


async def test_the_close_of_a_crossing_where_everything_is_tied_fits_into_a_message(inventory: Inventory) -> None:
    def long(name: str, count: int) -> list[dict[str, str]]:
        return [{"code": f"{name[0]}{at}", "label": "\N{SNOWMAN}" * 110 + str(at)} for at in range(1, count + 1)]

    axes = {"fields": long("field", 2), "needs": long("need", 10), "resources": long("resource", 10)}
    made = await inventory.post("crossings", {**body(), **axes})
    tied = [(f, n, r, 7) for f in (1, 2) for n in range(1, 11) for r in range(1, 11)]
    await bulk(inventory, made, [sheet("aps_odv", tied) for _ in range(5)])
    await closed(inventory, made)
    (_, told) = (await inventory.told("crossing", made["id"]))[-1]
    assert len(told["best"]) + told["best_left_out"] == 400
    assert 0 < len(told["best"]) < 100
    results = await inventory.get(f"/crossings/{made['id']}/results")
    assert [len(best["cells"]) for group in results["groups"] for best in group["best"]] == [100] * 4
