"""Bundles in few bytes: the log by a number, its records one by one, and the author's one signature. Pure."""

from collections.abc import Sequence
from hashlib import sha256

from bongsu import limits
from bongsu.bearer.bundle import KEY_BYTES, SIGNATURE_BYTES, Bundle
from bongsu.bearer.frame import refuse
from bongsu.bearer.thin.context import Stream
from bongsu.bearer.thin.rows import read_row, write_row
from bongsu.bearer.thin.wire import Reader, Writer
from bongsu.log.record import ForeignRecord, Lane, LogName, node_id

CHECK_BYTES = 3


def write_bundle(out: Writer, stream: Stream, bundle: Bundle) -> None:
    """Put a bundle; the stream notes its records."""
    log = bundle.log
    known = (bundle.public_key, log) in stream.logs
    out.uint(1 + stream.logs.index((bundle.public_key, log)) if known else 0)
    if not known:
        out.raw(bundle.public_key)
        out.raw(bundle.epoch.to_bytes(8, "big"))
        out.uint(int(bundle.lane))
    out.signed(bundle.first_seq - stream.next_seq.get(log, 1))
    out.uint(len(bundle.records))
    stream.note_log(bundle.public_key, log)
    for record in bundle.records:
        out.raw(write_row(stream, log, record))
        stream.note(log, record)
    out.raw(_check(bundle.records))
    out.raw(bundle.signature)


def read_bundle(reader: Reader, stream: Stream) -> Bundle:
    """Undo `write_bundle`; the stream notes the same.

    Raises:
        Unreadable: these bytes are none. The stream is then of no more use.
    """
    number = reader.uint(len(stream.logs))
    if number:
        public_key, log = stream.logs[number - 1]
    else:
        public_key, epoch = reader.raw(KEY_BYTES), int.from_bytes(reader.raw(8), "big")
        log = LogName(node_id(public_key), epoch, Lane(reader.uint(max(Lane))))
    first = stream.next_seq.get(log, 1) + reader.signed()
    count = reader.uint(limits.BUNDLE_RECORDS_MAX)
    if not (first > 0 and count > 0 and first + count - 1 <= limits.SEQ_MAX):
        refuse("the seqs of a bundle are out of range")
    stream.note_log(public_key, log)
    records, size = [], 0
    for seq in range(first, first + count):
        record = read_row(reader, stream, log, seq)
        size += len(record.body or b"")
        if size > limits.BUNDLE_BYTES_MAX:
            refuse("a bundle unpacks to more than any holds")
        stream.note(log, record)
        records.append(record)
    # Another release may write JSON otherwise; found here, the bundle is asked for in its plain form.
    if reader.raw(CHECK_BYTES) != _check(records):
        refuse("a bundle comes out other than it was")
    return Bundle(public_key, log.epoch, log.lane, tuple(records), reader.raw(SIGNATURE_BYTES))


def _check(records: Sequence[ForeignRecord]) -> bytes:
    """A short hash of what the reader computes."""
    computed = (record.header.scope + record.header.body_hash for record in records)
    return sha256(b"".join(computed)).digest()[:CHECK_BYTES]
