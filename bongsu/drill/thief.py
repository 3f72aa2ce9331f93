"""A stolen site: who has its disk and its key writes what was never said, until the root key shuts it out."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import httpx

from bongsu import authority, drafts
from bongsu.author import Author, NewEvent
from bongsu.authority import Cut
from bongsu.canonical import json_bytes
from bongsu.clock import SystemClock
from bongsu.config_load import load
from bongsu.cuts import cuts_of
from bongsu.drill.town import Api, Town
from bongsu.errors import MatrixError
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan, Process
from bongsu.log.record import Draft, Kind, Lane, service_scope
from bongsu.node import Node
from bongsu.rootkey import RootKey

HTTP_S = 30.0
# What nobody ever said. A room in which it still stands in the end shows that the thief was believed.
FORGED = "forged by the thief"
FORGED_TYPE = "kr.bongsu.drill.forged"

# Where the logs of each stolen node ended when it was stolen.
_cuts: dict[str, tuple[bytes, list[Cut]]] = {}


def steal(plan: Plan, struck: list[Process]) -> None:
    """The node goes dark; the thief writes into its logs with its key, and lets it link again."""
    for node in (each for each in struck if isinstance(each, NodePlan)):
        processes.end([node])
        _cuts[node.name] = asyncio.run(_lie(Path(node.config), node.site))
    commands.start_all(plan)


def revoke(plan: Plan, struck: list[Process]) -> None:
    """The root key says where the node's logs end for good."""
    folder = Path(plan.folder)
    passphrase = (folder / commands.PASSPHRASE_FILE).read_text(encoding="utf-8").strip()
    root = RootKey.load(folder / commands.ROOT_FILE, passphrase)
    context = ssl.create_default_context(cafile=plan.ca) if plan.ca else None
    others = [node for node in plan.nodes if node not in struck]
    for name, (node_id, cuts) in _cuts.items():
        text = authority.sign_revocation(node_id, SystemClock().now_ms(), cuts, root.sign)
        url = f"{others[0].url}/_bongsu/node/v1/revocations"
        verify = True if context is None else context
        answered = httpx.post(url, json={"revocation": text}, verify=verify, timeout=HTTP_S, trust_env=False)
        assert answered.status_code == 200, f"{name}: {answered.text}"
    _cuts.clear()


def forged(api: Api, sites: list[str], town: Town) -> list[str]:
    """Where a lie still stands, a sentence each."""
    found = []
    rooms = {person["room_id"]: person["access_token"] for person in town.people}
    for site in sites:
        for room_id, token in rooms.items():
            path = f"/_matrix/client/v3/rooms/{room_id}/messages"
            query = {"dir": "b", "limit": "500"}
            chunk = api.call(site, "GET", path, token, params=query)["chunk"]
            if any(FORGED in str(event["content"]) for event in chunk):
                found.append(f"What a thief wrote still stands in {room_id} at site {site}.")
    return found


async def _lie(settings: Path, site: str) -> tuple[bytes, list[Cut]]:
    """Write lies into a stopped node; where its logs ended before."""
    node = Node.open(load({}, environment={}, file=settings), SystemClock(), lambda done, total: None)
    try:
        found = cuts_of(node, node.log.key.node.hex(), None)
        await lie(node)
    finally:
        node.close()
    return found


async def lie(node: Node) -> None:
    """Write lies into every room that a node knows, and records that mean nothing."""
    node.promises.nobody()
    author = Author(node)
    for (room_id,) in node.context.db.all("SELECT room_id FROM rooms ORDER BY room"):
        await _lie_in(node, author, room_id)
    await node.write(*_nonsense(node.now_ms()))


async def _lie_in(node: Node, author: Author, room_id: str) -> None:
    """Messages in everybody's name, and another name for the room by its maker.

    Nobody is put out: who was, by a lie, gets what he missed only with a fresh sync (decisions/authority.md).
    """
    live = node.context.live.get(room_id)
    people = sorted(live.joined)
    for user_id in people:
        await author.send(room_id, user_id, NewEvent(FORGED_TYPE, {"body": FORGED}))
    for user_id in people:
        with suppress(MatrixError):  # of all of them only one has the power
            await author.send(room_id, user_id, NewEvent("m.room.name", {"name": FORGED}, ""))


def _nonsense(stamp: int) -> list[Draft]:
    """Records that no honest node writes: they are carried, and mean nothing."""
    return [
        Draft(Kind.EVENT, service_scope(), Lane.TEXT, stamp, json_bytes({"event": {"type": 3}})),
        Draft(Kind.REGISTER, service_scope(), Lane.TEXT, stamp, b"\x00not json"),
        Draft(Kind.SESSION, service_scope(), Lane.URGENT, 2**53 - 1, json_bytes({"user_id": []})),
        drafts.register("profile", "@nobody:x", "", "displayname", {"deep": [[]]}, stamp),
    ]
