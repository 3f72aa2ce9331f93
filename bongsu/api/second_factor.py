"""The second factor of whoever sees the tower or administers: a code of the hour (TOTP, RFC 6238).

A session that gave one is trusted for some hours, at the site that it gave it to."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.errors import MatrixError, forbidden
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import registers

FAMILY = "totp"
ERRCODE = "KR_BONGSU_SECOND_FACTOR"


def secret_of(node: Node, user_id: str) -> str | None:
    """The user's secret, if they have enrolled."""
    value = registers.get(node.context, FAMILY, user_id, "", "")
    return value["secret"] if isinstance(value, dict) and isinstance(value.get("secret"), str) else None


async def forget_secret(node: Node, user_id: str) -> None:
    """Take the user's second factor away: they can set up another."""
    stamp = registers.stamp_after(node.context, node.now_ms(), FAMILY, user_id, "", "")
    await node.write(drafts.register(FAMILY, user_id, "", "", None, stamp))


def check_second_factor(service: Service, request: Request) -> None:
    """Refuse a session that gave no code lately.

    Raises:
        MatrixError: 401 KR_BONGSU_SECOND_FACTOR; `enrolled` says whether the user has a secret.
    """
    until = service.second_factors.get(request.who.session)
    if until is not None and until > service.node.clock.monotonic():
        return
    enrolled = secret_of(service.node, request.who.user_id) is not None
    sentence = (
        "This needs the code that your authenticator app shows."
        if enrolled
        else "This needs a second factor. Set one up in an authenticator app first."
    )
    # Not a token that is wrong: clients must not log out.
    raise MatrixError(403, ERRCODE, sentence, enrolled=enrolled)


async def post_enrol(service: Service, request: Request) -> Response:
    """POST /_bongsu/client/v1/second_factor/enrol: a new secret, which counts once a code of it was given."""
    import pyotp

    user_id = request.who.user_id
    if secret_of(service.node, user_id) is not None:
        raise forbidden(
            "You have a second factor already. Who runs the service can take it away: "
            "bongsu user reset-second-factor."
        )
    service.node.rate.check(ratelimit.LOGIN_USER, user_id)
    secret = pyotp.random_base32()
    service.secrets_offered.put(user_id, secret)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user_id, issuer_name=service.node.config.server_name)
    return answer({"secret": secret, "uri": uri})


async def post_code(service: Service, request: Request) -> Response:
    """POST /_bongsu/client/v1/second_factor: a code, good once."""
    import pyotp

    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.SECOND_FACTOR, user_id)
    code = string(request.json(), "code")
    known = secret_of(node, user_id)
    secret = known or service.secrets_offered.get(user_id)
    step = None if secret is None else _step(pyotp.TOTP(secret), code, node.now_ms() // 1000)
    used = service.codes_used.get(user_id)
    if secret is None or step is None or (used is not None and step <= used):
        raise forbidden("The code is wrong or was used before. Wait for the next one and try again.")
    service.codes_used.put(user_id, step)
    if known is None:
        stamp = registers.stamp_after(node.context, node.now_ms(), FAMILY, user_id, "", "")
        await node.write(drafts.register(FAMILY, user_id, "", "", {"secret": secret}, stamp))
        service.secrets_offered.drop(user_id)
    until = node.clock.monotonic() + limits.SECOND_FACTOR_S
    service.second_factors.put(request.who.session, until)
    return answer({"expires_in_ms": limits.SECOND_FACTOR_S * 1000})


def _step(totp: Any, code: str, now_s: int) -> int | None:
    """Which step of time the code is of: this one, or one beside it, since clocks differ."""
    for step in (now_s // totp.interval + off for off in (0, -1, 1)):
        if totp.verify(code, for_time=step * totp.interval):
            return int(step)
    return None


_PATH = "/_bongsu/client/v1/second_factor"

ROUTES = [
    Route("POST", f"{_PATH}/enrol", post_enrol),
    Route("POST", _PATH, post_code),
]
