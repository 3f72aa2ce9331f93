"""Where the next record goes: positions, seqs, links and hashes, given out in the order of the calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bongsu.log.epoch import Fork, Held, Opening, ends_to_name, fork_at_end, settle, unheld
from bongsu.log.foreign import Checked, Gap, Refused, check
from bongsu.log.reader import Reader
from bongsu.log.recent import Recent
from bongsu.log.record import (
    BodyState,
    Draft,
    ForeignRecord,
    Header,
    Kind,
    Lane,
    LogName,
    Record,
    body_hash,
    header_hash,
    scope_id,
    service_scope,
)
from bongsu.log.schema import WHERE_LOG_OPEN
from bongsu.log.vector import prefix_of
from bongsu.log.writer import Request

Judged = Checked | Gap | Fork | Refused


@dataclass(slots=True)
class _OwnLog:
    """A log this process opened. Only such a log is ever appended to."""

    held: Held
    seq: int
    hash: bytes
    links: dict[bytes, int] = field(default_factory=dict)


class Heads:
    """What is held of every log: `committed` is on disk, `latest` also counts what is queued."""

    def __init__(
        self, reader: Reader, node: bytes, public_key: bytes, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._random_bytes = random_bytes
        self.reader = reader
        self.node = node
        self.public_key = public_key
        self.nodes: dict[bytes, bytes] = {}
        self.ordinal_min = 0
        self.recent = Recent()
        self.reset()

    def reset(self) -> None:
        """Forget what is queued and begin a new epoch: a seq of a failed batch is never used again."""
        self.epoch = int.from_bytes(self._random_bytes(8), "big")
        self._own: dict[Lane, _OwnLog] = {}
        self._ordinal = 0
        self.log_ids: dict[LogName, int] = {}
        self.committed: dict[LogName, Held] = {}
        for log_id, held, _ in self.reader.held(WHERE_LOG_OPEN):
            self.log_ids[held.log] = log_id
            self.committed[held.log] = held
        self.latest = dict(self.committed)
        self.open = {log: held for log, held in self.committed.items() if not held.settled}
        self._whole = False
        self._next_log_id = int(self.reader.value("SELECT max(log_id) FROM logs") or 0) + 1
        self.position = int(self.reader.value("SELECT max(position) FROM records") or 0)
        rows = self.reader.rows("SELECT prefix, node FROM nodes")
        self.nodes = dict(rows)

    def hash_at(self, log: LogName, seq: int) -> bytes | None:
        """The hash of a committed record's header, or None if it is not held."""
        state = self.every().get(log)
        if state is None or not 0 < seq <= state.seq:
            return None
        if seq == state.seq:
            return state.hash
        log_id = self.reader.log_id(log)
        found = self.recent.after(log, seq - 1, 1)
        if not found and log_id is not None:
            found = self.reader.log(log_id, seq, 1)
        return found[0].hash if found else None

    def open_of(self, node: bytes) -> list[Held]:
        """The logs of a node that a vector lists, as they are on disk."""
        return [held for log, held in self.open.items() if log.node == node and held.seq > 0]

    def place(self, drafts: Sequence[Draft], request: Request, now_ms: int) -> None:
        """Turn drafts into records at the ends of this node's logs."""
        for draft in drafts:
            if draft.lane not in self._own:
                self._open(draft.lane, request, now_ms)
            own = self._own[draft.lane]
            request.records.append(self._next(own, draft))
        self._touch(request, {draft.lane for draft in drafts})

    def place_foreign(
        self,
        log: LogName,
        public_key: bytes,
        records: Sequence[ForeignRecord],
        hashes: Sequence[bytes],
        request: Request,
    ) -> list[Fork]:
        """Put checked records of another node behind what is held of their log."""
        forks: list[Fork] = []
        opening = None
        if records[0].header.seq == 1:
            assert records[0].body is not None, "the opening record was checked"
            opening = Opening.decode(records[0].body)
        before = self.state(log) or unheld(log, opening.ordinal if opening else 0)
        assert before.seq + 1 == records[0].header.seq, "foreign records follow what is held"
        for record, digest in zip(records, hashes, strict=True):
            self.position += 1
            request.records.append(
                Record(self.position, log, record.header, digest, record.body, BodyState(record.state))
            )
        self._know(public_key, log.node, request)
        ordinal = opening.ordinal if opening else before.ordinal
        after = replace(before, ordinal=ordinal, seq=records[-1].header.seq, hash=hashes[-1])
        self._set(after, request)
        if opening is not None:
            forks += self._settle(log, opening, request)
        return forks

    def commit(self, request: Request) -> None:
        """The request is on disk."""
        self.committed.update(request.held)
        self.recent.committed(request.records, self.node, self.epoch)
        for log, held in request.held.items():
            if held.settled:
                self.open.pop(log, None)
            else:
                self.open[log] = held

    def every(self) -> Mapping[LogName, Held]:
        """What is on disk of every log; settled ones are read once somebody wants to give them on."""
        if not self._whole:
            for log_id, held, _ in self.reader.held():
                self.log_ids.setdefault(held.log, log_id)
                self.committed.setdefault(held.log, held)
                self.latest.setdefault(held.log, held)
            self._whole = True
        return self.committed

    def state(self, log: LogName) -> Held | None:
        """What is held of a log, queued records counted."""
        if log not in self.latest:
            log_id = self.reader.log_id(log)
            if log_id is None:
                return None
            for number, held, _ in self.reader.held("WHERE l.log_id=?", (log_id,)):
                self.log_ids[log] = number
                self.committed[log] = self.latest[log] = held
        return self.latest[log]

    def known(self, log: LogName) -> Held:
        """What is held of a log, perhaps nothing."""
        return self.state(log) or unheld(log, 0)

    def judge(self, log: LogName, key: bytes, records: Sequence[ForeignRecord], signature: bytes) -> Judged:
        """Whether records of another node may be stored, and which of them are new."""
        if log.node == self.node and log.epoch == self.epoch:
            return Refused("This process alone writes this log.")
        if self.nodes.get(prefix_of(log.node), log.node) != log.node:
            return Refused("The node's name begins like that of another node. Give it a new key.")
        held = self.known(log)
        known: dict[int, bytes] = {}
        # Records that follow what is held need nothing that is older.
        if records and records[0].header.seq != held.seq + 1:
            log_id = self.reader.log_id(log)
            if log_id is not None:
                known = self.reader.hashes(log_id, records[0].header.seq - 1, records[-1].header.seq)
        return check(log, held, known, key, records, signature)

    def _next(self, own: _OwnLog, draft: Draft) -> Record:
        scope = scope_id(draft.scope) if isinstance(draft.scope, str) else draft.scope
        own.seq += 1
        self.position += 1
        link = own.links.get(scope, 0)
        header = Header(own.seq, draft.kind, scope, link, draft.stamp, body_hash(draft.body))
        own.links[scope] = own.seq
        own.hash = header_hash(own.hash, header)
        return Record(self.position, own.held.log, header, own.hash, draft.body, BodyState.FULL)

    def _open(self, lane: Lane, request: Request, now_ms: int) -> None:
        if self._ordinal == 0:
            top = self.reader.value("SELECT max(ordinal) FROM logs WHERE node=?", (self.node,)) or 0
            mine = [held.ordinal for held in self.latest.values() if held.log.node == self.node]
            self._ordinal = max(int(top), *mine, self.ordinal_min) + 1
            self._know(self.public_key, self.node, request)
        log = LogName(self.node, self.epoch, lane)
        assert log not in self.latest, "an epoch is opened once a lane"
        held = unheld(log, self._ordinal)
        own = self._own[lane] = _OwnLog(held, held.seq, held.hash)
        opening = Opening(self._ordinal, ends_to_name(self.latest.values(), self.node, self._ordinal))
        draft = Draft(Kind.EPOCH, service_scope(), lane, now_ms, opening.encode())
        request.records.append(self._next(own, draft))
        self._touch(request, {lane})
        self._settle(log, opening, request)

    def _touch(self, request: Request, lanes: set[Lane]) -> None:
        for lane in lanes:
            own = self._own[lane]
            before = self.latest.get(own.held.log, own.held)
            # Not dataclasses.replace: this runs once an append, and that costs as much as the hashing.
            after = Held(before.log, before.ordinal, own.seq, own.hash, before.end, before.named_by)
            assert not before.also_named_by, "a log that this process opened has no end yet"
            self._set(after, request)

    def _settle(self, log: LogName, opening: Opening, request: Request) -> list[Fork]:
        forks = []
        for end in opening.ends:
            state = self.state(LogName(log.node, end.epoch, end.lane))
            fork = None if state is None else fork_at_end(state, end)
            if fork is not None:
                forks.append(fork)
        for held in settle(self.latest, log, opening):
            self._set(held, request)
        return forks

    def _set(self, held: Held, request: Request) -> None:
        for log in (held.log, *(each.log for each in held.namings)):
            if log not in self.log_ids:
                self.state(log)
            if log not in self.log_ids:
                self.log_ids[log] = self._next_log_id
                self._next_log_id += 1
            request.log_ids[log] = self.log_ids[log]
        self.latest[held.log] = request.held[held.log] = held

    def _know(self, public_key: bytes, node: bytes, request: Request) -> None:
        if prefix_of(node) not in self.nodes:
            self.nodes[prefix_of(node)] = node
            request.nodes.append((node, prefix_of(node), public_key))
