"""What two nodes say to each other: offer, want, give, done, stored; strictly bounded. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.bundle import Bundle
from bongsu.bearer.frame import FrameReader, refuse
from bongsu.errors import MatrixError
from bongsu.log.record import NODE_BYTES, Lane, LogName
from bongsu.log.vector import Vector

VERSION = 1
OFFER, WANT, GIVE, DONE, STORED = range(1, 6)
NUMBER_MAX = 2**53 - 1

# A log and a seq of it: held up to there without a gap.
Ack = tuple[LogName, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the sender holds. `want`: the number of the last want it read; `busy`: it still gives for that."""

    vector: Vector
    want: int
    busy: bool


@dataclass(frozen=True, slots=True)
class Want:
    """Give me all beyond `vector`, and then what you write; it replaces every want before it.

    `window`: bytes that may be given before some of them are said to be stored. `without`: logs of which
    the receiver gave what cannot be stored.
    """

    number: int
    window: int
    lanes: frozenset[Lane]
    vector: Vector
    without: frozenset[LogName] = frozenset()


@dataclass(frozen=True, slots=True)
class Give:
    """A bundle, for the want of this number."""

    want: int
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Done:
    """All that was asked for has been given, so that the other may look whether it came."""

    want: int


@dataclass(frozen=True, slots=True)
class Stored:
    """Fsynced by the sender up to each of these; it took `consumed` bytes of what this want allowed."""

    want: int
    consumed: int
    acks: tuple[Ack, ...]


Message = Offer | Want | Give | Done | Stored


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    match message:
        case Offer(vector, want, busy):
            fields = [OFFER, vector.encode(), want, int(busy)]
        case Want(number, window, lanes, vector, without):
            lane_bits = sum(1 << lane for lane in lanes)
            fields = [
                WANT,
                number,
                window,
                lane_bits,
                vector.encode(),
                [_name(log) for log in _sorted(without)],
            ]
        case Give(want, bundle):
            fields = [GIVE, want, bundle.encode()]
        case Done(want):
            fields = [DONE, want]
        case Stored(want, consumed, acks):
            fields = [STORED, want, consumed, [[*_name(log), seq] for log, seq in acks]]
    return dumps([VERSION, *fields], canonical=True)


def decode(raw: bytes) -> Message:
    """Read a message.

    Raises:
        Unreadable: these bytes are not a message, or are not of this version.
    """
    if len(raw) > limits.EXCHANGE_MESSAGE_BYTES_MAX:
        refuse(f"a message has {len(raw)} bytes, more than {limits.EXCHANGE_MESSAGE_BYTES_MAX}")
    reader = FrameReader(raw)
    count = reader.array(2, 7)
    version = reader.uint(2**32)
    if version != VERSION:
        refuse(f"a message is of version {version}, this node reads {VERSION}")
    read = READERS.get((reader.uint(2**32), count))
    if read is None:
        refuse("a message is of an unknown kind")
    message = read(reader)
    reader.end()
    return message


def _offer(reader: FrameReader) -> Offer:
    return Offer(_vector(reader), reader.uint(NUMBER_MAX), reader.flag())


def _want(reader: FrameReader) -> Want:
    number, window, bits = reader.uint(NUMBER_MAX, 1), reader.uint(NUMBER_MAX), reader.uint(7)
    lanes = frozenset(lane for lane in Lane if bits & 1 << lane)
    vector = _vector(reader)
    names = [_log(reader, 3) for _ in range(reader.array(0, limits.EXCHANGE_WITHOUT_MAX))]
    if names != _sorted(frozenset(names)):
        refuse("a list of logs is out of order")
    return Want(number, window, lanes, vector, frozenset(names))


def _give(reader: FrameReader) -> Give:
    return Give(reader.uint(NUMBER_MAX), Bundle.decode(reader.octets(limits.BUNDLE_BYTES_MAX)))


def _done(reader: FrameReader) -> Done:
    return Done(reader.uint(NUMBER_MAX))


def _stored(reader: FrameReader) -> Stored:
    want, consumed = reader.uint(NUMBER_MAX), reader.uint(NUMBER_MAX)
    count = reader.array(0, limits.EXCHANGE_ACKS_MAX)
    acks = tuple((_log(reader, 4), reader.uint(limits.SEQ_MAX, 1)) for _ in range(count))
    return Stored(want, consumed, acks)


# By the number of the kind and the count of fields, the version and the kind themselves included.
READERS: dict[tuple[int, int], Callable[[FrameReader], Message]] = {
    (OFFER, 5): _offer,
    (WANT, 7): _want,
    (GIVE, 4): _give,
    (DONE, 3): _done,
    (STORED, 5): _stored,
}


def _vector(reader: FrameReader) -> Vector:
    raw = reader.octets(limits.VECTOR_BYTES_MAX)
    try:
        return Vector.decode(raw)
    except MatrixError:
        refuse("a version vector cannot be read")


def _log(reader: FrameReader, fields: int) -> LogName:
    reader.array(fields, fields)
    node = reader.octets(NODE_BYTES, NODE_BYTES)
    return LogName(node, reader.uint(2**64 - 1), Lane(reader.uint(max(Lane))))


def _name(log: LogName) -> list[bytes | int]:
    return [log.node, log.epoch, int(log.lane)]


def _sorted(logs: frozenset[LogName]) -> list[LogName]:
    return sorted(logs, key=lambda log: (log.node, log.epoch, log.lane))
