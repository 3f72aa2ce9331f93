"""Devices: listed, renamed, and forgotten with everything that belongs to them."""

from tests.api.client import PASSWORD, Json, User
from tests.api.olm import CrossSigning, Device


def names(user: User) -> dict[str, str | None]:
    return {each["device_id"]: each.get("display_name") for each in user.get("devices")["devices"]}


def deleted(user: User, method: str, *path: str, body: Json | None = None) -> None:
    """Delete devices, with the password."""
    asked = user.expect(401, method, *path, body=body or {})
    identifier = {"type": "m.id.user", "user": user.user_id}
    auth = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    wrong = {**auth, "session": asked["session"], "password": "not the password"}
    user.expect(401, method, *path, body={**(body or {}), "auth": wrong})
    user.expect(200, method, *path, body={**(body or {}), "auth": {**auth, "session": asked["session"]}})


def test_devices_are_listed_and_renamed(alice: User) -> None:
    first = alice.device_id
    other = alice.another_device()
    assert set(names(alice)) == {first, other.device_id}
    alice.put("devices", other.device_id, body={"display_name": "전화기"})
    assert names(alice)[other.device_id] == "전화기"
    alice.put("devices", other.device_id, body={})
    one = alice.get("devices", other.device_id)
    assert one["display_name"] == "전화기"
    assert one["last_seen_ts"] > 0


def test_a_device_that_is_not_there(alice: User, bob: User) -> None:
    for device_id in ("NONE", bob.device_id):
        alice.refused(404, "M_NOT_FOUND", "GET", "devices", device_id)
        alice.refused(404, "M_NOT_FOUND", "PUT", "devices", device_id, body={"display_name": "x"})
    deleted(alice, "DELETE", "devices", bob.device_id)
    assert bob.get("account", "whoami")["device_id"] == bob.device_id


def test_bad_requests(alice: User) -> None:
    path = ("devices", alice.device_id)
    alice.refused(400, "M_BAD_JSON", "PUT", *path, body={"display_name": 7})
    alice.refused(400, "M_INVALID_PARAM", "PUT", *path, body={"display_name": "x" * 101})
    alice.refused(400, "M_MISSING_PARAM", "POST", "delete_devices", body={})
    alice.refused(400, "M_BAD_JSON", "POST", "delete_devices", body={"devices": "x"})
    alice.refused(400, "M_BAD_JSON", "POST", "delete_devices", body={"devices": [1]})


def test_a_deleted_device_takes_its_keys_and_messages_along(alice: User, bob: User) -> None:
    room_id = bob.create_room(preset="public_chat")
    alice.join(room_id)
    lost = alice.another_device()
    device = Device(lost)
    device.upload(one_time_keys=device.one_time_keys("AB"), fallback_keys=device.fallback_key())
    bob.put("sendToDevice", "m.test", "x", body={"messages": {alice.user_id: {"*": {"secret": 1}}}})
    since = bob.sync()["next_batch"]
    deleted(alice, "DELETE", "devices", lost.device_id)
    assert lost.device_id not in names(alice)
    lost.refused(401, "M_UNKNOWN_TOKEN", "GET", "account", "whoami")
    assert bob.sync(since)["device_lists"]["changed"] == [alice.user_id]
    found = bob.post("keys", "query", body={"device_keys": {alice.user_id: []}})
    assert found["device_keys"][alice.user_id] == {}
    asked = {alice.user_id: {lost.device_id: "signed_curve25519"}}
    assert bob.post("keys", "claim", body={"one_time_keys": asked})["one_time_keys"] == {}
    # The same device id again is a new device.
    again = User(alice.http, alice.name)
    again.login(device_id=lost.device_id)
    first = again.sync()
    assert "to_device" not in first
    assert first["device_one_time_keys_count"] == {"signed_curve25519": 0}
    assert first["device_unused_fallback_key_types"] == []
    fresh = Device(again)
    assert fresh.upload(one_time_keys=fresh.one_time_keys("AB")) == {"signed_curve25519": 2}


def test_logging_in_as_a_device_keeps_its_keys(alice: User, bob: User) -> None:
    device = Device(alice)
    device.upload(one_time_keys=device.one_time_keys("A"))
    alice.login(device_id=alice.device_id)
    assert alice.sync()["device_one_time_keys_count"] == {"signed_curve25519": 1}
    found = bob.post("keys", "query", body={"device_keys": {alice.user_id: []}})
    assert list(found["device_keys"][alice.user_id]) == [alice.device_id]


def test_several_devices_at_once(alice: User) -> None:
    others = [alice.another_device() for _ in range(3)]
    deleted(alice, "POST", "delete_devices", body={"devices": [other.device_id for other in others]})
    assert set(names(alice)) == {alice.device_id}


def test_signatures_go_with_their_device(alice: User, bob: User) -> None:
    keys = CrossSigning(alice.user_id)
    alice.post("keys", "device_signing", "upload", body=keys.body())
    lost = alice.another_device()
    device = Device(lost)
    device.upload()
    signed = keys.self_signing.sign(device.keys(), alice.user_id)
    body = {alice.user_id: {lost.device_id: signed}}
    assert alice.post("keys", "signatures", "upload", body=body) == {"failures": {}}
    deleted(alice, "DELETE", "devices", lost.device_id)
    again = User(alice.http, alice.name)
    again.login(device_id=lost.device_id)
    Device(again).upload()
    found = bob.post("keys", "query", body={"device_keys": {alice.user_id: []}})
    signatures = found["device_keys"][alice.user_id][lost.device_id]["signatures"]
    assert list(signatures[alice.user_id]) == [f"ed25519:{lost.device_id}"]
