"""A receipt's body in few bytes. Pure."""

from typing import Any

from bongsu.bearer.thin.context import Stream
from bongsu.bearer.thin.wire import Reader, Writer
from bongsu.canonical import json_bytes
from bongsu.log.record import room_scope, scope_id

TYPES = ("m.read", "m.read.private", "m.fully_read")
THREADS = ("", "main")
SPELLED = 7
HEADS_MAX = 50


def write(out: Writer, stream: Stream, stamp: int, body: dict[str, Any]) -> None:
    """The body of a record of the kind RECEIPT. KeyError, TypeError or ValueError: it is of another form."""
    names = stream.names
    event_id, heads = body["event_id"], body["heads"]
    foreseen = heads == [event_id]
    kind = TYPES.index(body["type"])
    thread = THREADS.index(body["thread"]) if body["thread"] in THREADS else SPELLED
    out.uint(int(foreseen) | kind << 1 | thread << 3)
    for name in (body["room_id"], body["user_id"], event_id):
        names.write(out, name)
    if thread == SPELLED:
        names.write(out, body["thread"])
    if not foreseen:
        out.uint(len(heads))
        for each in heads:
            names.write(out, each)
    out.signed(body["ts"] - stamp)


def read(reader: Reader, stream: Stream, stamp: int) -> tuple[bytes, bytes]:
    """(scope, body) of what `write` wrote.

    Raises:
        Unreadable: it did not.
    """
    names, flags = stream.names, reader.uint(63)
    room_id, user_id, event_id = (names.read(reader) for _ in range(3))
    thread = names.read(reader) if flags >> 3 == SPELLED else THREADS[flags >> 3 & 1]
    heads = [event_id]
    if not flags & 1:
        heads = [names.read(reader) for _ in range(reader.uint(HEADS_MAX))]
    body = {"room_id": room_id, "user_id": user_id, "type": TYPES[min(flags >> 1 & 3, len(TYPES) - 1)]}
    body |= {"thread": thread, "event_id": event_id}
    return scope_id(room_scope(room_id)), json_bytes({**body, "heads": heads, "ts": stamp + reader.signed()})
