"""People use the web client in Debian's Chromium: on a phone and on a PC, in Korean and in English."""

import pytest

from tests.server import Server
from tests.web.story import PHONE_AND_PC, SCREENSHOTS, tell


@pytest.mark.parametrize(("language", "width"), PHONE_AND_PC)
def test_two_people_meet_by_link_and_chat(server: Server, language: str, width: int) -> None:
    tell("run.mjs", server.url, str(SCREENSHOTS), language, str(width))


@pytest.mark.parametrize(("language", "width"), PHONE_AND_PC)
def test_a_stranger_sends_an_encrypted_message_in_the_first_minute(
    server: Server, language: str, width: int
) -> None:
    tell("minute.mjs", server.url, str(SCREENSHOTS), language, str(width))


@pytest.mark.parametrize(
    ("language", "width"), [("ko", 360), pytest.param("en", 1280, marks=pytest.mark.long)]
)
def test_a_long_chat_is_read_back_to_its_beginning(server: Server, language: str, width: int) -> None:
    tell("history.mjs", server.url, str(SCREENSHOTS), language, str(width))
