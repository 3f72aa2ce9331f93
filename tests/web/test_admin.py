"""The administration in a real browser, at its own listener."""

from pathlib import Path

import pytest

from tests.api.client import User, http_client
from tests.helpers.tower import rooted_server
from tests.server import free_port
from tests.web.story import SCREENSHOTS, tell


@pytest.mark.parametrize(
    ("language", "width"),
    [
        ("ko", 360),
        *(pytest.param(*each, marks=pytest.mark.long) for each in (("en", 1280), ("ko", 1280), ("en", 360))),
    ],
)
def test_administration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, width: int) -> None:
    console = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("BONGSU_ADMIN_LISTEN", console)
    server = rooted_server(tmp_path)
    server.start()
    try:
        with http_client(server.url) as http:
            User(http, "boss").register()
        server.stop()
        server.run("user", "admin", "--data", str(server.data), "boss")
        server.start()
        tell("admin.mjs", server.url, f"http://{console}", str(SCREENSHOTS), language, str(width))
        server.stop()
        server.verify()
    finally:
        server.kill()
