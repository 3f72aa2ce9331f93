"""Which member events lazy loading has sent to a session already; forgetting costs only repetition."""

from bongsu.view.cache import Cache


class LazyMembers:
    """Users whose member event a session holds, by room."""

    def __init__(self) -> None:
        self._known: Cache[tuple[str, int], set[str]] = Cache(10_000)

    def setdefault_for(self, session: str, room: int) -> set[str]:
        """The set of user ids for a session and room; the caller adds to it."""
        known = self._known.get((session, room))
        if known is None:
            known = set()
            self._known.put((session, room), known)
        return known

    def forget_all(self) -> None:
        """The view was derived again: the rooms' numbers may name others."""
        self._known.clear()

    def forget(self, session: str) -> None:
        """A session starts anew (an initial sync), so it holds nothing."""
        for key in self._known.keys_of(lambda key: key[0] == session):
            self._known.drop(key)
