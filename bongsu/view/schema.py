"""The tables of view.db. Everything here is derived: change it, raise VERSION, and the view is rebuilt."""

VERSION = 17

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # Not FULL: view.db is rebuilt from log.db, and its cursor commits with its rows.
    "PRAGMA synchronous=NORMAL",
    # Checkpoints run in a thread (checkpoint.py); a fsync here would hold up every request.
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-8000",
    "PRAGMA temp_store=MEMORY",
)

ROOM_TABLES = """
CREATE TABLE rooms(room INTEGER PRIMARY KEY, room_id TEXT NOT NULL UNIQUE, version TEXT NOT NULL);
-- position is the record's place in log.db; the event itself is read from there.
-- verdict 0 accepted, 1 rejected. state_group: the state after the event. notify: view/apply_notify.py.
CREATE TABLE events(
    position INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, room INTEGER NOT NULL,
    stamp INTEGER NOT NULL, depth INTEGER NOT NULL, type TEXT NOT NULL, sender TEXT NOT NULL,
    state_key TEXT, verdict INTEGER NOT NULL, state_group INTEGER NOT NULL, notify INTEGER NOT NULL,
    replaces TEXT, redacted_by TEXT,
    relates_to TEXT, rel_type TEXT);
CREATE INDEX events_order ON events(room, stamp);
CREATE INDEX events_arrival ON events(room, position);
CREATE INDEX events_members ON events(room, state_key) WHERE type='m.room.member';
CREATE INDEX events_relations ON events(relates_to, stamp) WHERE relates_to IS NOT NULL;
CREATE INDEX events_threads ON events(room, relates_to) WHERE rel_type='m.thread';
-- Redactions whose target has not arrived yet.
CREATE TABLE early_redactions(target TEXT NOT NULL, redaction TEXT NOT NULL, PRIMARY KEY(target, redaction))
    WITHOUT ROWID;
-- Records that wait for an event or a user they name, or behind an event of their log that does (waiting.py).
-- log, seq, event_id: of events alone; other_id: of one whose room version, and so id, is not known yet.
CREATE TABLE waiting(
    position INTEGER PRIMARY KEY, missing TEXT NOT NULL, log BLOB, seq INTEGER, event_id TEXT, other_id TEXT);
CREATE INDEX waiting_missing ON waiting(missing);
CREATE INDEX waiting_log ON waiting(log, seq) WHERE log IS NOT NULL;
CREATE INDEX waiting_event ON waiting(event_id) WHERE event_id IS NOT NULL;
CREATE INDEX waiting_other ON waiting(other_id) WHERE other_id IS NOT NULL;
-- Events that core nodes said nobody holds, and that are not here. used: others were applied without them.
CREATE TABLE lost(event_id TEXT PRIMARY KEY, used INTEGER NOT NULL) WITHOUT ROWID;
-- Those that came after all: a view that is derived again knows them from its start.
CREATE TABLE found(event_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE heads(room INTEGER NOT NULL, event_id TEXT NOT NULL, PRIMARY KEY(room, event_id)) WITHOUT ROWID;
-- A state group is its parent plus the rows of state_deltas; event_id NULL removes a key.
CREATE TABLE state_groups(state_group INTEGER PRIMARY KEY, parent INTEGER);
CREATE TABLE state_deltas(
    state_group INTEGER NOT NULL, type TEXT NOT NULL, state_key TEXT NOT NULL, event_id TEXT,
    PRIMARY KEY(state_group, type, state_key)) WITHOUT ROWID;
CREATE TABLE current_state(
    room INTEGER NOT NULL, type TEXT NOT NULL, state_key TEXT NOT NULL, event_id TEXT NOT NULL,
    changed INTEGER NOT NULL, PRIMARY KEY(room, type, state_key)) WITHOUT ROWID;
CREATE INDEX current_state_changed ON current_state(room, changed);
-- changed: position of the last change of membership or member event; joined: of the last change to join.
CREATE TABLE members(
    user_id TEXT NOT NULL, room INTEGER NOT NULL, membership TEXT NOT NULL, event_id TEXT NOT NULL,
    changed INTEGER NOT NULL, joined INTEGER NOT NULL, display_name TEXT,
    PRIMARY KEY(user_id, room)) WITHOUT ROWID;
CREATE INDEX members_room ON members(room, membership);
-- The first 8 bytes of SHA-256 over (user, device, path, txn id): a retried send finds its event.
CREATE TABLE transactions(key INTEGER PRIMARY KEY, position INTEGER NOT NULL);
-- Requests left by visitors whose event is not here yet, by the same key. position: of the record.
CREATE TABLE deferred(
    key INTEGER PRIMARY KEY, position INTEGER NOT NULL, stamp INTEGER NOT NULL, author BLOB NOT NULL);
-- Accepted events that one request made at several sites.
CREATE TABLE twins(
    position INTEGER PRIMARY KEY, key INTEGER NOT NULL, stamp INTEGER NOT NULL, event_id TEXT NOT NULL);
"""

