"""Nothing links the hubs any more: files go from hand to hand, and everybody reads everything once."""

from bongsu.limits import CARRY_EXPIRES_MS
from tests.api.client import Json, User
from tests.hubs.conftest import HUBS, Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in

PATH = "/_bongsu/client/v1/courier"


def carry(lab: Lab, giver: str, taker: str, to: str | None = None) -> Json:
    """What a phone does: take a file at one site, hand it in at another."""
    file = lab.http[giver].get(f"{PATH}/export", params={"to": to or taker})
    assert file.status_code == 200, file.text
    answered = lab.http[taker].post(PATH, content=file.content)
    assert answered.status_code == 200, answered.text
    said: Json = answered.json()
    return said


def settled(lab: Lab, user: User, site: str, room_id: str, expected: list[str]) -> None:
    there = lab.at(user, site)
    eventually(lambda: is_in(there, room_id) and bodies(there, room_id) == expected, f"{expected} at {site}")


def test_two_hubs_talk_by_courier_alone(lab: Lab) -> None:
    kim, park = lab.resident("h1", "kim"), lab.resident("h2", "park")
    room_id = kim.create_room(invite=[park.user_id])
    park.join(room_id)
    kim.send(room_id, "before")
    for user, hub in ((kim, "h1"), (park, "h2")):
        settled(lab, user, hub, room_id, ["before"])
    lab.isolate()
    lab.burn()
    lab.at(kim, "h1").send(room_id, "from h1")
    lab.at(park, "h2").send(room_id, "from h2")
    first = carry(lab, "h1", "h2")
    assert (first["source"], first["problem"], first["complete"]) == ("h1", None, True)
    assert first["new"] > 0
    again = carry(lab, "h1", "h2")
    assert again["new"] == 0
    carry(lab, "h2", "h1")
    stamped = bodies(lab.at(kim, "h1"), room_id)
    assert sorted(stamped) == ["before", "from h1", "from h2"]
    assert bodies(lab.at(park, "h2"), room_id) == stamped
    answer = lab.at(kim, "h1").sync()
    assert answer["rooms"]["join"][room_id]["unread_notifications"]["notification_count"] == 1


def test_a_file_for_another_site_waits_for_the_next_courier(lab: Lab) -> None:
    kim, park = lab.resident("h1", "kim"), lab.resident("h2", "park")
    room_id = kim.create_room(invite=[park.user_id])
    park.join(room_id)
    for user, hub in ((kim, "h1"), (park, "h2")):
        settled(lab, user, hub, room_id, [])
    lab.isolate()
    lab.at(kim, "h1").send(room_id, "by two couriers")
    kept = carry(lab, "h1", "a", to="h2")
    assert (kept["kept"], kept["to"]) == (True, "h2")
    (waiting,) = lab.http["a"].get(PATH).json()["kept"]
    file = lab.http["a"].get(f"{PATH}/files/{waiting['id']}").content
    assert lab.http["h2"].post(PATH, content=file).json()["new"] > 0
    assert bodies(lab.at(park, "h2"), room_id) == ["by two couriers"]


def test_the_history_of_a_room_that_became_a_residents_comes_by_file(lab: Lab) -> None:
    mayor, park = lab.user("a", "mayor"), lab.resident("h2", "park")
    room_id = mayor.create_room(preset="public_chat")
    mayor.send(room_id, "long ago")
    # The hub has what came before, and so the headers of that room.
    other = park.create_room()
    settled(lab, park, "h2", other, [])
    lab.isolate()
    mayor.send(room_id, "not for h2 yet")
    # It takes headers, and says so: from now on files do not begin at the beginning.
    carry(lab, "a", "h2")
    carry(lab, "h2", "a", to="core")
    park.join(room_id)
    mayor.send(room_id, "welcome")
    carry(lab, "a", "h2")
    assert not is_in(lab.at(park, "h2"), room_id)
    lab.at(park, "h2").send(other, "not held up")
    assert bodies(lab.at(park, "h2"), other) == ["not held up"]
    carry(lab, "h2", "a", to="core")
    carry(lab, "a", "h2")
    settled(lab, park, "h2", room_id, ["long ago", "not for h2 yet", "welcome"])


def test_a_stranger_brings_nothing(lab: Lab) -> None:
    kim = lab.resident("h1", "kim")
    room_id = kim.create_room()
    settled(lab, kim, "h1", room_id, [])
    lab.isolate()
    file = lab.http["a"].get(f"{PATH}/export", params={"to": "h1"}).content
    for spoilt in (file[:-1], file[: len(file) // 2], b"", file[:300], bytes(1000)):
        answered = lab.http["h1"].post(PATH, content=spoilt)
        assert answered.status_code < 500
    turned = bytearray(file)
    turned[len(turned) // 2] ^= 1
    assert "changed on the way" in str(lab.http["h1"].post(PATH, content=bytes(turned)).json())
    for hub in HUBS:
        assert lab.http[hub].get("/_matrix/client/versions").status_code == 200


def test_a_message_says_where_it_is_on_its_way(lab: Lab) -> None:
    kim = lab.resident("h1", "kim")
    room_id = kim.create_room()
    settled(lab, kim, "h1", room_id, [])
    here = lab.at(kim, "h1")
    path = "/_bongsu/client/v1/durability"
    arrived = here.send(room_id, "by wire")
    eventually(lambda: here.get(path, arrived)["at_core"], "the core has it")
    lab.isolate()
    eventually(lambda: not here.get(path, arrived)["core_linked"], "cut off")
    assert here.get(path, arrived)["at_core"]
    event_id = here.send(room_id, "by courier")
    where = here.get(path, event_id)
    assert (where["at_core"], where["core_linked"], where["courier_ms"]) == (False, False, None)
    file = lab.http["h1"].get(f"{PATH}/export", params={"to": "core"})
    assert file.headers["x-bongsu-id"]
    assert int(file.headers["x-bongsu-expires"]) > where["since"]
    assert 0 < int(file.headers["x-bongsu-expires-in"]) <= CARRY_EXPIRES_MS
    assert here.get(path, event_id)["courier_ms"] >= where["since"]
    assert lab.http["a"].post(PATH, content=file.content).json()["complete"]
    assert lab.at(kim, "a").get(path, event_id)["at_core"]
    # The receipt comes back with the next courier.
    carry(lab, "a", "h1")
    where = here.get(path, event_id)
    assert (where["at_core"], where["core_linked"], where["courier_ms"]) == (True, False, None)
