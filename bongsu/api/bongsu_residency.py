"""Which hubs keep a user's rooms, told by the user: "this is my town hall". docs/protocol/client.md."""

from bongsu import ratelimit
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.hub import residents
from bongsu.service import Service


async def get_residency(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/residency: the sites of the hubs that keep the requester's rooms."""
    service.node.rate.check(ratelimit.READ, request.who.user_id)
    return _hubs(service, request)


async def put_residency(service: Service, request: Request) -> Response:
    """PUT /_bongsu/client/v1/residency: keep my rooms at this hub, too."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    made = residents.added(node, user_id, string(request.json(), "hub"))
    if made:
        await node.write(*made)
    return _hubs(service, request)


async def delete_residency(service: Service, request: Request) -> Response:
    """DELETE /_bongsu/client/v1/residency/{hub}: no longer there; what was written there by now counts."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    await node.write(*residents.removed(node, user_id, request.path_parameters["hub"]))
    return _hubs(service, request)


def _hubs(service: Service, request: Request) -> Response:
    return answer({"hubs": residents.hubs_of(service.node, request.who.user_id)})


ROUTES = [
    Route("GET", "/_bongsu/client/v1/residency", get_residency),
    Route("PUT", "/_bongsu/client/v1/residency", put_residency),
    Route("DELETE", "/_bongsu/client/v1/residency/{hub}", delete_residency),
]
