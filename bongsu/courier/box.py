"""Files for other sites that wait here for a courier: bounded in bytes, the oldest go first."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bongsu import limits
from bongsu.bearer import carry
from bongsu.bearer.carry import Header
from bongsu.bearer.frame import Unreadable
from bongsu.files import sync_folder

SUFFIX = ".carry"
# Of one maker for one destination: a newer file holds what an older one held, but for one cut short.
NEWEST_KEPT = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the box."""

    path: Path
    header: Header
    size: int

    @property
    def name(self) -> str:
        """Its id, as couriers ask for it."""
        return self.header.file_id.hex()


class Box:
    """Sealed files of others. What is lost with it costs a re-offer (DESIGN 3, invariant 9)."""

    def __init__(self, folder: Path, bytes_max: int = limits.COURIER_BOX_BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._files: dict[str, Kept] | None = None

    def files(self, now_ms: int) -> list[Kept]:
        """What waits, newest first; what has expired is removed."""
        self._drop(each for each in list(self._read().values()) if each.header.expires_ms <= now_ms)
        return sorted(self._read().values(), key=lambda each: -each.header.created_ms)

    def find(self, name: str) -> Kept | None:
        """One file by its id."""
        return self._read().get(name)

    def put(self, part: Path, header: Header, size: int) -> bool:
        """Keep a file that was written to `part`; whether it is new here."""
        files = self._read()
        name = header.file_id.hex()
        if name in files:
            part.unlink(missing_ok=True)
            return False
        kept = Kept(self._folder / f"{name}{SUFFIX}", header, size)
        part.replace(kept.path)
        sync_folder(self._folder)
        files[name] = kept
        self._drop(self._superseded(header))
        self._drop(self._beyond())
        return name in files

    def part(self) -> Path:
        """Where to write a file that is not checked yet."""
        self._read()  # which removes what an earlier start left unfinished
        return self._folder / f"{os.urandom(8).hex()}.part"

    def _read(self) -> dict[str, Kept]:
        if self._files is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self._folder.glob("*.part"):
                left.unlink()
            found = (_kept(path) for path in sorted(self._folder.glob(f"*{SUFFIX}")))
            self._files = {each.name: each for each in found if each is not None}
        return self._files

    def _superseded(self, header: Header) -> list[Kept]:
        same = [
            each
            for each in self._read().values()
            if each.header.destination == header.destination and each.header.public_key == header.public_key
        ]
        return sorted(same, key=lambda each: -each.header.created_ms)[NEWEST_KEPT:]

    def _beyond(self) -> Iterator[Kept]:
        size = sum(each.size for each in self._read().values())
        for each in sorted(self._read().values(), key=lambda each: each.header.created_ms):
            if size <= self._bytes_max:
                return
            size -= each.size
            yield each

    def _drop(self, files: Iterator[Kept] | list[Kept]) -> None:
        for each in list(files):
            each.path.unlink(missing_ok=True)
            self._read().pop(each.name, None)


def _kept(path: Path) -> Kept | None:
    """A file as it lies there; one that cannot be read is removed."""
    try:
        with path.open("rb") as file:
            header, _ = carry.read_header(file.read)
    except (OSError, Unreadable):
        path.unlink(missing_ok=True)
        return None
    return Kept(path, header, path.stat().st_size)
