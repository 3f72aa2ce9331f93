"""Queries: by which names a notification tells of an event. Spec: Push Gateway API."""

from typing import Any

from bongsu import limits
from bongsu.view.context import Context
from bongsu.view.events import EventRow


def names_of(context: Context, row: EventRow) -> dict[str, str]:
    """The room's name, where it has one, and the sender's in the room."""
    state = context.live.current_state(row.room)

    def content(event_type: str, state_key: str) -> dict[str, Any]:
        event_id = state.get((event_type, state_key))
        return {} if event_id is None else context.events.body(event_id).content

    found = {
        "room_name": content("m.room.name", "").get("name"),
        "sender_display_name": content("m.room.member", row.sender).get("displayname") or row.sender,
    }
    names = {key: name for key, name in found.items() if isinstance(name, str) and name}
    return {key: name[: limits.WEB_PUSH_NAME_CHARACTERS_MAX] for key, name in names.items()}
