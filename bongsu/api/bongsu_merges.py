"""What a merge changed in a room, for those who moderate it: docs/protocol/client.md."""

from typing import Any

from bongsu import ratelimit
from bongsu.api.access import joined_room
from bongsu.api.http import Request, Response, Route, answer
from bongsu.author import power_levels
from bongsu.errors import forbidden
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view.events import REJECTED
from bongsu.view.overruled import Overruled, overruled


async def get_merges(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/rooms/{roomId}/merges: changes of one side that do not hold."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.READ, user_id)
    room = joined_room(node, user_id, request.path_parameters["roomId"])
    levels = power_levels(room, node.context.events)
    if levels.user_level(user_id) < levels.event_level("m.room.power_levels", is_state=True):
        raise forbidden("Only those who may change who may do what in this room are shown this.")
    found, more = overruled(node.context, room.room, room.state)
    return answer({"undone": [_told(node, each) for each in found], "more": more})


def _told(node: Node, each: Overruled) -> dict[str, Any]:
    row = each.row
    winner = None if each.winner is None else node.context.events.row(each.winner)
    return {
        "event_id": row.event_id,
        "type": row.type,
        "state_key": row.state_key,
        "sender": row.sender,
        "content": node.context.events.body(row.event_id).content,
        "ts": row.stamp,
        "refused": row.verdict == REJECTED,
        "holds": None if winner is None else {"event_id": winner.event_id, "sender": winner.sender},
    }


ROUTES = [Route("GET", "/_bongsu/client/v1/rooms/{roomId}/merges", get_merges)]
