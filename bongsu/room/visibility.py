"""Who may see an event, and what of a room somebody outside may see.

Spec: Client-Server API § Room History Visibility, § Stripped state.
"""

from typing import Any

from bongsu.room.event import Event
from bongsu.room.state import StateKey

_STRIPPED: tuple[StateKey, ...] = (
    ("m.room.create", ""),
    ("m.room.name", ""),
    ("m.room.avatar", ""),
    ("m.room.topic", ""),
    ("m.room.join_rules", ""),
    ("m.room.canonical_alias", ""),
    ("m.room.encryption", ""),
)


def visible(
    history_visibility: str,
    membership_then: str | None,
    membership_now: str | None,
    joined_since: bool,
) -> bool:
    """Whether a user may see an event.

    An m.room.history_visibility event, and the user's own member event, is visible if either the values
    before it or those after it say so: ask twice.

    Args:
        history_visibility: at the event; what is not understood counts as "shared".
        membership_then: the user's membership at the event.
        membership_now: the user's membership in the current state.
        joined_since: whether the user joined at any point after the event.
    """
    if history_visibility == "world_readable" or membership_then == "join":
        return True
    if history_visibility == "invited":
        return membership_then == "invite"
    if history_visibility == "joined":
        return False
    # A member of today who was none then must have joined in between.
    return joined_since or membership_now == "join"


def stripped_state(inviter: str) -> list[StateKey]:
    """Return the keys of the state that an invited or knocking user is shown."""
    return [*_STRIPPED, ("m.room.member", inviter)]


def strip(event: Event) -> dict[str, Any]:
    """Return a state event as stripped state: four properties, no more."""
    return {
        "type": event.type,
        "state_key": event.state_key,
        "sender": event.sender,
        "content": event.content,
    }
