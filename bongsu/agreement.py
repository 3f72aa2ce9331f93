"""Whether other core sites show the rooms of the last minutes as this one does: asked between nodes.

What a digest covers never changes: nodes of different releases compare them (docs/protocol/links.md)."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from bongsu import limits
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.log.vector import Vector
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.db import Database

logger = logging.getLogger(__name__)
TOPIC = "agree"


class Question(msgspec.Struct):
    """Digests of these rooms, of events with stamps in (after, upto], once `vector` is shown."""

    vector: str
    after: int
    upto: int
    rooms: list[str]


class Said(msgspec.Struct):
    """`errors`: the share of requests that failed by a fault of the node's, of the last moments."""

    vector: str
    ready: bool
    errors: float
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """`odd`: rooms that this node shows otherwise than two sites that agree. `split`: than one site."""

    odd: frozenset[str]
    split: frozenset[str]
    peers: tuple[Said, ...]


class Agreement:
    """Asks every linked core node of another site; `state`: (ready, share of errors) of this node."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self.state: Callable[[], tuple[bool, float]] = lambda: (True, 0.0)
        peers.calls.answers[TOPIC] = self._say

    async def compare(self) -> Compared | None:
        """Compare until no room differs, a few times: what is on its way differs for a moment only.

        None: nobody could be asked, or this node has not all that the others have.
        """
        upto = self._node.now_ms() - limits.AGREE_LAG_MS
        rooms = active_rooms(self._node.context.db)
        compared = None
        for _ in range(limits.AGREE_TIMES):
            compared = await self._once(Question("", upto - limits.AGREE_WINDOW_MS, upto, rooms))
            if compared is None or not (compared.odd or compared.split):
                return compared
            rooms = sorted(compared.odd | compared.split)
            await asyncio.sleep(limits.AGREE_AGAIN_S)
        return compared

    async def _once(self, question: Question) -> Compared | None:
        question.vector = self._node.applied_vector.encode().hex()
        asked = msgspec.json.encode(question)
        links = self._peers.of_other_sites()
        told = [_read(raw) for raw in await asyncio.gather(*(link.ask(TOPIC, asked) for link in links))]
        peers = tuple(each for each in told if each is not None)
        if not peers or not await self._level([each.vector for each in peers]):
            return None
        mine = await digests(self._node.context.db, question)
        return Compared(*differing(mine, [each.digests for each in peers]), peers)

    async def _level(self, vectors: Sequence[str]) -> bool:
        target = Vector.empty()
        for each in vectors:
            try:
                target = target.merge(Vector.decode(bytes.fromhex(each)))
            except (MatrixError, ValueError):
                return False
        return await self._shown(target)

    async def _shown(self, target: Vector) -> bool:
        """Whether all of it is applied here, within a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.AGREE_LEVEL_S):
                while not target <= self._node.applied_vector:
                    await self._node.applied.wait()
        return target <= self._node.applied_vector

    async def _say(self, link: Link, body: bytes) -> bytes | None:
        try:
            question = msgspec.json.decode(body, type=Question)
            vector = Vector.decode(bytes.fromhex(question.vector))
        except (msgspec.DecodeError, MatrixError, ValueError):
            return None
        if not link.is_core or len(question.rooms) > limits.AGREE_ROOMS_MAX or not await self._shown(vector):
            return None
        ready, errors = self.state()
        found = await digests(self._node.context.db, question)
        return msgspec.json.encode(Said(self._node.applied_vector.encode().hex(), ready, errors, found))


def active_rooms(db: Database) -> list[str]:
    """Where something happened last."""
    rows = db.all(
        "SELECT DISTINCT room_id FROM (SELECT room FROM events ORDER BY position DESC LIMIT ?)"
        " JOIN rooms USING(room) ORDER BY room_id LIMIT ?",
        (limits.AGREE_EVENTS_MAX, limits.AGREE_ROOMS_MAX),
    )
    return [room_id for (room_id,) in rows]


async def digests(db: Database, question: Question) -> dict[str, str]:
    """What is shown of each room's events in the window, and of the state that they touch."""
    found: dict[str, str] = {}
    for room_id in question.rooms:
        window = (room_id, question.after, question.upto, limits.AGREE_EVENTS_MAX)
        rows = db.all(
            "SELECT e.event_id, e.stamp, e.depth, e.type, e.sender, e.state_key, e.verdict, e.replaces,"
            " e.redacted_by, e.relates_to, e.rel_type, s.event_id FROM rooms r JOIN events e USING(room)"
            " LEFT JOIN current_state s ON s.room=r.room AND s.type=e.type AND s.state_key=e.state_key"
            " WHERE r.room_id=? AND e.stamp>? AND e.stamp<=? ORDER BY e.stamp, e.event_id LIMIT ?",
            window,
        )
        found[room_id] = sha256(json.dumps(rows).encode()).hexdigest()[:16]
        # Twenty rooms take tens of milliseconds, and people's requests go on between them.
        await asyncio.sleep(0)
    return found


def differing(
    mine: Mapping[str, str], others: Sequence[Mapping[str, str]]
) -> tuple[frozenset[str], frozenset[str]]:
    """Rooms in which this node is the odd one out, and rooms that differ and nobody can tell who is right.

    The odd one out is who differs from two that agree, and with whom nobody agrees.
    """
    odd: set[str] = set()
    split: set[str] = set()
    for room_id, digest in mine.items():
        said = Counter(each[room_id] for each in others if room_id in each)
        with_me = said.pop(digest, 0)
        if said:
            most = max(said.values())
            (odd if most >= 2 and with_me == 0 else split).add(room_id)
    return frozenset(odd), frozenset(split)


def _read(raw: bytes | None) -> Said | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=Said)
    except msgspec.DecodeError:
        return None
