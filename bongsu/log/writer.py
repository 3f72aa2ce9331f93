"""The writer: one thread that does nothing but put requests into log.db, many to an fsync. DESIGN 5."""

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from bongsu import limits
from bongsu.log import compress
from bongsu.log.epoch import Held
from bongsu.log.key import NodeKey
from bongsu.log.record import PASSING, BodyState, LogName, Record
from bongsu.log.schema import (
    BODY_COLUMNS,
    DELETE_ALSO_NAMED,
    DELETE_LASTING,
    DELETE_PASSING,
    DELETE_PRUNED,
    DELETE_SIGNATURE,
    HOLLOW_RECORD,
    HOLLOW_STATE,
    INSERT_ALSO_NAMED,
    INSERT_LASTING,
    INSERT_NODE,
    INSERT_PASSING,
    INSERT_PRUNED,
    INSERT_RECORDS,
    INSERT_SCOPE,
    INSERT_SIGNATURE,
    INSERT_START,
    LAST_SIGNATURE,
    RECORD_COLUMNS,
    REFILL_RECORD,
    REPLACE_LASTING,
    SELECT_SCOPE,
    UPSERT_LOG,
    Connection,
    is_full,
    rows_of,
)

# Every statement gives up Python's lock and has to win it back from a busy loop: so many rows a statement.
ROWS_AT_ONCE = (64, 8, 1)
SCOPES_REMEMBERED_MAX = 65_536
# Between two kept signatures there is at most this much, unless one bundle brought more.
SIGNATURE_RECORDS_MAX = 64
SIGNATURE_BYTES_MAX = 524_288
PAGES_A_COMMIT = 8
RECORDS_A_PAGE = 5


@dataclass(slots=True)
class Request:
    """One call's worth of work for the writer: all of it is committed, or none."""

    generation: int
    future: "asyncio.Future[Any]"
    result: Any = None
    records: list[Record] = field(default_factory=list)
    log_ids: dict[LogName, int] = field(default_factory=dict)
    held: dict[LogName, Held] = field(default_factory=dict)
    signatures: dict[LogName, bytes] = field(default_factory=dict)
    nodes: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    start: tuple[bytes, int] | None = None
    hollow: tuple[int, bytes | None] | None = None
    # Withheld records whose bodies came, each with the position that it leaves.
    refilled: list[tuple[int, Record]] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Done:
    """What became of requests: `error` is None when they are on disk."""

    requests: list[Request]
    error: Exception | None


