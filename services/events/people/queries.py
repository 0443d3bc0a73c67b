"""How people are called."""

from services.events.people.tables import people

PERSON_NAME = people.c.given_name + " " + people.c.family_name
"""Two spaces and nothing else when the person has been erased: strip it."""
