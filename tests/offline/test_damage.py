"""Files that are damaged: said in a sentence, repaired where the log can, never served as if nothing were."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.client import User, http_client
from tests.offline.commands import bongsu, fails, succeeds
from tests.server import Server


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was used: messages, a redaction, a file."""
    server = Server(tmp_path_factory.mktemp("used"))
    server.start()
    try:
        with http_client(server.url) as http:
            alice = User(http, "alice")
            alice.register()
            room = alice.create_room(name="광장")
            for number in range(50):
                alice.send(room, f"소식 {number} " + "봉수 " * 100)
            alice.request("POST", "/_matrix/media/v3/upload", content=b"picture" * 1_000)
        server.stop()
    finally:
        server.kill()
    return server.data


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(used, tmp_path / "data"))


def write(path: Path, sql: str, *parameters: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(sql, parameters).rowcount > 0


def media_file(data: Path) -> Path:
    (found,) = [path for path in (data / "media").glob("??/*") if path.parent.name != "aside"]
    return found


def test_the_copy_is_whole(data: Path) -> None:
    assert succeeds(data, "verify").endswith("No problem found.")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE members SET membership='ban'",
        "DELETE FROM events WHERE type='m.room.name'",
        "UPDATE users SET password='x'",
        "UPDATE texts SET text='x'",
        "DELETE FROM heads",
    ],
)
def test_a_view_that_says_something_else(data: Path, sql: str) -> None:
    write(data / "view.db", sql)
    assert "differs from a rebuild" in fails(data, "verify")
    succeeds(data, "rebuild")
    succeeds(data, "verify")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(4_096, len(content), 4_096):
        content[at : at + 64] = b"\xff" * 64
    path.write_bytes(content)


def replace(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1_000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, scribble, replace, empty, remove])
def test_a_damaged_view_is_built_anew(data: Path, damage: Callable[[Path], None]) -> None:
    damage(data / "view.db")
    assert succeeds(data, "user", "list") == "@alice:localhost\tactive"
    succeeds(data, "verify")


@pytest.mark.parametrize("damage", [cut, scribble, replace, empty])
def test_a_damaged_log_is_refused_or_told(data: Path, damage: Callable[[Path], None]) -> None:
    damage(data / "log.db")
    for command in (("verify",), ("rebuild",)):
        said = fails(data, *command)
        assert "log.db" in said, said


@pytest.mark.parametrize("damage", [empty, remove])
def test_a_lost_log_is_never_served_as_an_empty_service(data: Path, damage: Callable[[Path], None]) -> None:
    damage(data / "log.db")
    assert "missing or empty" in fails(data, "serve")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE lasting_bodies SET body=zeroblob(length(body)) WHERE position=30",
        "DELETE FROM lasting_bodies WHERE position=30",
        "UPDATE records SET stamp=stamp+1 WHERE position=30",
        "DELETE FROM records WHERE position=30",
    ],
)
def test_a_damaged_record_is_told(data: Path, sql: str) -> None:
    write(data / "log.db", sql)
    assert "damaged" in fails(data, "verify") or "record 30" in fails(data, "verify").lower()
    before = (data / "view.db").stat().st_ino
    # A view that was built from a whole log is not given away for one that cannot be built.
    assert "Restore log.db" in fails(data, "rebuild")
    assert (data / "view.db").stat().st_ino == before
    assert not (data / "view.db.new").exists()
    assert "@alice:localhost" in succeeds(data, "user", "list")


@pytest.mark.parametrize("damage", [cut, empty, replace, remove])
def test_a_damaged_file_is_told(data: Path, damage: Callable[[Path], None]) -> None:
    file = media_file(data)
    damage(file)
    assert f"The media file {file.name} is" in fails(data, "verify")


@pytest.mark.parametrize("damage", [cut, empty, replace])
def test_a_damaged_key_is_refused(data: Path, damage: Callable[[Path], None]) -> None:
    damage(data / "node.key")
    for command in (("verify",), ("user", "list"), ("rebuild",)):
        assert "node.key" in fails(data, *command)


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no directory", encoding="utf-8")
    for command in (("verify",), ("user", "list"), ("token", "create")):
        assert "not a directory" in fails(file, *command)
    assert bongsu(tmp_path, "verify", "--no-such-option").returncode == 2
