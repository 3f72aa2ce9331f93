"""Events that one request made at two sites, its first answer lost: one of them is shown. DESIGN 5.3."""

from collections.abc import Callable

from bongsu.view.db import Database
from bongsu.view.events import EventRow


class Twins:
    """Groups of events by (user, device, path, transaction id). There are few, so they are in memory."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._groups: dict[int, list[tuple[int, str, int]]] | None = None
        self._keys: dict[int, int] = {}

    def add(self, key: int, rows: list[EventRow]) -> None:
        """These accepted events are of one request; some may be known as such."""
        self._db.run_many(
            "INSERT OR IGNORE INTO twins VALUES(?,?,?,?)",
            [(row.position, key, row.stamp, row.event_id) for row in rows],
        )
        self.forget()

    def hidden(self, position: int) -> bool:
        """Whether another event of the same request is the one that is shown: that with the last place."""
        group = self._group(position)
        return bool(group) and group[-1][2] != position

    def told(self, position: int, covers: Callable[[int], bool]) -> bool:
        """Whether another event of the same request has been given to whoever covers its position."""
        return any(other != position and covers(other) for _, _, other in self._group(position))

    def forget(self) -> None:
        """Read them again: the tables have changed."""
        self._groups = None

    def _group(self, position: int) -> list[tuple[int, str, int]]:
        if self._groups is None:
            self._groups, self._keys = {}, {}
            for own, key, stamp, event_id in self._db.all("SELECT * FROM twins ORDER BY stamp, event_id"):
                self._groups.setdefault(key, []).append((stamp, event_id, own))
                self._keys[own] = key
        return self._groups.get(self._keys[position], []) if position in self._keys else []
