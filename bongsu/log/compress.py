"""Bodies at rest: raw, or deflated against a dictionary that ships with the program and never changes."""

import zlib

from bongsu import limits
from bongsu.log.dictionary import DICTIONARY_1

RAW = 0
DEFLATE_1 = 1
COMPRESS_BYTES_MIN = 64
# Small windows: setting up zlib's default one costs 50 us, eight times the work itself.
WINDOW_BITS = -13
MEMORY_LEVEL = 7
LEVEL = 6


def pack(body: bytes) -> tuple[int, bytes]:
    """The smaller of the body and its compressed form, with the number of the encoding."""
    if len(body) < COMPRESS_BYTES_MIN:
        return RAW, body
    packer = zlib.compressobj(
        LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, DICTIONARY_1
    )
    packed = packer.compress(body) + packer.flush()
    return (DEFLATE_1, packed) if len(packed) < len(body) else (RAW, body)


def unpack(encoding: int, packed: bytes) -> bytes:
    """The body.

    Raises:
        ValueError: these bytes are not what `pack` made.
    """
    if encoding == RAW:
        return packed
    if encoding != DEFLATE_1:
        raise ValueError(f"a body has the unknown encoding {encoding}")
    unpacker = zlib.decompressobj(WINDOW_BITS, zdict=DICTIONARY_1)
    try:
        body = unpacker.decompress(packed, limits.RECORD_BODY_BYTES_MAX)
    except zlib.error as error:
        raise ValueError(f"a body cannot be unpacked ({error})") from error
    if not unpacker.eof:
        raise ValueError("a body ends early or is longer than any that is written")
    return body
