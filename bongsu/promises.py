"""When a batch of records may be shown, and with which promise. DESIGN 3, invariant 1. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bongsu import limits
from bongsu.log.record import LogName, Record
from bongsu.log.vector import Vector


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on this disk in order of position, and the vector that tells of them all.

    `needs`: the seqs of this node's own logs that another site has to hold before the promise is two sites.
    """

    records: Sequence[Record]
    vector: Vector
    needs: dict[LogName, int]
    deadline_s: float

    @property
    def last_position(self) -> int:
        """Where the batch ends."""
        return self.records[-1].position


@dataclass(slots=True)
class _HeldHere:
    """Positions shown before another site had them, and what would make good for them."""

    first_position: int
    last_position: int
    needs: dict[LogName, int]
    of_this_start: bool = True


class Promises:
    """Batches wait here for another site, in order; never longer than the bound.

    After one time-out the node counts itself alone and waits for nobody, until a peer answers again.
    """

    def __init__(self, node: bytes, *, waits: bool, bound_s: float, tells: bool | None = None) -> None:
        """`tells`: whether what only this site has is called so; a hub tells, and waits for nobody."""
        self._node = node
        self._waits = waits
        self.tells = waits if tells is None else tells
        self._bound_s = bound_s
        self._safe: dict[LogName, int] = {}
        self._queue: deque[Batch] = deque()
        self._here: deque[_HeldHere] = deque()
        self.alone = not waits
        # How many batches were shown with each promise, for operators.
        self.counts = {"two_sites": 0, "here": 0}

    def committed(self, records: Sequence[Record], vector: Vector, now_s: float) -> None:
        """A batch is on disk here."""
        needs = {record.log: record.header.seq for record in records if record.log.node == self._node}
        self._queue.append(Batch(records, vector, needs, now_s + self._bound_s))

    def acknowledged(self, log: LogName, seq: int) -> None:
        """A node of another core site has this node's log on disk up to `seq`."""
        self.alone = not self._waits
        if seq > self._safe.get(log, 0):
            self._safe[log] = seq
            if any(self._is_safe(each.needs) for each in self._here):
                self._here = deque(each for each in self._here if not self._is_safe(each.needs))

    def nobody(self) -> None:
        """No link to another site is up: nobody is waited for until one is and answers."""
        self.alone = True

    def somebody(self) -> None:
        """A link to another site is up again."""
        self.alone = not self._waits

    def ready(self, now_s: float, records_max: int = limits.SHOWN_AT_ONCE_RECORDS) -> list[Batch]:
        """The batches that may be shown now, in order; those behind so many records come next time."""
        released: list[Batch] = []
        while self._queue and sum(len(batch.records) for batch in released) < records_max:
            batch = self._queue[0]
            safe = self._is_safe(batch.needs)
            if not safe and not self.alone:
                if now_s < batch.deadline_s:
                    break
                self.alone = True
            released.append(self._queue.popleft())
            if batch.needs:
                self.counts["two_sites" if safe and self._waits else "here"] += 1
            if not safe and self.tells:
                self._remember(batch)
        return released

    @property
    def deadline_s(self) -> float | None:
        """When `ready` has to be asked again at the latest; None: nothing waits."""
        if not self._queue:
            return None
        ready = self.alone or self._is_safe(self._queue[0].needs)
        return 0.0 if ready else self._queue[0].deadline_s

    @property
    def holds_here(self) -> bool:
        """Whether anything shown is at this site alone."""
        return bool(self._here)

    def is_held_here(self, position: int) -> bool:
        """Whether what is shown at this position is at this site alone, in a service of several."""
        return any(held.first_position <= position <= held.last_position for held in self._here)

    def remember(self, first_position: int, last_position: int, needs: dict[LogName, int]) -> None:
        """What an earlier start of this node left without a promise."""
        self._here.appendleft(_HeldHere(first_position, last_position, needs, of_this_start=False))

    def promised_upto(self, position: int) -> int:
        """Up to which of the positions shown, the last of which this is, everything was promised."""
        return min((each.first_position - 1 for each in self._here), default=position)

    def _is_safe(self, needs: dict[LogName, int]) -> bool:
        return all(self._safe.get(log, 0) >= seq for log, seq in needs.items())

    def _remember(self, batch: Batch) -> None:
        last = self._here[-1] if self._here else None
        adjoins = last is not None and last.last_position + 1 == batch.records[0].position
        if last is not None and adjoins and last.of_this_start:
            # A site that is cut off for days remembers one stretch, not each of its batches.
            last.last_position = batch.last_position
            last.needs.update(batch.needs)
            return
        self._here.append(_HeldHere(batch.records[0].position, batch.last_position, dict(batch.needs)))
