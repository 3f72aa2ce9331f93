"""What a message costs does not grow with its room, and unread counts come from memory."""

from pathlib import Path

import pytest

from tests.helpers.crowd import crowd


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
