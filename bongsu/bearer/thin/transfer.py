"""Messages in fragments, each way: selective repeat over frames that may be lost, doubled or late. Pure."""

from collections import deque

from bongsu import limits
from bongsu.bearer.thin.packet import SEQ_MODULUS

WINDOW = 32  # fragments on their way; what the other end may hold without being able to use it


class Outgoing:
    """What goes out: fragments numbered without end, sent again until the other end has them."""

    def __init__(self, fragment_bytes: int, ahead_bytes: int) -> None:
        self._size = fragment_bytes
        self._ahead_bytes = ahead_bytes
        self._base = 0  # the first the other end lacks
        self._next = 0
        self._fragments: dict[int, tuple[bytes, bool]] = {}
        self._backlog: deque[tuple[bytes, bool]] = deque()
        self._unsent: set[int] = set()

    @property
    def has_room(self) -> bool:
        """Whether another message may be pushed: little waits here, so that what is urgent comes next."""
        unsent = sum(len(self._fragments[seq][0]) for seq in self._unsent)
        return not self._backlog and self._next - self._base < WINDOW and unsent < self._ahead_bytes

    @property
    def is_open(self) -> bool:
        """Whether the other end is not known to have everything."""
        return bool(self._fragments)

    @property
    def has_unsent(self) -> bool:
        """Whether there is something to send without being asked."""
        return bool(self._unsent)

    @property
    def waiting_bytes(self) -> int:
        """What the other end is not known to have."""
        return sum(len(part) for part, _ in (*self._fragments.values(), *self._backlog))

    def push(self, message: bytes) -> None:
        """Send this too."""
        assert self.has_room, "one message waits at a time"
        parts = [message[at : at + self._size] for at in range(0, len(message), self._size)] or [b""]
        self._backlog.extend((part, number == len(parts) - 1) for number, part in enumerate(parts))
        self._fill()

    def burst(self, bytes_max: int, overhead: int) -> list[tuple[int, bytes, bool]]:
        """(seq, payload, last) of what is to be sent now, as far as these bytes go."""
        chosen: list[tuple[int, bytes, bool]] = []
        for seq in sorted(self._unsent):
            payload, last = self._fragments[seq]
            bytes_max -= len(payload) + overhead
            if bytes_max < 0 or len(chosen) == limits.THIN_BURST_FRAMES_MAX:
                break
            chosen.append((seq, payload, last))
        self._unsent.difference_update(seq for seq, _, _ in chosen)
        return chosen

    def first_bytes(self) -> int:
        """How long the first fragment to be sent is; 0: there is none."""
        return len(self._fragments[min(self._unsent)][0]) if self._unsent else 0

    def acknowledged(self, first: int, bitmap: bytes, *, conclusive: bool = True) -> None:
        """The other end has all before `first` (modulo), and of those after it the ones with a bit set.

        `conclusive`: it said so after all that was sent; what it does not have is lost.
        """
        base = self._base + (first - self._base) % SEQ_MODULUS
        if base > self._next:
            return  # of a past that is over
        for seq in range(self._base, base):
            self._fragments.pop(seq, None)
        self._base = base
        for offset in range(min(8 * len(bitmap), WINDOW)):
            if bitmap[offset // 8] >> offset % 8 & 1:
                self._fragments.pop(base + 1 + offset, None)
        self._unsent = set(self._fragments) if conclusive else self._unsent & self._fragments.keys()
        self._fill()

    def _fill(self) -> None:
        while self._backlog and self._next - self._base < WINDOW:
            self._fragments[self._next] = self._backlog.popleft()
            self._unsent.add(self._next)
            self._next += 1


class Incoming:
    """What comes in: whole messages, each once, in the order in which they were sent."""

    def __init__(self) -> None:
        self._base = 0
        self._ahead: dict[int, tuple[bytes, bool]] = {}
        self._parts: list[bytes] = []
        self._bytes = 0

    def take(self, seq: int, payload: bytes, last: bool) -> list[bytes]:
        """The messages that this fragment completes; `seq` modulo."""
        offset = (seq - self._base) % SEQ_MODULUS
        if offset >= WINDOW:
            return []  # had already
        self._ahead.setdefault(self._base + offset, (payload, last))
        whole: list[bytes] = []
        while self._base in self._ahead:
            part, ends = self._ahead.pop(self._base)
            self._base += 1
            self._bytes += len(part)
            # Who sends without end is not held: such a message comes out as none that could be opened.
            self._parts = [*self._parts, part] if self._bytes <= limits.THIN_MESSAGE_BYTES_MAX else []
            if ends:
                whole.append(b"".join(self._parts))
                self._parts, self._bytes = [], 0
        return whole

    def report(self) -> tuple[int, bytes]:
        """The first that lacks, and a bitmap of those after it that are here, without zeros at its end."""
        bits = sum(1 << seq - self._base - 1 for seq in self._ahead)
        return self._base % SEQ_MODULUS, bits.to_bytes(WINDOW // 8, "little").rstrip(b"\0")
