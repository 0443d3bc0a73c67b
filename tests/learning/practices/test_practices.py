"""Practices as people write, review and take them up: over HTTP and facts."""

from __future__ import annotations

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.mapping import ExperienceExpired
from shared.contracts.registry import Grant, OrganisationMerged, SharingGranted
from tests.harness import Running
from tests.learning.practices.commons import TRIED, Commons
from tests.learning.school import day

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def commons(learning: Running) -> Commons:
    made = Commons(learning)
    await made.founded()
    return made


async def test_an_idea_is_reviewed_by_others_published_and_kept_as_it_was(commons: Commons) -> None:
    author = await commons.running.holder("representative", commons.id)
    draft = await commons.written(as_=author)
    assert (draft["state"], draft["territory"], draft["edition"]) == ("draft", "097", 0)
    assert draft["allowed_actions"] == ["edit", "delete", "submit"]
    await commons.done("GET", f"/practices/{draft['id']}", 404)
    assert await commons.told(draft) == []
    sent = await commons.on(draft, "submit", as_=author)
    assert await commons.done("GET", f"/practices/{draft['id']}", as_=author) | {"updated_at": 0} == sent | {
        "updated_at": 0
    }
    lecco = await commons.running.holder("coordinator", commons.id, territory="03", body_id=uuid7())
    piemonte = await commons.running.holder("coordinator", commons.id, territory="01")
    await commons.on(sent, "approve", 403, as_=author)
    await commons.on(sent, "return", 404, as_=piemonte, text="Non è vostra.")
    await commons.on(sent, "comments", as_=lecco, text="Bella idea.")
    sent = await commons.on(sent, "return", as_=lecco, text="Quanto costa?")
    assert sent["state"] == "draft"
    sent = await commons.done(
        "PATCH", f"/practices/{draft['id']}", as_=author, version=sent["version"], json={"needed": "Ventimila euro."}
    )
    sent = await commons.on(sent, "submit", as_=author)
    out = await commons.on(sent, "approve", as_=lecco)
    assert (out["state"], out["edition"], out["published_on"]) == ("published", 1, commons.today())
    said = (await commons.done("GET", f"/practices/{draft['id']}/reviews", as_=author))["items"]
    verdicts = [(one["verdict"], one["text"]) for one in said]
    assert verdicts[1:3] == [("comment", "Bella idea."), ("returned", "Quanto costa?")]
    assert [verdict for verdict, _ in verdicts] == ["submitted", "comment", "returned", "submitted", "approved"]
    member = await commons.running.holder("member", commons.id)
    await commons.done("GET", f"/practices/{draft['id']}/reviews", 404, as_=member)
    revised = await commons.done(
        "PATCH", f"/practices/{draft['id']}", as_=author, version=out["version"], json={"title": "Portierato"}
    )
    assert (revised["title"], revised["proposed"]["title"]) == (draft["title"], "Portierato")
    seen = await commons.done("GET", f"/practices/{draft['id']}", as_=member)
    assert (seen["proposed"], seen["author"], seen["title"]) == (None, None, draft["title"])
    again = await commons.on(await commons.on(revised, "submit", as_=author), "approve")
    assert (again["title"], again["edition"], again["proposed"]) == ("Portierato", 2, None)
    texts = (await commons.done("GET", f"/practices/{draft['id']}/versions", as_=member))["items"]
    assert [(one["number"], one["title"]) for one in texts] == [(1, draft["title"]), (2, "Portierato")]
    first = await commons.done("GET", f"/practices/{draft['id']}/versions/1", as_=member)
    assert first["needed"] == "Ventimila euro."
    gone = await commons.on(again, "withdraw", as_=author, text="Superata.")
    assert gone["state"] == "withdrawn"
    told = [fact for fact, _ in await commons.told(draft)]
    assert told == ["submitted", "returned", "submitted", "published", "submitted", "changed", "withdrawn"]


async def test_the_secretariat_does_not_approve_what_it_wrote_nor_a_key_anything(commons: Commons) -> None:
    own = await commons.on(await commons.written(), "submit")
    assert "approve" not in own["allowed_actions"]
    refused = await commons.on(own, "approve", 403)
    assert refused["type"] == "urn:trama:problem:practice-own-text"
    other = await commons.running.holder("secretariat", commons.id)
    assert (await commons.on(own, "approve", as_=other))["state"] == "published"


