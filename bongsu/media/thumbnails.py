"""Thumbnails: made once by a child process, kept on disk. Spec: Client-Server API § Thumbnails."""

import asyncio
import sys
from pathlib import Path

from bongsu import limits
from bongsu.errors import MatrixError, too_large
from bongsu.media import shrink
from bongsu.media.files import MediaFiles

# What is made: an asked-for size gets the next of these, so that nobody can fill the disk with sizes.
SIZES = ((32, 32), (96, 96), (320, 240), (640, 480), (800, 600))
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


class Thumbnails:
    """Makes thumbnails, at most two at once; a second request for the same one waits for the first."""

    def __init__(self, files: MediaFiles) -> None:
        self._files = files
        self._at_once = asyncio.Semaphore(limits.THUMBNAILS_AT_ONCE_MAX)
        self._making: dict[Path, asyncio.Task[None]] = {}

    async def get(self, media_hash: bytes, width: int, height: int, method: str) -> tuple[Path, str]:
        """The file of a thumbnail and its content type.

        Raises:
            MatrixError: 400 M_UNKNOWN if it is no picture, 413 M_TOO_LARGE if it costs too much to decode,
                429 M_LIMIT_EXCEEDED if too many wait.
        """
        size = fitting(width, height)
        name = f"{media_hash.hex()}-{size[0]}x{size[1]}-{method}"
        target = self._files.thumbnails / name[:2] / name
        if not target.is_file():
            making = self._making.get(target)
            if making is None:
                if len(self._making) >= limits.THUMBNAILS_QUEUED_MAX:
                    raise MatrixError(
                        429, "M_LIMIT_EXCEEDED", "Too many thumbnails are being made. Try again in a moment."
                    )
                making = asyncio.ensure_future(self._make(media_hash, target, size, method))
                self._making[target] = making
                making.add_done_callback(lambda _: self._making.pop(target, None))
            await asyncio.shield(making)
        return target, _content_type(target)

    async def _make(self, media_hash: bytes, target: Path, size: tuple[int, int], method: str) -> None:
        aside = self._files.aside()
        try:
            async with self._at_once:
                status = await _run(
                    str(self._files.path(media_hash)), str(aside), str(size[0]), str(size[1]), method
                )
            if status == shrink.NO_PICTURE:
                raise MatrixError(400, "M_UNKNOWN", "This is not a picture that a thumbnail can be made of.")
            if status != shrink.DONE:
                raise too_large("This picture is too large to make a thumbnail of. Download it instead.")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


def fitting(width: int, height: int) -> tuple[int, int]:
    """The smallest size made that is no smaller than the one asked for; the largest if none is."""
    return next((size for size in SIZES if size[0] >= width and size[1] >= height), SIZES[-1])


async def _run(*arguments: str) -> int | None:
    """The child's exit status; None if it had to be killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", shrink.__name__, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(limits.THUMBNAIL_S_MAX):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _content_type(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    return next(kind for signature, kind in _SIGNATURES if start.startswith(signature))
