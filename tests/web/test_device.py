"""The web client where something is the matter: it moves, has trouble, is shown others' words, is closed."""

import json
from pathlib import Path

import pytest

from tests.helpers.tower import Officer, install, rooted_server
from tests.server import Server
from tests.web.story import SCREENSHOTS, tell


def test_the_client_moves_to_another_site_and_back(server: Server) -> None:
    tell("moving.mjs", server.url, str(SCREENSHOTS), "ko", "1280")


@pytest.mark.parametrize(
    ("language", "width", "reactions"),
    [("en", 1280, 400), pytest.param("ko", 360, 10_000, marks=pytest.mark.long)],
)
def test_trouble_with_the_device_is_told_and_loses_nothing(
    server: Server, language: str, width: int, reactions: int
) -> None:
    tell("trouble.mjs", server.url, str(SCREENSHOTS), language, str(width), str(reactions))


@pytest.mark.parametrize(
    ("language", "width"), [("ko", 1280), pytest.param("en", 360, marks=pytest.mark.long)]
)
def test_what_other_clients_write_is_shown_and_never_run(server: Server, language: str, width: int) -> None:
    tell("rich.mjs", server.url, str(SCREENSHOTS), language, str(width))


def test_a_browser_is_told_while_the_client_is_closed(tmp_path: Path) -> None:
    settings = tmp_path / "bongsu.toml"
    settings.write_text("push_allow_private = true\n", encoding="utf-8")
    server = rooted_server(tmp_path, "--config", str(settings))
    server.start()
    try:
        officer = Officer()
        install(server.url, officer.statement())
        alert = tmp_path / "alert.json"
        alert.write_text(json.dumps(officer.alert()), encoding="utf-8")
        tell("push.mjs", server.url, str(SCREENSHOTS), "ko", "360", str(alert))
        server.stop()
        server.verify()
    finally:
        server.kill()
