"""Settings that a server of its own is needed for: proxies, and how much one user's files may take."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.client import User, http_client
from tests.api.test_media import UPLOAD, download, upload
from tests.server import Server

DAY_S = 24 * 3_600
QUOTA = 10_000


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that believes a proxy on loopback, and keeps 10,000 bytes for each user."""
    settings = tmp_path / "bongsu.toml"
    settings.write_text(
        f'trusted_proxies = "127.0.0.1"\nmedia_bytes_per_user_max = {QUOTA}\nrate_limits = true\n',
        encoding="utf-8",
    )
    server = Server(tmp_path, "--rate-limits", "on", "--config", str(settings))
    server.start()
    try:
        yield server
        server.stop()
        server.verify()
    finally:
        server.kill()


def test_limits_go_by_the_address_behind_a_proxy(own: Server) -> None:
    with http_client(own.url) as http:
        user = User(http, "behind")
        user.register()

        def guess(number: int, forwarded: str) -> int:
            # Another user each time: only the address is the same.
            identifier = {"type": "m.id.user", "user": f"nobody{number}"}
            body = {"type": "m.login.password", "identifier": identifier, "password": "wrong password"}
            headers = {"x-forwarded-for": forwarded}
            return User(http, "").request("POST", "login", body=body, headers=headers).status_code

        # What the guesser writes further left changes nothing.
        answers = [guess(number, f"203.0.113.{number % 250}, 198.51.100.1") for number in range(200)]
        assert 429 in answers
        assert guess(900, "198.51.100.1") == 429
        assert guess(901, "198.51.100.2") == 403


def test_what_one_users_files_may_take(own: Server) -> None:
    with http_client(own.url) as http:
        user, other = User(http, "many"), User(http, "other")
        for each in (user, other):
            each.register()
        first = upload(user, b"a" * 6_000)
        upload(user, b"b" * 4_000)
        refused = user.request("POST", UPLOAD, content=b"c", headers={"content-type": "text/plain"})
        assert (refused.status_code, refused.json()["errcode"]) == (403, "M_FORBIDDEN")
        assert str(QUOTA) in refused.json()["error"]
        upload(other, b"c" * QUOTA)
        assert download(user, first).content == b"a" * 6_000
        assert len([*(own.data / "media").glob("??/*")]) == 3
        assert [*(own.data / "media" / "aside").glob("*")] == []


def test_a_start_removes_old_files_that_nothing_names(own: Server) -> None:
    with http_client(own.url) as http:
        user = User(http, "keeps")
        user.register()
        kept = upload(user, b"named by a record")
        media = own.data / "media"
        (named,) = media.glob("??/*")
        old, young = media / "ab" / ("0" * 62), media / "cd" / ("0" * 62)
        thumbnail = media / "thumbnails" / "ab" / f"ab{'0' * 62}-32x32-crop"
        for path in (old, young, thumbnail):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"nobody asked for this")
        for path in (old, named):
            os.utime(path, (time.time() - 2 * DAY_S,) * 2)
        own.stop()
        own.start()
        assert [path.exists() for path in (named, old, young, thumbnail)] == [True, False, True, False]
        assert download(user, kept).content == b"named by a record"
