"""Alerts as messages in a room that the operators named: what clients without alerts of ours show."""

import asyncio
import logging
from collections import deque
from hashlib import sha256
from typing import Any

from bongsu.author import Author, NewEvent
from bongsu.authority import CORE
from bongsu.errors import MatrixError
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.tower.broadcast import cell_broadcast
from bongsu.view import registers
from bongsu.view.changes import Changes
from bongsu.view.tower import Shown

logger = logging.getLogger(__name__)

FAMILY = "alert_room"
_CHARACTERS = 1_000
_PATH = "kr.bongsu.alert"


class Announcer:
    """Of the core nodes that are linked one writes: which, the alert's id says. Hubs may not."""

    def __init__(self, node: Node, peers: Peers, author: Author) -> None:
        self._node = node
        self._peers = peers
        self._author = author
        self._waiting: deque[str] = deque()
        self._told: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        if self._node.config.role == CORE:
            self._node.listeners.append(self._applied)

    async def close(self) -> None:
        """Stop listening."""
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _applied(self, changes: Changes) -> None:
        self._waiting.extend(sorted(changes.alerts - self._told))
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._announce())

    async def _announce(self) -> None:
        try:
            while self._waiting:
                await self._one(self._waiting.popleft())
        except Exception:
            logger.exception("an alert could not be put into its room")
        finally:
            self._task = None

    async def _one(self, name: str) -> None:
        node = self._node
        shown = node.context.tower.alerts().get(name)
        room = registers.get(node.context, FAMILY, "", "", "")
        # What a courier brought after it was over would raise a false alarm: a message has no end.
        if shown is None or shown.brief or not shown.warns_at(node.now_ms()):
            return
        if not isinstance(room, dict) or not self._is_mine(name):
            return
        self._told.add(name)
        sent_by = {"device_id": "", "path": _PATH, "txn_id": name}
        try:
            await self._author.send(room["room_id"], room["user_id"], _message(shown), sent_by)
        except (MatrixError, KeyError) as error:
            logger.warning("an alert could not be put into its room: %s", error)

    def _is_mine(self, name: str) -> bool:
        nodes = [self._node.log.key.node]
        for node in self._peers.links:
            certificate = self._node.certificate_of(node)
            if certificate is not None and certificate.role == CORE:
                nodes.append(node)
        return min(nodes, key=lambda node: sha256(node + name.encode()).digest()) == nodes[0]


def _message(shown: Shown) -> NewEvent:
    """The words for people, and the alert's id for clients that know it."""
    korean = cell_broadcast(shown.content, _CHARACTERS)
    english = shown.content["texts"].get("en", {})
    mark = "" if shown.content["status"] == "Actual" else f"[{shown.content['status']}] "
    lines = [korean]
    if english:
        said = (english[name] for name in ("headline", "instruction", "description") if english.get(name))
        lines.append(mark + " ".join(said))
    content: dict[str, Any] = {
        "msgtype": "m.text",
        "body": "\n\n".join(lines),
        "m.mentions": {"room": True},
        "kr.bongsu.alert": shown.id,
    }
    return NewEvent("m.room.message", content)
