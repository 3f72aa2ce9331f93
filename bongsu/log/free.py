"""Room on the disk: writes are refused before there is none left, so that what makes room can still work."""

from pathlib import Path

from bongsu.clock import Clock
from bongsu.errors import MatrixError
from bongsu.log.files import free_bytes

CHECK_S = 1.0


class FreeSpace:
    """Looked at once a second at most. `bytes_min`: below it writes are refused; 0: never."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.bytes_min = 0
        self.admin_contact = ""
        self._path = path
        self._clock = clock
        self._checked_at = -CHECK_S
        self._enough = True

    def check(self) -> None:
        """Look whether there is room.

        Raises:
            MatrixError: 403 M_RESOURCE_LIMIT_EXCEEDED, there is not.
        """
        now = self._clock.monotonic()
        if now - self._checked_at >= CHECK_S:
            self._checked_at = now
            self._enough = free_bytes(self._path) >= self.bytes_min
        if not self._enough:
            raise self.full()

    def ran_out(self) -> None:
        """A write met the end of the disk."""
        self._enough, self._checked_at = False, self._clock.monotonic()

    def full(self) -> MatrixError:
        """What whoever writes is told."""
        return MatrixError(
            403,
            "M_RESOURCE_LIMIT_EXCEEDED",
            "The server's disk is full: it can be read, but takes nothing new. Tell its administrator.",
            admin_contact=self.admin_contact,
        )
