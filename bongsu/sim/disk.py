"""The disk under one node: real SQLite files that can be cut, copied, spoiled, filled up and slowed down."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bongsu.log.schema import Connection, Cursor, Row, connect
from bongsu.log.writer import Transactions, Writer
from bongsu.sim.loop import Loop

SECTOR_BYTES = 512
# What SQLite makes anew, and what a process holds.
_NOT_KEPT = ("-shm", ".lock", ".part", ".new", ".new-wal")
# What identifies the node; an operator puts it onto a new disk.
KEPT_BY_OPERATORS = ("node.key", "certificate", "root_key")

Image = dict[str, bytes]


def read_image(folder: Path) -> Image:
    """Every file of a data directory, as the operating system holds it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(_NOT_KEPT)
    }


def write_image(folder: Path, image: Image) -> None:
    """A data directory with these files."""
    for name, content in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)


def without_unsynced(image: Image, rnd: random.Random) -> Image:
    """What a power cut leaves: log.db syncs every commit, view.db none of what its write-ahead file holds."""
    left = dict(image)
    wal = left.get("view.db-wal", b"")
    left["view.db-wal"] = wal[: rnd.randrange(len(wal) + 1)]
    return left


def torn(before: bytes, after: bytes, rnd: random.Random) -> bytes:
    """A file in the middle of being written: of what changed, some sectors are there and some are not."""
    size = max(len(before), len(after))
    left = bytearray(before.ljust(size, b"\0"))
    for offset in range(0, size, SECTOR_BYTES):
        if rnd.random() < 0.5:
            left[offset : offset + SECTOR_BYTES] = after[offset : offset + SECTOR_BYTES].ljust(
                min(SECTOR_BYTES, size - offset), b"\0"
            )
    return bytes(left)


def spoil(image: Image, name: str, rnd: random.Random, *, cut: bool) -> None:
    """Flip a bit of a file, or cut its end off."""
    content = bytearray(image.get(name, b""))
    if not content:
        return
    at = rnd.randrange(len(content))
    if cut:
        del content[at:]
    else:
        content[at] ^= 1 << rnd.randrange(8)
    image[name] = bytes(content)


class Disk:
    """The faults of one node's disk at this moment; they outlive its processes."""

    def __init__(self, loop: Loop, rnd: random.Random) -> None:
        self.loop = loop
        self.random = rnd
        self.sync_s = 0.002
        self.full = False
        self.sync_fails = False
        # Commits until the power goes off in the middle of one; None: it stays on.
        self.commits_until_cut: int | None = None
        self.cut: Callable[[Image], None] = lambda _: None

    def open(self, path: Path) -> Connection:
        """A connection to log.db over this disk."""
        return _Connection(self, path)

    def writer(self, transactions: Transactions, wake: Callable[[], None]) -> Writer:
        """The log's writer, on the loop instead of in a thread."""
        transactions.checkpoint_pages = self.random.choice([20, 100, 4_096])
        return _Writer(transactions, wake, self)

    def commit(self, connection: sqlite3.Connection, folder: Path) -> None:
        """Commit, unless something is wrong with the disk."""
        if self.sync_fails:
            # Nobody knows whether it is on disk; only that it may not be acknowledged.
            connection.execute(self.random.choice(["COMMIT", "ROLLBACK"]))
            raise sqlite3.OperationalError("disk I/O error")
        if self.commits_until_cut is None:
            connection.execute("COMMIT")
            return
        self.commits_until_cut -= 1
        if self.commits_until_cut >= 0:
            connection.execute("COMMIT")
            return
        self.commits_until_cut = None
        before = read_image(folder)
        connection.execute("COMMIT")
        left = read_image(folder)
        for name in ("log.db", "log.db-wal"):
            left[name] = torn(before.get(name, b""), left.get(name, b""), self.random)
        self.cut(without_unsynced(left, self.random))
        raise sqlite3.OperationalError("the power is off")

    def check_room(self) -> None:
        """Refuse to write where nothing is left."""
        if self.full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error


class _Connection:
    """A connection to log.db whose commits depend on the disk."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._folder = path.parent
        self._connection: sqlite3.Connection = connect(path)  # type: ignore[assignment]

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, parameters: Row = (), /) -> Cursor:
        if sql == "COMMIT":
            self._disk.commit(self._connection, self._folder)
            return self._connection.cursor()
        if sql.startswith("INSERT"):
            self._disk.check_room()
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Row], /) -> Cursor:
        return self._connection.executemany(sql, parameters)

    def close(self) -> None:
        self._connection.close()


class _Writer(Writer):
    """Commits what was put when the disk has had its time."""

    def __init__(self, transactions: Transactions, wake: Callable[[], None], disk: Disk) -> None:
        super().__init__(transactions, wake)
        self._disk = disk
        self._due = False

    def put(self, request: Any) -> None:
        self._queue.put(request)
        if not self._due:
            self._due = True
            self._disk.loop.call_later(self._disk.sync_s, self._write)

    def stop(self, timeout_s: float) -> bool:
        self._write()
        return True

    def _write(self) -> None:
        self._due = False
        self._queue.put(None)
        self._run()


def remove(folder: Path) -> None:
    """A directory that nobody uses any more."""
    shutil.rmtree(folder, ignore_errors=True)
