"""One thin link as it runs: a modem, a station, and the channel that a link is run on. It decides nothing."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from bongsu import limits
from bongsu.bearer import call
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.hello import LinkKey
from bongsu.bearer.link import ChannelClosed
from bongsu.bearer.message import Done, Give, Message, Offer, Stored, decode, encode
from bongsu.bearer.thin.air import Air
from bongsu.bearer.thin.keys import Known, Self
from bongsu.bearer.thin.modem import Modem, ModemGone, dial, open_serial
from bongsu.bearer.thin.station import Began, Event, Station
from bongsu.bearer.thin.talk import Lacks, Plain, Say, Talk, Thin, Unknown, Wired
from bongsu.log.vector import Vector
from bongsu.thin_setting import ThinLink

logger = logging.getLogger(__name__)


class ThinChannel:
    """Whole messages of the exchange, over one session of the line."""

    end_point = b""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue(limits.THIN_ARRIVED_MAX)
        self.closed = False

    async def send(self, raw: bytes) -> None:
        """Returns when more may be sent; questions and news between nodes are not for thin links."""
        if self.closed:
            raise ChannelClosed
        message = None if call.is_call(raw) else decode(raw)
        # Nothing is lost in a session, so that nobody need look whether all of it came.
        if message is not None and not isinstance(message, Done):
            await self._line.send(message)
        if self.closed:
            raise ChannelClosed

    async def receive(self) -> bytes:
        """The next message."""
        raw = None if self.closed else await self._arrived.get()
        if raw is None:
            raise ChannelClosed
        return raw

    async def close(self) -> None:
        """End it; the session goes on."""
        if not self.closed:
            self.closed = True
            self._line.left(self)
            self._wake()

    def arrived(self, message: Message) -> None:
        """Hand on what came. What nobody takes is lost, and asked for again."""
        with suppress(asyncio.QueueFull):
            self._arrived.put_nowait(encode(message))

    def _wake(self) -> None:
        while self._arrived.full():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)


class Line:
    """`lacks` is told which bodies the other end cannot use yet; `own` says what is on disk here."""

    def __init__(
        self, link: ThinLink, key: LinkKey, service: str, known: Known, own: Callable[[], Vector]
    ) -> None:
        self.link = link
        self.air = Air(
            link.bits_per_second, link.bytes_per_minute, link.frame_bytes, link.lead_ms, link.pause_ms
        )
        self.station = Station(self.air, Self(key, service, os.urandom(32)), known)
        self.peer: bytes | None = None  # the public key of the other end
        self.sessions = 0  # that began
        self.problem = ""  # why there is no modem
        self.lacks: frozenset[bytes] | None = None
        self.wired: bool | None = None  # whether the other end reaches a data centre by itself
        self.told = asyncio.Event()  # set when a session begins, and when the other end says how it stands
        self._own = own
        self._talk = Talk(own)
        self._queue: deque[Thin] = deque()
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._channel: ThinChannel | None = None
        self._early: Offer | None = None  # came before there was a channel; the next comes in a minute

    @property
    def waiting_bytes(self) -> int:
        """What is on its way and not known to have arrived, as it is on the air."""
        session = self.station.session
        return 0 if session is None else session.outgoing.waiting_bytes

    @property
    def reached(self) -> bool:
        """Whether the other end was heard lately."""
        return self.peer is not None and not self.station.is_quiet(self._now_ms())

    def heard_s(self) -> float | None:
        """How many seconds ago the other end was heard; None: never."""
        heard_ms = self.station.heard_ms
        return None if heard_ms is None else max(0.0, (self._now_ms() - heard_ms) / 1_000)

    def open(self) -> ThinChannel:
        """A channel for a link with the other end; the one before is closed."""
        if self._channel is not None:
            self._end()
        self._forget()
        self._channel = ThinChannel(self)
        if self._early is not None:
            self._channel.arrived(self._early)
            self._early = None
        return self._channel

    def end(self) -> None:
        """Close the channel there is; the session goes on."""
        self._forget()
        self._end()

    def left(self, channel: ThinChannel) -> None:
        """The channel is not used any more."""
        if self._channel is channel:
            self._channel = None
            self._forget()
            self._room.set()

    def _forget(self) -> None:
        """What a link that is over would have said is not said any more."""
        self._queue = deque(each for each in self._queue if isinstance(each, Wired))

    def say(self, message: Lacks | Wired) -> None:
        """Say how this end stands, in the session there is."""
        if self.peer is not None:
            self._queue.append(message)
            self._news.set()

    async def send(self, message: Message) -> None:
        """Put a message in the queue; returns when the next bundle may be made."""
        if isinstance(message, Offer):
            # A later offer says all that an earlier one did.
            self._queue = deque(each for each in self._queue if not isinstance(each, Offer))
        if isinstance(message, Stored):
            message = self._joined(message)
        self._queue.append(message)
        self._news.set()
        if isinstance(message, Give):
            self._room.clear()
            await self._room.wait()

    def _joined(self, stored: Stored) -> Stored:
        """With what an earlier one says that is still here."""
        acks = dict(stored.acks)
        for each in list(self._queue):
            if isinstance(each, Stored) and each.want == stored.want:
                acks = {**dict(each.acks), **acks}
                self._queue.remove(each)
        return Stored(stored.want, stored.consumed, tuple(acks.items()))

    async def run(self) -> None:
        """Use the modem, again and again where there is none, until cancelled."""
        while True:
            try:
                modem = await self._open()
            except ModemGone as error:
                self._complain(str(error))
                await asyncio.sleep(limits.THIN_MODEM_RETRY_S)
                continue
            self.problem = ""
            reading = asyncio.ensure_future(self._read(modem))
            sending = asyncio.ensure_future(self._pump(modem))
            try:
                await asyncio.wait((reading, sending), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in (reading, sending):
                    each.cancel()
                results = await asyncio.gather(reading, sending, return_exceptions=True)
                modem.close()
            for result in results:
                if isinstance(result, ModemGone):
                    self._complain(str(result))
                elif isinstance(result, Exception):
                    logger.error("the thin link %s failed: %r", self.link.text, result)
            await asyncio.sleep(1)

    async def _open(self) -> Modem:
        if self.link.device is not None:
            return await open_serial(self.link.device, self.link.baud)
        return await dial(self.link.host, self.link.port)

    def _complain(self, sentence: str) -> None:
        if sentence != self.problem:
            logger.warning("the thin link %s: %s", self.link.text, sentence)
        self.problem = sentence

    def _now_ms(self) -> int:
        return int(1_000 * asyncio.get_running_loop().time())

    async def _read(self, modem: Modem) -> None:
        while True:
            for frame in await modem.receive():
                for event in self.station.heard(frame, self._now_ms()):
                    self._take(event)
            self._news.set()

    async def _pump(self, modem: Modem) -> None:
        while True:
            self._news.clear()
            self._fill()
            for frame in self.station.due(self._now_ms()):
                modem.send(frame)
            self._fill()  # where nothing is waited for any more
            now_ms = self._now_ms()
            wake_ms = self.station.wake_ms(now_ms)
            pause_s = None if wake_ms is None else max(0.001, (wake_ms - now_ms) / 1_000)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._news.wait()

    def _fill(self) -> None:
        """Small messages that wait together share a seal."""
        while self.station.has_room and self._queue:
            parts: list[bytes] = []
            while self._queue and sum(map(len, parts)) < limits.THIN_JOIN_BYTES:
                message = self._queue.popleft()
                parts.append(self._talk.encode(message))
                if isinstance(message, Give):
                    self._room.set()
            self.station.send(b"".join(parts))

    def _take(self, event: Event) -> None:
        if isinstance(event, Began):
            self.peer = event.public_key
            self.sessions += 1
            self._talk = Talk(self._own)
            self._queue.clear()
            self.lacks = self.wired = self._early = None
            self._end()
            self.told.set()
            return
        try:
            messages = self._talk.decode(event.message)
        except Unreadable as error:
            logger.warning("the thin link %s: %s", self.link.text, error)
            plain = self._talk.failed()
            messages = [] if plain is None else [plain]
            self._queue.extend(messages)
            return
        for message in messages:
            self._hand(message)

    def _hand(self, message: Thin) -> None:
        match message:
            case Lacks(scopes):
                self.lacks = scopes
            case Wired(on):
                self.wired = on
                self.told.set()
            case Unknown():
                self._queue.append(message)
            case Say():
                self._queue.append(message)
            case Plain():
                logger.warning("the thin link %s: the other end wants whole records", self.link.text)
            case _:
                if self._channel is not None:
                    self._channel.arrived(message)
                elif isinstance(message, Offer):
                    self._early = message

    def _end(self) -> None:
        channel, self._channel = self._channel, None
        self._room.set()
        if channel is not None:
            channel.closed = True
            channel._wake()
