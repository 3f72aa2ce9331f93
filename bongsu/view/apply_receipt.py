"""Receipts become rows: one per room, user, type and thread, which never moves backwards."""

from typing import Any

from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED
from bongsu.view.touched import receipts_of

PRIVATE = "m.read.private"


def apply_receipt(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """RECEIPT: the target that sorts last counts; of equal targets the later record, whose heads are newer.

    One for an event that has not arrived waits for it.
    """
    target = context.events.row(body["event_id"])
    if target is None:
        context.db.run("INSERT INTO waiting VALUES(?,?)", (record.position, body["event_id"]))
        return
    room = context.events.room_number(body["room_id"])
    if room != target.room or target.verdict != ACCEPTED:
        context.hollows.request(record.position, None)
        return
    key = (room, body["user_id"], body["type"], body["thread"])
    mine = (target.stamp, target.event_id, record.header.stamp, record.log.node, record.position)
    found = context.db.one(
        "SELECT stamp, event_id, written, author, record FROM receipts"
        " WHERE room=? AND user_id=? AND type=? AND thread=?",
        key,
    )
    if found is not None:
        if tuple(found) >= mine:
            context.hollows.request(record.position, None)
            return
        context.hollows.request(found[4], None)
    # A record that waited takes effect with its target, and is seen by those who have synced meanwhile.
    position = max(record.position, target.position)
    stamp, event_id, written, author, held = mine
    context.db.run(
        "INSERT OR REPLACE INTO receipts VALUES(?,?,?,?,?,?,?,?,?,?,?)",
        (*key, event_id, stamp, body["ts"], position, written, author, held),
    )
    context.touched.touch(target.room, position)
    context.touched.touch(receipts_of(target.room), position)
    context.notices.counts.drop((body["user_id"], target.room))
    changes.users.add(body["user_id"])
    if body["type"] != PRIVATE:
        changes.read.add(target.room)
