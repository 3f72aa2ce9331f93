"""Digests of nodes: the same rows in any order of positions are the same, and what differs is named."""

from pathlib import Path

from bongsu.operate.against import Told, compare
from bongsu.view.digests import digests
from bongsu.view.opening import rebuild_beside
from tests.helpers.crowd import Crowd


def told(who: str, vector: str, **scopes: str) -> Told:
    return Told(who, vector, scopes)


def test_nodes_that_say_the_same_agree() -> None:
    assert compare([lambda: told("a", "1", x="d"), lambda: told("b", "1", x="d")], 0) == []


def test_a_scope_that_always_differs_is_named() -> None:
    found = compare([lambda: told("a", "1", x="d", y="e"), lambda: told("b", "1", x="f", y="e")], 0.3)
    assert found == ["x is not the same everywhere: a d, b f."]


def test_a_scope_that_one_node_lacks_is_named() -> None:
    assert compare([lambda: told("a", "1", x="d"), lambda: told("b", "1")], 0)[0].startswith("x is not")


def test_nodes_that_are_written_to_meanwhile_agree() -> None:
    turn = iter(range(100))

    def ahead() -> Told:
        number = next(turn)
        return told("a", str(number), **{f"room{number % 2}": "new", f"room{1 - number % 2}": "old"})

    assert compare([ahead, lambda: told("b", "x", room0="old", room1="old")], 5) == []


async def test_a_rebuilt_view_has_the_same_digests_and_a_changed_one_has_not(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path, 5)
    await crowd.fill()
    await crowd.send("소식")
    node = crowd.node
    before = digests(node.context.db.path)
    assert f"room {crowd.room_id}" in before
    rebuild_beside(tmp_path / "other.db", node.log, None, node.now_ms, lambda done, total: None)
    assert digests(tmp_path / "other.db") == before
    node.context.db.connection.execute("UPDATE members SET membership='ban' WHERE user_id LIKE '@user1:%'")
    after = digests(node.context.db.path)
    assert [scope for scope in before if before[scope] != after[scope]] == [f"room {crowd.room_id}"]
    node.close()
