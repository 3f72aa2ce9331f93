"""The exchange's messages in few bytes, for one session of a thin link. Pure. docs/protocol/thin.md.

A version vector is named by eight bytes of its hash; it is said in full only to who does not know it.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from bongsu import limits
from bongsu.bearer.bundle import Bundle
from bongsu.bearer.frame import Unreadable, refuse
from bongsu.bearer.message import NUMBER_MAX, Ack, Done, Give, Message, Offer, Stored, Want
from bongsu.bearer.thin.bundles import read_bundle, write_bundle
from bongsu.bearer.thin.context import Names, Stream
from bongsu.bearer.thin.wire import Reader, Writer, deflated, inflated
from bongsu.errors import MatrixError
from bongsu.log.dictionary import DICTIONARY_1
from bongsu.log.record import NODE_BYTES, SCOPE_BYTES, Lane, LogName
from bongsu.log.vector import Vector

OFFER, FULL_OFFER, WANT, GIVE, PLAIN_GIVE, DONE, STORED, UNKNOWN, PLAIN, LACKS, WIRED = range(1, 12)
DIGEST_BYTES = 8
VECTORS_MAX = 16


@dataclass(frozen=True, slots=True)
class Lacks:
    """The scopes of its interest of which the sender lacks bodies: no body of them is to be given."""

    scopes: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Wired:
    """Whether a data centre is reached from here by something wider: if from both ends, radio is silent."""

    on: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """The sender does not know the vector of the last offer, and asks for it in full."""


@dataclass(frozen=True, slots=True)
class Say:
    """Output: the other end asks for the last offer in full. To be encoded, it is that offer."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What was sent does not fit what is known here: send bundles that need nothing before them."""


Thin = Message | Lacks | Wired | Unknown | Say | Plain