async def test_a_stage_asks_what_the_networks_rules_say(commons: Commons) -> None:
    tried = await commons.written(**{**TRIED, "trials": []})
    refused = await commons.on(tried, "submit", 422)
    assert (refused["type"], refused["errors"][0]["path"]) == ("urn:trama:problem:practice-stage-asks", "/trials")
    where = f"/networks/{commons.slug}/practice-rules"
    assert await commons.done("GET", where) == {
        "tried_trials": 1,
        "proven_trials": 1,
        "proven_adoptions": 2,
        "proven_evidence": 1,
        "version": 0,
    }
    await commons.done("PUT", where, version=0, json={"tried_trials": 0})
    await commons.done("PUT", where, 412, version=0, json={"tried_trials": 5})
    await commons.on(tried, "submit")
    await commons.done("PUT", where, 403, as_=await commons.running.holder("member", commons.id), version=1, json={})


async def test_an_experience_of_the_map_is_written_up_once_and_says_when_it_expired(commons: Commons) -> None:
    organisation = await commons.member()
    known = await commons.experience(organisation_id=organisation)
    hidden = await commons.experience(visibility="body", organisation_id=uuid7())
    author = await commons.running.holder("referent", commons.id, organisation_id=organisation)
    where = f"/networks/{commons.slug}/practice-candidates"
    (candidate,) = (await commons.done("GET", where, as_=author))["items"]
    assert (candidate["id"], candidate["organisation"]["name"]) == (str(known.id), "Cooperativa Arcobaleno")
    body = {"experience_id": str(known.id), "problem": "Soli.", "done": "Insieme."}
    path = f"/networks/{commons.slug}/practices"
    made = await commons.done("POST", path, 201, as_=author, json=body)
    assert (made["title"], made["themes"], made["territory"]) == (known.title, ["housing"], "E507")
    assert (made["organisation"]["id"], made["experience"]["expired"]) == (str(organisation), False)
    assert (await commons.done("GET", where, as_=author))["items"] == []
    twice = await commons.done("POST", path, 409, as_=author, json=body)
    assert twice["type"] == "urn:trama:problem:practice-experience-taken"
    await commons.done("POST", path, 422, as_=author, json={**body, "experience_id": str(hidden.id)})
    expired = ExperienceExpired(**known.model_dump() | {"version": 2, "state": "expired"})
    await commons.tell(expired)
    assert (await commons.done("GET", f"/practices/{made['id']}", as_=author))["experience"]["expired"] is True
    stranger = await commons.running.holder("referent", commons.id, organisation_id=uuid7())
    await commons.written(403, as_=stranger, organisation_id=str(organisation))
    assert await commons.ask("DELETE", f"/practices/{made['id']}", as_=author, version=made["version"])
    assert len((await commons.done("GET", where, as_=author))["items"]) == 0, "the map offers it no longer"


async def test_the_register_is_searched_by_theme_place_stage_and_words(commons: Commons) -> None:
    await commons.published(title="Portierato")
    await commons.published(**{**TRIED, "title": "Cohousing", "themes": ["housing"], "territory": "F205"})
    await commons.published(title="Orti", themes=["environment"], territory="01", done="Si coltiva insieme la verità.")
    assert await commons.register(sort="title") == ["Cohousing", "Orti", "Portierato"]
    assert await commons.register(sort="-title", theme="housing") == ["Portierato", "Cohousing"]
    assert await commons.register(sort="title", territory="03") == ["Cohousing", "Portierato"]
    assert await commons.register(territory="LC") == ["Portierato"]
    assert await commons.register(stage="tried") == ["Cohousing"]
    assert await commons.register(q="coltiva verita") == ["Orti"], "Italian, whatever accents were typed"
    assert await commons.register(theme="housing", stage="idea") == ["Portierato"]
    assert await commons.register(state="draft") == []
    for wrong in ({"territory": "ZZ"}, {"tema": "housing"}, {"stage": "good"}):
        answer = await commons.ask("GET", f"/networks/{commons.slug}/practices", params=wrong)
        assert answer.status_code == 422
    csv = await commons.ask("GET", f"/networks/{commons.slug}/practices", headers={"accept": "text/csv"})
    assert len(csv.text.splitlines()) == 4
    await commons.done("GET", f"/networks/{commons.slug}/practices", 403, as_=uuid7())


