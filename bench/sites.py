"""What a message costs at three sites, by process, beside one node alone: `python -m bench.sites`."""

import argparse
import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import uvloop

from bench.http import Client
from bench.process import cpu_s
from bench.scenarios import TEXT
from bongsu.lab import commands
from bongsu.lab.plan import Plan

# CPU milliseconds per acknowledged message by process, beside `acked_per_s` and `generator`.
Costs = dict[str, float]
WARM_UP_S = 1.0
NATS = "NATS"
GENERATOR = "generator"
SUM = "sum"
ACKED = "acked_per_s"


class Load:
    """Writers, each in a room of its own at one of the URLs, one message after the other."""

    def __init__(self, urls: list[str], tls: ssl.SSLContext | None, writers: int) -> None:
        self._clients = [Client(urls[number % len(urls)], tls) for number in range(writers)]
        self._rooms: list[str] = []
        self._acked = 0
        self._stop = False

    async def prepare(self, run: str) -> None:
        """Accounts and rooms."""
        for first in range(0, len(self._clients), 4):
            some = list(enumerate(self._clients))[first : first + 4]
            await asyncio.gather(*(client.register(f"bench{run}u{number}") for number, client in some))
        for client in self._clients:
            self._rooms.append(await client.create_room())

    async def run(self, seconds: float, pids: dict[str, list[int]]) -> Costs:
        """Write at full speed; what each process used while it lasted."""
        writing = [asyncio.ensure_future(self._write(number)) for number in range(len(self._clients))]
        await asyncio.sleep(WARM_UP_S)
        acked, began = self._acked, time.perf_counter()
        before = _cpu_s(pids)
        await asyncio.sleep(seconds)
        after = _cpu_s(pids)
        acked, took = self._acked - acked, time.perf_counter() - began
        self._stop = True
        await asyncio.gather(*writing)
        costs = {name: 1000 * (after[name] - before[name]) / acked for name in after}
        costs[SUM] = sum(cost for name, cost in costs.items() if name != GENERATOR)
        return {**costs, ACKED: acked / took}

    async def _write(self, number: int) -> None:
        count = 0
        while not self._stop:
            await self._clients[number].send(self._rooms[number], TEXT, f"s{count}")
            self._acked += 1
            count += 1


def _cpu_s(pids: dict[str, list[int]]) -> dict[str, float]:
    """By process; of this one without its children, which are the others."""
    return {**{name: cpu_s(found) for name, found in pids.items()}, GENERATOR: time.process_time()}


async def _loaded(load: Load, run: str, seconds: float, pids: dict[str, list[int]]) -> Costs:
    await load.prepare(run)
    return await load.run(seconds, pids)


@contextmanager
def alone(folder: Path, tls: Path | None) -> Iterator[tuple[str, int]]:
    """One node that knows of no other: its URL and its process."""
    command = [
        str(Path(sys.executable).with_name("bongsu")),
        "serve",
        f"--data={folder}",
        f"--listen=127.0.0.1:{free_port()}",
        "--registration=open",
        "--rate-limits=off",
    ]
    settings = {"BONGSU_TLS": str(tls)} if tls else {}
    environment = {**os.environ, **settings}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready" in line, f"the server did not start: {line!r}"
        url = next(word for word in line.split() if word.startswith("http"))
        yield url.rstrip("/"), process.pid
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def lab_context(plan: Plan) -> ssl.SSLContext | None:
    """What a client trusts there; None without TLS."""
    return ssl.create_default_context(cafile=plan.ca) if plan.ca else None


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, list[Costs]]:
    """Rounds of all three loads, one after the other, so that what else the machine does hits all alike."""
    results: dict[str, list[Costs]] = {"one node alone": [], "all three sites": [], "one of three sites": []}
    plan = commands.up(folder / "lab", arguments.sites, tls=arguments.tls)
    try:
        tls = lab_context(plan)
        pids = {f"node {node.site}": [node.pid] for node in plan.nodes}
        pids[NATS] = [server.pid for server in plan.nats]
        urls = [node.url for node in plan.nodes]
        for number in range(arguments.rounds):
            files = Path(plan.nodes[0].config).parent / "tls" if arguments.tls else None
            with alone(folder / f"alone{number}", files) as (url, pid):
                load = Load([url], tls, arguments.writers)
                found = uvloop.run(_loaded(load, f"{number}a", arguments.seconds, {"node a": [pid]}))
                results["one node alone"].append(found)
            for name, some in (("all three sites", urls), ("one of three sites", urls[:1])):
                load = Load(some, tls, arguments.writers)
                run = f"{number}{len(some)}s"
                results[name].append(uvloop.run(_loaded(load, run, arguments.seconds, pids)))
    finally:
        commands.down(plan)
    return results


def table(results: dict[str, list[Costs]]) -> str:
    """Medians over the rounds, and the ratios to one node alone."""
    middle = {
        name: {key: median(each[key] for each in costs) for key in costs[0]}
        for name, costs in results.items()
    }
    base = middle["one node alone"]
    names = list(dict.fromkeys(key for costs in middle.values() for key in costs))
    lines = ["| CPU ms a message | " + " | ".join(middle) + " |", "|---|" + "---|" * len(middle)]
    for key in names:
        cells = (f"{costs[key]:.3f}" if key in costs else "" for costs in middle.values())
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    for label, ratio in (
        ("throughput by CPU, against one node", lambda costs: base[SUM] / costs[SUM]),
        ("the same, the generator counted", lambda costs: _with_generator(base) / _with_generator(costs)),
        ("throughput as seen, against one node", lambda costs: costs[ACKED] / base[ACKED]),
    ):
        lines.append(f"| {label} | " + " | ".join(f"{ratio(costs):.2f}" for costs in middle.values()) + " |")
    return "\n".join(lines)


def _with_generator(costs: Costs) -> float:
    return costs[SUM] + costs[GENERATOR]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--json", type=Path, help="write every round to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), arguments)
    print(table(results))
    print(f"load average {os.getloadavg()[0]:.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
