"""Tokens that end: what a client is told when they do, and which are left, whatever came first."""

from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts, limits, sessions
from bongsu.api.access import requester
from bongsu.api.http import Headers, Request
from bongsu.config import Config
from bongsu.errors import MatrixError
from bongsu.node import Node
from tests.helpers.crowd import silent
from tests.helpers.service import AheadClock, Reader, Site

ALICE = "@alice:localhost"


def asks(node: Node, token: str) -> str:
    """The device behind a token, or how it is refused."""
    headers = Headers({"authorization": f"Bearer {token}"}.get)
    try:
        return requester(node, Request("GET", "/", {}, "", headers, "", b"")).device_id
    except MatrixError as error:
        return f"{error.status} {error.errcode} soft={error.body()['soft_logout']}"


async def test_a_token_that_expired_asks_to_be_refreshed(tmp_path: Path) -> None:
    clock = AheadClock()
    node = Node.open(Config(data=tmp_path), clock, silent)
    await node.introduce()
    now = node.now_ms()
    await node.write(drafts.user(ALICE, now, now), drafts.password(ALICE, None, now))
    login = sessions.NewSession(node, ALICE, now, device_id="PHONE", display_name=None, refresh=True)
    await node.write(*login.drafts)
    token, refresh_token = login.answer["access_token"], login.answer["refresh_token"]
    assert asks(node, token) == "PHONE"
    clock.ahead_ms = limits.ACCESS_TOKEN_MS
    assert asks(node, token) == "401 M_UNKNOWN_TOKEN soft=True"
    answer = await sessions.refresh(node, sessions.to_refresh(node, refresh_token))
    assert asks(node, answer["access_token"]) == "PHONE"
    # The device is gone: nothing is left to be refreshed.
    await node.write(drafts.session_end(ALICE, [_session(node)], now))
    for dead in (refresh_token, answer["refresh_token"]):
        with pytest.raises(MatrixError) as refused:
            sessions.to_refresh(node, dead)
        assert (refused.value.status, refused.value.body()["soft_logout"]) == (401, False)
    assert asks(node, answer["access_token"]) == "401 M_UNKNOWN_TOKEN soft=False"
    node.close()


def _session(node: Node) -> str:
    return str(node.context.db.value("SELECT session FROM sessions"))


def tokens(*names: str) -> list[dict[str, Any]]:
    return [
        {"hash": (name.encode() * 32)[:32].hex(), "kind": "access" if name.islower() else "refresh"}
        for name in names
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_the_same_tokens_are_left_whatever_came_first(tmp_path: Path, seed: int) -> None:
    first, second = Site(tmp_path / "first", "first"), Site(tmp_path / "second", "second")
    for site in (first, second):
        await site.introduce()
    await first.write(drafts.user(ALICE, 1, 1), drafts.password(ALICE, None, 1))
    for site, generation, given in (
        (first, 0, tokens("a", "A")),
        (first, 1, tokens("b", "B")),
        (second, 2, []),  # b was used
        (second, 2, tokens("c", "C")),
        (first, 3, []),  # c was used
    ):
        await site.write(drafts.session(ALICE, "PHONE", "s", generation, given, 5, 5, 1))
    reader = Reader(tmp_path / "reader")
    await reader.node.introduce()
    await reader.take_all([first, second], seed)
    await reader.node.write(drafts.user("@after:localhost", 1, 1))
    rows = reader.node.context.db.all("SELECT token_hash, kind FROM tokens")
    assert {bytes(name)[:1] for name, _ in rows} == {b"b", b"c", b"C"}
    reader.close()
    for site in (first, second):
        site.log.close()
