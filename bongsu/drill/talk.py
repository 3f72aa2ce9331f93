"""Hours of talk in time-lapse: what people write in them, one message after the other; no clock is turned.

`python -m bongsu.drill.talk FILE` has them written on the sides that a JSON file names."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bongsu.drill.client import Client, Person, connected

TALK_S_MAX = 300.0

Act = Callable[[str, int], None]


async def talk(
    sides: Mapping[str, Sequence[Client]], *, hours: int, per_hour: int, act: Act | None = None
) -> None:
    """Have so many messages an hour written by every speaker of every side, which know nothing of each other.

    `act`: what else a side does at the beginning of an hour, given both; on a thread.

    Raises:
        TimeoutError: a message was not acknowledged in the end.
    """
    async with asyncio.timeout(TALK_S_MAX):
        await asyncio.gather(
            *(_side(name, speakers, hours, per_hour, act) for name, speakers in sides.items())
        )


async def _side(name: str, speakers: Sequence[Client], hours: int, per_hour: int, act: Act | None) -> None:
    for hour in range(hours):
        if act is not None:
            await asyncio.to_thread(act, name, hour)
        for number in range(hour * per_hour + 1, (hour + 1) * per_hour + 1):
            for speaker in speakers:
                await speaker.send(number)


async def _of_file(spec: dict[str, Any]) -> int:
    async with connected(spec["ca"]) as http:
        sides = {
            side: [_client(each, side, http) for each in speakers] for side, speakers in spec["sides"].items()
        }
        await talk(sides, hours=spec["hours"], per_hour=spec["per_hour"])
    return sum(len(speaker.person.sent) for speakers in sides.values() for speaker in speakers)


def _client(speaker: Mapping[str, str], side: str, http: aiohttp.ClientSession) -> Client:
    person = Person(speaker["name"], side, speaker["room_id"], speaker["access_token"], "", "")
    return Client(person, {side: speaker["url"]}, http, time.monotonic())


def main(file: Path) -> None:
    """Have it written; prints how many messages were acknowledged."""
    print(asyncio.run(_of_file(json.loads(file.read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
