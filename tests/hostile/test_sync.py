"""Tokens, filters and numbers that should neither hang nor break a sync."""

import base64
import json

import pytest

from tests.api.client import User

FILTERS = [
    "5",
    '"x"',
    "[]",
    "null",
    '{"room": 5}',
    '{"room": []}',
    '{"room": {"timeline": 5}}',
    '{"room": {"timeline": {"limit": "x"}}}',
    '{"room": {"timeline": {"limit": -1}}}',
    '{"room": {"timeline": {"types": 5}}}',
    '{"room": {"timeline": {"types": [5]}}}',
    '{"room": {"timeline": {"senders": {}}}}',
    '{"room": {"rooms": "x"}}',
    '{"room": {"include_leave": "yes"}}',
    '{"event_format": "xml"}',
    '{"event_fields": [1]}',
    '{"presence": {"not_types": [null]}}',
    '{"account_data": {"types": ["' + "*" * 2_000 + '"]}}',
    '{"room": {"state": {"lazy_load_members": 1}}}',
    json.dumps({"room": {"rooms": ["!x:localhost"] * 5_000}}),
]


@pytest.mark.parametrize("text", FILTERS, ids=lambda text: text[:40])
def test_odd_filters(alice: User, text: str) -> None:
    answer = alice.request("POST", "user", alice.user_id, "filter", content=text.encode())
    assert answer.status_code == 400, answer.text
    assert answer.json()["errcode"] in ("M_BAD_JSON", "M_INVALID_PARAM")
    if text.startswith("{") and len(text) < 5_000:
        alice.refused(400, "M_BAD_JSON", "GET", "sync", query={"filter": text})


def test_a_glob_that_takes_for_ever(alice: User, room: str) -> None:
    glob = "*a" * 200 + "b"
    alice.send(room, {"body": "x"}, "a" * 250)
    answer = alice.sync(filter={"room": {"timeline": {"types": [glob] * 50}}})
    assert answer["next_batch"]


@pytest.mark.parametrize("filter_id", ["x", "-1", "9" * 400, "../0", "\0", "{"])
def test_filters_that_are_not_there(alice: User, filter_id: str) -> None:
    answer = alice.request("GET", "user", alice.user_id, "filter", filter_id)
    assert answer.status_code in (400, 404)
    answer = alice.request("GET", "sync", query={"filter": filter_id})
    assert answer.status_code in (400, 404)


def forged(position: int, vector: bytes = b"") -> str:
    raw = bytes(8) + position.to_bytes(8, "big") + bytes(8) + vector
    return "s" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "since",
    [
        "x",
        "s",
        "s!!!",
        "s72594_4483_1934",
        "s" + "A" * 10,
        "s" + "A" * 4_000,
        "s" + "x" * 60_000,
        "t5_$x",
        "봉",
        forged(2**63),
        forged(5, b"\xff" * 100),
        forged(0, b"\x00\xff\xff\xff\xff"),
        "-1",
        "0",
    ],
    ids=lambda since: since[:30],
)
def test_tokens_nobody_made(alice: User, since: str) -> None:
    answer = alice.request("GET", "sync", query={"since": since, "timeout": 0})
    assert answer.status_code in (400, 414, 431), answer.text[:300]
    if answer.status_code == 400:
        assert answer.json()["errcode"] == "M_INVALID_PARAM"


def test_the_token_of_another(alice: User, bob: User, room: str) -> None:
    since = alice.sync()["next_batch"]
    assert "rooms" not in bob.sync(since)
    alice.send(room, "비밀")
    assert "rooms" not in bob.sync(since)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"timeout": "x"}, 400),
        ({"timeout": "1.5"}, 400),
        ({"timeout": "9" * 500}, 400),
        ({"timeout": -5}, 200),
        ({"full_state": "maybe"}, 400),
        ({"set_presence": "asleep"}, 400),
    ],
    ids=str,
)
def test_odd_parameters(alice: User, query: dict[str, object], status: int) -> None:
    answer = alice.request("GET", "sync", query={"timeout": 0, **query})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"dir": "x"}, 400),
        ({"dir": "b", "limit": 10**9}, 200),
        ({"dir": "b", "limit": -5}, 200),
        ({"dir": "b", "limit": "x"}, 400),
        ({"dir": "b", "from": "x"}, 400),
        ({"dir": "b", "from": "t99999999999999999999999_x"}, 400),
        ({"dir": "b", "from": "t9_" + "x" * 5_000}, 400),
        ({"dir": "b", "to": "s!"}, 400),
        ({"dir": "b", "filter": "{"}, 400),
        ({"dir": "b", "filter": "[]"}, 400),
        ({"dir": "b", "filter": '{"types": 5}'}, 400),
        ({"dir": ["b", "f"]}, 200),
    ],
    ids=lambda value: str(value)[:40],
)
def test_odd_pages(alice: User, room: str, query: dict[str, object], status: int) -> None:
    answer = alice.request("GET", "rooms", room, "messages", query=query)
    assert answer.status_code == status, answer.text


def test_many_parameters(alice: User) -> None:
    query = {f"p{number}": "x" for number in range(500)}
    alice.refused(400, "M_INVALID_PARAM", "GET", "sync", query={**query, "timeout": 0})
