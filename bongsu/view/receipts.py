"""Queries: who has read how far."""

from dataclasses import dataclass
from typing import Any

from bongsu.view.context import Context


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a user has read. `thread` "": all of the room. `position`: where the receipt took effect.

    `gaps`: positions up to there of events that were not there where the receipt was written.
    """

    type: str
    thread: str
    event_id: str
    stamp: int
    position: int
    written: int
    gaps: frozenset[int]

    def covers(self, stamp: int, event_id: str, position: int, thread: str) -> bool:
        """Whether an event is read by this receipt.

        It must sort at or before the target, and lie in the past of the heads that the receipt names: what
        a merge brings later is unread (DESIGN 5.3).
        """
        return (
            self.thread in ("", thread)
            and position <= self.position
            and position not in self.gaps
            and (stamp, event_id) <= (self.stamp, self.event_id)
        )


def receipts_of(context: Context, room: int, user_id: str) -> list[Receipt]:
    """A user's receipts in a room."""
    found: list[tuple[str, str, str, int, int, int]] = context.db.all(
        "SELECT type, thread, event_id, stamp, position, written FROM receipts WHERE room=? AND user_id=?",
        (room, user_id),
    )
    gaps: dict[tuple[str, str], set[int]] = {}
    for kind, thread, position in context.db.all(
        "SELECT type, thread, position FROM receipt_gaps WHERE room=? AND user_id=?", (room, user_id)
    ):
        gaps.setdefault((kind, thread), set()).add(position)
    return [Receipt(*each, frozenset(gaps.get((each[0], each[1]), ()))) for each in found]


def late(context: Context, room: int, receipt: Receipt) -> bool:
    """Whether an event that sorts before a receipt's target is still unread: its writer did not have it."""
    if receipt.gaps:
        return True
    found = context.db.one(
        "SELECT 1 FROM events WHERE room=? AND position>? AND (stamp, event_id) <= (?,?) AND verdict=0"
        " LIMIT 1",
        (room, receipt.position, receipt.stamp, receipt.event_id),
    )
    return found is not None


def receipts_since(context: Context, room: int, user_id: str, position: int) -> list[dict[str, Any]]:
    """The contents of m.receipt events, one a thread, with what `user_id` has not seen.

    Others' private receipts are left out.
    """
    found = context.db.all(
        "SELECT event_id, type, user_id, ts, thread FROM receipts WHERE room=? AND position>?"
        " AND (type<>'m.read.private' OR user_id=?)",
        (room, position, user_id),
    )
    by_thread: dict[str, dict[str, Any]] = {}
    for event_id, receipt_type, reader, ts, thread in found:
        entry: dict[str, Any] = {"ts": ts}
        if thread:
            entry["thread_id"] = thread
        content = by_thread.setdefault(thread, {})
        content.setdefault(event_id, {}).setdefault(receipt_type, {})[reader] = entry
    return [by_thread[thread] for thread in sorted(by_thread)]


def public_receipts_since(
    context: Context, room: int, position: int
) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The contents for everybody who has no private receipt among them, and who has one."""
    private = context.db.all(
        "SELECT user_id FROM receipts WHERE room=? AND position>? AND type='m.read.private'", (room, position)
    )
    contents = receipts_since(context, room, "", position)
    return contents, frozenset(user_id for (user_id,) in private)
