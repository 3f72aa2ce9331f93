"""Whatever is handed to the tower's endpoints: an errcode and a sentence, never a 5xx, and no alert."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import User, http_client
from tests.helpers.tower import Officer, install, pass_second_factor, rooted_server

BASE = "/_bongsu/client/v1"
ODD: tuple[Any, ...] = (None, True, -1, 2**53, "", "x" * 5_000, "\0", [], [[]], {}, {"a": [None]}, ["@a:b"])
OPENED = {"kind": "산불", "place": "난곡동", "stage": "caution", "status": "Exercise"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[User, Officer]]:
    server = rooted_server(tmp_path_factory.mktemp("tower"))
    server.start()
    try:
        with http_client(server.url) as http:
            user, officer = User(http, "mayor"), Officer()
            user.register()
            install(server.url, officer.statement(users=(user.user_id,)))
            pass_second_factor(user)
            yield user, officer
        server.stop()
        server.verify()
    finally:
        server.kill()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something else can stand."""
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from places(child, (*path, name))


def replaced(body: Any, path: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(body)
    at = changed
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = odd
    return changed


def bodies(officer: Officer) -> dict[str, Any]:
    opened = officer.act("open", OPENED, areas=[])
    return {
        f"{BASE}/alerts": officer.alert(areas=["okgye"], references=[]),
        f"{BASE}/alerts/preview": {"content": officer.alert(areas=["okgye"])["content"]},
        f"{BASE}/safety_calls": officer.call(areas=["okgye"]),
        f"{BASE}/incidents/acts": opened,
        f"{BASE}/check_ins": {"answer": "safe", "with": ["할머니"], "where": [37, 128], "request": "0" * 32},
        f"{BASE}/check_requests": {"users": ["@kim:localhost"], "room_id": "!r:localhost", "text": "?"},
        f"{BASE}/second_factor": {"code": "123456"},
        "/_bongsu/node/v1/tower_keys": {"statement": officer.statement()},
    }


def test_odd_bodies_are_answered_by_a_sentence(people: tuple[User, Officer]) -> None:
    user, officer = people
    before = len(user.get(f"{BASE}/alerts")["alerts"])
    for path, body in bodies(officer).items():
        for place in places(body):
            for odd in ODD:
                answer = user.request("POST", path, body=replaced(body, place, odd))
                assert answer.status_code < 500, (path, place, odd)
                if answer.status_code != 200:
                    said = answer.json()
                    assert said["errcode"], (path, place, odd)
                    assert said["error"].rstrip().endswith((".", "?")), said
    # Of all that, only what changed nothing that is signed was taken.
    assert len(user.get(f"{BASE}/alerts")["alerts"]) <= before + 1


def test_odd_paths_and_documents(people: tuple[User, Officer]) -> None:
    user, _ = people
    for odd in ("0" * 32, "%00", "..", "x" * 3_000, "알림"):
        for path in ("alerts/{}/acks", "incidents/{}", "incidents/{}/report", "tower/check_ins/{}"):
            answer = user.request("GET", f"{BASE}/{path.format(odd)}")
            assert 400 <= answer.status_code < 500, (path, odd)
        assert 400 <= user.request("GET", f"/_bongsu/cap/{odd}").status_code < 500
    for content in (
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b"[" * 3_000,
        json.dumps({"content": 1e400}).encode(),
    ):
        for path in bodies(Officer()):
            answer = user.request("POST", path, content=content)
            assert 400 <= answer.status_code < 500, (path, content[:20])


def test_nobody_else_sees_the_tower(people: tuple[User, Officer], tmp_path: Path) -> None:
    user, _ = people
    eve = User(user.http, "eve")
    eve.register()
    for path in ("tower/picture", "incidents", "alerts/x/acks", "incidents/x", "tower/check_ins/x"):
        eve.refused(403, "M_FORBIDDEN", "GET", f"{BASE}/{path}")
    for path in ("users", "rooms", "media", "reports", "acts", f"user/{eve.user_id}"):
        eve.refused(404, "M_UNRECOGNIZED", "GET", f"/_bongsu/admin/v1/{path}")
        User(user.http, "").refused(404, "M_UNRECOGNIZED", "GET", f"/_bongsu/admin/v1/{path}")
