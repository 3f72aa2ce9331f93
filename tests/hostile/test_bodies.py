"""Bodies that are no JSON, or JSON that no event may hold."""

import json

import pytest

from tests.api.client import Json, User

NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": 1} x',
    b"{} {}",
    b"\xff\xfe",
    b'{"a": "\xc3\x28"}',
    b'{"a": "\xed\xa0\x80"}',
    b"\x00",
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 01}',
    b'{"a": 0x10}',
    b'{"a": "tab\there"}',
    b"\xef\xbb\xbf{}",
    b"<xml/>",
]
NOT_CANONICAL = [
    b'{"a": 1.1}',
    b'{"a": 1e999}',
    b'{"a": 9007199254740992}',
    b'{"a": -9007199254740992}',
    b'{"a": ' + b"9" * 5_000 + b"}",
    b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    b'{"a": ' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b"}",
    b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": 1, "a": 2}',
]
NOT_OBJECTS = [b"[]", b'"text"', b"5", b"null", b"true", b'[{"body": "x"}]']


def short(content: object) -> str:
    return repr(content)[:40]


def refused(
    user: User, method: str, path: tuple[str, ...], content: bytes, errcodes: tuple[str, ...]
) -> None:
    answer = user.request(method, *path, content=content)
    assert (answer.status_code, answer.json()["errcode"] in errcodes) == (400, True), answer.text


@pytest.mark.parametrize("content", NOT_JSON, ids=short)
def test_what_is_no_json(alice: User, room: str, content: bytes) -> None:
    errcodes = ("M_BAD_JSON",) if b"N" in content or b"I" in content else ("M_NOT_JSON",)
    refused(alice, "PUT", ("rooms", room, "send", "m.room.message", "n"), content, errcodes)
    refused(alice, "PUT", ("rooms", room, "state", "kr.x", ""), content, errcodes)
    refused(alice, "POST", ("createRoom",), content, errcodes)
    refused(User(alice.http, ""), "POST", ("login",), content, errcodes)
    refused(User(alice.http, ""), "POST", ("register",), content, errcodes)


@pytest.mark.parametrize("content", NOT_CANONICAL, ids=short)
def test_what_no_event_may_hold(alice: User, room: str, content: bytes) -> None:
    errcodes = ("M_BAD_JSON", "M_NOT_JSON")
    refused(alice, "PUT", ("rooms", room, "send", "kr.x", "n"), content, errcodes)
    refused(alice, "PUT", ("rooms", room, "state", "kr.x", ""), content, errcodes)
    wrapped = b'{"initial_state": [{"type": "kr.x", "content": ' + content + b"}]}"
    refused(alice, "POST", ("createRoom",), wrapped, errcodes)


@pytest.mark.parametrize("content", NOT_OBJECTS, ids=short)
def test_what_is_no_object(alice: User, room: str, content: bytes) -> None:
    errcodes = ("M_BAD_JSON",)
    refused(alice, "PUT", ("rooms", room, "send", "m.room.message", "n"), content, errcodes)
    refused(alice, "PUT", ("rooms", room, "state", "kr.x", ""), content, errcodes)
    refused(alice, "PUT", ("user", alice.user_id, "account_data", "kr.x"), content, errcodes)
    refused(alice, "PUT", ("profile", alice.user_id, "displayname"), content, errcodes)
    for path in ("createRoom", "search", "user_directory/search", "keys/none", "login"):
        answer = alice.request("POST", path, content=content)
        expected = (404, "M_UNRECOGNIZED") if path == "keys/none" else (400, "M_BAD_JSON")
        assert (answer.status_code, answer.json()["errcode"]) == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (("createRoom",), {"name": 5}),
        (("createRoom",), {"invite": "@x:localhost"}),
        (("createRoom",), {"invite": [5]}),
        (("createRoom",), {"preset": []}),
        (("createRoom",), {"visibility": True}),
        (("createRoom",), {"initial_state": {}}),
        (("createRoom",), {"initial_state": [5]}),
        (("createRoom",), {"initial_state": [{"content": {}}]}),
        (("createRoom",), {"initial_state": [{"type": "x", "content": 5}]}),
        (("createRoom",), {"creation_content": []}),
        (("createRoom",), {"power_level_content_override": "x"}),
        (("createRoom",), {"room_alias_name": {}}),
        (("createRoom",), {"is_direct": "yes"}),
        (("createRoom",), {"topic": ["x"]}),
        (("login",), {"type": 5}),
        (("login",), {"type": "m.login.password", "identifier": "x", "password": "y"}),
        (("login",), {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": 5}}),
        (("search",), {"search_categories": []}),
        (("search",), {"search_categories": {"room_events": 5}}),
        (("publicRooms",), {"filter": []}),
        (("user_directory/search",), {"search_term": {}}),
        (("refresh",), {"refresh_token": 5}),
        (("register",), {"username": 5}),
        (("register",), {"auth": "x", "username": None}),
    ],
    ids=short,
)
def test_values_of_the_wrong_type(alice: User, path: tuple[str, ...], body: Json) -> None:
    answer = alice.request("POST", *path, body=body)
    assert answer.status_code == 400
    assert answer.json()["errcode"] in ("M_BAD_JSON", "M_INVALID_PARAM", "M_MISSING_PARAM")


