"""A bad release at one site: it takes itself out of service, the others go on, and going back heals it."""

import time
from functools import partial

import httpx
import pytest

from bongsu.drill import bad_release
from bongsu.operate.against import ask, compare
from bongsu.withdrawal import ERRCODE
from tests.sites.conftest import Lab

BOUND_S = 60
pytestmark = pytest.mark.long


def test_a_release_that_spoils_what_it_shows_withdraws(lab: Lab) -> None:
    alice, bob = lab.user("b", "alice"), lab.user("c", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    node = lab.node("a")
    bad_release.deploy_corrupting(lab.plan, [node])
    deadline = time.monotonic() + BOUND_S
    number = 0
    while httpx.get(f"{node.private}/ready", trust_env=False).status_code == 200:
        assert time.monotonic() < deadline, "the bad release stays in service"
        number += 1
        (alice, bob)[number % 2].send(room_id, f"말 {number}")
        time.sleep(0.2)
    found = {
        each["name"]: each for each in httpx.get(f"{node.private}/health", trust_env=False).json()["problems"]
    }
    assert "release before" in found["withdrawn"]["en"]
    token = {"Authorization": f"Bearer {alice.access_token}"}
    answer = httpx.get(f"{node.url}/_matrix/client/v3/sync", headers=token, trust_env=False)
    assert (answer.status_code, answer.json()["errcode"]) == (503, ERRCODE)
    for site in ("b", "c"):
        assert httpx.get(f"{lab.node(site).private}/ready", trust_env=False).status_code == 200
    alice.send(room_id, "다른 곳은 계속한다")

    bad_release.roll_back(lab.plan, [node])
    assert httpx.get(f"{node.private}/ready", trust_env=False).status_code == 200
    asks = [partial(ask, each.private) for each in lab.plan.nodes]
    assert compare(asks, BOUND_S) == []
