"""The log of this node on disk: append, read, hollow. One writer thread, fsync before the acknowledgement."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bongsu import limits
from bongsu.clock import Clock
from bongsu.errors import FatalError, StoreDamaged, too_large
from bongsu.log import verify
from bongsu.log.beyond import covered_by, positions_beyond, vector_up_to
from bongsu.log.epoch import Held, merged, vector_of
from bongsu.log.files import Files, open_files
from bongsu.log.foreign import Checked, Foreign, Taken
from bongsu.log.free import FreeSpace
from bongsu.log.heads import Heads
from bongsu.log.key import NodeKey
from bongsu.log.reader import Damaged, Reader
from bongsu.log.record import Draft, ForeignRecord, Lane, LogName, Record
from bongsu.log.schema import Opener, connect, is_full
from bongsu.log.stretch import USUAL, Bounds, Read, stretch
from bongsu.log.turns import Turns
from bongsu.log.vector import Vector
from bongsu.log.verify import Report, Statistics
from bongsu.log.withheld import Filling, Withheld, refilled
from bongsu.log.writer import Done, MakeWriter, Request, Transactions, Writer

__all__ = ["Damaged", "ForeignRecord", "LogStore", "Report", "Statistics"]


def _ignore(_: Any) -> None:
    """What happens to news nobody asked for."""


class LogStore:
    """log.db. Every method is called on one thread, the event loop's where there is one."""

    def __init__(
        self,
        path: Path,
        files: Files,
        key: NodeKey,
        clock: Clock,
        writer: MakeWriter = Writer,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.path = path
        self.key = key
        # Called with every committed batch in order of position, before its futures resolve.
        self.on_committed: Callable[[list[Record]], None] = _ignore
        # Called once, when a promise can no longer be kept; from then on every append is refused.
        self.on_fatal: Callable[[FatalError], None] = _ignore
        # Called with a record that is not what was written; raises it again if nobody may go on.
        self.on_damaged: Callable[[Damaged], None] = _ignore
        self.fatal: FatalError | None = None
        self.free = FreeSpace(path, clock)
        self._clock = clock
        self._files = files
        self._reader = Reader(files.reading)
        self._heads = Heads(self._reader, key.node, key.public, random_bytes)
        self._head_position = self._heads.position
        self._tag = random_bytes(8)
        self._tag_queued = False
        last = self._reader.value("SELECT start_tag FROM starts ORDER BY first_position DESC LIMIT 1")
        self._tag_shown: bytes = self._tag if last is None else last
        self._generation = 0
        self._refilling: set[int] = set()
        self.refills = 0  # how often bodies came of records that were held without
        self.transactions = Transactions(files.writing, key)
        self._turns = Turns(self._deliver)
        self._writer = self._turns.writer = writer(self.transactions, self._turns.wake)
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        key: NodeKey,
        *,
        clock: Clock,
        free_bytes_min: int,
        admin_contact: str = "",
        opener: Opener = connect,
        writer: MakeWriter = Writer,
        random_bytes: Callable[[int], bytes] = os.urandom,
        ordinal_min: int = 0,
    ) -> "LogStore":
        """Open log.db, made if it is not there. Every opening is a new start of the node, with a new epoch.
        `opener`, `writer`, `random_bytes`: to be replaced. `ordinal_min`: which start this is at least.
        Raises:
            StoreDamaged, FatalError: it is damaged, or another process has it; the sentence says what to do.
        """
        files = open_files(path, opener)
        try:
            store = cls(path, files, key, clock, writer, random_bytes)
            verify.check_newest_heads(store._reader)
        except Exception as error:
            files.close()
            raise StoreDamaged(f"{path} is damaged: {error} Restore it, or move it away.") from error
        store.free.bytes_min = free_bytes_min
        store._heads.ordinal_min = ordinal_min
        store.free.admin_contact = admin_contact
        return store

    # Writing

    def append(self, drafts: Sequence[Draft]) -> "asyncio.Future[list[Record]]":
        """Append to this node's logs; the future resolves when the records are on disk, in order of calls.
        Raises:
            MatrixError: the disk is nearly full, or a body is too large; nothing was appended.
            FatalError: the store has failed and the node is about to stop.
        """
        assert drafts, "an append has at least one record"
        self._check_writable()
        if any(len(draft.body) > limits.RECORD_BODY_BYTES_MAX for draft in drafts):
            raise too_large(
                f"A record holds {limits.RECORD_BODY_BYTES_MAX} bytes at most. Send less at once."
            )
        request = self._request()
        first = self._heads.position + 1
        self._heads.place(drafts, request, self._clock.now_ms())
        self._start(request, first)
        # The caller gets its own records, without those that opened a log before them.
        request.result = [record for record in request.records if record.header.seq > 1]
        self._writer.put(request)
        return request.future

    def append_foreign(
        self, log: LogName, public_key: bytes, records: Sequence[ForeignRecord], signature: bytes
    ) -> "asyncio.Future[Foreign]":
        """Append consecutive records of another node's log (or of a lost log of this node's earlier starts).
        The signature is the author's, over the last header's hash. Resolves to `Taken` once they are on disk,
        else to `Gap`, `Fork` or `Refused`, and nothing was stored.
        """
        self._check_writable()
        request = self._request()
        verdict = self._heads.judge(log, public_key, records, signature)
        if not isinstance(verdict, Checked):
            request.future.set_result(verdict)
            return request.future
        if not verdict.records:
            request.future.set_result(Taken(()))
            return request.future
        first = self._heads.position + 1
        forks = self._heads.place_foreign(log, public_key, verdict.records, verdict.hashes, request)
        request.signatures[log] = signature
        self._start(request, first)
        request.result = Taken(tuple(request.records), tuple(forks))
        self._writer.put(request)
        return request.future

    def refill(self, fillings: Iterable[Filling]) -> "asyncio.Future[int]":
        """Take in bodies of records held without; how many fitted, once they are on disk and committed.
        Such a record gets a new position, as if it had just arrived; its place in its log stays.
        Raises:
            MatrixError, FatalError: the disk is nearly full, or the store has failed.
        """
        self._check_writable()
        request = self._request()
        first = self._heads.position + 1
        request.refilled = refilled(self._reader, fillings, self._refilling, first)
        request.result = len(request.refilled)
        if not request.refilled:
            request.future.set_result(0)
            return request.future
        self._heads.position += request.result
        self._refilling.update(before for before, _ in request.refilled)
        self._start(request, first)
        self._writer.put(request)
        return request.future

    def hollow(self, position: int, pruned: bytes | None) -> "asyncio.Future[None]":
        """Take a record's body away for good, or leave `pruned` of it; a hollow body never refills.
        Allowed on a full disk, since it makes room. Doing it twice is doing it once."""
        assert 0 < position <= self._heads.position, "only a record that is held can go hollow"
        if self.fatal is not None:
            raise self.fatal
        self._heads.recent.hollow(position)
        request = self._request()
        request.hollow = (position, pruned)
        self._writer.put(request)
        return request.future

    # Reading

    def read(self, position: int) -> Record:
        """The record at `position`, header and body proved.
        Raises:
            Damaged: it is not what was written.
            KeyError: there is no such record.
        """
        record = self._reader.one(position)
        if record is None:
            raise KeyError(position)
        return record

    def read_many(self, positions: Sequence[int]) -> list[Record]:
        """The records at `positions`, in that order; positions without a record are left out."""
        return self._reader.many(positions)

    def bodies(self, positions: Sequence[int]) -> dict[int, bytes]:
        """Bodies by position, proved; hollow ones only where there is a pruned form. Headers are not read."""
        return self._reader.bodies(positions)

    def after(self, position: int, limit: int) -> list[Record]:
        """Up to `limit` records beyond `position`, in the order of their arrival here."""
        return self._reader.after(position, limit, self._head_position)

    def log_records(self, log: LogName, from_seq: int, limit: int) -> list[Record]:
        """Up to `limit` records of one log, from `from_seq` on."""
        log_id = self._reader.log_id(log)
        return [] if log_id is None else self._reader.log(log_id, from_seq, limit)

    def held_of(self, node: bytes) -> list[tuple[LogName, int]]:
        """Every log of a node of which something is held, and the seq of its last record here."""
        rows = self._reader.held("WHERE l.node=? ORDER BY l.log_id", (node,))
        return [(held.log, held.seq) for _, held, _ in rows if held.seq > 0]

    def hash_at(self, log: LogName, seq: int) -> bytes | None:
        """The hash of a record's header, or None if it is not held."""
        return self._heads.hash_at(log, seq)

    def open_of(self, node: bytes) -> list[Held]:
        """The logs of a node that a vector lists."""
        return self._heads.open_of(node)

    def log_signature(self, log: LogName) -> tuple[int, bytes] | None:
        """The head of a log as (seq, the author's signature over its hash)."""
        rows = self._reader.held("WHERE l.log_id=?", (self._reader.log_id(log),))
        return next(((held.seq, signed) for _, held, signed in rows if signed is not None), None)

    def stretch(
        self, log: LogName, after: int, bounds: Bounds = USUAL, read: Read | None = None
    ) -> tuple[list[Record], bytes] | None:
        """Records of one log beyond `after`, at best within the bounds, and their author's signature."""
        held, recent = self._heads.every().get(log), self._heads.recent if read is None else None
        return stretch(self._reader, self.key, held, after, bounds, recent, read or self.log_records)

    def place(self, log: LogName, seq: int) -> int:
        """The position of a record; 0 if it is not here."""
        return self._reader.place(log, seq)

    def public_key(self, node: bytes) -> bytes:
        """The key of a node some of whose records are held. Raises KeyError: there are none."""
        return self._reader.public_key(node)

    def withheld(self) -> Withheld:
        """Which records are held without their bodies."""
        return Withheld(self._reader)

    @property
    def head_position(self) -> int:
        """The position of the last record that is on disk and was told to `on_committed`."""
        return self._head_position

    @property
    def placed_position(self) -> int:
        """The position of the last record, which may be on its way to the disk."""
        return self._heads.position

    @property
    def epoch(self) -> int:
        """The epoch that this process opens its logs with."""
        return self._heads.epoch

    @property
    def start_tag(self) -> bytes:
        """Names this start in a token's local shortcut; until it has written, the last start that did."""
        return self._tag_shown

    def shortcut_valid(self, start_tag: bytes, position: int) -> bool:
        """Whether a token's position was given out here, and not in a future that a restored image lost."""
        if not 0 <= position <= self._head_position:
            return False
        if start_tag == self._tag_shown:
            return True
        first = self._reader.value("SELECT first_position FROM starts WHERE start_tag=?", (start_tag,))
        sql = "SELECT min(first_position) FROM starts WHERE first_position>?"
        following = self._reader.value(sql, (first,))
        return first is not None and (following is None or position < following)

    def vector(self) -> Vector:
        """What is on disk here of every log."""
        return vector_of(self._heads.open.values())

    def held(self) -> Mapping[LogName, Held]:
        """What is on disk here of every log, of the same moment as `vector`."""
        return self._heads.every()

    def held_log(self, log: LogName) -> Held | None:
        """What is held of one log, what is on its way to the disk counted, or None."""
        return self._heads.state(log)

    def merged(self, ours: Vector, theirs: Vector) -> Vector:
        """What either vector holds, by the ends of logs that are known here."""
        return merged(self._heads.every(), ours, theirs)

    def vector_at(self, position: int, lane: Lane, head_position: int) -> Vector:
        """What had arrived up to `head_position`, but of the logs of `lane` only up to `position`."""
        return vector_up_to(self._reader, position, lane, head_position)

    def covers(self, vector: Vector, log: LogName, seq: int) -> bool:
        """Whether the holder of `vector` has the record."""
        return seq <= covered_by(self._heads.state, vector, log)

    def positions_beyond(self, vector: Vector, scopes: Collection[bytes] | None = None) -> list[int]:
        """The positions of all records that the holder of `vector` lacks, of scopes whose names begin so."""
        return positions_beyond(self._reader, vector, self._head_position, scopes)

    def verify(self, progress: Callable[[int], None] = _ignore) -> Report:
        """Check everything: each chain, header, body and head. Slow; `progress` gets the count so far."""
        return verify.verify(self._reader, progress)

    def statistics(self) -> Statistics:
        """Counts and bytes."""
        return verify.statistics(self._reader)

    def close(self) -> None:
        """Commit what is queued, resolve its futures and close the files; within `limits.LOG_DRAIN_S`."""
        if self._closed:
            return
        self._closed = True
        stopped = self._writer.stop(limits.LOG_DRAIN_S)
        self._turns.rest()
        if stopped:
            self._files.close()

    # What goes on between the loop and the writer

    def _request(self) -> Request:
        self._turns.loop = loop = asyncio.get_running_loop()
        assert not self._closed, "a closed log takes nothing"
        return Request(self._generation, loop.create_future())

    def _start(self, request: Request, first_position: int) -> None:
        if not self._tag_queued:
            request.start = (self._tag, first_position)
            self._tag_queued = True

    def _check_writable(self) -> None:
        if self.fatal is not None:
            raise self.fatal
        self.free.check()

    def _deliver(self, done: Done) -> None:
        if done.error is None and self.fatal is None:
            self._committed(done)
        elif done.error is not None and is_full(done.error):
            self._rejected(done)
        else:
            self._failed(done, f"log.db could not be written: {done.error}")

    def _committed(self, done: Done) -> None:
        records: list[Record] = []
        for request in done.requests:
            records += request.records
            records += [record for _, record in request.refilled]
            self.refills += bool(request.refilled)
            self._refilling.difference_update(before for before, _ in request.refilled)
        for request in done.requests:
            self._heads.commit(request)
            if request.start is not None:
                self._tag_shown = self._tag
        if records:
            assert records[0].position > self._head_position, "positions only grow"
            self._head_position = records[-1].position
            try:
                self.on_committed(records)
            except Exception as error:
                return self._failed(done, f"records on disk could not be applied: {error!r}", error)
        for request in done.requests:
            if not request.future.done():
                request.future.set_result(request.result)

    def _rejected(self, done: Done) -> None:
        if done.requests[-1].generation == self._generation:
            self._generation += 1
            self._heads.reset()
            self._tag_queued = self._tag_shown == self._tag
            self.free.ran_out()
            self._refilling.clear()
        self._resolve_with(done, self.free.full)

    def _failed(self, done: Done, what: str, cause: Exception | None = None) -> None:
        if self.fatal is None:
            self.fatal = FatalError(f"The node stops, because {what}. Check the disk, then start it again.")
            self.fatal.__cause__ = cause or done.error
            self.on_fatal(self.fatal)
        fatal = self.fatal
        self._resolve_with(done, lambda: fatal)

    @staticmethod
    def _resolve_with(done: Done, error: Callable[[], Exception]) -> None:
        for request in done.requests:
            if not request.future.done():
                request.future.set_exception(error())
                if request.hollow is not None:
                    request.future.exception()  # nobody waits for these; a rebuild asks for them again
