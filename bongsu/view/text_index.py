"""The index over texts, written many at once: FTS5 writes a segment at every commit that adds to it."""

from bongsu import limits, words
from bongsu.view.db import Database


def room_token(room: int) -> str:
    """A room as the index names it: no letter, so that it is no pair of letters of any text."""
    return f"\u00b7{room}"


class TextIndex:
    """Which texts the index holds: exactly those up to the mark, which moves with the rows it speaks of.

    Those beyond are few, and searches read them as they are (view/search.py).
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._mark: int | None = None
        self._beyond = 0

    @property
    def mark(self) -> int:
        """The position up to which texts are in the index."""
        if self._mark is None:
            self._mark = int(self._db.value("SELECT indexed FROM text_mark"))
            self._beyond = int(self._db.value("SELECT count(*) FROM texts WHERE position>?", (self._mark,)))
        return self._mark

    def add(self, position: int, room: int, text: str) -> None:
        """Keep a normalised text. One that waited may have its place before the mark."""
        before = position <= self.mark
        self._db.run("INSERT INTO texts VALUES(?,?,?)", (position, room, text))
        if before:
            self._index(position, room, text)
        else:
            self._beyond += 1

    def drop(self, position: int) -> None:
        """Forget a text, at once."""
        mark = self.mark
        found = self._db.one("SELECT room, text FROM texts WHERE position=?", (position,))
        if found is None:
            return
        room, text = found
        self._db.run("DELETE FROM texts WHERE position=?", (position,))
        if position > mark:
            self._beyond -= 1
            return
        # The index keeps no text of its own: it has to be told what to forget.
        self._db.run(
            "INSERT INTO text_search(text_search, rowid, grams) VALUES('delete',?,?)",
            (position, _grams(room, text)),
        )

    def end_batch(self) -> None:
        """Where enough texts are beyond the mark, index them all, and move it: part of the transaction."""
        mark = self.mark
        if self._beyond < limits.SEARCH_UNINDEXED_MAX:
            return
        rows = self._db.all(
            "SELECT position, room, text FROM texts WHERE position>? ORDER BY position", (mark,)
        )
        for row in rows:
            self._index(*row)
        self._mark, self._beyond = rows[-1][0], 0
        self._db.run("UPDATE text_mark SET indexed=?", (self._mark,))

    def forget(self) -> None:
        """The tables are not what was known of them."""
        self._mark = None

    def _index(self, position: int, room: int, text: str) -> None:
        self._db.run("INSERT INTO text_search(rowid, grams) VALUES(?,?)", (position, _grams(room, text)))


def _grams(room: int, text: str) -> str:
    return f"{room_token(room)} {words.grams(text)}"
