"""Cross-signing keys are replaced as one value, behind a password; signatures are checked and shown."""

import json

import pytest

from tests.api.client import PASSWORD, Json, User
from tests.api.olm import CrossSigning, Device

KEYS = ("keys", "device_signing", "upload")


def query(asking: User, user: User) -> Json:
    found: Json = asking.post("keys", "query", body={"device_keys": {user.user_id: []}})
    return found


def password(user: User, session: str) -> Json:
    identifier = {"type": "m.id.user", "user": user.user_id}
    return {"type": "m.login.password", "identifier": identifier, "password": PASSWORD, "session": session}


def replace(user: User, body: Json) -> Json:
    """Upload keys that need the password."""
    asked = user.expect(401, "POST", *KEYS, body=body)
    assert asked["flows"] == [{"stages": ["m.login.password"]}]
    answer: Json = user.post(*KEYS, body={**body, "auth": password(user, asked["session"])})
    return answer


def test_the_first_keys_and_the_same_again_need_no_password(alice: User, bob: User) -> None:
    keys = CrossSigning(alice.user_id)
    for _ in range(2):
        alice.post(*KEYS, body=keys.body())
    own, others = query(alice, alice), query(bob, alice)
    for usage in ("master", "self_signing"):
        assert own[f"{usage}_keys"] == others[f"{usage}_keys"] == {alice.user_id: keys.body()[f"{usage}_key"]}
    assert own["user_signing_keys"] == {alice.user_id: keys.body()["user_signing_key"]}
    assert others["user_signing_keys"] == {}


def test_other_keys_need_the_password_and_replace_all_three(alice: User) -> None:
    alice.post(*KEYS, body=CrossSigning(alice.user_id).body())
    keys = CrossSigning(alice.user_id)
    asked = alice.expect(401, "POST", *KEYS, body=keys.body())
    wrong = {**keys.body(), "auth": {**password(alice, asked["session"]), "password": "wrong one"}}
    alice.expect(401, "POST", *KEYS, body=wrong)
    master = {"master_key": keys.body()["master_key"]}
    replace(alice, master)
    found = query(alice, alice)
    assert found["master_keys"] == {alice.user_id: master["master_key"]}
    # Keys below the old master key are not left standing beside the new one.
    assert found["self_signing_keys"] == found["user_signing_keys"] == {}
    replace(alice, {"self_signing_key": keys.body()["self_signing_key"]})
    found = query(alice, alice)
    assert found["master_keys"] == {alice.user_id: master["master_key"]}
    assert found["self_signing_keys"] == {alice.user_id: keys.body()["self_signing_key"]}


def test_keys_must_be_ones_own_and_signed_by_the_master_key(alice: User, bob: User) -> None:
    good = CrossSigning(alice.user_id).body()
    other = CrossSigning(alice.user_id).body()
    without_master = {"self_signing_key": good["self_signing_key"]}
    alice.refused(400, "M_MISSING_PARAM", "POST", *KEYS, body=without_master)
    alice.refused(403, "M_FORBIDDEN", "POST", *KEYS, body=CrossSigning(bob.user_id).body())
    mixed = {**good, "self_signing_key": other["self_signing_key"]}
    alice.refused(400, "M_INVALID_SIGNATURE", "POST", *KEYS, body=mixed)
    for errcode, key in (
        ("M_BAD_JSON", "text"),
        ("M_INVALID_PARAM", {**good["master_key"], "usage": ["self_signing"]}),
        ("M_INVALID_PARAM", {**good["master_key"], "keys": {}}),
        ("M_INVALID_PARAM", {**good["master_key"], "keys": {"ed25519:a": "b"}}),
        ("M_BAD_JSON", {**good["master_key"], "signatures": []}),
    ):
        alice.refused(400, errcode, "POST", *KEYS, body={"master_key": key})
    assert query(alice, alice)["master_keys"] == {}


