"""What arrives below HTTP's good manners: slow, endless, malformed, or far too much of it."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.api.client import User, http_client, url_path
from tests.server import Server, free_port


@contextmanager
def connection(server: Server) -> Iterator[socket.socket]:
    host, _, port = server.address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=90)) as opened:
        yield opened


def received(opened: socket.socket) -> bytes:
    """What the server says before it closes or pauses after an answer."""
    found = b""
    try:
        while chunk := opened.recv(65_536):
            found += chunk
            if b"\r\n\r\n" in found and (b"{" in found or b"content-length: 0" in found.lower()):
                break
    except ConnectionResetError:
        pass
    return found


def status(answer: bytes) -> int:
    """The status of a raw answer; 0 if the connection was just closed."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


MALFORMED = [
    b"\r\n\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\n x: folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET " + b"/x" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % number for number in range(1_000)) + b"\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("sent", MALFORMED, ids=lambda sent: repr(sent[:40]))
def test_malformed_requests_end(server: Server, sent: bytes) -> None:
    with connection(server) as opened:
        try:
            opened.sendall(sent)
            opened.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it was cut off before everything was sent
        assert status(received(opened)) in (0, 400, 404, 414, 431)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PATCH", "PROPFIND", "x" * 5_000])
def test_methods_nobody_needs(server: Server, method: str) -> None:
    with connection(server) as opened:
        opened.sendall(f"{method} /_matrix/client/v3/sync HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        assert status(received(opened)) in (0, 400, 404, 405)


@pytest.mark.parametrize("host", ["", "evil.example", "a b", "localhost:99999", "[::1", "x" * 5_000])
def test_the_host_header_decides_nothing(server: Server, host: str) -> None:
    with connection(server) as opened:
        opened.sendall(f"GET /.well-known/matrix/client HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        answer = received(opened)
    assert status(answer) in (200, 400)
    assert b"evil" not in answer


def test_two_requests_in_one_length(server: Server) -> None:
    """A length and chunks at once: what follows must not be taken for another's request."""
    with connection(server) as opened:
        opened.sendall(
            b"POST /_matrix/client/v3/login HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /_matrix/client/versions HTTP/1.1\r\nhost: x\r\n\r\n"
        )
        assert status(received(opened)) in (0, 400)


def test_a_body_without_end(server: Server, alice: User) -> None:
    for path in ("/_matrix/client/v3/createRoom", "/_matrix/client/v3/login"):
        with connection(server) as opened:
            head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {alice.access_token}\r\n"
            opened.sendall(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
            sent = 0
            try:
                while sent < 2_000 * len(chunk):
                    opened.sendall(chunk)
                    sent += len(chunk)
            except OSError:
                pass  # it was cut off, as it should be
            assert sent < 2_000 * len(chunk)


def test_a_promised_length_far_too_large(server: Server) -> None:
    for length in ("2000000", "99999999999", "1" * 19):
        with connection(server) as opened:
            head = "POST /_matrix/client/v3/login HTTP/1.1\r\nhost: x\r\ncontent-length: "
            opened.sendall(f"{head}{length}\r\n\r\n".encode())
            assert status(received(opened)) in (0, 400, 413)


def test_a_body_that_stops_in_the_middle(server: Server, alice: User) -> None:
    with connection(server) as opened:
        head = (
            f"POST /_matrix/media/v3/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {alice.access_token}"
        )
        opened.sendall(f"{head}\r\ncontent-length: 1000\r\n\r\nhalf".encode())
        opened.shutdown(socket.SHUT_WR)
        assert status(received(opened)) == 400


def test_a_small_body_that_stops_in_the_middle(server: Server) -> None:
    with connection(server) as opened:
        head = "POST /_matrix/client/v3/login HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n"
        opened.sendall(head.encode() + b'{"type"')
        opened.shutdown(socket.SHUT_WR)
        found = received(opened)
        assert status(found) == 400
        assert b"ended before its length" in found


def test_chunks_that_stop_in_the_middle_fill_no_promise(server: Server, alice: User) -> None:
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    media_id = uri.removeprefix("mxc://localhost/")
    with connection(server) as opened:
        head = f"PUT /_matrix/media/v3/upload/localhost/{media_id} HTTP/1.1\r\nhost: x\r\n"
        token = f"authorization: Bearer {alice.access_token}\r\ntransfer-encoding: chunked\r\n\r\n"
        opened.sendall(f"{head}{token}4\r\nhalf\r\n".encode())
        opened.shutdown(socket.SHUT_WR)
        assert status(received(opened)) == 411
    path = ("/_matrix/client/v1/media/download", "localhost", media_id)
    alice.refused(504, "M_NOT_YET_UPLOADED", "GET", *path, query={"timeout_ms": 0})


def test_three_hundred_slow_connections_hold_nobody_up(server: Server, alice: User) -> None:
    slow = [connection(server) for _ in range(300)]
    opened = [each.__enter__() for each in slow]
    try:
        for each in opened:
            each.sendall(b"GET /_matrix/client/versions HTTP/1.1\r\nx: ")
        for _ in range(10):
            assert alice.get("account/whoami")["user_id"] == alice.user_id
            for each in opened:
                each.sendall(b"y")
    finally:
        for manager in slow:
            manager.__exit__(None, None, None)


@pytest.mark.long
def test_slow_headers_and_slow_bodies_are_cut_off(server: Server) -> None:
    head = b"POST /_matrix/client/v3/login HTTP/1.1\r\nhost: x\r\n"
    with connection(server) as headers, connection(server) as body:
        headers.sendall(head)
        body.sendall(head + b"content-length: 100\r\n\r\n{")
        assert status(received(headers)) in (0, 408)
        assert status(received(body)) == 408


def test_many_at_once(server: Server, alice: User) -> None:
    answers: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            for _ in range(20):
                answer = client.post("/_matrix/client/v3/login", content=b"{" * 1_000)
                answers.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [400] * 200


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "/_matrix//client/v3/sync",
        "/_matrix/client/v3/sync/",
        "/../../etc/passwd",
        "/_matrix/client/v3/%2e%2e/sync",
    ],
)
def test_odd_paths(server: Server, path: str) -> None:
    with connection(server) as opened:
        opened.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        assert status(received(opened)) == 404


def test_no_answer_names_its_maker(alice: User) -> None:
    for path in ("account/whoami", "nothing"):
        headers = alice.request("GET", path).headers
        assert headers.get_list("server") == ["bongsu"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_who_hung_up_before_the_server_got_to_it_sends_again_elsewhere(
    server: Server, alice: User, room: str
) -> None:
    send_and_hang_up(server, alice, room)
    last = alice.send(room, "뒤에 온 것")
    told = alice.get("rooms", room, "messages", dir="b", limit="50")["chunk"]
    assert told[0]["event_id"] == last
    assert [each for each in told if each["content"].get("body") == "stale"] == []


def send_and_hang_up(server: Server, alice: User, room: str) -> None:
    """Requests that the server comes to after their client has gone."""
    path = url_path("rooms", room, "send", "m.room.message")
    body = '{"msgtype":"m.text","body":"stale"}'
    head = (
        f"Host: {server.address}\r\nAuthorization: Bearer {alice.access_token}\r\nContent-Length: {len(body)}"
    )
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for number in range(20):
            with connection(server) as opened:
                opened.sendall(f"PUT {path}/stale{number} HTTP/1.1\r\n{head}\r\n\r\n{body}".encode())
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_who_hung_up_is_no_failure_of_the_nodes(tmp_path: Path) -> None:
    private = f"127.0.0.1:{free_port()}"
    (tmp_path / "bongsu.toml").write_text(f'private_listen = "{private}"\n')
    server = Server(tmp_path, "--config", str(tmp_path / "bongsu.toml"))
    server.start()
    try:
        with http_client(server.url) as http:
            alice = User(http, "alice")
            alice.register()
            room = alice.create_room()
            send_and_hang_up(server, alice, room)
            alice.send(room, "뒤에 온 것")
        metrics = httpx.get(f"http://{private}/metrics").text
        counted = {
            line.split('status="')[1].split('"')[0] for line in metrics.splitlines() if 'status="' in line
        }
        # Else a node that is slow for a moment takes itself out of service, and the others have more to do.
        assert "499" in counted
        assert not any(status >= "500" for status in counted)
    finally:
        server.stop()
