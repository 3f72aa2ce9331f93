"""The page of a hub's operator: docs/protocol/client.md."""

from bongsu import ratelimit
from bongsu.api.http import Request, Response, Route, answer, integer
from bongsu.hub.board import notices
from bongsu.hub.operator import check_operator, standing, vouch
from bongsu.service import Service


async def get_hub(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/hub: how this node stands, for its operators."""
    node = service.node
    check_operator(node, request.who.user_id)
    node.rate.check(ratelimit.READ, request.who.user_id)
    said = standing(node, service.peers, service.power, service.keeping.interests)
    waiting = service.desk.waiting()
    kept = service.desk.box.files(node.now_ms())
    board = [
        {"room": room, "text": text, "ts": ts}
        for room, text, ts in notices(node.context, node.config.operators)
    ]
    radio = [] if service.radio is None else service.radio.as_json()
    return answer({**said, "waiting": waiting, "files_kept": len(kept), "notices": board, "radio": radio})


async def post_vouch(service: Service, request: Request) -> Response:
    """POST /_bongsu/client/v1/hub/vouch: a code for newcomers, to be shown as a QR picture."""
    node = service.node
    check_operator(node, request.who.user_id)
    node.rate.check(ratelimit.INVITE, request.who.user_id)
    body = request.optional_json()
    return answer(await vouch(node, integer(body, "uses", 1, 10_000), integer(body, "hours", 24, 100_000)))


ROUTES = [
    Route("GET", "/_bongsu/client/v1/hub", get_hub),
    Route("POST", "/_bongsu/client/v1/hub/vouch", post_vouch),
]
