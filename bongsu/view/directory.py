"""Queries: rooms that everybody may find, and people whom a user may find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bongsu import limits, words
from bongsu.view.context import Context
from bongsu.view.visibility import history_visibility


def aliases(context: Context, room_id: str) -> list[str]:
    """The aliases that lead to a room."""
    found = context.db.all(
        "SELECT key2 FROM registers WHERE family='alias' AND json_extract(value, '$.room_id')=?"
        " ORDER BY key2",
        (room_id,),
    )
    return [alias for (alias,) in found]


@dataclass(frozen=True, slots=True)
class PublicRoom:
    """A room of the directory: what is shown of it, and what a search looks at."""

    summary: dict[str, Any]
    text: str


def published_stamp(context: Context) -> int:
    """What changes when a room is published or withdrawn."""
    return int(
        context.db.value(
            "SELECT coalesce(max(position), 0) FROM registers WHERE family='directory'", default=0
        )
    )


def published(context: Context) -> list[PublicRoom]:
    """The rooms of the directory, the largest first."""
    found = context.db.all(
        "SELECT r.key2, r2.room FROM registers r JOIN rooms r2 ON r2.room_id = r.key2"
        " WHERE r.family='directory' AND r.owner='' AND r.key1='' AND r.value='true'"
    )
    rooms = []
    for room_id, room in found:
        shown = summary(context, room, room_id)
        shown.pop("encryption", None)
        shown.pop("room_version", None)
        shown.pop("allowed_room_ids", None)
        text = " ".join(shown.get(name, "") for name in ("name", "topic", "canonical_alias"))
        rooms.append(PublicRoom(shown, words.normalised(text)))
    rooms.sort(key=lambda entry: (-entry.summary["num_joined_members"], entry.summary["room_id"]))
    return rooms


def _text(content: dict[str, Any], key: str) -> str | None:
    value = content.get(key)
    return value if isinstance(value, str) and value else None


def summary(context: Context, room: int, room_id: str) -> dict[str, Any]:
    """A room as people see it who are not in it. Spec: room_summary.yaml."""
    state = context.live.current_state(room)

    def content(event_type: str) -> dict[str, Any]:
        event_id = state.get((event_type, ""))
        return {} if event_id is None else context.events.body(event_id).content

    joined = context.db.value(
        "SELECT count(*) FROM members WHERE room=? AND membership='join'", (room,), default=0
    )
    rules = content("m.room.join_rules")
    avatar_url = _text(content("m.room.avatar"), "url")
    alias = _text(content("m.room.canonical_alias"), "alias")
    encryption = _text(content("m.room.encryption"), "algorithm")
    allowed = rules.get("allow")
    fields = {
        "room_id": room_id,
        "num_joined_members": joined,
        "world_readable": history_visibility(context, state) == "world_readable",
        "guest_can_join": content("m.room.guest_access").get("guest_access") == "can_join",
        "join_rule": _text(rules, "join_rule") or "invite",
        "room_version": context.events.version(room_id).id,
        "name": _text(content("m.room.name"), "name"),
        "topic": _text(content("m.room.topic"), "topic"),
        "room_type": _text(content("m.room.create"), "type"),
        "avatar_url": avatar_url if avatar_url and avatar_url.startswith("mxc://") else None,
        "canonical_alias": alias if alias and alias.startswith("#") else None,
        "encryption": encryption if encryption == "m.megolm.v1.aes-sha2" else None,
        "allowed_room_ids": [
            rule["room_id"]
            for rule in (allowed if isinstance(allowed, list) else [])
            if isinstance(rule, dict) and isinstance(rule.get("room_id"), str) and rule["room_id"][:1] == "!"
        ]
        or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def people(context: Context, user_id: str, term: str, limit: int) -> list[str]:
    """Users whose name or id holds the term and who share a room with the user or are in an open one."""
    found = context.db.all(
        "SELECT n.user_id FROM names n JOIN users u USING(user_id)"
        " WHERE instr(n.text, ?) AND u.deactivated=0 AND (n.user_id=? OR EXISTS("
        "  SELECT 1 FROM members m WHERE m.user_id=n.user_id AND m.membership='join' AND ("
        "   m.room IN (SELECT room FROM open_rooms) OR m.room IN ("
        "    SELECT room FROM members WHERE user_id=? AND membership='join'))))"
        " ORDER BY instr(n.text, ?), n.user_id LIMIT ?",
        (term, user_id, user_id, term, limit),
    )
    return [found_id for (found_id,) in found]


class PublicRooms:
    """The directory, kept for a few seconds: counting members costs more than all else of it."""

    def __init__(self, context: Context, monotonic: Callable[[], float]) -> None:
        self._context = context
        self._monotonic = monotonic
        self._rooms: list[PublicRoom] = []
        self._stamp = -1
        self._read_at = 0.0

    def get(self) -> list[PublicRoom]:
        """The rooms, the largest first; at once without one that was just withdrawn."""
        now = self._monotonic()
        stamp = published_stamp(self._context)
        if stamp != self._stamp or now - self._read_at > limits.PUBLIC_ROOMS_KEPT_S:
            self._rooms = published(self._context)
            self._stamp, self._read_at = stamp, now
        return self._rooms