def test_a_key_may_not_bear_the_name_of_a_device(alice: User) -> None:
    keys = CrossSigning(alice.user_id)
    alice.login(device_id=keys.master.public)
    alice.refused(403, "M_FORBIDDEN", "POST", *KEYS, body=keys.body())


class Signed:
    """A user with a device and cross-signing keys."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.device = Device(user)
        self.device.upload()
        self.keys = CrossSigning(user.user_id)
        user.post(*KEYS, body=self.keys.body())

    def sign(self, owner: User, target: str, value: Json) -> Json:
        body = {owner.user_id: {target: value}}
        failures: Json = self.user.post("keys", "signatures", "upload", body=body)["failures"]
        return failures


def test_own_signatures_are_shown_to_everybody(alice: User, bob: User) -> None:
    own = Signed(alice)
    device_id, master = alice.device_id, own.keys.body()["master_key"]
    assert own.sign(alice, device_id, own.keys.self_signing.sign(own.device.keys(), alice.user_id)) == {}
    assert own.sign(alice, own.keys.master.public, own.device.sign(master)) == {}
    found = query(bob, alice)
    by_key = found["device_keys"][alice.user_id][device_id]["signatures"][alice.user_id]
    assert set(by_key) == {f"ed25519:{device_id}", f"ed25519:{own.keys.self_signing.public}"}
    by_key = found["master_keys"][alice.user_id]["signatures"][alice.user_id]
    assert by_key == {f"ed25519:{device_id}": own.device.key.signature(master)}


def test_signatures_on_others_are_shown_to_who_made_them_alone(alice: User, bob: User) -> None:
    hers, his = Signed(alice), Signed(bob)
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = {user: user.sync()["next_batch"] for user in (alice, bob)}
    master = his.keys.body()["master_key"]
    assert hers.sign(bob, his.keys.master.public, hers.keys.user_signing.sign(master, alice.user_id)) == {}
    seen = query(alice, bob)["master_keys"][bob.user_id]
    assert list(seen["signatures"]) == [alice.user_id]
    assert query(bob, bob)["master_keys"][bob.user_id] == master
    assert alice.sync(since[alice])["device_lists"]["changed"] == [bob.user_id]
    assert "device_lists" not in bob.sync(since[bob])


def test_signatures_that_do_not_fit_fail_one_by_one(alice: User, bob: User) -> None:
    hers, his = Signed(alice), Signed(bob)
    keys = hers.device.keys()
    ssk = hers.keys.self_signing
    forged = ssk.sign(keys, alice.user_id)
    forged["signatures"][alice.user_id][f"ed25519:{ssk.public}"] = "A" * 86
    good = ssk.sign(keys, alice.user_id)
    for errcode, owner, target, value in (
        ("M_INVALID_SIGNATURE", alice, alice.device_id, forged),
        ("M_INVALID_SIGNATURE", alice, alice.device_id, {**keys, "signatures": {}}),
        ("M_INVALID_SIGNATURE", alice, alice.device_id, hers.keys.master.sign(keys, alice.user_id)),
        ("M_INVALID_PARAM", alice, alice.device_id, {**good, "algorithms": []}),
        ("M_NOT_FOUND", alice, "NONE", good),
        ("M_NOT_FOUND", bob, bob.device_id, hers.keys.user_signing.sign(his.device.keys(), alice.user_id)),
        ("M_BAD_JSON", alice, alice.device_id, "text"),
    ):
        if not isinstance(value, dict):
            body = json.dumps({alice.user_id: {target: value}}).encode()
            answer = alice.request("POST", "keys", "signatures", "upload", content=body).json()["failures"]
        else:
            answer = hers.sign(owner, target, value)
        assert answer[owner.user_id][target]["errcode"] == errcode
    assert hers.sign(alice, alice.device_id, good) == {}


@pytest.mark.parametrize("body", [{"@a:b": 1}, {"@a:b": []}])
def test_malformed_signatures_are_refused(alice: User, body: Json) -> None:
    alice.refused(400, "M_BAD_JSON", "POST", "keys", "signatures", "upload", body=body)
