"""One record of a bundle in few bytes, without loss. Pure.

What the reader here does not bring back byte for byte goes as it is, packed.
"""

from collections.abc import Callable

from bongsu import limits
from bongsu.bearer.bundle import CARRIED
from bongsu.bearer.frame import Unreadable, refuse
from bongsu.bearer.thin import events, receipts
from bongsu.bearer.thin.context import Stream
from bongsu.bearer.thin.wire import Reader, Writer, deflated, inflated
from bongsu.canonical import read_json
from bongsu.errors import MatrixError
from bongsu.log.record import (
    HASH_BYTES,
    SCOPE_BYTES,
    BodyState,
    ForeignRecord,
    Header,
    Kind,
    LogName,
    body_hash,
)

PLAIN, EVENT, RECEIPT = 0, 1, 2
FORMS = {Kind.EVENT: EVENT, Kind.RECEIPT: RECEIPT}
NOBODY, RAW, PACKED = 0, 1, 2

Shorten = Callable[[Writer, Stream, int, dict[str, object]], None]
WRITE: dict[int, Shorten] = {EVENT: events.write, RECEIPT: receipts.write}
READ: dict[int, Callable[[Reader, Stream, int], tuple[bytes, bytes]]] = {
    EVENT: events.read,
    RECEIPT: receipts.read,
}
KINDS = {form: kind for kind, form in FORMS.items()}


def write_row(stream: Stream, log: LogName, record: ForeignRecord) -> bytes:
    """The bytes of a record; the stream has not noted it yet."""
    short = _short(stream, log, record)
    return _plain(stream, log, record) if short is None else short


def read_row(reader: Reader, stream: Stream, log: LogName, seq: int) -> ForeignRecord:
    """Undo `write_row`.

    Raises:
        Unreadable: this was not written by it.
    """
    form = reader.uint(max(KINDS))
    link = _read_link(reader, seq)
    stamp = stream.stamp + reader.signed()
    if not 0 <= stamp <= limits.SEQ_MAX:
        refuse("a stamp is out of range")
    if form == PLAIN:
        return _read_plain(reader, stream, log, seq, link, stamp)
    scope, body = READ[form](reader, stream, stamp)
    found = _foreseen(stream, log, scope) if link is None else link
    return ForeignRecord(Header(seq, KINDS[form], scope, found, stamp, body_hash(body)), body)


def _short(stream: Stream, log: LogName, record: ForeignRecord) -> bytes | None:
    form = FORMS.get(record.header.kind)  # type: ignore[call-overload]
    if form is None or record.state != BodyState.FULL or record.body is None:
        return None
    out = Writer()
    try:
        out.uint(form)
        _write_head(out, stream, log, record.header)
        WRITE[form](out, stream, record.header.stamp, read_json(record.body))
        reader = Reader(out.bytes)
        back = read_row(reader, stream, log, record.header.seq)
        reader.end()
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, MatrixError, Unreadable):
        return None
    return out.bytes if back == record else None


def _plain(stream: Stream, log: LogName, record: ForeignRecord) -> bytes:
    header, out = record.header, Writer()
    out.uint(PLAIN)
    _write_head(out, stream, log, header)
    out.uint(int(header.kind))
    known = header.scope in stream.scopes
    out.uint(1 + stream.scopes.index(header.scope) if known else 0)
    if not known:
        out.raw(header.scope)
    body = record.body
    packed = b"" if body is None else deflated(body, stream.before)
    form = NOBODY if body is None else PACKED if len(packed) < len(body) else RAW
    out.uint(int(record.state) * 4 + form)
    if record.state != BodyState.FULL:
        out.raw(header.body_hash)
    if body is not None:
        out.octets(packed if form == PACKED else body)
    return out.bytes


def _read_plain(
    reader: Reader, stream: Stream, log: LogName, seq: int, link: int | None, stamp: int
) -> ForeignRecord:
    kind, number = reader.uint(limits.ORDINAL_MAX), reader.uint(len(stream.scopes))
    scope = stream.scopes[number - 1] if number else reader.raw(SCOPE_BYTES)
    states = {int(each): each for each in CARRIED}
    number, form = divmod(reader.uint(4 * max(states) + 3), 4)
    state = states.get(number)
    if state is None or form > PACKED:
        refuse("a body is in a state that is not carried")
    digest = b"" if state == BodyState.FULL else reader.raw(HASH_BYTES)
    body = None if form == NOBODY else reader.octets(limits.RECORD_BODY_BYTES_MAX)
    if body is not None and form == PACKED:
        body = inflated(body, stream.before, limits.RECORD_BODY_BYTES_MAX)
    if state == BodyState.FULL:
        if body is None:
            refuse("a full body is missing")
        digest = body_hash(body)
    found = _foreseen(stream, log, scope) if link is None else link
    return ForeignRecord(Header(seq, kind, scope, found, stamp, digest), body, state)


def _write_head(out: Writer, stream: Stream, log: LogName, header: Header) -> None:
    """Link: 0 as foreseen, 1 none, else how far back and one more. Stamp: how much later than the last."""
    if header.scope_link == _foreseen(stream, log, header.scope):
        out.uint(0)
    else:
        out.uint(1 if header.scope_link == 0 else 1 + header.seq - header.scope_link)
    out.signed(header.stamp - stream.stamp)


def _read_link(reader: Reader, seq: int) -> int | None:
    link = reader.uint(seq)
    return None if link == 0 else 0 if link == 1 else seq + 1 - link


def _foreseen(stream: Stream, log: LogName, scope: bytes) -> int:
    return stream.links.get((log, scope), 0)
