"""Administration: only with the role and a code, and every act recorded."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.client import User, http_client
from tests.helpers.tower import pass_second_factor, rooted_server
from tests.server import Server, free_port

ADMIN = "/_bongsu/admin/v1"


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> str:
    """Where administrators work."""
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("BONGSU_ADMIN_LISTEN", address)
    return f"http://{address}"


@pytest.fixture
def server(tmp_path: Path, console: str) -> Iterator[Server]:
    server = rooted_server(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def made(http: httpx.Client, *names: str) -> list[User]:
    users = [User(http, name) for name in names]
    for user in users:
        user.register()
    return users


def test_an_administrator_at_work(server: Server, console: str) -> None:
    with http_client(server.url) as http:
        boss, mallory = made(http, "boss", "mallory")
        boss.refused(404, "M_UNRECOGNIZED", "GET", f"{ADMIN}/users")
    with http_client(console) as http:
        boss.http = http
        boss.refused(403, "M_FORBIDDEN", "GET", f"{ADMIN}/users")
    server.stop()
    data = ("--data", str(server.data))
    server.run("user", "admin", *data, "boss")
    server.start()
    with http_client(console) as http:
        boss.http = mallory.http = http
        boss.refused(403, "KR_BONGSU_SECOND_FACTOR", "GET", f"{ADMIN}/users")
        pass_second_factor(boss)
        listed = boss.get(f"{ADMIN}/users", limit=1)
        assert [each["user_id"] for each in listed["users"]] == [boss.user_id]
        rest = boss.get(f"{ADMIN}/users", **{"from": listed["next"]})
        assert [each["user_id"] for each in rest["users"]] == [mallory.user_id]
        media_id = upload(mallory, b"ugly")
        room = mallory.create_room(preset="public_chat")
        boss.join(room)
        boss.post("rooms", room, "report", body={"reason": "광고"})
        assert boss.get(f"{ADMIN}/user", mallory.user_id)["media_bytes"] == 4
        assert boss.get(f"{ADMIN}/rooms")["rooms"][0]["joined"] == 2
        assert [each["media_id"] for each in boss.get(f"{ADMIN}/media", user=mallory.user_id)["media"]] == [
            media_id
        ]
        assert boss.get(f"{ADMIN}/reports")["reports"][0]["reason"] == "광고"
        boss.delete(f"{ADMIN}/media", media_id)
        path = f"/_matrix/client/v1/media/download/localhost/{media_id}"
        assert mallory.request("GET", path).status_code == 404
        assert list((server.data / "media").glob("[0-9a-f][0-9a-f]/*")) == []
        boss.refused(404, "M_NOT_FOUND", "DELETE", f"{ADMIN}/media", media_id)
        boss.refused(403, "M_FORBIDDEN", "POST", f"{ADMIN}/deactivate", boss.user_id)
        boss.refused(404, "M_NOT_FOUND", "POST", f"{ADMIN}/deactivate", "@nobody:localhost")
        boss.post(f"{ADMIN}/logout", mallory.user_id)
        mallory.refused(401, "M_UNKNOWN_TOKEN", "GET", "sync")
        mallory.login()
        boss.post(f"{ADMIN}/deactivate", mallory.user_id)
        mallory.refused(401, "M_UNKNOWN_TOKEN", "GET", "sync")
        acts = [(each["actor"], each["act"], each["target"]) for each in boss.get(f"{ADMIN}/acts")["acts"]]
        assert acts == [
            (boss.user_id, "deactivate", mallory.user_id),
            (boss.user_id, "logout", mallory.user_id),
            (boss.user_id, "delete_media", media_id),
        ]
    server.stop()
    server.run("user", "reset-second-factor", *data, "boss")
    server.run("user", "admin", *data, "boss", "--off")
    server.verify()


def upload(user: User, content: bytes) -> str:
    answer = user.expect(200, "POST", "/_matrix/media/v3/upload", content=content)
    uri: str = answer["content_uri"]
    return uri.rpartition("/")[2]
