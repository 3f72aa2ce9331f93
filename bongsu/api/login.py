"""Logging in. Spec: login.yaml, refresh.yaml, login_token.yaml."""

import secrets
from functools import partial
from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.certainty import certain
from bongsu.api.http import Request, Response, Route, answer, boolean, optional_string, string
from bongsu.errors import MatrixError, bad_json, forbidden
from bongsu.hub.residents import check_resident
from bongsu.service import Service
from bongsu.sessions import NewSession, refresh, to_refresh
from bongsu.view import users
from bongsu.view.users import User

_SENTENCE_WRONG = "The name or the password is wrong."


async def get_login_flows(service: Service, request: Request) -> Response:
    """The ways to log in."""
    return answer(
        {"flows": [{"type": "m.login.password"}, {"type": "m.login.token", "get_login_token": True}]}
    )


async def login(service: Service, request: Request) -> Response:
    """Check a password or log-in token and start a session."""
    node = service.node
    node.rate.check(ratelimit.LOGIN_ADDRESS, request.address)
    body = request.json()
    kind = string(body, "type")
    if kind == "m.login.password":
        user = await _by_password(service, body)
    elif kind == "m.login.token":
        user = _by_token(service, string(body, "token"))
    else:
        raise MatrixError(
            400, "M_UNKNOWN", f"Logging in by {kind[:50]} is not offered. GET this address lists the ways."
        )
    if user.deactivated:
        raise MatrixError(403, "M_USER_DEACTIVATED", "This account has been deactivated.")
    session = NewSession(
        node,
        user.user_id,
        user.password_stamp,
        device_id=optional_string(body, "device_id"),
        display_name=optional_string(body, "initial_device_display_name"),
        refresh=boolean(body, "refresh_token"),
    )
    await node.write(*session.drafts)
    return answer(session.answer)


def user_id_of(service: Service, body: dict[str, Any]) -> str:
    """The user a log-in names, completed with the server's name."""
    identifier = body.get("identifier")
    if identifier is None:
        named = string(body, "user")
    elif not isinstance(identifier, dict):
        raise bad_json("`identifier` must be an object.")
    elif identifier.get("type") != "m.id.user":
        raise MatrixError(400, "M_UNKNOWN", "Only identifiers of type m.id.user are known here.")
    else:
        named = string(identifier, "user")
    named = named.strip()
    return named if named.startswith("@") else f"@{named.lower()}:{service.node.config.server_name}"


async def _by_password(service: Service, body: dict[str, Any]) -> User:
    node = service.node
    user_id = user_id_of(service, body)
    password = string(body, "password")
    node.rate.check(ratelimit.LOGIN_USER, user_id)
    check_resident(node, user_id)
    user = users.user(node.context, user_id)
    right = await node.passwords.verify(None if user is None else user.password, password)
    # Read again: the password may have been changed while the hash was computed.
    user = users.user(node.context, user_id)
    if user is not None and user.deactivated and not right:
        raise forbidden(_SENTENCE_WRONG)
    if user is None or not right:
        raise forbidden(_SENTENCE_WRONG)
    return user


def _by_token(service: Service, token: str) -> User:
    found = service.login_tokens.pop(token, None)
    if found is None or found[1] < service.node.clock.monotonic():
        raise forbidden("This log-in token is not valid (any more). Make a new one.")
    user = users.user(service.node.context, found[0])
    assert user is not None
    return user


async def get_token(service: Service, request: Request) -> Response:
    """A log-in token for another device of the same user, after their password."""
    body = request.optional_json()
    user_id = request.who.user_id
    await service.interactive.require(body, [["m.login.password"]], f"get_token {user_id}", user_id)
    now = service.node.clock.monotonic()
    for old in [name for name, (_, until) in service.login_tokens.items() if until < now]:
        del service.login_tokens[old]
    token = secrets.token_urlsafe(24)
    service.login_tokens[token] = (user_id, now + limits.LOGIN_TOKEN_MS / 1000)
    return answer({"login_token": token, "expires_in_ms": limits.LOGIN_TOKEN_MS})


async def post_refresh(service: Service, request: Request) -> Response:
    """New tokens for a refresh token."""
    service.node.rate.check(ratelimit.LOGIN_ADDRESS, request.address)
    token = string(request.json(), "refresh_token")
    row = await certain(service, partial(to_refresh, service.node, token))
    return answer(await refresh(service.node, row))


ROUTES = [
    Route("GET", "/_matrix/client/v3/login", get_login_flows, auth="none"),
    Route("POST", "/_matrix/client/v3/login", login, auth="none"),
    Route("POST", "/_matrix/client/v1/login/get_token", get_token),
    Route("POST", "/_matrix/client/v3/refresh", post_refresh, auth="none"),
]
