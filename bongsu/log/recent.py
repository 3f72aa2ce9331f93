"""What this process wrote last, kept in memory: links hand it on at once, and need not read it from disk."""

from collections import deque

from bongsu import limits
from bongsu.log.record import BodyState, LogName, Record


class Recent:
    """The newest committed records of each log that this process opened, without a gap between them."""

    def __init__(self) -> None:
        self._logs: dict[LogName, deque[Record]] = {}

    def committed(self, records: list[Record], node: bytes, epoch: int) -> None:
        """These are on disk."""
        for record in records:
            log = record.log
            if log.epoch != epoch or log.node != node:
                continue
            kept = self._logs.setdefault(log, deque(maxlen=limits.RECENT_RECORDS_MAX))
            # A large body would take the room of many small ones.
            small = record.state == BodyState.FULL and len(record.body or b"") <= limits.RECENT_BODY_BYTES_MAX
            if not small or (kept and kept[-1].header.seq + 1 != record.header.seq):
                kept.clear()
            if small:
                kept.append(record)

    def hollow(self, position: int) -> None:
        """A body is to go: nobody gets it from here any more."""
        for log, kept in list(self._logs.items()):
            if kept and kept[0].position <= position <= kept[-1].position:
                del self._logs[log]

    def after(self, log: LogName, seq: int, most: int) -> list[Record]:
        """The records behind `seq`, up to `most`; none if the first of them is not here."""
        kept = self._logs.get(log)
        if not kept or not kept[0].header.seq <= seq + 1 <= kept[-1].header.seq:
            return []
        first = seq + 1 - kept[0].header.seq
        return [kept[at] for at in range(first, min(first + most, len(kept)))]
