"""A room event's body in few bytes: what the other end foresees is left out. Pure.

Only for bodies that this brings back byte for byte; `rows.py` looks, and sends others as they are.
"""

from typing import Any

from bongsu import limits
from bongsu.bearer.frame import refuse
from bongsu.bearer.thin.context import REFERENCES_MAX, Stream, Voice, cipher_of, voice_of
from bongsu.bearer.thin.wire import Reader, Writer, deflated, inflated
from bongsu.canonical import decode_base64, json_bytes, read_trusted, unpadded_base64
from bongsu.errors import MatrixError
from bongsu.log.record import room_scope, scope_id
from bongsu.room.event import content_hash

# The most frequent first; others are spelled out. Never changed, only added to.
TYPES = ("m.room.message", "m.room.encrypted", "m.reaction", "m.room.redaction", "m.room.member")
# What stands in a text message, in which order, beside its body.
TEXTS: tuple[tuple[tuple[str, Any], ...], ...] = (
    (("msgtype", "m.text"), ("body", None)),
    (("body", None), ("msgtype", "m.text")),
    (("msgtype", "m.text"), ("body", None), ("m.mentions", {})),
    (("body", None), ("m.mentions", {}), ("msgtype", "m.text")),
    (("body", None), ("msgtype", "m.text"), ("m.mentions", {})),
)
MEGOLM = "m.megolm.v1.aes-sha2"
CIPHERS = (
    ("algorithm", "sender_key", "ciphertext", "session_id", "device_id"),
    ("algorithm", "ciphertext", "device_id", "sender_key", "session_id"),
)
JSON = 0
FIRST_CIPHER = 1 + len(TEXTS)
STATE, AUTH, PREV, DEPTH, TXN, NEW_VOICE, SENT_BY = (1 << bit for bit in range(7))
PATH = "/_matrix/client/v3/rooms/{}/send/{}"


def write(out: Writer, stream: Stream, stamp: int, body: dict[str, Any]) -> None:
    """The body of a record of the kind EVENT. KeyError, TypeError or ValueError: it is of another form."""
    pdu, sent_by = body["event"], body.get("sent_by")
    voice, names = voice_of(pdu, sent_by), stream.names
    prev, auth = pdu["prev_events"], pdu["auth_events"]
    flags = STATE if "state_key" in pdu else 0
    known = stream.auth_events.get(voice)
    flags |= NEW_VOICE if known is None else 0
    flags |= AUTH if known == auth else 0
    flags |= PREV if prev == [stream.last.get(voice.room_id)] else 0
    flags |= DEPTH if names.depth(prev) == pdu["depth"] else 0
    flags |= SENT_BY if sent_by is not None else 0
    txn = "" if sent_by is None else sent_by["txn_id"]
    counted = _counted(txn, stamp)
    flags |= TXN if counted is not None else 0
    out.uint(flags)
    if known is None:
        _write_voice(out, stream, voice)
    else:
        out.uint(stream.voices.index(voice))
    for flag, references in ((PREV, prev), (AUTH, auth)):
        if not flags & flag:
            out.uint(len(references))
            for each in references:
                names.write(out, each)
    if not flags & DEPTH:
        out.uint(pdu["depth"])
    out.signed(pdu["origin_server_ts"] - stamp)
    if flags & STATE:
        names.write(out, pdu["state_key"])
    if counted is not None:
        out.signed(counted[0])
        out.uint(counted[1])
    elif flags & SENT_BY:
        out.text(txn)
    _write_content(out, stream, voice, pdu["content"])


def read(reader: Reader, stream: Stream, stamp: int) -> tuple[bytes, bytes]:
    """(scope, body) of what `write` wrote.

    Raises:
        Unreadable: it did not.
    """
    flags, names = reader.uint(127), stream.names
    if flags & NEW_VOICE:
        voice = _read_voice(reader, stream, sent=bool(flags & SENT_BY))
    else:
        voice = _listed(stream.voices, reader.uint())
    prev = [stream.last.get(voice.room_id, "")] if flags & PREV else _references(reader, stream)
    auth = stream.auth_events.get(voice, []) if flags & AUTH else _references(reader, stream)
    depth = names.depth(prev) if flags & DEPTH else reader.uint()
    if depth is None:
        refuse("it foresees a depth that nobody can")
    pdu: dict[str, Any] = {"type": voice.type, "sender": voice.sender, "content": {}}
    pdu |= {"prev_events": prev, "auth_events": auth, "depth": depth}
    pdu |= {"origin_server_ts": stamp + reader.signed(), "room_id": voice.room_id}
    if flags & STATE:
        pdu["state_key"] = names.read(reader)
    txn = ""
    if flags & TXN:
        txn = f"m{stamp + reader.signed()}.{reader.uint()}"
    elif flags & SENT_BY:
        txn = reader.text(4 * limits.ID_BYTES_MAX)
    pdu["content"] = _read_content(reader, stream, voice)
    body: dict[str, Any] = {"event": pdu}
    if voice.device_id is not None:
        body["sent_by"] = {"device_id": voice.device_id, "path": voice.path, "txn_id": txn}
    try:
        pdu["hashes"] = {"sha256": content_hash(pdu)}
        return scope_id(room_scope(voice.room_id)), json_bytes(body)
    except (ValueError, TypeError, OverflowError, RecursionError):
        refuse("an event cannot be written as JSON")


