"""For whom news is, by the mandates that people hold."""

from __future__ import annotations

from collections.abc import Collection

from shared.access.roles import Role

ROLES: dict[str, tuple[Role, ...]] = {
    "representatives": (Role.REFERENT, Role.REPRESENTATIVE, Role.DELEGATE, Role.COORDINATOR),
    "communities": (Role.MEMBER,),
    "administrators": (),
}
"""Local administrators hold no mandate in the network: they read what is public where it is shown."""


def roles_of(audience: str | None) -> Collection[Role] | None:
    """Whose holders are told; None: everybody with a mandate. Of an audience that is new to this service, nobody."""
    return None if audience is None else ROLES.get(audience, ())
