"""The process: start, stop, kill, a full disk, a second process on the same data."""

import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import program
from tests.api.client import User, http_client, timeline
from tests.server import BONGSU, Server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone."""
    server = Server(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_a_stop_answers_waiting_polls(own_server: Server) -> None:
    with http_client(own_server.url) as http:
        user = User(http, "waits")
        user.register()
        token = user.sync()["next_batch"]
        answers: list[dict[str, object]] = []
        poll = threading.Thread(target=lambda: answers.append(user.sync(token, timeout_ms=30_000)))
        poll.start()
        # The poll is waiting once the server has no other work than it; an answered request shows that.
        user.another_device().post("logout")
        began = time.monotonic()
        own_server.stop()
        poll.join(10)
        assert time.monotonic() - began < 10
        assert len(answers) == 1
    own_server.verify()


def test_an_address_is_not_shared_with_another_server(own_server: Server, tmp_path: Path) -> None:
    """The kernel would give each of the two half of the clients."""
    done = program.run("serve", "--data", tmp_path / "other", "--listen", own_server.address)
    assert done.returncode == 1
    assert f"{own_server.address} cannot be listened on" in done.stderr


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for command in (("serve",), ("site", "request", "--site", "a")):
        done = program.run(*command, "--data", tmp_path / "file" / "data")
        assert done.returncode == 1
        assert "cannot be made: Not a directory" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_was_acknowledged_survives_a_kill(own_server: Server) -> None:
    with http_client(own_server.url) as http:
        user = User(http, "survivor")
        user.register()
        room = user.create_room()
        token = user.sync()["next_batch"]
        sent = [user.send(room, f"글 {number}", txn_id=f"k{number}") for number in range(20)]
    own_server.kill()
    own_server.start()
    with http_client(own_server.url) as http:
        user.http = http
        assert [event["event_id"] for event in timeline(user.sync(token), room)] == sent
        assert user.send(room, "글 19", txn_id="k19") == sent[19]
    own_server.stop()
    own_server.verify()


def test_a_nearly_full_disk_refuses_writes_and_goes_on_reading(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_client(own_server.url) as http:
        user = User(http, "full")
        user.register()
        room = user.create_room()
        kept = user.send(room, "들어간 글")
    own_server.stop()
    monkeypatch.setenv("BONGSU_FREE_BYTES_MIN", str(2**40))
    own_server.start()
    with http_client(own_server.url) as http:
        user.http = http
        path = ("PUT", "rooms", room, "send", "m.room.message", "f1")
        body = {"msgtype": "m.text", "body": "못 들어갈 글"}
        for _ in range(3):
            user.refused(403, "M_RESOURCE_LIMIT_EXCEEDED", *path, body=body)
        user.refused(403, "M_RESOURCE_LIMIT_EXCEEDED", "POST", "createRoom", body={})
        assert kept in [event["event_id"] for event in timeline(user.sync(), room)]
    own_server.stop()
    monkeypatch.delenv("BONGSU_FREE_BYTES_MIN")
    own_server.start()
    with http_client(own_server.url) as http:
        user.http = http
        after = user.send(room, "다시 들어간 글")
        assert [event["event_id"] for event in timeline(user.sync(), room)][-2:] == [kept, after]
    own_server.stop()
    own_server.verify()


def test_one_process_a_data_directory(own_server: Server) -> None:
    answer = subprocess.run(
        [str(BONGSU), "verify", "--data", str(own_server.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def _damage(data: Path, event_id: str) -> None:
    """Change one byte of an event's body in log.db, as a worn-out card might."""
    with closing(sqlite3.connect(data / "view.db")) as view:
        (position,) = view.execute("SELECT position FROM events WHERE event_id=?", (event_id,)).fetchone()
    with closing(sqlite3.connect(data / "log.db")) as log:
        (body,) = log.execute("SELECT body FROM lasting_bodies WHERE position=?", (position,)).fetchone()
        damaged = body[:20] + bytes([body[20] ^ 1]) + body[21:]
        log.execute("UPDATE lasting_bodies SET body=? WHERE position=?", (damaged, position))
        log.commit()


def test_a_damaged_event_is_left_out_and_the_room_goes_on(own_server: Server) -> None:
    with http_client(own_server.url) as http:
        user = User(http, "damaged")
        user.register()
        room = user.create_room()
        sent = [user.send(room, "봉수대 " * 60 + str(number)) for number in range(3)]
    own_server.stop()
    _damage(own_server.data, sent[1])
    own_server.start()
    with http_client(own_server.url) as http:
        user.http = http
        shown = timeline(user.sync(), room)[-3:]
        assert [event["event_id"] for event in shown] == sent
        assert [bool(event["content"]) for event in shown] == [True, False, True]
        user.send(room, "계속")
    own_server.stop()
    answer = subprocess.run(
        [str(BONGSU), "verify", "--data", str(own_server.data)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "damaged" in answer.stdout.lower() or "body" in answer.stdout.lower()
