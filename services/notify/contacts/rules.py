"""Whom a message can reach: the shape of an address, in a form that a mail server takes."""

from __future__ import annotations

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
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressUnusable from error
    return f"{local}@{ascii_domain}"


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]
