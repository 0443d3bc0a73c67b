"""The one place of a service that says which role may do what.

```python
class Right(StrEnum):
    IMPORT = "import"

policy = Policy({Right.IMPORT: (Role.SECRETARIAT,)})
policy.require(actor, Right.IMPORT, network=network_id, on=now)
```
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from shared.access.actor import ANY, Actor, Code, Id


class Forbidden(Exception):
    """The caller lacks `right`. Says who has it, and nothing about the thing that was asked for."""

    def __init__(self, right: str, roles: Sequence[str]) -> None:
        super().__init__(f"missing right {right}")
        self.right, self.roles = right, tuple(roles)


class Policy:
    """Rights by role. A scope of a partner's key is `<service>:<right>` or `<service>:*`; `personal` rights are for
    people alone, and in no scope."""

    def __init__(
        self, rules: Mapping[StrEnum, Sequence[str]], service: str | None = None, *, personal: Sequence[str] = ()
    ) -> None:
        self.personal = frozenset(map(str, personal))
        self.rules = {str(right): tuple(map(str, roles)) for right, roles in rules.items()}
        self.service = service or next(iter(type(right).__module__.split(".")[1] for right in rules), "")

    def has(
        self,
        actor: Actor,
        right: str,
        *,
        on: date | datetime,
        network: Id = ANY,
        organisation: Id = ANY,
        body: Id = ANY,
        territory: Code = ANY,
    ) -> bool:
        """Pass every dimension that the thing asked about has: one left out is not looked at."""
        if actor.admin:
            return True
        if actor.key_id is not None:
            scoped = f"{self.service}:{right}" in actor.scopes or f"{self.service}:*" in actor.scopes
            scoped = scoped and right not in self.personal
            return scoped and (actor.network_id is None or network in (ANY, actor.network_id))
        return actor.holds(
            *self.rules[right], on=on, network=network, organisation=organisation, body=body, territory=territory
        )

    def require(
        self,
        actor: Actor,
        right: str,
        *,
        on: date | datetime,
        network: Id = ANY,
        organisation: Id = ANY,
        body: Id = ANY,
        territory: Code = ANY,
    ) -> None:
        """Raises Forbidden unless the actor has the right here and on that day."""
        where = {"network": network, "organisation": organisation, "body": body}
        if not self.has(actor, right, on=on, territory=territory, **where):
            raise Forbidden(f"{self.service}:{right}", self.rules[right])

    def allowed(
        self,
        actor: Actor,
        *,
        on: date | datetime,
        network: Id = ANY,
        organisation: Id = ANY,
        body: Id = ANY,
        territory: Code = ANY,
    ) -> list[str]:
        """The rights that the actor has here, sorted: for `allowed_actions`."""
        where = {"network": network, "organisation": organisation, "body": body}
        return sorted(r for r in self.rules if self.has(actor, r, on=on, territory=territory, **where))
