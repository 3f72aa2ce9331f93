"""What runs beside a node for the tower: its status, its key for XML, others' feeds, the room of alerts."""

import logging
from collections.abc import Callable

from bongsu import drafts
from bongsu.author import Author
from bongsu.cap import CERTIFICATE_FILE
from bongsu.cap.feeds import FeedPoller
from bongsu.console.announcer import Announcer
from bongsu.console.doorkeeper import Doorkeeper
from bongsu.console.drills import DrillRunner
from bongsu.console.siren import Siren
from bongsu.console.status import StatusPublisher, Told
from bongsu.errors import MatrixError
from bongsu.hub.power import Power
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view import registers

logger = logging.getLogger(__name__)

CERTIFICATE_FAMILY = "cap_certificate"


class TowerTasks:
    """Started once the node serves, closed before it stops."""

    def __init__(
        self,
        node: Node,
        peers: Peers,
        author: Author,
        power: Power,
        feeds: FeedPoller,
        told: Told,
        restart: Callable[[], None],
    ) -> None:
        self._node = node
        self._feeds = feeds
        self._announcer = Announcer(node, peers, author)
        self._doorkeeper = Doorkeeper(node, peers, author)
        self._drills = DrillRunner(node, peers, restart)
        self._siren = None if node.config.alert_hook is None else Siren(node, node.config.alert_hook)
        self._status = StatusPublisher(node, peers, power, told)

    async def start(self) -> None:
        """Begin. Only a service with a root key has a tower."""
        if self._node.context.authorities.root_key is None or self._node.revoked:
            return
        try:
            await self._publish_certificate()
        except (MatrixError, OSError) as error:
            logger.warning("the certificate for alerts in XML could not be published: %s", error)
        self._status.start()
        self._announcer.start()
        self._doorkeeper.start()
        self._drills.start()
        if self._siren is not None:
            self._siren.start()
        if self._node.config.role == "core":
            # A stolen hub must not speak in the name of others' services, so what it read would not count.
            self._feeds.start()

    async def close(self) -> None:
        """Stop."""
        await self._announcer.close()
        await self._doorkeeper.close()
        await self._drills.close()
        if self._siren is not None:
            await self._siren.close()
        await self._status.close()
        await self._feeds.close()

    async def _publish_certificate(self) -> None:
        """Every site can then say which certificates a receiver of our alerts should pin."""
        node = self._node
        key = (CERTIFICATE_FAMILY, "", "", node.log.key.node.hex())
        path = node.config.data / CERTIFICATE_FILE
        if not path.exists():
            from bongsu.cap.signing import CapKey

            CapKey.open(node.config.data, node.config.server_name)
        certificate = path.read_text(encoding="ascii")
        if registers.get(node.context, *key) != certificate:
            stamp = registers.stamp_after(node.context, node.now_ms(), *key)
            await node.write(drafts.register(*key, certificate, stamp))
