"""A hub that lies, and a hub that is stolen: what it writes without authority has no effect anywhere."""

import asyncio
from pathlib import Path

from bongsu.author import NewEvent
from bongsu.clock import SystemClock
from bongsu.config_load import load
from bongsu.lab import commands, processes
from bongsu.node import Node
from bongsu.service import Service
from tests import program
from tests.api.client import PASSWORD, User
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in


def forge(lab: Lab, hub: str, room_id: str, sender: str, body: str) -> None:
    """Have a hub, which does not run, write a message in somebody's name."""

    async def write() -> None:
        node = Node.open(load({}, {}, Path(lab.node(hub).config)), SystemClock(), lambda done, total: None)
        try:
            room = node.context.live.get(room_id)
            content = {"msgtype": "m.text", "body": body}
            _, draft = Service(node).author.make(room, sender, NewEvent("m.room.message", content))
            await node.log.append([draft])
        finally:
            node.close()

    asyncio.run(write())


def test_a_hub_cannot_write_in_the_name_of_others(lab: Lab) -> None:
    kim, park = lab.resident("h1", "kim"), lab.resident("h2", "park")
    room_id = kim.create_room(preset="public_chat")
    park.join(room_id)
    kim.send(room_id, "first")
    at_h1, at_h2 = lab.at(kim, "h1"), lab.at(park, "h2")
    for there in (at_h1, at_h2):
        eventually(
            lambda there=there: is_in(there, room_id) and bodies(there, room_id) == ["first"], "the room"
        )
    processes.end([lab.plan.find("h1")])
    forge(lab, "h1", room_id, park.user_id, "park never said this")
    forge(lab, "h1", room_id, kim.user_id, "kim may be spoken for by h1")
    commands.start(lab.plan, "h1")
    at_h1.send(room_id, "after")
    expected = ["first", "kim may be spoken for by h1", "after"]
    for there in (at_h1, at_h2, kim):
        eventually(lambda there=there: bodies(there, room_id) == expected, "what kim wrote")
    assert park.get("account", "whoami")["user_id"] == park.user_id


def test_what_a_stolen_hub_writes_is_refused_everywhere(lab: Lab) -> None:
    kim, park = lab.resident("h1", "kim"), lab.resident("h2", "park")
    room_id = kim.create_room(preset="public_chat")
    park.join(room_id)
    at_h1, at_h2 = lab.at(kim, "h1"), lab.at(park, "h2")
    eventually(lambda: is_in(at_h1, room_id), "the room at h1")
    at_h1.send(room_id, "fair")
    there = User(lab.http["h1"], kim.name)
    there.login(PASSWORD)
    at_core = lab.at(there, "a")
    eventually(lambda: at_core.request("GET", "account/whoami").status_code == 200, "the log-in at the core")
    for reader in (kim, at_h2):
        eventually(
            lambda reader=reader: is_in(reader, room_id) and bodies(reader, room_id) == ["fair"], "fair"
        )
    lab.link("h1", "core", "none")
    at_h1.send(room_id, "by the thief")
    root = str(Path(lab.plan.folder, "root.key"))
    passphrase = str(Path(lab.plan.folder, "root.passphrase"))
    signs = ("--root", root, "--passphrase-file", passphrase)
    revoked = program.run("site", "revoke", "--url", lab.node("a").url, *signs, "--at", "now", "h1")
    assert revoked.returncode == 0, revoked.stderr
    lab.link("h1", "core", "lan")
    lab.link("h2", "h1", "lan")
    gone = lambda: at_core.request("GET", "account/whoami").status_code == 401  # noqa: E731
    eventually(gone, "the end of the session made at the hub")
    kim.send(room_id, "life goes on")
    for reader in (kim, at_h2):
        eventually(lambda reader=reader: bodies(reader, room_id) == ["fair", "life goes on"], "the cut")
