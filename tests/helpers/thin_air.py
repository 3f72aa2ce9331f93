"""A half-duplex channel in simulated time, with two stations of a thin link at it."""

import heapq
import random
from collections.abc import Callable

from bongsu.bearer.thin.air import Air
from bongsu.bearer.thin.keys import Self
from bongsu.bearer.thin.station import Began, Event, Received, Station
from bongsu.log.key import NodeKey

SERVICE = "talk.example.kr"
# What two stations begin within this time, neither has heard of the other.
BLIND_MS = 5


class ThinAir:
    """One channel with ideal carrier sense: who wants to send waits until nobody does."""

    def __init__(self, air: Air, *, loss: float = 0.0, seed: int = 1) -> None:
        self.now_ms = 0
        self.loss = loss
        self.cut = False
        self.air = air
        self.chance = random.Random(seed)
        self.keys = [NodeKey(self.chance.randbytes(32)) for _ in range(2)]
        self.stations = [self.station(end) for end in range(2)]
        self.got: list[list[bytes]] = [[], []]
        self.began = [0, 0]
        self.frames = 0
        self.bytes = 0
        self.spoil: Callable[[bytes], bytes] = lambda frame: frame
        self._order = 0
        self._arriving: list[tuple[int, int, int, bytes]] = []
        self._free_ms = 0
        self._begun_ms = (-BLIND_MS, 0)

    def station(self, end: int) -> Station:
        """A station as it is after a start."""
        keys = {key.node: key.public for key in self.keys}
        me = Self(self.keys[end], SERVICE, self.chance.randbytes(32))
        return Station(self.air, me, keys.get)

    def restart(self, end: int) -> None:
        self.stations[end] = self.station(end)

    def run(self, holds: Callable[[], bool], within_ms: int = 3_600_000) -> int:
        """Until it holds; how many milliseconds that took."""
        begun = self.now_ms
        while not holds():
            assert self.now_ms - begun <= within_ms, "it never came to be so"
            self._step()
        return self.now_ms - begun

    def pass_time(self, until_ms: int) -> None:
        """All that happens until then, if anything does."""
        while (at_ms := self._next_ms()) is not None and at_ms <= until_ms:
            self._step()
        self.now_ms = max(self.now_ms, until_ms)

    def _next_ms(self) -> int | None:
        times = [wake for end in range(2) if (wake := self._wake(end)) is not None]
        return min([*times, *(each[0] for each in self._arriving[:1])], default=None)

    def _step(self) -> None:
        wakes = [(wake, end) for end in range(2) if (wake := self._wake(end)) is not None]
        arrival = self._arriving[0][0] if self._arriving else None
        wake = min(wakes, default=None)
        assert wake is not None or arrival is not None, "nothing will ever happen again"
        if wake is not None and (arrival is None or wake[0] < arrival):
            self.now_ms = max(self.now_ms, wake[0])
            self._send(wake[1], self.stations[wake[1]].due(self.now_ms))
        else:
            at_ms, _, end, frame = heapq.heappop(self._arriving)
            self.now_ms = at_ms
            self._hand(end, self.stations[end].heard(frame, self.now_ms))

    def _wake(self, end: int) -> int | None:
        wake = self.stations[end].wake_ms(self.now_ms)
        return None if wake is None else max(wake, self.now_ms)

    def _send(self, end: int, frames: list[bytes]) -> None:
        begun_ms, other = self._begun_ms
        if frames and other != end and self.now_ms - begun_ms < BLIND_MS:
            self._arriving = [each for each in self._arriving if each[2] != end]
            self.frames += len(frames)
            return  # both spoke at once, and nobody understood
        at_ms = max(self.now_ms, self._free_ms)
        goes_on = self._free_ms > self.now_ms and self._begun_ms[1] == end
        if frames and not goes_on:  # a modem sends what it gets meanwhile in one transmission
            self._begun_ms = at_ms, end
        for frame in frames:
            at_ms += self.air.frame_ms(len(frame))
            self.frames += 1
            self.bytes += len(frame)
            if not self.cut and self.chance.random() >= self.loss:
                self._order += 1
                heapq.heappush(self._arriving, (at_ms, self._order, 1 - end, self.spoil(frame)))
        self._free_ms = max(at_ms, self._free_ms)

    def _hand(self, end: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Began):
                self.began[end] += 1
            elif isinstance(event, Received):
                self.got[end].append(event.message)

    def meet(self) -> int:
        """Until both know each other."""
        return self.run(lambda: all(station.session is not None for station in self.stations))

    def send(self, end: int, message: bytes, within_ms: int = 3_600_000) -> int:
        """Until the other end has it; how many milliseconds that took."""
        self.run(lambda: self.stations[end].has_room)
        self.stations[end].send(message)
        return self.run(lambda: message in self.got[1 - end], within_ms)
