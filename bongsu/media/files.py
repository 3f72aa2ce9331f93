"""Media bytes on disk, named by their SHA-256: written aside, fsynced, renamed; the same bytes once."""

import asyncio
import errno
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from io import BufferedWriter
from pathlib import Path

from bongsu import limits
from bongsu.errors import MatrixError
from bongsu.files import sync_folder
from bongsu.log.files import free_bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that are safe on disk."""

    hash: bytes
    bytes: int


class MediaFiles:
    """data/media: `ab/cd…` for bytes, `thumbnails` made of them, `aside` for what is not whole yet."""

    def __init__(self, data: Path, free_bytes_min: int, admin_contact: str) -> None:
        self.root = data / "media"
        self.thumbnails = self.root / "thumbnails"
        self._aside = self.root / "aside"
        self._free_bytes_min = free_bytes_min
        self._admin_contact = admin_contact
        # What an earlier process left there was never acknowledged.
        shutil.rmtree(self._aside, ignore_errors=True)

    def path(self, media_hash: bytes) -> Path:
        """Where the bytes of a hash are, or would be."""
        name = media_hash.hex()
        return self.root / name[:2] / name[2:]

    def aside(self) -> Path:
        """A new name for a file that is not whole yet."""
        self._aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._aside / secrets.token_hex(16)

    def check_room(self, bytes_more: int) -> None:
        """Refuse before anything is read when the disk is nearly full.

        Raises:
            MatrixError: 403 M_RESOURCE_LIMIT_EXCEEDED.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if free_bytes(self.root) - bytes_more < self._free_bytes_min:
            raise self._full()

    async def store(self, chunks: AsyncIterator[bytes]) -> Stored:
        """Write a stream of bytes; when this returns they are on disk under their hash.

        Raises:
            MatrixError: what the stream raises, or 403 M_RESOURCE_LIMIT_EXCEEDED; nothing is left behind.
        """
        aside = self.aside()
        digest = sha256()
        size = 0
        try:
            with aside.open("xb") as file:
                async for block in _blocks(chunks):
                    size += len(block)
                    digest.update(block)
                    await asyncio.to_thread(file.write, block)
                return await asyncio.to_thread(self._keep, file, aside, digest.digest(), size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full() from error
            raise
        finally:
            aside.unlink(missing_ok=True)

    def _keep(self, file: BufferedWriter, aside: Path, media_hash: bytes, size: int) -> Stored:
        file.flush()
        os.fsync(file.fileno())
        path = self.path(media_hash)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        # Also when the file is there: it may be damaged, and the new one is known to be whole.
        aside.replace(path)
        for folder in (path.parent, self.root):
            sync_folder(folder)
        return Stored(media_hash, size)

    def remove(self, media_hash: bytes) -> None:
        """Remove the bytes of a hash and the thumbnails of them."""
        self.path(media_hash).unlink(missing_ok=True)
        for path in self.thumbnails.glob(f"*/{media_hash.hex()}-*"):
            path.unlink(missing_ok=True)

    def sweep(self, kept: set[bytes], before_s: float) -> int:
        """Remove bytes, and thumbnails of them, whose hash is not among `kept`; how many files of bytes.

        What was changed since `before_s` (seconds since 1970) stays.
        """
        names = {each.hex() for each in kept}
        removed = 0
        for path in self.root.glob("[0-9a-f][0-9a-f]/*"):
            if path.parent.name + path.name not in names and path.stat().st_mtime < before_s:
                path.unlink()
                removed += 1
        for path in self.thumbnails.glob("*/*"):
            if path.name.partition("-")[0] not in names:
                path.unlink()
        return removed

    def _full(self) -> MatrixError:
        return MatrixError(
            403,
            "M_RESOURCE_LIMIT_EXCEEDED",
            "The server's disk is full: it can be read, but takes nothing new. Tell its administrator.",
            admin_contact=self._admin_contact,
        )

    def problem(self, media_hash: bytes, size: int) -> str | None:
        """A sentence if the bytes of a hash are missing or damaged."""
        path = self.path(media_hash)
        if not path.is_file():
            return f"The media file {path.name} is missing."
        with path.open("rb") as file:
            found = file_digest(file, "sha256").digest()
        if found != media_hash or path.stat().st_size != size:
            return f"The media file {path.name} is damaged."
        return None


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces large enough to be worth a thread's while."""
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= limits.UPLOAD_BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
