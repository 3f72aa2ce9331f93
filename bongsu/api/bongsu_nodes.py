"""What the holder of the root key asks of a running node, proved by the key's signature alone.

docs/protocol/authority.md.
"""

from bongsu import authority, ratelimit
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.cuts import check_not_last, cuts_of, format_cuts, take_revocation
from bongsu.errors import not_found
from bongsu.service import Service


async def post_cuts(service: Service, request: Request) -> Response:
    """POST /_bongsu/node/v1/cuts: where a node's logs end here."""
    service.node.rate.check(ratelimit.AUTHORITY, request.address)
    root_key = service.node.context.authorities.root_key
    if root_key is None:
        raise not_found("This service has no root key.")
    body = request.json()
    name, stamp_max = authority.read_query(root_key, string(body, "query"))
    node, cuts = cuts_of(service.node, name, stamp_max or None)
    if body.get("to_revoke") == "yes":
        check_not_last(service.node, node)
    return answer({"node": node.hex(), "cuts": format_cuts(cuts)})


async def post_revocation(service: Service, request: Request) -> Response:
    """POST /_bongsu/node/v1/revocations: the end of a node."""
    service.node.rate.check(ratelimit.AUTHORITY, request.address)
    node = await take_revocation(service.node, string(request.json(), "revocation"))
    return answer({"node": node.hex()})


ROUTES = [
    Route("POST", "/_bongsu/node/v1/cuts", post_cuts, auth="none"),
    Route("POST", "/_bongsu/node/v1/revocations", post_revocation, auth="none"),
]
