"""Looks at the battery of a hub once a minute, and holds what the hub does to it."""

import logging
from collections.abc import Callable
from pathlib import Path

from bongsu import limits
from bongsu.errors import MatrixError
from bongsu.hub import battery, energy
from bongsu.hub.energy import Battery, Level
from bongsu.live.alarm import Alarm

logger = logging.getLogger(__name__)


class Power:
    """`changed` is told of every new level, on the loop."""

    def __init__(self, folder: Path, changed: Callable[[Level], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._alarm = Alarm(self.start)
        self.battery: Battery | None = None
        self.level = Level.FULL

    def start(self) -> None:
        """Look now, and once a minute from here on."""
        self.look()
        self._alarm.set(limits.BATTERY_LOOK_S)

    def close(self) -> None:
        """Look no more."""
        self._alarm.cancel()

    def look(self) -> None:
        """Read the battery; a new level takes effect at once."""
        self.battery = battery.read(self._folder)
        level = energy.level(self.level, self.battery)
        if level == self.level:
            return
        self.level = level
        percent = "-" if self.battery is None else self.battery.percent
        logger.warning("the battery is at %s %%: this hub does %s", percent, energy.WORDS[level])
        self._changed(level)

    def check_media(self) -> None:
        """Refuse pictures and files while the battery is low.

        Raises:
            MatrixError: 403 M_RESOURCE_LIMIT_EXCEEDED.
        """
        if self.level == Level.FULL:
            return
        percent = 0 if self.battery is None else self.battery.percent
        raise MatrixError(
            403,
            "M_RESOURCE_LIMIT_EXCEEDED",
            f"This hub runs on its battery, which is at {percent} %: pictures and files wait until it is "
            "charged. Text goes on.",
        )

    def as_json(self) -> dict[str, object] | None:
        """What people are told; None: there is no battery."""
        if self.battery is None:
            return None
        return {
            "percent": self.battery.percent,
            "on_mains": self.battery.on_mains,
            "hours_left": self.battery.hours_left,
            "does": energy.WORDS[self.level],
        }
