"""Device keys, one-time keys and fallback keys: kept whole, handed out once, told to whom they concern."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.client import Json, User
from tests.api.olm import Device, SigningKey

NAME = "signed_curve25519"


def claim(asking: User, user: User) -> Json | None:
    """One one-time key of the user's device by its name, or None."""
    asked = {user.user_id: {user.device_id: NAME}}
    found = asking.post("keys", "claim", body={"one_time_keys": asked})["one_time_keys"]
    key: Json | None = found.get(user.user_id, {}).get(user.device_id)
    return key


def query(asking: User, *users: User) -> Json:
    found: Json = asking.post("keys", "query", body={"device_keys": {user.user_id: [] for user in users}})
    return found


def test_uploaded_keys_are_counted_and_found(alice: User, bob: User) -> None:
    device = Device(alice)
    assert device.upload(one_time_keys=device.one_time_keys("AB")) == {NAME: 2}
    found = query(bob, alice)
    kept = found["device_keys"][alice.user_id][alice.device_id]
    assert kept == {**device.keys(), "unsigned": {}}
    assert alice.sync()["device_one_time_keys_count"] == {NAME: 2}
    assert bob.sync()["device_one_time_keys_count"] == {NAME: 0}


def test_only_existing_users_and_wanted_devices_are_found(alice: User, bob: User) -> None:
    Device(alice).upload()
    other = alice.another_device()
    Device(other).upload()
    nobody = "@nobody-at-all:localhost"
    asked = {alice.user_id: [other.device_id, "NONE"], nobody: [], bob.user_id: []}
    found = bob.post("keys", "query", body={"device_keys": asked})
    assert list(found["device_keys"][alice.user_id]) == [other.device_id]
    assert nobody not in found["device_keys"]
    assert found["device_keys"][bob.user_id] == {}


def test_the_devices_name_is_told(make_user: Callable[[str], User], bob: User) -> None:
    alice = make_user("alice")
    Device(alice).upload()
    alice.put("devices", alice.device_id, body={"display_name": "상황실 노트북"})
    found = query(bob, alice)["device_keys"][alice.user_id][alice.device_id]
    assert found["unsigned"] == {"device_display_name": "상황실 노트북"}


def test_the_same_key_again_changes_nothing_another_is_refused(alice: User) -> None:
    device = Device(alice)
    keys = device.one_time_keys("AB")
    assert device.upload(one_time_keys=keys) == {NAME: 2}
    assert device.upload(one_time_keys=keys) == {NAME: 2}
    other = {"one_time_keys": device.one_time_keys("B")}
    refused = alice.refused(400, "M_INVALID_PARAM", "POST", "keys", "upload", body=other)
    assert f"{NAME}:B" in refused["error"]
    assert device.upload(one_time_keys=device.one_time_keys("C")) == {NAME: 3}


