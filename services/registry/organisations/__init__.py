"""Organisations and their memberships: who belongs to which network, since when, and in which state."""
