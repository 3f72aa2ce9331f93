"""Names that survive a power cut: a new file is only there for good once its folder is on disk too."""

import os
from pathlib import Path

from bongsu.errors import FatalError


def make_data_folder(folder: Path) -> None:
    """Make a node's data directory, which nobody else enters, if there is none.

    Raises:
        FatalError: it cannot be made, or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FatalError(
            f"The data directory {folder} cannot be made: {error.strerror}. Check the setting data, and"
            " whether this user may write there."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FatalError(
            f"The data directory {folder} cannot be written. Is it read-only, or another user's? Run the"
            " command as the user of the service."
        )


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner reads; after a power cut it is there whole, or as it was.

    Raises:
        FileExistsError: there is one, and `replace` is False.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_public(path: Path, content: bytes) -> None:
    """Write a file that everybody may read, whole; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.chmod(0o644)
    part.replace(path)
