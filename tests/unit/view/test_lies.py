"""Records that no honest node writes are carried, mean nothing, and stop nobody."""

import asyncio
from pathlib import Path

import pytest

from bongsu import drafts
from bongsu.canonical import json_bytes
from bongsu.config import Config
from bongsu.log.record import Draft, Kind, Lane, service_scope
from bongsu.offline import verify
from bongsu.view import keys, registers
from tests.helpers.crowd import CREATOR, crowd

BODIES = (b"", b"{", b"[]", b"null", b"1", b'{"event":3}', b'{"event":{"type":3}}', b"[" * 5_000)
NOT_AN_EVENT = {"type": "m.room.message", "room_id": "!r:x", "sender": CREATOR, "content": "text"}


def record(kind: Kind, body: bytes) -> Draft:
    return Draft(kind, service_scope(), Lane.TEXT, 5, body)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.EPOCH])
async def test_a_body_without_meaning_stops_nobody(kind: Kind, tmp_path: Path) -> None:
    made = await crowd(tmp_path, 1)
    name = registers.get(made.node.context, "profile", CREATOR, "", "displayname")
    lies = [record(kind, body) for body in BODIES]
    lies.append(record(kind, json_bytes({"event": NOT_AN_EVENT, "user_id": CREATOR})))
    honest = drafts.register("profile", CREATOR, "", "displayname", "kept", 2**42)
    await made.node.write(*lies, honest)
    assert name != "kept"
    assert registers.get(made.node.context, "profile", CREATOR, "", "displayname") == "kept"
    made.node.close()
    problems: list[str] = []
    config = Config(data=made.node.config.data)
    assert await asyncio.to_thread(verify, config, problems.append) == 0, problems


async def test_a_register_of_another_shape_is_not_read(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 1)
    for value in (1, "text", {"display_name": 3}):
        await made.node.write(drafts.register("device", CREATOR, "", "EVIL", value, 2**42))
    assert "EVIL" not in keys.devices(made.node.context, CREATOR)
    made.node.close()
