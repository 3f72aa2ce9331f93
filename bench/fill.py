"""Fill a data directory as months of use would: `python -m bench.fill DIR --rooms 1000 --events 100000`."""

import argparse
import asyncio
import random
import time
from pathlib import Path

from bench.scenarios import TEXT
from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.clock import SystemClock, next_stamp
from bongsu.config import Config
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.room.versions import VERSIONS
from bongsu.service import Service
from bongsu.view.live import LiveRoom

PEOPLE = 500
MEMBERS = 12
AT_ONCE = 64


async def fill(data: Path, rooms: int, events: int) -> None:
    """Write people, rooms of a dozen members, and messages spread over them."""
    node = Node.open(Config(data=data), SystemClock(), lambda done, total: None)
    await node.introduce()
    service = Service(node)
    choice = random.Random(1)
    people = [f"@p{number}:{node.config.server_name}" for number in range(PEOPLE)]
    for user_id in people:
        now = node.now_ms()
        await node.write(drafts.user(user_id, now, now), drafts.password(user_id, None, next_stamp(now)))
    made = [await _room(service, choice.sample(people, MEMBERS)) for _ in range(rooms)]
    written = 0
    while written < events:
        batch: list[Draft] = []
        for _ in range(min(AT_ONCE, events - written)):
            room_id, members = made[choice.randrange(len(made))]
            room = node.context.live.get(room_id)
            content = {"msgtype": "m.text", "body": TEXT}
            sent_by = {"device_id": "D", "path": "/fill", "txn_id": f"m{written + len(batch)}"}
            new = NewEvent("m.room.message", content)
            batch.append(service.author.make(room, choice.choice(members), new, sent_by)[1])
        await node.write(*batch)
        written += len(batch)
    node.close()


async def _room(service: Service, members: list[str]) -> tuple[str, list[str]]:
    room, first = service.author.create(VERSIONS["12"], None, members[0], {"room_version": "12"})
    batch = [first, _join(service, room, members[0])]
    for kind, content in (
        ("m.room.power_levels", {"users": {}}),
        ("m.room.join_rules", {"join_rule": "public"}),
        ("m.room.history_visibility", {"history_visibility": "shared"}),
    ):
        batch.append(service.author.make(room, members[0], NewEvent(kind, content, ""))[1])
    batch += [_join(service, room, member) for member in members[1:]]
    await service.node.write(*batch)
    return room.room_id, members


def _join(service: Service, room: LiveRoom, user_id: str) -> Draft:
    content = {"membership": "join", "displayname": user_id[1:5]}
    return service.author.make(room, user_id, NewEvent("m.room.member", content, user_id))[1]


def main() -> None:
    """Parse, fill, say how large it became."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100_000)
    arguments = parser.parse_args()
    start = time.perf_counter()
    asyncio.run(fill(arguments.data, arguments.rooms, arguments.events))
    sizes = {path.name: path.stat().st_size for path in arguments.data.glob("*.db")}
    print(f"filled in {time.perf_counter() - start:.0f} s: {sizes}")


if __name__ == "__main__":
    main()
