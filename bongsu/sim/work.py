"""Work of many nodes in one process that says nothing about them: done once, or cheaply."""

from functools import lru_cache

from argon2 import PasswordHasher

from bongsu import passwords
from bongsu.log import key

SIGNATURES_KEPT = 65_536


def spare() -> None:
    """Hash passwords cheaply, since nobody guesses them here, and check a signature once for all nodes."""
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    key._verify = lru_cache(SIGNATURES_KEPT)(key._verify)
