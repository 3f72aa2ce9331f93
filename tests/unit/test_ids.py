"""The grammar of identifiers, by example."""

import pytest

from bongsu.errors import MatrixError
from bongsu.ids import (
    is_event_id,
    is_mxc,
    is_new_localpart,
    is_room_alias,
    is_room_id,
    is_server_name,
    is_user_id,
    parse_user_id,
    server_of,
)

HASH = "Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"


@pytest.mark.parametrize(
    ("user_id", "parts"),
    [
        ("@alice:bongsu.example", ("alice", "bongsu.example")),
        ("@a/b=c+d-e.f_0:h:8448", ("a/b=c+d-e.f_0", "h:8448")),
        ("@ALICE:MATRIX.ORG", ("ALICE", "MATRIX.ORG")),
        ("@:h", ("", "h")),
        ("@봉수 :1.2.3.4:1", ("봉수 ", "1.2.3.4:1")),
        ("@a:[1234:5678::abcd]:5678", ("a", "[1234:5678::abcd]:5678")),
        ("@" + "a" * 252 + ":h", ("a" * 252, "h")),
    ],
)
def test_parses_user_ids_historical_ones_included(user_id: str, parts: tuple[str, str]) -> None:
    assert is_user_id(user_id)
    assert parse_user_id(user_id) == parts
    assert server_of(user_id) == parts[1]


@pytest.mark.parametrize(
    "user_id",
    [
        "",
        "@",
        "alice:h",
        "@alice",
        "@alice:",
        "#alice:h",
        "@a\0b:h",
        "@a:h/x",
        "@a:h\n",
        "@a:h:port",
        "@a:h:123456",
        "@a:호스트",
        "@a:[xyz]",
        "@a\ud800:h",
        "@" + "a" * 253 + ":h",
        "@" + "가" * 85 + ":h",
    ],
)
def test_refuses_what_is_no_user_id(user_id: str) -> None:
    assert not is_user_id(user_id)
    with pytest.raises(MatrixError) as refusal:
        parse_user_id(user_id)
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize("other", [None, 1, True, [], {}, b"@a:h"])
def test_only_a_string_is_an_identifier(other: object) -> None:
    for is_one in (
        is_user_id,
        is_room_id,
        is_event_id,
        is_room_alias,
        is_mxc,
        is_server_name,
        is_new_localpart,
    ):
        assert not is_one(other)


def test_room_ids() -> None:
    for room_id in ("!" + HASH, "!abc:h", "!가 나:h:1", "!" + "a" * 252 + ":h"):
        assert is_room_id(room_id)
    for room_id in (
        "!",
        "!abc",
        "!:h",
        "!" + HASH + "x",
        "!a\0:h",
        "$abc:h",
        "!" + "a" * 253 + ":h",
        "!a:h\n",
    ):
        assert not is_room_id(room_id)


def test_event_ids() -> None:
    for event_id in ("$" + HASH, "$old:h", "$" + "a" * 254):
        assert is_event_id(event_id)
    for event_id in ("", "$", HASH, "$a b", "$a\0", "$가", "$a\n", "$" + "a" * 255):
        assert not is_event_id(event_id)


def test_room_aliases() -> None:
    for alias in ("#상황실:h", "#a b:h", "#a#b:h"):
        assert is_room_alias(alias)
    for alias in ("#:h", "#a", "a:h", "#a\0:h", "#" + "가" * 85 + ":h"):
        assert not is_room_alias(alias)


def test_content_uris_cannot_climb() -> None:
    assert is_mxc("mxc://h:8448/AbC_-9")
    for uri in (
        "mxc://h/",
        "mxc://h/../x",
        "mxc://h/a/b",
        "mxc://h/a.b",
        "mxc:///a",
        "mxc://h/%2e",
        "http://h/a",
    ):
        assert not is_mxc(uri)


def test_only_lower_case_names_can_be_registered() -> None:
    for localpart in ("alice", "0", "a.b_c=d-e/f+g", "a" * 255):
        assert is_new_localpart(localpart)
    for localpart in ("", "Alice", "봉수", "a b", "a:b", "@a", "a\n", "a" * 256):
        assert not is_new_localpart(localpart)


def test_server_of_needs_a_server() -> None:
    assert server_of("!a:h:8448") == "h:8448"
    with pytest.raises(MatrixError, match="M_INVALID_PARAM"):
        server_of("!" + HASH)
