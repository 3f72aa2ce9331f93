"""Devices whose tokens tell of what is not here and linked nodes hold: they are told nothing new meanwhile.

Of two events that one request made, such a device may have seen the one that comes yet."""

from collections.abc import Awaitable, Callable

from bongsu import limits
from bongsu.log.vector import Vector
from bongsu.view.cache import Cache

DeviceName = tuple[str, str]


async def _nowhere(_: Vector) -> bool:
    return False


class Behind:
    """How long each device has been waiting so. One that waits too long is told what is here: a node that
    never gets what others say they hold must not be silent for ever."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since_s: Cache[DeviceName, float] = Cache(20_000)
        # Whether a linked node holds what a vector tells of and this node has not.
        self.held_elsewhere: Callable[[Vector], Awaitable[bool]] = _nowhere

    def waits(self, device: DeviceName) -> bool:
        """Whether the device is to wait on."""
        now_s = self._monotonic()
        since_s = self._since_s.get(device)
        if since_s is None:
            self._since_s.put(device, now_s)
            return True
        return now_s - since_s < limits.FUTURE_TOKEN_EMPTY_S

    def over(self, device: DeviceName) -> None:
        """All that its token tells of is here, or nowhere."""
        self._since_s.drop(device)
