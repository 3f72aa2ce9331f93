"""A site's disk is damaged, emptied or rolled back: it starts again and holds what the others hold."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from bongsu import limits
from bongsu.lab import commands, processes
from bongsu.operate.against import ask, compare
from tests.api.client import User
from tests.offline.commands import bongsu
from tests.sites.conftest import SITES, Lab

AGREE_S = 30


def log_of(lab: Lab, site: str) -> Path:
    return Path(lab.node(site).data, "log.db")


def stop(lab: Lab, site: str) -> None:
    """End the node as an operator does; everything is folded into log.db."""
    processes.end([lab.node(site)])


def flip(path: Path) -> None:
    """One bit of a message's body, deep in the log."""
    with closing(sqlite3.connect(path)) as db, db:
        sql = "SELECT position, body FROM lasting_bodies ORDER BY position LIMIT 1 OFFSET 40"
        position, body = db.execute(sql).fetchone()
        flipped = bytes([body[0], body[1] ^ 1, *body[2:]])
        db.execute("UPDATE lasting_bodies SET body=? WHERE position=?", (flipped, position))
        head = db.execute("SELECT log_id, seq FROM records ORDER BY position DESC LIMIT 1").fetchone()
        # And one of the newest header, which every start looks at.
        db.execute("UPDATE records SET stamp=stamp+1 WHERE log_id=? AND seq=?", head)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribble(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1_000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def agree(lab: Lab) -> None:
    asks = [partial(ask, node.private) for node in lab.plan.nodes]
    assert compare(asks, AGREE_S) == []


def talk(lab: Lab) -> tuple[User, str, list[str]]:
    """A room with messages from every site, and the ids of what was acknowledged."""
    alice, bob = lab.user("a", "alice"), lab.user("b", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    sent = [
        lab.at((alice, bob)[number % 2], SITES[number % 3]).send(room_id, f"소식 {number}")
        for number in range(60)
    ]
    return alice, room_id, sent


def history(user: User, room_id: str) -> set[str]:
    found = user.get("rooms", room_id, "messages", dir="b", limit=500)["chunk"]
    return {event["event_id"] for event in found}


@pytest.mark.parametrize("damage", [flip, truncate, scribble, empty, remove])
def test_a_damaged_site_fills_up_from_the_others(lab: Lab, damage: Callable[[Path], None]) -> None:
    alice, room_id, sent = talk(lab)
    stop(lab, "a")
    damage(log_of(lab, "a"))
    during = [lab.at(alice, "b").send(room_id, f"그사이 {number}") for number in range(5)]
    commands.start(lab.plan, "a")
    agree(lab)
    assert {*sent, *during} <= history(lab.at(alice, "a"), room_id)
    after = lab.at(alice, "a").send(room_id, "다시")
    agree(lab)
    assert after in history(lab.at(alice, "c"), room_id)
    set_aside = list(Path(lab.node("a").data).glob("log.db.damaged-*"))
    assert bool(set_aside) == (damage not in (empty, remove)), (
        "what was damaged is kept for people to look at"
    )
    for file in set_aside:
        file.unlink()
    stop(lab, "a")
    verified = bongsu(Path(lab.node("a").data), "verify", "--root-key", root_key(lab))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    commands.start(lab.plan, "a")


def root_key(lab: Lab) -> str:
    (line,) = [
        each for each in Path(lab.node("a").config).read_text().splitlines() if each.startswith("root_key")
    ]
    return line.partition(" = ")[2].strip('"')


def test_an_old_image_gets_back_what_the_node_wrote_since(lab: Lab, tmp_path: Path) -> None:
    alice, room_id, sent = talk(lab)
    data = Path(lab.node("a").data)
    stop(lab, "a")
    shutil.copytree(data, tmp_path / "image")
    commands.start(lab.plan, "a")
    sent += [lab.at(alice, "a").send(room_id, f"그 뒤 {number}") for number in range(20)]
    stop(lab, "a")
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "image", data)
    commands.start(lab.plan, "a")
    agree(lab)
    assert set(sent) <= history(lab.at(alice, "a"), room_id)
    found = [finding["name"] for finding in health(lab, "a")["problems"]]
    assert "rolled-back" in found
    sent.append(lab.at(alice, "a").send(room_id, "옛 그림에서"))
    agree(lab)
    assert set(sent) <= history(lab.at(alice, "b"), room_id)


def health(lab: Lab, site: str) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = httpx.get(
        f"{lab.node(site).private}/health", trust_env=False
    ).json()
    return found


def test_a_record_that_is_read_damaged_stops_the_node_and_the_next_start_repairs_it(lab: Lab) -> None:
    alice, room_id, sent = talk(lab)
    stop(lab, "a")
    path = log_of(lab, "a")
    with closing(sqlite3.connect(path)) as db, db:
        # The room's first message: no start looks at it, whoever reads the room does.
        sql = "SELECT count(*) FROM lasting_bodies"
        middle = db.execute(sql).fetchone()[0] - 50
        sql = "SELECT position FROM lasting_bodies ORDER BY position LIMIT 1 OFFSET ?"
        (position,) = db.execute(sql, (middle,)).fetchone()
        db.execute("UPDATE lasting_bodies SET body=zeroblob(length(body)) WHERE position=?", (position,))
    commands.start(lab.plan, "a")
    answer = httpx.get(
        f"{lab.node('a').url}/_matrix/client/v3/rooms/{room_id}/messages",
        params={"dir": "b", "limit": "500"},
        headers={"Authorization": f"Bearer {alice.access_token}"},
        trust_env=False,
    )
    assert answer.status_code == 500, "nobody is shown what is left of the record"
    while processes.is_running(lab.node("a")):
        pass
    commands.start(lab.plan, "a")
    agree(lab)
    assert set(sent) <= history(lab.at(alice, "a"), room_id)


def test_a_site_that_lacks_much_is_ready_again_once_it_is_full(lab: Lab) -> None:
    alice, room_id, sent = talk(lab)
    body = {"messages": {alice.user_id: {f"GONE{number}": {"n": 1} for number in range(100)}}}
    for number in range(8):
        alice.put("sendToDevice", "m.test", f"fill{number}", body=body)
    sent += [alice.send(room_id, f"많이 {number}") for number in range(limits.FILLING_RECORDS_MIN)]
    stop(lab, "a")
    remove(log_of(lab, "a"))
    commands.start(lab.plan, "a")
    agree(lab)
    with httpx.Client(base_url=lab.node("a").private, trust_env=False) as http:
        # How long it fills, and whether anybody sees that, is a matter of the machine; that it ends is not.
        for _ in range(20_000):
            if http.get("/ready").status_code == 200:
                break
        assert http.get("/ready").text == "ready\n"
    assert set(sent[-400:]) <= history(lab.at(alice, "a"), room_id)
