"""log.db's files: one process at a time, two connections, and the room left on the disk."""

import fcntl
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bongsu.errors import FatalError, InUse, StoreDamaged
from bongsu.log.schema import Connection, Opener, prepare


@dataclass(frozen=True, slots=True)
class Files:
    """The open files. Only the writer's thread uses `writing`, only the loop's uses `reading`."""

    writing: Connection
    reading: Connection
    lock: int

    def close(self) -> None:
        """Close everything; the last connection folds the write-ahead file in."""
        self.reading.close()
        self.writing.close()
        os.close(self.lock)


def open_files(path: Path, opener: Opener) -> Files:
    """Open log.db for this process alone, made if it is not there.

    Raises:
        FatalError: another process has it open, or it is not a log.db.
    """
    lock = lock_file(path)
    writing: Connection | None = None
    try:
        writing = opener(path)
        prepare(writing)
        return Files(writing, opener(path), lock)
    except Exception as error:
        if writing is not None:
            with suppress(Exception):  # the first error is the one to tell
                writing.close()
        os.close(lock)
        kind = StoreDamaged if _is_damage(error) else FatalError
        raise kind(f"{path} cannot be opened: {error}. Restore it, or move it away.") from error


def free_bytes(path: Path) -> int:
    """What an ordinary user may still write to the disk that holds `path`."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def _is_damage(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    # The lower byte is the kind, the rest says more.
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def lock_file(path: Path) -> int:
    """Keep every other process from log.db until the descriptor is closed.

    Raises:
        InUse: another process has it.
    """
    # Two processes that append to one log would give the same position to different records.
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FatalError(f"{path} cannot be opened: {error.strerror}. Check the data directory.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InUse(f"{path} is in use by another process. Stop it first.") from error
    return lock
