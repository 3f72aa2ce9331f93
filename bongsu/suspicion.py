"""A node's suspicion that its log.db is damaged or lost, at its start, which looks and repairs it."""

from pathlib import Path

from bongsu.config import Config
from bongsu.errors import FatalError
from bongsu.files import write_whole

# Beside log.db once a record of it was not what was written: the next start checks every one.
SUSPECT = "log.db.suspect"


def note(data: Path, damage: Exception) -> None:
    """Note it, and what was found."""
    write_whole(data / SUSPECT, f"{damage}\n".encode())


def log_is_gone(config: Config) -> bool:
    """Whether there is no log.db, or nothing in it: as at the first start, or where it was lost.

    Raises:
        FatalError: it was lost, and there are no other sites that would fill a new one.
    """
    log = config.data / "log.db"
    gone = not log.exists() or log.stat().st_size == 0
    if gone and (config.data / "view.db").exists() and not config.has_several_sites:
        # A new log would be served as a service without people and rooms, and nobody would be told.
        raise FatalError(
            f"{log} is missing or empty, but this node has written before. Is the disk mounted? Restore"
            " log.db from a copy (`bongsu restore`). Other sites would fill it: give --config."
        )
    return gone
