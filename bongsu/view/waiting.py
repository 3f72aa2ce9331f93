"""Records that wait for what they name, and events that wait behind one of those in their log.

Without the second a token would cover an event nobody was shown (docs/decisions/waiting-events.md)."""

from dataclasses import dataclass

from bongsu import limits
from bongsu.canonical import read_trusted
from bongsu.log.record import NODE_BYTES, Lane, LogName, Record
from bongsu.log.vector import Vector
from bongsu.view.changes import Changes
from bongsu.view.context import Context

EPOCH_BYTES = 8
# No event id and no user id begins so.
BEHIND = "behind "


@dataclass(frozen=True, slots=True)
class Awaited:
    """An event that is not here. `author`: the node that wrote one that names it, in the room `room_id`."""

    event_id: str
    room_id: str
    author: bytes


def wait(context: Context, record: Record, missing: str) -> None:
    """A record waits for `missing`."""
    context.db.run("INSERT INTO waiting VALUES(?,?,NULL,NULL,NULL,NULL)", (record.position, missing))
    context.empty.filled("waiting")


def hold_back(
    context: Context, record: Record, event_ids: tuple[str, ...], missing: str, changes: Changes
) -> None:
    """An event waits for `missing`: no token may cover it, nor the events behind it.

    `event_ids`: the ids that it may have.
    """
    first, other = (*event_ids, None)[:2]
    row = (record.position, missing, _name(record.log), record.header.seq, first, other)
    context.db.run("INSERT INTO waiting VALUES(?,?,?,?,?,?)", row)
    context.empty.filled("waiting")
    behind = _circle(context, missing, event_ids)
    if behind:
        context.db.run("DELETE FROM waiting WHERE position=?", (behind,))
        changes.retry.append(behind)


def before(context: Context, record: Record, event_ids: tuple[str, ...]) -> str | None:
    """What names the last event of the record's log that waits before it, if one does.

    None where that one waits for this: who lies may have put an event behind what follows it. Any other that
    is waited for waits nevertheless: it would be shown now, and again once a token may cover it.
    """
    if "waiting" in context.empty:
        return None
    position = context.db.value(
        "SELECT position FROM waiting WHERE log=? AND seq<? ORDER BY seq DESC LIMIT 1",
        (_name(record.log), record.header.seq),
    )
    if position is None:
        return None
    wanted = (*event_ids, _place(record.position))
    is_wanted = any(context.db.one("SELECT 1 FROM waiting WHERE missing=?", (each,)) for each in wanted)
    if is_wanted and _circle(context, _place(position), event_ids) is not None:
        return None
    return _place(position)


def _circle(context: Context, missing: str, event_ids: tuple[str, ...]) -> int | None:
    """Whether what waits for `missing` waits, by one thing after another, for this event; None if not.

    Where it does, the position of the first that only waits for its place in its log, which may go on; 0 if
    there is none. A chain too long to be looked at counts as a circle: shown twice is better than never.
    """
    behind = 0
    for _ in range(limits.WAITING_STEPS_MAX):
        found = _waits(context, missing)
        if missing in event_ids or (found is not None and found[2] in event_ids):
            return behind
        if found is None:
            return None
        if found[1].startswith(BEHIND):
            behind = behind or found[0]
        missing = found[1]
    return behind


def _waits(context: Context, missing: str) -> tuple[int, str, str] | None:
    """(position, what it waits for, event id) of what is waited for, if it waits itself."""
    sql = "SELECT position, missing, event_id FROM waiting WHERE "
    if missing.startswith(BEHIND):
        found = context.db.one(sql + "position=?", (missing.removeprefix(BEHIND),))
    else:
        found = context.db.one(sql + "event_id=? OR other_id=?", (missing, missing))
    return None if found is None else (found[0], found[1], found[2])


def wake(context: Context, missing: str, changes: Changes) -> None:
    """What was missing is here: apply again what waited for it."""
    if "waiting" in context.empty:
        return
    positions = context.db.all("SELECT position FROM waiting WHERE missing=? ORDER BY position", (missing,))
    if positions:
        context.db.run("DELETE FROM waiting WHERE missing=?", (missing,))
        changes.retry.extend(position for (position,) in positions)


def waited(context: Context, position: int, changes: Changes) -> None:
    """A record that waited was applied again: if it does not wait on, what waited behind it goes on."""
    if context.db.one("SELECT 1 FROM waiting WHERE position=?", (position,)) is None:
        wake(context, _place(position), changes)


def awaited(context: Context) -> list[Awaited]:
    """The events that others wait for, or heads of receipts, and that do not wait themselves; a page of them.

    Not those that a receipt is for: people may name what never was, and without its target it says nothing.
    """
    rows = context.db.all(
        "SELECT missing, min(position) FROM waiting w WHERE missing LIKE '$%'"
        " AND NOT EXISTS (SELECT 1 FROM waiting o WHERE o.event_id=w.missing OR o.other_id=w.missing)"
        " AND missing NOT IN (SELECT event_id FROM lost) GROUP BY missing ORDER BY 2 LIMIT ?",
        (limits.LOST_AT_ONCE,),
    )
    found = []
    for missing, position in rows:
        record = context.log.read(position)
        body = read_trusted(record.body or b"{}")
        room_id = body.get("event", body).get("room_id")
        if isinstance(room_id, str) and body.get("event_id") != missing:
            found.append(Awaited(missing, room_id, record.log.node))
    return found


def without_waiting(context: Context, vector: Vector) -> Vector:
    """The vector without events that wait for others, and what their logs hold behind them."""
    if "waiting" in context.empty:
        return vector
    rows = context.db.all("SELECT log, min(seq) FROM waiting WHERE log IS NOT NULL GROUP BY log")
    for raw, seq in rows:
        log = _log(raw)
        state = context.log.held_log(log)
        assert state is not None, "a record that waits is on disk"
        vector = vector.lowered(log, state.ordinal, seq - 1)
    return vector


def _place(position: int) -> str:
    return f"{BEHIND}{position}"


def _name(log: LogName) -> bytes:
    return log.node + log.epoch.to_bytes(EPOCH_BYTES, "big") + bytes([log.lane])


def _log(raw: bytes) -> LogName:
    epoch = int.from_bytes(raw[NODE_BYTES : NODE_BYTES + EPOCH_BYTES], "big")
    return LogName(raw[:NODE_BYTES], epoch, Lane(raw[-1]))
