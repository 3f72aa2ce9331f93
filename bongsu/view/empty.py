"""Queries: which tables are empty. Some nearly always are, and every event would ask each of them."""

from typing import Literal

from bongsu.view.db import Database

Table = Literal["waiting", "early_redactions", "deferred"]


class EmptyTables:
    """What is known of one view's tables since the last batch. Who inserts says so with `filled`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._empty: dict[Table, bool] = {}

    def __contains__(self, table: Table) -> bool:
        empty = self._empty.get(table)
        if empty is None:
            found = self._db.value(f"SELECT EXISTS(SELECT 1 FROM {table})")  # noqa: S608 - one of three names
            empty = self._empty[table] = not found
        return empty

    def filled(self, table: Table) -> None:
        """It has a row now."""
        self._empty[table] = False

    def new_batch(self) -> None:
        """What was not empty may be by now."""
        self._empty = {table: empty for table, empty in self._empty.items() if empty}

    def forget(self) -> None:
        """The tables are not what was known of them."""
        self._empty.clear()
