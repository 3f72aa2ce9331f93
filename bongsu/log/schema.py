"""log.db: its tables and statements, and how it is opened. Why this shape: docs/decisions/log-size.md."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

VERSION = 6
Row = Sequence[Any]


class Cursor(Protocol):
    """What a statement gives back."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """What the log needs of a connection: `sqlite3` in the product, `apsw` over a bad disk in the tests."""

    def execute(self, sql: str, parameters: Row = (), /) -> Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Row], /) -> Cursor: ...
    def close(self) -> None: ...


Opener = Callable[[Path], Connection]

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # NORMAL lost acknowledged rows in 181 of 200 simulated power cuts, FULL in none.
    "PRAGMA synchronous=FULL",
    # An automatic checkpoint swallows the error of its fsync; ours, in the writer, stops the node.
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA foreign_keys=OFF",
)

# A log whose end is named and held is settled: nothing of it needs to be in memory.
# Bodies have tables of their own, because a deleted row gives its room back and a shrunken one does not;
# those that soon go hollow do not share pages with those that stay, which would be left half empty.
# What is left of passing bodies, away from them: a row that shrank in its place would keep its page.
PRUNED_BODIES = """CREATE TABLE pruned_bodies(
    position INTEGER PRIMARY KEY, encoding INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER)"""
# Signatures of other nodes' logs, so that this node can hand them on in bundles: `after` is the seq of the
# signature before, `bytes` counts the bodies between. This node's own logs are signed anew where needed.
SIGNATURES = """CREATE TABLE signatures(
    log_id INTEGER NOT NULL, seq INTEGER NOT NULL, after INTEGER NOT NULL, bytes INTEGER NOT NULL,
    signature BLOB NOT NULL, PRIMARY KEY(log_id, seq)) WITHOUT ROWID"""
# What a peer that keeps the scope may still give: asked for by scope, in an order that puts causes first.
WITHHELD = "CREATE INDEX IF NOT EXISTS records_withheld ON records(scope_id, stamp) WHERE state=2"
# Further logs whose opening named an end of one, and where (no seq: where `logs` says). Their node came back
# from an old image, or found a longer tail.
ALSO_NAMED = """CREATE TABLE also_named(
    log_id INTEGER NOT NULL, named_by INTEGER NOT NULL, seq INTEGER,
    PRIMARY KEY(log_id, named_by)) WITHOUT ROWID"""
TABLES = (
    "CREATE TABLE starts(start_tag BLOB PRIMARY KEY, first_position INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE nodes(
        node BLOB PRIMARY KEY, prefix BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE logs(
        log_id INTEGER PRIMARY KEY, node BLOB NOT NULL, epoch BLOB NOT NULL, lane INTEGER NOT NULL,
        ordinal INTEGER NOT NULL, head_seq INTEGER NOT NULL, signature BLOB,
        end_seq INTEGER, end_hash BLOB, named_by INTEGER, UNIQUE(node, epoch, lane))""",
    "CREATE INDEX logs_open ON logs(log_id) WHERE end_seq IS NULL OR end_seq <> head_seq",
    "CREATE TABLE scopes(scope_id INTEGER PRIMARY KEY, scope BLOB NOT NULL UNIQUE)",
    """CREATE TABLE records(
        position INTEGER PRIMARY KEY, log_id INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL,
        scope_id INTEGER NOT NULL, scope_link INTEGER NOT NULL, stamp INTEGER NOT NULL,
        body_hash BLOB NOT NULL, hash BLOB NOT NULL, state INTEGER NOT NULL, UNIQUE(log_id, seq))""",
    """CREATE TABLE lasting_bodies(
        position INTEGER PRIMARY KEY, encoding INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER)""",
    """CREATE TABLE passing_bodies(
        position INTEGER PRIMARY KEY, encoding INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER)""",
    PRUNED_BODIES,
    SIGNATURES,
    WITHHELD,
    ALSO_NAMED,
    f"PRAGMA user_version={VERSION}",
)
# From the versions before: what is missing, and the new version.
ADDITIONS = {
    1: (SIGNATURES, PRUNED_BODIES, WITHHELD, ALSO_NAMED, f"PRAGMA user_version={VERSION}"),
    2: (PRUNED_BODIES, WITHHELD, ALSO_NAMED, f"PRAGMA user_version={VERSION}"),
    3: (WITHHELD, ALSO_NAMED, f"PRAGMA user_version={VERSION}"),
    4: (ALSO_NAMED, f"PRAGMA user_version={VERSION}"),
    5: ("ALTER TABLE also_named ADD COLUMN seq INTEGER", f"PRAGMA user_version={VERSION}"),
}

INSERT_START = "INSERT INTO starts VALUES(?,?)"
INSERT_NODE = "INSERT INTO nodes VALUES(?,?,?) ON CONFLICT(node) DO NOTHING"
INSERT_SCOPE = "INSERT INTO scopes(scope) VALUES(?) ON CONFLICT(scope) DO NOTHING"
SELECT_SCOPE = "SELECT scope_id FROM scopes WHERE scope=?"
UPSERT_LOG = """INSERT INTO logs VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(log_id) DO UPDATE SET
    head_seq=excluded.head_seq, signature=coalesce(excluded.signature, signature),
    end_seq=excluded.end_seq, end_hash=excluded.end_hash, named_by=excluded.named_by"""