# The columns of a key stand first and in its order in every table without row ids: of others SQLite 3.40 says
# that they are damaged (PRAGMA quick_check), and the view would be built anew at every start.
NODE_TABLES = """
-- Bodies the log has been asked to drop, until it has.
-- due: when, by this node's clock; a revocation may bring back what a lying node had superseded (hollows.py).
CREATE TABLE hollowing(position INTEGER PRIMARY KEY, pruned BLOB, due INTEGER NOT NULL);
CREATE INDEX hollowing_due ON hollowing(due);
-- root_key NULL: a service of one node that believes itself. stale: a revocation contradicts the rows.
CREATE TABLE authority(root_key BLOB, stale INTEGER NOT NULL);
INSERT INTO authority VALUES(NULL, 0);
-- role: the widest of the node's certificates. The rest is of the latest; certificate '' where nobody signed.
CREATE TABLE nodes(
    node BLOB PRIMARY KEY, role TEXT NOT NULL, site TEXT NOT NULL, issued_ms INTEGER NOT NULL,
    certificate TEXT NOT NULL) WITHOUT ROWID;
-- The latest revocation of each node that has one.
CREATE TABLE revocations(node BLOB PRIMARY KEY, number INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
-- Events of which a record beyond a cut arrived before one that counts, which alone is applied.
CREATE TABLE vouched(event_id TEXT PRIMARY KEY) WITHOUT ROWID;
-- Records whose author has no authority (yet): stored, not applied. speaker: for whom a record speaks.
CREATE TABLE unauthorised(position INTEGER PRIMARY KEY, node BLOB NOT NULL, speaker TEXT NOT NULL);
CREATE INDEX unauthorised_node ON unauthorised(node, position);
CREATE INDEX unauthorised_speaker ON unauthorised(node, speaker, position);
-- For whom a hub may write, as core nodes say; and the latest word on where that ends (residencies.py).
CREATE TABLE residents(node BLOB NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY(node, user_id)) WITHOUT ROWID;
CREATE INDEX residents_user ON residents(user_id);
CREATE TABLE residency_ends(
    node BLOB NOT NULL, user_id TEXT NOT NULL, ends TEXT, stamp INTEGER NOT NULL, author BLOB NOT NULL,
    PRIMARY KEY(node, user_id)) WITHOUT ROWID;
-- Every site that a certificate of a hub has named: its residents' names may carry any of them.
CREATE TABLE hub_sites(node BLOB NOT NULL, site TEXT NOT NULL, PRIMARY KEY(node, site)) WITHOUT ROWID;
-- Users whose name carries the suffix of a site.
CREATE TABLE suffixed(
    suffix TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY(suffix, user_id)) WITHOUT ROWID;
-- Rooms that hubs may read, whoever is in them.
CREATE TABLE relief_rooms(room INTEGER PRIMARY KEY);
"""

ACCOUNT_TABLES = """
CREATE TABLE users(
    user_id TEXT PRIMARY KEY, created_ts INTEGER NOT NULL, stamp INTEGER NOT NULL, author BLOB NOT NULL,
    deactivated INTEGER NOT NULL DEFAULT 0,
    password TEXT, password_stamp INTEGER NOT NULL DEFAULT 0, password_author BLOB NOT NULL DEFAULT x'',
    position INTEGER NOT NULL) WITHOUT ROWID;
-- Changes of a password that logged others out: sessions checked against an older one end, but for `kept`.
-- All of them, because each keeps another session, and any may arrive before the sessions it ends.
CREATE TABLE session_floors(
    user_id TEXT NOT NULL, stamp INTEGER NOT NULL, kept TEXT NOT NULL,
    PRIMARY KEY(user_id, stamp, kept)) WITHOUT ROWID;
CREATE TABLE sessions(
    session TEXT PRIMARY KEY, user_id TEXT NOT NULL, device_id TEXT NOT NULL, created_ts INTEGER NOT NULL,
    password_stamp INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0, author BLOB NOT NULL DEFAULT x'') WITHOUT ROWID;
-- author: the node that the log-in was made at.
CREATE INDEX sessions_author ON sessions(author);
CREATE INDEX sessions_user ON sessions(user_id, device_id);
-- kind: access or refresh. generation rises at every refresh of the session.
CREATE TABLE tokens(
    token_hash BLOB PRIMARY KEY, session TEXT NOT NULL, kind TEXT NOT NULL, generation INTEGER NOT NULL,
    expires_ts INTEGER) WITHOUT ROWID;
CREATE INDEX tokens_session ON tokens(session);
-- Last writer wins by (stamp, author, position). value NULL: deleted.
CREATE TABLE registers(
    family TEXT NOT NULL, owner TEXT NOT NULL, key1 TEXT NOT NULL, key2 TEXT NOT NULL, value TEXT,
    stamp INTEGER NOT NULL, author BLOB NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY(family, owner, key1, key2)) WITHOUT ROWID;
CREATE INDEX registers_owner ON registers(owner, position);
CREATE INDEX registers_alias ON registers(json_extract(value, '$.room_id')) WHERE family = 'alias';
"""

