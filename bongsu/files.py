"""Names that survive a power cut: a new file is only there for good once its folder is on disk too."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
