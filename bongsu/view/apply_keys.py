"""One-time keys become rows, and what registers of keys and devices mean to other tables."""

from typing import Any

from bongsu.canonical import json_bytes
from bongsu.log.record import Record
from bongsu.view import keys
from bongsu.view.admin_rooms import CLOSED
from bongsu.view.apply_key_backup import forget_backup, forget_backup_keys
from bongsu.view.apply_to_device import forget_messages
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.touched import KEYS
from bongsu.view.tower_desk import STAFF_ROOM


def apply_one_time_keys(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """ONE_TIME_KEYS: keys to hand out, but for those a claim has named already."""
    user_id, device_id = body["user_id"], body["device_id"]
    if record.header.stamp <= keys.device_floor(context, user_id, device_id):
        context.hollows.request(record.position, None)
        return
    for name, value in body["keys"].items():
        algorithm, _, key_id = name.partition(":")
        row = (user_id, device_id, algorithm, key_id, keys.key_digest(value), json_bytes(value).decode())
        context.db.run(
            "INSERT INTO one_time_keys VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
            " node=excluded.node, stamp=excluded.stamp, position=excluded.position"
            " WHERE value IS NOT NULL AND excluded.stamp > stamp",
            (*row, body["node"], record.header.stamp, record.position),
        )
    _hollow_if_spent(context, user_id, device_id, record.position)
    _count_changed(user_id, device_id, changes)


def apply_key_claim(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """KEY_CLAIM: the key is gone, also if it arrives only later."""
    user_id, device_id = body["user_id"], body["device_id"]
    stamp = record.header.stamp
    if stamp <= keys.device_floor(context, user_id, device_id):
        context.hollows.request(record.position, None)
        return
    algorithm, _, key_id = body["key"].partition(":")
    key = (user_id, device_id, algorithm, key_id, body["digest"])
    uploaded = context.db.value(
        "SELECT position FROM one_time_keys WHERE user_id=? AND device_id=? AND algorithm=? AND key_id=?"
        " AND digest=? AND value IS NOT NULL",
        key,
    )
    context.db.run(
        "INSERT INTO one_time_keys VALUES(?,?,?,?,?,NULL,'',?,?) ON CONFLICT DO UPDATE SET"
        " value=NULL, node='', stamp=excluded.stamp, position=excluded.position"
        " WHERE value IS NOT NULL OR excluded.stamp > stamp",
        (*key, stamp, record.position),
    )
    if uploaded is not None:
        _hollow_if_spent(context, user_id, device_id, uploaded)
    _count_changed(user_id, device_id, changes)


def _hollow_if_spent(context: Context, user_id: str, device_id: str, position: int) -> None:
    left = context.db.one(
        "SELECT 1 FROM one_time_keys WHERE user_id=? AND device_id=? AND value IS NOT NULL AND position=?",
        (user_id, device_id, position),
    )
    if left is None:
        context.hollows.request(position, None)


def _count_changed(user_id: str, device_id: str, changes: Changes) -> None:
    changes.key_counts.add((user_id, device_id))
    changes.users.add(user_id)


def register_applied(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """A register has taken effect: what follows from it elsewhere, and who must hear of it."""
    family, owner, (key1, key2) = body["family"], body["owner"], body["key"]
    if family == "device":
        _forget_device(context, owner, key2, record.header.stamp, changes)
    elif family in ("fallback_key", "fallback_used"):
        _count_changed(owner, key1, changes)
    elif family in ("device_keys", "cross_signing"):
        context.touched.touch(KEYS, record.position)
        _tell_sharers(context, owner, changes)
    elif family == "signature":
        context.touched.touch(KEYS, record.position)
        signer = key2.partition(" ")[0]
        if signer == owner:
            _tell_sharers(context, owner, changes)
        else:
            changes.users.add(signer)
    elif family == "key_backup" and body["value"] is None:
        forget_backup(context, owner, key2)
    elif family == STAFF_ROOM:
        changes.interest = True
    elif family == CLOSED:
        changes.closed = True
    elif family == "key_backup_deleted":
        forget_backup_keys(context, owner, key1, key2, record.header.stamp)


def _tell_sharers(context: Context, user_id: str, changes: Changes) -> None:
    """Everybody who shares a room: their clients look the user's keys up anew."""
    changes.rooms.update(
        room
        for (room,) in context.db.all(
            "SELECT room FROM members WHERE user_id=? AND membership='join'", (user_id,)
        )
    )


def _forget_device(context: Context, user_id: str, device_id: str, stamp: int, changes: Changes) -> None:
    """A device was made or forgotten: what is stamped before belongs to a device that is gone."""
    found = context.db.all(
        "SELECT DISTINCT position FROM one_time_keys WHERE user_id=? AND device_id=? AND stamp<=?",
        (user_id, device_id, stamp),
    )
    context.db.run(
        "DELETE FROM one_time_keys WHERE user_id=? AND device_id=? AND stamp<=?", (user_id, device_id, stamp)
    )
    for (position,) in found:
        context.hollows.request(position, None)
    forget_messages(context, user_id, device_id, stamp)
    _count_changed(user_id, device_id, changes)
