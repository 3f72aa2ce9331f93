"""Tokens by which a user proves to another service who they are. Spec: openid.yaml (client and server)."""

import secrets

from bongsu import limits, ratelimit
from bongsu.api.access import check_self
from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import MatrixError
from bongsu.service import Service


async def request_token(service: Service, request: Request) -> Response:
    """POST /user/{userId}/openid/request_token: in memory only; after a restart the client asks again."""
    node = service.node
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    node.rate.check(ratelimit.WRITE, user_id)
    request.optional_json()
    token = secrets.token_urlsafe(32)
    service.openid_tokens.put(token, (user_id, node.now_ms() + limits.OPENID_TOKEN_MS))
    return answer(
        {
            "access_token": token,
            "token_type": "Bearer",
            "matrix_server_name": node.config.server_name,
            "expires_in": limits.OPENID_TOKEN_MS // 1000,
        }
    )


async def userinfo(service: Service, request: Request) -> Response:
    """GET /federation/v1/openid/userinfo: what the other service asks."""
    found = service.openid_tokens.get(request.query("access_token") or "")
    if found is None or found[1] <= service.node.now_ms():
        raise MatrixError(401, "M_UNKNOWN_TOKEN", "This token is not valid (any more). Ask for another.")
    return answer({"sub": found[0]})


ROUTES = [
    Route("POST", "/_matrix/client/v3/user/{userId}/openid/request_token", request_token),
    Route("GET", "/_matrix/federation/v1/openid/userinfo", userinfo, auth="none"),
]
