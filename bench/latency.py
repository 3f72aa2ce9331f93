"""How long an acknowledged send takes at three sites under light load: `python -m bench.latency`."""

import argparse
import asyncio
import contextlib
import os
import random
import tempfile
import time
from pathlib import Path

import uvloop

from bench.http import Client, HttpError
from bench.scenarios import TEXT
from bench.sites import lab_context
from bongsu.lab import commands
from bongsu.lab.plan import Plan

JOIN_TIMES = 50


async def _join(client: Client, room: str) -> None:
    """The room was made at another site a moment ago."""
    for _ in range(JOIN_TIMES):
        with contextlib.suppress(HttpError):
            return await client.join(room)
        await asyncio.sleep(0.2)
    raise TimeoutError("the room did not come to every site")


async def _read(reader: Client) -> None:
    await reader.sync()
    while True:
        await reader.sync(30_000)


async def measure(plan: Plan, people: int, per_s: float, seconds: float) -> list[float]:
    """Everybody is in one room, waits in /sync at a site and sends there now and then; the delays, sorted."""
    urls, tls = [node.url for node in plan.nodes], lab_context(plan)
    writers = [Client(urls[number % len(urls)], tls) for number in range(people)]
    readers = [Client(urls[number % len(urls)], tls) for number in range(people)]
    for number, (writer, reader) in enumerate(zip(writers, readers, strict=True)):
        await writer.register(f"person{number}")
        reader.token = writer.token
    room = await writers[0].create_room()
    for writer in writers[1:]:
        await _join(writer, room)
    reading = [asyncio.ensure_future(_read(reader)) for reader in readers]
    await asyncio.sleep(2)
    delays: list[float] = []
    end = time.perf_counter() + seconds

    async def write(number: int, writer: Client) -> None:
        chance = random.Random(number)  # the same pauses in every run
        sent = 0
        await asyncio.sleep(chance.expovariate(per_s))
        while time.perf_counter() < end:
            began = time.perf_counter()
            await writer.send(room, TEXT, f"t{number}.{sent}")
            delays.append(time.perf_counter() - began)
            sent += 1
            await asyncio.sleep(chance.expovariate(per_s))

    await asyncio.gather(*(write(*each) for each in enumerate(writers)))
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    return sorted(delays)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--per-second", type=float, default=0.3, help="messages of each")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plan = commands.up(Path(folder) / "lab", arguments.sites, tls=arguments.tls)
        try:
            found = measure(plan, arguments.people, arguments.per_second, arguments.seconds)
            delays = uvloop.run(found)
        finally:
            commands.down(plan)
    shown = (
        f"p{100 * share:g} {1000 * delays[int(share * len(delays))]:.1f} ms" for share in (0.5, 0.9, 0.99)
    )
    print(f"{len(delays)} sends: {', '.join(shown)}; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
