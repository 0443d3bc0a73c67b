"""Whom a message can reach: the shape of an address, in a form that a mail server takes."""

from __future__ import annotations

from functools import lru_cache

import idna

LONGEST = 254  # RFC 5321 with its erratum 1690
UNSAFE = frozenset(' <>(),;:\\"[]')


class AddressUnusable(Exception):
    """The text cannot be the address of one mailbox."""


def mailbox(email: str) -> str:
    """The address as it goes on the wire: an international domain in its ASCII form (`müller.example` becomes
    `xn--mller-kva.example`); a local part beyond ASCII stays as it is and asks the relay for SMTPUTF8."""
    email = email.strip()
    local, _, domain = email.rpartition("@")
    if not local or "@" in local or len(email) > LONGEST or any(c in UNSAFE or not c.isprintable() for c in email):
        raise AddressUnusable
    return f"{local}@{_ascii(domain)}"


@lru_cache(maxsize=4096)  # most people's addresses are of a few domains, and one takes longer than writing a header
def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressUnusable from error


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]
