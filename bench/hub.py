"""What a hub costs: start, memory, CPU, fsyncs and wake-ups, idle and with clients: `python -m bench.hub`."""

import argparse
import json
import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from bench.process import cpu_s, rss_mib
from bongsu.drill.client import API
from bongsu.drill.town import PASSWORD, Api
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan

SYNC_MS = 30_000


class Clients:
    """Clients that poll a hub and say nothing, as phones in pockets do."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._poll, args=(url, token)) for token in tokens]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End with the polls under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
            since = http.get(f"{API}/sync").json()["next_batch"]
            while not self._stop.is_set():
                query = {"since": since, "timeout": str(SYNC_MS)}
                since = http.get(f"{API}/sync", params=query).json()["next_batch"]


def quiet(hub: NodePlan, seconds: float) -> dict[str, float]:
    """What the process does while nobody says anything."""
    cpu, synced, woken = cpu_s([hub.pid]), _written(hub), _wakes(hub.pid)
    time.sleep(seconds)
    return {
        "rss_mib": round(rss_mib([hub.pid]), 1),
        "cpu_percent": round(100 * (cpu_s([hub.pid]) - cpu) / seconds, 2),
        # Each commit of the log is one fsync, and lengthens its write-ahead file.
        "commits_per_s": round((_written(hub) - synced) / seconds, 2),
        "wakes_per_s": round((_wakes(hub.pid) - woken) / seconds, 2),
    }


def _written(hub: NodePlan) -> int:
    """Positions given out by the log, which cannot be fewer than its commits."""
    log = sqlite3.connect(f"{Path(hub.data, 'log.db').as_uri()}?mode=ro", uri=True)
    (position,) = log.execute("SELECT max(position) FROM records").fetchone()
    log.close()
    return int(position or 0)


def _wakes(pid: int) -> int:
    """How often any of the process's threads gave the processor back by itself: it waited, and woke."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def measure(folder: Path, clients: int, seconds: float) -> dict[str, Any]:
    """A hub of a small service, linked with its core: started, idle, with clients."""
    plan = commands.up(folder, 1, tls=False, hubs=1)
    api = Api(plan)
    try:
        core, hub = plan.core[0], plan.hubs[0]
        tokens = []
        for number in range(clients):
            body = {"username": f"p{number}", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
            token = api.call(core.site, "POST", f"{API}/register", json=body)["access_token"]
            api.call(core.site, "PUT", "/_bongsu/client/v1/residency", token, json={"hub": hub.site})
            tokens.append(token)
        _wait(hub, tokens[-1])
        processes.end([hub])
        began = time.perf_counter()
        commands.start(plan, hub.name)
        started_s = time.perf_counter() - began
        time.sleep(5)
        idle = quiet(hub, seconds)
        polls = Clients(hub.url, tokens)
        polls.start()
        time.sleep(5)
        connected = quiet(hub, seconds)
        polls.stop()
        return {
            "start_s": round(started_s, 2),
            "idle": idle,
            f"{clients} clients": connected,
            "load": round(os.getloadavg()[0], 1),
        }
    finally:
        api.close()
        commands.down(plan)


def _wait(hub: NodePlan, token: str) -> None:
    """Until the hub knows the session."""
    deadline = time.monotonic() + 60
    headers = {"Authorization": f"Bearer {token}"}
    while httpx.get(f"{hub.url}{API}/account/whoami", headers=headers).status_code != 200:
        assert time.monotonic() < deadline, "the hub never got to know its residents"
        time.sleep(0.1)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder, "lab"), arguments.clients, arguments.seconds), indent=1))


if __name__ == "__main__":
    main()
