"""Who has earned a credential hears of it, and that it was revoked."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.learning import CredentialIssued, CredentialRevoked
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)


async def test_a_holder_hears_of_the_credential_and_of_its_end(room: Network, tmp_path: Path) -> None:
    person = room.person(given_name="Mary", language="en")
    issued = CredentialIssued(
        id=uuid7(), version=1, network_id=room.id, achievement_id=uuid7(), title="Facilitatrice", person_id=person.id,
        issued_on=date(2026, 1, 2), expires_on=date(2099, 1, 2), state="issued",
    )  # fmt: skip
    await room.running.tell(issued, person)
    (mail,) = await room.mails(person)
    assert mail.message["Subject"] == f"Your credential: Facilitatrice – {TITLE}"
    assert "Valid until:  January 1, 2099 included" in mail.text.splitlines()
    link = await room.link(mail.text, "/learning/v1/credentials/link", "credential", tmp_path)
    assert (link.subject, link.claims) == (issued.id, {"person": str(person.id)})
    await room.running.tell(then(issued, CredentialRevoked, state="revoked"))
    (_, mail) = await room.mails(person, 2)
    assert mail.message["Subject"] == f"Credential revoked: Facilitatrice – {TITLE}"
    assert "/learning/" not in mail.text