class Talk:
    """Both directions of one session. `own`: what is on disk here now."""

    def __init__(self, own: Callable[[], Vector]) -> None:
        names = Names()
        self._own = own
        self._out, self._in = Stream(names), Stream(names)
        self._plain = self._broken = False
        self._offered = Offer(Vector.empty(), 0, False)
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()

    def encode(self, message: Thin) -> bytes:
        """The bytes of a message; they are to be sent in the order in which this was called."""
        out = Writer()
        match message:
            case Give(want, bundle):
                self._write_give(out, want, bundle)
            case Want():
                self._write_want(out, message)
            case Lacks(scopes):
                out.uint(LACKS)
                out.uint(len(scopes))
                for scope in sorted(scopes):
                    out.raw(scope)
            case _:
                self._write_small(out, message)
        return out.bytes

    def _write_small(self, out: Writer, message: Thin) -> None:
        match message:
            case Offer(vector, want, busy):
                self._offered = message
                out.uint(OFFER)
                out.raw(_digest(vector))
                out.uint(2 * want + int(busy))
            case Say():
                self._write_full(out)
            case Done(want):
                out.uint(DONE)
                out.uint(want)
            case Stored(want, consumed, acks):
                out.uint(STORED)
                out.uint(want)
                out.uint(consumed)
                self._write_acks(out, acks)
            case Wired(on):
                out.uint(WIRED)
                out.uint(int(on))
            case Unknown():
                out.uint(UNKNOWN)
            case Plain():
                out.uint(PLAIN)

    def _write_full(self, out: Writer) -> None:
        out.uint(FULL_OFFER)
        self._write_vector(out, self._offered.vector)
        out.uint(2 * self._offered.want + int(self._offered.busy))

    def decode(self, raw: bytes) -> list[Thin]:
        """What the other end says. An `Unknown` or `Say` among it is to be encoded and sent in answer.

        Raises:
            Unreadable: some of it cannot be read; what stood before is lost too.
        """
        reader, found = Reader(raw), []
        while not reader.at_end:
            found.append(self._read(reader))
        return found

    def failed(self) -> Plain | None:
        """`decode` raised: what to say of it, once."""
        if self._broken:
            return None
        self._broken = True
        return Plain()

    def _read(self, reader: Reader) -> Thin:
        kind = reader.uint(WIRED)
        if kind == OFFER:
            return self._read_offer(reader)
        if kind == FULL_OFFER:
            return Offer(self._read_vector(reader), *_want_busy(reader))
        if kind in (GIVE, PLAIN_GIVE):
            return self._read_give(reader, kind)
        if kind == LACKS:
            count = reader.uint(limits.THIN_MESSAGE_BYTES_MAX // SCOPE_BYTES)
            return Lacks(frozenset(reader.raw(SCOPE_BYTES) for _ in range(count)))
        return self._read_small(reader, kind)

    def _read_small(self, reader: Reader, kind: int) -> Thin:
        if kind == WANT:
            return self._read_want(reader)
        if kind == DONE:
            return Done(reader.uint(NUMBER_MAX))
        if kind == STORED:
            want, consumed = reader.uint(NUMBER_MAX), reader.uint(NUMBER_MAX)
            return Stored(want, consumed, self._read_acks(reader))
        if kind == WIRED:
            return Wired(bool(reader.uint(1)))
        if kind == UNKNOWN:
            return Say()
        if kind == PLAIN:
            self._plain = True
            return Plain()
        refuse("a message is of an unknown kind")

    # Vectors

    def _keep(self, vector: Vector) -> None:
        self._vectors[_digest(vector)] = vector
        if len(self._vectors) > VECTORS_MAX:
            self._vectors.popitem(last=False)

    def _read_offer(self, reader: Reader) -> Thin:
        digest = reader.raw(DIGEST_BYTES)
        want, busy = _want_busy(reader)
        own = self._own()
        vector = own if _digest(own) == digest else self._vectors.get(digest)
        return Unknown() if vector is None else Offer(vector, want, busy)

    def _write_vector(self, out: Writer, vector: Vector) -> None:
        raw = vector.encode()
        out.octets(zlib.compress(raw, 9) if len(raw) > 200 else b"\0" + raw)
        self._keep(vector)

    def _read_vector(self, reader: Reader) -> Vector:
        raw = reader.octets(limits.VECTOR_BYTES_MAX)
        raw = raw[1:] if raw[:1] == b"\0" else _unzipped(raw)
        try:
            vector = Vector.decode(raw)
        except MatrixError:
            refuse("a version vector cannot be read")
        self._keep(vector)
        return vector

    # Wants

    def _write_want(self, out: Writer, want: Want) -> None:
        out.uint(WANT)
        out.uint(want.number)
        out.uint(want.window)
        out.uint(sum(1 << lane for lane in want.lanes))
        self._write_vector(out, want.vector)
        out.uint(len(want.without))
        for log in sorted(want.without, key=lambda log: (log.node, log.epoch, log.lane)):
            _write_log(out, log)

    def _read_want(self, reader: Reader) -> Want:
        number, window, bits = reader.uint(NUMBER_MAX), reader.uint(NUMBER_MAX), reader.uint(7)
        if number == 0:
            refuse("a want has no number")
        lanes = frozenset(lane for lane in Lane if bits & 1 << lane)
        vector = self._read_vector(reader)
        count = reader.uint(limits.EXCHANGE_WITHOUT_MAX)
        return Want(number, window, lanes, vector, frozenset(_read_log(reader) for _ in range(count)))

    # Records

    def _write_give(self, out: Writer, want: int, bundle: Bundle) -> None:
        out.uint(PLAIN_GIVE if self._plain else GIVE)
        out.uint(want)
        if self._plain:
            out.octets(deflated(bundle.encode(), DICTIONARY_1))
        else:
            write_bundle(out, self._out, bundle)

    def _read_give(self, reader: Reader, kind: int) -> Give:
        want = reader.uint(NUMBER_MAX)
        if kind == PLAIN_GIVE:
            packed = reader.octets(limits.THIN_MESSAGE_BYTES_MAX)
            return Give(want, Bundle.decode(inflated(packed, DICTIONARY_1, limits.BUNDLE_BYTES_MAX)))
        if self._broken:
            refuse("a bundle was sent before the other end knew that it would not be understood")
        return Give(want, read_bundle(reader, self._in))

    def _write_acks(self, out: Writer, acks: Iterable[Ack]) -> None:
        listed = list(acks)
        logs = [log for _, log in self._in.logs]
        out.uint(len(listed))
        for log, seq in listed:
            known = log in logs and not self._broken
            out.uint(1 + logs.index(log) if known else 0)
            if not known:
                _write_log(out, log)
            out.uint(seq)

    def _read_acks(self, reader: Reader) -> tuple[Ack, ...]:
        logs = [log for _, log in self._out.logs]
        found = []
        for _ in range(reader.uint(limits.EXCHANGE_ACKS_MAX)):
            number = reader.uint(len(logs))
            log = logs[number - 1] if number else _read_log(reader)
            seq = reader.uint(limits.SEQ_MAX)
            if seq == 0:
                refuse("a log is acknowledged up to nothing")
            found.append((log, seq))
        return tuple(found)


def _digest(vector: Vector) -> bytes:
    return sha256(vector.encode()).digest()[:DIGEST_BYTES]


def _want_busy(reader: Reader) -> tuple[int, bool]:
    number = reader.uint(2 * NUMBER_MAX + 1)
    return number >> 1, bool(number & 1)


def _unzipped(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(raw, limits.VECTOR_BYTES_MAX)
    except zlib.error as error:
        raise Unreadable(
            f"What a peer sent cannot be read: a vector cannot be unpacked ({error})."
        ) from error
    if not unpacker.eof:
        refuse("a vector is longer than any is")
    return found


def _write_log(out: Writer, log: LogName) -> None:
    out.raw(log.node)
    out.raw(log.epoch.to_bytes(8, "big"))
    out.uint(int(log.lane))


def _read_log(reader: Reader) -> LogName:
    node, epoch = reader.raw(NODE_BYTES), int.from_bytes(reader.raw(8), "big")
    return LogName(node, epoch, Lane(reader.uint(max(Lane))))
