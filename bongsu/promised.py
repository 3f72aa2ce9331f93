"""Up to where everything was promised, kept on disk: the next start calls the rest held here (DESIGN 3, 1).

Without it a node that starts again would answer a repeated request as if its record were at two sites."""

import json
from contextlib import suppress
from pathlib import Path

from bongsu import limits
from bongsu.node import Node
from bongsu.view.changes import Changes

NAME = "promised.json"


class Promised:
    """Writes the mark now and then; an old one has more called held here, until a peer has said its word."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._path = Path(node.config.data) / NAME
        self._written_s: float | None = None
        if node.promises.tells:
            self._remember(self._mark())
            node.listeners.append(self._applied)

    def _mark(self) -> int:
        """The last start's mark; 0 if there is none, or if this log does not go on where that was made."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            read = json.loads(self._path.read_text(encoding="utf-8"))
            tag, position = bytes.fromhex(read["start"]), int(read["position"])
            if self._node.log.shortcut_valid(tag, position):
                return position
        return 0

    def _remember(self, mark: int) -> None:
        """By the ends of logs alone: a hub that was alone for weeks would else read all it wrote."""
        log = self._node.log
        held = log.held_of(log.key.node)
        needs = {name: seq for name, seq in held if log.place(name, seq) > mark}
        if needs:
            self._node.promises.remember(mark + 1, log.head_position, needs)

    def _applied(self, _: Changes) -> None:
        now_s = self._node.clock.monotonic()
        if self._written_s is not None and now_s - self._written_s < limits.PROMISED_MARK_S:
            return
        self._written_s = now_s
        log = self._node.log
        position = self._node.promises.promised_upto(self._node.position)
        # Not synced: one that is lost, or older than its log, is a mark further back.
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"start": log.start_tag.hex(), "position": position}), encoding="utf-8")
        part.replace(self._path)
