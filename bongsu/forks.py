"""Two histories of one of this node's logs: found by asking those who hold it, proved by its own signature.

A process that goes on from an image of its memory gives numbers out again (docs/decisions/forks.md)."""

import asyncio
import logging
from contextlib import suppress
from struct import Struct

from bongsu import limits
from bongsu.bearer.bundle import Bundle
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.link import Link
from bongsu.errors import FatalError
from bongsu.fork_notes import Fork, ForkNotes
from bongsu.live.background import Background
from bongsu.log.key import verify
from bongsu.log.record import HASH_BYTES, ForeignRecord, Lane, LogName, chain, genesis
from bongsu.log.store import Damaged
from bongsu.node import Node
from bongsu.peers import Peers

logger = logging.getLogger(__name__)

# Where the asking node's newest logs end at the other; the hash of one record; the records behind one.
ENDS, HASH, REST = "own_ends", "own_hash", "own_rest"
PLACE, END = Struct(">QBQ"), Struct(f">QBQ{HASH_BYTES}s")
LANES = {int(lane): lane for lane in Lane}
FORKED = (
    "This node's key has signed two histories: it went on from an image of its memory, or a copy of the"
    " running machine runs elsewhere. The next start takes the history that the other sites hold and writes"
    " its own part again behind it. See to it that only one copy runs."
)


class Forks(Background):
    """Asks every peer now and then how this node's own logs end there. What it is told it believes only
    with its own signature under it, so that no peer can make it stop by a lie."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._notes = ForkNotes(node.config.data)
        super().__init__(self._watch)
        peers.calls.answers.update({ENDS: self._say_ends, HASH: self._say_hash, REST: self._say_rest})

    async def _watch(self) -> None:
        while True:
            changed = self._peers.changed
            for link in list(self._peers.links.values()):
                try:
                    fork = await self._fork_with(link)
                except Damaged as damage:
                    with suppress(Damaged):
                        self._node.log.on_damaged(damage)
                    return
                if fork is not None and self._notes.add(fork):
                    self._node.fail(FatalError(FORKED))
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.FORKS_LOOK_S):
                    await changed.wait()

    async def _fork_with(self, link: Link) -> Fork | None:
        raw = await link.ask(ENDS, b"")
        if raw is None or len(raw) % END.size:
            return None  # a release that does not know the question
        node = self._node
        for epoch, lane, seq, digest in END.iter_unpack(raw):
            log = LogName(node.log.key.node, epoch, LANES.get(lane, Lane.TEXT))
            # What is on disk: what is on its way there may be refused.
            held = 0 if (state := node.log.held().get(log)) is None else state.seq
            if held == 0 and epoch != node.log.epoch:
                continue  # a log that is gone here, and that peers fill up again
            at = min(held, seq)
            theirs = digest if at == seq else await self._hash(link, log, at)
            if theirs is not None and at > 0 and link.is_core:
                # Of logs of earlier starts nobody says more: whether they are safe shows here.
                link.vouched(log, at, theirs)
            more = seq > held and epoch == node.log.epoch
            if more or (theirs is not None and theirs != self._own(log, at)):
                fork = await self._proved(link, log, at)
                if fork is not None:
                    return fork
        return None

    async def _proved(self, link: Link, log: LogName, most: int) -> Fork | None:
        """Where the histories part, if the peer can show what this node's key signed behind that."""
        least = 0
        while least < most:
            middle = (least + most + 1) // 2
            theirs = await self._hash(link, log, middle)
            if theirs is None:
                return None
            least, most = (middle, most) if theirs == self._own(log, middle) else (least, middle - 1)
        raw = await link.ask(REST, PLACE.pack(log.epoch, int(log.lane), least))
        try:
            bundle = Bundle.decode(raw or b"")
        except Unreadable:
            return None
        hashes = chain(self._own(log, least), (record.header for record in bundle.records))
        if bundle.log != log or bundle.first_seq != least + 1:
            return None
        if not verify(self._node.log.key.public, hashes[-1:], bundle.signature):
            logger.warning(
                "site %s shows a history of this node's that nobody signed", link.peer.details.site
            )
            return None
        state = self._node.log.held().get(log)
        behind = state is not None and state.seq > least
        if behind and self._own(log, least + 1) == hashes[0]:
            return None
        return Fork(log.epoch, int(log.lane), least, self._own(log, least + 1) if behind else b"")

    async def _hash(self, link: Link, log: LogName, seq: int) -> bytes | None:
        if seq == 0:
            return genesis(log)
        return await link.ask(HASH, PLACE.pack(log.epoch, int(log.lane), seq))

    def _own(self, log: LogName, seq: int) -> bytes:
        if seq == 0:
            return genesis(log)
        (record,) = self._node.log.log_records(log, seq, 1)
        return record.hash

    async def _say_ends(self, link: Link, body: bytes) -> bytes | None:
        found = []
        for log, seq in self._node.log.held_of(link.peer.node)[-limits.FORKS_LOGS_MAX :]:
            state = self._node.log.held().get(log)
            if state is not None and state.seq >= seq:
                found.append(END.pack(log.epoch, int(log.lane), state.seq, state.hash))
        return b"".join(found)

    async def _say_hash(self, link: Link, body: bytes) -> bytes | None:
        log, seq = _place(link, body)
        try:
            records = [] if log is None else self._node.log.log_records(log, seq, 1)
        except Damaged:
            return None
        return records[0].hash if records else None

    async def _say_rest(self, link: Link, body: bytes) -> bytes | None:
        log, seq = _place(link, body)
        try:
            found = None if log is None else self._node.log.stretch(log, seq)
        except Damaged:
            return None
        if log is None or found is None:
            return None
        records, signature = found
        carried = tuple(ForeignRecord(each.header, each.body, each.state) for each in records)
        return Bundle(link.peer.public_key, log.epoch, log.lane, carried, signature).encode()


def _place(link: Link, body: bytes) -> tuple[LogName | None, int]:
    if len(body) != PLACE.size:
        return None, 0
    epoch, lane, seq = PLACE.unpack(body)
    known = lane in LANES and seq <= limits.SEQ_MAX
    return (LogName(link.peer.node, epoch, LANES[lane]), seq) if known else (None, 0)
