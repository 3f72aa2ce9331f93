"""The bodies of records, one function a kind: what is written to the log, in one place.

A body is a JSON object. A kind's meaning never changes; a change is a new kind (DESIGN 5).
"""

from typing import Any

from bongsu.canonical import json_bytes
from bongsu.log.record import (
    Draft,
    Kind,
    Lane,
    private_scope,
    public_scope,
    room_scope,
    service_scope,
)


def node(public_key: bytes, role: str, site: str, stamp: int, certificate: str | None = None) -> Draft:
    """A node says who it is, and shows its certificate (docs/protocol/authority.md).

    Without a certificate only its own store believes it, and only in a service without a root key.
    """
    body = {"public_key": public_key.hex(), "role": role, "site": site}
    if certificate is not None:
        body["certificate"] = certificate
    return Draft(Kind.NODE, service_scope(), Lane.TEXT, stamp, json_bytes(body))


def revocation(text: str, stamp: int) -> Draft:
    """The end of a node, signed by the root key: whoever carries it, the signature decides."""
    return Draft(Kind.REVOCATION, service_scope(), Lane.URGENT, stamp, json_bytes({"revocation": text}))


def residency(user_id: str, node_name: str, stamp: int, ends: list[list[int | str]] | None = None) -> Draft:
    """A core node says whose rooms a hub keeps. `node_name`: the hub's node in hex.

    `ends`: [[epoch in hex, lane, seq], ...] of the hub's logs, beyond which its records for this user do
    not count; None: all count. Of several records about one user and hub the latest stands.
    """
    body: dict[str, Any] = {"user_id": user_id, "node": node_name}
    if ends is not None:
        body["ends"] = ends
    return Draft(Kind.RESIDENCY, service_scope(), Lane.TEXT, stamp, json_bytes(body))


def event(room_id: str, stamp: int, pdu: dict[str, Any], sent_by: dict[str, str] | None) -> Draft:
    """A room event. `sent_by`: {"device_id", "path", "txn_id"} of the request that made it, if any."""
    body: dict[str, Any] = {"event": pdu}
    if sent_by is not None:
        body["sent_by"] = sent_by
    return Draft(Kind.EVENT, room_scope(room_id), Lane.TEXT, stamp, json_bytes(body))


def lost(room_id: str, event_ids: list[str], stamp: int) -> Draft:
    """A core node says that no node holds these events, which others of the room name."""
    body = {"room_id": room_id, "event_ids": event_ids}
    return Draft(Kind.LOST, room_scope(room_id), Lane.TEXT, stamp, json_bytes(body))


def register(
    family: str, owner: str, key1: str, key2: str, value: Any, stamp: int, *, public: bool = False
) -> Draft:
    """A value of which the last writer's counts; None deletes it. `owner`: a user id, room id or ""."""
    scope = service_scope()
    if owner.startswith("@"):
        scope = public_scope(owner) if public else private_scope(owner)
    elif owner.startswith("!"):
        scope = room_scope(owner)
    body = {"family": family, "owner": owner, "key": [key1, key2], "value": value}
    return Draft(Kind.REGISTER, scope, Lane.TEXT, stamp, json_bytes(body))


def user(user_id: str, created_ts: int, stamp: int) -> Draft:
    """The claim of a user name."""
    body = {"user_id": user_id, "created_ts": created_ts}
    return Draft(Kind.USER, public_scope(user_id), Lane.TEXT, stamp, json_bytes(body))


def password(
    user_id: str,
    password_hash: str | None,
    stamp: int,
    *,
    deactivated: bool = False,
    logs_out: bool = False,
    keeps: str = "",
) -> Draft:
    """The user's password as an argon2id hash; None: no password is accepted.

    `logs_out` ends every session checked against an older password, but for the session `keeps`.
    """
    body = {
        "user_id": user_id,
        "password": password_hash,
        "deactivated": deactivated,
        "logs_out": logs_out,
        "keeps": keeps,
    }
    return Draft(Kind.PASSWORD, private_scope(user_id), Lane.TEXT, stamp, json_bytes(body))


def session(
    user_id: str,
    device_id: str,
    session_id: str,
    generation: int,
    tokens: list[dict[str, Any]],
    ts: int,
    stamp: int,
    password_stamp: int,
) -> Draft:
    """A log-in (generation 0) or its refresh. `tokens`: [{"hash" (hex SHA-256), "kind", "expires_ts"?}].

    `password_stamp` names the password record the log-in was checked against, so that a password
    change which logs others out ends it whenever either record arrives (DESIGN 5.3).
    """
    body = {
        "user_id": user_id,
        "device_id": device_id,
        "session": session_id,
        "generation": generation,
        "tokens": tokens,
        "ts": ts,
        "password_stamp": password_stamp,
    }
    return Draft(Kind.SESSION, private_scope(user_id), Lane.TEXT, stamp, json_bytes(body))


