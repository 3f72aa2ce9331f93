"""Where couriers come to: what there is to carry, a file to take along, and a file that was brought."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu import limits, ratelimit
from bongsu.bearer import carry
from bongsu.bearer.frame import Unreadable
from bongsu.courier.box import Box, Kept
from bongsu.courier.destinations import Known, destination, destinations, scopes_of
from bongsu.courier.export import Export, Exported
from bongsu.courier.rows import Rows
from bongsu.courier.take import Took, check_header, content_key, say_held, take
from bongsu.errors import MatrixError, invalid_param, too_large
from bongsu.live.background import Background
from bongsu.log.record import LogName, Record
from bongsu.node import Node
from bongsu.peers import Peers

FILES_SPENT_KEPT = 4  # newer files until one is removed that may still be on its way
GIVEN_KEPT = 64  # files given to couriers of which is known what they hold, for each destination


@dataclass(frozen=True, slots=True)
class _Made:
    """A file made a moment ago, for the next courier too."""

    path: Path
    done: Exported
    position: int


@dataclass(frozen=True, slots=True)
class _Given:
    """What a courier took along: records up to a position, but of some logs only up to a seq."""

    position: int
    ms: int
    ends: Mapping[LogName, int]

    def holds(self, record: Record) -> bool:
        end = self.ends.get(record.log)
        return record.position <= self.position and (end is None or record.header.seq <= end)


class Desk:
    """One node's: exports are made one at a time, and a file is written to disk before it is believed."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self.box = Box(Path(node.config.data) / "courier")
        self._rows = Rows(node)
        self._made: dict[str, _Made] = {}
        self._spent: deque[Path] = deque()
        self._given: dict[str, deque[_Given]] = {}
        self._lock = asyncio.Lock()
        self._saying = Background(self._keep_saying)

    def start(self) -> None:
        """Say once a day what is held here, while somebody is linked who can pass it on."""
        self._saying.start()

    async def close(self) -> None:
        """End it."""
        await self._saying.close()

    async def _keep_saying(self) -> None:
        said_s = said_at = 0.0
        while True:
            await asyncio.sleep(limits.HELD_LOOK_S)
            now = self._node.clock.monotonic()
            due = not said_at or now - said_s > limits.HELD_EVERY_S
            if due and self._peers.links and self._node.position != said_at:
                await self.say_held()
                said_s, said_at = now, self._node.position

    def waiting(self) -> list[dict[str, object]]:
        """What there is to carry: for each destination the records it lacks as far as known here."""
        found = []
        for target in destinations(self._node):
            known = Known(self._node, self._peers, target)
            made = self._made.get(target.name)
            # What the last file had to leave out is not there for this courier either.
            ends = {} if made is None else made.done.ends
            records = sum(
                max(0, ends.get(log, state.seq) - known.after(log))
                for log, state in self._node.log.held().items()
            )
            linked = any(name in self._peers.links for name, _ in target.keys)
            found.append({"to": target.name, "records": records, "linked": linked})
        return found

    async def export(self, name: str) -> tuple[Path, Exported]:
        """A file for the destination, made now or a moment ago.

        Raises:
            MatrixError: 400 M_INVALID_PARAM, there is no such destination.
        """
        target = destination(self._node, name)
        async with self._lock:
            made = self._made.get(target.name)
            if made is None or self._is_old(made, target.name):
                position = self._node.position
                path = self.box.part()
                with path.open("wb") as file:
                    done = await self._export(target.name, file.write)
                if made is not None:
                    self._drop_later(made.path)
                made = self._made[target.name] = _Made(path, done, position)
            if made.done.complete:
                given = self._given.setdefault(target.name, deque(maxlen=GIVEN_KEPT))
                given.append(_Given(made.position, self._node.now_ms(), made.done.ends))
            return made.path, made.done

    def taken_ms(self, name: str, record: Record) -> int | None:
        """When a courier first took a record along to a destination; None: not known here."""
        return next((given.ms for given in self._given.get(name, ()) if given.holds(record)), None)

    async def export_to(
        self,
        name: str,
        write: Callable[[bytes], object],
        bytes_max: int,
        progress: Callable[[int, int], None],
    ) -> Exported:
        """Write a file for the destination, of any size.

        Raises:
            MatrixError: 400 M_INVALID_PARAM, there is no such destination.
        """
        target = destination(self._node, name)
        known = Known(self._node, self._peers, target)
        scopes = scopes_of(self._node, target)
        export = Export(self._node, target, known, scopes, self._rows, bytes_max, progress)
        return await export.write(write)

    async def say_held(self) -> None:
        """Record what is held here. Else files for a hub that never took one begin at the beginning."""
        await say_held(self._node, set())

    async def bring(self, chunks: AsyncIterator[bytes]) -> Took | Kept:
        """Take what a courier brought, or keep it for the site it is for.

        Raises:
            MatrixError: 400 M_INVALID_PARAM or 413 M_TOO_LARGE; nothing was taken.
        """
        part = self.box.part()
        try:
            size = await _receive(part, chunks)
            with part.open("rb") as file:
                try:
                    header, _ = carry.read_header(file.read)
                except Unreadable as error:
                    raise invalid_param(f"{error} Nothing of this file was taken.") from error
                check_header(self._node, header)
                if content_key(self._node, header) is not None:
                    file.seek(0)
                    return await take(self._node, file.read)
            return self._keep(part, header, size)
        finally:
            part.unlink(missing_ok=True)

    def _keep(self, part: Path, header: carry.Header, size: int) -> Kept:
        if header.expires_ms <= self._node.now_ms():
            raise invalid_param("This file has expired, and is for another site. Fetch a new one.")
        if header.node == self._node.log.key.node:
            raise invalid_param("This site made this file itself. Bring it to the site it is for.")
        kept = Kept(part, header, size)
        self.box.put(part, header, size)
        return self.box.find(kept.name) or kept

    async def _export(self, name: str, write: Callable[[bytes], object]) -> Exported:
        return await self.export_to(name, write, limits.COURIER_FILE_BYTES_MAX, lambda done, total: None)

    def _drop_later(self, path: Path) -> None:
        """Remove a file once newer ones were made: it may be on its way to somebody."""
        self._spent.append(path)
        if len(self._spent) > FILES_SPENT_KEPT:
            self._spent.popleft().unlink(missing_ok=True)

    def _is_old(self, made: _Made, name: str) -> bool:
        """Whether there is more by now. A flood of couriers gets a file that is a little old."""
        if made.position == self._node.position:
            return False
        try:
            self._node.rate.check(ratelimit.COURIER_EXPORT, name)
        except MatrixError:
            return False
        return True


async def _receive(part: Path, chunks: AsyncIterator[bytes]) -> int:
    size = 0
    with part.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limits.COURIER_FILE_BYTES_MAX + limits.CARRY_PART_BYTES_MAX:
                raise too_large(
                    "The file is larger than a running node takes. Stop the node, and give the file to "
                    "`bongsu carry import --data DIR`."
                )
            file.write(chunk)
    return size
