"""compose.yaml against the code that it starts: nothing here needs a container engine."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import operate
from shared.messaging import topology
from shared.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = ("compose.yaml", "compose.trial.yaml")
PUBLIC = {"registry-jwks.json", "links-jwks.json"}
OPERATIONS = {"provisioning-nats-url", "erasure-nats-url"}
LASTING = {*topology.SERVICES, "gateway", "nats", "postgres", "mail"}
SERVICES = sorted(topology.SERVICES)


def interpolated(text: str) -> str:
    """As compose reads it with an empty environment: defaults, and the message of what is required."""
    return re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", text).replace("$$", "$")


def parsed(name: str) -> Any:
    return yaml.safe_load(interpolated((DEPLOY / name).read_text()))


COMPOSE = parsed("compose.yaml")
PARTS: dict[str, Any] = COMPOSE["services"]
RUN = {name: part for name, part in PARTS.items() if "extends" not in part}


def sources(part: Any) -> dict[str, str]:
    """Secret -> the absolute path at which the container sees it."""
    found = {}
    for secret in part.get("secrets", []):
        source = secret if isinstance(secret, str) else secret["source"]
        target = source if isinstance(secret, str) else secret.get("target", source)
        found[source] = target if target.startswith("/") else f"/run/secrets/{target}"
    return found


def test_every_service_of_the_topology_is_run_migrated_and_operated() -> None:
    for service in SERVICES:
        part, migration, operation = PARTS[service], PARTS[f"migrate-{service}"], PARTS[f"operate-{service}"]
        assert part["image"] == migration["image"] == f"trama-{service}:0.1.0"
        assert part["build"]["args"]["SERVICE"] == service
        assert migration["command"] == ["migrate"]
        assert operation["extends"] == {"service": f"migrate-{service}"}
        assert operation["profiles"] == ["operations"]
    assert {part["build"]["args"]["SERVICE"] for part in RUN.values() if "build" in part} == set(SERVICES)


def test_a_service_starts_after_its_migration_and_the_streams() -> None:
    done = {"condition": "service_completed_successfully"}
    for service in SERVICES:
        assert PARTS[service]["depends_on"] == {f"migrate-{service}": done, "provision": done}
        assert PARTS[f"migrate-{service}"]["depends_on"] == {"databases": done}
    assert PARTS["databases"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert PARTS["provision"]["depends_on"] == {"nats": {"condition": "service_healthy"}}
    assert "depends_on" not in PARTS["gateway"]


def test_the_version_is_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"ARG VERSION={version}\n" in (DEPLOY / "Dockerfile").read_text()
    assert f"TRAMA_VERSION={version}\n" in (DEPLOY / ".env.example").read_text()
    ours = {part["image"].split(":")[1] for part in RUN.values() if part["image"].startswith("trama-")}
    assert ours == {version}


@pytest.mark.parametrize("file", FILES)
def test_every_image_is_pinned_to_a_version(file: str) -> None:
    for name, part in parsed(file)["services"].items():
        if "image" in part:
            tag = part["image"].partition(":")[2]
            assert re.match(r"\d", tag), f"{name}: {part['image']}"


@pytest.mark.parametrize("name", [*RUN, "mail"])
def test_everything_is_hardened(name: str) -> None:
    part = RUN.get(name) or parsed("compose.trial.yaml")["services"][name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "devices"} & part.keys()
    assert part["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    # Root only for the one that gives a new volume away, and with that capability alone; the gateway's is a file's.
    assert part.get("cap_add", []) == {"nats-volume": ["CHOWN"], "gateway": ["NET_BIND_SERVICE"]}.get(name, [])
    if not part["image"].startswith("trama-"):  # ours say it themselves: test_images
        assert part["user"] == "0:0" if name == "nats-volume" else re.fullmatch(r"[1-9]\d*:[1-9]\d*", part["user"])


@pytest.mark.parametrize("name", sorted(LASTING - {"mail"}))
def test_what_lasts_is_started_again_checked_and_given_time_to_end(name: str) -> None:
    part = PARTS[name]
    assert part["restart"] == "unless-stopped"
    assert part["healthcheck"]["test"][0] == "CMD"
    grace = int(part["stop_grace_period"].removesuffix("s"))
    drain = ServiceSettings.model_fields["drain"].default
    assert grace >= (2 * drain if name in SERVICES else 15)


def test_only_the_gateway_and_the_desk_for_calendars_are_reached_and_only_from_this_host_unless_said() -> None:
    assert {name: part["ports"] for name, part in PARTS.items() if "ports" in part} == {
        "gateway": ["127.0.0.1:8080:8080"],
        "notify": ["127.0.0.1:8024:8024"],
    }
    assert {name for name, network in COMPOSE["networks"].items() if network.get("internal")} == {
        "edge",
        "stores",
        "facts",
    }


def test_the_networks_keep_the_gateway_from_the_stores() -> None:
    members: dict[str, set[str]] = {}
    for name, part in PARTS.items():
        for network in part.get("networks", []):
            members.setdefault(network, set()).add(name)
    operated = {f"operate-{service}" for service in SERVICES}
    migrated = {f"migrate-{service}" for service in SERVICES}
    assert members == {
        "front": {"gateway"},
        "edge": {"gateway", *SERVICES},
        "outside": {"registry", "notify"},
        "stores": {"postgres", "databases", *SERVICES, *migrated, *operated},
        "facts": {"nats", "provision", *SERVICES, *operated},
    }


def test_every_secret_is_made_and_nothing_is_made_for_nobody(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, "smtp://mail:1025?starttls=never")
    declared = {name: entry["file"] for name, entry in COMPOSE["secrets"].items()}
    assert declared == {path.name: f"./secrets/{path.name}" for path in tmp_path.iterdir()}
    used = {source for part in PARTS.values() for source in sources(part)}
    assert used == set(declared)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_its_own_secrets_only(service: str) -> None:
    own = sources(PARTS[service])
    signs = {"registry": {"registry-key.json"}, "notify": {"links-key.json"}}.get(service, set())
    assert {source for source in own if not source.startswith(f"{service}-")} - signs <= PUBLIC
    assert sources(PARTS[f"migrate-{service}"]) == own
    assert set(sources(PARTS[f"operate-{service}"])) == OPERATIONS


def given_to(name: str, secrets: Path) -> dict[str, str]:
    """The environment of a part, its secrets being where they were made."""
    paths = {target: str(secrets / source) for source, target in sources(PARTS[name]).items()}
    return {key: paths.get(value, value) for key, value in PARTS[name]["environment"].items()}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_it_is_told(service: str, tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, "smtp://mail:1025?starttls=never")
    given = given_to(service, tmp_path)
    if "TRAMA_MAIL_FROM" in given:
        given["TRAMA_MAIL_FROM"] = "Trama <no-reply@trama.example>"
    settings = importlib.import_module(f"services.{service}.settings").Settings.load(given)
    assert settings.profile == "production"
    assert settings.database_url.startswith(f"postgresql://{service}:")
    assert settings.database_url.endswith(f"@postgres/{service}")
    assert settings.nats_url.startswith(f"nats://{service}:")
    assert Path(settings.jwks_file).exists()
    assert Path(settings.link_jwks_file).exists()


@pytest.mark.parametrize("service", SERVICES)
def test_no_variable_is_misspelt(service: str) -> None:
    fields = importlib.import_module(f"services.{service}.settings").Settings.model_fields
    known = {f"TRAMA_{field}".upper() for field in fields} | {f"TRAMA_{field}_FILE".upper() for field in fields}
    trial = parsed("compose.trial.yaml")["services"][service]["environment"]
    operating = PARTS[f"operate-{service}"]["environment"]
    assert {*PARTS[service]["environment"], *trial, *operating} <= known


@pytest.mark.parametrize("file", FILES)
def test_every_mounted_file_is_in_the_repository(file: str) -> None:
    made = {"./secrets", "../.trama/trial"}  # by `tools secrets` and by `python -m deploy.trial`
    volumes = parsed(file)["volumes"]
    for name, part in parsed(file)["services"].items():
        for volume in part.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert source in made or (DEPLOY / source).exists(), f"{name}: {volume}"
                assert mode == ["ro"] or source == "./secrets", f"{name} could write {source}"
            else:
                assert source in volumes, f"{name}: {volume}"


def test_what_is_run_from_a_mount_is_there() -> None:
    assert PARTS["gateway"]["command"][-1] == "/srv/gateway/Caddyfile"
    assert (DEPLOY / "gateway" / "Caddyfile").exists()
    assert PARTS["databases"]["entrypoint"][-1] == "/srv/postgres/databases.sh"
    assert (DEPLOY / "postgres" / "databases.sh").exists()


def test_the_gateways_defaults_are_the_services_of_compose() -> None:
    caddyfile = (DEPLOY / "gateway" / "Caddyfile").read_text()
    port = re.search(r"TRAMA_HTTP_PORT=(\d+)", (DEPLOY / "Dockerfile").read_text())
    assert port
    found = re.findall(r"import service ([\w-]+) \{\$TRAMA_GATEWAY_(\w+):([\w:]+)\}", caddyfile)
    assert all(host == f"{service.lower()}:{port[1]}" for _, service, host in found)
    first = {path: service.lower() for path, service, _ in found}
    pages = {"sign-in": "registry", "sign-out": "registry", "desk": "registry", "atlas": "mapping"}
    pages |= {"campaigns": "learning"}
    assert first == {service: service for service in topology.SERVICES} | pages
    told = {*PARTS["gateway"]["environment"], *parsed("compose.trial.yaml")["services"]["gateway"]["environment"]}
    for variable in told - {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}:
        assert f"{{${variable}:" in caddyfile, variable


def test_databases_are_made_for_every_service() -> None:
    assert set(sources(PARTS["databases"])) == {"postgres-password", *(f"{name}-database-url" for name in SERVICES)}


@pytest.mark.parametrize("file", FILES)
def test_no_word_is_taken_for_a_boolean_and_no_value_for_a_number(file: str) -> None:
    """Old readers of YAML take y, n, on and off for booleans; an unquoted environment value is a number to some."""
    text = (DEPLOY / file).read_text()
    for event in yaml.parse(text):
        if isinstance(event, yaml.ScalarEvent) and event.style is None:
            assert event.value.lower() not in {"y", "n", "yes", "no", "on", "off"}, event.start_mark
    for name, part in parsed(file)["services"].items():
        for variable, value in part.get("environment", {}).items():
            assert isinstance(value, str), f"{name}: {variable}"


def test_the_example_of_variables_names_those_that_are_read() -> None:
    named = set(re.findall(r"^#? ?(TRAMA_\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    read = set(re.findall(r"\$\{(TRAMA_\w+)", "".join((DEPLOY / file).read_text() for file in FILES)))
    assert named <= read
    assert set(re.findall(r"\$\{(TRAMA_\w+):\?", (DEPLOY / "compose.yaml").read_text())) <= named
    documented = set(re.findall(r"`(TRAMA_\w+)`", (DEPLOY / "README.md").read_text()))
    assert read <= documented
