"""Typing and presence between nodes: what happens here is told to peers, what they tell is shown here."""

from bongsu import limits
from bongsu.bearer.link import Link
from bongsu.live.news import PRESENCE, TYPING, Shown, Typing
from bongsu.log.record import public_scope, room_scope
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.sync.presence import tell
from bongsu.view.cache import Cache


class LiveLinks:
    """Nothing waits for this, and a word that is lost is forgotten."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        # When peers were last told that a user is there, in monotonic seconds.
        self._told: Cache[str, float] = Cache(20_000)
        peers.calls.news[TYPING] = self._take_typing
        peers.calls.news[PRESENCE] = self._take_shown
        node.on_present = self._present

    def typing(self, room_id: str, user_id: str, timeout_ms: int) -> None:
        """Somebody here types, or stops."""
        self._peers.tell(TYPING, Typing(room_id, user_id, timeout_ms).encode(), room_scope(room_id))

    def shown(self, user_id: str) -> None:
        """Somebody here shows something else."""
        presence = self._node.live.presences.get(user_id)
        until_ms = 1000 * (limits.SYNC_TIMEOUT_S_MAX + limits.PRESENCE_GRACE_S)
        self._told.put(user_id, self._node.clock.monotonic())
        said = Shown(user_id, presence.state, presence.status, until_ms)
        self._peers.tell(PRESENCE, said.encode(), public_scope(user_id))

    def _present(self, user_id: str) -> None:
        told = self._told.get(user_id)
        if self._peers.links and (
            told is None or self._node.clock.monotonic() - told > limits.PRESENCE_TELL_S
        ):
            self.shown(user_id)

    def _take_typing(self, link: Link, body: bytes) -> None:
        typing = Typing.decode(body)
        if typing is None or typing.user_id not in self._node.joined(typing.room_id):
            return
        timeout_ms = min(typing.timeout_ms, limits.TYPING_MS_MAX)
        timeout_s = timeout_ms / 1000 if timeout_ms > 0 else None
        if self._node.live.set_typing(typing.room_id, typing.user_id, timeout_s):
            self._node.notify_room(typing.room_id)
        self._node.typing_expiry.watch()

    def _take_shown(self, link: Link, body: bytes) -> None:
        shown = Shown.decode(body)
        # Who has gone there may be here: their time runs out where nobody renews it.
        if shown is None or shown.state == "offline" or not self._node.config.presence:
            return
        until_s = min(shown.until_ms / 1000, limits.SYNC_TIMEOUT_S_MAX + limits.PRESENCE_GRACE_S)
        presences = self._node.live.presences
        if presences.set(shown.user_id, shown.state, shown.status, until_s):
            tell(self._node, [shown.user_id])
