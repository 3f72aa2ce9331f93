"""The view's database: one connection, owned by the loop thread, written only by `apply`."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bongsu.errors import FatalError
from bongsu.view import schema

Row = tuple[Any, ...]


class Database:
    """view.db. Reads and writes happen on one thread, so that a read never sees half a batch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = self._connect(path)

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open view.db; one of another schema or with damage is dropped, since the log can rebuild it."""
        try:
            database = cls(path)
            if database._usable():
                return database
            database.close()
        except sqlite3.DatabaseError:
            pass
        cls.remove(path)
        database = cls(path)
        database._create()
        return database

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        for pragma in schema.PRAGMAS:
            connection.execute(pragma)
        return connection

    @staticmethod
    def remove(path: Path) -> None:
        """Drop a view that nobody has open."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    def _usable(self) -> bool:
        row = self.connection.execute("PRAGMA user_version").fetchone()
        if row[0] != schema.VERSION:
            return False
        return bool(self.connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def _create(self) -> None:
        statements = f"{schema.STATEMENTS} CREATE TABLE cursor(position INTEGER NOT NULL);"
        self.connection.executescript(
            f"BEGIN; {statements} INSERT INTO cursor VALUES(0); PRAGMA user_version={schema.VERSION}; COMMIT;"
        )

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        row: Row | None = self.connection.execute(sql, parameters).fetchone()
        return row

    def value(self, sql: str, parameters: Sequence[Any] = (), default: Any = None) -> Any:
        """The first column of the first row, or `default` if there is no row."""
        row = self.connection.execute(sql, parameters).fetchone()
        return default if row is None else row[0]

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row."""
        return self.connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement of `apply`; the number of rows changed."""
        return self.connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement of `apply` once per row."""
        self.connection.executemany(sql, rows)

    @property
    def cursor(self) -> int:
        """The position of the last record whose rows are here."""
        position = self.value("SELECT position FROM cursor")
        if position is None:
            raise FatalError("view.db has lost its cursor. Run `bongsu rebuild`.")
        return int(position)

    def advance(self, position: int) -> None:
        """Move the cursor, in the same transaction as the rows it speaks of."""
        self.connection.execute("UPDATE cursor SET position=?", (position,))

    def begin(self) -> None:
        """Start the transaction of one batch of records."""
        self.connection.execute("BEGIN")

    def commit(self) -> None:
        """Make the batch's rows visible together."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the batch's rows."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def take_over(self, other: "Database") -> None:
        """Become what the other database is; its file moves here. Nobody else has either file open."""
        other.close()
        self.close()
        self.remove(self.path)
        other.path.replace(self.path)
        self.connection = self._connect(self.path)

    def close(self) -> None:
        """Close the file; a last checkpoint folds the write-ahead log in."""
        self.connection.close()
