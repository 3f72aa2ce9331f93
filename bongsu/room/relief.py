"""Relief rooms: situation rooms and notice boards that hubs may read, so never encrypted. DESIGN 7. Pure."""

from typing import Any

# The `type` of the create event.
RELIEF = "kr.bongsu.relief"
ENCRYPTION = "m.room.encryption"


def is_relief(create_content: dict[str, Any]) -> bool:
    """Whether a room with this create event is one."""
    return create_content.get("type") == RELIEF
