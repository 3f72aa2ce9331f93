"""Reads of log.db: nothing is returned as good that its hash does not prove."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from bongsu.log import compress
from bongsu.log.epoch import End, Held, Naming
from bongsu.log.record import (
    HASH_BYTES,
    BodyState,
    Header,
    Lane,
    LogName,
    Record,
    body_hash,
    genesis,
    header_hash,
)
from bongsu.log.schema import (
    ORDER_ALSO_NAMED,
    SELECT_ALSO_NAMED,
    SELECT_BODIES,
    SELECT_LOGS,
    SELECT_RECORDS,
    Connection,
    rows_of,
)

POSITIONS_AT_ONCE = 64
LOGS_ASKED_ONE_BY_ONE = 4
LOGS_REMEMBERED_MAX = 65_536
STATES = frozenset(BodyState)


# log_id, what is held, signature of the head
HeldRow = tuple[int, Held, bytes | None]


class Damaged(Exception):
    """A record on disk is not what was written. The bytes are never returned; a peer may have them."""


class Reader:
    """Reads, on the loop thread, over a connection of their own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._logs: dict[int, LogName] = {}

    def one(self, position: int) -> Record | None:
        """The record at `position`, or None if there is none."""
        rows = self._select("WHERE r.position=?", (position,))
        return rows[0] if rows else None

    def many(self, positions: Sequence[int]) -> list[Record]:
        """The records at `positions`, in the order asked for; absent ones are left out."""
        found: dict[int, Record] = {}
        for chunk in _chunks(positions):
            for record in self._select(f"WHERE r.position IN {rows_of(1, len(chunk))}", chunk):
                found[record.position] = record
        return [found[position] for position in positions if position in found]

    def bodies(self, positions: Sequence[int]) -> dict[int, bytes]:
        """The bodies at `positions` that are there, pruned forms included; headers are not checked."""
        found: dict[int, bytes] = {}
        for chunk in _chunks(positions):
            for row in self.rows(SELECT_BODIES + rows_of(1, len(chunk)), chunk):
                body = checked_body(*row)
                if body is not None:
                    found[row[0]] = body
        return found

    def after(self, position: int, limit: int, last: int) -> list[Record]:
        """Up to `limit` records beyond `position` and up to `last`, in order of arrival."""
        where = "WHERE r.position>? AND r.position<=? ORDER BY r.position LIMIT ?"
        return self._select(where, (position, last, limit))

    def log(self, log_id: int, from_seq: int, limit: int) -> list[Record]:
        """Up to `limit` records of one log from `from_seq` on."""
        where = "WHERE r.log_id=? AND r.seq BETWEEN ? AND ? ORDER BY r.seq"
        return self._select(where, (log_id, from_seq, from_seq + limit - 1))

    def hashes(self, log_id: int, first_seq: int, last_seq: int) -> dict[int, bytes]:
        """The stored header hashes of a stretch of one log."""
        sql = "SELECT seq, hash FROM records WHERE log_id=? AND seq BETWEEN ? AND ?"
        return dict(self.rows(sql, (log_id, first_seq, last_seq)))

    def held(self, where: str = "", parameters: Sequence[Any] = ()) -> Iterator[HeldRow]:
        """What is held of the logs that match."""
        rows = self.rows(SELECT_LOGS + where, parameters)
        also: dict[int, list[Naming]] = {}
        # Only a log whose end is named has further ones that named it; of few logs only their own are read.
        named = [row[0] for row in rows if row[9] is not None]
        if len(named) > LOGS_ASKED_ONE_BY_ONE:
            found = self.rows(SELECT_ALSO_NAMED + ORDER_ALSO_NAMED)
        else:
            one = f"{SELECT_ALSO_NAMED} WHERE a.log_id=? {ORDER_ALSO_NAMED}"
            found = [each for log_id in named for each in self.rows(one, (log_id,))]
        ends = {row[0]: row[7] for row in rows}
        for log_id, seq, *name in found:
            if log_id in ends:
                naming = Naming(self.name(*name), ends[log_id] if seq is None else seq)
                also.setdefault(log_id, []).append(naming)
        for row in rows:
            yield row[0], _held(row, tuple(also.get(row[0], ()))), row[6]

    def public_key(self, node: bytes) -> bytes:
        """The key of a node some of whose records are held.

        Raises:
            KeyError: there are none.
        """
        for (found,) in self.rows("SELECT public_key FROM nodes WHERE node=?", (node,)):
            return bytes(found)
        raise KeyError(node)

    def log_id(self, log: LogName) -> int | None:
        """The number of a log here."""
        sql = "SELECT log_id FROM logs WHERE node=? AND epoch=? AND lane=?"
        number = self.value(sql, (log.node, log.epoch.to_bytes(8, "big"), int(log.lane)))
        return None if number is None else int(number)

    def place(self, log: LogName, seq: int) -> int:
        """The position of a record; 0 if it is not here."""
        sql = "SELECT position FROM records WHERE log_id=? AND seq=?"
        return int(self.value(sql, (self.log_id(log), seq)) or 0)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Every row of a statement.

        Raises:
            Damaged: SQLite cannot make sense of the file where it looked.
        """
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise Damaged(f"A record or head of log.db cannot be read: {error}.") from error

    def _select(self, where: str, parameters: Sequence[Any]) -> list[Record]:
        return [self._record(row) for row in self.rows(SELECT_RECORDS + where, parameters)]

    def _record(self, row: Sequence[Any]) -> Record:
        position, log_id, seq, kind, scope, link, stamp, digest, stored_hash, state, prev = row[:11]
        log = self._log(log_id)
        if log is None or scope is None:
            raise Damaged(f"Record {position} of log.db names a log or scope that is not there.")
        if prev is None and seq == 1:
            prev = genesis(log)
        header = Header(seq, kind, scope, link, stamp, digest)
        if not _proved(prev, header, stored_hash) or state not in STATES:
            raise Damaged(f"Record {position} of log.db does not match its hash: the header is damaged.")
        body = checked_body(position, state, digest, *row[11:14])
        return Record(position, log, header, stored_hash, body, BodyState(state))

    @staticmethod
    def name(node: bytes, epoch: bytes, lane: int) -> LogName:
        """The name of a log from its columns.

        Raises:
            Damaged: they hold something else.
        """
        try:
            return LogName(node, int.from_bytes(epoch, "big"), Lane(lane))
        except (TypeError, ValueError) as error:
            raise Damaged(f"The name of a record's log in log.db is damaged: {error}.") from error

    def _log(self, log_id: int) -> LogName | None:
        log = self._logs.get(log_id)
        if log is None:
            sql = "SELECT node, epoch, lane FROM logs WHERE log_id=?"
            rows = self.rows(sql, (log_id,))
            if not rows:
                return None
            if len(self._logs) >= LOGS_REMEMBERED_MAX:
                self._logs.clear()
            log = self._logs[log_id] = Reader.name(*rows[0])
        return log


def checked_body(
    position: int, state: int, digest: bytes, encoding: int | None, packed: bytes | None, crc: int | None
) -> bytes | None:
    """The body, proved by the header's hash of it; a pruned form only by its own checksum."""
    if packed is None or encoding is None:
        if state == BodyState.FULL:
            raise Damaged(f"The body of record {position} of log.db is gone.")
        return None
    try:
        body = compress.unpack(encoding, packed)
    except (TypeError, ValueError) as error:
        raise Damaged(f"The body of record {position} of log.db is damaged: {error}.") from error
    good = body_hash(body) == digest if state == BodyState.FULL else zlib.crc32(body) == crc
    if not good:
        raise Damaged(f"The body of record {position} of log.db does not match its hash.")
    return body


def _proved(prev: Any, header: Header, stored_hash: bytes) -> bool:
    """Whether the header hashes to what is stored; a damaged column may be of another type, too."""
    try:
        return (
            isinstance(prev, bytes) and len(prev) == HASH_BYTES and header_hash(prev, header) == stored_hash
        )
    except (TypeError, ValueError):
        return False


def _held(row: Sequence[Any], also: tuple[Naming, ...]) -> Held:
    _, node, epoch, lane, ordinal, seq, _, end_seq, end_hash, by_node, by_epoch, by_lane, head = row
    log = Reader.name(node, epoch, lane)
    end = None if end_seq is None else End(log.epoch, ordinal, log.lane, end_seq, end_hash)
    named_by = None if by_node is None else Reader.name(by_node, by_epoch, by_lane)
    if head is None and seq > 0:
        raise Damaged(f"Record {seq}, the last of a log of node {node.hex()}, is gone from log.db.")
    return Held(log, ordinal, seq, head or genesis(log), end, named_by, also)


def _chunks(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(positions), POSITIONS_AT_ONCE):
        yield positions[at : at + POSITIONS_AT_ONCE]
