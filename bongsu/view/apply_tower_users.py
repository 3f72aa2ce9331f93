"""What people answer becomes rows: acknowledgements, check-ins, requests; also others' alerts."""

from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.errors import MatrixError
from bongsu.log.record import Record
from bongsu.tower import check_in
from bongsu.tower.alert import brief_id, is_foreign
from bongsu.view.apply_tower import ALERTS, TOWER
from bongsu.view.changes import Changes
from bongsu.view.check_ins import friends
from bongsu.view.context import Context

CHECK_INS = "check-ins"


def apply_alert_ack(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """ALERT_ACK: the last writer's answer, also to an alert that is not here yet.

    "seen" is said by a device that shows the alert, so it never takes the place of what a person said.
    """
    if body["answer"] not in check_in.ACK_ANSWERS:
        return
    row = (brief_id(body["alert"]), body["user_id"], body["answer"], record.header.stamp, record.log.node)
    context.db.run(
        "INSERT INTO alert_acks VALUES(?,?,?,?,?) ON CONFLICT(alert, user_id) DO UPDATE SET"
        " answer=excluded.answer, stamp=excluded.stamp, author=excluded.author"
        " WHERE (excluded.answer!='seen', excluded.stamp, excluded.author, excluded.answer)"
        " > (answer!='seen', stamp, author, answer)",
        row,
    )
    changes.users |= {body["user_id"], TOWER}


def apply_check_in(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """CHECK_IN: what a user said last, by (stamp, author), however late the others come."""
    user_id = body["user_id"]
    said = {name: value for name, value in body.items() if name not in ("user_id", "answer")}
    try:
        check_in.check({"answer": body["answer"], **said}, exact=True)
    except MatrixError:
        return
    changed = context.db.run(
        "INSERT INTO check_ins VALUES(?,?,?,?,?,?) ON CONFLICT(user_id) DO UPDATE SET answer=excluded.answer,"
        " body=excluded.body, stamp=excluded.stamp, author=excluded.author, changed=excluded.changed"
        " WHERE (excluded.stamp, excluded.author, excluded.answer, excluded.body) >"
        " (stamp, author, answer, body)",
        (
            user_id,
            body["answer"],
            json_bytes(said).decode(),
            record.header.stamp,
            record.log.node,
            record.position,
        ),
    )
    if changed:
        context.touched.touch(CHECK_INS, record.position)
        changes.users |= {user_id, TOWER} | friends(context, user_id)


def apply_check_request(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """CHECK_REQUEST: a user asks people they know."""
    users = sorted(set(body["users"]))
    if len(users) > limits.CHECK_REQUEST_USERS_MAX or len(body["text"]) > limits.REASON_CHARACTERS_MAX:
        return
    row = (body["id"], body["user_id"], body["room_id"], body["text"], record.header.stamp, record.log.node)
    context.db.run(
        "INSERT INTO check_requests VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
        " user_id=excluded.user_id, room_id=excluded.room_id, text=excluded.text, stamp=excluded.stamp,"
        " author=excluded.author, users=excluded.users, changed=excluded.changed"
        " WHERE (excluded.stamp, excluded.author) < (stamp, author)",
        (*row, json_bytes(users).decode(), record.position),
    )
    context.touched.touch(CHECK_INS, record.position)
    changes.users |= {body["user_id"], *users}


def apply_foreign_alert(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """FOREIGN_ALERT: every node that polls the feed may write it; the earliest stands."""
    content = body["alert"]
    if not is_foreign(content):
        return
    row = (content["id"], body["feed"], int(body["proved"]), json_bytes(content).decode())
    context.db.run(
        "INSERT INTO foreign_alerts VALUES(?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET feed=excluded.feed,"
        " proved=excluded.proved, content=excluded.content, stamp=excluded.stamp, author=excluded.author,"
        " changed=excluded.changed WHERE (excluded.stamp, excluded.author) < (stamp, author)",
        (*row, record.header.stamp, record.log.node, record.position),
    )
    for ended in content.get("ends", []):
        context.db.run(
            "UPDATE foreign_alerts SET changed=max(changed, ?) WHERE id=?", (record.position, ended)
        )
    context.touched.touch(ALERTS, record.position)
    changes.everybody = True


def apply_admin_act(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """ADMIN_ACT: each stands for itself."""
    row = (record.position, body["actor"], body["act"], body["target"], body["ts"])
    context.db.run("INSERT OR IGNORE INTO admin_acts VALUES(?,?,?,?,?)", row)
