"""Making accounts. Spec: registration.yaml, registration_tokens.yaml."""

import secrets
from typing import Any

from bongsu import drafts, ratelimit
from bongsu.api.http import Request, Response, Route, answer, boolean, optional_string, string
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, forbidden, missing_param
from bongsu.ids import is_new_localpart
from bongsu.interactive import Flows
from bongsu.log.record import Draft
from bongsu.names import Claim
from bongsu.service import Service
from bongsu.sessions import NewSession
from bongsu.speakers import SEPARATOR
from bongsu.view import users
from bongsu.view.tokens import registration_token_valid, token_key

_FLOWS: dict[str, Flows] = {
    "open": [["m.login.dummy"], ["m.login.registration_token"]],
    "token": [["m.login.registration_token"]],
}


async def register(service: Service, request: Request) -> Response:
    """Make an account, and log it in unless told not to."""
    node = service.node
    if request.query("kind") == "guest":
        raise MatrixError(403, "M_GUEST_ACCESS_FORBIDDEN", "This service has no guests. Make an account.")
    if request.query("kind") not in (None, "user"):
        raise MatrixError(400, "M_INVALID_PARAM", "`kind` must be user.")
    body = request.json()
    flows = _FLOWS.get(node.config.registration)
    if flows is None:
        raise forbidden("This service takes no new accounts. Ask its operator.")
    node.rate.check(ratelimit.REGISTER, request.address)
    username = optional_string(body, "username")
    user_id = None if username is None else available_user_id(service, username)
    act = f"register {user_id}"
    session = await service.interactive.require(body, flows, act, None)
    password = body.get("password")
    if password is None:
        raise missing_param("The body lacks `password`.")
    password_hash = await node.passwords.hash(string(body, "password"))
    if user_id is None:
        user_id = f"@{secrets.token_hex(6)}:{node.config.server_name}"
    user_id = await claim(service, user_id)
    try:
        made = account_drafts(service, user_id, password_hash, session.registration_token)
        if boolean(body, "inhibit_login"):
            await node.write(*made)
            return answer({"user_id": user_id})
        login = NewSession(
            node,
            user_id,
            0,
            device_id=optional_string(body, "device_id"),
            display_name=optional_string(body, "initial_device_display_name"),
            refresh=boolean(body, "refresh_token"),
        )
        await node.write(*made, *login.drafts)
    finally:
        service.names_claimed.discard(user_id)
    return answer(login.answer)


def available_user_id(service: Service, username: str) -> str:
    """The user id of a name nobody has.

    Raises:
        MatrixError: 400 M_INVALID_USERNAME or M_USER_IN_USE.
    """
    if not is_new_localpart(username):
        raise MatrixError(
            400,
            "M_INVALID_USERNAME",
            "A name may have the letters a to z, digits and . _ = - /, in lower case. "
            "How you are called is set in your profile, in any script.",
        )
    if SEPARATOR in username:
        raise MatrixError(
            400, "M_INVALID_USERNAME", f"A name has no {SEPARATOR}: sites put it into names they give alone."
        )
    user_id = f"@{username}:{service.node.config.server_name}"
    if len(user_id) > 255:
        raise MatrixError(400, "M_INVALID_USERNAME", "The name is too long.")
    if users.user(service.node.context, user_id) is not None or user_id in service.names_claimed:
        raise MatrixError(400, "M_USER_IN_USE", "This name is taken. Choose another.")
    return user_id


async def claim(service: Service, user_id: str) -> str:
    """Hold a name between the check and its record. The caller lets go of it.

    Returns:
        the user id, with this node's suffix where the core could not be asked.
    Raises:
        MatrixError: 400 M_USER_IN_USE.
    """
    claimed = await service.names.claim(user_id)
    if claimed == Claim.NOBODY_KNOWS:
        localpart, _, server_name = user_id[1:].partition(":")
        user_id = f"@{service.names.own(localpart)}:{server_name}"
    taken = user_id in service.names_claimed or users.user(service.node.context, user_id) is not None
    if taken or claimed == Claim.TAKEN:
        raise MatrixError(400, "M_USER_IN_USE", "This name is taken. Choose another.")
    service.names_claimed.add(user_id)
    return user_id


def account_drafts(
    service: Service, user_id: str, password_hash: str, registration_token: str | None
) -> list[Draft]:
    """The records of a new account: its name, password and profile."""
    now = service.node.now_ms()
    stamp = next_stamp(now)
    localpart = user_id[1:].partition(":")[0]
    made = [
        drafts.user(user_id, now, stamp),
        drafts.password(user_id, password_hash, stamp),
        drafts.register("profile", user_id, "", "displayname", localpart, stamp, public=True),
    ]
    if registration_token is not None:
        key = token_key(registration_token)
        made.append(drafts.register("registered_with", "", key, user_id, True, stamp))
    return made


async def get_available(service: Service, request: Request) -> Response:
    """Whether a name can be had."""
    service.node.rate.check(ratelimit.READ, request.address)
    username = request.query("username")
    if username is None:
        raise missing_param("The query lacks `username`.")
    available_user_id(service, username)
    return answer({"available": True})


async def get_token_validity(service: Service, request: Request) -> Response:
    """Whether an invitation code is valid."""
    service.node.rate.check(ratelimit.REGISTER, request.address)
    token = request.query("token")
    if token is None:
        raise missing_param("The query lacks `token`.")
    valid: dict[str, Any] = {
        "valid": registration_token_valid(
            service.node.context, token, service.node.now_ms(), service.node.log.key.node
        )
    }
    return answer(valid)


ROUTES = [
    Route("POST", "/_matrix/client/v3/register", register, auth="none"),
    Route("GET", "/_matrix/client/v3/register/available", get_available, auth="none"),
    Route(
        "GET",
        "/_matrix/client/v1/register/m.login.registration_token/validity",
        get_token_validity,
        auth="none",
    ),
]
