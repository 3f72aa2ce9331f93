"""Tokens, names and passwords that should open nothing."""

import pytest

from tests.api.client import PASSWORD, User


def token_refused(user: User, token: str | None, errcode: str) -> None:
    stranger = User(user.http, "")
    stranger.access_token = token
    for method, path in (
        ("GET", ("sync",)),
        ("GET", ("account/whoami",)),
        ("POST", ("createRoom",)),
        ("PUT", ("rooms", "!x:localhost", "send", "m.room.message", "t")),
        ("POST", ("/_matrix/media/v3/upload",)),
    ):
        stranger.refused(401, errcode, method, *path)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "bongsu_access_" + "A" * 43,
        "../../etc/passwd",
        "' OR 1=1 --",
        "x" * 10_000,
        "Bearer x",
        "null",
    ],
)
def test_unknown_tokens(alice: User, token: str) -> None:
    token_refused(alice, token, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5", "Token x", "bearer", "Bearer,"])
def test_no_token(alice: User, header: str) -> None:
    answer = alice.http.get("/_matrix/client/v3/sync", headers={"authorization": header})
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")


def test_a_token_in_the_query_is_not_taken(alice: User) -> None:
    stranger = User(alice.http, "")
    query = {"access_token": alice.access_token}
    stranger.refused(401, "M_MISSING_TOKEN", "GET", "sync", query=query)


def test_a_token_after_its_log_out(alice: User) -> None:
    other = alice.another_device()
    other.post("logout")
    token_refused(alice, other.access_token, "M_UNKNOWN_TOKEN")


def test_a_refresh_token_is_no_access_token(alice: User) -> None:
    other = User(alice.http, alice.name)
    answer = other.login(refresh_token=True)
    token_refused(alice, answer["refresh_token"], "M_UNKNOWN_TOKEN")
    other.refused(401, "M_UNKNOWN_TOKEN", "POST", "refresh", body={"refresh_token": other.access_token})


@pytest.mark.parametrize(
    "name",
    [
        "",
        "@name",
        "Name",
        "이름",
        "a b",
        "a:b",
        "a\0b",
        "a\u202eb",
        "ａｄｍｉｎ",  # noqa: RUF001 - letters that look like others
        "аdmin",  # noqa: RUF001
        "x" * 256,
        "a\nb",
        "#a",
        "<b>",
        "a%41",
    ],
)
def test_names_nobody_may_have(alice: User, name: str) -> None:
    stranger = User(alice.http, "")
    body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    stranger.refused(400, "M_INVALID_USERNAME", "POST", "register", body=body)
    stranger.refused(400, "M_INVALID_USERNAME", "GET", "register/available", query={"username": name})


def test_a_name_that_is_taken(alice: User) -> None:
    stranger = User(alice.http, "")
    body = {"username": alice.name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    stranger.refused(400, "M_USER_IN_USE", "POST", "register", body=body)


@pytest.mark.parametrize("password", ["", "short", "x" * 1_000_000, "0123456789\0", 5, ["x"], {"a": 1}])
def test_passwords_nobody_may_have(alice: User, password: object) -> None:
    stranger = User(alice.http, "")
    body = {"username": f"new-{alice.name}", "password": password, "auth": {"type": "m.login.dummy"}}
    answer = stranger.request("POST", "register", body=body)
    assert answer.status_code in (400, 413), answer.text
    assert answer.json()["errcode"] in ("M_WEAK_PASSWORD", "M_BAD_JSON", "M_INVALID_PARAM", "M_TOO_LARGE")
    assert stranger.get("register/available", username=f"new-{alice.name}") == {"available": True}


@pytest.mark.parametrize(
    "password", ["wrong password", "", "x" * 100_000, "\0", PASSWORD + " ", PASSWORD[:-1]]
)
def test_wrong_passwords_and_unknown_users_sound_alike(alice: User, password: str) -> None:
    stranger = User(alice.http, "")
    said = set()
    for user in (alice.name, alice.user_id, "nobody-at-all", "@nobody:elsewhere.example"):
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        said.add(stranger.refused(403, "M_FORBIDDEN", "POST", "login", body=body)["error"])
    assert len(said) == 1


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"type": "m.login.sso"},
        {"type": "m.login.token", "token": "x"},
        {"type": "m.login.application_service"},
        {"type": "m.login.password"},
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.thirdparty", "address": "a"},
            "password": "x",
        },
        {"type": "m.login.password", "identifier": {"type": "m.id.user"}, "password": "x"},
    ],
)
def test_odd_log_ins(alice: User, login: dict[str, object]) -> None:
    answer = User(alice.http, "").request("POST", "login", body=login)
    assert answer.status_code in (400, 401, 403), answer.text


@pytest.mark.parametrize("device_id", ["", "x" * 300, "a\0b", 5, "봉" * 100])
def test_odd_device_ids(alice: User, device_id: object) -> None:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": alice.name},
        "password": PASSWORD,
        "device_id": device_id,
    }
    answer = User(alice.http, "").request("POST", "login", body=body)
    # An empty one is as good as none.
    assert answer.status_code == (200 if device_id == "" else 400), answer.text


@pytest.mark.parametrize(
    "path",
    [
        ("user", "OTHER", "account_data", "kr.x"),
        ("user", "OTHER", "filter", "0"),
        ("user", "OTHER", "rooms", "!x:localhost", "tags"),
        ("user", "OTHER", "rooms", "!x:localhost", "account_data", "kr.x"),
    ],
)
def test_what_belongs_to_others(alice: User, bob: User, path: tuple[str, ...]) -> None:
    asked = [alice.user_id if step == "OTHER" else step for step in path]
    bob.refused(403, "M_FORBIDDEN", "GET", *asked)


@pytest.mark.parametrize("field", ["displayname", "avatar_url", "kr.x"])
def test_the_profile_of_another(alice: User, bob: User, field: str) -> None:
    bob.refused(403, "M_FORBIDDEN", "PUT", "profile", alice.user_id, field, body={field: "x"})


@pytest.mark.parametrize(
    "path",
    ["/_synapse/admin/v1/users", "/metrics", "/_bongsu/admin/v1/users", "/admin", "/.env", "/.git/config"],
)
def test_nothing_of_the_administration_is_public(alice: User, path: str) -> None:
    alice.refused(404, "M_UNRECOGNIZED", "GET", path)
