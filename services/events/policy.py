"""Who may do what in events: the only place that says so. A slice adds its rights and who has them."""

from shared.access.policy import Policy

policy = Policy({}, service="events")
