"""A disk that forgets what was not synced, tears writes, fills up, and fails to sync: an apsw VFS."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import apsw

SECTOR_BYTES = 512


class Disk(apsw.VFS):
    """Every file has the bytes that are safe and, in order, the writes that are not yet."""

    def __init__(self, seed: int) -> None:
        self.name = f"disk-{seed}-{id(self)}"
        self.random = random.Random(seed)
        self.files: dict[str, DiskFile] = {}
        self.writes_until_cut: int | None = None
        self.off = False
        self.full = False
        self.sync_fails = False
        self.syncs = 0
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> "DiskFile":
        return DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.files.pop(filename, None)
        super().xDelete(filename, syncdir)

    def open(self, path: Path) -> "Shared":
        """The one connection to `path`: a VFS in Python has no shared memory for a second one."""
        connection = apsw.Connection(str(path), vfs=self.name)
        connection.execute("PRAGMA locking_mode=exclusive").fetchall()
        return Shared(connection)

    def let_go(self) -> None:
        """Work again, so that SQLite can close what the test throws away."""
        self.off = self.full = self.sync_fails = False
        self.writes_until_cut = None

    def cut(self, folder: Path) -> None:
        """What is left after a power cut: safe bytes, and any part of the rest."""
        self.off = True
        for name, file in self.files.items():
            (folder / Path(name).name).write_bytes(file.survivors())


class DiskFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name if isinstance(name, str) or name is None else name.filename()
        self.disk = disk
        self.safe = bytearray()
        self.unsafe: list[tuple[int, bytes | None]] = []  # None: cut off at the offset
        super().__init__("", name, flags)
        if path is not None:
            disk.files[path] = self

    def xWrite(self, data: bytes, offset: int) -> None:
        disk = self.disk
        if disk.off:
            raise apsw.IOError("the power is off")
        if disk.full:
            error = apsw.FullError("the disk is full")
            error.result = error.extendedresult = apsw.SQLITE_FULL
            raise error
        if disk.writes_until_cut is not None:
            disk.writes_until_cut -= 1
            if disk.writes_until_cut < 0:
                self.unsafe.append((offset, bytes(data[: disk.random.randrange(len(data) + 1)])))
                disk.off = True
                raise apsw.IOError("the power went off in the middle of a write")
        self.unsafe.append((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        if not self.disk.off:
            self.unsafe.append((newsize, None))
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        if self.disk.off or self.disk.sync_fails:
            raise apsw.IOError("the disk did not sync")
        super().xSync(flags)
        self.disk.syncs += 1
        for offset, data in self.unsafe:
            put(self.safe, offset, data)
        self.unsafe.clear()

    def survivors(self) -> bytes:
        """Safe bytes, and of each unsafe write all, nothing, or whole sectors of it."""
        rnd, left = self.disk.random, bytearray(self.safe)
        for offset, data in self.unsafe:
            fate = rnd.randrange(4)
            if fate == 0:
                continue
            if fate == 1 and data is not None:
                sectors = rnd.randrange(len(data) // SECTOR_BYTES + 1)
                data = data[: sectors * SECTOR_BYTES]
            put(left, offset, data)
        return bytes(left)


def put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Result:
    """Rows that were read while the lock was held."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def fetchone(self) -> Any:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[Any]:
        return self.rows


class Shared:
    """One apsw connection as the store's two: the writer's thread and the loop's take turns."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.lock = RLock()

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Result:
        with self.lock:
            return Result(self.connection.execute(sql, tuple(parameters)).fetchall())

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Result:
        with self.lock:
            return Result(self.connection.executemany(sql, parameters).fetchall())

    def close(self) -> None:
        with self.lock:
            self.connection.close()
