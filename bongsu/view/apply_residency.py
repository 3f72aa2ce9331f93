"""Residencies become rows: for whom a hub may write, and where that ends (DESIGN 5.2)."""

from typing import Any

from bongsu.canonical import json_bytes
from bongsu.log.record import NODE_BYTES, Record
from bongsu.speakers import suffix_of
from bongsu.view.apply_node import mark_stale
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.residencies import Ends, effective, read_ends


def apply_residency(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """RESIDENCY: adds for ever; the latest word of all about one user and hub says where it ends.

    Rows that it contradicts make the view stale, as a revocation does.
    """
    user_id, node = body["user_id"], bytes.fromhex(body["node"])
    ends = read_ends(body.get("ends"))
    if len(node) != NODE_BYTES:
        return
    new = context.db.one("SELECT 1 FROM residents WHERE node=? AND user_id=?", (node, user_id)) is None
    context.db.run("INSERT OR IGNORE INTO residents VALUES(?,?)", (node, user_id))
    mine = (record.header.stamp, record.log.node)
    found = context.db.one(
        "SELECT stamp, author FROM residency_ends WHERE node=? AND user_id=?", (node, user_id)
    )
    if found is None or tuple(found) < mine:
        before = context.residencies.ends(node, user_id)
        if (not new or suffix_of(user_id)) and _contradicted(context, node, before, ends):
            context.db.run("DELETE FROM vouched")
            mark_stale(context)
        text = None if ends is None else json_bytes(body["ends"]).decode()
        context.db.run(
            "INSERT OR REPLACE INTO residency_ends VALUES(?,?,?,?,?)", (node, user_id, text, *mine)
        )
    context.residencies.forget()
    changes.admitted.append((node, user_id))
    changes.users.add(user_id)
    changes.interest = True


def _contradicted(context: Context, node: bytes, before: Ends, now: Ends) -> bool:
    """Whether a record of the hub that is held counted by one and does not by the other."""
    return any(
        effective(before, log, seq) != effective(now, log, seq) for log, seq in context.log.held_of(node)
    )


def set_suffix(context: Context, user_id: str, changes: Changes) -> None:
    """Keep which names carry a suffix: their hub keeps their rooms without a word of the core."""
    suffix = suffix_of(user_id)
    if suffix:
        context.db.run("INSERT OR IGNORE INTO suffixed VALUES(?,?)", (suffix, user_id))
        changes.interest = True


def counts(context: Context, record: Record, user_id: str) -> bool:
    """Whether a record that was applied for this user lies before its node's cut and the residency's end."""
    if not context.authorities.within_cut(record):
        return False
    certificate = context.authorities.certificate(record.log.node)
    if certificate is None or not context.residencies.any_end:
        return True
    return context.residencies.of(certificate, user_id).counts(record)
