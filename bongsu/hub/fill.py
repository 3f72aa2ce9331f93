"""What nodes say to each other about bodies: which scopes are kept, which bodies are asked for. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, refuse
from bongsu.log.record import NODE_BYTES, SCOPE_BYTES, BodyState, Lane, LogName

VERSION = 1
DIGEST_BYTES = 8
# A record of a log.
Dot = tuple[LogName, int]
# Its body as the giver has it; None: it has none, or will not give it.
Given = tuple[BodyState, bytes | None] | None
_GIVEN = frozenset((BodyState.FULL, BodyState.HOLLOW))


def digest(scopes: Iterable[bytes]) -> bytes:
    """Names a set of scopes, so that one that has not changed costs eight bytes."""
    return sha256(b"".join(sorted(scopes))).digest()[:DIGEST_BYTES]


def pages(scopes: Iterable[bytes]) -> Iterator[bytes]:
    """Scopes as messages, sorted; at least one, which may be empty."""
    ordered = sorted(scopes)
    for at in range(0, max(1, len(ordered)), limits.SCOPES_A_MESSAGE_MAX):
        yield b"".join(ordered[at : at + limits.SCOPES_A_MESSAGE_MAX])


def read_scopes(raw: bytes) -> list[bytes]:
    """The scopes of a message.

    Raises:
        Unreadable: it holds something else.
    """
    if len(raw) % SCOPE_BYTES or len(raw) > SCOPE_BYTES * limits.SCOPES_A_MESSAGE_MAX:
        refuse("a list of scopes has a wrong length")
    return [raw[at : at + SCOPE_BYTES] for at in range(0, len(raw), SCOPE_BYTES)]


def ask(dots: Sequence[Dot]) -> bytes:
    """The question for the bodies of these records."""
    logs = list(dict.fromkeys(log for log, _ in dots))
    numbers = {log: number for number, log in enumerate(logs)}
    names = [[log.node, log.epoch, int(log.lane)] for log in logs]
    return dumps([VERSION, names, [[numbers[log], seq] for log, seq in dots]], canonical=True)


def read_ask(raw: bytes) -> list[Dot]:
    """The records a question names.

    Raises:
        Unreadable: it is none.
    """
    reader = FrameReader(raw)
    reader.array(3, 3)
    reader.uint(VERSION, VERSION)
    logs = [_log(reader) for _ in range(reader.array(1, limits.FILL_RECORDS_MAX))]
    dots = []
    for _ in range(reader.array(1, limits.FILL_RECORDS_MAX)):
        reader.array(2, 2)
        log = logs[reader.uint(len(logs) - 1)]
        dots.append((log, reader.uint(limits.SEQ_MAX, 1)))
    reader.end()
    return dots


def answer(given: Sequence[Given]) -> bytes:
    """The answer for the first of the records that were named, in that order."""
    rows = [[] if each is None else [int(each[0]), each[1]] for each in given]
    return dumps([VERSION, rows], canonical=True)


def read_answer(raw: bytes, asked: int) -> list[Given]:
    """What was given for the first of the records named, at least one.

    Raises:
        Unreadable: it is no answer to a question for so many.
    """
    reader = FrameReader(raw)
    reader.array(2, 2)
    reader.uint(VERSION, VERSION)
    given = [_given(reader) for _ in range(reader.array(1, asked))]
    reader.end()
    return given


def _given(reader: FrameReader) -> Given:
    fields = reader.array(0, 2)
    if fields == 0:
        return None
    if fields == 1:
        refuse("a body is given without its state")
    state = BodyState(reader.uint(max(BodyState)))
    body = reader.optional_bytes(limits.RECORD_BODY_BYTES_MAX)
    if state not in _GIVEN:
        refuse("a body is given in a state that is none")
    return state, body


def _log(reader: FrameReader) -> LogName:
    reader.array(3, 3)
    node = reader.octets(NODE_BYTES, NODE_BYTES)
    return LogName(node, reader.uint(2**64 - 1), Lane(reader.uint(max(Lane))))
