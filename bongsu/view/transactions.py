"""Transaction ids: a send retried with the same id, at whatever node, finds the event it made first."""

from hashlib import sha256

from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, EventRow


def transaction_key(user_id: str, sent_by: dict[str, str]) -> int:
    """The key of (user, device, path, transaction id), as a signed 64-bit integer."""
    name = "\0".join((user_id, sent_by["device_id"], sent_by["path"], sent_by["txn_id"]))
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def event_of(context: Context, user_id: str, sent_by: dict[str, str]) -> str | None:
    """The id of the event a request made before, or None if it is new."""
    key = transaction_key(user_id, sent_by)
    found = context.db.one(
        "SELECT t.position, e.event_id FROM transactions t JOIN events e USING(position) WHERE key=?", (key,)
    )
    if found is None:
        return None
    # Keys are 64 bits of a hash: two requests may meet in one, and the later must not vanish.
    if context.events.sent_by(found[0]) != sent_by:
        return None
    return str(found[1])


def remember_transaction(context: Context, row: EventRow, sent_by: dict[str, str]) -> None:
    """The event of a request is here. One that another site made of the same request is its twin."""
    key = transaction_key(row.sender, sent_by)
    if "deferred" not in context.empty:
        context.db.run("DELETE FROM deferred WHERE key=?", (key,))
    if context.db.run("INSERT OR IGNORE INTO transactions VALUES(?,?)", (key, row.position)):
        return
    found = context.db.one(
        "SELECT position, verdict, stamp, event_id FROM transactions JOIN events USING(position) WHERE key=?",
        (key,),
    )
    if found is not None and row.verdict == ACCEPTED and context.events.sent_by(found[0]) == sent_by:
        known = context.events.rows("position=? AND verdict=0", (found[0],))
        context.twins.add(key, [*known, row])
    # The one that is shown, on every node, whichever arrived first: a rejected one stands for nothing.
    if found is None or (-found[1], *found[2:]) < (-row.verdict, row.stamp, row.event_id):
        context.db.run("INSERT OR REPLACE INTO transactions VALUES(?,?)", (key, row.position))
