"""What a view says, as one digest a scope: equal on two nodes that hold the same records. Read-only.

Positions are left out, since they are each node's own."""

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

# name of the kind of scope: what is read of it. The first column is the scope, the rest is hashed in order.
QUERIES: dict[str, tuple[str, ...]] = {
    "room": (
        "SELECT r.room_id, e.event_id, e.stamp, e.depth, e.type, e.sender, e.state_key, e.verdict,"
        " e.replaces, e.redacted_by, e.relates_to, e.rel_type FROM events e JOIN rooms r USING(room)"
        " ORDER BY 1, e.stamp, e.event_id",
        "SELECT r.room_id, h.event_id FROM heads h JOIN rooms r USING(room) ORDER BY 1, 2",
        "SELECT r.room_id, s.type, s.state_key, s.event_id FROM current_state s JOIN rooms r USING(room)"
        " ORDER BY 1, 2, 3",
        # Whom the state names no more was in it here for a while: that depends on the order of arrival.
        "SELECT r.room_id, m.user_id, m.membership, m.event_id, m.display_name FROM members m"
        " JOIN rooms r USING(room) WHERE m.event_id!='' ORDER BY 1, 2",
        "SELECT r.room_id, c.user_id, c.type, c.thread, c.event_id, c.stamp FROM receipts c"
        " JOIN rooms r USING(room) ORDER BY 1, 2, 3, 4",
    ),
    "user": (
        "SELECT user_id, created_ts, stamp, deactivated, password, password_stamp FROM users ORDER BY 1",
        "SELECT user_id, session, device_id, created_ts, password_stamp, generation, ended FROM sessions"
        " ORDER BY 1, 2",
        "SELECT user_id, device_id, algorithm, key_id, digest, value, node FROM one_time_keys"
        " ORDER BY 1, 2, 3, 4, 5",
        "SELECT user_id, media_id, hash, bytes, content_type, file_name FROM media ORDER BY 1, 2",
        "SELECT user_id, version, count, etag FROM backup_counts ORDER BY 1, 2",
        "SELECT user_id, alert, answer, stamp FROM alert_acks ORDER BY 1, 2",
        "SELECT user_id, request, answer, body, stamp FROM check_ins ORDER BY 1, 2",
        "SELECT user_id, id, room_id, text, users FROM check_requests ORDER BY 1, 2",
    ),
    "register": (
        "SELECT family || ' ' || owner, key1, key2, value, stamp, author FROM registers ORDER BY 1, 2, 3",
    ),
    "service": (
        "SELECT '', node, role, site, issued_ms, certificate FROM nodes ORDER BY 2",
        "SELECT '', node, number, text FROM revocations ORDER BY 2",
        "SELECT '', media_id FROM media_ends ORDER BY 2",
        "SELECT '', key, text FROM tower_keys ORDER BY 2, 3",
        "SELECT '', key, text FROM tower_key_ends ORDER BY 2",
        "SELECT '', id, content, signed FROM tower_statements ORDER BY 2",
        "SELECT '', id, key, signature, valid FROM tower_signatures ORDER BY 2, 3, 4",
        "SELECT '', brief FROM alert_briefs ORDER BY 2",
        "SELECT '', id, feed, proved, content FROM foreign_alerts ORDER BY 2",
        "SELECT '', node, user_id FROM residents ORDER BY 2, 3",
        "SELECT '', node, user_id, ends, stamp, author FROM residency_ends ORDER BY 2, 3",
    ),
}


def digests(path: Path) -> dict[str, str]:
    """SHA-256 in hex by "kind scope". Over a connection of its own, of one moment: for another thread."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        found: dict[str, str] = {}
        for kind, queries in QUERIES.items():
            found.update(_of_kind(connection, kind, queries))
        return found
    finally:
        connection.close()


def _of_kind(
    connection: sqlite3.Connection, kind: str, queries: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    digests: dict[str, Any] = {}
    for number, query in enumerate(queries):
        for scope, *row in connection.execute(query):
            digest = digests.setdefault(scope, sha256())
            digest.update(repr((number, row)).encode())
    for scope, digest in digests.items():
        yield f"{kind} {scope}".strip(), digest.hexdigest()
