"""Requests for mailed links, and the identities that people have at other providers."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from services.registry.access.rules import SignInRequest
from services.registry.store import mapper

sign_in_requests = Table(
    "sign_in_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("email_sha256", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("sign_in_requests_person", "person_id", "requested_at"),
)

identities = Table(
    "identities",
    mapper.metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Index("identities_person", "person_id"),
)

mapper.map_imperatively(SignInRequest, sign_in_requests)
