"""Queries: which events are lost, as the records that are applied say, and which are only waited for."""

from bongsu.view.db import Database


class Losses:
    """Lost events of one view. Written by `lost` alone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._any: bool | None = None

    @property
    def any(self) -> bool:
        """Whether any event is lost, or was and came: nearly never, so that nothing else is asked."""
        if self._any is None:
            sql = "SELECT EXISTS(SELECT 1 FROM lost) OR EXISTS(SELECT 1 FROM found)"
            self._any = bool(self._db.value(sql))
        return self._any

    def has(self, event_id: str) -> bool:
        """Whether the event is lost, and not here."""
        return self.any and self._db.one("SELECT 1 FROM lost WHERE event_id=?", (event_id,)) is not None

    def is_coming(self, event_id: str) -> bool:
        """Whether the event was lost and is in the log: in this building of the view it only comes later."""
        return self.any and self._db.one("SELECT 1 FROM found WHERE event_id=?", (event_id,)) is not None

    def forget(self) -> None:
        """Read everything again: the tables have changed."""
        self._any = None
