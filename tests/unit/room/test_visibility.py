"""Who sees what. Spec: Client-Server API § Room History Visibility."""

import pytest

from bongsu.room.visibility import strip, stripped_state, visible
from tests.helpers.stage import ALICE, Stage

MEMBERSHIPS = (None, "join", "invite", "leave", "ban", "knock")


@pytest.mark.parametrize("now", MEMBERSHIPS)
@pytest.mark.parametrize("then", MEMBERSHIPS)
def test_the_five_rules(then: str | None, now: str | None) -> None:
    for joined_since in (False, True):
        joined = joined_since or now == "join"
        assert visible("world_readable", then, now, joined_since)
        assert visible("shared", then, now, joined_since) is (then == "join" or joined)
        assert visible("not understood", then, now, joined_since) is (then == "join" or joined)
        assert visible("invited", then, now, joined_since) is (then in ("join", "invite"))
        assert visible("joined", then, now, joined_since) is (then == "join")


def test_a_user_who_left_sees_nothing_that_came_after() -> None:
    assert not visible("shared", "leave", "leave", joined_since=False)
    assert visible("shared", "join", "leave", joined_since=False)


def test_stripped_state_names_the_room_and_who_invites() -> None:
    keys = stripped_state(ALICE)
    assert keys[0] == ("m.room.create", "")
    assert keys[-1] == ("m.room.member", ALICE)
    assert [type for type, _ in keys[1:-1]] == [
        "m.room.name",
        "m.room.avatar",
        "m.room.topic",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.encryption",
    ]


def test_a_stripped_event_has_four_properties() -> None:
    create = Stage("12").create
    assert strip(create) == {
        "type": "m.room.create",
        "state_key": "",
        "sender": ALICE,
        "content": {"room_version": "12"},
    }
