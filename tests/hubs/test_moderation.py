"""Both sides moderate, join, redact and edit while they are cut off: after the merge all see the same."""

from tests.api.client import User
from tests.hubs.conftest import HUBS, Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in, same_rooms


def set_power(user: User, room_id: str, levels: dict[str, int]) -> None:
    content = user.get("rooms", room_id, "state", "m.room.power_levels")
    content["users"] = {**content.get("users", {}), **levels}
    user.put("rooms", room_id, "state", "m.room.power_levels", body=content)


def membership(user: User, room_id: str, of: User) -> str:
    members = user.get("rooms", room_id, "members")["chunk"]
    found = [each["content"]["membership"] for each in members if each["state_key"] == of.user_id]
    return found[0] if found else "none"


def edit(user: User, room_id: str, event_id: str, body: str) -> None:
    new = {"msgtype": "m.text", "body": body}
    relation = {"rel_type": "m.replace", "event_id": event_id}
    user.send(room_id, {**new, "body": f"* {body}", "m.new_content": new, "m.relates_to": relation})


def moderators_are_told(reader: User, room_id: str, park: User) -> None:
    """The room's owner is told what park did while he no longer might."""
    told = reader.get("/_bongsu/client/v1/rooms", room_id, "merges")
    undone = {(each["type"], each["sender"]) for each in told["undone"]}
    assert undone == {("m.room.topic", park.user_id), ("m.room.member", park.user_id)}
    assert not told["more"]


def test_what_both_sides_did_is_the_same_everywhere(lab: Lab) -> None:
    kim, lee = (lab.resident("h1", name) for name in ("kim", "lee"))
    park, choi = (lab.resident("h2", name) for name in ("park", "choi"))
    room_id = kim.create_room(preset="public_chat", name="회의")
    for user in (lee, park, choi):
        user.join(room_id)
    set_power(kim, room_id, {park.user_id: 50})
    first = park.send(room_id, "first")
    second = lee.send(room_id, "second")
    at = {
        user: lab.at(user, hub) for hub, users in (("h1", (kim, lee)), ("h2", (park, choi))) for user in users
    }
    for there in at.values():
        eventually(
            lambda there=there: is_in(there, room_id) and bodies(there, room_id)[1:] == ["second"], "start"
        )
    lab.isolate()
    # At one hub: the moderator is demoted, somebody joins, a message is redacted.
    set_power(at[kim], room_id, {park.user_id: 0})
    one = lab.user("h1", "one")
    one.join(room_id)
    one.send(room_id, "hello from h1")
    at[kim].put("rooms", room_id, "redact", first, "r1", body={"reason": "wrong"})
    edit(at[lee], room_id, second, "second, edited")
    # At the other, the moderator, who knows nothing of it, bans lee and renames the room; somebody joins.
    at[park].post("rooms", room_id, "ban", body={"user_id": lee.user_id})
    at[park].put("rooms", room_id, "state", "m.room.topic", body={"topic": "by park"})
    two = lab.user("h2", "two")
    two.join(room_id)
    two.send(room_id, "hello from h2")
    at[choi].send(room_id, "life goes on")
    # A new room of residents, made while they are alone, with an invitation.
    apart = at[park].create_room(preset="private_chat", name="따로")
    at[park].invite(apart, at[choi])
    at[choi].join(apart)
    at[choi].send(apart, "made alone")
    lab.reunite()
    core = {user: lab.at(user, "a") for user in (kim, park, choi, one, two)}
    eventually(
        lambda: is_in(core[choi], apart) and bodies(core[choi], apart) == ["made alone"], "the new room"
    )
    for joined in (one, two):
        eventually(lambda joined=joined: membership(core[kim], room_id, joined) == "join", "both newcomers")
        for there in (at[kim], at[park]):
            eventually(
                lambda joined=joined, there=there: membership(there, room_id, joined) == "join", "at hubs"
            )
    eventually(lambda: same_rooms(lab), "equal digests")
    told = lab.digests("a")
    for hub in HUBS:
        assert lab.digests(hub)[f"room {room_id}"] == told[f"room {room_id}"]
    readers = (core[kim], at[kim], at[park])
    assert len({membership(reader, room_id, lee) for reader in readers}) == 1
    moderators_are_told(at[kim], room_id, park)
    at[choi].refused(403, "M_FORBIDDEN", "GET", "/_bongsu/client/v1/rooms", room_id, "merges")
    gone = [reader.get("rooms", room_id, "event", first)["content"] for reader in readers]
    assert gone == [{}, {}, {}]
    seen = bodies(core[kim], room_id)
    assert seen == bodies(at[kim], room_id) == bodies(at[park], room_id)
    assert {"hello from h1", "hello from h2", "life goes on"} <= set(seen)


def test_a_key_of_another_node_is_replaced_by_the_fallback_key(lab: Lab) -> None:
    kim, park = lab.resident("h1", "kim"), lab.resident("h1", "park")
    keys = {f"curve25519:K{number}": f"key{number:040}" for number in range(20)}
    fallback = {"curve25519:F": "fallback" + "0" * 35}
    kim.post("keys", "upload", body={"one_time_keys": keys, "fallback_keys": fallback})
    at_hub = lab.at(park, "h1")
    asked = {"one_time_keys": {kim.user_id: {kim.device_id: "curve25519"}}}

    def counted() -> bool:
        answer = lab.at(kim, "h1").post("keys", "upload", body={})
        return bool(answer["one_time_key_counts"].get("curve25519", 0) == 20)

    eventually(counted, "the keys at the hub")
    lab.burn()
    given = [
        next(iter(at_hub.post("keys", "claim", body=asked)["one_time_keys"][kim.user_id][kim.device_id]))
        for _ in range(25)
    ]
    own = [name for name in given if name != "curve25519:F"]
    assert len(own) == len(set(own)), "no key is given twice"
    assert own, "the home hub has a share of its residents' keys"
    assert given[-1] == "curve25519:F"
