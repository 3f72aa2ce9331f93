"""Administration: only with the role and a code, and every act recorded."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.client import PASSWORD, User, http_client
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
    data = ("--data", str(server.data))
    server.run("user", "admin", *data, "boss")
    with http_client(console) as http:
        boss.http = mallory.http = http
        boss.refused(403, "KR_BONGSU_SECOND_FACTOR", "GET", f"{ADMIN}/users")
        pass_second_factor(boss)
        listed = boss.get(f"{ADMIN}/users", limit=1)
        rest = boss.get(f"{ADMIN}/users", **{"from": listed["next"]})
        found = [each["user_id"] for each in listed["users"] + rest["users"]]
        assert (len(listed["users"]), found) == (1, [boss.user_id, mallory.user_id])
        media_id = upload(mallory, b"ugly")
        room = mallory.create_room(preset="public_chat")
        boss.join(room)
        boss.post("rooms", room, "report", body={"reason": "광고"})
        assert boss.get(f"{ADMIN}/user", mallory.user_id)["media_bytes"] == 4
        assert boss.get(f"{ADMIN}/rooms")["rooms"][0]["joined"] == 2
        files = boss.get(f"{ADMIN}/media", user=mallory.user_id)["media"]
        assert [each["media_id"] for each in files] == [media_id]
        assert boss.get(f"{ADMIN}/reports")["reports"][0]["reason"] == "광고"
        path = "/_matrix/client/v1/media/download/localhost/"
        boss.put(f"{ADMIN}/quarantine", media_id)
        assert mallory.request("GET", path + media_id).status_code == 404
        assert boss.get(f"{ADMIN}/media")["media"][0]["quarantined"]
        again = upload(mallory, b"ugly")  # nor does it come back by being sent again
        assert mallory.request("GET", path + again).status_code == 404
        boss.delete(f"{ADMIN}/media", again)
        boss.delete(f"{ADMIN}/quarantine", media_id)
        assert mallory.request("GET", path + media_id).status_code == 200
        boss.delete(f"{ADMIN}/media", media_id)
        assert mallory.request("GET", path + media_id).status_code == 404
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
            (boss.user_id, "release", media_id),
            (boss.user_id, "delete_media", again),
            (boss.user_id, "quarantine", media_id),
        ]
    server.stop()
    server.run("user", "reset-second-factor", *data, "boss")
    server.run("user", "admin", *data, "boss", "--off")
    server.verify()


def administrator(server: Server, console: str, name: str = "boss") -> User:
    """An account that is one, at the administration's address, with its second factor given."""
    with http_client(server.url) as http:
        made(http, name)
    server.stop()
    server.run("user", "admin", "--data", str(server.data), name)
    server.start()
    boss = User(http_client(console), name)
    boss.login()
    pass_second_factor(boss)
    return boss


def test_accounts_are_found_and_given_a_new_password(server: Server, console: str) -> None:
    boss = administrator(server, console)
    with closing(boss.http), http_client(server.url) as http:
        mallory, other = made(http, "mallory", "other")
        other.put("profile", other.user_id, "displayname", body={"displayname": "강릉 Mallory"})
        found = boss.get(f"{ADMIN}/users", q="MALLORY")["users"]
        assert [each["user_id"] for each in found] == [mallory.user_id, other.user_id]
        second = User(http, "mallory")
        second.login()
        boss.refused(404, "M_NOT_FOUND", "POST", f"{ADMIN}/logout", mallory.user_id, body={"device_id": "X"})
        boss.post(f"{ADMIN}/logout", mallory.user_id, body={"device_id": second.device_id})
        second.refused(401, "M_UNKNOWN_TOKEN", "GET", "sync")
        mallory.get("account/whoami")
        boss.refused(403, "M_FORBIDDEN", "POST", f"{ADMIN}/reset_password", boss.user_id)
        password = boss.post(f"{ADMIN}/reset_password", mallory.user_id)["password"]
        mallory.refused(401, "M_UNKNOWN_TOKEN", "GET", "sync")
        mallory.refused(403, "M_FORBIDDEN", "POST", "login", body=login_of(mallory, PASSWORD))
        mallory.login(password)
        assert boss.get(f"{ADMIN}/user", mallory.user_id)["devices"][0]["device_id"] == mallory.device_id


