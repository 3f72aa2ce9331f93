"""Records that wait for what they name, and events that wait behind one of those in their log.

Without the second a token would cover an event nobody was shown (docs/decisions/waiting-events.md)."""

from bongsu.log.record import NODE_BYTES, Lane, LogName, Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.db import Database

EPOCH_BYTES = 8


def wait(context: Context, record: Record, missing: str, *, holds_back: bool = False) -> None:
    """A record waits for `missing`. `holds_back`: no token may cover it, nor the events behind it."""
    log = _name(record.log) if holds_back else None
    seq = record.header.seq if holds_back else None
    context.db.run("INSERT INTO waiting VALUES(?,?,?,?)", (record.position, missing, log, seq))


def before(context: Context, record: Record) -> str | None:
    """What names the last event of the record's log that waits before it, if one does."""
    position = context.db.value(
        "SELECT position FROM waiting WHERE log=? AND seq<? ORDER BY seq DESC LIMIT 1",
        (_name(record.log), record.header.seq),
    )
    return None if position is None else _place(position)


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
    # No event id and no user id begins so.
    return f"behind {position}"


def _name(log: LogName) -> bytes:
    return log.node + log.epoch.to_bytes(EPOCH_BYTES, "big") + bytes([log.lane])


def _log(raw: bytes) -> LogName:
    epoch = int.from_bytes(raw[NODE_BYTES : NODE_BYTES + EPOCH_BYTES], "big")
    return LogName(raw[:NODE_BYTES], epoch, Lane(raw[-1]))
