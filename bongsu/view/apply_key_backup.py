"""Key backups become rows: for each session the best key, whatever the order of arrival."""

from hashlib import sha256
from typing import Any

from bongsu.canonical import json_bytes
from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.key_backup import Rank, deletion_floor, rank, stored_rank, was_deleted


def apply_backup_keys(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """BACKUP_KEYS: each key replaces a worse one; records of which nothing is kept go hollow."""
    user_id, name = body["user_id"], body["version"]
    emptied = {record.position}
    if not was_deleted(context, user_id, name):
        for room_id, session_id, data in body["keys"]:
            key = (user_id, name, room_id, session_id)
            if record.header.stamp <= deletion_floor(context, *key):
                continue
            new, found = rank(data), stored_rank(context, *key)
            if found is not None and found[0] <= new:
                continue
            if found is not None:
                emptied.add(found[1])
            context.db.run(
                "INSERT OR REPLACE INTO backup_keys VALUES(?,?,?,?,?,?,?,?,?,?)",
                (*key, *new, record.header.stamp, record.position),
            )
            before = 0 if found is None else _mark(room_id, session_id, found[0])
            _count(context, user_id, name, int(found is None), before ^ _mark(room_id, session_id, new))
    _hollow_empty(context, emptied)


def forget_backup(context: Context, user_id: str, name: str) -> None:
    """A backup was deleted with all its keys."""
    _delete(context, "user_id=? AND version=?", (user_id, name))
    context.db.run("DELETE FROM backup_counts WHERE user_id=? AND version=?", (user_id, name))


def forget_backup_keys(context: Context, user_id: str, name: str, deleted: str, stamp: int) -> None:
    """Keys were deleted: all, a room's, or a session's."""
    where, parameters = "user_id=? AND version=? AND stamp<=?", [user_id, name, stamp]
    if deleted:
        room_id, separator, session_id = deleted.partition("\0")
        where += " AND room_id=?"
        parameters.append(room_id)
        if separator:
            where += " AND session_id=?"
            parameters.append(session_id)
    for mark in _delete(context, where, tuple(parameters)):
        _count(context, user_id, name, -1, mark)


def _delete(context: Context, where: str, parameters: tuple[Any, ...]) -> list[int]:
    rows = context.db.all(
        "SELECT position, room_id, session_id, unverified, first_index, forwarded, digest"  # noqa: S608
        f" FROM backup_keys WHERE {where}",
        parameters,
    )
    context.db.run(f"DELETE FROM backup_keys WHERE {where}", parameters)  # noqa: S608
    _hollow_empty(context, {row[0] for row in rows})
    return [_mark(row[1], row[2], row[3:]) for row in rows]


def _mark(room_id: str, session_id: str, kept: Rank) -> int:
    """A stored key's part in the etag: with its place and its worth, so that no two undo each other."""
    return int.from_bytes(sha256(json_bytes([room_id, session_id, *kept])).digest()[:7], "big")


def _count(context: Context, user_id: str, name: str, more: int, changed: int) -> None:
    found = context.db.one(
        "SELECT count, etag FROM backup_counts WHERE user_id=? AND version=?", (user_id, name)
    )
    count, etag = found if found is not None else (0, 0)
    if count + more == 0:
        context.db.run("DELETE FROM backup_counts WHERE user_id=? AND version=?", (user_id, name))
        return
    context.db.run(
        "INSERT OR REPLACE INTO backup_counts VALUES(?,?,?,?)", (user_id, name, count + more, etag ^ changed)
    )


def _hollow_empty(context: Context, positions: set[int]) -> None:
    for position in sorted(positions):
        if context.db.one("SELECT 1 FROM backup_keys WHERE position=?", (position,)) is None:
            context.hollows.request(position, None)