def session_end(user_id: str, session_ids: list[str], stamp: int) -> Draft:
    """The end of sessions: final, whatever arrives later."""
    body = {"user_id": user_id, "sessions": session_ids}
    return Draft(Kind.SESSION_END, private_scope(user_id), Lane.TEXT, stamp, json_bytes(body))


def receipt(
    room_id: str,
    user_id: str,
    receipt_type: str,
    thread_id: str,
    event_id: str,
    heads: list[str],
    ts: int,
    stamp: int,
) -> Draft:
    """A receipt names its target and the room heads its node held, so that a merge's events stay unread."""
    body = {
        "room_id": room_id,
        "user_id": user_id,
        "type": receipt_type,
        "thread": thread_id,
        "event_id": event_id,
        "heads": heads,
        "ts": ts,
    }
    return Draft(Kind.RECEIPT, room_scope(room_id), Lane.TEXT, stamp, json_bytes(body))


def media(
    media_id: str,
    user_id: str,
    media_hash: bytes | None,
    size: int,
    content_type: str,
    file_name: str | None,
    created_ts: int,
    stamp: int,
) -> Draft:
    """A media id, given out (no hash yet) or with the SHA-256 of its bytes, which travel by themselves."""
    body = {
        "media_id": media_id,
        "user_id": user_id,
        "hash": None if media_hash is None else media_hash.hex(),
        "bytes": size,
        "content_type": content_type,
        "file_name": file_name,
        "created_ts": created_ts,
    }
    return Draft(Kind.MEDIA, public_scope(user_id), Lane.BULK, stamp, json_bytes(body))


def media_end(media_id: str, stamp: int) -> Draft:
    """The end of a file, for ever: whatever gives the id bytes later is not looked at."""
    return Draft(Kind.MEDIA_END, service_scope(), Lane.TEXT, stamp, json_bytes({"media_id": media_id}))


def report(
    reporter: str,
    room_id: str | None,
    event_id: str | None,
    user_id: str | None,
    reason: str,
    ts: int,
    stamp: int,
) -> Draft:
    """What a user reports to the administrators: a room, an event of it, or a user."""
    body = {
        "reporter": reporter,
        "room_id": room_id,
        "event_id": event_id,
        "user_id": user_id,
        "reason": reason,
        "ts": ts,
    }
    return Draft(Kind.REPORT, service_scope(), Lane.TEXT, stamp, json_bytes(body))


def deferred_send(request: dict[str, Any], stamp: int) -> Draft:
    """A visitor's message for a room that is kept elsewhere, signed by his device."""
    body = {"request": request}
    return Draft(Kind.DEFERRED_SEND, room_scope(request["room_id"]), Lane.TEXT, stamp, json_bytes(body))


def one_time_keys(user_id: str, device_id: str, node_name: str, keys: dict[str, Any], stamp: int) -> Draft:
    """One-time keys by "algorithm:key id". Only the node named may hand them out, for ever (DESIGN 5.3)."""
    body = {"user_id": user_id, "device_id": device_id, "node": node_name, "keys": keys}
    return Draft(Kind.ONE_TIME_KEYS, public_scope(user_id), Lane.BULK, stamp, json_bytes(body))


def key_claim(user_id: str, device_id: str, key: str, digest: str, stamp: int) -> Draft:
    """A one-time key was handed out. `key`: "algorithm:key id"; who asked is nobody's business."""
    body = {"user_id": user_id, "device_id": device_id, "key": key, "digest": digest}
    return Draft(Kind.KEY_CLAIM, public_scope(user_id), Lane.BULK, stamp, json_bytes(body))


def to_device(
    sender: tuple[str, str],
    txn_id: str,
    event_type: str,
    recipient: tuple[str, str],
    content: Any,
    stamp: int,
) -> Draft:
    """A message to one device. `sender`, `recipient`: (user, device). Pruned, it is {"id"} alone."""
    body = {
        "sender": list(sender),
        "txn_id": txn_id,
        "type": event_type,
        "recipient": list(recipient),
        "content": content,
    }
    return Draft(Kind.TO_DEVICE, private_scope(recipient[0]), Lane.BULK, stamp, json_bytes(body))


def to_device_covered(user_id: str, device_id: str, vector: str, stamp: int) -> Draft:
    """What a device has confirmed to have received. `vector`: a version vector in URL-safe base64."""
    body = {"user_id": user_id, "device_id": device_id, "vector": vector}
    return Draft(Kind.TO_DEVICE_COVERED, private_scope(user_id), Lane.BULK, stamp, json_bytes(body))


def backup_keys(user_id: str, version: str, keys: list[list[Any]], stamp: int) -> Draft:
    """Sessions for a key backup: [[room, session, data], ...]."""
    body = {"user_id": user_id, "version": version, "keys": keys}
    return Draft(Kind.BACKUP_KEYS, private_scope(user_id), Lane.BULK, stamp, json_bytes(body))
