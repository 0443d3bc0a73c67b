"""What every scenario does with people: who enters, who represents whom, whose mailbox is whose."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from deploy.local.story import Client, Story


@dataclass
class Network:
    """A network, spoken to by its secretariat; `organisations` by the beginning of their names."""

    story: Story
    slug: str
    secretariat: Client
    organisations: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    @property
    def mailbox(self) -> str:
        return f"segreteria.{self.slug}@trama.example"

    def email(self, name: str) -> str:
        """The invented mailbox of an invented person."""
        plain = unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
        return f"{plain.replace(' ', '.').replace(chr(39), '')}@{self.slug}.example.org"

    def path(self, collection: str, service: str = "registry") -> str:
        return f"/{service}/v1/networks/{self.slug}/{collection}"

    def person(self, name: str) -> str:
        """The id of a person, entered when the network does not know them."""
        if name not in self.people:
            given, family = name.split(" ", 1)
            body = {"given_name": given, "family_name": family, "email": self.email(name)}
            self.people[name] = self.secretariat.created(self.path("people"), {**body, "language": "it"})["id"]
        return self.people[name]

    def designation(self, name: str, role: str, organisation: str | None = None, **more: Any) -> dict[str, Any]:
        """What is sent to give a person a mandate from today on."""
        body = {"person_id": self.person(name), "role": role, "since": self.story.today(), **more}
        return {**body, **({"organisation_id": self.organisations[organisation]} if organisation else {})}

    def mandate(self, name: str, role: str, organisation: str | None = None, **more: Any) -> Any:
        return self.secretariat.created(self.path("mandates"), self.designation(name, role, organisation, **more))


def founded(story: Story, slug: str, name: str) -> Network:
    """A network that is there already goes on: a story may be told to a platform in use."""
    admin = story.client(story.token("admin"))
    answer = admin.send("POST", "/registry/v1/networks", json={"slug": slug, "name": name})
    if answer.status_code not in (201, 409):
        admin.created("/registry/v1/networks", {"slug": slug, "name": name})
    return Network(story, slug, story.client(story.token("secretariat", slug)))


def meeting(network: Network, title: str, body_id: str, starts: str, ends: str, **more: Any) -> Any:
    """A meeting, convened at once."""
    draft = network.secretariat.created(
        network.path("meetings", "events"),
        {
            "title": title,
            "body_id": body_id,
            "starts_at": starts,
            "ends_at": ends,
            "mode": "remote",
            "join_url": f"https://meet.example.org/{network.slug}",
            **more,
        },
    )
    return network.secretariat.acted(f"/events/v1/meetings/{draft['id']}/convene")


def held(network: Network, meeting_id: str, present: int | None = None) -> Any:
    """Who was invited is there (or the first `present` of them); the meeting is closed."""
    secretariat = network.secretariat
    invited = secretariat.all(f"/events/v1/meetings/{meeting_id}/invitations")
    there = invited if present is None else invited[:present]
    items = [{"invitation_id": invitation["id"], "mode": "remote"} for invitation in there]
    secretariat.created(f"/events/v1/meetings/{meeting_id}/attendance", {"items": items})
    return secretariat.acted(f"/events/v1/meetings/{meeting_id}/close")


def minuted(network: Network, meeting_id: str) -> Any:
    """The minutes: drafted, submitted, approved."""
    secretariat = network.secretariat
    minutes = secretariat.created(f"/events/v1/meetings/{meeting_id}/minutes", {})
    secretariat.acted(f"/events/v1/minutes/{minutes['id']}/submit")
    return secretariat.acted(f"/events/v1/minutes/{minutes['id']}/approve")


def tax_code(number: int) -> str:
    """The invented tax code of an invented body, with its check digit (Luhn over eleven digits)."""
    ten = f"98{number:05d}019"
    doubled = [sum(divmod(int(digit) * 2, 10)) if place % 2 else int(digit) for place, digit in enumerate(ten)]
    return ten + str(-sum(doubled) % 10)


def enrolled(network: Network, name: str, code: str, kind: str, municipality: str, **more: Any) -> str:
    """A member, entered and active at once; known by its whole name."""
    body = {"name": name, "tax_code": code, "kind": kind, "municipality": municipality, "state": "active", **more}
    network.organisations[name] = network.secretariat.created(network.path("organisations"), body)["id"]
    return network.organisations[name]
