"""The validator itself: that it knows the API, passes what is right and names what is wrong."""

import pytest

from tests.spec.validator import find_operations, operations, validate_response

SYNC = "/_matrix/client/v3/sync"
WHOAMI = "/_matrix/client/v3/account/whoami"


def names(method: str, path: str) -> set[str]:
    return {operation.name for operation in find_operations(method, path)}


def test_all_of_the_client_server_api_is_there() -> None:
    assert len(operations()) == 166
    assert {operation.auth for operation in operations()} == {"none", "optional", "token", "as_token"}
    assert all(operation.path.startswith(("/_matrix/", "/.well-known/")) for operation in operations())


def test_the_literal_path_wins_over_the_template() -> None:
    assert names("GET", "/_matrix/client/v3/pushrules/") == {"getPushRules"}
    assert names("GET", "/_matrix/client/v3/pushrules/global/") == {"getPushRulesGlobal"}
    assert names("GET", "/_matrix/client/v3/rooms/!a:b/state") == {"getRoomState"}
    assert names("PUT", "/_matrix/client/v3/rooms/!a:b/state/m.room.name") == {"setRoomStateWithKey"}
    assert names("PUT", "/_matrix/client/v3/rooms/!a:b/state/m.room.name/") == {"setRoomStateWithKey"}
    assert names("GET", "/_bongsu/client/v1/sites") == set()


def test_one_path_may_have_two_operations() -> None:
    assert names("POST", "/_matrix/client/v3/rooms/!a:b/invite") == {"inviteUser", "inviteBy3PID"}


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", WHOAMI, 200, {"user_id": "@a:b", "device_id": "X"}),
        ("GET", SYNC, 200, {"next_batch": "s1", "rooms": {"join": {}}}),
        ("GET", WHOAMI, 401, {"errcode": "M_UNKNOWN_TOKEN", "error": "Log in again."}),
        ("GET", "/_matrix/client/v3/nothing", 404, {"errcode": "M_UNRECOGNIZED", "error": "No such thing."}),
        (
            "POST",
            "/_matrix/client/v3/register",
            401,
            {"flows": [{"stages": ["m.login.dummy"]}], "session": "x"},
        ),
        ("GET", "/_matrix/client/v1/media/download/a.b/c", 200, None),
        ("GET", "/_bongsu/client/v1/sites", 200, {"anything": 1}),
    ],
)
def test_what_is_right_passes(method: str, path: str, status: int, body: object) -> None:
    validate_response(method, path, status, body)


EVENT = {"type": "m.room.name", "content": {}, "sender": "@a:b", "event_id": "$x", "origin_server_ts": "now"}


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "complaint"),
    [
        ("GET", WHOAMI, 200, {"device_id": "X"}, r"\$: 'user_id' is a required property"),
        ("GET", WHOAMI, 200, {"user_id": "a"}, r"\$\.user_id: 'a' does not match '\^@'"),
        ("GET", WHOAMI, 200, None, "without a JSON body"),
        ("GET", WHOAMI, 201, {"user_id": "@a:b"}, "does not know"),
        ("GET", WHOAMI, 401, {"errcode": "M_UNKNOWN_TOKEN"}, "'error' is a required property"),
        ("GET", WHOAMI, 401, {"errcode": "oops", "error": "x"}, "errcode 'oops'"),
        ("GET", WHOAMI, 500, "Internal Server Error", "without a JSON object"),
        (
            *(
                "GET",
                SYNC,
                200,
                {"next_batch": "s", "rooms": {"join": {"!r": {"timeline": {"events": [EVENT]}}}}},
            ),
            r"timeline\.events\[0\]\.origin_server_ts: 'now' is not of type 'integer'",
        ),
    ],
)
def test_what_is_wrong_is_named(method: str, path: str, status: int, body: object, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        validate_response(method, path, status, body)
