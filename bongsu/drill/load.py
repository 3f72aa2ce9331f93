"""A process of load: `python -m bongsu.drill.load FILE` drives people until its standard input ends."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from bongsu.drill.client import Client, Person, connected, dump

FINISH_S = 30.0
STOP, WRITTEN = "stop\n", "written"


async def _drive(spec: dict[str, Any]) -> list[Person]:
    people = [Person(**fields) for fields in spec["people"]]
    async with connected(spec["ca"]) as http:
        sites, home_after_s = spec["sites"], spec["home_after_s"]
        clients = [
            Client(
                person,
                {person.home: sites[person.home]} if spec["stay"] else sites,
                http,
                spec["start"],
                home_after_s,
            )
            for person in people
        ]
        readers = [asyncio.ensure_future(client.read()) for client in clients]
        _set_rate(clients, spec["per_second"])
        writers = [asyncio.ensure_future(client.write()) for client in clients if client.person.writes]
        print("running", flush=True)
        # Each line is a new rate, or says that all has been written that is to be.
        while (line := await _line()) not in ("", STOP):
            _set_rate(clients, float(line))
        for client in clients:
            client.stopping = True
        # A message that was begun is brought to its end, and everything acknowledged is waited for.
        if writers:
            await asyncio.wait(writers, timeout=FINISH_S)
        await asyncio.wait(readers, timeout=FINISH_S)
        print(WRITTEN, flush=True)
        # The parent closes standard input when those of every process have written and it has gone around.
        await _line()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                await asyncio.gather(*(client.finish() for client in clients))
    return people


async def _line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def _set_rate(clients: list[Client], per_second: float) -> None:
    for client in clients:
        client.per_second = per_second


def main(file: Path) -> None:
    """Drive, then write what was seen beside FILE."""
    spec = json.loads(file.read_text(encoding="utf-8"))
    people = asyncio.run(_drive(spec))
    file.with_suffix(".result.json").write_text(dump(people), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
