"""A timer of which there is one at a time."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls back once, after the delay that it was set to last. For the loop's thread."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether the call is still to come."""
        return self._timer is not None

    def set(self, delay_s: float) -> None:
        """Call back after so long; what it was set to before is forgotten."""
        self.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def hasten(self, delay_s: float) -> None:
        """Call back within so long; sooner if it is set to sooner."""
        if self._timer is None or self._timer.when() > asyncio.get_running_loop().time() + delay_s:
            self.set(delay_s)

    def cancel(self) -> None:
        """Do not call back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._call()