def test_a_closed_room_lets_nobody_in(server: Server, console: str) -> None:
    boss = administrator(server, console)
    with closing(boss.http), http_client(server.url) as http:
        mallory, other, late = made(http, "mallory", "other", "late")
        room = mallory.create_room(preset="public_chat", name="불법 도박", visibility="public")
        other.join(room)
        shown = boss.get(f"{ADMIN}/rooms", q="도박")["rooms"]
        assert [(each["room_id"], each["closed"]) for each in shown] == [(room, False)]
        members = {each["user_id"] for each in boss.get(f"{ADMIN}/room", room)["members"]}
        assert members == {mallory.user_id, other.user_id}
        assert boss.post(f"{ADMIN}/close_room", room)["left"] == 2
        assert boss.get(f"{ADMIN}/room", room)["members"] == []
        for user in (late, mallory):
            user.refused(403, "M_FORBIDDEN", "POST", "join", room)
        assert boss.get("publicRooms")["chunk"] == []
        assert boss.get(f"{ADMIN}/rooms", q="도박")["rooms"][0]["closed"]
        boss.refused(404, "M_NOT_FOUND", "POST", f"{ADMIN}/close_room", "!nothing:localhost")


def test_a_report_is_read_acted_on_and_done(server: Server, console: str) -> None:
    boss = administrator(server, console)
    with closing(boss.http), http_client(server.url) as http:
        mallory, other = made(http, "mallory", "other")
        room = mallory.create_room(preset="public_chat")
        other.join(room)
        event = mallory.send(room, "싸게 팝니다")
        other.post("rooms", room, "report", event, body={"reason": "광고"})
        report = boss.get(f"{ADMIN}/reports")["reports"][0]
        assert report["event"] == {
            "sender": mallory.user_id,
            "type": "m.room.message",
            "redacted": False,
            "body": "싸게 팝니다",
            "media": [],
        }
        boss.post(f"{ADMIN}/redact", room, event)
        assert other.get("rooms", room, "event", event)["content"] == {}
        assert boss.get(f"{ADMIN}/reports")["reports"][0]["event"]["redacted"]
        boss.post(f"{ADMIN}/report_done", str(report["number"]))
        boss.refused(404, "M_NOT_FOUND", "POST", f"{ADMIN}/report_done", "x")
        boss.refused(404, "M_NOT_FOUND", "POST", f"{ADMIN}/report_done", str(report["number"] + 1))
        assert boss.get(f"{ADMIN}/reports")["reports"][0]["done"]["by"] == boss.user_id
        acts = [each["act"] for each in boss.get(f"{ADMIN}/acts")["acts"]]
        assert acts == ["report_done", "redact"]


def test_the_page_is_at_its_own_address_alone(server: Server, console: str) -> None:
    with http_client(console) as inside, http_client(server.url) as outside:
        page = inside.get("/admin")
        assert page.status_code == 200
        scripts = re.findall(r"/assets/admin-[^\"]+", page.text)
        assert scripts
        for path in ("/admin", "/admin.html", *scripts):
            assert inside.get(path).status_code == 200, path
            assert outside.get(path).status_code == 404, path


def login_of(user: User, password: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": user.name}
    return {"type": "m.login.password", "identifier": identifier, "password": password}


def upload(user: User, content: bytes) -> str:
    answer = user.expect(200, "POST", "/_matrix/media/v3/upload", content=content)
    uri: str = answer["content_uri"]
    return uri.rpartition("/")[2]
