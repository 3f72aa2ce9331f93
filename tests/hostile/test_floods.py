"""Too much of something: who sends it is told to wait, everybody else goes on."""

import gzip
import json
from collections.abc import Callable, Iterator

import pytest

from tests.api.client import PASSWORD, User, http_client
from tests.server import Server


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user on a server that limits rates."""
    server = Server(tmp_path_factory.mktemp("limited"), "--rate-limits", "on")
    server.start()
    try:
        with http_client(server.url) as http:
            user = User(http, "limited")
            user.register()
            yield user
        server.stop()
        server.verify()
    finally:
        server.kill()


def until_429(ask: Callable[[int], int], attempts: int) -> int:
    """The number of the attempt that is told to wait."""
    return next((number for number in range(attempts) if ask(number) == 429), attempts)


def test_guessing_a_password(limited: User) -> None:
    identifier = {"type": "m.id.user", "user": "limited"}

    def guess(number: int) -> int:
        body = {"type": "m.login.password", "identifier": identifier, "password": f"guess {number}"}
        answer = User(limited.http, "").request("POST", "login", body=body)
        if answer.status_code == 429:
            assert answer.json()["errcode"] == "M_LIMIT_EXCEEDED"
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["retry_after_ms"] > 0
        return answer.status_code

    assert until_429(guess, 40) < 40
    # Who is logged in is not bothered, and others log in.
    limited.send(limited.create_room(), "나는 그대로")
    other = User(limited.http, "other")
    other.register()
    other.login()


def test_a_flood_of_messages(limited: User) -> None:
    room = limited.create_room()

    def send(number: int) -> int:
        path = ("rooms", room, "send", "m.room.message", f"f{number}")
        return limited.request("PUT", *path, body={"body": "x"}).status_code

    assert until_429(send, 2_000) < 2_000
    limited.sync()


@pytest.mark.parametrize("act", ["createRoom", "search", "report"])
def test_a_flood_of_costly_acts(limited: User, act: str) -> None:
    path = {
        "createRoom": ("createRoom",),
        "search": ("search",),
        "report": ("users", limited.user_id, "report"),
    }
    body = {"search_categories": {"room_events": {"search_term": "x"}}, "reason": "x"}

    def ask(_: int) -> int:
        return limited.request("POST", *path[act], body=body).status_code

    assert until_429(ask, 300) < 300
    limited.get("account/whoami")


def test_a_compressed_body_is_not_unpacked(alice: User) -> None:
    bomb = gzip.compress(b'{"name": "' + b" " * 50_000_000 + b'"}')
    for encoding in ("gzip", "deflate", "br", "zstd"):
        headers = {"content-encoding": encoding, "content-type": "application/json"}
        answer = alice.request("POST", "createRoom", content=bomb, headers=headers)
        assert (answer.status_code, answer.json()["errcode"]) == (400, "M_NOT_JSON")


def test_too_many_of_everything(alice: User) -> None:
    for body in (
        {"invite": ["@x:localhost"] * 100_000},
        {"initial_state": [{"type": "x", "content": {}}] * 20_000},
    ):
        assert len(json.dumps(body)) > 500_000
        assert alice.request("POST", "createRoom", body=body).status_code in (400, 413)
    assert PASSWORD not in json.dumps(alice.sync())
