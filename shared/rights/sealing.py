"""Parts of an archive that only one key opens: that of the request, which is destroyed with the archive.

Compact JWE, ECDH-ES+A256KW with A256GCM on P-256: each part has a key of its own, wrapped for the request's. When the
request's private key is gone, what the streams and backups keep of the parts can be opened by nobody.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from joserfc import jwe
from joserfc.jwk import ECKey

ALGORITHMS = ["ECDH-ES+A256KW", "A256GCM"]
HEADER = {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1]}
PART = 40_000
"""Bytes of a part before it is sealed; sealed it has 54,000 characters, and a fact may have 64 kB."""
LARGEST = 256 << 20
"""Bytes of one service's document, opened: more is no honest answer."""


def new_key() -> tuple[str, str]:
    """(private, public) JWK as JSON."""
    key = ECKey.generate_key("P-256")
    return json.dumps(key.as_dict(private=True)), json.dumps(key.as_dict(private=False))


def sealed(document: Any, public_key: str) -> Iterator[str]:
    """The document in parts, at least one. What is no JSON (days, ids, instants) is written as text."""
    data = zlib.compress(orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS))
    key = ECKey.import_key(json.loads(public_key))
    for start in range(0, len(data), PART):
        yield jwe.encrypt_compact(HEADER, data[start : start + PART], key, algorithms=ALGORITHMS)


def opened(parts: Sequence[str], private_key: str) -> Any:
    """The document of all parts in their order. Raises JoseError (joserfc) for a part that another key sealed, and
    ValueError for what is no document."""
    key = ECKey.import_key(json.loads(private_key))
    data = b"".join(jwe.decrypt_compact(part, key, algorithms=ALGORITHMS).plaintext or b"" for part in parts)
    reader = zlib.decompressobj()
    try:
        document = reader.decompress(data, LARGEST)
    except zlib.error as error:
        raise ValueError("not a document") from error
    if not reader.eof:
        raise ValueError("a document without an end, or one that is too large")
    return orjson.loads(document)
