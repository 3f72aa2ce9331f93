"""A year of 500 people fits 2 GB, log and view together (DESIGN 5.1)."""

import base64
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.author import Author, NewEvent
from bongsu.canonical import unpadded_urlsafe_base64
from bongsu.clock import next_stamp
from bongsu.config import Config
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.room.versions import VERSIONS
from bongsu.view.keys import key_digest
from bongsu.view.live import LiveRoom
from tests.helpers.crowd import Ticks, silent

PEOPLE, ROOMS, MEMBERS = 500, 200, 12
EVENTS_A_DAY, RECEIPTS_A_DAY, MESSAGES_A_DAY, KEYS_A_DAY = 6, 20, 10, 2
CONFIRMED_AFTER = 5  # messages
YEAR_BYTES_MAX = 2_000_000_000
SYLLABLES = [chr(0xAC00 + 28 * number) for number in range(0, 399, 2)] + [
    chr(0xAC00 + 28 * number + 4) for number in range(0, 399, 4)
]


class Town:
    """People who write, read, and tell each other's devices keys, drawn from one seed."""

    def __init__(self, folder: Path) -> None:
        self.random = random.Random(1)
        self.node = Node.open(Config(data=folder, free_bytes_min=0), Ticks(), silent)
        self.author = Author(self.node)
        self.people = [f"@person{number}:localhost" for number in range(PEOPLE)]
        self.words = ["".join(self.random.choices(SYLLABLES, k=each)) for each in (1, 2, 2, 3, 3, 4) * 500]
        self.rooms: list[tuple[LiveRoom, list[str]]] = []
        self.messages: Counter[str] = Counter()
        self.written = 0

    async def settle(self) -> None:
        await self.node.introduce()
        stamp = self.node.now_ms()
        for user_id in self.people:
            made = drafts.user(user_id, stamp, stamp), drafts.password(user_id, None, next_stamp(stamp))
            device = drafts.register("device", user_id, "", "D", {"display_name": ""}, stamp)
            await self.node.write(*made, device)
        for _ in range(ROOMS):
            members = self.random.sample(self.people, MEMBERS)
            create = {"room_version": "12"}
            room, draft = self.author.create(VERSIONS["12"], None, members[0], create)
            rules = NewEvent("m.room.join_rules", {"join_rule": "public"}, "")
            made_events = [draft, self.join(room, members[0])]
            made_events.append(self.author.make(room, members[0], rules)[1])
            made_events += [self.join(room, member) for member in members[1:]]
            await self.node.write(*made_events)
            self.rooms.append((room, members))

    def join(self, room: LiveRoom, user_id: str) -> Draft:
        content = {"membership": "join", "displayname": user_id[1:8]}
        return self.author.make(room, user_id, NewEvent("m.room.member", content, user_id))[1]

    def base64(self, count: int) -> str:
        return base64.b64encode(self.random.randbytes(count)).decode()

    async def day(self, people: int) -> None:
        """What so many people write in a day."""
        made = [self.event() for _ in range(people * EVENTS_A_DAY)]
        made += [self.receipt() for _ in range(people * RECEIPTS_A_DAY)]
        made += [self.message() for _ in range(people * MESSAGES_A_DAY)]
        made += [draft for _ in range(people * KEYS_A_DAY // 2) for draft in self.key()]
        for at in range(0, len(made), 64):
            await self.node.write(*made[at : at + 64])
        self.written += len(made)
        await self.confirm()

    def event(self) -> Draft:
        room, members = self.random.choice(self.rooms)
        text = " ".join(self.random.choices(self.words, k=self.random.randrange(2, 12)))
        sent_by = {
            "device_id": "DEVICEABCD",
            "path": f"/rooms/{room.room_id}/send/m.room.message",
            "txn_id": f"m{self.random.randrange(2**40)}.1",
        }
        content = {"body": text, "m.mentions": {}, "msgtype": "m.text"}
        sender = self.random.choice(members)
        return self.author.make(room, sender, NewEvent("m.room.message", content), sent_by)[1]

    def receipt(self) -> Draft:
        room, members = self.random.choice(self.rooms)
        heads = [head.event_id for head in room.heads]
        stamp = self.node.now_ms()
        reader = self.random.choice(members)
        return drafts.receipt(room.room_id, reader, "m.read", "", heads[0], heads, stamp, stamp)

    def message(self) -> Draft:
        sender, recipient = self.random.sample(self.people, 2)
        ciphertext = {self.base64(32): {"body": self.base64(400), "type": 1}}
        content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": ciphertext}
        self.messages[recipient] += 1
        txn_id = f"m{self.random.randrange(2**40)}.2"
        names = (sender, "D"), txn_id, "m.room.encrypted", (recipient, "D")
        return drafts.to_device(*names, content, self.node.now_ms())

    def key(self) -> list[Draft]:
        """A one-time key, and that somebody has claimed it."""
        user_id = self.random.choice(self.people)
        name = f"signed_curve25519:{self.base64(6)}"
        signature: dict[str, Any] = {user_id: {"ed25519:D": self.base64(64)}}
        value = {"key": self.base64(32), "signatures": signature}
        node = self.node.log.key.node.hex()
        stamp = self.node.now_ms()
        return [
            drafts.one_time_keys(user_id, "D", node, {name: value}, stamp),
            drafts.key_claim(user_id, "D", name, key_digest(value), stamp + 1),
        ]

    async def confirm(self) -> None:
        """Devices have received what was sent to them, as their next /sync says."""
        vector = unpadded_urlsafe_base64(self.node.vector.encode())
        due = [user_id for user_id, count in self.messages.items() if count >= CONFIRMED_AFTER]
        stamp = self.node.now_ms()
        made = [drafts.to_device_covered(user_id, "D", vector, stamp) for user_id in due]
        for at in range(0, len(made), 64):
            await self.node.write(*made[at : at + 64])
        for user_id in due:
            del self.messages[user_id]

    def used(self) -> dict[str, int]:
        """Bytes in use: pages that are free will be filled before the files grow."""
        db = self.node.context.db
        pages = db.value("PRAGMA page_count") - db.value("PRAGMA freelist_count")
        return {
            "log": self.node.log.statistics().used_bytes,
            "view": pages * db.value("PRAGMA page_size"),
        }


@pytest.mark.long
@pytest.mark.parametrize("share", [50])
async def test_a_year_of_500_people_fits(tmp_path: Path, share: int) -> None:
    town = Town(tmp_path)
    await town.settle()
    at_once = 100
    days = PEOPLE * 365 // share // at_once
    # What is young has not gone hollow yet, and tables begin with empty pages: grown is what is counted.
    for _ in range(8):
        await town.day(at_once)
    settled = town.used()
    for _ in range(days):
        await town.day(at_once)
    year = {
        name: settled[name] + (used - settled[name]) * PEOPLE * 365 // (days * at_once)
        for name, used in town.used().items()
    }
    town.node.close()
    print({name: f"{size / 1e6:.0f} MB" for name, size in year.items()})
    assert sum(year.values()) <= YEAR_BYTES_MAX, year
