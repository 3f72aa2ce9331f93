"""Messages to devices become rows, and go when the device has confirmed them or is forgotten."""

from typing import Any

from bongsu.canonical import decode_urlsafe_base64, json_bytes, unpadded_urlsafe_base64
from bongsu.log.record import Record
from bongsu.log.vector import Vector
from bongsu.view import keys
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.to_device import message_id
from bongsu.view.touched import messages_of


def apply_to_device(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """TO_DEVICE: a message for one device. What is over leaves its id, so that a retry finds it."""
    identity = message_id(body)
    if context.db.one("SELECT 1 FROM to_device_ids WHERE id=?", (identity,)) is not None:
        _apply_copy(context, record, identity, pruned="id" in body)
        return
    context.db.run("INSERT INTO to_device_ids VALUES(?)", (identity,))
    if "id" in body:
        return
    user_id, device_id = body["recipient"]
    over = record.header.stamp <= keys.device_floor(context, user_id, device_id)
    if over or _covered(context, user_id, device_id, record):
        _prune(context, record.position, identity)
        return
    context.db.run(
        "INSERT INTO to_device VALUES(?,?,?,?,?)",
        (record.position, user_id, device_id, identity, record.header.stamp),
    )
    context.touched.touch(messages_of(user_id), record.position)
    changes.users.add(user_id)


def _apply_copy(context: Context, record: Record, identity: bytes, *, pruned: bool) -> None:
    """The message is here already. Who has been given this copy at another site must not get the first."""
    if context.db.one("SELECT 1 FROM to_device WHERE id=?", (identity,)) is not None:
        context.db.run("INSERT INTO to_device_copies VALUES(?,?)", (record.position, identity))
    if not pruned:
        _prune(context, record.position, identity)


def _covered(context: Context, user_id: str, device_id: str, record: Record) -> bool:
    vector = context.db.value(
        "SELECT vector FROM to_device_covered WHERE user_id=? AND device_id=?", (user_id, device_id)
    )
    return vector is not None and context.log.covers(Vector.decode(vector), record.log, record.header.seq)


def apply_to_device_covered(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """TO_DEVICE_COVERED: what a device has confirmed only grows; the messages it covers go."""
    user_id, device_id = body["user_id"], body["device_id"]
    stamp = record.header.stamp
    new = Vector.decode(decode_urlsafe_base64(body["vector"]))
    found = context.db.one(
        "SELECT vector, stamp, position FROM to_device_covered WHERE user_id=? AND device_id=?",
        (user_id, device_id),
    )
    known = Vector.empty() if found is None else Vector.decode(found[0])
    if stamp <= keys.device_floor(context, user_id, device_id) or new <= known:
        context.hollows.request(record.position, None)
        return
    if found is not None:
        stamp = max(stamp, found[1])
        if known <= new:
            context.hollows.request(found[2], None)
    vector = known.merge(new)
    context.db.run(
        "INSERT OR REPLACE INTO to_device_covered VALUES(?,?,?,?,?)",
        (user_id, device_id, vector.encode(), stamp, record.position),
    )
    sql = "SELECT position, id FROM to_device WHERE user_id=? AND device_id=?"
    waiting: dict[int, bytes] = dict(context.db.all(sql, (user_id, device_id)))
    for message in context.log.read_many(list(waiting)):
        if context.log.covers(vector, message.log, message.header.seq):
            context.db.run("DELETE FROM to_device WHERE position=?", (message.position,))
            context.db.run("DELETE FROM to_device_copies WHERE id=?", (waiting[message.position],))
            _prune(context, message.position, waiting[message.position])


def forget_messages(context: Context, user_id: str, device_id: str, stamp: int) -> None:
    """The device that these waited for is gone."""
    where = "WHERE user_id=? AND device_id=? AND stamp<=?"
    parameters = (user_id, device_id, stamp)
    for position, identity in context.db.all(f"SELECT position, id FROM to_device {where}", parameters):  # noqa: S608
        _prune(context, position, identity)
        context.db.run("DELETE FROM to_device_copies WHERE id=?", (identity,))
    for (position,) in context.db.all(f"SELECT position FROM to_device_covered {where}", parameters):  # noqa: S608
        context.hollows.request(position, None)
    context.db.run(f"DELETE FROM to_device {where}", parameters)  # noqa: S608
    context.db.run(f"DELETE FROM to_device_covered {where}", parameters)  # noqa: S608


def _prune(context: Context, position: int, identity: bytes) -> None:
    """Leave the record its id, so that a rebuild knows a copy for one."""
    context.hollows.request(position, json_bytes({"id": unpadded_urlsafe_base64(identity)}))