class Transactions:
    """The statements of a batch, and nothing of threads: the power cut tests drive exactly this."""

    def __init__(self, connection: Connection, key: NodeKey) -> None:
        self.connection = connection
        self.key = key
        self.commits = 0
        self.checkpoint_pages = limits.LOG_CHECKPOINT_PAGES
        self._pages = 0  # written since the last checkpoint, about
        self._scopes: dict[bytes, int] = {}

    def commit(self, batch: Sequence[Request]) -> None:
        """Put the batch on disk; when this returns, it is there. On an error, nothing of it is."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            self._put(batch)
            self.connection.execute("COMMIT")
        except Exception:
            self._scopes.clear()
            raise
        self.commits += 1
        self._pages += PAGES_A_COMMIT + _records(batch) // RECORDS_A_PAGE

    def rollback(self) -> None:
        """End a transaction that failed; some errors have ended it already."""
        if getattr(self.connection, "in_transaction", False):
            self.connection.execute("ROLLBACK")

    def checkpoint(self) -> None:
        """Fold the write-ahead file into log.db. Its fsync counts as much as a commit's."""
        if self._pages >= self.checkpoint_pages:
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._pages = 0

    def _put(self, batch: Sequence[Request]) -> None:
        execute = self.connection.execute
        log_ids: dict[LogName, int] = {}
        held: dict[LogName, Held] = {}
        signatures: dict[LogName, bytes] = {}
        for request in batch:
            log_ids.update(request.log_ids)
            held.update(request.held)
            signatures.update(request.signatures)
            if request.start is not None:
                execute(INSERT_START, request.start)
            for node in request.nodes:
                execute(INSERT_NODE, node)
        self._put_records([record for request in batch for record in request.records], log_ids)
        for request in batch:
            for log, theirs in request.signatures.items():
                self._sign(log_ids[log], request.records, theirs)
            if request.hollow is not None:
                self._hollow(*request.hollow)
            if request.refilled:
                self._refill(request.refilled)
        for log, state in held.items():
            self._put_log(log_ids, state, signatures.get(log))

    def _put_log(self, log_ids: dict[LogName, int], state: Held, signature: bytes | None) -> None:
        if state.log.node == self.key.node and state.seq > 0 and signature is None:
            signature = self.key.sign([state.hash])
        self.connection.execute(UPSERT_LOG, _log_row(log_ids, state, signature))
        if state.end is not None:
            # A further end has taken the place of one, which stands here now.
            log_id = log_ids[state.log]
            self.connection.execute(DELETE_ALSO_NAMED, (log_id,))
            for naming in state.also_named_by:
                self.connection.execute(INSERT_ALSO_NAMED, (log_id, log_ids[naming.log], naming.seq))

    def _sign(self, log_id: int, records: Sequence[Record], signature: bytes) -> None:
        """Keep another node's signature, and of those close together only the last: a bundle ends at one."""
        first, last = records[0].header.seq, records[-1].header.seq
        size = sum(len(record.body or b"") for record in records)
        after = first - 1
        before = self.connection.execute(LAST_SIGNATURE, (log_id,)).fetchone()
        if before is not None:
            seq, earlier, bytes_before = before
            if last - earlier <= SIGNATURE_RECORDS_MAX and size + bytes_before <= SIGNATURE_BYTES_MAX:
                self.connection.execute(DELETE_SIGNATURE, (log_id, seq))
                after, size = earlier, size + bytes_before
        self.connection.execute(INSERT_SIGNATURE, (log_id, last, after, size, signature))

    def _put_records(self, records: Sequence[Record], log_ids: dict[LogName, int]) -> None:
        rows: list[tuple[Any, ...]] = []
        for record in records:
            header = record.header
            rows.append(
                (
                    record.position,
                    log_ids[record.log],
                    header.seq,
                    int(header.kind),
                    self._scope(header.scope),
                    header.scope_link,
                    header.stamp,
                    header.body_hash,
                    record.hash,
                    int(record.state),
                )
            )
        self._insert(INSERT_RECORDS, RECORD_COLUMNS, rows)
        self._put_bodies(records)

    def _refill(self, refilled: Sequence[tuple[int, Record]]) -> None:
        for before, record in refilled:
            self.connection.execute(REFILL_RECORD, (record.position, int(record.state), before))
        self._put_bodies([record for _, record in refilled])

    def _put_bodies(self, records: Sequence[Record]) -> None:
        lasting: list[tuple[Any, ...]] = []
        passing: list[tuple[Any, ...]] = []
        for record in records:
            if record.body is not None:
                encoding, packed = compress.pack(record.body)
                crc = None if record.state == BodyState.FULL else zlib.crc32(record.body)
                bodies = passing if record.header.kind in PASSING else lasting
                bodies.append((record.position, encoding, packed, crc))
        self._insert(INSERT_LASTING, BODY_COLUMNS, lasting)
        self._insert(INSERT_PASSING, BODY_COLUMNS, passing)

    def _insert(self, statement: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        at = 0
        for count in ROWS_AT_ONCE:
            while len(rows) - at >= count:
                values = [value for row in rows[at : at + count] for value in row]
                self.connection.execute(statement + rows_of(count, columns), values)
                at += count
        assert at == len(rows)

    def _scope(self, scope: bytes) -> int:
        number = self._scopes.get(scope)
        if number is None:
            if len(self._scopes) >= SCOPES_REMEMBERED_MAX:
                self._scopes.clear()
            self.connection.execute(INSERT_SCOPE, (scope,))
            number = int(self.connection.execute(SELECT_SCOPE, (scope,)).fetchone()[0])
            self._scopes[scope] = number
        return number

    def _hollow(self, position: int, pruned: bytes | None) -> None:
        row = self.connection.execute(HOLLOW_STATE, (position,)).fetchone()
        assert row is not None, "only a record that is held can go hollow"
        state, kind = row
        if pruned is not None and state == BodyState.HOLLOW:
            return  # hollow never refills
        self.connection.execute(HOLLOW_RECORD, (position,))
        passing = kind in PASSING
        if passing or pruned is None:
            self.connection.execute(DELETE_PASSING if passing else DELETE_LASTING, (position,))
        if pruned is not None:
            encoding, packed = compress.pack(pruned)
            keep = INSERT_PRUNED if passing else REPLACE_LASTING
            self.connection.execute(keep, (position, encoding, packed, zlib.crc32(pruned)))
        elif passing and state == BodyState.HOLLOW:
            self.connection.execute(DELETE_PRUNED, (position,))


def _records(batch: Sequence[Request]) -> int:
    return sum(len(request.records) + len(request.refilled) for request in batch)


def _log_row(log_ids: dict[LogName, int], held: Held, signature: bytes | None) -> tuple[Any, ...]:
    log, end = held.log, held.end
    return (
        log_ids[log],
        log.node,
        log.epoch.to_bytes(8, "big"),
        int(log.lane),
        held.ordinal,
        held.seq,
        signature,
        None if end is None else end.seq,
        None if end is None else end.hash,
        None if held.named_by is None else log_ids[held.named_by],
    )


class Writer:
    """The thread. `wake` is called on it whenever `done` has something new."""

    def __init__(self, transactions: Transactions, wake: Callable[[], None]) -> None:
        self.transactions = transactions
        self.done: deque[Done] = deque()
        self._wake = wake
        self._queue: SimpleQueue[Request | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._refused_generation = -1
        self._refused_error: Exception | None = None
        self._dead: Exception | None = None

    def put(self, request: Request) -> None:
        """Queue a request; requests are committed, or refused, in the order of this call."""
        if self._thread is None:
            # A daemon, so that a node told to stop by a failed fsync is not held up by its disk.
            self._thread = Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()
        self._queue.put(request)

    def stop(self, timeout_s: float) -> bool:
        """Commit what is queued and end the thread; False if it did not end in time."""
        if self._thread is None:
            return True
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch: list[Request] = []
            request = self._queue.get()
            records = 0
            while request is not None:
                batch.append(request)
                records += len(request.records) + len(request.refilled)
                if records >= limits.LOG_BATCH_RECORDS_MAX:
                    break
                try:
                    request = self._queue.get_nowait()
                except Empty:
                    break
            stopping = request is None
            self._commit(batch)

    def _commit(self, batch: list[Request]) -> None:
        # What was queued before the loop heard of a refused batch stands on positions that are gone.
        refused = [request for request in batch if request.generation <= self._refused_generation]
        live = batch[len(refused) :]
        assert all(request.generation > self._refused_generation for request in live)
        if refused:
            self._tell(refused, self._refused_error)
        if live:
            self._tell(live, self._try(live))
            self._checkpoint()

    def _try(self, batch: list[Request]) -> Exception | None:
        if self._dead is not None:
            return self._dead
        try:
            self.transactions.commit(batch)
        except Exception as error:
            self._dead = error
            if is_full(error):
                self._dead = self._rolled_back()
                self._refused_generation = batch[-1].generation
                self._refused_error = error
            return self._dead or error
        return None

    def _rolled_back(self) -> Exception | None:
        try:
            self.transactions.rollback()
        except Exception as error:
            return error
        return None

    def _checkpoint(self) -> None:
        if self._dead is not None:
            return
        try:
            self.transactions.checkpoint()
        except Exception as error:
            if not is_full(error):  # a full disk loses nothing here: what is not folded in stays in the WAL
                self._dead = error
                self._tell([], error)

    def _tell(self, requests: list[Request], error: Exception | None) -> None:
        self.done.append(Done(requests, error))
        self._wake()


MakeWriter = Callable[[Transactions, Callable[[], None]], Writer]
