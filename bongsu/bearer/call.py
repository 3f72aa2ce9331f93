"""What nodes ask and tell each other beside records: small questions with answers, and live signs. Pure."""

from dataclasses import dataclass

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, refuse

VERSION = 1
ASK, ANSWER, TELL = 32, 33, 34
NUMBER_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. `topic` says what the body is."""

    number: int
    topic: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the question of this number; `body` None: the peer cannot or will not say."""

    number: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Tell:
    """News that nobody answers and nobody repeats."""

    topic: str
    body: bytes


Call = Ask | Answer | Tell


def encode(call: Call) -> bytes:
    """The bytes of a call."""
    match call:
        case Ask(number, topic, body):
            return dumps([VERSION, ASK, number, topic.encode(), body], canonical=True)
        case Answer(number, answer):
            return dumps([VERSION, ANSWER, number, answer], canonical=True)
        case Tell(topic, body):
            return dumps([VERSION, TELL, topic.encode(), body], canonical=True)


def is_call(raw: bytes) -> bool:
    """Whether a message is one of these rather than one of the exchange."""
    # An array head, version 1, and a kind of 24 to 255 as two bytes.
    return len(raw) > 3 and raw[1] == VERSION and raw[2] == 0x18 and ASK <= raw[3] <= TELL


def decode(raw: bytes) -> Call:
    """Read a call.

    Raises:
        Unreadable: these bytes are not one.
    """
    reader = FrameReader(raw)
    fields = reader.array(4, 5)
    if reader.uint(VERSION, VERSION) != VERSION:
        refuse("a call is of an unknown version")
    kind = reader.uint(TELL, ASK)
    call: Call
    if kind == ASK and fields == 5:
        call = Ask(reader.uint(NUMBER_MAX), _topic(reader), reader.octets(limits.CALL_BYTES_MAX))
    elif kind == ANSWER and fields == 4:
        call = Answer(reader.uint(NUMBER_MAX), reader.optional_bytes(limits.CALL_BYTES_MAX))
    elif kind == TELL and fields == 4:
        call = Tell(_topic(reader), reader.octets(limits.CALL_BYTES_MAX))
    else:
        refuse("a call has other parts than its kind")
    reader.end()
    return call


def _topic(reader: FrameReader) -> str:
    raw = reader.octets(32, 1)
    if not raw.isascii():
        refuse("a topic is a short word")
    return raw.decode()
