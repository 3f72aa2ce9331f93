"""Requests of visitors become rows until their event is here: what waits to be sent elsewhere."""

from typing import Any

from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.transactions import transaction_key


def sent_by_of(request: dict[str, Any]) -> dict[str, str]:
    """What names the request for retries: as if the device had sent it to the room's own node."""
    path = f"/_matrix/client/v3/rooms/{request['room_id']}/send/{request['type']}"
    return {"device_id": request["device_id"], "path": path, "txn_id": request["txn_id"]}


def apply_deferred(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """DEFERRED_SEND: whoever carried it, the device's signature is what counts when it is carried out."""
    request = body["request"]
    key = transaction_key(request["user_id"], sent_by_of(request))
    if context.db.one("SELECT 1 FROM transactions WHERE key=?", (key,)) is not None:
        return
    # The earliest of several copies, on every node.
    found = context.db.one("SELECT stamp, author, position FROM deferred WHERE key=?", (key,))
    mine = (record.header.stamp, record.log.node)
    if found is not None and (found[0], found[1]) <= mine:
        return
    row = (key, record.position, *mine)
    context.db.run("INSERT OR REPLACE INTO deferred VALUES(?,?,?,?)", row)
    context.empty.filled("deferred")
    changes.deferred = True
