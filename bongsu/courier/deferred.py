"""Carrying out what visitors left at hubs that do not keep their rooms: once, where the room is known."""

import asyncio
import logging
from hashlib import sha256
from typing import Any

from bongsu import limits
from bongsu.author import Author, NewEvent
from bongsu.canonical import read_trusted
from bongsu.errors import MatrixError, forbidden
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.signing import is_signed
from bongsu.view import keys, users
from bongsu.view.apply_deferred import sent_by_of
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)


class Deferred:
    """Core nodes do it. Two that do it at once make twins, of which people see one (DESIGN 5.3)."""

    def __init__(self, node: Node, peers: Peers, author: Author) -> None:
        self._node = node
        self._peers = peers
        self._author = author
        # Tried since the start: what was refused is not tried again at every turn.
        self._tried: set[int] = set()
        # What was refused, by its user: the joining or the device's keys may come by another way, later.
        self._refused: dict[str, set[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        node.listeners.append(self._changed)

    def start(self) -> None:
        """Look at what waits since before this start."""
        self._look()

    async def close(self) -> None:
        """Leave the rest to others, or to the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _changed(self, changes: Changes) -> None:
        changed = changes.users | {each.user_id for each in changes.members}
        again = [self._refused.pop(user_id) for user_id in changed & self._refused.keys()]
        self._tried.difference_update(*again)
        if again or changes.deferred:
            self._look()

    def _look(self) -> None:
        if self._node.config.role != "core" or self._node.revoked:
            return
        for (position,) in self._node.context.db.all("SELECT position FROM deferred ORDER BY position"):
            if position not in self._tried:
                self._tried.add(position)
                task = asyncio.ensure_future(self._carry_out(position))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, position: int) -> None:
        await asyncio.sleep(self._turn(position) * limits.DEFERRED_TURN_S)
        node = self._node
        if node.context.db.one("SELECT 1 FROM deferred WHERE position=?", (position,)) is None:
            return  # another core node has done it meanwhile
        record = node.log.read(position)
        request = read_trusted(record.body or b"")["request"]
        try:
            check(node, request)
            new = NewEvent(request["type"], request["content"])
            await self._author.send(request["room_id"], request["user_id"], new, sent_by_of(request))
        except MatrixError as error:
            logger.warning("a deferred message at position %d was not sent: %s", position, error.error)
            refused = self._refused.setdefault(request["user_id"], set())
            # Whoever floods a hub with requests in somebody's name must not cost more each time.
            if len(refused) < limits.DEFERRED_AGAIN_MAX:
                refused.add(position)

    def _turn(self, position: int) -> int:
        """After how many other live core nodes this one comes: the same order on all of them."""
        digest = self._node.log.read(position).header.body_hash
        own = self._node.log.key.node
        core = [own, *(link.peer.node for link in self._peers.of_other_sites())]
        order = sorted(core, key=lambda name: sha256(name + digest).digest())
        return order.index(own)


def check(node: Node, request: dict[str, Any]) -> None:
    """Refuse what the device did not sign, or may not send any more.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    user_id, device_id = request["user_id"], request["device_id"]
    if node.now_ms() - request["ts"] > limits.DEFERRED_MS_MAX:
        raise forbidden("It was written too long ago.")
    found = users.user(node.context, user_id)
    if found is None or found.deactivated:
        raise forbidden(f"There is no account {user_id}.")
    device = keys.device_keys(node.context, user_id).get(device_id, {})
    key_id = f"ed25519:{device_id}"
    if not is_signed(request, user_id, key_id, device.get("keys", {}).get(key_id, "")):
        raise forbidden("The device that it names did not sign it.")
    if request["type"] == "m.room.redaction":
        raise forbidden("Redactions are not deferred.")
    # The rules of the room judge the rest; this one is the API's: who left is told nothing.
    live = node.context.live.get(request["room_id"])
    if user_id not in live.joined:
        raise forbidden(f"{user_id} is not in the room.")
