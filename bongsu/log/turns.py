"""What the writer has done comes to the loop batch by batch, one a turn: others are served in between."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bongsu.log.writer import Done, Writer


class Turns:
    """Without them the loop would show all that a link brought before it answers anybody."""

    def __init__(self, take: Callable[[Done], None]) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.writer: Writer
        self._take = take
        self._turning = False

    def wake(self) -> None:
        """There is more. Called on the writer's thread."""
        assert self.loop is not None
        with suppress(RuntimeError):  # the loop is closed: `rest` delivers
            self.loop.call_soon_threadsafe(self._begin)

    def rest(self) -> None:
        """Take all there is, now."""
        while self.writer.done:
            self._take(self.writer.done.popleft())

    def _begin(self) -> None:
        if not self._turning:
            self._turning = True
            self._turn()

    def _turn(self) -> None:
        if self.writer.done:
            self._take(self.writer.done.popleft())
        self._turning = bool(self.writer.done)
        if self._turning:
            assert self.loop is not None
            self.loop.call_soon(self._turn)