async def test_another_network_sees_what_is_shared_takes_it_up_and_may_stay_unnamed(commons: Commons) -> None:
    other, third = Commons(commons.running), Commons(commons.running)
    await other.founded()
    await third.founded()
    chosen = await commons.published(title="Scelta", visibility="networks", shared_with=[str(other.id)])
    agreed = await commons.published(title="Concordata", visibility="networks")
    inside = await commons.published(title="Interna")
    everyone = await commons.published(title="Pubblica", visibility="public")
    assert sorted(t for t in await third.register(shared=True) if t in TITLES) == ["Pubblica"]
    assert sorted(t for t in await other.register(shared=True) if t in TITLES) == ["Pubblica", "Scelta"]
    sharing = SharingGranted(
        id=uuid7(),
        version=1,
        network_id=commons.id,
        with_network_id=other.id,
        what=("practices",),
        since=day("2020-01-01"),
    )
    await commons.tell(sharing)
    shared = sorted(t for t in await other.register(shared=True) if t in TITLES)
    assert shared == ["Concordata", "Pubblica", "Scelta"]
    assert await other.register() == []
    seen = await other.done("GET", f"/practices/{chosen['id']}")
    assert (seen["shared_with"], seen["author"], seen["network"]["id"]) == ([], None, str(commons.id))
    assert (await other.done("GET", f"/practices/{agreed['id']}"))["title"] == "Concordata"
    for hidden in (inside, agreed):
        await third.done("GET", f"/practices/{hidden['id']}", 404)
    member, body = await other.member(), await other.body(territory="01")
    first = await commons.adopted(chosen, other, organisation_id=str(member), note="Da settembre.")
    assert (first["territory"], first["named"], first["note"]) == ("E507", False, "Da settembre.")
    await commons.adopted(chosen, other, 409, organisation_id=str(member))
    await commons.adopted(inside, other, 404, organisation_id=str(member))
    await commons.adopted(everyone, other, 422, organisation_id=str(uuid7()))
    coordinator = await other.running.holder("coordinator", other.id, body_id=body)
    by_body = {"network": other.slug, "body_id": str(body), "named": True}
    await other.on(chosen, "adoptions", 403, as_=await other.running.holder("member", other.id), **by_body)
    second = await other.on(chosen, "adoptions", 201, as_=coordinator, **by_body)
    theirs = {"network": other.slug, "organisation_id": str(await other.member("Seconda"))}
    await other.on(chosen, "adoptions", 403, as_=coordinator, **theirs)
    named = (await commons.done("GET", f"/practices/{chosen['id']}/adoptions"))["items"]
    assert [(one["body"]["name"], one["note"]) for one in named] == [("Comunità di pratica 1", None)]
    figures = await commons.done("GET", f"/practices/{chosen['id']}/adoptions/figures")
    assert figures == {
        "active": 2,
        "ended": 0,
        "networks": 1,
        "by_region": [{"territory": "01", "count": 1}, {"territory": "03", "count": 1}],
    }
    await commons.done("GET", f"/adoptions/{first['id']}", 404)
    assert (await commons.done("GET", f"/practices/{chosen['id']}"))["adoptions"] == 2
    listed = await other.done("GET", f"/networks/{other.slug}/adoptions", params={"territory": "03"})
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    ended = await other.done("POST", f"/adoptions/{second['id']}/end", as_=coordinator, version=second["version"])
    assert (ended["state"], ended["ended_on"]) == ("ended", commons.today())
    assert [fact for fact, _ in await commons.told(second)] == ["begun", "ended"]
    assert (await commons.done("GET", f"/practices/{chosen['id']}"))["adoptions"] == 1


TITLES = {"Scelta", "Concordata", "Interna", "Pubblica"}


