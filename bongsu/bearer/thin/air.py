"""What a channel allows: how long a frame lasts, and how many bytes a minute this station may send. Pure."""

from dataclasses import dataclass

from bongsu import limits

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Air:
    """A channel as its operator describes it.

    `bits_per_second`: of the modem on the air. `bytes_per_minute`: this station's budget. `frame_bytes`: the
    longest frame of the modem. `lead_ms`: what each transmission lasts beyond its bytes (keying, preamble).
    `pause_ms`: how long the channel must have been quiet before somebody begins (listen before talk).
    """

    bits_per_second: int = 1_200
    bytes_per_minute: int = 9_000
    frame_bytes: int = 255
    lead_ms: int = 20
    pause_ms: int = 50

    def frame_ms(self, size: int) -> int:
        """How long a frame of so many bytes is on the air."""
        return self.lead_ms + -(-8_000 * size // self.bits_per_second)

    @property
    def frame_bytes_max(self) -> int:
        """The longest frame there may be: the modem's, and no longer on the air than the law lets one be."""
        legal = (limits.THIN_FRAME_MS_MAX - self.lead_ms) * self.bits_per_second // 8_000
        # A frame that the budget never allows would never go.
        return max(limits.THIN_FRAME_BYTES_MIN, min(self.frame_bytes, legal, self.bytes_per_minute // 2))

    @property
    def ahead_bytes(self) -> int:
        """How much may be put in order before it is sent: what is urgent waits for it."""
        return max(1, self.bits_per_second * limits.THIN_AHEAD_MS // 8_000)

    @property
    def byte_s(self) -> float:
        """About how long one byte more takes, in seconds: on the air, or by the budget."""
        return max(8 / self.bits_per_second, 60 / self.bytes_per_minute)

    def send_s(self, size: int) -> float:
        """About how long a message of so many bytes takes from here to there, in seconds."""
        frames = -(-size // (self.frame_bytes_max - 7))
        on_air = sum((frames * (self.frame_ms(7)), self.frame_ms(size), self.pause_ms)) / 1_000
        return max(on_air, 60 * (size + 7 * frames) / self.bytes_per_minute)


class Budget:
    """A bucket that fills by the minute's budget, and holds a minute of it."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._bytes = float(air.bytes_per_minute)
        self._at_ms: int | None = None

    def _fill(self, now_ms: int) -> None:
        if self._at_ms is not None and now_ms > self._at_ms:
            new = (now_ms - self._at_ms) * self._air.bytes_per_minute / MINUTE_MS
            self._bytes = min(float(self._air.bytes_per_minute), self._bytes + new)
        self._at_ms = now_ms

    def left(self, now_ms: int) -> int:
        """Bytes that may be sent now."""
        self._fill(now_ms)
        return int(self._bytes)

    def spend(self, size: int, now_ms: int) -> None:
        """So many were sent."""
        self._fill(now_ms)
        self._bytes -= size

    def ready_ms(self, size: int, now_ms: int) -> int:
        """When so many bytes may be sent: now, or later."""
        lacking = min(size, self._air.bytes_per_minute) - self.left(now_ms)
        return now_ms if lacking <= 0 else now_ms + 1 + int(lacking * MINUTE_MS / self._air.bytes_per_minute)
