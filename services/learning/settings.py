"""Learning's variables (`TRAMA_…`), besides those of every service; a bad one stops the start and is named."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AfterValidator

from shared.access.jwks import read_private
from shared.runtime.settings import ServiceSettings


def _badge_key(path: Path) -> Path:
    try:
        key = ECKey.import_key(json.loads(path.read_text()))
    except (OSError, ValueError, JoseError) as error:
        raise ValueError(f"cannot read a private key (JWK, P-256) from {path}: {type(error).__name__}") from None
    if not key.is_private or key.curve_name != "P-256":
        raise ValueError(f"{path} holds another kind of key; credentials are signed with a private one of P-256")
    return path


class Settings(ServiceSettings):
    badge_key_file: Annotated[Path, AfterValidator(_badge_key)]
    """The private key (JWK) that signs credentials. Another one may take its place at any time: the public keys that
    were ever used are kept, and published with it."""

    @cached_property
    def badge_key(self) -> ECKey:
        return read_private(self.badge_key_file)
