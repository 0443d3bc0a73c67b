"""Who asks and what they may do: the same in every service, decided by the registry alone."""

from shared.access.actor import ANONYMOUS, ANY, Actor, Grant, lies_in
from shared.access.policy import Forbidden, Policy
from shared.access.roles import Level, Role

__all__ = ["ANONYMOUS", "ANY", "Actor", "Forbidden", "Grant", "Level", "Policy", "Role", "lies_in"]
