"""Bodies that must go from the log, remembered until they are gone: a crash between must not keep them."""

import asyncio

from bongsu.log.store import LogStore
from bongsu.view.db import Database


class Hollows:
    """Asked for while a batch is applied; sent to the log once the batch's rows are committed."""

    def __init__(self, db: Database, log: LogStore) -> None:
        self._db = db
        self._log = log
        self._batch: list[tuple[int, bytes | None]] = []
        self._gone: list[int] = []

    def request(self, position: int, pruned: bytes | None) -> None:
        """Take the body at `position` away, or leave `pruned` of it. Part of the batch's transaction."""
        self._db.run("INSERT OR REPLACE INTO hollowing VALUES(?,?)", (position, pruned))
        self._batch.append((position, pruned))

    def forget_gone(self) -> None:
        """Drop what the log has done since. Part of the next batch's transaction."""
        gone, self._gone = self._gone, []
        self._db.run_many("DELETE FROM hollowing WHERE position=?", [(position,) for position in gone])

    def committed(self) -> None:
        """The batch's rows are on disk: now the bodies may go."""
        batch, self._batch = self._batch, []
        for position, pruned in batch:
            self._send(position, pruned)

    def rolled_back(self) -> None:
        """The batch did not happen."""
        self._batch.clear()

    def resume(self) -> None:
        """After a start: ask again for what a crash may have kept."""
        for position, pruned in self._db.all("SELECT position, pruned FROM hollowing ORDER BY position"):
            self._send(position, pruned)

    def _send(self, position: int, pruned: bytes | None) -> None:
        def done(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and future.exception() is None:
                self._gone.append(position)

        self._log.hollow(position, pruned).add_done_callback(done)
