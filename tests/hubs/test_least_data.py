"""What a hub may know and do: nothing of rooms it does not keep, nothing in the name of others."""

import sqlite3
from pathlib import Path

from bongsu.log.compress import unpack
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in

SECRET = "nobody at the hub may read this 비밀"


def on_disk(lab: Lab, site: str, words: str) -> bool:
    """Whether words stand in any body on a node's disk."""
    path = Path(lab.node(site).data, "log.db")
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        bodies = [
            unpack(*row)
            for table in ("lasting_bodies", "passing_bodies", "pruned_bodies")
            for row in connection.execute(f"SELECT encoding, body FROM {table}")
        ]
    finally:
        connection.close()
    return any(words.encode() in body for body in bodies)


def test_a_hub_keeps_its_residents_rooms_and_no_others(lab: Lab) -> None:
    kim, lee = lab.resident("h1", "kim"), lab.user("a", "lee")
    apart = lee.create_room(preset="private_chat")
    lee.send(apart, SECRET)
    lee.put("user", lee.user_id, "account_data", "kr.test", body={"secret": SECRET})
    shared = kim.create_room(preset="public_chat")
    kim.send(shared, "first")
    lab_kim = lab.at(kim, "h1")
    eventually(lambda: is_in(lab_kim, shared) and bodies(lab_kim, shared) == ["first"], "the room at h1")
    told = lab.digests("h1")
    assert f"room {shared}" in told
    assert f"room {apart}" not in told
    assert not any(scope.startswith(f"user {lee.user_id}") for scope in told)
    assert lab.digests("h1")[f"room {shared}"] == lab.digests("a")[f"room {shared}"]
    assert f"room {apart}" in lab.digests("a")
    assert on_disk(lab, "a", SECRET)
    assert not on_disk(lab, "h1", SECRET)
    assert not on_disk(lab, "h1", lee.user_id)
    # Who joins a room later is given what lies before.
    lee.invite(apart, kim)
    kim.join(apart)
    eventually(lambda: is_in(lab_kim, apart) and bodies(lab_kim, apart) == [SECRET], "the new room at h1")
    eventually(lambda: f"room {apart}" in lab.digests("h1"), "the digest of it")
    assert on_disk(lab, "h1", SECRET)
    assert not on_disk(lab, "h2", SECRET)
    assert f"room {apart}" not in lab.digests("h2")
    refused = lab.at(lee, "h1").request("GET", "account/whoami")
    assert (refused.status_code, refused.json()["errcode"]) == (403, "M_FORBIDDEN")
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": lee.name},
        "password": "x",
    }
    answer = lab.http["h1"].post("/_matrix/client/v3/login", json=login)
    assert answer.status_code == 403
    assert "not a resident of this hub" in answer.json()["error"]


def test_a_relief_room_is_at_every_hub_and_never_encrypted(lab: Lab) -> None:
    kim = lab.user("a", "kim")
    creation = {"type": "kr.bongsu.relief"}
    board = kim.create_room(preset="public_chat", creation_content=creation)
    kim.send(board, "물은 광장에서")
    for hub in ("h1", "h2"):
        eventually(lambda hub=hub: on_disk(lab, hub, "물은 광장에서"), f"the notice at {hub}")
    newcomer = lab.user("h2", "newcomer")
    newcomer.join(board)
    assert bodies(newcomer, board) == ["물은 광장에서"]
    content = {"algorithm": "m.megolm.v1.aes-sha2"}
    refused = kim.request("PUT", "rooms", board, "state", "m.room.encryption", body=content)
    assert (refused.status_code, refused.json()["errcode"]) == (403, "M_FORBIDDEN")
    initial = [{"type": "m.room.encryption", "state_key": "", "content": content}]
    asked = {"creation_content": creation, "initial_state": initial}
    assert kim.request("POST", "createRoom", body=asked).status_code == 403
