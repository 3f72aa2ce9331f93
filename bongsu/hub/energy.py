"""What a hub still does on its battery: media stop first, then all but alerts and text. DESIGN 7. Pure."""

from dataclasses import dataclass
from enum import IntEnum

from bongsu.log.record import Lane

MEDIA_STOP_PERCENT = 30
TEXT_ONLY_PERCENT = 15
# Above the bound by so much before more is done again: a battery wavers.
MARGIN_PERCENT = 3


class Level(IntEnum):
    """How much is done."""

    FULL = 0
    NO_MEDIA = 1
    TEXT_ONLY = 2


WORDS = {Level.FULL: "full", Level.NO_MEDIA: "no media", Level.TEXT_ONLY: "text only"}
LANES = {
    Level.FULL: frozenset(Lane),
    Level.NO_MEDIA: frozenset(Lane),
    Level.TEXT_ONLY: frozenset((Lane.URGENT, Lane.TEXT)),
}


@dataclass(frozen=True, slots=True)
class Battery:
    """What is left. `hours_left`: at the present draw; None: it is charged, or nobody can say."""

    percent: int
    on_mains: bool
    hours_left: float | None = None


def level(before: Level, battery: Battery | None) -> Level:
    """How much is done now; without a battery, everything."""
    if battery is None or battery.on_mains:
        return Level.FULL
    for bound, reached in ((TEXT_ONLY_PERCENT, Level.TEXT_ONLY), (MEDIA_STOP_PERCENT, Level.NO_MEDIA)):
        margin = MARGIN_PERCENT if before >= reached else 0
        if battery.percent < bound + margin:
            return reached
    return Level.FULL