READING_TABLES = """
-- stamp and event_id: the target. position: where the receipt took effect; what arrives beyond it is unread,
-- even if it sorts before the target. (written, author): of the record, decides between equal targets.
CREATE TABLE receipts(
    room INTEGER NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL, thread TEXT NOT NULL,
    event_id TEXT NOT NULL, stamp INTEGER NOT NULL, ts INTEGER NOT NULL, position INTEGER NOT NULL,
    written INTEGER NOT NULL, author BLOB NOT NULL, record INTEGER NOT NULL,
    PRIMARY KEY(room, user_id, type, thread)) WITHOUT ROWID;
CREATE INDEX receipts_position ON receipts(room, position);
-- Events up to a receipt's position that its heads do not lead to: unread all the same.
CREATE TABLE receipt_gaps(
    room INTEGER NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL, thread TEXT NOT NULL,
    position INTEGER NOT NULL, PRIMARY KEY(room, user_id, type, thread, position)) WITHOUT ROWID;
-- Whom an event highlights by name or mention; named_by: the member event that holds the name, else "".
CREATE TABLE highlights(
    user_id TEXT NOT NULL, room INTEGER NOT NULL, position INTEGER NOT NULL, named_by TEXT NOT NULL,
    PRIMARY KEY(user_id, room, position)) WITHOUT ROWID;
CREATE INDEX highlights_position ON highlights(position);
"""

MEDIA_TABLES = """
-- hash: SHA-256 of the bytes, NULL while the id has none. The earliest (stamp, author) with bytes stands.
CREATE TABLE media(
    media_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, hash BLOB, bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL, file_name TEXT, created_ts INTEGER NOT NULL,
    stamp INTEGER NOT NULL, author BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX media_bytes ON media(user_id, bytes) WHERE hash IS NOT NULL;
-- Ids whose files are gone for ever.
CREATE TABLE media_ends(media_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX media_hash ON media(hash) WHERE hash IS NOT NULL;
CREATE INDEX media_promised ON media(user_id, created_ts) WHERE hash IS NULL;
"""

TEXT_TABLES = """
-- Normalised texts of events, and the index over their pairs of letters (docs/decisions/search.md).
CREATE TABLE texts(position INTEGER PRIMARY KEY, room INTEGER NOT NULL, text TEXT NOT NULL);
CREATE VIRTUAL TABLE text_search USING fts5(
    grams, content='', detail='none', columnsize=0, tokenize="ascii");
-- Up to which position texts are in the index: many are put there at once (text_index.py).
CREATE TABLE text_mark(indexed INTEGER NOT NULL);
INSERT INTO text_mark VALUES(0);
-- What the user directory searches: own part of the id, line feed, display name.
CREATE TABLE names(user_id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
-- Rooms that anybody may join.
CREATE TABLE open_rooms(room INTEGER PRIMARY KEY);
CREATE TABLE reports(
    position INTEGER PRIMARY KEY, reporter TEXT NOT NULL, room_id TEXT, event_id TEXT, user_id TEXT,
    reason TEXT NOT NULL, ts INTEGER NOT NULL);
"""

