"""What /sync says of alerts and check-ins: sections of Bongsu's own, there only when there is news."""

from typing import Any

import msgspec

from bongsu.canonical import json_bytes, read_trusted
from bongsu.node import Node
from bongsu.sync.token import Since
from bongsu.tower.alert import State, brief_id, may_end_foreign, warns
from bongsu.tower.brief import decode
from bongsu.tower.check_in import CheckIn
from bongsu.view import check_ins
from bongsu.view.apply_tower import ALERTS
from bongsu.view.apply_tower_users import CHECK_INS
from bongsu.view.check_ins import Request
from bongsu.view.context import Context
from bongsu.view.tower import Call, Shown

SECTION_ALERTS = "kr.bongsu.alerts"
SECTION_CHECK_INS = "kr.bongsu.check_ins"


def alert_fields(context: Context, alert: Shown) -> dict[str, Any]:
    """An alert as clients are given it."""
    keyring = context.tower.keyring()
    return {
        "id": alert.id,
        "state": str(alert.state),
        "content": alert.content,
        "signed_by": [keyring.name(key) for key in alert.signers],
        "brief": alert.brief,
    }


def foreign_alerts(context: Context, position: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """(position, alert as clients are given it) of others' alerts beyond a position, the latest first."""
    rows = [
        (name, feed, bool(proved), read_trusted(text), changed)
        for name, feed, proved, text, changed in context.db.all(
            "SELECT id, feed, proved, content, changed FROM foreign_alerts ORDER BY changed DESC"
        )
    ]
    ended = _ended({name: (feed, proved, content) for name, feed, proved, content, _ in rows})
    return [
        (
            changed,
            {
                "id": name,
                "state": ended.get(name, "foreign"),
                "content": content,
                "signed_by": [],
                "brief": False,
                "source": {"feed": feed, "proved": proved},
            },
        )
        for name, feed, proved, content, changed in rows
        if changed > position
    ]


def _ended(known: dict[str, tuple[str, bool, dict[str, Any]]]) -> dict[str, str]:
    """What became of others' alerts, by id, where an Update or Cancel of the same feed says so.

    One that nothing proves ends none that is proved: whoever can write to a feed could call off a warning.
    """
    found: dict[str, str] = {}
    for feed, proved, later in known.values():
        for name in later.get("ends", []):
            if name not in known:
                continue
            of_feed, was_proved, earlier = known[name]
            if feed == of_feed and proved >= was_proved and may_end_foreign(later, earlier):
                state = State.CANCELLED if later["msg_type"] == "Cancel" else State.REPLACED
                found[name] = str(State.CANCELLED if found.get(name) == State.CANCELLED else state)
    return found


def tower_sections(node: Node, user_id: str, since: Since | None) -> dict[str, Any]:
    """The sections that have something new for the user."""
    found: dict[str, Any] = {}
    alerts = _alerts(node, since)
    if alerts:
        found[SECTION_ALERTS] = {"alerts": alerts}
    said = _check_ins(node, user_id, since)
    if said:
        found[SECTION_CHECK_INS] = said
    return found


def _alerts(node: Node, since: Since | None) -> Any:
    """Everybody is told alike, so it is made once for all who come from the same place."""
    context = node.context
    if since is None:
        return _standing(node)
    if not context.touched.since(ALERTS, since.position):
        return []
    if since.unseen is not None:
        return _changed(context, since)

    def make() -> tuple[list[msgspec.Raw], int]:
        raw = [msgspec.Raw(json_bytes(each)) for each in _changed(context, since)]
        return raw, sum(len(bytes(each)) for each in raw)

    return node.shared.get(node.position, node.now_ms(), (ALERTS, since.position), make)


def _standing(node: Node) -> list[dict[str, Any]]:
    now_ms, context = node.now_ms(), node.context
    own = [alert_fields(context, each) for each in context.tower.alerts().values() if each.warns_at(now_ms)]
    others = [alert for _, alert in foreign_alerts(context)]
    return own + [
        each
        for each in others
        if each["state"] == "foreign" and each["content"].get("expires", now_ms) > now_ms
    ]


def _changed(context: Context, since: Since) -> list[dict[str, Any]]:
    shown = context.tower.alerts()
    found = [
        alert_fields(context, each)
        for each in shown.values()
        if each.state is not State.PENDING and warns(each.content) and not since.covers(each.changed)
    ]
    # What stood until its key was ended: a client that shows it has to take it away.
    rows = context.db.all(
        "SELECT id, changed FROM tower_statements WHERE kind='alert' AND signed=1 AND changed>?",
        (since.position,),
    )
    briefs = context.db.all("SELECT brief, changed FROM alert_briefs WHERE changed>?", (since.position,))
    whole = {brief_id(name) for name in shown}
    rows += [(name, changed) for raw, changed in briefs if (name := decode(raw).id) not in whole]
    found += [
        {"id": name, "state": str(State.REFUSED)}
        for name, changed in rows
        if name not in shown and not since.covers(changed)
    ]
    return found + [
        alert for changed, alert in foreign_alerts(context, since.position) if not since.covers(changed)
    ]


def _check_ins(node: Node, user_id: str, since: Since | None) -> dict[str, Any]:
    context, now_ms = node.context, node.now_ms()
    calls = []
    if since is None or context.touched.since(ALERTS, since.position):
        calls = [
            each
            for each in context.tower.calls().values()
            if (each.content["expires"] > now_ms if since is None else not since.covers(each.changed))
        ]
    if since is None:
        said = check_ins.seen_by(context, user_id)
        asked = [request for _, request in check_ins.requests(context, user_id)]
    elif not context.touched.since(CHECK_INS, since.position):
        said, asked = [], []
    else:
        said = [
            each
            for changed, each in check_ins.changed_since(context, since.position)
            if not since.covers(changed)
            and (each.user_id == user_id or check_ins.are_friends(context, user_id, each.user_id))
        ]
        asked = [
            request
            for changed, request in check_ins.requests(context, user_id, since.position)
            if not since.covers(changed)
        ]
    found: dict[str, Any] = {}
    if calls:
        found["calls"] = [call_fields(context, each) for each in calls]
    if said:
        found["check_ins"] = [check_in_fields(context, each) for each in said]
    if asked:
        found["requests"] = [request_fields(each) for each in asked]
    return found


def check_in_fields(context: Context, said: CheckIn) -> dict[str, Any]:
    """A check-in as clients are given it. `ts`: when it was said, by the clock of the site that took it.

    `exercise`, only if true: it answers a question of an exercise, so that nobody takes it for real.
    """
    found: dict[str, Any] = {"user_id": said.user_id, "answer": said.answer, "ts": said.stamp}
    if said.together:
        found["with"] = list(said.together)
    if said.place is not None:
        found["where"] = said.place if isinstance(said.place, str) else list(said.place)
    if said.request:
        found["request"] = said.request
    if said.request in context.tower.exercises():
        found["exercise"] = True
    return found


def call_fields(context: Context, call: Call) -> dict[str, Any]:
    """A question of the tower as clients are given it."""
    name = context.tower.keyring().name(call.content["sender"])
    return {"id": call.id, "content": call.content, "signed_by": [name]}


def request_fields(request: Request) -> dict[str, Any]:
    """A user's question as clients are given it."""
    found = {
        "id": request.id,
        "user_id": request.user_id,
        "users": list(request.users),
        "text": request.text,
        "ts": request.stamp,
    }
    return found if request.room_id is None else {**found, "room_id": request.room_id}
