"""Our certified mailbox, read over IMAP: the standard library's client, in a thread.

Messages are read by rising UID, never deleted; receipts are marked as read once they are kept, all else is left as it
is for the people who read the mailbox.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from services.notify.certified.receipts import LARGEST

AT_ONCE = 20
"""Messages in one visit: each may be some MB."""


class Away(Exception):
    """The mailbox cannot be read now."""


@dataclass(frozen=True)
class Mailbox:
    """`imaps://user:password@host[:port][/folder]`; `imap` (local profile) is without TLS."""

    host: str
    port: int
    username: str
    password: str
    folder: str
    tls: bool
    timeout: float = 30.0

    def __repr__(self) -> str:
        return f"Mailbox({self.host}:{self.port}/{self.folder})"

    @classmethod
    def parse(cls, url: str) -> Mailbox:
        """Raises ValueError that does not repeat the password."""
        parts = urlsplit(url)
        if parts.scheme not in ("imaps", "imap") or not (parts.hostname and parts.username and parts.password):
            raise ValueError("expected imaps://user:password@host[:port][/folder]")
        tls = parts.scheme == "imaps"
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if not folder.isascii() or not folder.isprintable() or '"' in folder:
            raise ValueError("the folder's name is not one")
        port = parts.port or (993 if tls else 143)
        return cls(parts.hostname, port, unquote(parts.username), unquote(parts.password), folder, tls)

    @property
    def name(self) -> str:
        return f"{self.username}@{self.host}/{self.folder}"


@dataclass(frozen=True)
class Visit:
    """What came after a UID: (uid, bytes; none of one that is too large), and whether there is more."""

    uid_validity: int
    messages: Sequence[tuple[int, bytes | None]]
    more: bool


class Reader:
    """One connection; all of it blocks."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.imap: imaplib.IMAP4 | None = None

    def visit(self, uid_validity: int, last_uid: int) -> Visit:
        """The next messages after `last_uid`; from the beginning when the mailbox counts anew. Raises Away."""
        try:
            imap = self._selected()
            now_valid = int((imap.response("UIDVALIDITY")[1] or [b"0"])[0] or 0)
            after = last_uid if now_valid == uid_validity else 0
            found = [uid for uid in _uids(imap.uid("SEARCH", f"UID {after + 1}:*")) if uid > after]
            return Visit(now_valid, [(uid, self._content(imap, uid)) for uid in found[:AT_ONCE]], len(found) > AT_ONCE)
        except (imaplib.IMAP4.error, OSError, ValueError, TypeError, IndexError) as error:
            self.close()
            raise Away(type(error).__name__) from None

    def mark(self, uids: Sequence[int]) -> None:
        """As read. Raises Away."""
        if not uids or self.imap is None:
            return
        try:
            self.imap.uid("STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", "(\\Seen)")
        except (imaplib.IMAP4.error, OSError) as error:
            self.close()
            raise Away(type(error).__name__) from None

    def close(self) -> None:
        imap, self.imap = self.imap, None
        if imap is not None:
            try:
                imap.shutdown()
            except OSError:
                return

    def _selected(self) -> imaplib.IMAP4:
        if self.imap is None:
            box = self.mailbox
            if box.tls:
                context = ssl.create_default_context()
                imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=box.timeout)
            else:
                imap = imaplib.IMAP4(box.host, box.port, timeout=box.timeout)
            self.imap = imap
            imap.login(box.username, box.password)
        state, _ = self.imap.select(f'"{self.mailbox.folder}"')
        if state != "OK":
            raise imaplib.IMAP4.error("no such folder")
        return self.imap

    def _content(self, imap: imaplib.IMAP4, uid: int) -> bytes | None:
        sized = b" ".join(part for part in imap.uid("FETCH", str(uid), "(RFC822.SIZE)")[1] if isinstance(part, bytes))
        size = re.search(rb"RFC822\.SIZE (\d+)", sized)
        if size is None or int(size[1]) > LARGEST:
            return None
        for part in imap.uid("FETCH", str(uid), "(BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                return bytes(part[1])
        return None


def _uids(answer: tuple[str, list[bytes | None]]) -> list[int]:
    return sorted(int(uid) for part in answer[1] if part for uid in part.split())
