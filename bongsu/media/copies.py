"""Media at two sites: a peer keeps the bytes before an upload is acknowledged; what lacks is fetched."""

import asyncio
import logging
from collections.abc import AsyncIterator

from bongsu import limits
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.log.record import HASH_BYTES
from bongsu.media.files import MediaFiles
from bongsu.peers import Peers

logger = logging.getLogger(__name__)

KEEP, READ = "media_keep", "media_read"


class Copies:
    """What nodes do with each other's media. Bytes are named by their hash, so nobody need be trusted."""

    def __init__(self, files: MediaFiles, peers: Peers) -> None:
        self._files = files
        self._peers = peers
        self._fetching: dict[bytes, asyncio.Task[bool]] = {}
        self._lacking: asyncio.Queue[bytes] = asyncio.Queue(limits.MEDIA_LACKING_MAX)
        self._task: asyncio.Task[None] | None = None
        peers.calls.answers[KEEP] = self._keep
        peers.calls.answers[READ] = self._read

    @property
    def lacking(self) -> int:
        """How many files are known to be elsewhere and not here, as far as they are remembered."""
        return self._lacking.qsize()

    async def spread(self, media_hash: bytes, size: int) -> bool:
        """Have a peer at another site keep the bytes; False if none said so within the bound."""
        timeout_s = limits.CALL_S_MAX + size / limits.MEDIA_COPY_BYTES_PER_S_MIN
        asks = [
            asyncio.ensure_future(link.ask(KEEP, media_hash, timeout_s))
            for link in self._peers.of_other_sites()[:2]
        ]
        try:
            for answered in asyncio.as_completed(asks):
                if await answered is not None:
                    return True
        finally:
            for ask in asks:
                ask.cancel()
        return False

    async def fetch(self, media_hash: bytes) -> bool:
        """Get bytes that are not here from whoever has them; whether they are here now."""
        if self._files.path(media_hash).is_file():
            return True
        task = self._fetching.get(media_hash)
        if task is None:
            task = self._fetching[media_hash] = asyncio.ensure_future(self._fetch(media_hash))
            task.add_done_callback(lambda _: self._fetching.pop(media_hash, None))
        return await asyncio.shield(task)

    def lacks(self, media_hash: bytes) -> None:
        """Bytes that a record names: fetched when there is time, because any node serves any media."""
        if self._files.path(media_hash).is_file() or self._lacking.full():
            return  # what is passed over here is fetched when somebody asks for it
        self._lacking.put_nowait(media_hash)
        if self._task is None:
            self._task = asyncio.ensure_future(self._fetch_lacking())

    async def _fetch_lacking(self) -> None:
        while True:
            await self.fetch(await self._lacking.get())

    async def _fetch(self, media_hash: bytes) -> bool:
        for link in list(self._peers.links.values()):
            try:
                self._files.check_room(0)
                stored = await self._files.store(_chunks(link, media_hash))
            except (MatrixError, OSError) as error:
                logger.info("media could not be fetched: %s", error)
                continue
            if stored.hash == media_hash:
                return True
            # Another file than was asked for: it is named by its own hash, and nothing refers to it.
            self._files.path(stored.hash).unlink(missing_ok=True)
        return False

    async def _keep(self, link: Link, body: bytes) -> bytes | None:
        if len(body) != HASH_BYTES:
            return None
        return b"" if await self.fetch(body) else None

    async def _read(self, link: Link, body: bytes) -> bytes | None:
        """The bytes from an offset on: the hash, then the offset as eight bytes."""
        if len(body) != HASH_BYTES + 8:
            return None
        path = self._files.path(body[:HASH_BYTES])
        offset = int.from_bytes(body[HASH_BYTES:], "big")
        return await asyncio.to_thread(_piece, str(path), offset)


def _piece(path: str, offset: int) -> bytes | None:
    try:
        with open(path, "rb") as file:
            file.seek(min(offset, 2**62))
            return file.read(limits.MEDIA_PIECE_BYTES)
    except OSError:
        return None


async def _chunks(link: Link, media_hash: bytes) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        piece = await link.ask(READ, media_hash + offset.to_bytes(8, "big"))
        if piece is None:
            raise MatrixError(504, "M_NOT_YET_UPLOADED", "The peer does not have it.")
        if not piece:
            return
        offset += len(piece)
        yield piece
