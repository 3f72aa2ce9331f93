"""Every command on a data directory, and what a server on it does afterwards."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bongsu.operate.control import NAME
from tests.api.client import PASSWORD, User, http_client
from tests.offline.commands import fails, succeeds
from tests.server import Server

EVERY_COMMAND = [
    ("user", "add", "someone", "--password", PASSWORD),
    ("user", "list"),
    ("user", "deactivate", "someone"),
    ("user", "reset-password", "someone", "--password", PASSWORD),
    ("token", "create"),
    ("token", "list"),
    ("verify",),
    ("rebuild",),
]


@contextmanager
def serving(server: Server) -> Iterator[User]:
    """The server while it runs; a client without an account."""
    server.start()
    try:
        with http_client(server.url) as http:
            yield User(http, "")
        server.stop()
    finally:
        server.kill()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def login(stranger: User, name: str, password: str) -> User:
    user = User(stranger.http, name)
    user.login(password)
    return user


def test_an_account_made_offline_logs_in(server: Server) -> None:
    assert succeeds(server.data, "user", "add", "alice", "--password", PASSWORD) == "Made @alice:localhost."
    assert succeeds(server.data, "user", "list") == "@alice:localhost\tactive"
    with serving(server) as stranger:
        alice = login(stranger, "alice", PASSWORD)
        alice.send(alice.create_room(), "봉수")
    succeeds(server.data, "verify")


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("alice", PASSWORD, "belongs"),
        ("Alice", PASSWORD, "lower case"),
        ("이름", PASSWORD, "lower case"),
        ("", PASSWORD, "lower case"),
        ("bob", "short", "character"),
        ("bob", "", "character"),
        ("bob", "x" * 1_000, "bytes"),
    ],
)
def test_accounts_that_cannot_be(server: Server, name: str, password: str, said: str) -> None:
    succeeds(server.data, "user", "add", "alice", "--password", PASSWORD)
    sentence = fails(server.data, "user", "add", name, "--password", password)
    assert sentence.startswith("Error: ")
    assert succeeds(server.data, "user", "list") == "@alice:localhost\tactive"


def test_a_new_password_logs_out(server: Server) -> None:
    succeeds(server.data, "user", "add", "alice", "--password", PASSWORD)
    with serving(server) as stranger:
        token = login(stranger, "alice", PASSWORD).access_token
    said = succeeds(server.data, "user", "reset-password", "alice", "--password", "아주 새로운 열쇠말")
    assert said == "@alice:localhost has a new password and no sessions."
    with serving(server) as stranger:
        old = User(stranger.http, "alice")
        old.access_token = token
        old.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
        assert login(stranger, "alice", "아주 새로운 열쇠말").get("joined_rooms") == {"joined_rooms": []}
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "alice"},
            "password": PASSWORD,
        }
        stranger.refused(403, "M_FORBIDDEN", "POST", "login", body=body)


def test_a_deactivated_account_is_over(server: Server) -> None:
    for name in ("alice", "bob"):
        succeeds(server.data, "user", "add", name, "--password", PASSWORD)
    with serving(server) as stranger:
        alice, bob = (login(stranger, name, PASSWORD) for name in ("alice", "bob"))
        room = alice.create_room(invite=[bob.user_id])
        bob.join(room)
    assert succeeds(server.data, "user", "deactivate", "@bob:localhost") == "Deactivated @bob:localhost."
    listed = succeeds(server.data, "user", "list").splitlines()
    assert listed == ["@alice:localhost\tactive", "@bob:localhost\tdeactivated"]
    fails(server.data, "user", "reset-password", "bob", "--password", "아주 새로운 열쇠말")
    with serving(server) as stranger:
        alice.http = bob.http = stranger.http
        assert [*alice.get("rooms", room, "joined_members")["joined"]] == [alice.user_id]
        bob.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    succeeds(server.data, "verify")


@pytest.mark.parametrize("command", [("user", "deactivate"), ("user", "reset-password")])
def test_accounts_that_are_not_there(server: Server, command: tuple[str, str]) -> None:
    succeeds(server.data, "user", "add", "alice", "--password", PASSWORD)
    more = ("--password", PASSWORD) if command[1] == "reset-password" else ()
    for name in ("nobody", "@alice:elsewhere", "", "@"):
        assert "There is no account" in fails(server.data, *command, name, *more)


def test_registration_tokens(tmp_path: Path) -> None:
    server = Server(tmp_path, "--registration", "token")
    once = succeeds(server.data, "token", "create", "--uses", "1")
    succeeds(server.data, "token", "create", "--days", "1")
    listed = succeeds(server.data, "token", "list")
    assert sorted(line.split("\t")[1] for line in listed.splitlines()) == ["1 left", "any number left"]
    assert once not in listed
    with serving(server) as stranger:
        auth = {"type": "m.login.registration_token", "token": once}
        body = {"username": "alice", "password": PASSWORD, "auth": auth}
        stranger.post("register", body=body)
        stranger.expect(401, "POST", "register", body={**body, "username": "bob"})
    assert "0 left" in succeeds(server.data, "token", "list")
    for option in ("--uses", "--days"):
        for number in ("0", "-1", "many"):
            fails(server.data, "token", "create", option, number, status=2)


def test_nothing_touches_the_data_of_a_running_server(server: Server) -> None:
    with serving(server) as stranger:
        alice = User(stranger.http, "alice")
        alice.register()
        room = alice.create_room()
        before = (server.data / "view.db").stat().st_ino
        for command in ("verify", "rebuild"):
            assert "is in use by another process. Stop it first." in fails(server.data, command)
        assert (server.data / "view.db").stat().st_ino == before
        alice.send(room, "끄떡없습니다")
    succeeds(server.data, "verify")
    assert "is in use" not in succeeds(server.data, "rebuild")


def test_a_running_server_does_what_it_is_asked(server: Server) -> None:
    with serving(server) as stranger:
        assert (
            succeeds(server.data, "user", "add", "alice", "--password", PASSWORD) == "Made @alice:localhost."
        )
        assert "taken" in fails(server.data, "user", "add", "alice", "--password", PASSWORD)
        assert "There is no account @bob:localhost." in fails(server.data, "user", "deactivate", "bob")
        alice = login(stranger, "alice", PASSWORD)
        token = succeeds(server.data, "token", "create", "--uses", "1")
        body = {"username": "newcomer", "password": PASSWORD}
        session = stranger.expect(401, "POST", "register", body=body)["session"]
        auth = {"type": "m.login.registration_token", "token": token, "session": session}
        stranger.post("register", body={**body, "auth": auth})
        assert "0 left" in succeeds(server.data, "token", "list")
        assert "is an administrator" in succeeds(server.data, "user", "admin", "newcomer")
        succeeds(server.data, "user", "reset-password", "alice", "--password", "아주 새로운 열쇠말")
        alice.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
        succeeds(server.data, "user", "deactivate", "alice")
        assert "@alice:localhost\tdeactivated" in succeeds(server.data, "user", "list")
        # Whoever may not write the data may not ask either.
        assert (server.data / NAME).stat().st_mode & 0o777 == 0o600
    assert not (server.data / NAME).exists()
    # One that a crash left behind stands in nobody's way.
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(server.data / NAME))
    assert "@alice:localhost\tdeactivated" in succeeds(server.data, "user", "list")
    with serving(server):
        assert "@alice:localhost\tdeactivated" in succeeds(server.data, "user", "list")
    succeeds(server.data, "verify")


def test_nonsense_on_the_socket_of_a_running_server_harms_nobody(server: Server) -> None:
    with serving(server):
        for line in (b"", b"\n", b"[]\n", b"x\n", b'{"act":"none"}\n', b"x" * 100_000 + b"\n"):
            with socket.socket(socket.AF_UNIX) as odd:
                odd.connect(str(server.data / NAME))
                with suppress(BrokenPipeError):
                    odd.sendall(line)
                    odd.shutdown(socket.SHUT_WR)
                with suppress(ConnectionResetError):
                    while odd.recv(4096):
                        pass
        assert succeeds(server.data, "user", "list") == ""


def test_a_data_directory_may_have_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("길" * 40)
    folder.mkdir()
    deep = Server(folder)
    with serving(deep):
        assert succeeds(deep.data, "user", "add", "alice", "--password", PASSWORD) == "Made @alice:localhost."


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_the_server_name_cannot_change(server: Server, command: tuple[str, ...]) -> None:
    succeeds(server.data, "user", "add", "someone", "--password", PASSWORD)
    said = fails(server.data, *command, "--server-name", "elsewhere.example")
    assert "belongs to localhost, and a service cannot change its name" in said
    assert succeeds(server.data, "user", "list") == "@someone:localhost\tactive"


@pytest.mark.parametrize("command", EVERY_COMMAND[1:4] + EVERY_COMMAND[5:], ids=" ".join)
def test_no_service_is_made_of_a_mistyped_directory(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "There is no service in" in fails(tmp_path / "mistyped", *command)
    assert not (tmp_path / "mistyped").exists()


def test_a_rebuilt_view_says_the_same(server: Server) -> None:
    with serving(server) as stranger:
        alice = User(stranger.http, "alice")
        alice.register()
        room = alice.create_room(name="광장", visibility="public")
        events = [alice.send(room, f"소식 {number}") for number in range(20)]
        alice.put("rooms", room, "redact", events[3], "once")
        asked = {"search_categories": {"room_events": {"search_term": "소식"}}}
        before = alice.post("search", body=asked)["search_categories"]["room_events"]["count"]
    said = succeeds(server.data, "rebuild")
    assert "100 %" in said
    assert "Rebuilt the view from" in said
    succeeds(server.data, "verify")
    with serving(server) as stranger:
        alice.http = stranger.http
        after = alice.post("search", body=asked)["search_categories"]["room_events"]["count"]
        assert before == after == 19
        found = alice.get("rooms", room, "messages", dir="b", limit=100)["chunk"]
        assert {*events} <= {event["event_id"] for event in found}