DELETE_ALSO_NAMED = "DELETE FROM also_named WHERE log_id=?"
INSERT_ALSO_NAMED = "INSERT INTO also_named VALUES(?,?,?)"
SELECT_ALSO_NAMED = """SELECT a.log_id, a.seq, n.node, n.epoch, n.lane FROM also_named a
    JOIN logs n ON n.log_id=a.named_by"""
ORDER_ALSO_NAMED = " ORDER BY a.log_id, a.named_by"
LAST_SIGNATURE = "SELECT seq, after, bytes FROM signatures WHERE log_id=? ORDER BY seq DESC LIMIT 1"
DELETE_SIGNATURE = "DELETE FROM signatures WHERE log_id=? AND seq=?"
INSERT_SIGNATURE = "INSERT INTO signatures VALUES(?,?,?,?,?) ON CONFLICT(log_id, seq) DO NOTHING"
SIGNATURES_AFTER = "SELECT seq, signature FROM signatures WHERE log_id=? AND seq>? ORDER BY seq LIMIT ?"
INSERT_RECORDS = "INSERT INTO records VALUES"
RECORD_COLUMNS = 10
INSERT_LASTING = "INSERT INTO lasting_bodies VALUES"
INSERT_PASSING = "INSERT INTO passing_bodies VALUES"
BODY_COLUMNS = 4
# Its place in the order of arrival is where its body arrives: nothing pointed at the old one.
REFILL_RECORD = "UPDATE records SET position=?, state=? WHERE position=? AND state=2"
HOLLOW_RECORD = "UPDATE records SET state=1 WHERE position=?"
HOLLOW_STATE = "SELECT state, kind FROM records WHERE position=?"
DELETE_LASTING = "DELETE FROM lasting_bodies WHERE position=?"
DELETE_PASSING = "DELETE FROM passing_bodies WHERE position=?"
REPLACE_LASTING = "INSERT OR REPLACE INTO lasting_bodies VALUES(?,?,?,?)"
DELETE_PRUNED = "DELETE FROM pruned_bodies WHERE position=?"
INSERT_PRUNED = "INSERT INTO pruned_bodies VALUES(?,?,?,?)"

SELECT_RECORDS = """SELECT r.position, r.log_id, r.seq, r.kind, s.scope, r.scope_link, r.stamp, r.body_hash,
    r.hash, r.state, p.hash,
    coalesce(b.encoding, c.encoding, d.encoding), coalesce(b.body, c.body, d.body),
    coalesce(b.crc, c.crc, d.crc)
    FROM records r LEFT JOIN scopes s ON s.scope_id=r.scope_id
    LEFT JOIN records p ON p.log_id=r.log_id AND p.seq=r.seq-1
    LEFT JOIN lasting_bodies b ON b.position=r.position
    LEFT JOIN passing_bodies c ON c.position=r.position
    LEFT JOIN pruned_bodies d ON d.position=r.position """
SELECT_BODIES = """SELECT r.position, r.state, r.body_hash,
    coalesce(b.encoding, c.encoding, d.encoding), coalesce(b.body, c.body, d.body),
    coalesce(b.crc, c.crc, d.crc)
    FROM records r LEFT JOIN lasting_bodies b ON b.position=r.position
    LEFT JOIN passing_bodies c ON c.position=r.position
    LEFT JOIN pruned_bodies d ON d.position=r.position WHERE r.position IN """
SELECT_LOGS = """SELECT l.log_id, l.node, l.epoch, l.lane, l.ordinal, l.head_seq, l.signature,
    l.end_seq, l.end_hash, n.node, n.epoch, n.lane, h.hash
    FROM logs l LEFT JOIN logs n ON n.log_id=l.named_by
    LEFT JOIN records h ON h.log_id=l.log_id AND h.seq=l.head_seq """
WHERE_LOG_OPEN = "WHERE l.end_seq IS NULL OR l.end_seq <> l.head_seq"


def connect(path: Path) -> Connection:
    """A connection to log.db that any one thread at a time may use."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def prepare(connection: Connection) -> None:
    """Set the connection up and make the tables where there are none.

    Raises:
        ValueError: the file is of another version of the schema.
    """
    for pragma in PRAGMAS:
        connection.execute(pragma).fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version not in (0, *ADDITIONS):
        raise ValueError(f"it has schema version {version}, this program reads version {VERSION}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in ADDITIONS.get(version, TABLES):
        connection.execute(statement)
    connection.execute("COMMIT")


def rows_of(count: int, columns: int) -> str:
    """`count` rows of `columns` question marks each, as VALUES takes them."""
    row = f"({','.join('?' * columns)})"
    return ",".join([row] * count)


def is_full(error: Exception) -> bool:
    """Whether a statement failed because the disk is full, which loses nothing and passes."""
    # sqlite3 and apsw each have a name of their own for the code.
    code = getattr(error, "sqlite_errorcode", getattr(error, "result", None))
    return code == sqlite3.SQLITE_FULL
