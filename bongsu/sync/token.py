"""Sync tokens: a version vector, with this node's own position as a shortcut (DESIGN 5.4).

Pure. Any node may answer any token; only the shortcut belongs to the node that wrote it.
"""

import struct
from collections.abc import Collection
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
LATE_MAX = 7
LATE_BYTES_MAX = 3_000
LATE_SCOPES_MAX = 64
LATE_SCOPE_BYTES = 8
# Longer tokens are read anew each time, so that what is remembered stays small.
_SHORT_CHARACTERS_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Late:
    """Of these scopes the client was shown only what `vector` covers (docs/decisions/backlogs.md).

    `scopes`: the first bytes of their names; none: of all. There are no more than fit.
    """

    vector: Vector
    scopes: frozenset[bytes]

    @classmethod
    def of(cls, vector: Vector, scopes: Collection[bytes]) -> "Late":
        """Of more scopes than fit it says so of all: a client may then be told twice, and misses none."""
        few = len(scopes) <= LATE_SCOPES_MAX
        return cls(vector, frozenset(each[:LATE_SCOPE_BYTES] for each in scopes if few))

    def encode(self) -> bytes:
        """Length and vector, count and scopes."""
        raw = self.vector.encode()
        return len(raw).to_bytes(2, "big") + raw + bytes([len(self.scopes)]) + b"".join(sorted(self.scopes))


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
    late: tuple[Late, ...] = ()

    def encode(self) -> str:
        """The token as clients carry it."""
        if self.late:
            assert len(self.late) <= LATE_MAX, "others could not read it"
            rest = bytes([len(self.given)]) + self.given + _HEAD.pack(self.start, self.position, self.live)
            late = bytes([len(self.late)]) + b"".join(each.encode() for each in self.late)
            return "l" + unpadded_urlsafe_base64(late + rest + self.vector.encode())
        raw = _HEAD.pack(self.start, self.position, self.live) + self.vector.encode()
        if not self.given:
            return "s" + unpadded_urlsafe_base64(raw)
        return "d" + unpadded_urlsafe_base64(bytes([len(self.given)]) + self.given + raw)


@lru_cache(16)  # asked of every token that comes
def but_waiting(start: bytes) -> bytes:
    """The name of a start in a token whose position says all but what waited there for others.

    Other nodes, other starts and other releases know no start of this name, and read the vector.
    """
    return bytes(each ^ 0xFF for each in start)


def decode(text: str) -> Token:
    """Read a token. Members of a room who are told at once come back with the same one.

    Raises:
        MatrixError: 400 M_INVALID_PARAM for anything this release or another did not write.
    """
    return (_decode_short if len(text) <= _SHORT_CHARACTERS_MAX else _decode)(text)


def _decode(text: str) -> Token:
    sentence = "The `since` token was not made by this service. Start again without it."
    if text[:1] not in ("s", "d", "l") or len(text) > limits.SYNC_TOKEN_CHARACTERS_MAX:
        raise invalid_param(sentence)
    given, late = b"", list[Late]()
    try:
        raw = decode_urlsafe_base64(text[1:])
        if text[0] == "l":
            late, raw = _decode_late(raw)
        if text[0] != "s":
            count = raw[0] if raw else 0
            given, raw = raw[1 : 1 + count], raw[1 + count :]
        start, position, live = _HEAD.unpack_from(raw)
        vector = Vector.decode(raw[_HEAD.size :])
    except (ValueError, struct.error, MatrixError):
        raise invalid_param(sentence) from None
    fits = len(given) % GIVEN_ID_BYTES == 0 and (text[0] == "d") == (bool(given) and not late)
    if max(position, live) >= 2**62 or len(given) > GIVEN_BYTES_MAX or not fits:
        raise invalid_param(sentence)
    return Token(start, position, live, vector, given, tuple(late))


def _decode_late(raw: bytes) -> tuple[list[Late], bytes]:
    """What is late, and what follows it in the token.

    Raises:
        ValueError, MatrixError: it is not what `encode` makes.
    """
    found: list[Late] = []
    count, raw = raw[0] if raw else 0, raw[1:]
    if not 0 < count <= LATE_MAX:
        raise ValueError("a token of this form says what is late")
    for _ in range(count):
        at = 2 + int.from_bytes(raw[:2], "big")
        vector = Vector.decode(raw[2:at])
        scopes = raw[at] if at < len(raw) else LATE_SCOPES_MAX + 1
        end = at + 1 + scopes * LATE_SCOPE_BYTES
        if scopes > LATE_SCOPES_MAX or end > len(raw):
            raise ValueError("the scopes do not fit")
        names = [raw[each : each + LATE_SCOPE_BYTES] for each in range(at + 1, end, LATE_SCOPE_BYTES)]
        found.append(Late(vector, frozenset(names)))
        raw = raw[end:]
    return found, raw


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
