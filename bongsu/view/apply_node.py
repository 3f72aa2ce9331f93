"""Nodes become rows: who may author what, and what waits for an authority that has not arrived."""

from typing import Any

from bongsu.authority import Certificate
from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_node(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """NODE: believed when it is this store's own node; another's needs a certificate of the root key."""
    if record.log.node != context.log.key.node:
        return
    context.db.run(
        "INSERT OR REPLACE INTO nodes VALUES(?,?,?)", (record.log.node, body["role"], body["site"])
    )
    context.certificates.pop(record.log.node, None)
    waiting = context.db.all(
        "SELECT position FROM unauthorised WHERE node=? ORDER BY position", (record.log.node,)
    )
    context.db.run("DELETE FROM unauthorised WHERE node=?", (record.log.node,))
    changes.retry.extend(position for (position,) in waiting)


def certificate_of(context: Context, node: bytes) -> Certificate | None:
    """What a node is, or None if nobody with authority has said so yet."""
    known = context.certificates.get(node)
    if known is None:
        found = context.db.one("SELECT node, role, site FROM nodes WHERE node=?", (node,))
        if found is None:
            return None
        known = context.certificates[node] = Certificate(*found)
    return known
