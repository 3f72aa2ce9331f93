"""What changed last when, in memory, so that a sync of many quiet rooms reads no tables."""


class Touched:
    """Positions of the last change of rooms and of users' own data since the node started.

    A key is a room's number (an event or a receipt) or a user id (a register of theirs).
    """

    def __init__(self, floor: int) -> None:
        self._floor = floor
        self._last: dict[int | str, int] = {}

    def touch(self, key: int | str, position: int) -> None:
        """Something of the room or user was applied at `position`."""
        self._last[key] = position

    def since(self, key: int | str, position: int) -> bool:
        """Whether it may have changed beyond `position`; yes when that is before memory begins."""
        return position < self._floor or self._last.get(key, 0) > position
