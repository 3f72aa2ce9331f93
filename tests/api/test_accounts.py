"""Accounts: registering, logging in, tokens, passwords, the end of an account."""

from collections.abc import Callable

import httpx
import pytest

from tests.api.client import PASSWORD, User

Make = Callable[[str], User]


@pytest.mark.parametrize(
    "name", ["", "Upper", "한글", "with space", "a@b", "a:b", "x" * 300, "\uff41\uff42", "a\x00b", "#a"]
)
def test_names_that_cannot_be_had(http: httpx.Client, name: str) -> None:
    user = User(http, name)
    body = {"username": name, "password": PASSWORD}
    user.refused(400, "M_INVALID_USERNAME", "POST", "register", body=body)
    user.refused(400, "M_INVALID_USERNAME", "GET", "register/available", query={"username": name})


def test_a_name_is_given_once(alice: User, http: httpx.Client) -> None:
    again = User(http, alice.name)
    body = {"username": alice.name, "password": PASSWORD}
    again.refused(400, "M_USER_IN_USE", "POST", "register", body=body)
    again.refused(400, "M_USER_IN_USE", "GET", "register/available", query={"username": alice.name})
    assert User(http, "x").get("register/available", username="nobody.has.this") == {"available": True}


@pytest.mark.parametrize(
    ("password", "errcode"),
    [("short", "M_WEAK_PASSWORD"), ("x" * 1_000_0, "M_INVALID_PARAM"), ("with\x00nul!!", "M_INVALID_PARAM")],
)
def test_passwords_that_are_not_taken(http: httpx.Client, password: str, errcode: str) -> None:
    body = {"username": "weak", "password": password, "auth": {"type": "m.login.dummy"}}
    User(http, "weak").refused(400, errcode, "POST", "register", body=body)


def test_login_refuses_alike_for_wrong_and_unknown(alice: User, http: httpx.Client) -> None:
    texts = set()
    for name in (alice.name, "nobody.at.all"):
        identifier = {"type": "m.id.user", "user": name}
        body = {"type": "m.login.password", "identifier": identifier, "password": "not this one"}
        texts.add(User(http, name).refused(403, "M_FORBIDDEN", "POST", "login", body=body)["error"])
    assert len(texts) == 1
    User(http, "x").refused(400, "M_UNKNOWN", "POST", "login", body={"type": "m.login.sso"})
    User(http, "x").refused(400, "M_MISSING_PARAM", "POST", "login", body={})


def test_a_session_ends_with_logout(alice: User) -> None:
    other = alice.another_device()
    assert other.get("account/whoami")["device_id"] == other.device_id
    other.post("logout")
    other.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    assert alice.get("account/whoami")["user_id"] == alice.user_id
    alice.another_device()
    alice.post("logout/all")
    alice.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    alice.login()


def test_logging_in_as_the_same_device_replaces_its_token(alice: User) -> None:
    old, device = alice.access_token, alice.device_id
    alice.login(device_id=device)
    assert alice.device_id == device
    alice.access_token, new = old, alice.access_token
    alice.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    alice.access_token = new
    alice.get("account/whoami")


def test_refresh_tokens(alice: User) -> None:
    first = alice.login(refresh_token=True)
    assert first["expires_in_ms"] > 0
    second = alice.post("refresh", body={"refresh_token": first["refresh_token"]})
    assert second["access_token"] != first["access_token"]
    alice.access_token = second["access_token"]
    alice.get("account/whoami")
    third = alice.post("refresh", body={"refresh_token": second["refresh_token"]})
    alice.access_token = third["access_token"]
    alice.get("account/whoami")
    alice.access_token = None
    body = {"refresh_token": first["refresh_token"]}
    alice.refused(401, "M_UNKNOWN_TOKEN", "POST", "refresh", body=body)
    alice.refused(401, "M_UNKNOWN_TOKEN", "POST", "refresh", body={"refresh_token": "made up"})


def test_a_refresh_token_lives_until_a_new_token_is_used(alice: User) -> None:
    first = alice.login(refresh_token=True)
    ask = {"refresh_token": first["refresh_token"]}
    lost, second = alice.post("refresh", body=ask), alice.post("refresh", body=ask)
    alice.access_token = second["access_token"]
    alice.get("account/whoami")
    other = User(alice.http, alice.name)
    other.refused(401, "M_UNKNOWN_TOKEN", "POST", "refresh", body=ask)
    # Requests under way with the access token before are not told that they are logged out.
    alice.access_token = first["access_token"]
    alice.get("account/whoami")
    for token in (lost, second):
        assert other.post("refresh", body={"refresh_token": token["refresh_token"]})["access_token"]


def test_a_new_password_ends_the_other_sessions(alice: User) -> None:
    other = alice.another_device()
    body = {"new_password": "새로운 비밀번호"}
    session = alice.expect(401, "POST", "account/password", body=body)["session"]
    wrong = {"type": "m.login.password", "session": session, "password": "wrong one"}
    asked = alice.expect(401, "POST", "account/password", body={**body, "auth": wrong})
    assert asked["errcode"] == "M_FORBIDDEN"
    auth = {
        "type": "m.login.password",
        "session": session,
        "identifier": {"type": "m.id.user", "user": alice.name},
        "password": PASSWORD,
    }
    alice.post("account/password", body={**body, "auth": auth})
    alice.get("account/whoami")
    other.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    alice.login("새로운 비밀번호")


def test_a_login_token_works_once(alice: User, http: httpx.Client) -> None:
    path = "/_matrix/client/v1/login/get_token"
    session = alice.expect(401, "POST", path)["session"]
    auth = {"type": "m.login.password", "session": session, "password": PASSWORD}
    token = alice.post(path, body={"auth": auth})["login_token"]
    body = {"type": "m.login.token", "token": token}
    assert User(http, "x").post("login", body=body)["user_id"] == alice.user_id
    User(http, "x").refused(403, "M_FORBIDDEN", "POST", "login", body=body)


def test_a_deactivated_account_is_over(make_user: Make, alice: User, http: httpx.Client) -> None:
    carol = make_user("carol")
    room = alice.create_room(preset="public_chat")
    carol.join(room)
    session = carol.expect(401, "POST", "account/deactivate")["session"]
    auth = {"type": "m.login.password", "session": session, "password": PASSWORD}
    carol.post("account/deactivate", body={"auth": auth})
    carol.refused(401, "M_UNKNOWN_TOKEN", "GET", "account/whoami")
    identifier = {"type": "m.id.user", "user": carol.name}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    carol.access_token = None
    assert carol.request("POST", "login", body=body).status_code == 403
    assert carol.user_id not in alice.get("rooms", room, "joined_members")["joined"]
    taken = {"username": carol.name, "password": PASSWORD}
    carol.refused(400, "M_USER_IN_USE", "POST", "register", body=taken)


def test_tokens_in_the_query_and_malformed_ones_are_not_taken(alice: User, http: httpx.Client) -> None:
    stranger = User(http, "x")
    query = {"access_token": alice.access_token}
    stranger.refused(401, "M_MISSING_TOKEN", "GET", "account/whoami", query=query)
    for header in ("Bearer", "Basic abc", f"Token {alice.access_token}"):
        answer = stranger.request("GET", "account/whoami", headers={"authorization": header})
        assert answer.status_code == 401
    answer = stranger.request("GET", "account/whoami", headers={"authorization": "Bearer nobody's"})
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNKNOWN_TOKEN")
