"""The bodies of the tower's records, one function a kind (docs/protocol/tower.md). All in the urgent lane."""

from typing import Any

from bongsu.canonical import json_bytes, unpadded_base64
from bongsu.log.record import Draft, Kind, Lane, private_scope, public_scope, service_scope
from bongsu.tower import signed

_KINDS = {signed.ALERT: Kind.ALERT, signed.CALL: Kind.SAFETY_CALL, signed.ACT: Kind.INCIDENT_ACT}


def tower_key(text: str, stamp: int) -> Draft:
    """A tower key, signed by the root key: whoever carries it, the signature decides."""
    return _service(Kind.TOWER_KEY, stamp, json_bytes({"key": text}))


def tower_key_end(text: str, stamp: int) -> Draft:
    """The end of a tower key, signed by the root key."""
    return _service(Kind.TOWER_KEY_END, stamp, json_bytes({"end": text}))


def statement(kind: str, content: dict[str, Any], signatures: dict[str, str], stamp: int) -> Draft:
    """An alert, a question who is safe, or an act, signed by tower keys: no node can make one."""
    return _service(_KINDS[kind], stamp, signed.body(content, signatures))


def alert_brief(raw: bytes, stamp: int) -> Draft:
    """An alert as it came by radio."""
    return _service(Kind.ALERT_BRIEF, stamp, json_bytes({"brief": unpadded_base64(raw)}))


def alert_ack(user_id: str, alert: str, answer: str, stamp: int) -> Draft:
    """What a user answers to an alert."""
    body = {"user_id": user_id, "alert": alert, "answer": answer}
    return Draft(Kind.ALERT_ACK, private_scope(user_id), Lane.URGENT, stamp, json_bytes(body))


def check_in(user_id: str, said: dict[str, Any], stamp: int) -> Draft:
    """How a user is. `said`: as `check_in.check` gives it; the time is the stamp's."""
    body = {"user_id": user_id, **said}
    return Draft(Kind.CHECK_IN, public_scope(user_id), Lane.URGENT, stamp, json_bytes(body))


def check_request(
    user_id: str, request: str, users: list[str], room_id: str | None, text: str, stamp: int
) -> Draft:
    """A user asks people they know how they are."""
    body = {"user_id": user_id, "id": request, "users": users, "room_id": room_id, "text": text}
    return Draft(Kind.CHECK_REQUEST, public_scope(user_id), Lane.URGENT, stamp, json_bytes(body))


def foreign_alert(feed: str, said: dict[str, Any], proved: bool, stamp: int) -> Draft:
    """An alert of somebody else's feed. `said`: as `cap_read.read` gives it; `proved`: by its signature."""
    return _service(Kind.FOREIGN_ALERT, stamp, json_bytes({"feed": feed, "alert": said, "proved": proved}))


def admin_act(actor: str, act: str, target: str, ts: int, stamp: int) -> Draft:
    """What an administrator did."""
    body = {"actor": actor, "act": act, "target": target, "ts": ts}
    return Draft(Kind.ADMIN_ACT, service_scope(), Lane.TEXT, stamp, json_bytes(body))


def _service(kind: Kind, stamp: int, body: bytes) -> Draft:
    return Draft(kind, service_scope(), Lane.URGENT, stamp, body)