def _write_voice(out: Writer, stream: Stream, voice: Voice) -> None:
    names = stream.names
    names.write(out, voice.room_id)
    names.write(out, voice.sender)
    if voice.type in TYPES:
        out.uint(1 + TYPES.index(voice.type))
    else:
        out.uint(0)
        names.write(out, voice.type)
    if voice.device_id is None or voice.path is None:
        return
    names.write(out, voice.device_id)
    foreseen = voice.path == PATH.format(voice.room_id, voice.type)
    out.uint(int(foreseen))
    if not foreseen:
        names.write(out, voice.path)


def _read_voice(reader: Reader, stream: Stream, *, sent: bool) -> Voice:
    names = stream.names
    room_id, sender = names.read(reader), names.read(reader)
    number = reader.uint(len(TYPES))
    event_type = TYPES[number - 1] if number else names.read(reader)
    if not sent:
        return Voice(room_id, sender, None, None, event_type)
    device_id = names.read(reader)
    path = PATH.format(room_id, event_type) if reader.uint(1) else names.read(reader)
    return Voice(room_id, sender, device_id, path, event_type)


def _references(reader: Reader, stream: Stream) -> list[str]:
    return [stream.names.read(reader) for _ in range(reader.uint(REFERENCES_MAX))]


def _listed(listed: list[Voice], number: int) -> Voice:
    if number >= len(listed):
        refuse("it names a voice that was not heard")
    return listed[number]


def _counted(txn: str, stamp: int) -> tuple[int, int] | None:
    """A transaction id as clients count them: m, milliseconds, a dot, a number."""
    at, _, number = txn.removeprefix("m").partition(".")
    if not (at.isdecimal() and number.isdecimal() and len(at) <= 15 and len(number) <= 9):
        return None
    return (int(at) - stamp, int(number)) if txn == f"m{int(at)}.{int(number)}" else None


def _write_content(out: Writer, stream: Stream, voice: Voice, content: dict[str, Any]) -> None:
    body = content.get("body")
    for number, shape in enumerate(TEXTS):
        if isinstance(body, str) and list(content.items()) == [
            (k, body if v is None else v) for k, v in shape
        ]:
            out.uint(1 + number)
            out.text(body)
            return
    for number, order in enumerate(CIPHERS):
        if tuple(content) == order and content["algorithm"] == MEGOLM:
            known = stream.ciphers.get(voice) == cipher_of(content)
            out.uint(FIRST_CIPHER + 2 * number + int(known))
            if not known:
                for text in cipher_of(content):
                    _write_key(out, stream, text)
            out.octets(decode_base64(content["ciphertext"]))
            return
    out.uint(JSON)
    out.octets(deflated(json_bytes(content), stream.before))


def _read_content(reader: Reader, stream: Stream, voice: Voice) -> Any:
    form = reader.uint(FIRST_CIPHER + 2 * len(CIPHERS) - 1)
    if form == JSON:
        packed = reader.octets(limits.EVENT_BYTES_MAX)
        raw = inflated(packed, stream.before, limits.EVENT_BYTES_MAX)
        try:
            return read_trusted(raw)
        except (ValueError, RecursionError):
            refuse("a content is no JSON")
    if form < FIRST_CIPHER:
        body = reader.text(limits.EVENT_BYTES_MAX)
        return {name: body if value is None else value for name, value in TEXTS[form - 1]}
    number, known = divmod(form - FIRST_CIPHER, 2)
    cipher = stream.ciphers.get(voice) if known else tuple(_read_key(reader, stream) for _ in range(3))
    if cipher is None:
        refuse("it names keys that were not said")
    ciphertext = unpadded_base64(reader.octets(limits.EVENT_BYTES_MAX))
    values = {"algorithm": MEGOLM, "ciphertext": ciphertext}
    values |= dict(zip(("device_id", "sender_key", "session_id"), cipher, strict=True))
    return {name: values[name] for name in CIPHERS[number]}


def _write_key(out: Writer, stream: Stream, text: str) -> None:
    """A key in base64 as its 32 bytes, or a name."""
    try:
        digest = decode_base64(text)
    except MatrixError:
        digest = b""
    is_key = len(digest) == 32 and unpadded_base64(digest) == text
    out.uint(int(is_key))
    if is_key:
        out.raw(digest)
    else:
        stream.names.write(out, text)


def _read_key(reader: Reader, stream: Stream) -> str:
    return unpadded_base64(reader.raw(32)) if reader.uint(1) else stream.names.read(reader)
