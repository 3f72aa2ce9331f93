"""Records as bundles hold them, made once for the files of several destinations.

Files that are made one after the other hold the same headers, most of them."""

from collections import OrderedDict
from itertools import takewhile

from bongsu.bearer.bundle import assemble, row
from bongsu.hub.bodies import Allowed
from bongsu.log.record import BodyState, Lane, LogName, Record
from bongsu.node import Node

CHUNK = 256
CHUNKS_MAX = 96
_READABLE = (BodyState.FULL, BodyState.HOLLOW)


class _Chunk:
    """Records of a log whose seqs lie together, and what was made of each: without its body, and with it."""

    __slots__ = ("bare", "records", "whole")

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.bare: dict[int, bytes] = {}
        self.whole: dict[int, bytes] = {}


class Rows:
    """The chunks used last. Dropped when a body has gone, which nobody may be given any more, or has come."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._chunks: OrderedDict[tuple[LogName, int], _Chunk] = OrderedDict()
        self._changes = (0, 0)

    def bundle(self, log: LogName, after: int, allowed: Allowed) -> tuple[bytes, int] | None:
        """A bundle of records beyond `after`, with the bodies that are allowed, and the seq it leads up to.

        It ends before a body that is allowed and lacks here: were the header first, the body would be late,
        for what is held is not taken again. Whoever has the body brings both. Nothing holds up alerts.

        Raises:
            Damaged: a record is not what was written.
        """
        changes = (self._node.context.hollows.gone, self._node.log.refills)
        if changes != self._changes:
            self._chunks.clear()
            self._changes = changes

        def lacks(record: Record) -> bool:
            return record.state == BodyState.WITHHELD and allowed(record.header.scope)

        def read(log: LogName, from_seq: int, limit: int) -> list[Record]:
            records = self._read(log, from_seq, limit)
            return (
                records if log.lane == Lane.URGENT else list(takewhile(lambda each: not lacks(each), records))
            )

        found = self._node.log.stretch(log, after, read=read)
        if found is None:
            return None
        records, signature = found
        rows = [self._row(record, allowed(record.header.scope)) for record in records]
        public_key = self._node.log.public_key(log.node)
        raw = assemble(public_key, log.epoch, log.lane, after + 1, rows, signature)
        return raw, records[-1].header.seq

    def _read(self, log: LogName, from_seq: int, limit: int) -> list[Record]:
        found: list[Record] = []
        last = from_seq + limit - 1
        for number in range(from_seq // CHUNK, last // CHUNK + 1):
            records = self._filled(log, number).records
            found += [each for each in records if from_seq <= each.header.seq <= last]
            if not records or records[-1].header.seq % CHUNK != CHUNK - 1:
                break  # there are no more
        return found

    def _filled(self, log: LogName, number: int) -> _Chunk:
        """The records whose seq // CHUNK is `number`, as far as there are any. There is no seq 0."""
        key = (log, number)
        chunk = self._chunks.setdefault(key, _Chunk([]))
        self._chunks.move_to_end(key)
        if len(self._chunks) > CHUNKS_MAX:
            self._chunks.popitem(last=False)
        first = chunk.records[-1].header.seq + 1 if chunk.records else max(1, number * CHUNK)
        missing = (number + 1) * CHUNK - first
        if missing:
            chunk.records += self._node.log.log_records(log, first, missing)
        return chunk

    def _row(self, record: Record, allowed: bool) -> bytes:
        with_body = allowed and record.state in _READABLE
        chunk = self._chunks[record.log, record.header.seq // CHUNK]
        made = chunk.whole if with_body else chunk.bare
        found = made.get(record.header.seq)
        if found is None:
            body, state = (record.body, record.state) if with_body else (None, BodyState.WITHHELD)
            found = made[record.header.seq] = row(record.header, body, state)
        return found
