"""Chance that comes from the seed alone, in the whole process: tokens and nonces sort, and so decide, too."""

import os
import random
import sys
from typing import Any


def same_order(module: str = "bongsu.sim") -> None:
    """Begin the process again if sets of text are walked in another order each time."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)  # noqa: S606


def seed_all(seed: int) -> None:
    """From now on every source of chance in this process gives what the seed says."""
    chance = random.Random(seed)
    random.seed(seed)
    os.urandom = chance.randbytes
    system: Any = random
    # What `secrets` draws from.
    system._urandom = chance.randbytes
