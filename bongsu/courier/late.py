"""Bodies in a file of records whose headers came before them, by another courier: they are filled in last.

Only what builds on nothing that still lacks: shown sooner, it would wait and hold back its log."""

from collections.abc import Iterable

from bongsu import limits
from bongsu.hub.fill import Dot
from bongsu.log.record import BodyState, ForeignRecord, LogName
from bongsu.log.store import LogStore
from bongsu.log.withheld import BEGINNING, Filling


class Late:
    """What one file has of such scopes, bounded: the next file brings the rest."""

    def __init__(self) -> None:
        self.scopes: set[bytes] = set()
        self._bodies: dict[Dot, tuple[BodyState, bytes | None]] = {}
        self._found: set[bytes] = set()
        self._size = 0

    def note(self, log: LogName, records: Iterable[ForeignRecord]) -> None:
        """Keep the bodies of these that are of the scopes; their headers' hashes prove them later."""
        for each in records:
            if each.header.scope in self.scopes and each.state in (BodyState.FULL, BodyState.HOLLOW):
                self._size += len(each.body or b"")
                if self._size > limits.CARRY_LATE_BYTES_MAX:
                    return
                self._bodies[log, each.header.seq] = (each.state, each.body)
                self._found.add(each.header.scope)

    async def fill(self, log: LogStore) -> int:
        """Fill in what fits, of each scope from its first that lacks to the first that is not here.

        Raises:
            MatrixError, FatalError: the disk is full, or has failed.
        """
        filled = 0
        for scope in sorted(self._found):
            while fillings := self._next(log, scope):
                fitted = await log.refill(fillings)
                filled += fitted
                if fitted < len(fillings):
                    break  # one of them is not what its header says
        return filled

    def _next(self, log: LogStore, scope: bytes) -> list[Filling]:
        found: list[Filling] = []
        for _, name, seq in log.withheld().of(scope, BEGINNING, limits.FILL_RECORDS_MAX):
            body = self._bodies.get((name, seq))
            if body is None:
                break
            found.append(Filling(name, seq, *body))
        return found
