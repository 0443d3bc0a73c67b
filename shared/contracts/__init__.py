"""The facts that the services tell each other: one module per publishing service, nothing but data."""

from shared.contracts import events, learning, mapping, notify, registry
from shared.contracts.envelope import FACTS, Content, Fact

__all__ = ["FACTS", "Content", "Fact", "events", "learning", "mapping", "notify", "registry"]
