"""What a request handler is given: the node and what makes things on it."""

import asyncio
import secrets
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bongsu.author import Author
from bongsu.authority import HUB
from bongsu.cap.feeds import FeedPoller
from bongsu.courier.deferred import Deferred
from bongsu.courier.desk import Desk
from bongsu.forks import Forks
from bongsu.hub.energy import LANES, Level
from bongsu.hub.keeping import Keeping
from bongsu.hub.power import Power
from bongsu.interactive import InteractiveAuth
from bongsu.key_claims import KeyClaims
from bongsu.live_links import LiveLinks
from bongsu.lost_events import LostEvents
from bongsu.media.library import Library
from bongsu.names import Names
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.promised import Promised
from bongsu.room.versions import RoomVersion
from bongsu.state_resets import StateResets
from bongsu.view.cache import Cache
from bongsu.view.directory import PublicRooms
from bongsu.withdrawal import Withdrawal

if TYPE_CHECKING:
    from bongsu.cap.signing import CapKey
    from bongsu.hub.radio import Radio
    from bongsu.hub.tls_order import TlsOrders


class Service:
    """Built once by `serve`; its parts are plain attributes, handed on by argument."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.peers = Peers(node)
        self.keeping = Keeping(node, self.peers)
        self.radio = self._radio()
        self.key_claims = KeyClaims(node, self.peers)
        self.live_links = LiveLinks(node, self.peers)
        self.author = Author(node)
        self.names = Names(node)
        self.interactive = InteractiveAuth(node)
        self.media = Library(node, self.peers)
        self.desk = Desk(node, self.peers)
        self.power = Power(node.config.power_supply, self._power_changed)
        self.deferred = Deferred(node, self.peers, self.author)
        self.feeds = FeedPoller(node)
        self.lost_events = LostEvents(node, self.peers)
        self.forks = Forks(node, self.peers)
        self.state_resets = StateResets(node, self.peers, self.author)
        self.promised = Promised(node)
        self.withdrawal = Withdrawal()
        self.tls_orders = self._tls_orders()
        self.public_rooms = PublicRooms(node.context, node.clock.monotonic)
        # Names being registered at this moment: the claim is a record, which is not applied yet.
        self.names_claimed: set[str] = set()
        # A change of push rules reads them, and writes them whole: one at a time for each user.
        self.push_rules_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # One-time keys being uploaded: digest by (user, device, "algorithm:key id").
        self.keys_uploading: dict[tuple[str, str, str], str] = {}
        # The last number given to a key backup of a user, whose record may not be applied yet.
        self.backup_numbers: Cache[str, int] = Cache(10_000)
        # Log-in tokens made by /login/get_token: one use, minutes of life, never on disk.
        self.login_tokens: dict[str, tuple[str, float]] = {}
        # Until when (monotonic seconds) sessions may see the tower and administer; never on disk.
        self.second_factors: Cache[str, float] = Cache(10_000)
        # Secrets of second factors that wait for their first code, and the last step of time a code was of.
        self.secrets_offered: Cache[str, str] = Cache(1_000)
        self.codes_used: Cache[str, int] = Cache(10_000)
        # This site's key for alerts in XML, once there is one, and the documents it signed.
        self.cap_key: CapKey | None = None
        self.cap_documents: Cache[tuple[str, str, int], bytes] = Cache(1_000)
        # Proofs of identity for other services: (user id, end in ms).
        self.openid_tokens: Cache[str, tuple[str, int]] = Cache(10_000)

    def _radio(self) -> "Radio | None":
        """The thin links, where there are modems."""
        if not self.node.config.thin_links:
            return None
        from bongsu.hub.radio import Radio

        return Radio(self.node, self.peers, self.keeping)

    def _tls_orders(self) -> "TlsOrders | None":
        """What orders hubs' certificates, where an operator gave the program for it."""
        hook = self.node.config.certificate_hook
        if hook is None:
            return None
        from bongsu.hub.tls_order import TlsOrders

        return TlsOrders(self.node, self.peers, hook)

    def start(self) -> None:
        """Begin what goes on by itself."""
        if self.node.config.role == HUB:
            self.power.start()
            self.desk.start()
        if self.radio is not None:
            self.radio.start()
        self.deferred.start()
        self.lost_events.start()
        self.forks.start()
        self.state_resets.start()
        if self.tls_orders is not None:
            self.tls_orders.start()

    async def close(self) -> None:
        """End it."""
        self.power.close()
        if self.radio is not None:
            await self.radio.close()
        await self.desk.close()
        await self.deferred.close()
        await self.lost_events.close()
        await self.forks.close()
        await self.state_resets.close()
        if self.tls_orders is not None:
            await self.tls_orders.close()

    def _power_changed(self, level: Level) -> None:
        self.peers.set_lanes(LANES[level])

    def new_room_id(self, version: RoomVersion) -> str | None:
        """The id of a room about to be made; None where its first event gives it."""
        if version.event_id_room:
            return None
        return f"!{secrets.token_urlsafe(13)}:{self.node.config.server_name}"
