"""A copy made while a server runs becomes a server with the same rooms, messages and files."""

import os
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests import program
from tests.api.client import PASSWORD, User, http_client
from tests.offline.commands import fails, succeeds
from tests.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / "first").mkdir()
    return Server(tmp_path / "first")


def restore(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program.run("restore", "--data", data, *arguments)


def bodies(user: User, room_id: str) -> list[str]:
    found = user.get("rooms", room_id, "messages", dir="b", limit=500)["chunk"]
    return [event["content"]["body"] for event in reversed(found) if event["type"] == "m.room.message"]


def test_a_copy_of_a_running_server_becomes_one(server: Server, tmp_path: Path) -> None:
    copy, media = tmp_path / "a day" / "copy", tmp_path / "media"
    server.start()
    try:
        with http_client(server.url) as http:
            alice = User(http, "alice")
            alice.register()
            room_id = alice.create_room(name="광장")
            before = [f"소식 {number}" for number in range(30)]
            for body in before:
                alice.send(room_id, body)
            uri = alice.request("POST", "/_matrix/media/v3/upload", content=b"picture" * 1_000).json()
            stop = threading.Event()

            def go_on() -> None:
                with http_client(server.url) as other:
                    writer = User(other, "alice")
                    writer.access_token, writer.user_id = alice.access_token, alice.user_id
                    while not stop.is_set():
                        writer.send(room_id, "그사이")

            writing = threading.Thread(target=go_on)
            writing.start()
            said = succeeds(server.data, "backup", "--out", str(copy), "--media", str(media), "--with-key")
            again = succeeds(server.data, "backup", "--out", str(copy), "--media", str(media))
            stop.set()
            writing.join()
        server.stop()
    finally:
        server.kill()
    assert "Copied 1 media files" in said
    assert "Copied 0 media files" in again, "only what is new is copied"
    assert os.stat(copy.with_name("copy.key")).st_mode & 0o077 == 0
    assert os.stat(copy).st_mode & 0o077 == 0
    (tmp_path / "second").mkdir()
    second = Server(tmp_path / "second")
    without = restore(second.data, str(copy), "--media", str(media))
    assert "Give --key" in without.stderr
    done = restore(second.data, str(copy), "--media", str(media), "--key", f"{copy}.key")
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    succeeds(second.data, "verify")
    second.start()
    try:
        with http_client(second.url) as http:
            moved = User(http, alice.name)
            moved.login(PASSWORD)
            assert bodies(moved, room_id)[:30] == before
            path = (
                "/_matrix/client/v1/media/download",
                *uri["content_uri"].removeprefix("mxc://").split("/"),
            )
            assert moved.request("GET", *path).content == b"picture" * 1_000
            moved.send(room_id, "새 서버에서")
        second.stop()
    finally:
        second.kill()


@pytest.fixture
def copied(server: Server, tmp_path: Path) -> Path:
    succeeds(server.data, "user", "add", "alice", "--password", PASSWORD)
    succeeds(server.data, "backup", "--out", str(tmp_path / "copy"), "--with-key")
    return tmp_path / "copy"


def test_a_damaged_copy_is_refused_and_leaves_nothing(copied: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(copied)) as db, db:
        db.execute("UPDATE records SET stamp=stamp+1 WHERE position=2")
    done = restore(tmp_path / "new", str(copied), "--key", f"{copied}.key")
    assert done.returncode == 1
    assert "The copy is not whole" in done.stderr
    assert not (tmp_path / "new" / "log.db").exists()
    assert not (tmp_path / "new" / "node.key").exists(), "the next try would take it for a new one"


def test_a_key_that_cannot_be_used_is_refused_with_a_sentence(copied: Path, tmp_path: Path) -> None:
    key, data = tmp_path / "other.key", tmp_path / "new"
    for file in (key, copied):
        done = restore(data, str(copied), "--key", str(file))
        assert done.returncode == 1
        assert f"The key {file} cannot be used" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (data / "node.key").exists()
    program.run("site", "request", "--data", data)
    done = restore(data, str(copied), "--key", f"{copied}.key")
    assert done.returncode == 1
    assert "has the key of another node" in done.stderr


def test_a_node_that_is_gone_comes_back_under_its_key(copied: Path, server: Server, tmp_path: Path) -> None:
    done = restore(tmp_path / "new", str(copied), "--key", f"{copied}.key")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "node.key").read_bytes() == (server.data / "node.key").read_bytes()
    assert succeeds(tmp_path / "new", "user", "list") == "@alice:localhost\tactive"


def test_nothing_is_overwritten(copied: Path, server: Server, tmp_path: Path) -> None:
    done = restore(server.data, str(copied))
    assert done.returncode == 1
    assert "already" in done.stderr
    assert "There is no node" in fails(tmp_path / "empty", "backup", "--out", str(tmp_path / "other"))


def test_a_restored_log_can_be_handed_on(copied: Path) -> None:
    with closing(sqlite3.connect(copied)) as db:
        unsigned = db.execute(
            "SELECT count(*) FROM logs WHERE head_seq>0 AND head_seq NOT IN"
            " (SELECT seq FROM signatures WHERE signatures.log_id=logs.log_id)"
        ).fetchone()[0]
    assert unsigned == 0, "a node with another key gives on only what its author signed"


def test_a_lone_node_is_repaired_by_hand(server: Server) -> None:
    succeeds(server.data, "user", "add", "alice", "--password", PASSWORD)
    assert "nothing to repair" in succeeds(server.data, "repair")
    with closing(sqlite3.connect(server.data / "log.db")) as db, db:
        last = db.execute("SELECT max(position) FROM records").fetchone()[0]
        db.execute("UPDATE records SET stamp=stamp+1 WHERE position=?", (last,))
    fails(server.data, "user", "list")
    said = succeeds(server.data, "repair")
    assert f"{last - 1} of {last} records are whole" in said
    assert len([*server.data.glob("log.db.damaged-*")]) >= 1, "what was damaged is kept"
    succeeds(server.data, "verify")
    assert succeeds(server.data, "user", "list").startswith("@alice:localhost")
