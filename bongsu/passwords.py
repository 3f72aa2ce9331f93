"""Password hashes: argon2id, off the event loop, two at once so that a small board survives a storm."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import argon2

from bongsu import limits
from bongsu.errors import MatrixError, invalid_param

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_SENTENCE_WEAK = "Choose a password of at least 8 characters."


class Passwords:
    """Hashes and checks passwords. More than a queue's worth of requests is answered 429."""

    def __init__(self) -> None:
        self._hasher = _HASHER
        self._pool = ThreadPoolExecutor(limits.PASSWORD_HASHES_AT_ONCE, thread_name_prefix="argon2")
        self._queued = 0
        # Checked in place of an unknown user's hash, so that the answer takes as long.
        self._nobody = _nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """The password's argon2id hash, salt and parameters included.

        Raises:
            MatrixError: 400 M_WEAK_PASSWORD or M_INVALID_PARAM; 429 when too many wait.
        """
        check(password)
        return str(await self._run(self._hasher.hash, password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. Unknown users (None) cost the same time."""
        if len(password.encode("utf-8", "replace")) > limits.PASSWORD_BYTES_MAX:
            return False
        matches = await self._run(self._matches, password_hash or self._nobody, password)
        return bool(matches) and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, function: Callable[..., object], *arguments: str) -> object:
        if self._queued >= limits.PASSWORD_HASHES_QUEUED_MAX:
            raise MatrixError(
                429,
                "M_LIMIT_EXCEEDED",
                "Too many people are logging in at this moment. Try again in a few seconds.",
                headers=(("retry-after", "3"),),
                retry_after_ms=3_000,
            )
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        finally:
            self._queued -= 1

    def close(self) -> None:
        """End the threads; a hash under way finishes."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@cache
def _nobody(hasher: argon2.PasswordHasher) -> str:
    """One hash a process: the simulator starts thousands of nodes in one."""
    return hasher.hash("nobody has this password")


def check(password: str) -> None:
    """Refuse a password nobody should have."""
    if len(password.encode("utf-8", "replace")) > limits.PASSWORD_BYTES_MAX:
        raise invalid_param(
            f"The password is longer than {limits.PASSWORD_BYTES_MAX} bytes. Choose a shorter one."
        )
    if "\0" in password:
        raise invalid_param("The password holds a NUL character. Choose one without it.")
    if len(password) < limits.PASSWORD_CHARACTERS_MIN:
        raise MatrixError(400, "M_WEAK_PASSWORD", _SENTENCE_WEAK)
