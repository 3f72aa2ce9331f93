"""The rules every user has from the start. Spec: § Predefined Rules, of version 1.17, and one it dropped:
`.m.rule.contains_display_name`, for clients that do not say whom they mention (no `m.mentions`).
"""

from typing import Any

KINDS = ("override", "content", "room", "sender", "underride")
MASTER = ".m.rule.master"
# Rules that look for a name in the text; they say nothing of an event that has `m.mentions`.
LEGACY = frozenset((".m.rule.contains_display_name",))
# Rules whose verdict depends on who the user is; the others judge alike for every member.
PERSONAL = frozenset((".m.rule.invite_for_me", ".m.rule.is_user_mention", *LEGACY))

Rule = dict[str, Any]

_SOUND = {"set_tweak": "sound", "value": "default"}
_HIGHLIGHT = {"set_tweak": "highlight"}


def _match(key: str, pattern: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _rule(rule_id: str, actions: list[Any], *conditions: dict[str, Any], enabled: bool = True) -> Rule:
    return {
        "rule_id": rule_id,
        "default": True,
        "enabled": enabled,
        "conditions": list(conditions),
        "actions": actions,
    }


def defaults(user_id: str) -> dict[str, list[Rule]]:
    """The server-default rules of a user by kind, most important first."""
    return {
        "override": _override(user_id),
        "content": [],
        "room": [],
        "sender": [],
        "underride": _underride(),
    }


def _override(user_id: str) -> list[Rule]:
    return [
        _rule(MASTER, [], enabled=False),
        _rule(".m.rule.suppress_notices", [], _match("content.msgtype", "m.notice")),
        _rule(
            ".m.rule.invite_for_me",
            ["notify", _SOUND],
            _match("type", "m.room.member"),
            _match("content.membership", "invite"),
            _match("state_key", user_id),
        ),
        _rule(".m.rule.member_event", [], _match("type", "m.room.member")),
        _rule(
            ".m.rule.is_user_mention",
            ["notify", _SOUND, _HIGHLIGHT],
            {"kind": "event_property_contains", "key": r"content.m\.mentions.user_ids", "value": user_id},
        ),
        _rule(
            ".m.rule.contains_display_name",
            ["notify", _SOUND, _HIGHLIGHT],
            {"kind": "contains_display_name"},
        ),
        _rule(
            ".m.rule.is_room_mention",
            ["notify", _HIGHLIGHT],
            {"kind": "event_property_is", "key": r"content.m\.mentions.room", "value": True},
            {"kind": "sender_notification_permission", "key": "room"},
        ),
        _rule(
            ".m.rule.tombstone",
            ["notify", _HIGHLIGHT],
            _match("type", "m.room.tombstone"),
            _match("state_key", ""),
        ),
        _rule(".m.rule.reaction", [], _match("type", "m.reaction")),
        _rule(".m.rule.room.server_acl", [], _match("type", "m.room.server_acl"), _match("state_key", "")),
        _rule(
            ".m.rule.suppress_edits",
            [],
            {"kind": "event_property_is", "key": r"content.m\.relates_to.rel_type", "value": "m.replace"},
        ),
    ]


def _underride() -> list[Rule]:
    two = {"kind": "room_member_count", "is": "2"}
    ring = {"set_tweak": "sound", "value": "ring"}
    return [
        _rule(".m.rule.call", ["notify", ring], _match("type", "m.call.invite")),
        _rule(
            ".m.rule.encrypted_room_one_to_one", ["notify", _SOUND], two, _match("type", "m.room.encrypted")
        ),
        _rule(".m.rule.room_one_to_one", ["notify", _SOUND], two, _match("type", "m.room.message")),
        _rule(".m.rule.message", ["notify"], _match("type", "m.room.message")),
        _rule(".m.rule.encrypted", ["notify"], _match("type", "m.room.encrypted")),
    ]
