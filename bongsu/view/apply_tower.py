"""The tower's signed statements become rows. What they come to is judged when it is read (view/tower.py)."""

from typing import Any

from bongsu.canonical import decode_base64, json_bytes, read_trusted
from bongsu.errors import MatrixError
from bongsu.log.record import Kind, Record
from bongsu.tower import alert, brief, check_in, incident, keys, signed
from bongsu.view.changes import Changes
from bongsu.view.context import Context

# What the sync section of alerts, and whoever looks at the tower, is told by.
ALERTS = "alerts"
TOWER = "tower"

_CHECKS = {
    Kind.ALERT: (signed.ALERT, alert.check),
    Kind.SAFETY_CALL: (signed.CALL, check_in.check_call),
    Kind.INCIDENT_ACT: (signed.ACT, incident.check),
}


def apply_tower_key(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """TOWER_KEY: counts by the root key's signature. What the key signed before it arrived counts now."""
    root_key = context.authorities.root_key
    if root_key is None:
        return
    try:
        key = keys.read_key(root_key, body["key"])
    except MatrixError:
        return
    context.db.run("INSERT OR IGNORE INTO tower_keys VALUES(?,?)", (key.id, key.text))
    _recheck(context, key, record, changes)
    _touched(context, record, changes)


def apply_tower_key_end(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """TOWER_KEY_END: the latest of a key stands."""
    root_key = context.authorities.root_key
    if root_key is None:
        return
    try:
        end = keys.read_end(root_key, body["end"])
    except MatrixError:
        return
    if end.replaces(context.tower.keyring().ends.get(end.key)):
        context.db.run("INSERT OR REPLACE INTO tower_key_ends VALUES(?,?)", (end.key, end.text))
        _mark(context, end.key, record)
        _touched(context, record, changes)


def apply_statement(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """ALERT, SAFETY_CALL, INCIDENT_ACT: kept if it says what it may; signatures add up."""
    kind, check = _CHECKS[Kind(record.header.kind)]
    try:
        content = check(body["content"])
        signatures = signed.check_signatures(body["signatures"])
        name = signed.statement_id(kind, content)
    except MatrixError:
        return
    context.db.run(
        "INSERT OR IGNORE INTO tower_statements VALUES(?,?,?,?,0,?)",
        (name, kind, content["sender"], json_bytes(content).decode(), record.position),
    )
    added = 0
    for key, text in signatures.items():
        public = context.tower.keyring().public_key(key)
        valid = public is not None and signed.is_statement_signed(kind, content, public, text)
        row = (name, key, text, int(valid))
        added += context.db.run("INSERT OR IGNORE INTO tower_signatures VALUES(?,?,?,?)", row)
    if added:
        _set_signed(context, name, record)
        _mark_references(context, content, record)
        _touched(context, record, changes)
        if kind == signed.ALERT:
            changes.alerts.add(name)


def apply_alert_brief(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """ALERT_BRIEF: an alert as it came by radio, until the whole one is here."""
    try:
        raw = decode_base64(body["brief"])
        name = brief.decode(raw).id
    except MatrixError:
        return
    if context.db.run("INSERT OR IGNORE INTO alert_briefs VALUES(?,?)", (raw, record.position)):
        changes.alerts.add(name)
        _touched(context, record, changes)


def _recheck(context: Context, key: keys.TowerKey, record: Record, changes: Changes) -> None:
    """Look at the signatures that could not be checked before their key was known."""
    rows = context.db.all(
        "SELECT s.id, s.kind, s.content, g.signature FROM tower_signatures g"
        " JOIN tower_statements s USING(id) WHERE g.key=? AND g.valid=0",
        (key.id,),
    )
    for name, kind, text, signature in rows:
        content = read_trusted(text)
        if signed.is_statement_signed(kind, content, key.public_key, signature):
            context.db.run(
                "UPDATE tower_signatures SET valid=1 WHERE id=? AND key=? AND signature=?",
                (name, key.id, signature),
            )
            _set_signed(context, name, record)
            # Only now does it warn: whoever wakes phones and sirens has to be told.
            if kind == signed.ALERT:
                changes.alerts.add(name)
    _mark(context, key.id, record)


def _set_signed(context: Context, name: str, record: Record) -> None:
    context.db.run(
        "UPDATE tower_statements SET changed=?, signed=EXISTS(SELECT 1 FROM tower_signatures g"
        " WHERE g.id=tower_statements.id AND g.key=tower_statements.sender AND g.valid=1) WHERE id=?",
        (record.position, name),
    )


def _mark(context: Context, key: str, record: Record) -> None:
    """Whatever the key signed may have become something else, and so what that ends: else clients would
    go on hiding a warning that a stolen key had called off."""
    rows = context.db.all(
        "SELECT id, content FROM tower_statements WHERE id IN (SELECT id FROM tower_signatures WHERE key=?)",
        (key,),
    )
    for name, content in rows:
        context.db.run("UPDATE tower_statements SET changed=? WHERE id=?", (record.position, name))
        _mark_references(context, read_trusted(content), record)
    context.db.run("UPDATE alert_briefs SET changed=?", (record.position,))


def _mark_references(context: Context, content: dict[str, Any], record: Record) -> None:
    for other in content.get("references", []):
        context.db.run(
            "UPDATE tower_statements SET changed=max(changed, ?) WHERE id=?", (record.position, other)
        )


def _touched(context: Context, record: Record, changes: Changes) -> None:
    context.tower.forget()
    context.touched.touch(ALERTS, record.position)
    changes.everybody = True
    changes.users.add(TOWER)
