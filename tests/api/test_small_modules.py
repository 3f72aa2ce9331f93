"""Reports, proofs of identity, what this service has none of, and what it adds to Matrix."""

import sqlite3

import pytest

from tests.api.client import User
from tests.server import Server


def test_reports_are_kept(alice: User, bob: User, server: Server) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    event_id = bob.send(room, "욕설")
    alice.post("rooms", room, "report", event_id, body={"reason": "욕설입니다", "score": -100})
    alice.post("rooms", room, "report", event_id)
    alice.post("rooms", room, "report", body={"reason": "광고"})
    alice.post("users", bob.user_id, "report", body={"reason": ""})
    with sqlite3.connect(f"file:{server.data}/view.db?mode=ro", uri=True) as db:
        sql = "SELECT room_id, event_id, user_id, reason FROM reports WHERE reporter=? ORDER BY position"
        assert db.execute(sql, (alice.user_id,)).fetchall() == [
            (room, event_id, None, "욕설입니다"),
            (room, event_id, None, ""),
            (room, None, None, "광고"),
            (None, None, bob.user_id, ""),
        ]
    db.close()


def test_odd_reports(alice: User, bob: User) -> None:
    room = alice.create_room()
    event_id = alice.send(room, "안녕")
    bob.refused(404, "M_NOT_FOUND", "POST", "rooms", room, "report", event_id)
    alice.refused(404, "M_NOT_FOUND", "POST", "rooms", room, "report", "$nothing")
    alice.refused(404, "M_NOT_FOUND", "POST", "rooms", "!none:localhost", "report", body={"reason": "x"})
    alice.refused(404, "M_NOT_FOUND", "POST", "users", "@none:localhost", "report", body={"reason": "x"})
    alice.refused(400, "M_MISSING_PARAM", "POST", "rooms", room, "report")
    alice.refused(400, "M_BAD_JSON", "POST", "users", bob.user_id, "report", body={"reason": 5})
    for body, errcode in (({"reason": 5}, "M_BAD_JSON"), ({"score": "bad"}, "M_BAD_JSON")):
        alice.refused(400, errcode, "POST", "rooms", room, "report", event_id, body=body)
    alice.refused(413, "M_TOO_LARGE", "POST", "rooms", room, "report", body={"reason": "x" * 10_000})


def test_a_proof_of_identity(alice: User, bob: User) -> None:
    path = ("user", alice.user_id, "openid/request_token")
    token = alice.post(f"user/{alice.user_id}/openid/request_token")
    assert token["matrix_server_name"] == "localhost"
    bob.refused(403, "M_FORBIDDEN", "POST", "/".join(path))
    stranger = User(alice.http, "")
    userinfo = "/_matrix/federation/v1/openid/userinfo"
    assert stranger.get(userinfo, access_token=token["access_token"]) == {"sub": alice.user_id}
    for query in ({}, {"access_token": "x"}, {"access_token": alice.access_token}):
        stranger.refused(401, "M_UNKNOWN_TOKEN", "GET", userinfo, query=query)
    # It proves who one is, and opens nothing.
    stranger.access_token = token["access_token"]
    stranger.refused(401, "M_UNKNOWN_TOKEN", "GET", "sync")


def test_what_there_is_none_of(alice: User) -> None:
    assert alice.get("thirdparty/protocols") == {}
    alice.refused(403, "M_FORBIDDEN", "GET", "voip/turnServer")
    assert alice.get("account/3pid") == {"threepids": []}


@pytest.mark.parametrize("medium", ["email", "msisdn"])
def test_no_addresses_are_taken(alice: User, medium: str) -> None:
    body = {"client_secret": "x", "email": "a@example.org", "send_attempt": 1, "country": "KR"}
    for user in (alice, User(alice.http, "")):
        for place in ("account/3pid", "register"):
            path = f"{place}/{medium}/requestToken"
            user.refused(403, "M_THREEPID_DENIED", "POST", path, body=body)
        path = f"account/password/{medium}/requestToken"
        user.refused(400, "M_THREEPID_NOT_FOUND", "POST", path, body=body)
    for act in ("account/3pid", "account/3pid/add", "account/3pid/bind"):
        alice.refused(403, "M_THREEPID_DENIED", "POST", act, body={"sid": "x", "client_secret": "y"})
    for act in ("account/3pid/delete", "account/3pid/unbind"):
        answer = alice.post(act, body={"medium": medium, "address": "x"})
        assert answer == {"id_server_unbind_result": "no-support"}


def test_sites(alice: User, server: Server) -> None:
    answer = User(alice.http, "").get("/_bongsu/client/v1/sites")
    here = {"name": "main", "base_url": server.url, "role": "core", "this": True, "up": True}
    assert answer == {"sites": [here]}


def test_where_a_message_is_safe(alice: User, bob: User) -> None:
    path = "/_bongsu/client/v1/durability"
    event_id = alice.send(alice.create_room(), "지켜 주세요")
    answer = alice.get(path, event_id)
    assert answer.pop("since") > 1_700_000_000_000
    there = {"at_core": True, "core_linked": True, "courier_ms": None}
    assert answer == {"event_id": event_id, "promise": "here", "sites": ["main"], **there}
    bob.refused(404, "M_NOT_FOUND", "GET", path, event_id)
    alice.refused(404, "M_NOT_FOUND", "GET", path, "$nothing")
    User(alice.http, "").refused(401, "M_MISSING_TOKEN", "GET", path, event_id)


def test_a_backed_up_session_whose_id_has_slashes(alice: User) -> None:
    """Half of all Megolm session ids have one."""
    auth_data = {"public_key": "abcdefg", "signatures": {}}
    body = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data}
    query = {"version": alice.post("room_keys/version", body=body)["version"]}
    path = ("room_keys/keys", "!x:localhost", "abc/def//+gh/")
    data = {"ephemeral": "base64+ephemeral+key", "ciphertext": "base64+ciphertext", "mac": "base64+mac"}
    kept = {"first_message_index": 1, "forwarded_count": 0, "is_verified": False, "session_data": data}
    alice.expect(200, "PUT", *path, body=kept, query=query)
    assert alice.get(*path, **query) == kept
    assert [*alice.get("room_keys/keys", **query)["rooms"]["!x:localhost"]["sessions"]] == [path[2]]
    alice.expect(200, "DELETE", *path, query=query)