def test_of_several_values_uploaded_at_once_one_is_taken(alice: User, bob: User) -> None:
    device = Device(alice)
    device.upload()
    bodies = [{"one_time_keys": device.one_time_keys("A")} for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: alice.request("POST", "keys", "upload", body=body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 19]
    assert alice.sync()["device_one_time_keys_count"] == {NAME: 1}


def test_keys_go_out_in_the_order_they_came_then_the_fallback_key(alice: User, bob: User) -> None:
    device = Device(alice)
    fallback = device.fallback_key()
    device.upload(one_time_keys=device.one_time_keys("Z"))
    device.upload(one_time_keys=device.one_time_keys("A"), fallback_keys=fallback)
    first = alice.sync()
    assert first["device_unused_fallback_key_types"] == [NAME]
    assert [[*(claim(bob, alice) or {})] for _ in range(2)] == [[f"{NAME}:Z"], [f"{NAME}:A"]]
    assert alice.sync()["device_unused_fallback_key_types"] == [NAME]
    assert claim(bob, alice) == fallback
    assert claim(bob, alice) == fallback
    after = alice.sync()
    assert after["device_unused_fallback_key_types"] == []
    assert after["device_one_time_keys_count"] == {NAME: 0}
    device.upload(fallback_keys=fallback)
    assert alice.sync()["device_unused_fallback_key_types"] == []
    device.upload(fallback_keys=device.fallback_key())
    assert alice.sync()["device_unused_fallback_key_types"] == [NAME]


def test_a_hundred_claims_at_once_get_a_hundred_different_keys(alice: User, bob: User) -> None:
    device = Device(alice)
    fallback = device.fallback_key()
    device.upload(one_time_keys=device.one_time_keys(map(str, range(90))), fallback_keys=fallback)
    with ThreadPoolExecutor(20) as pool:
        given = list(pool.map(lambda _: claim(bob, alice), range(100)))
    names = [name for found in given if found is not None for name in found if name not in fallback]
    assert len(names) == len(set(names)) == 90
    assert given.count(fallback) == 10


def test_a_key_that_was_given_is_never_given_again(alice: User, bob: User) -> None:
    device = Device(alice)
    keys = device.one_time_keys("A")
    device.upload(one_time_keys=keys)
    assert claim(bob, alice) == keys
    # The client's answer to its first upload was lost, so it uploads again.
    assert device.upload(one_time_keys=keys) == {NAME: 0}
    assert claim(bob, alice) is None


def test_a_claim_wakes_the_device_with_the_new_count(alice: User, bob: User) -> None:
    device = Device(alice)
    device.upload(one_time_keys=device.one_time_keys("AB"))
    since = alice.sync()["next_batch"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: alice.sync(since, timeout_ms=30_000))
        while not waiting.done():
            claim(bob, alice)
        assert waiting.result()["device_one_time_keys_count"][NAME] < 2


def test_claiming_from_nobody_gives_nothing(alice: User, bob: User) -> None:
    asked = {"@nobody-at-all:localhost": {"X": NAME}, alice.user_id: {"X": NAME, alice.device_id: NAME}}
    assert bob.post("keys", "claim", body={"one_time_keys": asked}) == {"one_time_keys": {}, "failures": {}}


def bad_device_keys(device: Device, bob: User) -> list[tuple[str, Json]]:
    own = device.keys()
    return [
        ("M_INVALID_PARAM", device.keys(user_id=bob.user_id)),
        ("M_INVALID_PARAM", device.keys(device_id="OTHER")),
        ("M_BAD_JSON", device.keys(algorithms="m.olm")),
        ("M_BAD_JSON", device.keys(keys=["x"])),
        ("M_BAD_JSON", {**own, "signatures": "x"}),
        ("M_INVALID_SIGNATURE", {**own, "signatures": {}}),
        ("M_INVALID_SIGNATURE", {**own, "more": "than was signed"}),
        ("M_INVALID_SIGNATURE", {name: value for name, value in own.items() if name != "signatures"}),
        ("M_INVALID_PARAM", device.keys(keys={f"ed25519:{device.user.device_id}": "short"})),
        ("M_INVALID_PARAM", device.keys(keys={"ed25519:OTHER": device.key.public})),
        ("M_INVALID_SIGNATURE", device.keys(keys={f"curve25519:{device.user.device_id}": device.curve})),
    ]


@pytest.mark.parametrize("number", range(11))
def test_device_keys_must_be_ones_own_and_signed(alice: User, bob: User, number: int) -> None:
    errcode, value = bad_device_keys(Device(alice), bob)[number]
    alice.refused(400, errcode, "POST", "keys", "upload", body={"device_keys": value})
    assert query(bob, alice)["device_keys"][alice.user_id] == {}


def test_one_time_keys_must_be_signed_by_the_device(alice: User) -> None:
    device = Device(alice)
    good = device.one_time_keys("A")
    alice.refused(400, "M_INVALID_PARAM", "POST", "keys", "upload", body={"one_time_keys": good})
    device.upload()
    for errcode, keys in (
        ("M_INVALID_SIGNATURE", Device(alice).one_time_keys("A")),
        ("M_INVALID_SIGNATURE", {f"{NAME}:A": {"key": SigningKey().public}}),
        ("M_BAD_JSON", {f"{NAME}:A": "unsigned"}),
        ("M_BAD_JSON", {f"{NAME}:A": device.sign({"key": "short"})}),
        ("M_BAD_JSON", {"curve25519:A": 7}),
        ("M_INVALID_PARAM", {NAME: good[f"{NAME}:A"]}),
        ("M_INVALID_PARAM", {f"{NAME}:": good[f"{NAME}:A"]}),
        ("M_INVALID_PARAM", {f"{NAME}:{number}": good[f"{NAME}:A"] for number in range(501)}),
    ):
        for field in ("one_time_keys", "fallback_keys"):
            body = {field: keys}
            expected = "M_INVALID_PARAM" if field == "fallback_keys" and len(keys) > 1 else errcode
            alice.refused(400, expected, "POST", "keys", "upload", body=body)
    assert device.upload(one_time_keys=good) == {NAME: 1}


@pytest.mark.parametrize("path", ["query", "claim"])
def test_malformed_queries_and_claims_are_refused(alice: User, path: str) -> None:
    field = {"query": "device_keys", "claim": "one_time_keys"}[path]
    alice.refused(400, "M_MISSING_PARAM", "POST", "keys", path, body={})
    for value in ([], {alice.user_id: 1}, {alice.user_id: [1]}, {alice.user_id: {"X": 1}}):
        if (path, value) != ("query", {alice.user_id: {"X": 1}}):
            alice.refused(400, "M_BAD_JSON", "POST", "keys", path, body={field: value})


def changed(answer: Json) -> list[str]:
    found: list[str] = answer.get("device_lists", {}).get("changed", [])
    return found


def test_who_shares_a_room_hears_of_new_keys_nobody_else(
    alice: User, bob: User, make_user: Callable[[str], User]
) -> None:
    stranger = make_user("stranger")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    tokens = {user: user.sync()["next_batch"] for user in (alice, bob, stranger)}
    Device(alice).upload()
    for user in (alice, bob):
        assert changed(user.sync(tokens[user], timeout_ms=2_000)) == [alice.user_id]
        assert "device_lists" not in user.sync(user.sync(tokens[user])["next_batch"])
    assert "device_lists" not in stranger.sync(tokens[stranger])
    said = bob.get("keys", "changes", **{"from": tokens[bob], "to": bob.sync()["next_batch"]})
    assert said == {"changed": [alice.user_id], "left": []}


def test_joining_and_leaving_change_whom_one_tracks(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    before = {user: user.sync()["next_batch"] for user in (alice, bob)}
    bob.join(room_id)
    assert changed(alice.sync(before[alice])) == [bob.user_id]
    assert changed(bob.sync(before[bob])) == [alice.user_id]
    # A second room in common is no news.
    since = {user: user.sync(before[user])["next_batch"] for user in (alice, bob)}
    second = alice.create_room(preset="public_chat")
    bob.join(second)
    for user in (alice, bob):
        assert "device_lists" not in user.sync(since[user])
    bob.post("rooms", second, "leave")
    for user in (alice, bob):
        assert "device_lists" not in user.sync(since[user])
    bob.post("rooms", room_id, "leave")
    assert alice.sync(since[alice])["device_lists"] == {"changed": [], "left": [bob.user_id]}
    assert bob.sync(since[bob])["device_lists"] == {"changed": [], "left": [alice.user_id]}


def test_a_profile_change_is_no_change_of_devices(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = bob.sync()["next_batch"]
    alice.put("profile", alice.user_id, "displayname", body={"displayname": "앨리스"})
    answer = bob.sync_until(lambda answer: "rooms" in answer, since)
    assert "device_lists" not in answer


def test_changes_asks_for_tokens(alice: User) -> None:
    alice.refused(400, "M_MISSING_PARAM", "GET", "keys", "changes")
    alice.refused(400, "M_INVALID_PARAM", "GET", "keys", "changes", query={"from": "x", "to": "y"})
