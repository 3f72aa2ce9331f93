"""What changed last when, in memory, so that a sync of many quiet rooms reads no tables."""

# Keys for what is anybody's: their keys and signatures, their memberships.
KEYS = "keys"
MEMBERS = "members"


def messages_of(user_id: str) -> str:
    """The key for messages to a user's devices."""
    return f"messages {user_id}"


class Touched:
    """Positions of the last change of rooms and of users' own data since the node started.

    A key is a room's number (an event or a receipt), a user id (a register of theirs), or one of the above.
    """

    def __init__(self, floor: int) -> None:
        self._floor = floor
        self._last: dict[int | str, int] = {}

    def touch(self, key: int | str, position: int) -> None:
        """Something of the room or user was applied at `position`."""
        self._last[key] = position

    def restart(self, floor: int) -> None:
        """The tables were derived again: what changed up to `floor` is not known any more."""
        self._floor = floor
        self._last.clear()

    def since(self, key: int | str, position: int) -> bool:
        """Whether it may have changed beyond `position`; yes when that is before memory begins."""
        return position < self._floor or self._last.get(key, 0) > position