async def test_whoever_may_not_adopt_does_not_learn_who_is_a_member(commons: Commons) -> None:
    practice = await commons.published(visibility="public")
    member, stranger = await commons.member(), await commons.running.holder("representative", commons.id)
    for organisation in (member, uuid7()):
        asked = {"network": commons.slug, "organisation_id": str(organisation)}
        await commons.on(practice, "adoptions", 403, as_=stranger, **asked)


async def test_a_duplicates_adoptions_are_the_other_ones_and_count_once(commons: Commons) -> None:
    going, staying, owner = await commons.member("Doppione"), await commons.member(), await commons.member("Chi l'ha")
    practice = await commons.published(title="Doppia")
    other = await commons.published(
        title="Altra",
        organisation_id=str(owner),
        as_=await commons.running.holder("referent", commons.id, organisation_id=owner),
    )
    await commons.adopted(practice, commons, organisation_id=str(staying))
    twice = await commons.adopted(practice, commons, organisation_id=str(going))
    moved = await commons.adopted(other, commons, organisation_id=str(going))
    await commons.tell(OrganisationMerged(id=going, version=2, into_id=staying))
    await commons.tell(OrganisationMerged(id=owner, version=2, into_id=staying))
    assert (await commons.done("GET", f"/practices/{practice['id']}"))["adoptions"] == 1
    assert (await commons.told(twice))[-1] == ("ended", "ended")
    after = await commons.done("GET", f"/adoptions/{moved['id']}")
    assert (after["organisation"]["id"], after["state"]) == (str(staying), "active")
    told = await commons.running.published(f"learning.practice.{other['id']}.*")
    assert told[-1][1]["organisation_id"] == str(staying)


async def test_a_public_practice_has_a_page_for_everybody_and_others_have_none(commons: Commons) -> None:
    text: dict[str, Any] = {**TRIED, "title": "<b>Portierato</b>", "visibility": "public", "done": "Prima.\n\nPoi."}
    public = await commons.published(**text, evidence=[{"title": "Studio", "url": "https://example.org/studio"}])
    inside = await commons.published(title="Interna")
    client = commons.running.client
    page = await client.get(public["page"], headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "&lt;b&gt;Portierato&lt;/b&gt;" in page.text
    assert "<p>Prima.</p>\n<p>Poi.</p>" in page.text
    assert "What was done" in page.text
    assert 'href="https://example.org/studio"' in page.text
    listed = await client.get(f"/learning/practices?network={commons.slug}&theme=housing&q=anziani")
    assert public["id"] in listed.text
    assert inside["id"] not in listed.text
    assert (await client.get(f"/learning/practices/{inside['id']}")).status_code == 404
    everything = await client.get("/learning/practices?q=%ff%fe")
    assert everything.status_code == 200
    assert public["id"] in (await client.get("/learning/practices")).text
    data = (await client.get(f"/learning/v1/public-practices?network={commons.slug}")).json()["items"]
    assert [one["id"] for one in data] == [public["id"]]
    assert "author" not in data[0]
    one = await client.get(f"/learning/v1/public-practices/{public['id']}")
    assert one.json() == data[0]
    assert (await client.get(f"/learning/v1/public-practices/{inside['id']}")).status_code == 404


async def test_a_coordinator_reviews_what_is_of_their_body_or_lies_in_their_territory(commons: Commons) -> None:
    body = await commons.body(territory=None)
    author = await commons.running.grant(
        uuid7(), Grant(role="member", network_id=commons.id, body_id=body, since=day("2000-01-01"))
    )
    mine = await commons.on(
        await commons.written(as_=author, body_id=str(body), territory=None, title="Della comunità"),
        "submit",
        as_=author,
    )
    theirs = await commons.running.holder("coordinator", commons.id, body_id=body)
    another = await commons.running.holder("coordinator", commons.id, body_id=uuid7())
    assert await commons.register(as_=theirs) == ["Della comunità"]
    assert await commons.register(as_=another) == []
    await commons.on(mine, "approve", 404, as_=another)
    assert (await commons.on(mine, "approve", as_=theirs))["state"] == "published"