@pytest.mark.parametrize(
    ("path", "missing"),
    [("search", "search_categories"), ("user_directory/search", "search_term"), ("refresh", "refresh_token")],
)
def test_missing_keys(alice: User, path: str, missing: str) -> None:
    assert missing in alice.refused(400, "M_MISSING_PARAM", "POST", path, body={})["error"]


@pytest.mark.parametrize("letter", ["x", "봉", "𝄞", '"'])
def test_events_that_are_too_large(alice: User, room: str, letter: str) -> None:
    body = {"body": letter * (70_000 // len(letter.encode()))}
    alice.refused(413, "M_TOO_LARGE", "PUT", "rooms", room, "send", "m.room.message", "n", body=body)


@pytest.mark.parametrize("letter", ["x", "봉"])
def test_types_and_state_keys_that_are_too_long(alice: User, room: str, letter: str) -> None:
    long = letter * (256 // len(letter.encode()) + 1)
    for path in (("send", long, "n"), ("state", long, ""), ("state", "kr.x", long)):
        answer = alice.request("PUT", "rooms", room, *path, body={})
        assert answer.status_code in (400, 413), answer.text
        assert answer.json()["errcode"] in ("M_TOO_LARGE", "M_INVALID_PARAM", "M_BAD_JSON")


def test_a_body_that_is_too_large(alice: User, room: str) -> None:
    content = b'{"body": "' + b"x" * 2_000_000 + b'"}'
    for method, path in (("PUT", ("rooms", room, "send", "m.room.message", "n")), ("POST", ("createRoom",))):
        answer = alice.request(method, *path, content=content)
        assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
        # Nobody read the body, so this connection ends: said, or the client's next request goes into it.
        assert answer.headers["connection"] == "close"


def test_a_body_that_nobody_read_before_the_answer(alice: User) -> None:
    content = b'{"body": "' + b"x" * 200_000 + b'"}'
    answer = alice.request("PUT", "no", "such", "path", content=content)
    assert (answer.status_code, answer.headers["connection"]) == (404, "close")


@pytest.mark.parametrize(
    "smuggled",
    [
        {"event_id": "$forged"},
        {"origin_server_ts": 1},
        {"unsigned": {"age": 1, "transaction_id": "x"}},
        {"sender": "@admin:localhost"},
        {"room_id": "!other:localhost"},
        {"auth_events": [], "prev_events": [], "depth": 2**53 - 1},
        {"hashes": {"sha256": "x"}, "signatures": {"localhost": {}}},
        {"state_key": ""},
        {"redacts": "$x"},
    ],
    ids=short,
)
def test_fields_of_events_in_a_content_mean_nothing(alice: User, room: str, smuggled: Json) -> None:
    event_id = alice.send(room, {"msgtype": "m.text", "body": "x", **smuggled})
    event = alice.get("rooms", room, "event", event_id)
    assert event["event_id"] == event_id
    assert event["sender"] == alice.user_id
    assert event["origin_server_ts"] > 1_700_000_000_000
    assert event["room_id"] == room
    assert "state_key" not in event
    assert event["content"] == {"msgtype": "m.text", "body": "x", **smuggled}
    assert "transaction_id" not in json.dumps(event["unsigned"]) or event["unsigned"]["transaction_id"] != "x"
