"""One link to one peer, over any bearer: it does what the exchange says, and decides nothing itself."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from bongsu import limits
from bongsu.bearer import call, word
from bongsu.bearer.bundle import Bundle, believed
from bongsu.bearer.call import Answer, Ask, Tell
from bongsu.bearer.exchange import EVERY_LANE, Complaint, Exchange, Load, Output, Send, Store
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.hello import Details, Handshake, Peer
from bongsu.bearer.pieces import Pieces, is_piece, split
from bongsu.errors import FatalError, MatrixError
from bongsu.log.epoch import Fork, Held
from bongsu.log.foreign import Foreign, Refused, Taken
from bongsu.log.record import BodyState, ForeignRecord, Lane, LogName, Record
from bongsu.log.store import Damaged, LogStore
from bongsu.log.stretch import Bounds
from bongsu.log.vector import Vector

logger = logging.getLogger(__name__)
CORE = "core"  # the role of a certificate


@dataclass(frozen=True, slots=True)
class Pace:
    """How a link goes about its bearer.

    `beat_s`: between offers. `silence_s`: without a message, and it is cut; None: its bearer knows better.
    `pieces`: long messages are cut up. `window_bytes`, `bundle_bytes`, `body_bytes_max`: of what is given.
    """

    beat_s: float = limits.LINK_BEAT_S
    silence_s: float | None = limits.LINK_SILENCE_S
    pieces: bool = True
    window_bytes: int = limits.EXCHANGE_WINDOW_BYTES
    bundle_bytes: int = limits.BUNDLE_FILL_BYTES
    body_bytes_max: int = limits.RECORD_BODY_BYTES_MAX
    bodies_bytes_max: int = limits.BUNDLE_BYTES_MAX


WIRED = Pace()
THIN = Pace(
    beat_s=limits.THIN_BEAT_S,
    silence_s=None,
    pieces=False,
    window_bytes=limits.THIN_WINDOW_BYTES,
    bundle_bytes=limits.THIN_BUNDLE_BYTES,
    body_bytes_max=limits.THIN_BODY_BYTES_MAX,
    bodies_bytes_max=limits.THIN_MESSAGE_BYTES_MAX * 3 // 4,
)


class ChannelClosed(Exception):
    """The other end is gone, or what lies between."""


class Channel(Protocol):
    """What a bearer gives: whole messages in both directions. They may be lost; a cut ends it."""

    # Of encryption that nobody vouches for: what both ends have to name. Else empty.
    end_point: bytes

    async def send(self, raw: bytes) -> None:
        """Returns when more may be sent. Raises ChannelClosed."""

    async def receive(self) -> bytes:
        """The next message. Raises ChannelClosed."""

    async def close(self) -> None:
        """End it from this side; never raises."""


class Called(Protocol):
    """What a node does when a peer asks or tells."""

    async def asked(self, link: "Link", topic: str, body: bytes) -> bytes | None:
        """The answer, or None; never raises for what a peer may send."""

    def told(self, link: "Link", topic: str, body: bytes) -> None:
        """Take news; never raises for what a peer may send."""


async def begin(channel: Channel, log: LogStore, details: Details, nonce: bytes) -> Peer:
    """Find out who is at the other end.

    Raises:
        Unreadable: somebody this node has nothing to say to.
        ChannelClosed, TimeoutError: nobody.
    """
    handshake = Handshake(log.key, replace(details, channel=channel.end_point.hex()), nonce)
    async with asyncio.timeout(limits.LINK_BEGIN_S):
        await channel.send(handshake.hello)
        while handshake.peer is None:
            answer = handshake.receive(await channel.receive())
            if answer is not None:
                await channel.send(answer)
    return handshake.peer


class Link:
    """A link that has begun. `acknowledged` is told up to where the peer has this node's logs on disk.

    `is_counted`: whether this node's disk may make a promise of the peer's: a hub's does not.
    `gives`: whether the peer gets the bodies of a scope; headers it gets all. `lanes`: the others wait.
    `has_room`: whether more may come; where not, `shown` is to be called once it may.
    """

    def __init__(
        self,
        log: LogStore,
        channel: Channel,
        peer: Peer,
        *,
        relays: bool,
        acknowledged: Callable[["Link", LogName, int], None],
        called: "Called",
        over_fabric: bool,
        gives: Callable[["Link", bytes], bool],
        lanes: frozenset[Lane] = EVERY_LANE,
        is_counted: bool = True,
        pace: Pace = WIRED,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.over_fabric = over_fabric
        self.pace = pace
        self.peer = peer
        self._log = log
        self._channel = channel
        self._acknowledged = acknowledged
        self._called = called
        self._is_counted = is_counted
        self._said: dict[LogName, int] = {}
        self._counted: dict[LogName, int] = {}
        self._gives = gives
        self._has_room = has_room
        # Told how many records the peer lacks of what it wants, before any of them is given.
        self.on_wanted: Callable[[Link, int], None] = lambda link, lacking: None
        self._wanted = 0
        self._asked: dict[int, asyncio.Future[bytes | None]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._pieces = Pieces()
        self._number, self._sent = 0, 0
        self._exchange = Exchange(
            log,
            log.key.node,
            window_bytes=pace.window_bytes,
            lanes=lanes,
            relays=relays,
            peer=peer.node,
        )
        self._outputs: deque[Output] = deque()
        self._work = asyncio.Event()
        self._heard, self._ended = True, False
        self.ended_by = ""
        self.parting_at: int | None = None  # shut out: given what was on disk here then, and cut in a moment

    async def run(self) -> None:
        """Exchange until the link is cut or the peer falls silent; `ended_by` says which, for operators."""
        self._offer()
        tasks = [asyncio.ensure_future(part()) for part in (self._receive, self._send, self._beat)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ended = True
            for task in (*tasks, *self._answering):
                task.cancel()
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_result(None)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._channel.close()
        for error in results:
            if isinstance(error, ChannelClosed):
                self.ended_by = self.ended_by or str(error) or "the other end is gone"
            elif isinstance(error, Exception):
                self.ended_by = repr(error)
                logger.error("the link to %s ended: %r", self.peer.details.site, error)

    def advanced(self, logs: Iterable[LogName]) -> None:
        """More of these logs is on disk here."""
        self._add(self._exchange.advanced(list(logs)))

    def shown(self) -> None:
        """There is room for more."""
        self._add(self._exchange.shown())

    def has(self, log: LogName) -> int:
        """Up to which seq the peer is known to have a log on disk."""
        return self._exchange.peer_has(log)

    @property
    def offered(self) -> Vector:
        """What the peer said last that it holds."""
        return self._exchange.offered

    async def ask(self, topic: str, body: bytes, timeout_s: float = limits.CALL_S_MAX) -> bytes | None:
        """Ask the peer; None if it cannot or will not say, or not in time."""
        number = self._number = self._number + 1
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._add([Send(call.encode(Ask(number, topic, body)))])
        try:
            async with asyncio.timeout(timeout_s):
                return await self._asked[number]
        except TimeoutError:
            return None
        finally:
            del self._asked[number]

    def tell(self, topic: str, body: bytes) -> None:
        """Tell the peer what need not arrive."""
        self._add([Send(call.encode(Tell(topic, body)))])

    def end(self) -> None:
        """Cut the link from this side."""
        self.ended_by = "cut from this side"
        self._ending = asyncio.ensure_future(self._channel.close())

    async def _receive(self) -> None:
        while True:
            raw: bytes | None = await self._channel.receive()
            self._heard = True
            if raw is not None and is_piece(raw):
                raw = self._whole(raw)
            if raw is None:
                continue
            if call.is_call(raw):
                self._receive_call(raw)
            else:
                self._receive_records(raw)

    def _receive_records(self, raw: bytes) -> None:
        outputs = self._exchange.receive(raw)
        if self._exchange.wanted != self._wanted:
            self._wanted = self._exchange.wanted
            self.on_wanted(self, self._exchange.lacking)
        self._add(outputs)

    def _whole(self, piece: bytes) -> bytes | None:
        try:
            return self._pieces.take(piece)
        except Unreadable as error:
            logger.warning("from site %s: %s", self.peer.details.site, error)
            return None

    def _receive_call(self, raw: bytes) -> None:
        try:
            received = call.decode(raw)
        except Unreadable as error:
            logger.warning("from site %s: %s", self.peer.details.site, error)
            return
        match received:
            case Answer(number, body):
                asked = self._asked.get(number)
                if asked is not None and not asked.done():
                    asked.set_result(body)
            case Tell(word.HELD, body):
                self._told_held(body)
            case Tell(topic, body):
                self._called.told(self, topic, body)
            case Ask() if len(self._answering) < limits.CALLS_AT_ONCE_MAX:
                task = asyncio.ensure_future(self._answer(received))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    async def _answer(self, asked: Ask) -> None:
        body = await self._called.asked(self, asked.topic, asked.body)
        self._add([Send(call.encode(Answer(asked.number, body)))])

    async def _beat(self) -> None:
        silent_s = 0.0
        while self.pace.silence_s is None or silent_s < self.pace.silence_s:
            await asyncio.sleep(self.pace.beat_s)
            silent_s = 0.0 if self._heard else silent_s + self.pace.beat_s
            self._heard = False
            # Where nothing gets through for hours, offers are not piled up behind what waits.
            if self.pace.silence_s is not None or not self._outputs:
                self._offer()
        self.ended_by = f"nothing came for {self.pace.silence_s} s"

    def _offer(self) -> None:
        self._add(self._exchange.offer())
        # What came by another link was not said here yet; the fabric may lose what was.
        states = self._log.open_of(self.peer.node)
        self._say_held([each for each in states if self.over_fabric or self._said.get(each.log) != each.seq])

    def _say_held(self, states: list[Held]) -> None:
        """Tell the peer what is on disk here of its own logs: it may have promised somebody two disks."""
        if states and self._is_counted:
            self._said.update({each.log: each.seq for each in states})
            self.tell(word.HELD, word.encode(states))

    def vouched(self, log: LogName, seq: int, digest: bytes) -> None:
        """The peer has a log of this node's on disk up to there; it counts if that is this node's record."""
        own = self._log.hash_at(log, seq) if seq > self._counted.get(log, 0) else None
        if own is not None and own.startswith(digest):
            self._counted[log] = seq
            self._acknowledged(self, log, seq)

    def _told_held(self, raw: bytes) -> None:
        for log, seq, digest in word.decode(self._log.key.node, raw):
            try:
                self.vouched(log, seq, digest)
            except Damaged as damage:
                logger.error("%s", damage)
                return

    async def _send(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._outputs:
                output = self._outputs.popleft()
                if isinstance(output, Send):
                    for part in self._parts(output.raw):
                        await self._channel.send(part)
                elif isinstance(output, Load):
                    load = self._exchange.urgent(output)
                    self._add(self._exchange.loaded(load, self._bundle(load)))

    def _parts(self, raw: bytes) -> list[bytes]:
        """A message as this bearer takes it. The fabric may lose any: of a long one it would lose a piece."""
        if self.over_fabric or not self.pace.pieces:
            return [raw]
        self._sent += 1
        return split(raw, self._sent)

    def _add(self, outputs: Iterable[Output]) -> None:
        """Sends and loads keep their order; the rest is done at once."""
        for output in outputs:
            match output:
                case Send() | Load():
                    self._outputs.append(output)
                    self._work.set()
                case Store(ticket, bundle):
                    self._store(ticket, bundle)
                case Complaint(sentence):
                    logger.warning("from site %s: %s", self.peer.details.site, sentence)

    def _bundle(self, load: Load) -> Bundle | None:
        try:
            until = load.until if self.parting_at is None else self.parting_at
            found = self._log.stretch(load.log, load.after, Bounds(until, self.pace.bundle_bytes))
        except Damaged as damage:
            # Others may have it whole; this node must not give on what it cannot prove.
            logger.error("%s", damage)
            self._log.on_damaged(damage)
            return None
        records, signature = found or ([], b"")
        if not records or (self.parting_at is not None and records[-1].position > self.parting_at):
            return None
        carried = tuple(map(self._carried, records))
        if sum(len(each.body or b"") for each in carried) > self.pace.bodies_bytes_max:
            return None  # another node signed it as a whole, and this bearer does not take so much at once
        public_key = self._log.public_key(load.log.node)
        return Bundle(public_key, load.log.epoch, load.log.lane, carried, signature)

    def _carried(self, record: Record) -> ForeignRecord:
        if self._gives(self, record.header.scope) and len(record.body or b"") <= self.pace.body_bytes_max:
            return ForeignRecord(record.header, record.body, record.state)
        return ForeignRecord(record.header, None, BodyState.WITHHELD)

    @property
    def is_core(self) -> bool:
        """Whether the peer is a core node."""
        return self.peer.details.role == CORE

    def _store(self, ticket: int, bundle: Bundle) -> None:
        def done(future: "asyncio.Future[Foreign]") -> None:
            # A full or failed disk: not taken, and no fault of the peer's.
            verdict = None if future.cancelled() or future.exception() else future.result()
            self._stored(bundle.log, ticket, verdict)

        records = believed(bundle.records, bundle.log, self.peer.node, core=self.is_core)
        try:
            future = self._log.append_foreign(bundle.log, bundle.public_key, records, bundle.signature)
        except (MatrixError, FatalError):
            return self._stored(bundle.log, ticket, None)
        future.add_done_callback(done)

    def _stored(self, log: LogName, ticket: int, verdict: Foreign | None) -> None:
        taken, refusal = 0, None
        match verdict:
            case Taken(records):
                taken = len(records)
            case Refused(reason):
                refusal = reason
            case Fork(forked, seq):
                refusal = f"Log {forked.node.hex()} has two histories from record {seq} on."
        if not self._ended:  # the link may be cut while the disk writes
            self._add(self._exchange.stored(ticket, taken, refusal, has_room=self._has_room()))
            if log.node == self.peer.node and (state := self._log.held().get(log)) is not None:
                self._say_held([state])
