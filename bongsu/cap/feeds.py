"""Feeds of others' alerts: asked every minute, believed little, recorded once (docs/protocol/tower.md)."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from bongsu import limits, tower_drafts
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError
from bongsu.gateway.fetch import Fetcher, FetchError
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.view import registers

logger = logging.getLogger(__name__)

FAMILY = "cap_feed"


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed. `certificate`: PEM that its alerts must be signed by; None: they are shown as not proved."""

    id: str
    name: str
    url: str
    certificate: str | None


def feeds(node: Node) -> list[Feed]:
    """Those that the operators named."""
    found = []
    for name, value in registers.under(node.context, FAMILY, "", "")[: limits.FEEDS_MAX]:
        if isinstance(value, dict) and isinstance(value.get("url"), str):
            certificate = value.get("certificate")
            found.append(
                Feed(
                    name,
                    str(value.get("name", name)),
                    value["url"],
                    certificate if isinstance(certificate, str) else None,
                )
            )
    return found


class FeedPoller(Background):
    """Asks every feed; what came of that is kept for whoever looks at the tower."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._fetcher = Fetcher(allow_private=node.config.feeds_allow_private)
        super().__init__(self._poll)
        # (when it last worked, what is wrong now) by feed.
        self.results: dict[str, tuple[int | None, str | None]] = {}

    async def close(self) -> None:
        """Stop asking."""
        await super().close()
        await self._fetcher.close()

    async def _poll(self) -> None:
        while True:
            # All at once, none for longer than until the next time: one that hangs holds up no other's.
            await asyncio.gather(*(self.ask(feed) for feed in feeds(self._node)))
            await asyncio.sleep(limits.FEED_POLL_S)

    async def ask(self, feed: Feed) -> None:
        """Read one feed; what goes wrong is a sentence in `results`."""
        worked = self.results.get(feed.id, (None, None))[0]
        try:
            async with asyncio.timeout(limits.FEED_POLL_S):
                problems = await self._read(feed)
        except TimeoutError:
            sentence = f"It was not read within {limits.FEED_POLL_S} s. It is asked again."
            self.results[feed.id] = (worked, sentence)
            logger.warning("the feed %s: %s", feed.name, sentence)
        except (FetchError, MatrixError) as error:
            sentence = error.error if isinstance(error, MatrixError) else str(error)
            self.results[feed.id] = (worked, sentence)
            logger.warning("the feed %s: %s", feed.name, sentence)
        except Exception as error:
            # One feed must not end the reading of the others.
            logger.exception("the feed %s could not be read", feed.name)
            self.results[feed.id] = (worked, f"It could not be read: {type(error).__name__}.")
        else:
            self.results[feed.id] = (self._node.now_ms(), problems[0] if problems else None)

    async def _read(self, feed: Feed) -> list[str]:
        # Loaded with the first feed: most nodes have none.
        from bongsu.cap.read import documents

        raw = await self._fetcher.get(feed.url, limits.CAP_BYTES_MAX)
        found, urls = documents(raw, feed.url)
        problems = [await self.take(feed, document) for document in found]
        for url in urls:
            if self._node.stopping:
                break
            try:
                # Each as it comes: what hangs behind it must not keep it back.
                problems.append(await self.take(feed, await self._fetcher.get(url, limits.CAP_BYTES_MAX)))
            except FetchError as error:
                problems.append(f"{url[:200]}: {error}")
        return [each for each in problems if each is not None]

    async def take(self, feed: Feed, raw: bytes) -> str | None:
        """Record an alert, unless it is known; why nothing of it is believed."""
        from bongsu.cap.read import read_alert

        node = self._node
        try:
            said, proved = read_alert(raw, feed.certificate, node.now_ms())
        except MatrixError as error:
            return error.error
        if said["sender"] == node.config.server_name:
            return "An alert in the name of this service comes from no feed. Nothing of it was believed."
        if not self._is_known(said):
            stamp = next_stamp(node.now_ms())
            await node.write(tower_drafts.foreign_alert(feed.name, said, proved, stamp))
        return None

    def _is_known(self, said: dict[str, Any]) -> bool:
        row = self._node.context.db.one("SELECT 1 FROM foreign_alerts WHERE id=?", (said["id"],))
        return row is not None
