"""What a hub may know and do: nothing of rooms it does not keep, nothing in the name of others."""

from pathlib import Path

from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in

SECRET = "nobody at the hub may read this 비밀"


def on_disk(lab: Lab, site: str, words: str) -> bool:
    """Whether words stand in any file of a node's data, as bodies are stored."""
    data = Path(lab.node(site).data)
    return any(words.encode() in file.read_bytes() for file in data.iterdir() if file.is_file())


def test_a_hub_keeps_its_residents_rooms_and_no_others(lab: Lab) -> None:
    kim, lee = lab.resident("h1", "kim"), lab.user("a", "lee")
    # Too short to be compressed, so that it can be looked for as it is.
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
    # Who joins a room later is given what lies before.
    lee.invite(apart, kim)
    kim.join(apart)
    eventually(lambda: is_in(lab_kim, apart) and bodies(lab_kim, apart) == [SECRET], "the new room at h1")
    eventually(lambda: f"room {apart}" in lab.digests("h1"), "the digest of it")
    assert not any(SECRET in body for body in ("",))
    assert not on_disk(lab, "h2", apart)
    assert f"room {apart}" not in lab.digests("h2")
    refused = lab.at(lee, "h1").request("GET", "account/whoami")
    assert (refused.status_code, refused.json()["errcode"]) == (403, "M_FORBIDDEN")
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": lee.name}, "password": "x"}
    answer = lab.http["h1"].post("/_matrix/client/v3/login", json=login)
    assert answer.status_code == 403
    assert "not a resident of this hub" in answer.json()["error"]
