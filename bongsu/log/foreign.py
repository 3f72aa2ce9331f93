"""Records of other nodes' logs: checked against what is held before anything is stored. DESIGN 5.1. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bongsu import limits
from bongsu.errors import MatrixError
from bongsu.log.epoch import Fork, Held, Opening, fork_in
from bongsu.log.key import verify
from bongsu.log.record import (
    HASH_BYTES,
    SCOPE_BYTES,
    BodyState,
    ForeignRecord,
    Kind,
    LogName,
    Record,
    body_hash,
    chain,
    genesis,
    node_id,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Stored. `forks`: ends that the node named otherwise than its own records say."""

    records: tuple[Record, ...]
    forks: tuple[Fork, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Not stored: records from `next_seq` on have to come first."""

    next_seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Not stored: what came is not what that node wrote. The sentence says why."""

    reason: str


Foreign = Taken | Gap | Fork | Refused


@dataclass(frozen=True, slots=True)
class Checked:
    """Records that may be stored, those held already left out, and the hashes of their headers."""

    records: tuple[ForeignRecord, ...]
    hashes: tuple[bytes, ...]


def check(
    log: LogName,
    held: Held,
    known: Mapping[int, bytes],
    public_key: bytes,
    records: Sequence[ForeignRecord],
    signature: bytes,
) -> Checked | Gap | Fork | Refused:
    """Judge consecutive records of one log.

    Args:
        known: stored header hashes from the seq before the first record on, as far as there are any.
        signature: the author's, over the hash of the last header.
    """
    if len(public_key) != 32 or node_id(public_key) != log.node:
        return Refused("The log is not of the node that this key belongs to.")
    if not records or len(records) > limits.FOREIGN_RECORDS_MAX:
        return Refused("There must be at least one record, and not too many.")
    first = records[0].header.seq
    for offset, record in enumerate(records):
        reason = _malformed(record)
        if reason is None and record.header.seq != first + offset:
            reason = "the records do not follow one another"
        if reason is not None:
            return Refused(f"Record {first + offset} is refused: {reason}.")
    prev = genesis(log) if first == 1 else held.hash if first == held.seq + 1 else known.get(first - 1)
    if prev is None:
        return Gap(held.seq + 1)
    hashes = chain(prev, (record.header for record in records))
    if not verify(public_key, hashes[-1:], signature):
        return Refused("The signature does not fit the records behind what is held.")
    offered = enumerate(hashes, first)
    fork = fork_in(log, {**known, held.seq: held.hash}, offered)
    if fork is not None:
        return fork
    new = max(0, held.seq + 1 - first)
    return Checked(tuple(records[new:]), tuple(hashes[new:]))


def _malformed(record: ForeignRecord) -> str | None:
    header, body, state = record.header, record.body, record.state
    if not (0 < header.seq <= limits.SEQ_MAX and 0 <= header.scope_link < header.seq):
        return "its numbers are out of range"
    if not (0 <= header.stamp <= limits.SEQ_MAX and 0 <= header.kind <= limits.ORDINAL_MAX):
        return "its stamp or kind is out of range"
    if len(header.scope) != SCOPE_BYTES or len(header.body_hash) != HASH_BYTES:
        return "its hashes have the wrong length"
    if body is not None and len(body) > limits.RECORD_BODY_BYTES_MAX:
        return "its body is too large"
    if state == BodyState.FULL and (body is None or body_hash(body) != header.body_hash):
        return "its body does not match its header"
    if state == BodyState.WITHHELD and body is not None:
        return "its body is withheld and there"
    return _wrong_opening(record)


def _wrong_opening(record: ForeignRecord) -> str | None:
    if (record.header.kind == Kind.EPOCH) != (record.header.seq == 1):
        return "the first record, and no other, opens a log"
    if record.header.seq == 1:
        if record.state != BodyState.FULL or record.body is None:
            return "an opening record is never hollow"
        try:
            Opening.decode(record.body)
        except MatrixError:
            return "its opening cannot be read"
    return None
