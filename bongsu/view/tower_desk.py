"""Queries: what the tower decided for every node: the staff's room, and where sites stand (DESIGN 8)."""

from bongsu.view import registers
from bongsu.view.context import Context

STAFF_ROOM = "staff_room"
PLACE = "place"


def staff_room(context: Context) -> str | None:
    """The id of the room that every node keeps, hubs without a member of it too; None: there is none yet."""
    said = registers.get(context, STAFF_ROOM, "", "", "")
    return str(said["room_id"]) if isinstance(said, dict) else None


def places(context: Context) -> dict[str, list[float]]:
    """[latitude, longitude] by site: as the tower put it, else as its own settings say."""
    own = {
        str(said["name"]): list(said["place"])
        for _, said in registers.under(context, "site", "", "")
        if said.get("place")
    }
    return own | dict(registers.under(context, PLACE, "", ""))