KEY_TABLES = """
-- value NULL: handed out (or a fallback key's); such a row stays, so that no key is ever given twice.
-- digest: of the key, since nothing keeps two uploads from using one key id. node: which may hand it out.
CREATE TABLE one_time_keys(
    user_id TEXT NOT NULL, device_id TEXT NOT NULL, algorithm TEXT NOT NULL, key_id TEXT NOT NULL,
    digest TEXT NOT NULL, value TEXT, node TEXT NOT NULL, stamp INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY(user_id, device_id, algorithm, key_id, digest)) WITHOUT ROWID;
CREATE INDEX one_time_keys_left ON one_time_keys(user_id, device_id, algorithm, position)
    WHERE value IS NOT NULL;
-- Messages a device has not confirmed by its `since`; their content is read from the log.
CREATE TABLE to_device(
    position INTEGER PRIMARY KEY, user_id TEXT NOT NULL, device_id TEXT NOT NULL, id BLOB NOT NULL,
    stamp INTEGER NOT NULL);
CREATE INDEX to_device_queue ON to_device(user_id, device_id, position);
CREATE INDEX to_device_id ON to_device(id);
-- Every message there ever was, so that a retried request sends nothing twice.
CREATE TABLE to_device_ids(id BLOB PRIMARY KEY) WITHOUT ROWID;
-- The same message in other records, sent again at another site while it is queued here.
CREATE TABLE to_device_copies(position INTEGER PRIMARY KEY, id BLOB NOT NULL);
CREATE INDEX to_device_copies_id ON to_device_copies(id);
CREATE TABLE to_device_covered(
    user_id TEXT NOT NULL, device_id TEXT NOT NULL, vector BLOB NOT NULL, stamp INTEGER NOT NULL,
    position INTEGER NOT NULL, PRIMARY KEY(user_id, device_id)) WITHOUT ROWID;
CREATE TABLE backup_keys(
    user_id TEXT NOT NULL, version TEXT NOT NULL, room_id TEXT NOT NULL, session_id TEXT NOT NULL,
    unverified INTEGER NOT NULL, first_index INTEGER NOT NULL, forwarded INTEGER NOT NULL,
    digest INTEGER NOT NULL, stamp INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY(user_id, version, room_id, session_id)) WITHOUT ROWID;
CREATE INDEX backup_keys_record ON backup_keys(position);
-- etag: the exclusive or of a mark of each key, so that it says what is stored and not how it came.
CREATE TABLE backup_counts(
    user_id TEXT NOT NULL, version TEXT NOT NULL, count INTEGER NOT NULL, etag INTEGER NOT NULL,
    PRIMARY KEY(user_id, version)) WITHOUT ROWID;
CREATE INDEX registers_keys ON registers(position)
    WHERE family IN ('device_keys', 'cross_signing', 'signature');
CREATE INDEX members_changed ON members(changed);
"""

TOWER_TABLES = """
-- What the root key said of a tower key; there may be several of one key, and each only adds.
CREATE TABLE tower_keys(key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(key, text)) WITHOUT ROWID;
CREATE TABLE tower_key_ends(key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
-- Alerts, calls and acts, whoever signed them. signed: by their sender, as far as keys are known.
-- changed: the position at which what became of it was last another.
CREATE TABLE tower_statements(
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, sender TEXT NOT NULL, content TEXT NOT NULL,
    signed INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tower_statements_signed ON tower_statements(kind) WHERE signed = 1;
-- Wrong ones are kept beside right ones: who writes first must not keep the other out.
CREATE TABLE tower_signatures(
    id TEXT NOT NULL, key TEXT NOT NULL, signature TEXT NOT NULL, valid INTEGER NOT NULL,
    PRIMARY KEY(id, key, signature)) WITHOUT ROWID;
CREATE INDEX tower_signatures_key ON tower_signatures(key);
CREATE TABLE alert_briefs(brief BLOB PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID;
-- The last writer's answer by (not only seen, stamp, author, answer): late ones by a courier count once.
-- alert: the first 16 digits of its id, which are its brief's.
CREATE TABLE alert_acks(
    alert TEXT NOT NULL, user_id TEXT NOT NULL, answer TEXT NOT NULL, stamp INTEGER NOT NULL,
    author BLOB NOT NULL, PRIMARY KEY(alert, user_id)) WITHOUT ROWID;
-- What each user said last to each question ("": to none): whether one was an exercise's may be known
-- only later. body: what was said beside the answer, as JSON; decides between equal stamps of one author.
CREATE TABLE check_ins(
    user_id TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL, body TEXT NOT NULL,
    stamp INTEGER NOT NULL, author BLOB NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY(user_id, request)) WITHOUT ROWID;
CREATE INDEX check_ins_changed ON check_ins(changed);
-- Questions of users to people they know. Of two with one id the earlier (stamp, author) stands.
CREATE TABLE check_requests(
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, room_id TEXT, text TEXT NOT NULL, stamp INTEGER NOT NULL,
    author BLOB NOT NULL, users TEXT NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX check_requests_changed ON check_requests(changed);
-- Alerts of others' feeds, by the SHA-256 of sender, identifier and time. The earliest record stands.
CREATE TABLE foreign_alerts(
    id TEXT PRIMARY KEY, feed TEXT NOT NULL, proved INTEGER NOT NULL, content TEXT NOT NULL,
    stamp INTEGER NOT NULL, author BLOB NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE admin_acts(
    position INTEGER PRIMARY KEY, actor TEXT NOT NULL, act TEXT NOT NULL, target TEXT NOT NULL,
    ts INTEGER NOT NULL);
"""

STATEMENTS = "".join(
    (
        NODE_TABLES,
        ROOM_TABLES,
        ACCOUNT_TABLES,
        READING_TABLES,
        KEY_TABLES,
        MEDIA_TABLES,
        TEXT_TABLES,
        TOWER_TABLES,
    )
)
