"""Who tells whom: streams, consumers, and exactly what each NATS user may do. Everything here is data or made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from shared.messaging.handlers import Kind

SERVICES = ("registry", "mapping", "events", "learning", "notify")

PROJECTS: tuple[Kind, ...] = ("projections",)
REACTS: tuple[Kind, ...] = ("reactions",)
BOTH: tuple[Kind, ...] = ("projections", "reactions")

LISTENS: Mapping[str, Mapping[str, tuple[Kind, ...]]] = {
    "registry": {"events": BOTH, "mapping": BOTH, "learning": REACTS, "notify": REACTS},
    "mapping": {"registry": BOTH, "events": REACTS, "learning": PROJECTS},
    "events": {"registry": BOTH, "mapping": PROJECTS, "learning": PROJECTS, "notify": REACTS},
    "learning": {"registry": BOTH, "mapping": PROJECTS, "events": BOTH},
    "notify": {"registry": BOTH, "mapping": BOTH, "events": BOTH, "learning": BOTH},
}
"""Whose facts each service is given, and for what. Facts are delivered once for each kind, so reactions are named only
where there are any; a service that gets its first one adds it here, and it begins at that moment."""

PROVISIONING = "provisioning"
ERASURE = "erasure"
USERS = (*SERVICES, PROVISIONING, ERASURE)

BATCH = 500
"""Facts in one atomic publish and in one fetch (JetStream takes at most 1,000)."""
ACK_WAIT = 10.0
"""Seconds after which an unacknowledged fact is delivered again; a longer batch says that it is in progress."""
DUPLICATES = 120.0
"""Seconds in which the stream discards a message id that it has."""


class DestructiveChange(Exception):
    """A stream exists with something that this topology would take away."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer: what `service` hears of `source`."""

    service: str
    source: str
    kind: Kind

    @property
    def name(self) -> str:
        return f"{self.service}-{self.source}-{self.kind}"

    @property
    def stream(self) -> str:
        return stream(self.source)

    def config(self) -> ConsumerConfig:
        """Projections read from the beginning; a new reaction begins now, or it would send mails about the past."""
        return ConsumerConfig(
            durable_name=self.name,
            deliver_policy=DeliverPolicy.ALL if self.kind == "projections" else DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT,
            max_deliver=-1,
            max_ack_pending=4 * BATCH,
        )


def stream(service: str) -> str:
    return service.upper()


def inbox(user: str) -> str:
    """The prefix of the subjects on which a user gets answers; nobody else may listen there."""
    return f"_INBOX.{user}"


def consumers(service: str) -> tuple[Consumer, ...]:
    return tuple(Consumer(service, source, kind) for source, kinds in LISTENS[service].items() for kind in kinds)


def all_consumers() -> Iterator[Consumer]:
    for service in SERVICES:
        yield from consumers(service)


def stream_config(service: str, replicas: int) -> StreamConfig:
    """Without limits of age or size; messages can be deleted one by one (erasure), never purged."""
    return StreamConfig(
        name=stream(service),
        subjects=[f"{service}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msgs=-1,
        max_bytes=-1,
        max_age=0,
        duplicate_window=DUPLICATES,
        allow_atomic=True,
        allow_direct=True,
        deny_purge=True,
    )


async def provision(js: JetStreamContext, replicas: int = 1) -> None:
    """Create the streams and consumers that are missing and align the others; done again it changes nothing.

    Needs the provisioning user. Raises DestructiveChange when a stream would lose subjects or change its retention.
    """
    for service in SERVICES:
        await _provision_stream(js, stream_config(service, replicas))
    for consumer in all_consumers():
        await provision_consumer(js, consumer)


async def _provision_stream(js: JetStreamContext, wanted: StreamConfig) -> None:
    assert wanted.name is not None
    try:
        found = (await js.stream_info(wanted.name)).config
    except NotFoundError:
        await js.add_stream(wanted)
        return
    lost = set(found.subjects or ()) - set(wanted.subjects or ())
    if lost or found.retention != wanted.retention or found.storage != wanted.storage:
        raise DestructiveChange(f"stream {wanted.name} has {sorted(found.subjects or ())}, {found.retention}")
    if any(getattr(found, name) != getattr(wanted, name) for name in _ALIGNED):
        await js.update_stream(wanted)


_ALIGNED = ("subjects", "num_replicas", "max_msgs", "max_bytes", "max_age", "duplicate_window", "allow_atomic")


async def provision_consumer(js: JetStreamContext, consumer: Consumer) -> None:
    wanted = consumer.config()
    try:
        found = (await js.consumer_info(consumer.stream, consumer.name)).config
    except NotFoundError:
        await js.add_consumer(consumer.stream, wanted)
        return
    if (found.ack_wait, found.max_ack_pending) != (wanted.ack_wait, wanted.max_ack_pending):
        wanted.deliver_policy = found.deliver_policy  # it cannot be changed afterwards, nor need it be
        await js.add_consumer(consumer.stream, wanted)


def permissions(user: str) -> tuple[list[str], list[str]]:
    """(subjects it may publish to, subjects it may subscribe to). A wildcard stands for a whole token only, so every
    consumer is named."""
    if user == PROVISIONING:
        allowed = [
            "$JS.API.INFO",
            *(f"$JS.API.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "INFO")),
            *(f"$JS.API.CONSUMER.{verb}.*.*" for verb in ("INFO", "DELETE", "CREATE")),
            "$JS.API.CONSUMER.CREATE.*.*.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.*.*",
        ]
    elif user == ERASURE:
        allowed = [f"$JS.API.STREAM.{verb}.*" for verb in ("INFO", "MSG.GET", "MSG.DELETE")]
    else:
        allowed = [f"{user}.>", f"$JS.API.STREAM.INFO.{stream(user)}"]
        for c in consumers(user):
            allowed += [
                f"$JS.API.CONSUMER.INFO.{c.stream}.{c.name}",
                f"$JS.API.CONSUMER.MSG.NEXT.{c.stream}.{c.name}",
                f"$JS.ACK.{c.stream}.{c.name}.>",
            ]
    return allowed, [f"{inbox(user)}.>"]


def server_config(
    passwords: Mapping[str, str],
    store_dir: Path | str,
    port: int = 4222,
    http_port: int = 8222,
    host: str = "127.0.0.1",
    extra: str = "",
) -> str:
    """nats-server.conf with one user for each of USERS; `passwords` by user name (text or `$VARIABLE`).

    `sync_interval: always`: an acknowledgement means on disk. `extra` is appended (a cluster, TLS).
    """
    users = "\n".join(_user(name, passwords[name]) for name in USERS)
    return f"""\
listen: "{host}:{port}"
http: "{host}:{http_port}"
max_payload: 1MB
jetstream {{ store_dir: "{store_dir}", sync_interval: always }}
authorization {{
  users: [
{users}
  ]
}}
{extra}"""


def _user(name: str, password: str) -> str:
    publish, subscribe = permissions(name)
    secret = password if password.startswith("$") else f'"{password}"'
    return (
        f'    {{ user: "{name}", password: {secret}, permissions: {{\n'
        f"      publish: [{_quoted(publish)}]\n"
        f"      subscribe: [{_quoted(subscribe)}]\n"
        f"    }} }}"
    )


def _quoted(subjects: list[str]) -> str:
    return ", ".join(f'"{subject}"' for subject in subjects)
