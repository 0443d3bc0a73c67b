"""An upload as it comes: when it is over is known before its last part is judged."""

from __future__ import annotations

from typing import Any

import pytest
from obstore.store import MemoryStore
from starlette.requests import Request

from services.learning.documents.kinds import EICAR
from services.learning.documents.rules import HarmfulFile
from services.learning.documents.store import Store
from services.learning.documents.uploads import Upload

FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + EICAR + b"\r\n--x--\r\n"


async def test_what_is_refused_in_its_last_part_is_answered_without_waiting_for_more() -> None:
    """A server that is asked for more after the last part answers when the client has gone."""
    messages = [{"type": "http.request", "body": FORM, "more_body": False}]

    async def receive() -> Any:
        assert messages, "nothing is read after the last part"
        return messages.pop()

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"multipart/form-data; boundary=x")]}
    with pytest.raises(HarmfulFile):
        await Upload(Store(MemoryStore())).take(Request(scope, receive))
