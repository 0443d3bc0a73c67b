"""Learning's variables (`TRAMA_…`), besides those of every service; a bad one stops the start and is named."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AfterValidator, Field, model_validator

from services.learning.documents.kinds import LARGEST
from services.learning.documents.store import documents_kept_at
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

    document_store: Annotated[str, AfterValidator(documents_kept_at)] = Field(repr=False)
    """Where the files of documents are: a folder, or a bucket (`s3://bucket/prefix?endpoint=https://…&region=…`)."""
    document_store_key: str | None = Field(default=None, repr=False)
    document_store_secret: str | None = Field(default=None, repr=False)
    """Of the bucket; without them what the machine itself may do."""
    max_upload: int = Field(default=LARGEST + (1 << 20), ge=1)

    @model_validator(mode="after")
    def _key_with_its_secret(self) -> Self:
        if (self.document_store_key is None) != (self.document_store_secret is None):
            raise ValueError("TRAMA_DOCUMENT_STORE_KEY: goes with TRAMA_DOCUMENT_STORE_SECRET, and not without it")
        return self

    @cached_property
    def badge_key(self) -> ECKey:
        return read_private(self.badge_key_file)
