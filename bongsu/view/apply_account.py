"""Accounts become rows: users, passwords, sessions and registers."""

from typing import Any

from bongsu.canonical import json_bytes
from bongsu.log.record import Record
from bongsu.view import waiting
from bongsu.view.apply_keys import register_applied
from bongsu.view.apply_residency import set_suffix
from bongsu.view.apply_text import set_names
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_user(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """USER: the claim of a name. Of two, which only a lost lock lets be written, the earlier stands."""
    context.db.run(
        "INSERT INTO users(user_id, created_ts, stamp, author, position) VALUES(?,?,?,?,?)"
        " ON CONFLICT(user_id) DO UPDATE SET created_ts=excluded.created_ts, stamp=excluded.stamp,"
        " author=excluded.author WHERE (excluded.stamp, excluded.author) < (stamp, author)",
        (body["user_id"], body["created_ts"], record.header.stamp, record.log.node, record.position),
    )
    waiting.wake(context, body["user_id"], changes)
    set_names(context, body["user_id"])
    set_suffix(context, body["user_id"], changes)


def apply_password(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """PASSWORD: last writer wins; one that logs others out ends sessions checked against an older one."""
    user_id = body["user_id"]
    stamp, author = record.header.stamp, record.log.node
    if context.db.one("SELECT 1 FROM users WHERE user_id=?", (user_id,)) is None:
        # Changed at another site than the account was made at: its name is still on its way.
        waiting.wait(context, record, user_id)
        return
    context.db.run(
        "UPDATE users SET password=?, password_stamp=?, password_author=?, deactivated=?"
        " WHERE user_id=? AND (password_stamp, password_author) < (?,?)",
        (body["password"], stamp, author, int(body["deactivated"]), user_id, stamp, author),
    )
    if body["logs_out"]:
        context.db.run("INSERT OR IGNORE INTO session_floors VALUES(?,?,?)", (user_id, stamp, body["keeps"]))
        over = context.db.all(
            "SELECT session FROM sessions WHERE user_id=? AND ended=0 AND password_stamp<? AND session<>?",
            (user_id, stamp, body["keeps"]),
        )
        end_sessions(context, [session for (session,) in over], changes)


def apply_session(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """SESSION: a log-in, or the refresh of one, in any order. A tombstone that came first is final.

    A refresh was checked against no password: the log-in says which, so the lowest stamp counts.
    """
    session = body["session"]
    context.db.run(
        "INSERT INTO sessions VALUES(?,?,?,?,?,?,0,?)"
        " ON CONFLICT(session) DO UPDATE SET generation=max(generation, excluded.generation),"
        " created_ts=CASE device_id WHEN '' THEN excluded.created_ts"
        " ELSE min(created_ts, excluded.created_ts) END,"
        " password_stamp=CASE device_id WHEN '' THEN excluded.password_stamp"
        " ELSE min(password_stamp, excluded.password_stamp) END,"
        " device_id=excluded.device_id, author=max(author, excluded.author)",
        (
            session,
            body["user_id"],
            body["device_id"],
            body["ts"],
            body["password_stamp"],
            body["generation"],
            record.log.node if body["generation"] == 0 else b"",
        ),
    )
    over = context.db.value(
        "SELECT s.ended OR EXISTS(SELECT 1 FROM session_floors f"
        " WHERE f.user_id=s.user_id AND f.stamp > s.password_stamp AND f.kept <> s.session)"
        " FROM sessions s WHERE s.session=?",
        (session,),
    )
    if over or _made_at_lost_hub(context, session):
        end_sessions(context, [session], changes)
        return
    context.db.run_many(
        "INSERT OR REPLACE INTO tokens VALUES(?,?,?,?,?)",
        [
            (
                bytes.fromhex(token["hash"]),
                session,
                token["kind"],
                body["generation"],
                token.get("expires_ts"),
            )
            for token in body["tokens"]
        ],
    )
    # The predecessor of a refresh token works until a successor is used. That a refresh gave out is said by
    # its own record, that it was used by one of the next generation without tokens (sessions.py).
    context.db.run(
        "DELETE FROM tokens WHERE session=?1 AND generation < CASE kind"
        " WHEN 'refresh' THEN (SELECT generation FROM sessions WHERE session=?1)"
        " ELSE (SELECT max(generation) FROM tokens WHERE session=?1) END - 1",
        (session,),
    )
    changes.users.add(body["user_id"])


def _made_at_lost_hub(context: Context, session: str) -> bool:
    author = context.db.value("SELECT author FROM sessions WHERE session=?", (session,))
    return bool(author) and context.authorities.is_lost_hub(author)


def apply_session_end(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """SESSION_END: final, also for sessions that have not arrived yet."""
    context.db.run_many(
        "INSERT OR IGNORE INTO sessions VALUES(?,?,'',0,0,0,1,x'')",
        [(session, body["user_id"]) for session in body["sessions"]],
    )
    end_sessions(context, body["sessions"], changes)
    changes.users.add(body["user_id"])


def end_sessions(context: Context, sessions: list[str], changes: Changes) -> None:
    """Mark sessions as over and drop their tokens."""
    context.db.run_many("UPDATE sessions SET ended=1 WHERE session=?", [(session,) for session in sessions])
    context.db.run_many("DELETE FROM tokens WHERE session=?", [(session,) for session in sessions])
    changes.ended_sessions.update(sessions)


def apply_register(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """REGISTER: last writer by (stamp, author node, position); the superseded body goes hollow in the log."""
    key = (body["family"], body["owner"], *body["key"])
    mine = (record.header.stamp, record.log.node, record.position)
    found = context.db.one(
        "SELECT stamp, author, position FROM registers WHERE family=? AND owner=? AND key1=? AND key2=?", key
    )
    if found is not None:
        if tuple(found) >= mine:
            context.hollows.request(record.position, None)
            return
        context.hollows.request(found[2], None)
    value = body["value"]
    context.db.run(
        "INSERT OR REPLACE INTO registers VALUES(?,?,?,?,?,?,?,?)",
        (*key, None if value is None else json_bytes(value).decode(), *mine),
    )
    if key[0] == "account_data" and key[3] == "m.push_rules":
        context.notices.forget_rules(body["owner"])
    context.touched.touch(body["owner"], record.position)
    if body["family"] == "profile":
        set_names(context, body["owner"])
    if body["owner"].startswith("@"):
        changes.users.add(body["owner"])
    register_applied(context, record, body, changes)
