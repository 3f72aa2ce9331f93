"""Sync tokens: a version vector, with this node's own position as a shortcut (DESIGN 5.4).

Pure. Any node may answer any token; only the shortcut belongs to the node that wrote it.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from bongsu import limits
from bongsu.canonical import decode_urlsafe_base64, unpadded_urlsafe_base64
from bongsu.errors import MatrixError, invalid_param
from bongsu.log.vector import Vector

_HEAD = struct.Struct(">8sQQ")
NO_START = bytes(8)
GIVEN_ID_BYTES = 4
GIVEN_BYTES_MAX = 64
# Longer tokens are read anew each time, so that what is remembered stays small.
_SHORT_CHARACTERS_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Token:
    """What a client has seen.

    `start` names a start of the node that wrote the token (zeros: no shortcut), `position` a prefix of
    that node's order of arrival, `live` its count of typing and presence changes; `vector` says the
    same to every other node.
    """

    start: bytes
    position: int
    live: int
    vector: Vector
    # The latest messages that the device was given, by the first bytes of their identities: another site may
    # hold one in another record, and not yet that in which the device got it.
    given: bytes = b""

    def encode(self) -> str:
        """The token as clients carry it."""
        raw = _HEAD.pack(self.start, self.position, self.live) + self.vector.encode()
        if not self.given:
            return "s" + unpadded_urlsafe_base64(raw)
        return "d" + unpadded_urlsafe_base64(bytes([len(self.given)]) + self.given + raw)


def decode(text: str) -> Token:
    """Read a token. Members of a room who are told at once come back with the same one.

    Raises:
        MatrixError: 400 M_INVALID_PARAM for anything this release or another did not write.
    """
    return (_decode_short if len(text) <= _SHORT_CHARACTERS_MAX else _decode)(text)


def _decode(text: str) -> Token:
    sentence = "The `since` token was not made by this service. Start again without it."
    if text[:1] not in ("s", "d") or len(text) > limits.SYNC_TOKEN_CHARACTERS_MAX:
        raise invalid_param(sentence)
    given = b""
    try:
        raw = decode_urlsafe_base64(text[1:])
        if text[0] == "d":
            count = raw[0] if raw else 0
            given, raw = raw[1 : 1 + count], raw[1 + count :]
        start, position, live = _HEAD.unpack_from(raw)
        vector = Vector.decode(raw[_HEAD.size :])
    except (ValueError, struct.error, MatrixError):
        raise invalid_param(sentence) from None
    fits = len(given) % GIVEN_ID_BYTES == 0 and (text[0] == "s") == (not given)
    if max(position, live) >= 2**62 or len(given) > GIVEN_BYTES_MAX or not fits:
        raise invalid_param(sentence)
    return Token(start, position, live, vector, given)


_decode_short = lru_cache(maxsize=512)(_decode)


class Since(msgspec.Struct, frozen=True):
    """A token as this node reads it: everything up to `position` is seen, but for `unseen` above it.

    `unseen` None: all positions above `position` are unseen (the shortcut held).
    """

    position: int
    live: int
    unseen: frozenset[int] | None = None
    given: bytes = b""

    def covers(self, position: int) -> bool:
        """Whether the client has seen the record at `position`."""
        if position <= self.position:
            return True
        return self.unseen is not None and position not in self.unseen


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a room's history, for /messages: before the event of this (stamp, event id)."""

    stamp: int
    event_id: str

    def encode(self) -> str:
        """The token as clients carry it."""
        return f"t{self.stamp}_{self.event_id}"


def decode_place(text: str) -> Place | None:
    """Read a pagination token; None if it is not one (it may be a sync token)."""
    head, separator, event_id = text.partition("_")
    if not text.startswith("t") or not separator or not head[1:].isascii() or not head[1:].isdigit():
        return None
    if len(head) > 20 or len(event_id) > limits.ID_BYTES_MAX:
        return None
    return Place(int(head[1:]), event_id)
