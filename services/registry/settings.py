"""The variables of the registry, beyond those that every service has."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.registry.pacts.sealing import Vault, vault
from shared.access.jwks import read_private
from shared.access.oidc import Provider
from shared.runtime.settings import ServiceSettings


def _key(path: Path) -> Path:
    try:
        read_private(path)
    except (OSError, ValueError, JoseError) as error:
        raise ValueError(f"no private JWK can be read from it ({type(error).__name__})") from error
    return path


def _keys(text: str) -> str:
    vault(text)
    return text


class OidcProvider(BaseModel):
    """A provider with which people may sign in. `admins` are the subjects who administer the whole platform."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    title: str
    issuer: str
    client_id: str
    jwks: str
    client_secret: str | None = Field(default=None, repr=False)
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    scope: str = "openid email"
    admins: tuple[str, ...] = ()


class Settings(ServiceSettings):
    signing_key_file: Annotated[Path, AfterValidator(_key)]
    """The private key (one JWK, P-256) with which the registry signs tokens; `jwks_file` has its public part."""
    pact_keys: Annotated[str, AfterValidator(_keys)] = Field(repr=False)
    """The master keys of what is written about people in pacts: a JWK set of symmetric 256-bit keys, the first of which
    wraps the pacts' own keys; the others, replaced ones, only unwrap. Usually `TRAMA_PACT_KEYS_FILE`."""
    oidc_providers: tuple[OidcProvider, ...] = ()
    """JSON: a list of objects with name, title, issuer, client_id, jwks (a file or URL), and for signing in with a
    browser client_secret, authorization_endpoint, token_endpoint; `admins` lists subjects."""
    sign_in_minutes: int = Field(default=20, ge=1, le=1440)
    """How long a mailed link may be used."""
    token_minutes: int = Field(default=60, ge=1, le=720)

    @cached_property
    def signing_key(self) -> ECKey:
        return read_private(self.signing_key_file)

    @cached_property
    def pact_vault(self) -> Vault:
        return vault(self.pact_keys)

    @cached_property
    def providers(self) -> dict[str, Provider]:
        return {given.name: Provider(**given.model_dump(exclude={"admins"})) for given in self.oidc_providers}

    @cached_property
    def administrators(self) -> frozenset[tuple[str, str]]:
        """(issuer, subject) of the platform's administrators."""
        return frozenset((given.issuer, subject) for given in self.oidc_providers for subject in given.admins)
