"""What simulated people do, each act one or two requests of the API."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from bongsu.sim.client import Client
from bongsu.sim.journal import Journal

ALGORITHM = "curve25519"
LAST_MESSAGES = (
    "SELECT position FROM to_device WHERE user_id=? AND device_id=? ORDER BY position DESC LIMIT 20"
)
Act = Callable[["Person"], Awaitable[None]]


class Person:
    """Acts with a client, now and then, until told to end."""

    def __init__(self, client: Client, everybody: list[Client], journal: Journal, rnd: random.Random) -> None:
        self.client = client
        self.everybody = everybody
        self.journal = journal
        self.random = rnd
        self.number = 0
        self.mine: list[tuple[str, str]] = []  # (room, event) it has sent
        self.pause_s = 1.0

    async def live(self) -> None:
        """Act on."""
        acts, weights = zip(*ACTS.items(), strict=True)
        while self.client.running and not self.client.out:
            await asyncio.sleep(self.random.expovariate(1 / self.pause_s))
            await self.random.choices(acts, weights)[0](self)

    def room(self) -> str | None:
        """One of the rooms the client knows it is in."""
        return self.random.choice(sorted(self.client.rooms)) if self.client.rooms else None

    def other(self) -> Client:
        """Somebody."""
        return self.random.choice(self.everybody)


async def say(person: Person) -> None:
    """A message."""
    client, room_id = person.client, person.room()
    if room_id is None:
        return
    person.number += 1
    content: dict[str, Any] = {"msgtype": "m.text", "body": f"{client.user_id} {person.number}"}
    event_id = await client.send(room_id, "m.room.message", content)
    if event_id is not None:
        person.mine.append((room_id, event_id))


async def edit(person: Person) -> None:
    """An edit of, or a reaction to, something of one's own."""
    if not person.mine:
        return
    room_id, event_id = person.random.choice(person.mine)
    if person.random.random() < 0.5:
        relates: dict[str, Any] = {"rel_type": "m.annotation", "event_id": event_id, "key": "+"}
        await person.client.send(room_id, "m.reaction", {"m.relates_to": relates})
        return
    new = {"msgtype": "m.text", "body": "better"}
    content = {**new, "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}
    await person.client.send(room_id, "m.room.message", content)


async def redact(person: Person) -> None:
    """Take something of one's own back."""
    if not person.mine:
        return
    room_id, event_id = person.random.choice(person.mine)
    path = f"/_matrix/client/v3/rooms/{room_id}/redact/{event_id}/r{person.random.randrange(10**9)}"
    await person.client.ask("PUT", path, {})


async def read(person: Person) -> None:
    """A receipt for something one was shown."""
    room_id = person.room()
    seen = sorted(person.client.seen.get(room_id or "", ()))
    if seen:
        event_id = person.random.choice(seen)
        kind = person.random.choice(["m.read", "m.read.private", "m.fully_read"])
        await person.client.ask("POST", f"/_matrix/client/v3/rooms/{room_id}/receipt/{kind}/{event_id}", {})


async def call_oneself(person: Person) -> None:
    """A new display name, or other data of the account."""
    user_id = quote(person.client.user_id)
    value = f"name {person.random.randrange(100)}"
    if person.random.random() < 0.5:
        path, body = f"/_matrix/client/v3/profile/{user_id}/displayname", {"displayname": value}
    else:
        path, body = f"/_matrix/client/v3/user/{user_id}/account_data/sim.data", {"value": value}
    await person.client.ask("PUT", path, body)


async def whisper(person: Person) -> None:
    """A message to somebody's device."""
    other = person.other()
    identity = f"{person.client.user_id} {person.random.randrange(10**12)}"
    path = f"/_matrix/client/v3/sendToDevice/sim.message/{quote(identity)}"
    body = {"messages": {other.user_id: {other.device_id: {"identity": identity}}}}

    def look(site: Any, _: Any) -> bool:
        node, last = site.node, (other.user_id, other.device_id)
        for (position,) in node.context.db.all(LAST_MESSAGES, last):
            if identity.encode() in (node.log.read(position).body or b""):
                return not node.promises.is_held_here(position)
        return False  # delivered already, or another site was asked first

    answer = await person.client.ask("PUT", path, body, look=look)
    if answer is not None and answer[0] == 200 and answer[2]:
        person.journal.messages.setdefault(other.user_id, set()).add(identity)


async def upload_keys(person: Person) -> None:
    """Some one-time keys."""
    numbers = [person.random.randrange(10**9) for _ in range(4)]
    name = f"{person.client.user_id} {person.client.device_id}"
    keys = {f"{ALGORITHM}:{number:08x}": {"key": f"{name} {number}"} for number in numbers}
    answer = await person.client.ask("POST", "/_matrix/client/v3/keys/upload", {"one_time_keys": keys})
    if answer is not None:
        person.journal.count(f"keys uploaded {answer[0]}")


async def claim_key(person: Person) -> None:
    """One of somebody's one-time keys; nobody else may ever get the same."""
    other = person.other()
    body = {"one_time_keys": {other.user_id: {other.device_id: ALGORITHM}}}

    def look(site: Any, value: Any) -> None:
        for by_device in value["one_time_keys"].values():
            for keys in by_device.values():
                for key in keys.values():
                    name = key["key"]
                    before = person.journal.one_time_keys.get(name)
                    if before is not None:
                        person.journal.fail(f"{site.name} gave the key {name} that {before} had given")
                    person.journal.one_time_keys[name] = f"{site.name} at {site.loop.now:.3f}"

    await person.client.ask("POST", "/_matrix/client/v3/keys/claim", body, look=look)


async def rule(person: Person) -> None:
    """Change a room: its name, its powers, who may be in it."""
    room_id, other = person.room(), person.other()
    if room_id is None:
        return
    path = f"/_matrix/client/v3/rooms/{room_id}"
    chance = person.random.random()
    if chance < 0.3:
        body: dict[str, Any] = {"name": f"room {person.random.randrange(100)}"}
        await person.client.ask("PUT", f"{path}/state/m.room.name", body)
    elif chance < 0.5:
        await _power(person, room_id)
    elif not other.steady:
        deed = person.random.choice(["kick", "ban", "unban", "invite"])
        await person.client.ask("POST", f"{path}/{deed}", {"user_id": other.user_id})


async def _power(person: Person, room_id: str) -> None:
    """Change who may do what; the founder's level stays, so that the room stays governed."""
    path = f"/_matrix/client/v3/rooms/{room_id}/state/m.room.power_levels"
    answer = await person.client.ask("GET", path)
    if answer is None or answer[0] != 200:
        return
    content = answer[1]
    movable = [client.user_id for client in person.everybody if not client.steady]
    if movable:
        content["users"][person.random.choice(movable)] = person.random.choice([0, 0, 50])
        await person.client.ask("PUT", path, content)


async def come_and_go(person: Person) -> None:
    """Leave a room, or come back to it."""
    client = person.client
    if client.steady:
        return
    rooms = sorted({room for other in person.everybody for room in other.rooms})
    if rooms:
        room_id = person.random.choice(rooms)
        deed = person.random.choice(["join", "join", "leave"])
        await client.ask("POST", f"/_matrix/client/v3/rooms/{room_id}/{deed}", {})


async def found(person: Person) -> None:
    """Make a room with everybody who is steady in it."""
    if person.random.random() < 0.8:
        return
    invited = [client.user_id for client in person.everybody if client is not person.client]
    body = {
        "room_version": person.random.choice(["10", "11", "12"]),
        "preset": "public_chat",
        "invite": invited,
        "room_alias_name": f"a{person.random.randrange(10**6)}",
    }
    await person.client.ask("POST", "/_matrix/client/v3/createRoom", body)


async def type_on(person: Person) -> None:
    """A live sign, which nobody keeps."""
    room_id = person.room()
    if room_id is not None:
        path = f"/_matrix/client/v3/rooms/{room_id}/typing/{quote(person.client.user_id)}"
        await person.client.ask("PUT", path, {"typing": True, "timeout": 3000})


async def wander(person: Person) -> None:
    """Go to another site for no reason."""
    person.client.move()


ACTS: dict[Act, float] = {
    say: 10,
    edit: 2,
    redact: 1.5,
    read: 3,
    call_oneself: 1,
    whisper: 3,
    upload_keys: 1,
    claim_key: 2.5,
    rule: 2,
    come_and_go: 1.5,
    found: 0.5,
    type_on: 0.5,
    wander: 0.7,
}
