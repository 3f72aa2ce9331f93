"""The tower's picture of the service, live: answered at once, or as soon as something of it has changed."""

import asyncio

from bongsu import limits
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.tower_access import officer
from bongsu.console.picture import picture
from bongsu.service import Service
from bongsu.view.apply_tower import TOWER


async def get_picture(service: Service, request: Request) -> Response:
    """GET /tower/picture?since=&timeout=: `since` is the `version` of the last one; waits for news."""
    officer(service, request)
    node = service.node
    since = request.query("since")
    timeout_ms = request.query_integer("timeout", 0, limits.SYNC_TIMEOUT_S_MAX * 1000)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_ms / 1000
    while since == str(node.position) and not node.stopping and loop.time() < deadline:
        await node.wake.wait(TOWER, deadline - loop.time())
    return answer(picture(node, service.peers, service.feeds, service.radio))


ROUTES = [Route("GET", "/_bongsu/client/v1/tower/picture", get_picture)]
