"""`make bench`: start the server, run every scenario, print a table; with BASELINE=URL also a ratio."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from bench import scenarios
from bench.process import cpu_s, rss_mib
from bench.scenarios import Figures, Target
from bench.synapse import Options, synapse

# name → (scenario, figure → whether more is better)
Scenario = Callable[[Target], Awaitable[Figures]]
SCENARIOS: dict[str, Scenario] = {
    "send, 1 writer": lambda target: scenarios.send(target, 1),
    "send, 16 writers": lambda target: scenarios.send(target, 16),
    "send, 32 writers": lambda target: scenarios.send(target, 32),
    "send, 64 writers": lambda target: scenarios.send(target, 64),
    "send, 256 writers": lambda target: scenarios.send(target, 256),
    "fan-out to 10, 5/s": lambda target: scenarios.fanout(target, 10, 5),
    "fan-out to 100, 2/s": lambda target: scenarios.fanout(target, 100, 2),
    "fan-out to 500, 0.5/s": lambda target: scenarios.fanout(target, 500, 0.5),
    "resume of 100 clients": lambda target: scenarios.resume(target, 100),
    "login + first sync, 30 people": lambda target: scenarios.logins(target, 30),
    "join, room of 10": lambda target: scenarios.joins(target, 10, 5),
    "join, room of 100": lambda target: scenarios.joins(target, 100, 20),
    "join, room of 1000": lambda target: scenarios.joins(target, 1000, 20),
    "history, 10,000 events": lambda target: scenarios.history(target, 10_000),
    "200 clients connected": lambda target: scenarios.connected(target, 200),
}
# Minutes each on a slow homeserver: only with --all against a baseline.
SLOW_FOR_BASELINE = {
    "send, 32 writers",
    "send, 256 writers",
    "fan-out to 500, 0.5/s",
    "join, room of 1000",
    "history, 10,000 events",
}
MORE_IS_BETTER = {"acked_per_s", "events_per_s", "per_s", "events"}


class OurServer:
    """`bongsu serve` as a process of its own, on a temporary data directory."""

    def __init__(self, folder: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        program = Path(sys.executable).with_name("bongsu")
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [
                str(program),
                "serve",
                f"--data={folder}",
                f"--listen=127.0.0.1:{port}",
                "--registration=open",
            ],
            # Raised, but on: what they cost is part of the figures.
            env={**os.environ, "BONGSU_RATE_LIMIT_FACTOR": "1000000"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready" in line, f"the server did not start: {line!r}"
        self.start_s = time.perf_counter() - began
        self.pids = [self._process.pid]

    def idle(self) -> Figures:
        """Memory and CPU with nobody connected."""
        time.sleep(2)
        cpu = cpu_s(self.pids)
        time.sleep(8)
        return {
            "start_s": self.start_s,
            "rss_mib": rss_mib(self.pids),
            "cpu_percent": 100 * (cpu_s(self.pids) - cpu) / 8,
        }

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)


def measure(target: Target, chosen: dict[str, Scenario], results: dict[str, dict[str, Figures]]) -> None:
    """Run the scenarios against one homeserver, one after the other, printing each."""
    for name, scenario in chosen.items():
        figures = uvloop.run(_run(scenario, target))
        results.setdefault(name, {})[target.name] = figures
        shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        print(f"{target.name:>10} | {name:<30} | {shown}", flush=True)


async def _run(scenario: Scenario, target: Target) -> Figures:
    return await asyncio.wait_for(scenario(target), 900)


def table(results: dict[str, dict[str, Figures]], baselines: list[str]) -> str:
    """The Markdown table, with a ratio to each baseline (above 1: bongsu is better)."""
    head = "".join(f" {name} | ratio |" for name in baselines)
    lines = [f"| scenario | figure | bongsu |{head}", "|---|---|---|" + "---|---|" * len(baselines)]
    for name, by_target in results.items():
        for key, value in by_target.get("bongsu", {}).items():
            cells = "".join(
                f" {_shown(by_target.get(baseline, {}).get(key))} |"
                f" {_ratio(key, value, by_target.get(baseline, {}).get(key))} |"
                for baseline in baselines
            )
            lines.append(f"| {name} | {key} | {value:.4g} |{cells}")
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _ratio(key: str, ours: float, theirs: float | None) -> str:
    if theirs is None or ours <= 0 or theirs <= 0:
        return ""
    return f"{ours / theirs if key in MORE_IS_BETTER else theirs / ours:.1f} x"


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each sending scenario")
    parser.add_argument("--only", action="append", help="part of a scenario's name; may be repeated")
    parser.add_argument("--baseline", default=os.environ.get("BASELINE"), help="URL of another homeserver")
    parser.add_argument("--baseline-name", default=os.environ.get("BASELINE_NAME", "baseline"))
    parser.add_argument("--baseline-pids", default=os.environ.get("BASELINE_PIDS", ""))
    parser.add_argument("--synapse", action="append", choices=["sqlite", "postgresql"], default=[])
    parser.add_argument("--bcrypt-rounds", type=int, default=12, help="of Synapse, whose default is 12")
    parser.add_argument("--no-presence", action="store_true", help="switch it off in Synapse")
    parser.add_argument("--all", action="store_true", help="also the slow scenarios against the baseline")
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--data", help="run on this data directory (copied by you) instead of an empty one")
    arguments = parser.parse_args()
    chosen = {
        name: scenario
        for name, scenario in SCENARIOS.items()
        if not arguments.only or any(part in name for part in arguments.only)
    }
    results: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = OurServer(arguments.data or folder, arguments.port)
        try:
            results["idle"] = {"bongsu": server.idle()}
            print(f"    bongsu | idle | {results['idle']['bongsu']}", flush=True)
            measure(Target("bongsu", server.url, server.pids, arguments.seconds), chosen, results)
        finally:
            server.stop()
    kept = {n: s for n, s in chosen.items() if arguments.all or n not in SLOW_FOR_BASELINE}
    names = []
    if arguments.baseline:
        pids = [int(pid) for pid in arguments.baseline_pids.split(",") if pid]
        measure(Target(arguments.baseline_name, arguments.baseline, pids, arguments.seconds), kept, results)
        names.append(arguments.baseline_name)
    options = Options(not arguments.no_presence, arguments.bcrypt_rounds)
    for kind in arguments.synapse:
        with synapse(kind, options) as running:
            measure(Target(running.name, running.url, running.pids, arguments.seconds), kept, results)
            names.append(running.name)
    print()
    print(table(results, names))
    if arguments.json:
        _write(Path(arguments.json), results)


def _write(path: Path, results: dict[str, Any]) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
