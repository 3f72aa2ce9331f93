"""The giving half of an exchange: what the peer lacks, by lanes, as far as it allows. DESIGN 7. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bongsu import limits
from bongsu.bearer.backlog import Backlog
from bongsu.bearer.message import Want
from bongsu.log.epoch import Held, covered
from bongsu.log.record import Lane, LogName
from bongsu.log.vector import Vector


class Ledger(Protocol):
    """What is on disk here. Both must be of the same moment."""

    def vector(self) -> Vector:
        """The version vector of it."""

    def held(self) -> Mapping[LogName, Held]:
        """Every log known here, settled ones too."""

    def place(self, log: LogName, seq: int) -> int:
        """Which record it was of all that arrived here, counted from 1; 0 if it is not here."""


@dataclass(frozen=True, slots=True)
class Load:
    """Output: read records of `log` after `after` into a bundle and hand it to `loaded`.

    `until`: at which place of arrival to stop, None for none; what one signature covers goes beyond it.
    """

    log: LogName
    after: int
    until: int | None = None


class Giver:
    """What one peer wants. Of the records it holds only cursors: one for each log.

    One `Load` is out at a time, so that a driver that answers it once its link takes more bytes needs no
    queue of its own.
    """

    def __init__(
        self,
        ledger: Ledger,
        node: bytes,
        *,
        relays: bool,
        peer: bytes = b"",
        lanes: frozenset[Lane] = frozenset(Lane),
    ) -> None:
        self._may_give = lanes
        self._ledger = ledger
        self._node = node
        self._relays = relays
        self._peer = peer
        self.want: int = 0
        self._lanes: frozenset[Lane] = frozenset()
        self._without: frozenset[LogName] = frozenset()
        self._window = 0
        self._allowed = 0
        self._given = 0
        self._unsaid = False
        self._loading: Load | None = None
        self._cursors: dict[LogName, int] = {}
        self._backlogs = {lane: Backlog(ledger.place) for lane in Lane}
        self._confirmed: dict[LogName, int] = {}

    @property
    def busy(self) -> bool:
        """Whether more will be given without another word from the peer."""
        waiting = any(self._backlogs.values()) and self._given < self._allowed
        return self._loading is not None or waiting

    def wanted(self, want: Want) -> None:
        """The peer wants; what was wanted before is forgotten."""
        self.want, self._without = want.number, want.without
        self._lanes = want.lanes & self._may_give
        self._window = self._allowed = want.window
        self._given, self._unsaid = 0, False
        self._cursors.clear()
        for backlog in self._backlogs.values():
            backlog.clear()
        held = self._ledger.held()
        for log in held:
            if log.lane in self._lanes and log not in self._without:
                self._cursors[log] = covered(held, want.vector, log)
                self._queue(log, held)

    def lacking(self) -> int:
        """How many records the peer lacks of what it wants, as far as it said."""
        held = self._ledger.held()
        return sum(max(0, held[log].seq - after) for log, after in self._cursors.items())

    def consumed(self, want: int, count: int) -> None:
        """The peer has room again for that many bytes of what was given."""
        if want == self.want:
            self._allowed = max(self._allowed, self._window + count)

    def has(self, log: LogName, seq: int) -> None:
        """The peer has this on its disk, wherever from."""
        self._confirmed[log] = max(self._confirmed.get(log, 0), seq)
        if log in self._cursors:
            self._cursors[log] = max(self._cursors[log], seq)

    def known(self, log: LogName) -> int:
        """Up to which seq the peer said to have a log, or was asked by it to go on from."""
        return self._confirmed.get(log, 0)

    def advanced(self, log: LogName) -> None:
        """More of a log is on disk here. What others wrote, they give themselves, unless this node relays.

        What the peer itself wrote it has, unless it wants it: given back, it would be refused.
        """
        follows = log.node == self._node or (self._relays and log.node != self._peer)
        if self.want and follows and log.lane in self._lanes and log not in self._without:
            self._cursors.setdefault(log, 0)
            self._queue(log, self._ledger.held())

    def next(self) -> Load | None:
        """What to read next, if anything may be given now."""
        if self._loading is None and self._given < self._allowed:
            held = self._ledger.held()
            for backlog in self._backlogs.values():
                while (first := backlog.pop()) is not None:
                    log, after = first
                    if self._cursors[log] != after:
                        self._queue(log, held)
                        continue
                    other = backlog.first_place()
                    until = None if other is None else other + limits.GIVEN_AHEAD_RECORDS
                    self._loading = Load(log, after, until)
                    return self._loading
        return None

    def urgent(self, load: Load) -> Load:
        """What to read instead, where something of a more urgent lane has come since `load` was said."""
        assert load is self._loading, "one load is out at a time"
        lane = load.log.lane
        if any(backlog for other, backlog in self._backlogs.items() if other < lane):
            self._loading = None
            if load.log in self._cursors:
                self._queue(load.log, self._ledger.held())
            self._loading = self.next() or load
        return self._loading

    def loaded(self, load: Load, size: int, last_seq: int) -> bool:
        """Whether to give what was read. `size` 0: nothing can be read of this log."""
        assert load is self._loading, "one load is out at a time"
        self._loading = None
        log = load.log
        if log not in self._cursors or self._cursors[log] != load.after:
            if log in self._cursors:
                self._queue(log, self._ledger.held())
            return False  # wanted anew meanwhile, or no more
        if size == 0:
            return False  # asked for again at the next want
        self._cursors[log] = last_seq
        self._given += size
        self._unsaid = True
        self._queue(log, self._ledger.held())
        return True

    def done(self) -> bool:
        """Whether everything has been given, and that has not been said yet."""
        if not self._unsaid or self._loading is not None or any(self._backlogs.values()):
            return False
        self._unsaid = False
        return True

    def _queue(self, log: LogName, held: Mapping[LogName, Held]) -> None:
        if self._cursors[log] < held[log].seq:
            self._backlogs[log.lane].add(log, self._cursors[log])
