"""What this service adds to Matrix: where it can be reached, and where a message is safe.

docs/protocol/client.md.
"""

from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.rooms import visible_event
from bongsu.errors import MatrixError, not_found
from bongsu.service import Service


async def get_sites(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/sites: every site in order of preference."""
    config = service.node.config
    here = {"name": config.site, "base_url": config.base_url, "role": config.role, "this": True}
    return answer({"sites": [here]})


async def get_durability(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/durability/{eventId}: of an event the requester may see."""
    node = service.node
    event_id = request.path_parameters["eventId"]
    row = node.context.events.row(event_id)
    if row is None:
        raise not_found("There is no such event.")
    try:
        room_id = node.context.events.room_id(row.room)
        visible_event(node, request.who.user_id, room_id, event_id)
    except MatrixError:
        raise not_found("There is no such event.") from None
    return answer({"event_id": event_id, "promise": "here", "sites": [node.config.site], "since": row.stamp})


ROUTES = [
    Route("GET", "/_bongsu/client/v1/sites", get_sites, auth="none"),
    Route("GET", "/_bongsu/client/v1/durability/{eventId}", get_durability),
]
