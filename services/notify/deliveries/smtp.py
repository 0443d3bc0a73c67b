"""The relay: where it is, and one connection to it that sends mail after mail."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notify.deliveries.mail import needs_smtputf8
from services.notify.deliveries.rules import Outcome, outcome_of, without_addresses

PORTS = {"smtp": 25, "smtps": 465}
SERVICE_CLOSES = 421


class Unreachable(Exception):
    """The relay cannot be used now: no connection, no greeting, no TLS, no login. It is no mail's fault."""


@dataclass(frozen=True, slots=True)
class Relay:
    """`smtp[s]://user:password@host:port?starttls=required|never` (user and password percent-encoded).

    Over `smtp` TLS is started when the relay offers it; `required` insists, `never` does not ask. Certificates are
    always checked. `timeout` in seconds, for each step.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    starttls: bool | None = None
    timeout: float = 30.0

    @classmethod
    def parse(cls, url: str, timeout: float = 30.0) -> Relay:
        """Raises ValueError that says what is wrong and does not repeat the password."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("expected smtp[s]://[user:password@]host[:port][?starttls=required|never]")
        options = parse_qs(parts.query, keep_blank_values=True)
        if set(options) - {"starttls"}:
            raise ValueError(f"unknown option {min(set(options) - {'starttls'})!r}: only starttls is known")
        wanted = options.get("starttls", ["offered"])[-1]
        if wanted not in {"required", "offered", "never"}:
            raise ValueError(f"starttls is required, offered or never, not {wanted!r}")
        if parts.scheme == "smtps" and "starttls" in options:
            raise ValueError("smtps speaks TLS from the first byte: leave starttls out")
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=parts.scheme == "smtps",
            starttls={"required": True, "offered": None, "never": False}[wanted] if parts.scheme == "smtp" else False,
            timeout=timeout,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def connection(self, local_hostname: str) -> SMTP:
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.tls,
            start_tls=self.starttls,
            timeout=self.timeout,
            local_hostname=local_hostname,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt came to; `reason` repeats the relay's words, without addresses."""

    outcome: Outcome
    code: int | None
    reason: str


class Lane:
    """One connection, opened at the first mail, kept for the next ones, opened again when it is lost."""

    def __init__(self, relay: Relay, local_hostname: str) -> None:
        self.relay, self.local_hostname = relay, local_hostname
        self.smtp: SMTP | None = None

    async def connected(self) -> SMTP:
        """Raises Unreachable."""
        if self.smtp is not None and self.smtp.is_connected:
            return self.smtp
        smtp = self.relay.connection(self.local_hostname)
        try:
            await smtp.connect()
        except (SMTPException, OSError) as error:
            smtp.close()
            raise Unreachable(without_addresses(f"{self.relay}: {error or type(error).__name__}")) from error
        self.smtp = smtp
        return smtp

    async def send(self, sender: str, to: str, message: bytes) -> Answer:
        """One mail transaction. Raises Unreachable only when the relay has surely not seen the mail.

        A kept connection may have died unnoticed: what breaks before the text is handed over is begun again, once.
        """
        for last in (False, True):
            smtp = await self.connected()
            try:
                await self._envelope(smtp, sender, to)
                break
            except (SMTPServerDisconnected, OSError) as error:
                self.abandon()
                if last:
                    return Answer(Outcome.BROKEN, None, without_addresses(str(error) or type(error).__name__))
            except SMTPResponseException as error:
                return await self._refused(error.code, error.message)
            except (SMTPNotSupported, ValueError) as error:
                return Answer(Outcome.REFUSED, None, without_addresses(str(error)))
        try:
            reply = await smtp.data(message)
        except SMTPResponseException as error:
            return await self._refused(error.code, error.message)
        except (SMTPException, OSError) as error:
            self.abandon()
            return Answer(Outcome.BROKEN, None, without_addresses(str(error) or type(error).__name__))
        return Answer(Outcome.ACCEPTED, reply.code, without_addresses(reply.message))

    async def _envelope(self, smtp: SMTP, sender: str, to: str) -> None:
        """`SMTP.sendmail` does this too, and for each mail parses both addresses again and counts its bytes."""
        if needs_smtputf8(to):
            if not smtp.supports_extension("smtputf8"):
                raise SMTPNotSupported("the address needs SMTPUTF8, which the relay does not offer")
            await smtp.mail(sender, options=["SMTPUTF8", "BODY=8BITMIME"], encoding="utf-8")
            await smtp.rcpt(to, encoding="utf-8")
        else:
            await smtp.mail(sender)
            await smtp.rcpt(to)

    async def _refused(self, code: int, message: str) -> Answer:
        if code < 400:  # no SMTP reply at all: what answers there is out of step with us
            self.abandon()
            return Answer(Outcome.BROKEN, None, without_addresses(message))
        if code == SERVICE_CLOSES:
            self.abandon()
        elif self.smtp is not None:
            await self._forget_envelope(self.smtp)
        return Answer(outcome_of(code), code, without_addresses(message))

    async def _forget_envelope(self, smtp: SMTP) -> None:
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            self.abandon()

    def abandon(self) -> None:
        if self.smtp is not None:
            self.smtp.close()
        self.smtp = None

    async def close(self) -> None:
        """Say goodbye as RFC 5321 asks; a relay that does not answer is left anyway."""
        if self.smtp is not None and self.smtp.is_connected:
            try:
                await self.smtp.quit(timeout=2)
            except (SMTPException, OSError):
                self.abandon()
        self.abandon()
