"""The server of the API tests, and after every hostile test a proof that honest people are served."""

from collections.abc import Iterator

import pytest

from tests.api.client import User
from tests.api.conftest import alice, bob, http, make_user, server

__all__ = ["alice", "bob", "http", "make_user", "server"]


@pytest.fixture
def room(alice: User) -> str:
    """A room of alice's, with one message."""
    room_id = alice.create_room()
    alice.send(room_id, "시작")
    return room_id


@pytest.fixture(autouse=True)
def honest(alice: User) -> Iterator[None]:
    """Whatever a test sends, the next honest requests work."""
    yield
    room_id = alice.create_room()
    event_id = alice.send(room_id, "아직 됩니다")
    assert alice.get("rooms", room_id, "event", event_id)["content"]["body"] == "아직 됩니다"
    assert alice.sync()["rooms"]["join"][room_id]
