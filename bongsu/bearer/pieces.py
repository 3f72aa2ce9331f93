"""Long messages in pieces, so that a slow wire is not taken for a dead one while one is on its way. Pure."""

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, refuse

VERSION = 1
PIECE = 48
NUMBER_MAX = 2**53 - 1
_HEAD = bytes([VERSION, 0x18, PIECE])


def split(raw: bytes, number: int) -> list[bytes]:
    """A message as it is sent: whole where it is short, else in pieces that name it by `number`."""
    size = limits.PIECE_BYTES
    if len(raw) <= size:
        return [raw]
    starts = range(0, len(raw), size)
    return [
        dumps([VERSION, PIECE, number, at, int(at + size >= len(raw)), raw[at : at + size]], canonical=True)
        for at in starts
    ]


def is_piece(raw: bytes) -> bool:
    """Whether a message is a piece of one."""
    return raw[1:4] == _HEAD


class Pieces:
    """Puts a message together again. What a wire lost a piece of is lost whole, as any message may be."""

    def __init__(self) -> None:
        self._number = -1
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, raw: bytes) -> bytes | None:
        """The message, once this was its last piece.

        Raises:
            Unreadable: this is no piece, or the message would be longer than any.
        """
        reader = FrameReader(raw)
        reader.array(6, 6)
        reader.uint(VERSION, VERSION)
        reader.uint(PIECE, PIECE)
        number = reader.uint(NUMBER_MAX)
        at = reader.uint(limits.EXCHANGE_MESSAGE_BYTES_MAX)
        last = reader.flag()
        part = reader.octets(limits.PIECE_BYTES, 1)
        reader.end()
        if at == 0:
            self._number, self._parts, self._size = number, [], 0
        if number != self._number or at != self._size:
            self._forget()
            return None
        self._parts.append(part)
        self._size += len(part)
        if self._size > limits.EXCHANGE_MESSAGE_BYTES_MAX:
            self._forget()
            refuse("a message in pieces is too long")
        if not last:
            return None
        whole = b"".join(self._parts)
        self._forget()
        return whole

    def _forget(self) -> None:
        self._number, self._parts, self._size = -1, [], 0
