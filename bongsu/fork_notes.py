"""What a node that found two histories of its own notes for its next start: forks.json in its data."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.files import write_whole

NAME = "forks.json"


@dataclass(frozen=True, slots=True)
class Fork:
    """Others hold another record behind seq `common` of a log of this node's.

    `own`: the hash of this node's record there; empty if it has none, and only must not write that seq.
    """

    epoch: int
    lane: int
    common: int
    own: bytes


class ForkNotes:
    """`left`: to be done by the next start. `aside`: the file that holds what is to be written again."""

    def __init__(self, data: Path) -> None:
        self._path = data / NAME
        self._read: dict[str, Any] = {"left": [], "done": [], "aside": ""}
        if self._path.exists():
            self._read |= json.loads(self._path.read_text(encoding="utf-8"))

    @property
    def left(self) -> list[Fork]:
        """What the next start has to put right."""
        return [
            Fork(epoch, lane, common, bytes.fromhex(own)) for epoch, lane, common, own in self._read["left"]
        ]

    @property
    def aside(self) -> str:
        """The name of the file that log.db was set aside as; empty before that."""
        return str(self._read["aside"])

    def add(self, fork: Fork) -> bool:
        """Note a fork; False if this very history of this node's was written again before.

        Two peers may hold two histories for good. Each is written again once, and then all hold both.
        """
        row = [fork.epoch, fork.lane, fork.common, fork.own.hex()]
        if row in self._read["done"] or row in self._read["left"]:
            return False
        self._read["left"].append(row)
        self._write()
        return True

    def set_aside(self, name: str) -> None:
        """log.db has this name now."""
        self._read["aside"] = name
        self._write()

    def finish(self) -> None:
        """Everything is written again."""
        self._read["done"] += self._read["left"]
        self._read |= {"left": [], "aside": ""}
        self._write()

    def _write(self) -> None:
        write_whole(self._path, json.dumps(self._read).encode())
