"""A node in the test's own process, with one room full of people."""

from pathlib import Path

from bongsu.author import Author, NewEvent
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.node import Node
from bongsu.room.versions import DEFAULT, VERSIONS
from bongsu.view import members
from bongsu.view.memberships import Member
from bongsu.view.unread import unread

CREATOR = "@creator:localhost"


def silent(done: int, total: int) -> None:
    """No progress is shown."""


class Ticks(SystemClock):
    """A clock that never shows the same millisecond twice."""

    def __init__(self) -> None:
        self._now = super().now_ms()

    def now_ms(self) -> int:
        self._now += 1
        return self._now


class Crowd:
    """A node with one room of `size` members, each with a name of their own."""

    def __init__(self, folder: Path, size: int) -> None:
        self.node = Node.open(Config(data=folder), Ticks(), silent)
        self.author = Author(self.node)
        self.users = [f"@user{number}:localhost" for number in range(size)]
        self.room_id = ""
        self.statements: list[str] = []

    async def fill(self) -> None:
        await self.node.introduce()
        content = {"room_version": DEFAULT}
        room, draft = self.author.create(VERSIONS[DEFAULT], None, CREATOR, content)
        self.room_id = room.room_id
        made = [draft]
        join = {"membership": "join"}
        rules = NewEvent("m.room.join_rules", {"join_rule": "public"}, "")
        made.append(self.author.make(room, CREATOR, NewEvent("m.room.member", join, CREATOR))[1])
        made.append(self.author.make(room, CREATOR, rules)[1])
        for number, user_id in enumerate(self.users):
            named = {**join, "displayname": f"사람{number}"}
            made.append(self.author.make(room, user_id, NewEvent("m.room.member", named, user_id))[1])
        await self.node.write(*made)

    async def send(self, body: str) -> None:
        await self.author.send(
            self.room_id, CREATOR, NewEvent("m.room.message", {"msgtype": "m.text", "body": body})
        )

    def members(self) -> list[Member]:
        room = self.node.context.events.room_number(self.room_id)
        assert room is not None
        found = [members.member(self.node.context, room, user_id) for user_id in self.users]
        return [each for each in found if each is not None]

    async def count_send(self, body: str) -> int:
        self.statements.clear()
        self.node.context.db.connection.set_trace_callback(self.statements.append)
        await self.send(body)
        self.node.context.db.connection.set_trace_callback(None)
        return len(self.statements)

    def count_unread(self) -> int:
        found = self.members()
        self.statements.clear()
        self.node.context.db.connection.set_trace_callback(self.statements.append)
        self.unread = [unread(self.node.context, each) for each in found]
        self.node.context.db.connection.set_trace_callback(None)
        return len(self.statements)


async def crowd(folder: Path, size: int) -> Crowd:
    made = Crowd(folder, size)
    await made.fill()
    return made
