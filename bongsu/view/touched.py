"""What changed last when, in memory, so that a sync of many quiet rooms reads no tables."""

from collections import OrderedDict

# Keys for what is anybody's: their keys and signatures, their memberships.
KEYS = "keys"
MEMBERS = "members"


def messages_of(user_id: str) -> str:
    """The key for messages to a user's devices."""
    return f"messages {user_id}"


def receipts_of(room: int) -> str:
    """The key for receipts in a room."""
    return f"receipts {room}"


class Touched:
    """Positions of the last change of rooms and of users' own data since the node started.

    A key is a room's number (an event or a receipt), a user id (a register of theirs), or one of the above.
    """

    def __init__(self, floor: int) -> None:
        self._floor = floor
        self._last: dict[str, int] = {}
        # The room that changed last stands last, with a position no lower than of those before it.
        self._rooms: OrderedDict[int, int] = OrderedDict()
        self._newest = floor

    def touch(self, key: int | str, position: int) -> None:
        """Something of the room or user was applied at `position`."""
        if isinstance(key, str):
            self._last[key] = max(position, self._last.get(key, 0))
        else:
            # An event that waited for another has an old position: to say a newer one costs a read at most.
            self._newest = max(position, self._newest)
            self._rooms[key] = self._newest
            self._rooms.move_to_end(key)

    def restart(self, floor: int) -> None:
        """The tables were derived again: what changed up to `floor` is not known any more."""
        self._floor = self._newest = floor
        self._last.clear()
        self._rooms.clear()

    def since(self, key: int | str, position: int) -> bool:
        """Whether it may have changed beyond `position`; yes when that is before memory begins."""
        if position < self._floor:
            return True
        last = self._last.get(key, 0) if isinstance(key, str) else self._rooms.get(key, 0)
        return last > position

    def rooms_since(self, position: int) -> list[int] | None:
        """The rooms that changed beyond `position`; None when that is before memory begins."""
        if position < self._floor:
            return None
        found = []
        for room, last in reversed(self._rooms.items()):
            if last <= position:
                break
            found.append(room)
        return found
