"""Waiting for what nodes show: they are asked again and again, from outside, as clients would."""

import time
from collections.abc import Callable

LOOK_S = 0.1


def until(holds: Callable[[], bool], bound_s: float) -> bool:
    """Whether it came to hold within so many seconds; returns once it does."""
    deadline = time.monotonic() + bound_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
