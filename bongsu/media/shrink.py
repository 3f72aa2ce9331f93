"""The child process that makes one thumbnail: hostile pictures are decoded here, under limits.

Run as `python -m bongsu.media.shrink SOURCE TARGET WIDTH HEIGHT METHOD`; the exit status says how it went.
"""

import resource
import sys
from typing import TYPE_CHECKING

from bongsu import limits

if TYPE_CHECKING:
    from PIL.Image import Image

DONE = 0
NO_PICTURE = 3
TOO_LARGE = 4
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def main(arguments: list[str]) -> int:
    """Make the thumbnail; the exit status."""
    _limit()
    source, target, width, height, method = arguments
    # Decoders are imported under the limits, in this process alone.
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the bound below is ours, and refuses rather than warns
    try:
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > limits.THUMBNAIL_PIXELS_MAX:
                return TOO_LARGE
            _shrink(image, (int(width), int(height)), method).save(target, _format(image))
    except MemoryError:
        return TOO_LARGE
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        return NO_PICTURE
    return DONE


def _limit() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, limits.THUMBNAIL_MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, limits.THUMBNAIL_CPU_S_MAX),
        (resource.RLIMIT_FSIZE, limits.THUMBNAIL_FILE_BYTES_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(limit, (value, value))


def _format(image: "Image") -> str:
    """What keeps the picture's kind: photographs stay JPEG, what may be see-through becomes PNG."""
    return "JPEG" if image.format == "JPEG" else "PNG"


def _shrink(image: "Image", size: tuple[int, int], method: str) -> "Image":
    from PIL import ImageOps

    image.draft("RGB", (2 * size[0], 2 * size[1]))  # a JPEG is decoded no larger than needed
    image.seek(0)
    picture = ImageOps.exif_transpose(image)
    picture = picture.convert("RGB" if image.format == "JPEG" else "RGBA")
    if method == "crop":
        # Never larger than the picture: the cut has the asked-for shape, in what pixels there are.
        share = min(1.0, picture.width / size[0], picture.height / size[1])
        return ImageOps.fit(picture, (max(1, int(size[0] * share)), max(1, int(size[1] * share))))
    picture.thumbnail(size)
    return picture


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
