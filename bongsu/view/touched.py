"""Which rooms changed last when, in memory, so that a sync of many quiet rooms reads no tables."""


class Touched:
    """Positions of the last event or receipt of each room since the node started."""

    def __init__(self, floor: int) -> None:
        self._floor = floor
        self._last: dict[int, int] = {}

    def touch(self, room: int, position: int) -> None:
        """Something of the room was applied at `position`."""
        self._last[room] = position

    def since(self, room: int, position: int) -> bool:
        """Whether the room may have changed beyond `position`; yes when that is before memory begins."""
        return position < self._floor or self._last.get(room, 0) > position
