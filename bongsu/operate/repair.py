"""A damaged log.db is set aside; what its hashes prove is taken over, peers bring the rest. DESIGN 3.2."""

import heapq
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu import limits
from bongsu.clock import Clock
from bongsu.config import Config
from bongsu.errors import FatalError
from bongsu.files import sync_folder
from bongsu.log.files import lock_file
from bongsu.log.foreign import Taken
from bongsu.log.key import NodeKey
from bongsu.log.reader import Damaged, Reader
from bongsu.log.record import ForeignRecord, Lane, LogName, Record
from bongsu.log.schema import SIGNATURES_AFTER, connect
from bongsu.log.store import LogStore
from bongsu.suspicion import SUSPECT
from bongsu.view.db import Database

LANES: dict[Any, Lane] = {int(lane): lane for lane in Lane}
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a damaged log.db: how many records were taken over, of how many, and where it is now."""

    taken: int
    records: int
    aside: Path


@dataclass(frozen=True, slots=True)
class _Piece:
    """Consecutive whole records of one log, and the author's signature of the last."""

    log: LogName
    records: list[Record]
    signature: bytes


def check(config: Config, clock: Clock) -> tuple[str, ...]:
    """Walk every log; what is wrong. Without a problem the suspicion is over.

    Raises:
        FatalError: log.db cannot even be opened (StoreDamaged), or is in use.
    """
    store = _store(config, clock)
    try:
        problems = store.verify().problems
    finally:
        store.close()
    if not problems:
        (config.data / SUSPECT).unlink(missing_ok=True)
    return problems


async def repair(config: Config, clock: Clock) -> Repaired:
    """Set log.db aside and begin a new one with what is whole of it. The view is built anew from that.

    Raises:
        FatalError: a server runs on it.
    """
    aside = set_aside(config.data, "damaged")
    Database.remove(config.data / "view.db")
    store = _store(config, clock)
    try:
        taken, records = await take_over(aside, store, {})
    finally:
        store.close()
    (config.data / SUSPECT).unlink(missing_ok=True)
    return Repaired(taken, records, aside)


def _store(config: Config, clock: Clock) -> LogStore:
    key = NodeKey.load(config.data / "node.key")
    return LogStore.open(config.data / "log.db", key, clock=clock, free_bytes_min=config.free_bytes_min)


def set_aside(data: Path, why: str) -> Path:
    """Rename log.db and what belongs to it; the new name.

    Raises:
        FatalError: a server runs on it, or it cannot be renamed.
    """
    path = data / "log.db"
    lock = lock_file(path)
    try:
        stem = f"log.db.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        aside, number = data / stem, 1
        while aside.exists():
            number += 1
            aside = data / f"{stem}-{number}"
        for suffix in ("-wal", "-shm", ""):
            # The main file last: until it has moved, the next start finds the damage again.
            part = Path(f"{path}{suffix}")
            if part.exists():
                part.rename(f"{aside}{suffix}")
        sync_folder(data)
        return aside
    except OSError as error:
        raise FatalError(f"{path} cannot be set aside: {error.strerror}. Move it away.") from error
    finally:
        os.close(lock)


async def take_over(aside: Path, store: LogStore, ends: Mapping[LogName, int]) -> tuple[int, int]:
    """Append what is whole, in the order of its arrival as far as pieces allow; (taken, of how many).

    `ends`: logs of this node that are taken up to a seq only.
    """
    connection = connect(aside)
    reader = Reader(connection)
    taken = 0
    try:
        keys = _rows(reader, "SELECT node, public_key FROM nodes")
        public_keys = {node: key for node, key in keys if isinstance(node, bytes)}
        pieces = [
            _up_to(ends.get(log), store.key, _pieces(reader, store.key, log_id, log))
            for log_id, log in _logs(reader)
        ]
        for piece in heapq.merge(*pieces, key=lambda each: each.records[0].position):
            carried = [ForeignRecord(each.header, each.body, each.state) for each in piece.records]
            public_key = public_keys.get(piece.log.node, b"")
            verdict = await store.append_foreign(piece.log, public_key, carried, piece.signature)
            taken += len(verdict.records) if isinstance(verdict, Taken) else 0
        records = sum(seq for (seq,) in _rows(reader, "SELECT head_seq FROM logs") if isinstance(seq, int))
        return taken, max(taken, records)
    finally:
        connection.close()


def _rows(reader: Reader, sql: str) -> list[Any]:
    try:
        return reader.rows(sql)
    except Damaged:
        return []


def _logs(reader: Reader) -> Iterator[tuple[int, LogName]]:
    for log_id, node, epoch, lane in _rows(reader, "SELECT log_id, node, epoch, lane FROM logs"):
        if isinstance(log_id, int) and isinstance(node, bytes) and isinstance(epoch, bytes) and lane in LANES:
            yield log_id, LogName(node, int.from_bytes(epoch, "big"), LANES[lane])


def _pieces(reader: Reader, key: NodeKey, log_id: int, log: LogName) -> Iterator[_Piece]:
    """A log from its beginning to its end, or to the first record that is not what was written."""
    after, count = 0, limits.REPAIR_RECORDS_AT_ONCE
    while True:
        records = _whole(reader, log_id, after + 1, count)
        if not records:
            return
        piece = _signed(reader, key, log_id, log, after, records)
        if piece is None:
            if len(records) < count or count >= limits.FOREIGN_RECORDS_MAX:
                return
            count = min(2 * count, limits.FOREIGN_RECORDS_MAX)
            continue
        yield piece
        after, count = piece.records[-1].header.seq, limits.REPAIR_RECORDS_AT_ONCE


def _up_to(end: int | None, key: NodeKey, pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The pieces of a log of this node, without what lies behind `end`."""
    for piece in pieces:
        if end is None or piece.records[-1].header.seq <= end:
            yield piece
            continue
        records = [record for record in piece.records if record.header.seq <= end]
        if records:
            yield _Piece(piece.log, records, key.sign([records[-1].hash]))
        return


def _whole(reader: Reader, log_id: int, first: int, count: int) -> list[Record]:
    """Records from `first` on, as many as are whole and without a gap."""
    try:
        found = reader.log(log_id, first, count)
    except Damaged:
        return _whole(reader, log_id, first, count // 2) if count > 1 else []
    return [record for offset, record in enumerate(found) if record.header.seq == first + offset]


def _signed(
    reader: Reader, key: NodeKey, log_id: int, log: LogName, after: int, records: list[Record]
) -> _Piece | None:
    if log.node == key.node:
        return _Piece(log, records, key.sign([records[-1].hash]))
    try:
        signatures = reader.rows(SIGNATURES_AFTER, (log_id, after, len(records)))
    except Damaged:
        return None
    fitting = [(seq, signature) for seq, signature in signatures if seq <= records[-1].header.seq]
    if not fitting:
        return None
    seq, signature = fitting[-1]
    return _Piece(log, records[: seq - after], signature)
