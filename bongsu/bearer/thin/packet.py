"""The frames of a thin link: data, acknowledgement, hello, proof, each with a keyed check. Pure."""

from dataclasses import dataclass
from hashlib import blake2s

HELLO, PROOF, DATA, ACK = 1, 2, 3, 4
KIND_BITS = 0x07
LAST = 0x08  # of data: the message ends with this fragment
POLL = 0x10  # say what you have; the payload then begins with the number of the poll
FINAL = 0x20  # the turn ends: the other may send
CHECK_BYTES = 4
SEQ_BYTES = 2
SEQ_MODULUS = 1 << 8 * SEQ_BYTES
POLL_MODULUS = 256
DATA_OVERHEAD_BYTES = 1 + SEQ_BYTES + 1 + CHECK_BYTES  # the number of a poll among it
# Of hellos, which come before there is a key: it tells noise from frames, and proves nothing.
OPEN_KEY = b"bongsu thin 1"


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame. `seq` is that of data, or the first that an acknowledgement's sender lacks.

    `poll`: the number of the poll, where its flags say that it is one. The payload of an answer begins with
    the number of the poll that it answers.
    """

    kind: int
    flags: int = 0
    seq: int = 0
    payload: bytes = b""
    poll: int = 0

    def encode(self, key: bytes) -> bytes:
        """The bytes on the air."""
        head = bytes((self.kind | self.flags,))
        if self.kind in (DATA, ACK):
            head += (self.seq % SEQ_MODULUS).to_bytes(SEQ_BYTES, "big")
            head += bytes((self.poll,)) if self.flags & POLL else b""
        return head + self.payload + _check(key, head + self.payload)


def kind_of(frame: bytes) -> int:
    """What a frame says it is; 0 for what is none."""
    return frame[0] & KIND_BITS if len(frame) > CHECK_BYTES else 0


def decode(frame: bytes, key: bytes) -> Packet | None:
    """Read a frame; None for noise, for what another station's key made, and for what was spoilt."""
    kind = kind_of(frame)
    rest, check = frame[:-CHECK_BYTES], frame[-CHECK_BYTES:]
    if kind not in (HELLO, PROOF, DATA, ACK) or _check(key, rest) != check:
        return None
    flags = rest[0] & ~KIND_BITS
    if kind in (HELLO, PROOF):
        return Packet(kind, flags, 0, rest[1:])
    begins = 1 + SEQ_BYTES + bool(flags & POLL)
    if len(rest) < begins + (kind == ACK):
        return None
    poll = rest[begins - 1] if flags & POLL else 0
    return Packet(kind, flags, int.from_bytes(rest[1 : 1 + SEQ_BYTES], "big"), rest[begins:], poll)


def _check(key: bytes, raw: bytes) -> bytes:
    return blake2s(raw, key=key, digest_size=CHECK_BYTES).digest()
