"""One station of a thin link: frames and the time in, frames out. Half duplex, resumes after any cut. Pure.

docs/protocol/thin.md. The driver calls `heard` for each frame, and `due` at `wake_ms`.
"""

from dataclasses import dataclass
from hashlib import sha256

from bongsu import limits
from bongsu.bearer.thin import packet
from bongsu.bearer.thin.air import Air, Budget
from bongsu.bearer.thin.keys import Greeting, Keys, Known, Self, greet
from bongsu.bearer.thin.packet import ACK, DATA, FINAL, HELLO, LAST, OPEN_KEY, POLL, PROOF, Packet
from bongsu.bearer.thin.transfer import Incoming, Outgoing


@dataclass(frozen=True, slots=True)
class Began:
    """Output: the node at the other end has proved its key; whatever was sent before is over."""

    public_key: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """Output: a whole message, which that node sealed."""

    message: bytes


Event = Began | Received


class Session:
    """What two stations that know each other have sent and got."""

    def __init__(self, greeting: Greeting, fragment_bytes: int, ahead_bytes: int) -> None:
        self.greeting = greeting
        self.outgoing, self.incoming = Outgoing(fragment_bytes, ahead_bytes), Incoming()
        # Whether the other end was heard in it: else it may not have heard the proof.
        self.confirmed = False
        self._sealed = self._opened = 0

    @property
    def keys(self) -> Keys:
        """What it seals and checks with."""
        return self.greeting.keys

    def push(self, message: bytes) -> None:
        """Seal a message and put it on its way."""
        self.outgoing.push(self.keys.seal(self._sealed, message))
        self._sealed += 1

    def take(self, data: Packet) -> list[bytes]:
        """The messages that this fragment completes; what was not sealed by the other end is dropped."""
        found = []
        for sealed in self.incoming.take(data.seq, data.payload, bool(data.flags & LAST)):
            message = self.keys.open(self._opened, sealed)
            self._opened += 1
            if message is not None:
                found.append(message)
        return found


