"""Locks in NATS's replicated key-value store. What is lost there is made again from the records. DESIGN 6."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from bongsu import limits

logger = logging.getLogger(__name__)


class NatsLocks:
    """One bucket a service, on as many servers as there are, three at most.

    `known` tells what the records have claimed, as (key, holder): an empty bucket is filled from it.
    """

    def __init__(
        self, client: Client, service: str, servers: int, known: Callable[[], Iterable[tuple[str, bytes]]]
    ) -> None:
        self._client = client
        self._bucket = f"bongsu-{sha256(service.encode()).hexdigest()[:16]}"
        # Two of two would lose every lock with either of them.
        self._replicas = 3 if servers >= 3 else 1
        self._known = known
        self._opening: asyncio.Task[KeyValue] | None = None

    async def create(self, key: str, holder: bytes) -> bytes | None:
        """The holder of the lock now: `holder`, or whoever had it before. None: it cannot be reached."""
        if not self._client.is_connected:
            return None
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        try:
            # Whoever cannot wait for the bucket leaves it to be opened for the next.
            return await _create(await asyncio.shield(self._opening), key, holder)
        except (NatsError, TimeoutError) as error:
            self._opening = None
            logger.info("the locks cannot be reached: %s", error or type(error).__name__)
            return None

    async def _open(self) -> KeyValue:
        stream = self._client.jetstream()
        config = KeyValueConfig(
            bucket=self._bucket, replicas=self._replicas, storage=StorageType.FILE, history=1
        )
        # Made by whoever comes first; the others find it as it is.
        store = await stream.create_key_value(config)
        if (await store.status()).values == 0:
            known = list(self._known())
            # Whoever wants a name meanwhile waits: one by one, ten thousand names take longer than they may.
            for at in range(0, len(known), limits.NAMES_LOCKED_AT_ONCE):
                some = known[at : at + limits.NAMES_LOCKED_AT_ONCE]
                await asyncio.gather(*(_create(store, key, holder) for key, holder in some))
        return store


async def _create(store: KeyValue, key: str, holder: bytes) -> bytes | None:
    try:
        await store.create(key, holder)
    except KeyWrongLastSequenceError:
        with suppress(KeyNotFoundError):
            return (await store.get(key)).value
        return None
    return holder
