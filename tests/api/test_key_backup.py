"""Key backups: the best key of each session is kept, and count and etag tell the truth."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.client import Json, User

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
ROOM, OTHER_ROOM = "!first:localhost", "!second:localhost"


def make(user: User, public_key: str = "abc") -> str:
    body = {"algorithm": ALGORITHM, "auth_data": {"public_key": public_key}}
    version: str = user.post("room_keys", "version", body=body)["version"]
    return version


def key(text: str = "x", *, index: int = 0, forwarded: int = 0, verified: bool = False) -> Json:
    return {
        "first_message_index": index,
        "forwarded_count": forwarded,
        "is_verified": verified,
        "session_data": {"ciphertext": text, "ephemeral": "e", "mac": "m"},
    }


def put(user: User, version: str, value: Json, *place: str) -> Json:
    answer: Json = user.expect(
        200, "PUT", "room_keys", "keys", *place, body=value, query={"version": version}
    )
    return answer


def get(user: User, version: str, *place: str) -> Json:
    answer: Json = user.get("room_keys", "keys", *place, version=version)
    return answer


def delete(user: User, version: str, *place: str) -> Json:
    answer: Json = user.expect(200, "DELETE", "room_keys", "keys", *place, query={"version": version})
    return answer


def test_the_latest_version_is_the_current_one(alice: User) -> None:
    alice.refused(404, "M_NOT_FOUND", "GET", "room_keys", "version")
    first, second = make(alice), make(alice, "def")
    assert first != second
    current = alice.get("room_keys", "version")
    assert current == {
        "algorithm": ALGORITHM,
        "auth_data": {"public_key": "def"},
        "version": second,
        "count": 0,
        "etag": current["etag"],
    }
    alice.delete("room_keys", "version", second)
    alice.delete("room_keys", "version", second)
    assert alice.get("room_keys", "version")["version"] == first
    alice.refused(404, "M_NOT_FOUND", "GET", "room_keys", "version", second)
    alice.refused(404, "M_NOT_FOUND", "DELETE", "room_keys", "version", "123")
    assert int(make(alice)) > int(second)


def test_backups_made_at_once_have_numbers_of_their_own(alice: User) -> None:
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda number: make(alice, str(number)), range(30)))
    assert len(set(made)) == 30
    for number, version in enumerate(made):
        assert alice.get("room_keys", "version", version)["auth_data"] == {"public_key": str(number)}


def test_auth_data_can_be_changed_the_algorithm_cannot(alice: User) -> None:
    version = make(alice)
    path = ("room_keys", "version", version)
    body: Json = {"algorithm": ALGORITHM, "auth_data": {"public_key": "new"}, "version": version}
    alice.put(*path, body=body)
    assert alice.get(*path)["auth_data"] == {"public_key": "new"}
    alice.refused(400, "M_INVALID_PARAM", "PUT", *path, body={**body, "version": "1"})
    alice.refused(400, "M_INVALID_PARAM", "PUT", *path, body={**body, "algorithm": "x"})
    alice.refused(404, "M_NOT_FOUND", "PUT", "room_keys", "version", "1", body={**body, "version": "1"})


def test_keys_are_stored_and_found_at_every_depth(alice: User, bob: User) -> None:
    version = make(alice)
    rooms = {ROOM: {"sessions": {"s1": key("1"), "s2": key("2")}}}
    assert put(alice, version, {"rooms": rooms})["count"] == 2
    assert put(alice, version, {"sessions": {"s3": key("3")}}, OTHER_ROOM)["count"] == 3
    assert put(alice, version, key("4"), OTHER_ROOM, "s4")["count"] == 4
    other = {"sessions": {"s3": key("3"), "s4": key("4")}}
    assert get(alice, version) == {"rooms": {**rooms, OTHER_ROOM: other}}
    assert get(alice, version, OTHER_ROOM) == other
    assert get(alice, version, OTHER_ROOM, "s4") == key("4")
    assert get(alice, version, "!third:localhost") == {"sessions": {}}
    query = {"version": version}
    alice.refused(404, "M_NOT_FOUND", "GET", "room_keys", "keys", ROOM, "s9", query=query)
    bob.refused(404, "M_NOT_FOUND", "GET", "room_keys", "keys", query=query)
    assert alice.get("room_keys", "version")["count"] == 4


BEST_LAST = [
    key("a", index=0, forwarded=0),
    key("b", index=9, forwarded=9, verified=True),
    key("c", index=5, forwarded=9, verified=True),
    key("d", index=5, forwarded=2, verified=True),
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_better_key_stays_whatever_came_first(alice: User, order: tuple[int, ...]) -> None:
    version = make(alice)
    etags = []
    for number in order:
        told = put(alice, version, BEST_LAST[number], ROOM, "s")
        etags.append(told["etag"])
        assert told["count"] == 1
        best = max(order[: order.index(number) + 1])
        assert get(alice, version, ROOM, "s") == BEST_LAST[best]
    assert put(alice, version, BEST_LAST[0], ROOM, "s")["etag"] == etags[-1]
    assert len(set(etags)) == sum(number == max(order[: at + 1]) for at, number in enumerate(order))


def test_the_etag_tells_of_every_change(alice: User) -> None:
    version = make(alice)
    told = [alice.get("room_keys", "version")["etag"]]
    # The same words for another session, and a better mark on the same words, are changes like any other.
    for session, value in (
        ("s1", key()),
        ("s2", key()),
        ("s1", key(verified=True)),
        ("s2", key(verified=True)),
    ):
        told.append(put(alice, version, value, ROOM, session)["etag"])
    assert len(set(told)) == len(told)
    assert put(alice, version, key("worse", index=9), ROOM, "s1")["etag"] == told[-1]


def test_deleting_keys(alice: User) -> None:
    version = make(alice)
    rooms = {ROOM: {"sessions": {"s1": key(), "s2": key()}}, OTHER_ROOM: {"sessions": {"s1": key()}}}
    whole = put(alice, version, {"rooms": rooms})
    assert delete(alice, version, ROOM, "s2")["count"] == 2
    assert delete(alice, version, ROOM)["count"] == 1
    assert list(get(alice, version)["rooms"]) == [OTHER_ROOM]
    empty = delete(alice, version)
    assert empty["count"] == 0
    assert delete(alice, version) == empty
    # What is deleted can be stored again, a worse key too; then the etag is what it was.
    assert put(alice, version, {"rooms": rooms}) == whole


def test_only_the_current_version_takes_keys(alice: User) -> None:
    old, current = make(alice), make(alice)
    path = ("room_keys", "keys", ROOM, "s")
    refused = alice.refused(
        403, "M_WRONG_ROOM_KEYS_VERSION", "PUT", *path, body=key(), query={"version": old}
    )
    assert refused["current_version"] == current
    alice.refused(404, "M_NOT_FOUND", "PUT", *path, body=key(), query={"version": "7"})
    alice.refused(400, "M_MISSING_PARAM", "PUT", *path, body=key())
    put(alice, current, key(), ROOM, "s")
    alice.delete("room_keys", "version", current)
    alice.refused(404, "M_NOT_FOUND", "GET", *path, query={"version": current})


@pytest.mark.parametrize(
    ("errcode", "changed"),
    [
        ("M_BAD_JSON", {"first_message_index": "0"}),
        ("M_BAD_JSON", {"first_message_index": -1}),
        ("M_BAD_JSON", {"forwarded_count": True}),
        ("M_BAD_JSON", {"is_verified": 1}),
        ("M_BAD_JSON", {"session_data": "x"}),
        ("M_TOO_LARGE", {"session_data": {"ciphertext": "x" * 20_000}}),
    ],
)
def test_malformed_keys_are_refused(alice: User, errcode: str, changed: Json) -> None:
    version = make(alice)
    status = 413 if errcode == "M_TOO_LARGE" else 400
    path, query = ("room_keys", "keys", ROOM, "s"), {"version": version}
    alice.refused(status, errcode, "PUT", *path, body={**key(), **changed}, query=query)
    lacking = {name: value for name, value in key().items() if name not in changed}
    alice.refused(400, "M_MISSING_PARAM", "PUT", *path, body=lacking, query=query)
    assert alice.get("room_keys", "version")["count"] == 0


def test_malformed_backups_are_refused(alice: User) -> None:
    path = ("room_keys", "version")
    alice.refused(400, "M_MISSING_PARAM", "POST", *path, body={"algorithm": ALGORITHM})
    alice.refused(400, "M_INVALID_PARAM", "POST", *path, body={"algorithm": "x", "auth_data": {}})
    version = make(alice)
    for body in ({"rooms": []}, {"rooms": {ROOM: 1}}, {"rooms": {ROOM: {"sessions": {"s": 1}}}}):
        query = {"version": version}
        alice.refused(400, "M_BAD_JSON", "PUT", "room_keys", "keys", body=body, query=query)
    body = {"rooms": {"no room": {"sessions": {"s": key()}}}}
    alice.refused(400, "M_INVALID_PARAM", "PUT", "room_keys", "keys", body=body, query={"version": version})
