"""The shape that every fact has, whoever publishes it.

A fact is an integration message in the past tense. It carries the public state of one aggregate after the change, and
the `version` that this state has; the wire name (`trama.registry.mandate.ended.v1`) is given by hand and does not
follow the class name, so that a class may be renamed without breaking a reader.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

FACTS: dict[str, type[Fact]] = {}
"""Every fact that can be published, by wire name with version."""


class Content(BaseModel):
    """A part of a fact: frozen, and blind to fields that a newer publisher may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Fact(Content):
    """A fact about the aggregate `id`, whose state after the change has the number `version` (rises by at least 1).

    Declare the fields once in a state class without a name, then one empty class per fact:
    `class MandateEnded(MandateState, fact="registry.mandate.ended"): ...`. A breaking change is a new class with `v=2`
    beside the old one.
    """

    name: ClassVar[str] = ""  # service.aggregate.fact
    type: ClassVar[str] = ""  # wire name with version
    tombstone: ClassVar[bool] = False  # the aggregate is gone; its row stays, emptied

    id: UUID
    version: int
    network_id: UUID | None = None

    def __init_subclass__(cls, *, fact: str | None = None, v: int = 1, tombstone: bool = False) -> None:
        super().__init_subclass__()
        if fact is None:
            return
        if fact.count(".") != 2:
            raise TypeError(f"{cls.__name__}: a fact is named service.aggregate.fact, not {fact!r}")
        cls.name, cls.type, cls.tombstone = fact, f"trama.{fact}.v{v}", tombstone
        if cls.type in FACTS:
            raise TypeError(f"{cls.type} is declared twice")
        FACTS[cls.type] = cls

    @classmethod
    def service(cls) -> str:
        return cls.name.split(".")[0]

    @classmethod
    def aggregate(cls) -> str:
        return cls.name.split(".")[1]

    @property
    def subject(self) -> str:
        """Where it is published: `<service>.<aggregate>.<id>.<fact>`."""
        service, aggregate, fact = self.name.split(".")
        return f"{service}.{aggregate}.{self.id}.{fact}"
