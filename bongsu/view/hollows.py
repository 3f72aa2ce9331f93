"""Bodies that must go from the log, remembered until they are gone: a crash between must not keep them."""

import asyncio
from collections.abc import Callable

from bongsu import limits
from bongsu.log.store import LogStore
from bongsu.view.db import Database


class Hollows:
    """Asked for while a batch is applied; sent to the log once the batch's rows are committed and it is due.

    A body is held back for a while where another node could have lied: what it had superseded, redacted
    or delivered comes back with its revocation (docs/decisions/authority.md).
    """

    def __init__(self, db: Database, log: LogStore, now_ms: Callable[[], int], hold_ms: int) -> None:
        self._db = db
        self._log = log
        self._now_ms = now_ms
        self._hold_ms = hold_ms
        self._batch: list[tuple[int, bytes | None]] = []
        self._gone: list[int] = []
        self._sent: set[int] = set()
        # How many bodies have gone: who keeps copies in memory drops them when this rises.
        self.gone = 0

    def request(self, position: int, pruned: bytes | None) -> None:
        """Take the body at `position` away, or leave `pruned` of it. Part of the batch's transaction."""
        due = self._now_ms() + self._hold_ms if self._hold_ms else 0
        self._db.run("INSERT OR REPLACE INTO hollowing VALUES(?,?,?)", (position, pruned, due))
        if not due:
            self._batch.append((position, pruned))

    def forget_gone(self) -> None:
        """Drop what the log has done since. Part of the next batch's transaction."""
        gone, self._gone = self._gone, []
        self._db.run_many("DELETE FROM hollowing WHERE position=?", [(position,) for position in gone])
        self._sent.difference_update(gone)

    def committed(self) -> None:
        """The batch's rows are on disk: now the bodies may go, and those whose time has come."""
        batch, self._batch = self._batch, []
        for position, pruned in batch:
            self._send(position, pruned)
        if self._hold_ms:
            self._send_due()

    def mark(self) -> int:
        """Where the batch stands before one record of it."""
        return len(self._batch)

    def back_to(self, mark: int) -> None:
        """What that record asked for did not happen."""
        del self._batch[mark:]

    def rolled_back(self) -> None:
        """The batch did not happen."""
        self._batch.clear()

    def resume(self) -> None:
        """After a start: ask again for what a crash may have kept."""
        rows = self._db.all("SELECT position, pruned FROM hollowing WHERE due=0 ORDER BY position")
        for position, pruned in rows:
            self._send(position, pruned)

    def _send_due(self) -> None:
        if self._sent:
            return  # those first; the rows go with the next batch
        sql = "SELECT position, pruned FROM hollowing WHERE due<=? ORDER BY due LIMIT ?"
        for position, pruned in self._db.all(sql, (self._now_ms(), limits.HOLLOWS_AT_ONCE)):
            self._sent.add(position)
            self._send(position, pruned)

    def _send(self, position: int, pruned: bytes | None) -> None:
        def done(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and future.exception() is None:
                self._gone.append(position)
                self.gone += 1
            else:
                self._sent.discard(position)

        self._log.hollow(position, pruned).add_done_callback(done)
