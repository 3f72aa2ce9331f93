"""What handlers do with media: give out ids, take bytes, and wait for bytes that somebody promised."""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from bongsu import drafts, limits
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, forbidden, not_found
from bongsu.media.copies import Copies
from bongsu.media.files import MediaFiles
from bongsu.media.thumbnails import Thumbnails
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.speakers import HUB_SEPARATOR
from bongsu.view.cache import Cache
from bongsu.view.changes import Changes
from bongsu.view.media import Media, bytes_of, is_named, is_quarantined, media, media_ids, promised, stored

_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(?: ?;[ -~]{0,100})?")


class Library:
    """The media of a service."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        config = node.config
        self.files = MediaFiles(config.data, config.free_bytes_min, config.admin_contact or "")
        self.copies = Copies(self.files, peers)
        self.thumbnails = Thumbnails(self.files)
        self._uploads: Counter[str] = Counter()
        # Bytes of uploads under way, by user and media id; bytes of files that have their record.
        self._coming: dict[str, dict[str, int]] = {}
        self._bytes_held: Cache[str, int] = Cache(1_000)
        self._filling: set[str] = set()
        self._arrivals: dict[str, asyncio.Event] = {}
        node.listeners.append(self._changed)

    def _new_id(self) -> str:
        """An id nobody has. A hub's names its site, so that no other hub can give it other bytes."""
        site = f"{self._node.config.site}{HUB_SEPARATOR}" if self._node.config.role == "hub" else ""
        return f"{site}{secrets.token_urlsafe(18)}"

    async def promise(self, user_id: str) -> tuple[str, int]:
        """Give out an id without bytes; the id, and when it ends if it stays so.

        Raises:
            MatrixError: 429 M_LIMIT_EXCEEDED, the user holds too many.
        """
        now = self._node.now_ms()
        if promised(self._node.context, user_id, now - limits.MEDIA_PROMISED_MS) >= limits.MEDIA_PROMISED_MAX:
            raise MatrixError(
                429, "M_LIMIT_EXCEEDED", "Too many of your uploads have not come yet. Finish one first."
            )
        media_id = self._new_id()
        await self._node.write(
            drafts.media(media_id, user_id, None, 0, "application/octet-stream", None, now, next_stamp(now))
        )
        return media_id, now + limits.MEDIA_PROMISED_MS

    async def upload(
        self, user_id: str, chunks: AsyncIterator[bytes], content_type: str | None, file_name: str | None
    ) -> str:
        """Take bytes under a new id."""
        media_id = self._new_id()
        await self._store(media_id, user_id, chunks, content_type, file_name)
        return media_id

    async def fill(
        self,
        media_id: str,
        user_id: str,
        chunks: AsyncIterator[bytes],
        content_type: str | None,
        file_name: str | None,
    ) -> None:
        """Take the bytes of an id that was given out.

        Raises:
            MatrixError: 404 M_NOT_FOUND, 403 M_FORBIDDEN or 409 M_CANNOT_OVERWRITE_MEDIA.
        """
        found = media(self._node.context, media_id)
        if found is None or self.expired(found):
            raise not_found("This media id was not given out, or too long ago. Create another.")
        if found.user_id != user_id:
            raise forbidden("This media id was given out to somebody else. Create your own.")
        if found.hash is not None or media_id in self._filling:
            raise MatrixError(409, "M_CANNOT_OVERWRITE_MEDIA", "This media id has its content already.")
        self._filling.add(media_id)
        try:
            await self._store(media_id, user_id, chunks, content_type, file_name)
        finally:
            self._filling.discard(media_id)

    async def find(self, media_id: str, wait_s: float) -> Media:
        """The media id with its bytes here, waited for if they are promised.

        Raises:
            MatrixError: 404 M_NOT_FOUND; 504 M_NOT_YET_UPLOADED.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            found = media(self._node.context, media_id)
            if found is None or self.expired(found):
                raise not_found("There is no such file here.")
            if is_quarantined(self._node.context, found):
                raise not_found("An administrator holds this file back.")
            if found.hash is not None and await self.copies.fetch(found.hash):
                return found
            left_s = deadline - loop.time()
            if left_s <= 0 or self._node.stopping:
                raise MatrixError(504, "M_NOT_YET_UPLOADED", "The file has not been uploaded yet. Try later.")
            arrival = self._arrivals.setdefault(media_id, asyncio.Event())
            try:
                async with asyncio.timeout(left_s):
                    await arrival.wait()
            except TimeoutError:
                continue

    async def remove(self, media_id: str) -> None:
        """For ever, at every site; bytes that another id stands for stay."""
        await self._node.write(drafts.media_end(media_id, next_stamp(self._node.now_ms())))

    def expired(self, found: Media) -> bool:
        """Whether an id was given out and never used in time."""
        age_ms = self._node.now_ms() - found.created_ts
        return found.hash is None and age_ms > limits.MEDIA_PROMISED_MS

    async def _store(
        self,
        media_id: str,
        user_id: str,
        chunks: AsyncIterator[bytes],
        content_type: str | None,
        file_name: str | None,
    ) -> None:
        with self._one_more(media_id, user_id):
            self.files.check_room(0)
            kept = await self.files.store(self._counted(media_id, user_id, chunks))
            # Like a record: at two sites before it is acknowledged, or at one if no other answers in time.
            await self.copies.spread(kept.hash, kept.bytes)
            now = self._node.now_ms()
            kind = content_type if content_type and _CONTENT_TYPE.fullmatch(content_type) else ""
            await self._node.write(
                drafts.media(
                    media_id,
                    user_id,
                    kept.hash,
                    kept.bytes,
                    kind or "application/octet-stream",
                    None if file_name is None else file_name[: limits.MEDIA_NAME_CHARACTERS_MAX],
                    now,
                    next_stamp(now),
                )
            )

    async def _counted(
        self, media_id: str, user_id: str, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """The same chunks, refused once the user's files would take more than they may.

        Raises:
            MatrixError: 403 M_FORBIDDEN.
        """
        most = self._node.config.media_bytes_per_user_max
        coming = self._coming.setdefault(user_id, {})
        coming[media_id] = 0
        async for chunk in chunks:
            coming[media_id] += len(chunk)
            if most and self._held(user_id) + sum(coming.values()) > most:
                raise forbidden(
                    f"Your files may take {most} bytes together, and with this one would take more."
                )
            yield chunk

    def _held(self, user_id: str) -> int:
        held = self._bytes_held.get(user_id)
        if held is None:
            held = bytes_of(self._node.context, user_id)
            self._bytes_held.put(user_id, held)
        return held

    def sweep(self) -> int:
        """Remove files that no media id stands for and that are older than a day; how many there were.

        Only before anybody is served: an upload writes its file before its record. Where there are other
        sites nothing is removed: a copy made for one of them may be ahead of its record. Nor where a damaged
        log was set aside, whose records may name it.
        """
        config = self._node.config
        if config.has_several_sites or any(config.data.glob("log.db.damaged-*")):
            return 0
        before_s = self._node.now_ms() / 1000 - limits.MEDIA_ORPHAN_S
        return self.files.sweep({media_hash for media_hash, _ in stored(self._node.context)}, before_s)

    @contextmanager
    def _one_more(self, media_id: str, user_id: str) -> Iterator[None]:
        if self._uploads[user_id] >= limits.UPLOADS_AT_ONCE_MAX:
            raise MatrixError(
                429, "M_LIMIT_EXCEEDED", "Too many of your uploads are under way. Wait for one to end."
            )
        self._uploads[user_id] += 1
        try:
            yield
        finally:
            self._uploads[user_id] -= 1
            self._coming.get(user_id, {}).pop(media_id, None)
            if not self._uploads[user_id]:
                del self._uploads[user_id]
                self._coming.pop(user_id, None)

    def _changed(self, changes: Changes) -> None:
        if changes.media:
            self._bytes_held.clear()
        for media_id in changes.media:
            arrival = self._arrivals.pop(media_id, None)
            if arrival is not None:
                arrival.set()
            if self._node.config.role != "hub":
                self._lacks(media_id)
        if self._node.config.role == "hub":
            # Not all that members of its rooms have anywhere: what is shown in the rooms it keeps.
            for row in changes.events:
                event = self._node.context.events.body(row.event_id)
                for media_id in media_ids(event.content, self._node.config.server_name):
                    self._lacks(media_id)
        for media_hash in changes.media_gone:
            # An upload of the same bytes writes its file before its record: then the next start sweeps.
            if not self._uploads and not is_named(self._node.context, media_hash):
                self.files.remove(media_hash)

    def _lacks(self, media_id: str) -> None:
        found = media(self._node.context, media_id)
        if found is not None and found.hash is not None:
            self.copies.lacks(found.hash)
