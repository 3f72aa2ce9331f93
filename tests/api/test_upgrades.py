"""What goes over to the room that replaces another, and what each of its people had set for it."""

from collections.abc import Callable

import pytest

from tests.api.client import Json, User

Make = Callable[[str], User]


def upgrade(user: User, room: str, version: str, **fields: object) -> str:
    new: str = user.post("rooms", room, "upgrade", body={"new_version": version, **fields})[
        "replacement_room"
    ]
    return new


def levels(user: User, room: str) -> Json:
    content: Json = user.get("rooms", room, "state", "m.room.power_levels")
    return content


@pytest.mark.parametrize("version", ["11", "12"])
def test_who_is_banned_stays_banned(alice: User, bob: User, make_user: Make, version: str) -> None:
    carol = make_user("carol")
    old = alice.create_room(preset="public_chat", room_version="10")
    for user in (bob, carol):
        alice.post("rooms", old, "ban", body={"user_id": user.user_id, "reason": "도배"})
    new = upgrade(alice, old, version, additional_creators=[carol.user_id])
    bob.refused(403, "M_FORBIDDEN", "POST", "join", new)
    member = alice.get("rooms", new, "state", "m.room.member", bob.user_id)
    assert (member["membership"], member["reason"]) == ("ban", "도배")
    # Nobody can be banned from a room they made: who is named its creator is welcome.
    if version == "12":
        carol.join(new)


@pytest.mark.parametrize(("before", "after"), [("11", "11"), ("11", "12")])
def test_a_level_above_everybodys_does_not_stop_an_upgrade(alice: User, before: str, after: str) -> None:
    raised = {"events": {"m.room.name": 101, "m.room.tombstone": 100}}
    old = alice.create_room(room_version=before, power_level_content_override=raised)
    new = upgrade(alice, old, after)
    assert levels(alice, new)["events"]["m.room.name"] == 101


def test_back_to_an_older_version_its_creators_keep_what_they_may(
    alice: User, bob: User, make_user: Make
) -> None:
    creators = {"additional_creators": [bob.user_id]}
    old = alice.create_room(preset="public_chat", room_version="12", creation_content=creators)
    new = upgrade(alice, old, "11")
    assert levels(alice, new)["users"] == {alice.user_id: 150, bob.user_id: 150}
    bob.join(new)
    # And no further: creators are named anew each time.
    newest = upgrade(bob, new, "12")
    assert alice.user_id in levels(bob, newest)["users"]
    assert bob.user_id not in levels(bob, newest)["users"]


def test_a_space_keeps_its_rooms(alice: User) -> None:
    room = alice.create_room()
    space = alice.create_room(creation_content={"type": "m.space"})
    alice.set_state(space, "m.space.child", {"via": ["localhost"]}, room)
    new = upgrade(alice, space, "12")
    assert alice.get("rooms", new, "state", "m.space.child", room) == {"via": ["localhost"]}


def test_what_people_set_for_the_old_room_goes_with_them(alice: User, bob: User) -> None:
    old = alice.create_room(preset="public_chat", room_version="10")
    bob.join(old)
    here = {"kind": "event_match", "key": "room_id", "pattern": old}
    for user in (alice, bob):
        user.put("user", user.user_id, "rooms", old, "tags", "m.favourite", body={"order": 0.5})
        user.put("pushrules/global/room", old, body={"actions": []})
        user.put("pushrules/global/override", old, body={"actions": [], "conditions": [here]})
        user.put(
            "user", user.user_id, "account_data", "m.direct", body={"@x:localhost": [old, "!y:localhost"]}
        )
    new = upgrade(alice, old, "12")
    bob.join(new)
    for user in (alice, bob):
        tags = user.get("user", user.user_id, "rooms", new, "tags")
        assert tags == {"tags": {"m.favourite": {"order": 0.5}}}
        rules = user.get("pushrules/global/")
        assert {each["rule_id"] for each in rules["room"]} == {old, new}
        copied = next(each for each in rules["override"] if each["rule_id"] == new)
        assert (copied["actions"], copied["conditions"]) == ([], [{**here, "pattern": new}])
        direct = user.get("user", user.user_id, "account_data", "m.direct")
        assert direct == {"@x:localhost": [old, "!y:localhost", new]}
    # Coming back changes nothing that was set meanwhile.
    bob.delete("user", bob.user_id, "rooms", new, "tags", "m.favourite")
    bob.post("rooms", new, "leave")
    bob.join(new)
    assert bob.get("user", bob.user_id, "rooms", new, "tags") == {"tags": {}}


def test_a_room_that_only_says_it_replaces_another_gets_nothing(alice: User, bob: User) -> None:
    old = alice.create_room()
    alice.put("user", alice.user_id, "account_data", "m.direct", body={"@x:localhost": [old]})
    for predecessor in ({"room_id": old}, {"room_id": 7}, {"room_id": "!none:localhost"}, "x"):
        trap = bob.create_room(
            preset="public_chat", creation_content={"predecessor": predecessor}, room_version="12"
        )
        alice.join(trap)
    assert alice.get("user", alice.user_id, "account_data", "m.direct") == {"@x:localhost": [old]}
