"""A node's suspicion that its log.db is damaged, for its next start, which looks and repairs it."""

from pathlib import Path

from bongsu.files import write_whole

# Beside log.db once a record of it was not what was written: the next start checks every one.
SUSPECT = "log.db.suspect"


def note(data: Path, damage: Exception) -> None:
    """Note it, and what was found."""
    write_whole(data / SUSPECT, f"{damage}\n".encode())
