"""The redaction algorithm: which properties of an event survive. Spec: rooms/v10, v11 § Redactions."""

from typing import Any

from bongsu.room.versions import RoomVersion

_KEPT_V11 = frozenset(
    (
        "event_id",
        "type",
        "room_id",
        "sender",
        "state_key",
        "content",
        "hashes",
        "signatures",
        "depth",
        "prev_events",
        "auth_events",
        "origin_server_ts",
    )
)
_KEPT_V10 = _KEPT_V11 | {"prev_state", "origin", "membership"}

_CONTENT_V10 = {
    "m.room.member": frozenset(("membership", "join_authorised_via_users_server")),
    "m.room.create": frozenset(("creator",)),
    "m.room.join_rules": frozenset(("join_rule", "allow")),
    "m.room.power_levels": frozenset(
        (
            "ban",
            "events",
            "events_default",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
        )
    ),
    "m.room.history_visibility": frozenset(("history_visibility",)),
}
_CONTENT_V11 = {
    **_CONTENT_V10,
    "m.room.power_levels": _CONTENT_V10["m.room.power_levels"] | {"invite"},
    "m.room.redaction": frozenset(("redacts",)),
}
_NOTHING: frozenset[str] = frozenset()


def redact(pdu: dict[str, Any], version: RoomVersion) -> dict[str, Any]:
    """Return a new PDU with what the redaction algorithm of this room version keeps."""
    kept = _KEPT_V11 if version.redaction_v11 else _KEPT_V10
    redacted = {name: value for name, value in pdu.items() if name in kept}
    redacted["content"] = _redact_content(pdu["type"], pdu["content"], version)
    return redacted


def _redact_content(type: str, content: dict[str, Any], version: RoomVersion) -> dict[str, Any]:
    if not version.redaction_v11:
        kept = _CONTENT_V10.get(type, _NOTHING)
        return {name: value for name, value in content.items() if name in kept}
    if type == "m.room.create":
        return dict(content)
    kept = _CONTENT_V11.get(type, _NOTHING)
    redacted = {name: value for name, value in content.items() if name in kept}
    if type == "m.room.member":
        invite = content.get("third_party_invite")
        if isinstance(invite, dict):
            # The text does not say what becomes of an invite without `signed`; Synapse leaves an empty
            # object, and an event id must be the same everywhere.
            redacted["third_party_invite"] = {name: invite[name] for name in invite if name == "signed"}
    return redacted
