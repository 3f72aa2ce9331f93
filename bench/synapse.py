"""Synapse as the baseline: from .venv-synapse, with SQLite or PostgreSQL, its limits off as ours are."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PYTHON = Path(".venv-synapse/bin/python")
_RATE = "{per_second: 100000, burst_count: 100000}"
_START_S_MAX = 90


@dataclass(frozen=True)
class Running:
    """A baseline that answers at `url`; `pids` are its processes, the database's included."""

    name: str
    url: str
    pids: list[int]


@dataclass(frozen=True)
class Options:
    """`presence`: on, as both ship. `bcrypt_rounds`: 12 as shipped; fewer make the accounts of large rooms in
    minutes, and make it faster only where people log in.
    """

    presence: bool = True
    bcrypt_rounds: int = 12


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(folder: Path, port: int, database: str, options: Options) -> str:
    presence = "true" if options.presence else "false"
    return f"""
server_name: bench.local
pid_file: {folder}/synapse.pid
listeners:
  - {{port: {port}, bind_addresses: ['127.0.0.1'], type: http, tls: false, resources: [{{names: [client]}}]}}
database: {database}
log_config: {folder}/log.yaml
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
trusted_key_servers: []
report_stats: false
enable_registration: true
enable_registration_without_verification: true
presence: {{enabled: {presence}}}
bcrypt_rounds: {options.bcrypt_rounds}
macaroon_secret_key: bench
form_secret: bench
rc_message: {_RATE}
rc_registration: {_RATE}
rc_joins: {{local: {_RATE}, remote: {_RATE}}}
rc_joins_per_room: {_RATE}
rc_login: {{address: {_RATE}, account: {_RATE}, failed_attempts: {_RATE}}}
rc_invites: {{per_room: {_RATE}, per_user: {_RATE}, per_issuer: {_RATE}}}
"""


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """A PostgreSQL server of our own; (Synapse's database setting, pid)."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "postgres"
    data.mkdir()
    shutil.chown(data, "postgres")
    folder.chmod(0o755)
    port = _free_port()
    initdb = [str(programs[-1] / "initdb"), "-D", str(data), "-E", "UTF8", "--locale=C", "-A", "trust"]
    subprocess.run([*as_user, *initdb], check=True, stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        [
            *(*as_user, str(programs[-1] / "postgres"), "-D", str(data), "-p", str(port)),
            *("-c", "shared_buffers=1GB", "-c", f"unix_socket_directories={data}"),
        ],
        stderr=subprocess.DEVNULL,
    )
    psql = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", "CREATE DATABASE synapse"]
    for _ in range(200):
        if subprocess.run(psql, check=False, capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    try:
        arguments = f"user: postgres, dbname: synapse, host: 127.0.0.1, port: {port}, cp_min: 5, cp_max: 10"
        yield f"{{name: psycopg2, args: {{{arguments}}}}}", server.pid
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


@contextlib.contextmanager
def synapse(kind: str, options: Options) -> Iterator[Running]:
    """Synapse on `sqlite` or `postgresql`. Like ours it may use every core; the load has to share them."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pids = []
        if kind == "postgresql":
            database, pid = stack.enter_context(_postgres(folder))
            pids.append(pid)
        else:
            database = f"{{name: sqlite3, args: {{database: {folder}/homeserver.db}}}}"
        port = _free_port()
        (folder / "log.yaml").write_text("{version: 1, root: {level: WARNING}}")
        (folder / "homeserver.yaml").write_text(_config(folder, port, database, options))
        command = [str(PYTHON), "-m", "synapse.app.homeserver", "-c", str(folder / "homeserver.yaml")]
        subprocess.run([*command, "--generate-keys"], check=True)
        server = subprocess.Popen(command)
        stack.callback(_end, server)
        url = f"http://127.0.0.1:{port}"
        _wait(url, server)
        yield Running(f"synapse-{kind}", url, [server.pid, *pids])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/_matrix/client/versions", timeout=2).close()
            return
        time.sleep(0.2)
    raise SystemExit("Synapse did not start. Run `make oracle` first, and try its command by hand.")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(30)
