"""The floors of a command: the same rows into the same tables, over the same HTTP server, without our code.

`python -m tests.bench.plain fastapi|asyncpg PORT DATABASE_URL`
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import BigInteger, DateTime, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

TYPE = "trama.registry.person.registered.v1"
POOL = 10
"""Connections, as many as a service of ours has by default."""


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[Any] = {datetime: DateTime(timezone=True), dict[str, str]: JSONB}


class Person(Base):
    __tablename__ = "people"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    network_id: Mapped[UUID]
    given_name: Mapped[str]
    family_name: Mapped[str]
    language: Mapped[str]
    email: Mapped[str | None]
    version: Mapped[int]


class Known(Base):
    __tablename__ = "known_people"
    network_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)


class Log(Base):
    __tablename__ = "log"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID]
    type: Mapped[str]
    subject: Mapped[str]
    aggregate_id: Mapped[UUID]
    version: Mapped[int]
    network_id: Mapped[UUID]
    headers: Mapped[dict[str, str]]
    body: Mapped[str]
    occurred_at: Mapped[datetime]


class Body(BaseModel):
    given_name: str
    family_name: str
    email: str


class Out(Body):
    id: UUID
    version: int


def fastapi(url: str) -> FastAPI:
    """FastAPI, a pydantic body, one SQLAlchemy session, three objects, a commit, a pydantic answer."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=POOL, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, bool]:
        return {"live": True}

    @app.post("/networks/{network}/people", status_code=201, response_model=Out)
    async def register(network: UUID, body: Body) -> Out:
        id_ = uuid7()
        out = Out(id=id_, version=1, **body.model_dump())
        async with sessions() as session:
            session.add(Person(id=id_, network_id=network, language="it", version=1, **body.model_dump()))
            await session.flush()  # the foreign key of the next
            session.add(Known(network_id=network, person_id=id_))
            session.add(
                Log(
                    id=uuid7(),
                    type=TYPE,
                    subject=f"registry.person.{id_}.registered",
                    aggregate_id=id_,
                    version=1,
                    network_id=network,
                    headers={"correlationid": str(id_)},
                    body=out.model_dump_json(),
                    occurred_at=datetime.now(UTC),
                )
            )
            await session.commit()
        return out

    return app


class Bare:
    """ASGI and asyncpg, nothing else."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            async with self.pool(receive, send):
                return
        if scope["method"] == "GET":
            await self.answer(send, 200, b'{"live":true}')
            return
        message = await receive()
        await self.answer(
            send, 201, await self.register(UUID(scope["path"].split("/")[2]), orjson.loads(message["body"]))
        )

    @asynccontextmanager
    async def pool(self, receive: Any, send: Any) -> AsyncIterator[None]:
        await receive()
        async with asyncpg.create_pool(self.url, min_size=POOL, max_size=POOL) as self.connections:
            await send({"type": "lifespan.startup.complete"})
            await receive()
            yield
        await send({"type": "lifespan.shutdown.complete"})

    async def answer(self, send: Any, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def register(self, network: UUID, body: dict[str, str]) -> bytes:
        id_ = uuid7()
        out = orjson.dumps({"id": str(id_), "version": 1, **body})
        async with self.connections.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into people (id, network_id, given_name, family_name, language, email, version)"
                " values ($1, $2, $3, $4, 'it', $5, 1)",
                id_, network, body["given_name"], body["family_name"], body["email"],
            )  # fmt: skip
            await connection.execute("insert into known_people (network_id, person_id) values ($1, $2)", network, id_)
            await connection.execute(
                "insert into log (id, type, subject, aggregate_id, version, network_id, headers, body, occurred_at)"
                " values ($1, $2, $3, $4, 1, $5, $6, $7, $8)",
                uuid7(), TYPE, f"registry.person.{id_}.registered", id_, network,
                json.dumps({"correlationid": str(id_)}), out.decode(), datetime.now(UTC),
            )  # fmt: skip
        return out


def main() -> None:
    kind, port, url = sys.argv[1:]
    app: Any = fastapi(url) if kind == "fastapi" else Bare(url)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main()
