"""What a message costs does not grow with its room, and unread counts come from memory."""

from pathlib import Path

import pytest

from bongsu.author import Author, NewEvent
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.node import Node
from bongsu.room.versions import DEFAULT, VERSIONS
from bongsu.view import members
from bongsu.view.members import Member
from bongsu.view.unread import unread

CREATOR = "@creator:localhost"


def silent(done: int, total: int) -> None:
    """No progress is shown."""


class Crowd:
    """A node with one room of `size` members, each with a name of their own."""

    def __init__(self, folder: Path, size: int) -> None:
        self.node = Node.open(Config(data=folder), SystemClock(), silent)
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


async def test_a_message_costs_the_same_in_rooms_of_any_size(tmp_path: Path) -> None:
    costs = {}
    for size in (10, 500):
        made = await crowd(tmp_path / str(size), size)
        # The first message after a change of members reads their names once.
        await made.send("첫 인사")
        costs[size] = await made.count_send("아무도 부르지 않는 말")
        made.node.close()
    assert costs[10] == costs[500]


async def test_woken_clients_read_their_counts_from_memory(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 200)
    await made.send("하나")
    first = made.count_unread()
    assert first > 0
    for expected in (2, 3):
        await made.send("또")
        assert made.count_unread() == 0
        assert made.unread == [{"main": (expected, 0)}] * 200
    await made.send("사람7 어디")
    assert made.count_unread() == 0
    assert made.unread[7] == {"main": (4, 1)}
    assert made.unread[70] == {"main": (4, 0)}
    made.node.close()


@pytest.mark.parametrize("size", [70])
async def test_counts_from_memory_are_those_of_the_tables(tmp_path: Path, size: int) -> None:
    made = await crowd(tmp_path, 3)
    await made.send("하나")
    made.count_unread()
    for number in range(size):
        await made.send(f"사람{number % 5} 안녕")
    from_memory = [made.count_unread(), made.unread][1]
    made.node.context.notices.clear()
    assert [made.count_unread(), made.unread][1] == from_memory
    made.node.close()
