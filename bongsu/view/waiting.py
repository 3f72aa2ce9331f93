"""Records that wait for what they name, and events that wait behind one of those in their log.

Without the second a token would cover an event nobody was shown (docs/decisions/waiting-events.md)."""

from bongsu.log.record import NODE_BYTES, Lane, LogName, Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.db import Database

EPOCH_BYTES = 8
# No event id and no user id begins so.
BEHIND = "behind "


def wait(context: Context, record: Record, missing: str) -> None:
    """A record waits for `missing`."""
    context.db.run("INSERT INTO waiting VALUES(?,?,NULL,NULL,NULL)", (record.position, missing))


def hold_back(context: Context, record: Record, event_id: str, missing: str, changes: Changes) -> None:
    """An event waits for `missing`: no token may cover it, nor the events behind it."""
    row = (record.position, missing, _name(record.log), record.header.seq, event_id)
    context.db.run("INSERT INTO waiting VALUES(?,?,?,?,?)", row)
    found = context.db.one("SELECT position, missing FROM waiting WHERE event_id=?", (missing,))
    if found is not None and found[1].startswith(BEHIND):
        context.db.run("DELETE FROM waiting WHERE position=?", found[:1])
        changes.retry.append(found[0])


def before(context: Context, record: Record, event_id: str) -> str | None:
    """What names the last event of the record's log that waits before it, if one does.

    None for one that is waited for: who lies may have put it behind what follows it.
    """
    position = context.db.value(
        "SELECT position FROM waiting WHERE log=? AND seq<? ORDER BY seq DESC LIMIT 1",
        (_name(record.log), record.header.seq),
    )
    if position is None or context.db.one("SELECT 1 FROM waiting WHERE missing=?", (event_id,)) is not None:
        return None
    return _place(position)


def wake(context: Context, missing: str, changes: Changes) -> None:
    """What was missing is here: apply again what waited for it."""
    positions = context.db.all("SELECT position FROM waiting WHERE missing=? ORDER BY position", (missing,))
    if positions:
        context.db.run("DELETE FROM waiting WHERE missing=?", (missing,))
        changes.retry.extend(position for (position,) in positions)


def waited(context: Context, position: int, changes: Changes) -> None:
    """A record that waited was applied again: if it does not wait on, what waited behind it goes on."""
    if context.db.one("SELECT 1 FROM waiting WHERE position=?", (position,)) is None:
        wake(context, _place(position), changes)


def held_back(db: Database) -> dict[LogName, int]:
    """Up to which seq a token may cover those logs in which an event waits."""
    rows = db.all("SELECT log, min(seq) FROM waiting WHERE log IS NOT NULL GROUP BY log")
    return {_log(raw): seq - 1 for raw, seq in rows}


def _place(position: int) -> str:
    return f"{BEHIND}{position}"


def _name(log: LogName) -> bytes:
    return log.node + log.epoch.to_bytes(EPOCH_BYTES, "big") + bytes([log.lane])


def _log(raw: bytes) -> LogName:
    epoch = int.from_bytes(raw[NODE_BYTES : NODE_BYTES + EPOCH_BYTES], "big")
    return LogName(raw[:NODE_BYTES], epoch, Lane(raw[-1]))
