"""A node's word of what it has on disk of another's logs: up to which seq, and which record that is. Pure.

A seq alone is no promise: a node that forked gives numbers out twice, and bits of a message may flip."""

from collections.abc import Iterable, Iterator
from struct import Struct

from bongsu import limits
from bongsu.log.epoch import Held
from bongsu.log.record import HASH_BYTES, Lane, LogName

HELD = "own_held"  # the topic of the news
_PART = Struct(f">QBQ{HASH_BYTES}s")
_LANES = {int(lane): lane for lane in Lane}


def encode(states: Iterable[Held]) -> bytes:
    """The ends of logs of the node that is told: epoch, lane, seq, hash of each."""
    parts = [_PART.pack(each.log.epoch, int(each.log.lane), each.seq, each.hash) for each in states]
    return b"".join(parts[-limits.FORKS_LOGS_MAX :])


def decode(node: bytes, raw: bytes) -> Iterator[tuple[LogName, int, bytes]]:
    """What a peer has of the logs of `node`; nothing if this is something else."""
    if len(raw) % _PART.size or len(raw) > limits.FORKS_LOGS_MAX * _PART.size:
        return
    for epoch, lane, seq, digest in _PART.iter_unpack(raw):
        if lane in _LANES and 0 < seq <= limits.SEQ_MAX:
            yield LogName(node, epoch, _LANES[lane]), seq, digest
