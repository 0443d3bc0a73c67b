"""Settings of a service, from variables `TRAMA_…`; a bad one stops the start and is named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

PREFIX = "TRAMA_"


class SettingsError(Exception):
    """One line per bad variable: its name and what is wrong, never its value, which may be a secret."""


def _postgresql(url: str) -> str:
    if not url.startswith(("postgresql://", "postgresql+asyncpg://")):
        raise ValueError("must start with postgresql://")
    return url


def _nats(url: str) -> str:
    if not all(server.startswith(("nats://", "tls://")) for server in url.split(",")):
        raise ValueError("must start with nats:// or tls:// (several servers: with commas)")
    return url


def _nats_or_none(url: str | None) -> str | None:
    return None if url is None else _nats(url)


class ServiceSettings(BaseSettings):
    """What every service needs. A service adds its own fields in a subclass; the variable is `TRAMA_` + FIELD, or
    `TRAMA_` + FIELD + `_FILE` for a file that holds its value, as deployments mount their secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: Annotated[str, AfterValidator(_postgresql)] = Field(repr=False)
    nats_url: Annotated[str, AfterValidator(_nats)] = Field(repr=False)
    provisioning_nats_url: Annotated[str | None, AfterValidator(_nats_or_none)] = Field(default=None, repr=False)
    """For `rebuild` and `resume` only: the NATS user that makes streams and consumers."""
    erasure_nats_url: Annotated[str | None, AfterValidator(_nats_or_none)] = Field(default=None, repr=False)
    """For `erase` only: the NATS user that may delete messages."""
    profile: Literal["local", "production"] = "production"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = "http://127.0.0.1:8080"
    """Where callers reach the gateway; the issuer of tokens is `<public_url>/registry`."""
    forwarded_allow_ips: str = "127.0.0.1"
    """Proxies whose X-Forwarded-For is believed."""
    jwks_file: str | None = None
    """The registry's public keys: a file or a URL; without it only API keys are accepted."""
    link_jwks_file: str | None = None
    """Notify's public keys, for signed links: a file or a URL."""
    clock_file: Path | None = None
    """The settable clock; only in the local profile."""
    otlp_endpoint: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: int = Field(default=10, ge=1, le=200)
    pool_timeout: float = Field(default=5, gt=0)
    statement_timeout: float = Field(default=30, gt=0)
    """Seconds until a statement is given up: a frozen database must not hang callers."""
    lock_timeout: float = Field(default=10, gt=0)
    max_body: int = Field(default=1 << 20, ge=1)
    """Bytes of a request, except a multipart upload."""
    max_upload: int = Field(default=32 << 20, ge=1)
    rate_per_minute: int = Field(default=6000, ge=1)
    """Requests a minute of one signed-in person; a key has its own."""
    anonymous_per_minute: int = Field(default=600, ge=1)
    cors_origins: tuple[str, ...] = ()
    """Frontends that may call with a person's token; a key's origins are its own."""
    due_poll: float = Field(default=0.5, gt=0)
    territories_poll: float = Field(default=2, gt=0)
    """Seconds until a change of municipalities is seen by every process."""
    drain: float = Field(default=10, gt=0)
    """Seconds that running requests and batches get when the service is told to stop."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` reads the environment that it is given: several services share one parent

    @model_validator(mode="after")
    def _real_time_in_production(self) -> Self:
        if self.profile == "production" and self.clock_file is not None:
            raise ValueError(f"{PREFIX}CLOCK_FILE: the clock can be set in the local profile only")
        return self

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """From `env` (default: the process's); unknown variables are ignored. SettingsError names the bad ones."""
        source = EnvSettingsSource(cls)
        given = {k.lower(): v for k, v in (os.environ if env is None else env).items()}
        source.env_vars = given | _from_files(cls.model_fields, given)
        try:
            values: dict[str, Any] = source()
            return cls(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(_line(e["loc"], e["msg"]) for e in error.errors())) from None
        except PydanticSettingsError as error:  # it names the field in its text only
            field = re.search(r'field "(\w+)"', str(error))
            raise SettingsError(_line((field[1],) if field else (), 'is not JSON (a list: ["a", "b"])')) from None

    @property
    def issuer(self) -> str:
        return f"{self.public_url.rstrip('/')}/registry"


def _from_files(fields: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """The values that files hold, by lower-case variable."""
    found = {}
    for field in fields:
        name = f"{PREFIX}{field}".lower()
        path = given.get(f"{name}_file")
        if path is None or f"{field}_file" in fields:
            continue
        if name in given:
            raise SettingsError(_line((field,), f"also given by {name.upper()}_FILE: one of the two"))
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(_line((f"{field}_file",), f"cannot be read: {type(error).__name__}")) from None
    return found


def _line(loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(loc[0]).upper()}: {message}" if loc else message
