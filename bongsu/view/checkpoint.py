"""Folding view.db's write-ahead log in, off the loop: its fsync would hold up every request."""

import logging
import sqlite3
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

from bongsu import limits

logger = logging.getLogger(__name__)


class Checkpointer:
    """One thread, one checkpoint at a time; asked after every batch, it looks at the size now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._pool = self.new_pool()
        self._running: Future[None] | None = None
        self._batches = 0

    @staticmethod
    def new_pool() -> Executor:
        """The simulator's to replace: when a thread is done, no seed says."""
        return ThreadPoolExecutor(1, thread_name_prefix="checkpoint")

    def after_batch(self) -> None:
        """Start a checkpoint if the write-ahead log has grown; never waits."""
        self._batches += 1
        if self._batches % limits.CHECKPOINT_EVERY_BATCHES:
            return
        if self._running is not None and not self._running.done():
            return
        if self._wal.stat().st_size > limits.CHECKPOINT_WAL_BYTES:
            self._running = self._pool.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        connection = sqlite3.connect(self._path)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.OperationalError as error:
            # The view can be rebuilt, so its disk trouble stops nobody; the log finds its own.
            logger.warning("view.db could not be checkpointed: %s", error)
        finally:
            connection.close()

    def wait(self) -> None:
        """Wait for a checkpoint under way: the file is about to be another."""
        if self._running is not None:
            self._running.result()

    def close(self) -> None:
        """Wait for a checkpoint under way."""
        self._pool.shutdown(wait=True)
