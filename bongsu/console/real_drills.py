"""What a drill does to the very site that carries it out, and what it measures. DESIGN 8.

Each ends by itself, takes nothing that is on disk, and says what came of it."""

import asyncio
from typing import Any

from bongsu import limits
from bongsu.log.record import LogName
from bongsu.node import Node
from bongsu.peers import Peers

Figures = dict[str, Any]


async def cut_off(node: Node, peers: Peers, minutes: int) -> Figures:
    """Cut off from every node for so long; clients still reach this one, and write."""
    others = _sites(peers)
    before = node.log.head_position
    peers.isolate(on=True)
    try:
        await asyncio.sleep(minutes * limits.DRILL_MINUTE_S)
    finally:
        peers.isolate(on=False)
    found = await _after(node, peers, before)
    return {"sites": len(others), **found, "broken": int(found["level_after_s"] is None)}


async def without_fabric(node: Node, peers: Peers, minutes: int) -> Figures:
    """No link over NATS for so long; the nodes that were linked by it are to be reached over HTTPS."""
    by_fabric = {link.peer.node for link in peers.links.values() if link.over_fabric}
    if not by_fabric:
        return {"sites": 0, "no_fabric": 1, "broken": 1}
    before = node.log.head_position
    peers.leave_fabric(on=True)
    began_s = node.clock.monotonic()
    linked_s = None
    try:
        while (now_s := node.clock.monotonic() - began_s) < minutes * limits.DRILL_MINUTE_S:
            if linked_s is None and by_fabric <= peers.links.keys():
                linked_s = round(now_s, 3)
            await asyncio.sleep(limits.DRILL_LOOK_S)
    finally:
        peers.leave_fabric(on=False)
    found = await _after(node, peers, before)
    broken = linked_s is None or found["level_after_s"] is None
    return {"sites": len(by_fabric), **found, "linked_after_s": linked_s, "broken": int(broken)}


def may_restart(node: Node, peers: Peers) -> Figures | None:
    """None, or why this node does not end now: it would be the last site that people can go to."""
    if node.config.role == "core" and not peers.of_other_sites():
        return {"alone": 1, "broken": 1}
    return None


async def returned(node: Node, peers: Peers, away_ms: int) -> Figures:
    """After the restart that a drill ordered: how long this node was away, and when it was level again."""
    linked_s, level_s = await _level(node, peers, [])
    return {
        "away_s": round(max(0, away_ms) / 1000, 3),
        "linked_after_s": linked_s,
        "level_after_s": level_s,
        "broken": int(level_s is None),
    }


async def _after(node: Node, peers: Peers, before: int) -> Figures:
    """What came of what was written beyond a position, once the node can be level with the others again."""
    written = _written_since(node, before)
    linked_s, level_s = await _level(node, peers, written)
    return {
        "acknowledged": len(written),
        "lost": _only_here(peers, written),
        "linked_after_s": linked_s,
        "level_after_s": level_s,
    }


async def _level(
    node: Node, peers: Peers, written: list[tuple[LogName, int]]
) -> tuple[float | None, float | None]:
    """After how many seconds there was a link, and when each side had what the other has."""
    began_s = node.clock.monotonic()
    linked_s = None
    while node.clock.monotonic() - began_s < limits.DRILL_LEVEL_S:
        now_s = round(node.clock.monotonic() - began_s, 3)
        if linked_s is None and peers.links:
            linked_s = now_s
        lacking = _only_here(peers, written)
        if linked_s is not None and lacking == 0 and await peers.elsewhere.has_all(limits.CATCH_UP_S):
            return linked_s, round(node.clock.monotonic() - began_s, 3)
        await asyncio.sleep(limits.DRILL_LOOK_S)
    return linked_s, None


def _sites(peers: Peers) -> set[str]:
    return {link.peer.details.site for link in peers.links.values()}


def _written_since(node: Node, position: int) -> list[tuple[LogName, int]]:
    """(log, seq) of what this node wrote beyond a position."""
    found: list[tuple[LogName, int]] = []
    while batch := node.log.after(position, limits.DRILL_BATCH):
        found += [(each.log, each.header.seq) for each in batch if each.log.node == node.log.key.node]
        position = batch[-1].position
    return found


def _only_here(peers: Peers, written: list[tuple[LogName, int]]) -> int:
    return sum(len(peers.sites_with(log, seq)) < 2 for log, seq in written)
