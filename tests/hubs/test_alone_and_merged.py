"""The core burns, hubs go on alone, links return: one history, once, the same everywhere."""

from tests.api.client import PASSWORD, Json, User, timeline
from tests.hubs.conftest import EVERYWHERE, HUBS, Lab, eventually


def bodies(user: User, room_id: str) -> list[str]:
    """The messages of a room in history's order."""
    found = user.get("rooms", room_id, "messages", dir="b", limit=200)["chunk"]
    return [
        event["content"].get("body", "-") for event in reversed(found) if event["type"] == "m.room.message"
    ]


def messages(answer: Json, room_id: str) -> list[str]:
    """The messages in a sync's answer."""
    return [each["content"]["body"] for each in timeline(answer, room_id) if each["type"] == "m.room.message"]


def is_in(user: User, room_id: str) -> bool:
    return room_id in user.get("joined_rooms")["joined_rooms"]


def test_residents_go_on_when_the_core_is_gone_and_everything_merges(lab: Lab) -> None:
    kim, lee = (lab.resident("h1", name) for name in ("kim", "lee"))
    park, choi = (lab.resident("h2", name) for name in ("park", "choi"))
    everybody = {kim: "h1", lee: "h1", park: "h2", choi: "h2"}
    room_id = kim.create_room(preset="public_chat", name="상황실", room_alias_name="situation")
    for user in (lee, park, choi):
        user.join(room_id)
    kim.send(room_id, "before")
    for user, hub in everybody.items():
        there = lab.at(user, hub)
        eventually(lambda there=there: is_in(there, room_id) and bodies(there, room_id) == ["before"], hub)
    tokens = {user: lab.at(user, hub).sync()["next_batch"] for user, hub in everybody.items()}
    lab.burn()
    lab.isolate()
    # The next request of each works, with the token the core gave, and so does a new log-in.
    for user, hub in everybody.items():
        lab.at(user, hub).send(room_id, f"{user.name} at {hub}")
    # The alias could not go over to another room.
    upgrade = {"new_version": "12"}
    lab.at(kim, "h1").refused(403, "M_FORBIDDEN", "POST", "rooms", room_id, "upgrade", body=upgrade)
    again = User(lab.http["h1"], kim.name)
    again.login(PASSWORD)
    assert again.user_id == kim.user_id
    for hub, here in (("h1", [kim, lee]), ("h2", [park, choi])):
        expected = ["before", *(f"{user.name} at {hub}" for user in here)]
        for user in here:
            assert bodies(lab.at(user, hub), room_id) == expected
            answer = lab.at(user, hub).sync(tokens[user])
            assert messages(answer, room_id) == expected[1:]
            tokens[user] = answer["next_batch"]
            last = timeline(answer, room_id)[-1]["event_id"]
            lab.at(user, hub).post("rooms", room_id, "receipt", "m.read", last)
    newcomer = lab.user("h1", "newcomer")
    assert newcomer.user_id.partition(":")[0].endswith("+h1")
    newcomer.join(room_id)
    newcomer.send(room_id, "I am new")
    lab.revive()
    lab.reunite()
    for site in EVERYWHERE:
        who = kim if site != "h2" else park
        eventually(
            lambda who=who, site=site: len(bodies(lab.at(who, site), room_id)) == 6, f"merge at {site}"
        )
    histories = [bodies(lab.at(who, site), room_id) for who, site in ((kim, "a"), (kim, "h1"), (park, "h2"))]
    assert histories[0] == histories[1] == histories[2]
    assert len(set(histories[0])) == 6
    for user, hub in everybody.items():
        answer = lab.at(user, hub).sync(tokens[user])
        seen = messages(answer, room_id)
        brought = [body for body in histories[0] if body.endswith("at h2" if hub == "h1" else "at h1")]
        assert sorted(seen) == sorted([*brought, "I am new"]), "each once, and nothing again"
        # What the merge brings is unread, whatever was read meanwhile.
        unread = answer["rooms"]["join"][room_id]["unread_notifications"]["notification_count"]
        assert unread == len(brought) + 1
    # The newcomer keeps the account, at the core too.
    assert lab.at(newcomer, "a").get("account", "whoami")["user_id"] == newcomer.user_id
    eventually(lambda: same_rooms(lab), "equal digests")


def same_rooms(lab: Lab) -> bool:
    """Whether what each hub says of a room is what the core says of it."""
    core = lab.digests("a")
    for hub in HUBS:
        told = lab.digests(hub)
        rooms = [scope for scope in told if scope.startswith("room ")]
        if not rooms or any(told[scope] != core.get(scope) for scope in rooms):
            return False
    return True
