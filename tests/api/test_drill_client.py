"""A person of a drill is given every message once, also where a sync leaves some out."""

import time
from collections.abc import Callable

import pytest

from bongsu.drill import client
from bongsu.drill.client import Client, Person, connected
from bongsu.drill.talk import talk
from tests.api.client import User
from tests.server import Server


async def test_hours_of_talk_are_read_whole_though_answers_are_short(
    server: Server, make_user: Callable[[str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FILTER", '{"room":{"timeline":{"limit":3}}}')
    monkeypatch.setattr(client, "PAGE_EVENTS", "4")
    writer, reader = make_user("writer"), make_user("reader")
    room_id = writer.create_room(preset="public_chat")
    reader.join(room_id)
    since = reader.sync()["next_batch"]

    async with connected("") as http:

        def person(user: User) -> Client:
            assert user.access_token is not None
            fields = Person(user.name, "a", room_id, user.access_token, user.user_id, since)
            return Client(fields, {"a": server.url}, http, time.monotonic())

        hours: list[tuple[str, int]] = []
        speaker, listener = person(writer), person(reader)
        await talk({"a": [speaker]}, hours=3, per_hour=7, act=lambda side, hour: hours.append((side, hour)))
        await listener.finish()
        await talk({"a": [speaker]}, hours=1, per_hour=1)
        await listener.finish()
    assert hours == [("a", 0), ("a", 1), ("a", 2)]
    assert [sent.number for sent in speaker.person.sent] == [*range(1, 22), 1]
    assert [number for _, _, number in listener.person.seen] == [*range(1, 22)], "the last was sent again"
    assert listener.person.limited == 1
