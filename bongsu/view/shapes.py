"""What the bodies of records look like. One that does not is carried, and means nothing, on every node.

Without this a site with a valid key could stop every other one with a single record (DESIGN 5.2)."""

from typing import Any

import msgspec

from bongsu.log.record import Kind


class _User(msgspec.Struct):
    user_id: str
    created_ts: int


class _Residency(msgspec.Struct):
    user_id: str
    node: str
    ends: list[tuple[str, int, int]] | None = None


class _Password(msgspec.Struct):
    user_id: str
    password: str | None
    deactivated: bool
    logs_out: bool
    keeps: str


class _Token(msgspec.Struct):
    hash: str
    kind: str
    expires_ts: int | None = None


class _Session(msgspec.Struct):
    user_id: str
    device_id: str
    session: str
    generation: int
    tokens: list[_Token]
    ts: int
    password_stamp: int


class _SessionEnd(msgspec.Struct):
    user_id: str
    sessions: list[str]


class _Receipt(msgspec.Struct):
    room_id: str
    user_id: str
    type: str
    thread: str
    event_id: str
    heads: list[str]
    ts: int


class _Lost(msgspec.Struct):
    room_id: str
    event_ids: list[str]


class _Media(msgspec.Struct):
    media_id: str
    user_id: str
    hash: str | None
    bytes: int
    content_type: str
    file_name: str | None
    created_ts: int


class _MediaEnd(msgspec.Struct):
    media_id: str


class _Report(msgspec.Struct):
    reporter: str
    room_id: str | None
    event_id: str | None
    user_id: str | None
    reason: str
    ts: int


class _Request(msgspec.Struct):
    user_id: str
    device_id: str
    room_id: str
    type: str
    txn_id: str
    content: dict[str, Any]
    ts: int
    signatures: dict[str, Any]


class _DeferredSend(msgspec.Struct):
    request: _Request


class _OneTimeKeys(msgspec.Struct):
    user_id: str
    device_id: str
    node: str
    keys: dict[str, str | dict[str, Any]]


class _KeyClaim(msgspec.Struct):
    user_id: str
    device_id: str
    key: str
    digest: str


class _Message(msgspec.Struct):
    sender: tuple[str, str]
    txn_id: str
    type: str
    recipient: tuple[str, str]
    content: dict[str, Any]


class _Pruned(msgspec.Struct):
    id: str


class _Covered(msgspec.Struct):
    user_id: str
    device_id: str
    vector: str


class _BackupKeys(msgspec.Struct):
    user_id: str
    version: str
    keys: list[tuple[str, str, dict[str, Any]]]


class _TowerKey(msgspec.Struct):
    key: str


class _TowerKeyEnd(msgspec.Struct):
    end: str


class _Statement(msgspec.Struct):
    content: dict[str, Any]
    signatures: dict[str, str]


class _Brief(msgspec.Struct):
    brief: str


class _AlertAck(msgspec.Struct):
    user_id: str
    alert: str
    answer: str


class _CheckIn(msgspec.Struct):
    user_id: str
    answer: str
    request: str = ""
    where: str | tuple[float, float] | None = None
    together: list[str] = msgspec.field(name="with", default_factory=list)


class _CheckRequest(msgspec.Struct):
    user_id: str
    id: str
    users: list[str]
    room_id: str | None
    text: str


class _ForeignAlert(msgspec.Struct):
    feed: str
    alert: dict[str, Any]
    proved: bool


class _AdminAct(msgspec.Struct):
    actor: str
    act: str
    target: str
    ts: int


class _Register(msgspec.Struct):
    family: str
    owner: str
    key: tuple[str, str]
    value: Any


class _Event(msgspec.Struct):
    event: dict[str, Any]
    sent_by: dict[str, str] | None = None


class _Device(msgspec.Struct):
    display_name: str


class _FallbackKey(msgspec.Struct):
    key_id: str
    key: str | dict[str, Any]


class _Alias(msgspec.Struct):
    room_id: str


class _Site(msgspec.Struct):
    name: str
    base_url: str
    role: str


class _DeviceKeys(msgspec.Struct):
    keys: dict[str, str]
    signatures: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


class _CrossSigningKey(_DeviceKeys):
    pass


_SHAPES: dict[int, Any] = {
    Kind.NODE: dict[str, Any],
    Kind.REVOCATION: dict[str, Any],
    Kind.RESIDENCY: _Residency,
    Kind.EVENT: _Event,
    Kind.REGISTER: _Register,
    Kind.USER: _User,
    Kind.PASSWORD: _Password,
    Kind.SESSION: _Session,
    Kind.SESSION_END: _SessionEnd,
    Kind.RECEIPT: _Receipt,
    Kind.LOST: _Lost,
    Kind.MEDIA: _Media,
    Kind.MEDIA_END: _MediaEnd,
    Kind.REPORT: _Report,
    Kind.DEFERRED_SEND: _DeferredSend,
    Kind.ONE_TIME_KEYS: _OneTimeKeys,
    Kind.KEY_CLAIM: _KeyClaim,
    Kind.TO_DEVICE_COVERED: _Covered,
    Kind.BACKUP_KEYS: _BackupKeys,
    Kind.TOWER_KEY: _TowerKey,
    Kind.TOWER_KEY_END: _TowerKeyEnd,
    Kind.ALERT: _Statement,
    Kind.SAFETY_CALL: _Statement,
    Kind.INCIDENT_ACT: _Statement,
    Kind.ALERT_BRIEF: _Brief,
    Kind.ALERT_ACK: _AlertAck,
    Kind.CHECK_REQUEST: _CheckRequest,
    Kind.CHECK_IN: _CheckIn,
    Kind.FOREIGN_ALERT: _ForeignAlert,
    Kind.ADMIN_ACT: _AdminAct,
}
# Families that are not named may hold anything: whoever reads them looks.
_VALUES: dict[str, Any] = {
    "device": _Device,
    "device_name": str,
    "device_keys": _DeviceKeys,
    "cross_signing": dict[str, _CrossSigningKey],
    "fallback_key": _FallbackKey,
    "alias": _Alias,
    "directory": bool,
    "forgotten": str,
    "site": _Site,
    "status": dict[str, Any],
    "cap_feed": dict[str, Any],
    "totp": dict[str, Any],
    "area": str,
    "account_data": dict[str, Any],
    "filter": dict[str, Any],
    "pusher": dict[str, Any],
    "key_backup": dict[str, Any],
}


def fits(kind: int, body: Any) -> bool:
    """Whether a body of this kind has the fields it must have."""
    if kind == Kind.TO_DEVICE:
        return _is(body, _Pruned if isinstance(body, dict) and "id" in body else _Message)
    if kind in _SHAPES and not _is(body, _SHAPES[kind]):
        return False
    if kind == Kind.REGISTER and body["value"] is not None:
        return _is(body["value"], _VALUES.get(body["family"], Any))
    return True


def _is(value: Any, shape: Any) -> bool:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return False
    return True
