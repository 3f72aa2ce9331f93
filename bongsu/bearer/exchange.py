"""The exchange of one node with one peer, over any bearer: messages in, outputs out. DESIGN 7. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bongsu import limits
from bongsu.bearer.bundle import Bundle
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.giver import Giver, Ledger, Load
from bongsu.bearer.message import Ack, Done, Give, Message, Offer, Stored, Want, decode, encode
from bongsu.bearer.taker import Taker
from bongsu.log.epoch import covered
from bongsu.log.record import Lane, LogName
from bongsu.log.vector import Vector

__all__ = ["Complaint", "Exchange", "Ledger", "Load", "Output", "Send", "Store"]

EVERY_LANE = frozenset(Lane)


@dataclass(frozen=True, slots=True)
class Send:
    """Output: send these bytes to the peer. They may be lost, doubled or late."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Store:
    """Output: append the bundle's records, then say to `stored` what became of them."""

    ticket: int
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Complaint:
    """Output: the peer sent what cannot be read or stored. Log the sentence; the link goes on."""

    sentence: str


Output = Send | Load | Store | Complaint


class Exchange:
    """One link's state, made anew for each link: a cut loses nothing but what was on the way.

    The driver calls `offer` when the link is up and at every beat of its own, `receive` for what comes,
    `loaded` and `stored` in answer to the outputs of these names, `advanced` after each commit, and `shown`
    once there is room.
    `Load` and `Send` are to be done in order; `Store`s of one log too.
    """

    def __init__(
        self,
        ledger: Ledger,
        node: bytes,
        *,
        window_bytes: int = limits.EXCHANGE_WINDOW_BYTES,
        lanes: frozenset[Lane] = EVERY_LANE,
        relays: bool = False,
        peer: bytes = b"",
    ) -> None:
        self._ledger = ledger
        self._giver = Giver(ledger, node, relays=relays, peer=peer, lanes=lanes)
        self._taker = Taker(ledger, window_bytes=window_bytes, lanes=lanes)
        self._stores: dict[int, Bundle] = {}
        self._unshown: list[tuple[int, int]] = []
        self._complained: set[str] = set()

    @property
    def arriving_bytes(self) -> int:
        """What waits here for the disk: less than the window and one bundle."""
        return self._taker.arriving_bytes

    @property
    def offered(self) -> Vector:
        """What the peer said last that it holds."""
        return self._taker.theirs

    @property
    def wanted(self) -> int:
        """The number of the peer's last want."""
        return self._giver.want

    @property
    def lacking(self) -> int:
        """How many records the peer lacks of what it wants."""
        return self._giver.lacking()

    def peer_has(self, log: LogName) -> int:
        """Up to which seq the peer is known to have a log on its disk."""
        return max(covered(self._ledger.held(), self._taker.theirs, log), self._giver.known(log))

    def offer(self) -> list[Output]:
        """Say what is held here. Whatever was lost on the way is found by it."""
        return [_send(Offer(self._ledger.vector(), self._giver.want, self._giver.busy))]

    def receive(self, raw: bytes) -> list[Output]:
        """Take a message of the peer's."""
        try:
            message = decode(raw)
        except Unreadable as error:
            return self._complain(str(error))
        match message:
            case Offer():
                return _asked(self._taker.offered(message))
            case Want():
                self._giver.wanted(message)
            case Give(want, bundle):
                return self._given(want, bundle, len(raw))
            case Done(want):
                return _asked(self._taker.done(want))
            case Stored():
                self._stored(message)
        return self._go_on()

    def urgent(self, load: Load) -> Load:
        """What to read for `load` when its turn has come: what is more urgent may have come meanwhile."""
        return self._giver.urgent(load)

    def loaded(self, load: Load, bundle: Bundle | None) -> list[Output]:
        """What was asked for by `load`, or None if it cannot be read."""
        outputs: list[Output] = []
        if bundle is None:
            self._giver.loaded(load, 0, 0)
        else:
            assert bundle.log == load.log, "a load is answered with records of its log"
            assert bundle.first_seq == load.after + 1, "and from where it asked for them on"
            raw = encode(Give(self._giver.want, bundle))
            if self._giver.loaded(load, len(raw), bundle.last_seq):
                outputs.append(Send(raw))
        return [*outputs, *self._go_on()]

    def stored(
        self, ticket: int, taken: int, refusal: str | None = None, *, has_room: bool = True
    ) -> list[Output]:
        """What became of a `Store`: on disk, `taken` records of it new; or not stored.

        `has_room`: else the peer is told that they are on disk, and may give no more until `shown`.
        `refusal` says that it was no matter of order (a gap): the peer's copy of that log is not what its
        owner wrote, or is a second history of it.
        """
        bundle = self._stores.pop(ticket)
        log = bundle.log
        self._unshown.append((ticket, taken))
        outputs: list[Output] = []
        if refusal is not None:
            self._taker.distrust(log)
            outputs += self._complain(refusal)
        state = self._ledger.held().get(log)
        seq = 0 if state is None else state.seq
        if refusal is None and seq >= bundle.last_seq:
            self._giver.has(log, bundle.last_seq)
        if has_room:
            self._settle()
        acks: Sequence[Ack] = [(log, seq)] if seq > 0 else []
        outputs.append(self._say_stored(acks))
        return [*outputs, *_asked(self._taker.after_settled())]

    def shown(self) -> list[Output]:
        """There is room again for what was stored without."""
        if not self._unshown:
            return []
        self._settle()
        return [self._say_stored(()), *_asked(self._taker.after_settled())]

    def _settle(self) -> None:
        for ticket, taken in self._unshown:
            self._taker.settled(ticket, taken)
        self._unshown.clear()

    def advanced(self, logs: Sequence[LogName]) -> list[Output]:
        """More of these logs is on disk here."""
        for log in logs:
            self._giver.advanced(log)
        return self._go_on()

    def _given(self, want: int, bundle: Bundle, size: int) -> list[Output]:
        ticket = self._taker.given(want, bundle.log, size)
        if ticket is None:
            return [self._say_stored(())]
        self._stores[ticket] = bundle
        return [Store(ticket, bundle)]

    def _stored(self, message: Stored) -> None:
        self._giver.consumed(message.want, message.consumed)
        held = self._ledger.held()
        for log, seq in message.acks:
            state = held.get(log)
            if state is not None:
                # A peer can vouch only for what there is.
                self._giver.has(log, min(seq, state.seq))

    def _go_on(self) -> list[Output]:
        load = self._giver.next()
        if load is not None:
            return [load]
        return [_send(Done(self._giver.want))] if self._giver.done() else []

    def _say_stored(self, acks: Sequence[Ack]) -> Output:
        return _send(Stored(self._taker.want, self._taker.consumed, tuple(acks)))

    def _complain(self, sentence: str) -> list[Output]:
        # Once each, and not more of them than a person reads: a hostile peer must not fill the journal.
        if sentence in self._complained or len(self._complained) >= limits.EXCHANGE_COMPLAINTS_MAX:
            return []
        self._complained.add(sentence)
        return [Complaint(sentence)]


def _send(message: Message) -> Send:
    return Send(encode(message))


def _asked(want: Want | None) -> list[Output]:
    return [] if want is None else [_send(want)]
