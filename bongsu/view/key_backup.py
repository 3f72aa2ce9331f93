"""Queries: server-side key backups. A version is a register; its sessions are read from the log."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bongsu.canonical import json_bytes, read_trusted
from bongsu.view import registers
from bongsu.view.context import Context

FAMILY = "key_backup"
FAMILY_DELETED = "key_backup_deleted"

Rank = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class BackupVersion:
    """A backup: `value` is its algorithm and auth_data as the client wrote them."""

    version: str
    value: dict[str, Any]
    count: int
    etag: str


def rank(data: dict[str, Any]) -> Rank:
    """What a key for a session is worth: the lowest is kept. Spec: § Server-side key backups.

    Keys the spec calls equal are told apart by a hash, so that every node keeps the same one.
    """
    digest = int.from_bytes(sha256(json_bytes(data["session_data"])).digest()[:7], "big")
    return (int(not data["is_verified"]), data["first_message_index"], data["forwarded_count"], digest)


def version(context: Context, user_id: str, name: str) -> BackupVersion | None:
    """One backup, or None if there is none or it was deleted."""
    value = registers.get(context, FAMILY, user_id, "", name)
    if value is None:
        return None
    found = context.db.one(
        "SELECT count, etag FROM backup_counts WHERE user_id=? AND version=?", (user_id, name)
    )
    count, etag = found if found is not None else (0, 0)
    return BackupVersion(name, value, count, str(etag))


def versions(context: Context, user_id: str) -> list[str]:
    """The backups that are there, the oldest first. Versions are numbers, and later ones are larger."""
    return sorted((name for name, _ in registers.under(context, FAMILY, user_id, "")), key=int)


def last_version(context: Context, user_id: str) -> int:
    """The largest number a backup ever had here, deleted ones included; 0 if there was none."""
    sql = "SELECT max(CAST(key2 AS INTEGER)) FROM registers WHERE family=? AND owner=? AND key1=''"
    return int(context.db.value(sql, (FAMILY, user_id)) or 0)


def was_deleted(context: Context, user_id: str, name: str) -> bool:
    """Whether there once was such a backup."""
    found = context.db.one(
        "SELECT 1 FROM registers WHERE family=? AND owner=? AND key1='' AND key2=? AND value IS NULL",
        (FAMILY, user_id, name),
    )
    return found is not None


def deleted_key(room_id: str | None, session_id: str | None) -> str:
    """What a deletion names: everything, one room's, or one session."""
    return "" if room_id is None else room_id if session_id is None else f"{room_id}\0{session_id}"


def deletion_floor(context: Context, user_id: str, name: str, room_id: str, session_id: str) -> int:
    """The stamp of the last deletion that covers a session: what is stamped up to it is gone."""
    stamp = context.db.value(
        "SELECT max(stamp) FROM registers WHERE family=? AND owner=? AND key1=? AND key2 IN (?,?,?)",
        (FAMILY_DELETED, user_id, name, "", room_id, deleted_key(room_id, session_id)),
    )
    return int(stamp or 0)


def stored_rank(
    context: Context, user_id: str, name: str, room_id: str, session_id: str
) -> tuple[Rank, int] | None:
    """(rank, position of the record) of the key that is kept for a session."""
    found = context.db.one(
        "SELECT unverified, first_index, forwarded, digest, position FROM backup_keys"
        " WHERE user_id=? AND version=? AND room_id=? AND session_id=?",
        (user_id, name, room_id, session_id),
    )
    return None if found is None else ((found[0], found[1], found[2], found[3]), found[4])


def last_backup_stamp(context: Context, user_id: str, name: str) -> int:
    """The latest stamp of a backup's keys, so that a deletion comes after them."""
    sql = "SELECT max(stamp) FROM backup_keys WHERE user_id=? AND version=?"
    return int(context.db.value(sql, (user_id, name)) or 0)


def has_keys(context: Context, user_id: str, name: str, room_id: str | None, session_id: str | None) -> bool:
    """Whether a backup, one room of it or one session is stored."""
    where, parameters = _where(user_id, name, room_id, session_id)
    return context.db.one(f"SELECT 1 FROM backup_keys WHERE {where} LIMIT 1", parameters) is not None  # noqa: S608


def _where(user_id: str, name: str, room_id: str | None, session_id: str | None) -> tuple[str, list[str]]:
    where, parameters = "user_id=? AND version=?", [user_id, name]
    for column, value in (("room_id", room_id), ("session_id", session_id)):
        if value is not None:
            where += f" AND {column}=?"
            parameters.append(value)
    return where, parameters


def backup_keys(
    context: Context, user_id: str, name: str, room_id: str | None, session_id: str | None
) -> dict[str, dict[str, Any]]:
    """{room: {session: data}} of a backup, one room of it or one session."""
    where, parameters = _where(user_id, name, room_id, session_id)
    rows = context.db.all(
        f"SELECT room_id, session_id, position FROM backup_keys WHERE {where} ORDER BY position",  # noqa: S608
        parameters,
    )
    wanted: dict[int, set[tuple[str, str]]] = {}
    for room, session, position in rows:
        wanted.setdefault(position, set()).add((room, session))
    found: dict[str, dict[str, Any]] = {}
    for position, body in context.log.bodies(list(wanted)).items():
        for room, session, data in read_trusted(body)["keys"]:
            if (room, session) in wanted[position]:
                found.setdefault(room, {})[session] = data
    return found