class Station:
    """The state of one end. Times are milliseconds of a clock that only goes on."""

    def __init__(self, air: Air, me: Self, known: Known) -> None:
        self.air = air
        self.budget = Budget(air)
        self.session: Session | None = None
        self.heard_ms: int | None = None  # when the other end was heard last
        self.sent_bytes = self.heard_bytes = 0
        self._me = me
        self._known = known
        self._greeting: Greeting | None = None
        self._number = 0  # of this node's hello
        self._replies: list[Packet] = []
        self._hello_ms = 0
        self._hellos = 0
        self._replied_ms: int | None = None
        self._said: Greeting | None = None  # whose proof was said last
        self._free_ms = 0  # before then the channel is in use
        self._owes = False
        self._echo = 0  # the number of the last poll that was heard
        self._poll = 0  # of the last that was sent, and of the one behind the last fragments
        self._burst_poll = 0
        self._answer_ms: int | None = None  # when the answer to a poll is overdue
        self._out_ms = 0  # when this station's modem has sent all it was given, as far as can be told
        self._polls = 0

    @property
    def has_room(self) -> bool:
        """Whether `send` is to be called now: not before it can go, lest something urgent come meanwhile."""
        return self.session is not None and not self._waits and self.session.outgoing.has_room

    def send(self, message: bytes) -> None:
        """Put a message on its way."""
        assert self.session is not None, "who asked has_room knows that there is a session"
        self.session.push(message)

    def is_quiet(self, now_ms: int) -> bool:
        """Whether the other end has not been heard for so long that it is out of reach."""
        return self.heard_ms is None or now_ms - self.heard_ms > 1_000 * limits.THIN_SILENCE_S

    # What is heard

    def heard(self, frame: bytes, now_ms: int) -> list[Event]:
        """Take a frame off the air."""
        kind = packet.kind_of(frame)
        if kind in (HELLO, PROOF):
            found = packet.decode(frame, OPEN_KEY)
            return [] if found is None else self._greeted(found, now_ms)
        if self.session is None:
            return []
        found = packet.decode(frame, self.session.keys.check_in)
        if found is None:
            # Of somebody else on this channel: one more may follow.
            self._busy(now_ms + self.air.pause_ms)
            return []
        self._noted(frame, now_ms)
        self.session.confirmed = True
        if found.kind == ACK:
            self._acknowledged(self.session, found, now_ms)
        self._turn(found, now_ms, self.air.frame_ms(len(frame)))
        if found.kind == ACK:
            return []
        return [Received(message) for message in self.session.take(found)]

    def _acknowledged(self, session: Session, found: Packet, now_ms: int) -> None:
        """What an answer to an earlier poll does not name may still be on its way: it is not repeated."""
        ahead = (found.payload[0] - self._burst_poll) % packet.POLL_MODULUS
        conclusive = self._waits and ahead < packet.POLL_MODULUS // 2
        session.outgoing.acknowledged(found.seq, found.payload[1:], conclusive=conclusive)
        if self._waits and found.payload[0] == self._poll:
            self._out_ms = self._free_ms = now_ms  # what this station's modem had, the other end has heard
        if conclusive or not session.outgoing.is_open:
            self._answer_ms, self._polls = None, 0

    def _noted(self, frame: bytes, now_ms: int) -> None:
        self.heard_ms = now_ms
        self.heard_bytes += len(frame)

    def _turn(self, found: Packet, now_ms: int, lasted_ms: int) -> None:
        """Who speaks next: the other as long as its turn has not ended; then whoever was asked."""
        if found.flags & POLL:
            self._owes, self._echo = True, found.poll
        if now_ms < self._out_ms:
            self._out_ms += lasted_ms  # while the other spoke, this station's modem waited
        if self._answer_ms is not None:
            self._answer_ms = max(self._answer_ms, max(now_ms, self._out_ms) + self._answer_after_ms)
        if not found.flags & FINAL:
            self._busy(now_ms + self.air.frame_ms(self.air.frame_bytes_max) + limits.THIN_TURN_MS)
        else:
            pause_ms = 0 if found.flags & POLL else self.air.pause_ms
            self._free_ms = max(now_ms, self._out_ms) + pause_ms

    def _busy(self, until_ms: int) -> None:
        self._free_ms = max(self._free_ms, until_ms)

    def _greeted(self, found: Packet, now_ms: int) -> list[Event]:
        self._busy(now_ms + self.air.pause_ms)
        if found.kind == PROOF:
            return self._proved(found.payload, now_ms)
        session, greeting = self.session, self._greeting
        known = greeting if session is None or _is_of(greeting, found) else session.greeting
        if known is not None and _is_of(known, found):
            if found.flags & FINAL:
                self._reply(known, now_ms)  # it did not hear this node's proof
        else:
            if session is not None and session.greeting.number == self._number:
                self._number += 1  # keys are of one session alone
            begun = greet(self._me, self._number, found.payload, self._known)
            if begun is None or (session is not None and not self._may_follow(session, begun, now_ms)):
                return []
            self._greeting = begun
            if found.flags & FINAL:
                self._reply(begun, now_ms)  # else its proof follows, and says that it heard this node's hello
        return []

    def _may_follow(self, session: Session, begun: Greeting, now_ms: int) -> bool:
        """A thin link has two ends: a third station gets its turn when the other has long been silent."""
        return begun.public_key == session.greeting.public_key or self.is_quiet(now_ms)

    def _reply(self, greeting: Greeting, now_ms: int) -> None:
        """This node's hello and proof. Not more often than answers are worth: anybody can repeat a hello."""
        again_ms = self.air.frame_ms(2 * self.air.frame_bytes_max)
        if self._replied_ms is not None and now_ms < self._replied_ms + again_ms:
            return
        self._replied_ms, self._said = now_ms, greeting
        self._hello_ms = now_ms + self._backoff_ms(limits.THIN_HELLO_MS, 2)
        hello = Packet(HELLO, 0, 0, self._me.hello(greeting.number))
        self._replies = [hello, Packet(PROOF, FINAL, 0, greeting.proof())]

    def _proved(self, proof: bytes, now_ms: int) -> list[Event]:
        greeting = self._greeting
        if greeting is None or not greeting.proves(proof):
            return []
        if self._said is not greeting:
            self._said = greeting
            self._replies = [Packet(PROOF, FINAL, 0, greeting.proof())]
        self._greeting = None
        self.heard_ms = now_ms
        fragment_bytes = self.air.frame_bytes_max - packet.DATA_OVERHEAD_BYTES
        self.session = Session(greeting, fragment_bytes, self.air.ahead_bytes)
        self._owes, self._answer_ms, self._polls, self._hellos = False, None, 0, 0
        self._echo = self._poll = self._burst_poll = 0
        return [Began(greeting.public_key)]

    # What is sent

    def due(self, now_ms: int) -> list[bytes]:
        """The frames to send now, to be sent one behind the other."""
        if now_ms < self._free_ms or now_ms < self._affordable_ms(now_ms):
            return []
        replies, self._replies = self._replies, []
        if replies:
            return self._sent([each.encode(OPEN_KEY) for each in replies], now_ms)
        if self.session is None:
            return self._hello(now_ms)
        return self._sent(self._session_frames(self.session, now_ms), now_ms)

    def wake_ms(self, now_ms: int) -> int | None:
        """When to call `due` next, if nothing is heard before."""
        session = self.session
        begins = session is not None and (session.outgoing.has_unsent or not session.confirmed)
        if self._replies or self._owes or (begins and not self._waits):
            wanted = now_ms
        elif session is None:
            wanted = self._hello_ms
        elif self._answer_ms is not None:
            wanted = self._answer_ms
        else:
            return None
        return max(wanted, self._free_ms, self._affordable_ms(now_ms))

    @property
    def _waits(self) -> bool:
        return self._answer_ms is not None

    def _affordable_ms(self, now_ms: int) -> int:
        """When the budget allows the next frame."""
        size = packet.DATA_OVERHEAD_BYTES
        if self._replies or self.session is None:
            size = limits.THIN_FRAME_BYTES_MIN
        elif not self._waits:
            size += self.session.outgoing.first_bytes()
        return self.budget.ready_ms(size, now_ms)

    def _hello(self, now_ms: int) -> list[bytes]:
        if now_ms < self._hello_ms:
            return []
        self._hellos += 1
        said = Packet(HELLO, FINAL, 0, self._me.hello(self._number))
        frames = self._sent([said.encode(OPEN_KEY)], now_ms)
        self._hello_ms = now_ms + self._backoff_ms(limits.THIN_HELLO_MS, self._hellos)
        return frames

    def _session_frames(self, session: Session, now_ms: int) -> list[bytes]:
        packets: list[Packet] = []
        outgoing = session.outgoing
        if session.confirmed and not outgoing.is_open:
            self._answer_ms, self._polls = None, 0  # what was asked is known otherwise
        overdue = self._answer_ms is not None and now_ms >= self._answer_ms
        if self._owes or overdue or not (session.confirmed or self._waits):
            seq, bitmap = session.incoming.report()
            packets.append(Packet(ACK, 0, seq, bytes((self._echo,)) + bitmap))
        if not self._waits:
            bytes_max = self.budget.left(now_ms)
            for seq, payload, last in outgoing.burst(bytes_max, packet.DATA_OVERHEAD_BYTES):
                packets.append(Packet(DATA, LAST if last else 0, seq, payload))
        if not packets:
            return []
        self._owes = False
        frames = self._turn_ended(session, packets, now_ms, overdue=overdue)
        if overdue and not session.confirmed:
            # It may not have heard the proof, and would wait in the session before for ever.
            hello = Packet(HELLO, 0, 0, self._me.hello(session.greeting.number))
            proof = Packet(PROOF, 0, 0, session.greeting.proof())
            return [*(each.encode(OPEN_KEY) for each in (hello, proof)), *frames]
        return frames

    def _turn_ended(
        self, session: Session, packets: list[Packet], now_ms: int, *, overdue: bool
    ) -> list[bytes]:
        """The last frame ends the turn, and asks for an answer where one is needed."""
        last_one = packets.pop()
        open_ended = session.outgoing.is_open or not session.confirmed
        asks = open_ended and (overdue or not self._waits)
        if asks:
            self._poll = (self._poll + 1) % packet.POLL_MODULUS
            self._burst_poll = self._poll if last_one.kind == DATA else self._burst_poll
        flags = last_one.flags | FINAL | (POLL if asks else 0)
        packets.append(Packet(last_one.kind, flags, last_one.seq, last_one.payload, self._poll))
        frames = [each.encode(session.keys.check_out) for each in packets]
        if asks:
            self._polls += 1
            lasts_ms = sum(self.air.frame_ms(len(each)) for each in frames)
            self._answer_ms = now_ms + lasts_ms + self._backoff_ms(self._answer_after_ms, self._polls)
        return frames

    @property
    def _answer_after_ms(self) -> int:
        return self.air.frame_ms(packet.DATA_OVERHEAD_BYTES) + limits.THIN_TURN_MS

    def _backoff_ms(self, first_ms: int, times: int) -> int:
        """The pause after so many tries without an answer: longer each time, different at both ends."""
        pause_ms = min(first_ms << min(times - 1, 10), max(first_ms, limits.THIN_POLL_MS_MAX))
        spread = sha256(self._me.node + times.to_bytes(4, "big")).digest()[0]
        return pause_ms if times == 1 and self.session else pause_ms + pause_ms * spread // 256

    def _sent(self, frames: list[bytes], now_ms: int) -> list[bytes]:
        size = sum(map(len, frames))
        if frames:
            self.sent_bytes += size
            self.budget.spend(size, now_ms)
            self._out_ms = self._free_ms = now_ms + sum(self.air.frame_ms(len(each)) for each in frames)
        return frames


def _is_of(greeting: Greeting | None, hello: Packet) -> bool:
    return greeting is not None and greeting.theirs == hello.payload
