"""Receipts become rows: one per room, user, type and thread, which never moves backwards."""

from typing import Any

from bongsu.log.record import Record
from bongsu.view import waiting
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, EventRow
from bongsu.view.lost import goes_without
from bongsu.view.past import outside
from bongsu.view.touched import receipts_of

PRIVATE = "m.read.private"


def apply_receipt(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """RECEIPT: the target that sorts last counts; of equal targets the later record, whose heads are newer.

    One for an event that has not arrived waits for it, and so does one whose heads have not: once they are
    here, their past is whole and can never grow. Heads that are lost are gone without.
    """
    for named in (body["event_id"], *body["heads"]):
        lost_head = named != body["event_id"] and goes_without(context, named)
        if context.events.row(named) is None and not lost_head:
            waiting.wait(context, record, named)
            return
    target = context.events.row(body["event_id"])
    assert target is not None
    heads = [row for row in map(context.events.row, body["heads"]) if row is not None]
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
    position = max(record.position, target.position, *(head.position for head in heads))
    stamp, event_id, written, author, held = mine
    context.db.run(
        "INSERT OR REPLACE INTO receipts VALUES(?,?,?,?,?,?,?,?,?,?,?)",
        (*key, event_id, stamp, body["ts"], position, written, author, held),
    )
    _store_gaps(context, key, target, [head.event_id for head in heads], position)
    context.touched.touch(target.room, position)
    context.touched.touch(receipts_of(target.room), position)
    context.notices.counts.drop((body["user_id"], target.room))
    changes.users.add(body["user_id"])
    if body["type"] != PRIVATE:
        changes.read.add(target.room)


def _store_gaps(
    context: Context, key: tuple[Any, ...], target: EventRow, heads: list[str], position: int
) -> None:
    """Keep what came up to `position`, sorts before the target, and was not there where it was written.

    What came later is unread by its position: counted here, too, it would count twice.
    """
    context.db.run("DELETE FROM receipt_gaps WHERE room=? AND user_id=? AND type=? AND thread=?", key)
    for row in outside(context, target.room, heads) if heads else ():
        before = (row.stamp, row.event_id) <= (target.stamp, target.event_id)
        if row.verdict == ACCEPTED and before and row.position <= position:
            context.db.run("INSERT INTO receipt_gaps VALUES(?,?,?,?,?)", (*key, row.position))


def late_event(context: Context, row: EventRow) -> None:
    """An event that waited for another has its place before receipts that were written without it."""
    context.db.run(
        "INSERT OR IGNORE INTO receipt_gaps SELECT room, user_id, type, thread, ? FROM receipts"
        " WHERE room=? AND position>=? AND (stamp, event_id) >= (?,?)",
        (row.position, row.room, row.position, row.stamp, row.event_id),
    )
