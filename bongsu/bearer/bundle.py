"""A bundle: consecutive records of one log, signed by the log's owner, in any hands. DESIGN 5.1, 7. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, refuse
from bongsu.log.record import (
    HASH_BYTES,
    SCOPE_BYTES,
    BodyState,
    ForeignRecord,
    Header,
    Lane,
    LogName,
    body_hash,
    node_id,
)

VERSION = 1
KEY_BYTES = 32
SIGNATURE_BYTES = 64
# A sealed body is for hubs that relay what they cannot read; no node of this version makes one.
CARRIED = frozenset((BodyState.FULL, BodyState.HOLLOW, BodyState.WITHHELD))
# Looked up: making an enumeration's member of its number is dear, and every record has one.
_STATES = {int(state): state for state in BodyState}
_STATE_MAX = max(_STATES)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Records with consecutive seqs. `signature`: the owner's, over the hash of the last header.

    Headers travel without `prev`, and full bodies without their hash: who holds the record before the first
    computes both, and the signature then proves all of it. A bundle by itself proves nothing.
    """

    public_key: bytes
    epoch: int
    lane: Lane
    records: tuple[ForeignRecord, ...]
    signature: bytes

    @property
    def log(self) -> LogName:
        """The log the records are of; the node's name follows from its key."""
        return LogName(node_id(self.public_key), self.epoch, self.lane)

    @property
    def first_seq(self) -> int:
        """The seq of the first record."""
        return self.records[0].header.seq

    @property
    def last_seq(self) -> int:
        """The seq of the last record, whose header the signature names."""
        return self.records[-1].header.seq

    def encode(self) -> bytes:
        """The bytes, the same for equal bundles."""
        for seq, record in enumerate(self.records, self.first_seq):
            assert record.header.seq == seq, "the records of a bundle follow one another"
        rows = [row(record.header, record.body, record.state) for record in self.records]
        return assemble(self.public_key, self.epoch, self.lane, self.first_seq, rows, self.signature)

    @classmethod
    def decode(cls, raw: bytes) -> "Bundle":
        """Read a bundle; what this returns encodes to exactly `raw`.

        Raises:
            Unreadable: these bytes are not a bundle, or are not of this version.
        """
        reader = FrameReader(raw)
        public_key, epoch, lane, first, count = _beginning(reader, len(raw))
        records = tuple(_record(reader, seq) for seq in range(first, first + count))
        signature = reader.octets(SIGNATURE_BYTES, SIGNATURE_BYTES)
        reader.end()
        return cls(public_key, epoch, lane, records, signature)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a bundle says of itself without its records. `records`: how many it says there are."""

    public_key: bytes
    log: LogName
    first_seq: int
    records: int
    signature: bytes

    @property
    def last_seq(self) -> int:
        """The seq of the last record, whose header the signature names."""
        return self.first_seq + self.records - 1


def outline(raw: bytes) -> Outline:
    """Read a bundle's beginning and its signature: enough to see that all of it is held already.

    Raises:
        Unreadable: these bytes do not begin as a bundle does.
    """
    public_key, epoch, lane, first, count = _beginning(FrameReader(raw), len(raw))
    return Outline(
        public_key, LogName(node_id(public_key), epoch, lane), first, count, raw[-SIGNATURE_BYTES:]
    )


def row(header: Header, body: bytes | None, state: BodyState) -> bytes:
    """One record as bundles hold it. It depends on nothing else, so that it can be made once for several."""
    assert state in CARRIED
    digest = None if state == BodyState.FULL else header.body_hash
    fields = [int(header.kind), header.scope, header.scope_link, header.stamp, int(state), digest, body]
    return dumps(fields, canonical=True)


def assemble(
    public_key: bytes, epoch: int, lane: Lane, first_seq: int, rows: Sequence[bytes], signature: bytes
) -> bytes:
    """A bundle of rows that follow one another."""
    assert 0 < len(rows) <= limits.BUNDLE_RECORDS_MAX
    assert len(signature) == SIGNATURE_BYTES
    start = [VERSION, public_key, epoch, int(lane), first_seq]
    raw = b"".join(
        (
            _array_head(7),
            *(dumps(field) for field in start),
            _array_head(len(rows)),
            *rows,
            dumps(signature),
        )
    )
    assert len(raw) <= limits.BUNDLE_BYTES_MAX, "whoever fills a bundle counts its bytes"
    return raw


def _array_head(items: int) -> bytes:
    """How deterministic CBOR begins an array of so many items, of which there are less than 65,536."""
    if items < 24:
        return bytes([0x80 | items])
    return bytes([0x98, items]) if items < 256 else b"\x99" + items.to_bytes(2, "big")


def _beginning(reader: FrameReader, size: int) -> tuple[bytes, int, Lane, int, int]:
    """Key, epoch, lane, first seq and how many records follow."""
    if size > limits.BUNDLE_BYTES_MAX:
        refuse(f"a bundle has {size} bytes, more than {limits.BUNDLE_BYTES_MAX}")
    reader.array(7, 7)
    version = reader.uint(2**32)
    if version != VERSION:
        refuse(f"a bundle is of version {version}, this node reads {VERSION}")
    public_key = reader.octets(KEY_BYTES, KEY_BYTES)
    epoch = reader.uint(2**64 - 1)
    lane = Lane(reader.uint(max(Lane)))
    first = reader.uint(limits.SEQ_MAX, 1)
    return public_key, epoch, lane, first, reader.array(1, limits.BUNDLE_RECORDS_MAX)


def believed(
    records: tuple[ForeignRecord, ...], log: LogName, giver: bytes, *, core: bool
) -> tuple[ForeignRecord, ...]:
    """The records without what only their giver says of them.

    Nothing proves what is left of a hollow body: a hub could put words into others' mouths by it, though
    not into its own log, where it may write anyhow. Such a body counts as withheld.
    """
    if core or log.node == giver:
        return records
    return tuple(
        ForeignRecord(each.header, None, BodyState.WITHHELD) if each.state == BodyState.HOLLOW else each
        for each in records
    )


def _record(reader: FrameReader, seq: int) -> ForeignRecord:
    if seq > limits.SEQ_MAX:
        refuse("a seq is out of range")
    reader.array(7, 7)
    kind = reader.uint(limits.ORDINAL_MAX)
    scope = reader.octets(SCOPE_BYTES, SCOPE_BYTES)
    link = reader.uint(seq - 1)
    stamp = reader.uint(limits.SEQ_MAX)
    state = _STATES[reader.uint(_STATE_MAX)]
    if state not in CARRIED:
        refuse(f"a body is in the state {int(state)}, which is not carried")
    digest = reader.optional_bytes(HASH_BYTES)
    body = reader.optional_bytes(limits.RECORD_BODY_BYTES_MAX)
    if state == BodyState.FULL:
        if body is None or digest is not None:
            refuse("a full body is missing, or its hash is not")
        digest = body_hash(body)
    elif digest is None or len(digest) != HASH_BYTES:
        refuse("a body that is not there has no hash")
    elif state == BodyState.WITHHELD and body is not None:
        refuse("a body is withheld and there")
    return ForeignRecord(Header(seq, kind, scope, link, stamp, digest), body, state)
