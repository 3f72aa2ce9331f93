"""Links between simulated nodes: late, lossy, doubled, reordered, spoiled, cut one way or both, cut off."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bongsu.bearer.link import ChannelClosed
from bongsu.sim.loop import Loop

REMEMBERED_MAX = 200
TICK_S = 1e-6


@dataclass(slots=True)
class Wire:
    """What happens to messages from one site to another. Bearers that keep order lose and double nothing."""

    delay_s: float = 0.002
    jitter_s: float = 0.001
    cut: bool = False
    lost: float = 0.0
    doubled: float = 0.0
    reordered: float = 0.0
    spoiled: float = 0.0
    replayed: float = 0.0
    free_at_s: float = 0.0
    past: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED_MAX))


class End:
    """One end of a channel."""

    end_point = b""

    def __init__(
        self, network: "Network", loop: Loop, wire: Wire, rnd: random.Random, *, ordered: bool
    ) -> None:
        self._network = network
        self._loop = loop
        self._wire = wire
        self._random = rnd
        self._ordered = ordered
        self.other: End
        self._arrived: deque[bytes | None] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False

    async def send(self, raw: bytes) -> None:
        if self._closed:
            raise ChannelClosed
        wire, rnd = self._wire, self._random
        if wire.cut:
            # As TCP into a black hole, or NATS without a subscriber: nobody hears of it.
            return
        if self._ordered:
            self._deliver(raw, ordered=True)
            return
        if rnd.random() < wire.lost:
            return
        wire.past.append(raw)
        if rnd.random() < wire.spoiled:
            raw = _spoiled(raw, rnd)
        self._deliver(raw, ordered=rnd.random() >= wire.reordered)
        if rnd.random() < wire.doubled:
            self._deliver(raw, ordered=False)
        if rnd.random() < wire.replayed:
            self._deliver(rnd.choice(wire.past), ordered=False)

    def _deliver(self, raw: bytes | None, *, ordered: bool) -> None:
        wire = self._wire
        at = self._loop.now + wire.delay_s + self._random.random() * wire.jitter_s
        if ordered:
            # Of two timers of one moment the loop may take either first.
            at = wire.free_at_s = max(at, wire.free_at_s + TICK_S)
        else:
            at += self._random.random() * (10 * wire.delay_s + 0.05)
        self._network.carries(len(raw or b""))
        self._loop.outside(at - self._loop.now, self.other.take, raw)

    def take(self, raw: bytes | None) -> None:
        """A message, or None for the end, arrives here."""
        self._arrived.append(raw)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> bytes:
        while not self._arrived:
            if self._closed:
                raise ChannelClosed
            self._waiting = self._loop.create_future()
            await self._waiting
        raw = self._arrived.popleft()
        self._network.carries(-len(raw or b""))
        if raw is None:
            self._closed = True
            raise ChannelClosed
        return raw

    async def close(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """End the channel; the other side hears of it unless the wire is cut."""
        if not self._closed:
            self._closed = True
            self.take(None)
            if not self._wire.cut:
                self._deliver(None, ordered=True)


def _spoiled(raw: bytes, rnd: random.Random) -> bytes:
    left = bytearray(raw)
    if rnd.random() < 0.3:
        return bytes(left[: rnd.randrange(len(left))])
    left[rnd.randrange(len(left))] ^= 1 << rnd.randrange(8)
    return bytes(left)


Answer = Callable[[End], Awaitable[object] | None]


class Network:
    """The wires between sites, and who is there to be called."""

    def __init__(self, loop: Loop, rnd: random.Random) -> None:
        self._loop = loop
        self._random = rnd
        self._wires: dict[tuple[str, str], Wire] = {}
        self._ends: dict[str, list[End]] = {}
        # Bytes that were sent and not taken yet, and when channels were made.
        self.in_flight_bytes = self.in_flight_bytes_max = 0
        self.connected_s: list[float] = []

    def carries(self, count: int) -> None:
        """So many bytes more, or fewer, are on their way."""
        self.in_flight_bytes += count
        self.in_flight_bytes_max = max(self.in_flight_bytes_max, self.in_flight_bytes)

    def wire(self, sender: str, receiver: str) -> Wire:
        """The wire from one site to another."""
        return self._wires.setdefault((sender, receiver), Wire())

    def wires(self) -> list[Wire]:
        """All that were used."""
        return list(self._wires.values())

    def heal(self) -> None:
        """All as it should be."""
        for wire in self._wires.values():
            free = wire.free_at_s
            wire.__init__()  # type: ignore[misc]
            wire.free_at_s = min(free, self._loop.now)

    def connect(self, caller: str, called: str, *, ordered: bool) -> tuple[End, End]:
        """A channel between two sites; the caller's end first."""
        ours = End(self, self._loop, self.wire(caller, called), self._random, ordered=ordered)
        theirs = End(self, self._loop, self.wire(called, caller), self._random, ordered=ordered)
        self.connected_s.append(self._loop.now)
        ours.other, theirs.other = theirs, ours
        self._ends.setdefault(caller, []).append(ours)
        self._ends.setdefault(called, []).append(theirs)
        return ours, theirs

    def reachable(self, caller: str, called: str) -> bool:
        """Whether messages pass both ways."""
        return not (self.wire(caller, called).cut or self.wire(called, caller).cut)

    def gone(self, site: str, *, silent: bool) -> None:
        """A site's process has ended: its machine says so, unless it is gone, too."""
        for end in self._ends.pop(site, []):
            if not silent:
                end.hang_up()
