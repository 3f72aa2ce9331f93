"""A token tells of what other nodes hold and this one has not: nothing new is said until it is here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bongsu import limits
from bongsu.log.vector import Vector
from bongsu.sync.filter import Filter
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import NO_START, decode
from bongsu.sync.v3 import Answer, sync
from tests.helpers.crowd import Crowd, crowd


async def asked(made: Crowd, since: str) -> tuple[Answer, dict[str, Any]]:
    request = SyncRequest(made.users[0], "D", "s", Filter(), False, "state", 0.0, "offline")
    answer = await sync(made.node, request, since)
    return answer, json.loads(answer.body)


def beyond(made: Crowd, since: str) -> str:
    """The token with one record more than there is."""
    token = decode(since)
    state = max(made.node.log.held().values(), key=lambda state: state.seq)
    vector = token.vector.advance(state.log, state.ordinal, state.seq + 10)
    return replace(token, start=NO_START, position=0, vector=vector).encode()


async def test_who_has_seen_what_is_on_its_way_is_told_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FUTURE_TOKEN_WAIT_S", 0.01)
    monkeypatch.setattr(limits, "FUTURE_TOKEN_HELD_WAIT_S", 0.02)
    made = await crowd(tmp_path, 2)
    request = SyncRequest(made.users[0], "D", "s", Filter(), False, "state", 0.0, "offline")
    since = json.loads((await sync(made.node, request, None)).body)["next_batch"]
    await made.send("하나")
    future = beyond(made, since)
    held = True

    async def elsewhere(_: Vector) -> bool:
        return held

    made.node.behind.held_elsewhere = elsewhere
    answer, said = await asked(made, future)
    assert answer.is_behind
    assert said["next_batch"] == future
    assert "rooms" not in said
    held = False
    answer, said = await asked(made, future)
    assert not answer.is_behind, "nobody has it: there is nothing to wait for"
    held = True
    assert (await asked(made, future))[0].is_behind
    for _ in range(10):
        await made.send("둘")
    answer, said = await asked(made, future)
    assert not answer.is_behind, "it has come"
    monkeypatch.setattr(limits, "FUTURE_TOKEN_EMPTY_S", 0.0)
    future = beyond(made, said["next_batch"])
    assert (await asked(made, future))[0].is_behind
    answer, _ = await asked(made, future)
    assert not answer.is_behind, "what never comes does not silence a node for ever"
    made.node.close()
