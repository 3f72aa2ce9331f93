"""What this service adds to Matrix: where it can be reached, and where a message is safe.

docs/protocol/client.md.
"""

from typing import Any

from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.rooms import visible_event
from bongsu.courier.route import alone_since_ms, route
from bongsu.errors import MatrixError, not_found
from bongsu.gateway.web_push import WebPushKey
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import registers


async def get_sites(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/sites: every site in order of preference: this one, those linked, the rest."""
    node = service.node
    own = node.log.key.node.hex()
    linked = {peer.hex() for peer in service.peers.links}
    battery = service.power.as_json()
    here: dict[str, object] = {} if battery is None else {"battery": battery}
    alone_ms = alone_since_ms(node, service.peers)
    if alone_ms is not None:
        here["alone_since_ms"] = alone_ms
    cost = None if service.radio is None else service.radio.cost()
    if cost is not None:
        here["radio"] = cost
    sites = [
        {
            **{field: site[field] for field in ("name", "base_url", "role")},
            "this": name == own,
            "up": name == own or name in linked,
            **(here if name == own else {}),
        }
        for name, site in _named(node)
    ]
    sites.sort(key=lambda site: (not site["this"], site["role"] != "core", not site["up"], site["name"]))
    # A node that was restored under a new key has the address of the one before it.
    by_address = {site["base_url"]: site for site in reversed(sites)}
    return answer({"sites": [site for site in sites if by_address[site["base_url"]] is site]})


def _named(node: Node) -> list[tuple[str, Any]]:
    """(node in hex, what it said of itself), without those shut out: a client would show them its token.

    This node stays, whatever it is: who asks it is here already.
    """
    gone = {each.hex() for each in node.context.authorities.revocations()} - {node.log.key.node.hex()}
    found = registers.under(node.context, "site", "", "")
    return [(name, site) for name, site in found if name not in gone]


def base_urls(node: Node) -> list[str]:
    """Where the service can be reached, as the sites themselves say at this moment."""
    return [str(site["base_url"]) for _, site in _named(node)]


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
    record = node.log.read(row.position)
    sites = sorted(service.peers.sites_with(record.log, record.header.seq))
    promise = "two sites" if len(sites) > 1 else "here"
    said = {"event_id": event_id, "promise": promise, "sites": sites, "since": row.stamp}
    return answer({**said, **route(node, service.peers, service.desk, record, service.radio)})


async def get_push_key(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/push: by which key this node is known to browsers' push services."""
    return answer({"key": WebPushKey(service.node.log.key.derive).public})


ROUTES = [
    Route("GET", "/_bongsu/client/v1/sites", get_sites, auth="none"),
    Route("GET", "/_bongsu/client/v1/push", get_push_key, auth="none"),
    Route("GET", "/_bongsu/client/v1/durability/{eventId}", get_durability),
]
