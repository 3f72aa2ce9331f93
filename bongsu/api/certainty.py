"""Refusing tokens for certain: another site may have made one a moment ago, or while this one is cut off."""

from collections.abc import Callable
from typing import TypeVar

from bongsu import limits
from bongsu.api.http import NOT_HEARD_YET
from bongsu.errors import MatrixError
from bongsu.service import Service

T = TypeVar("T")

_RETRY_AFTER_MS = 2_000
_HEADERS = (NOT_HEARD_YET, ("retry-after", str(_RETRY_AFTER_MS // 1000)))


async def certain(service: Service, attempt: Callable[[], T]) -> T:
    """What an attempt gives that looks for a token here.

    Told M_UNKNOWN_TOKEN, clients log out and throw their keys away. It is said when every other site is
    linked and this node has what they had on disk after the request came.

    Raises:
        MatrixError: what the attempt raises; 429 M_LIMIT_EXCEEDED for a token that another site may know.
    """
    try:
        return attempt()
    except MatrixError as error:
        if not service.node.config.has_several_sites or error.fields.get("soft_logout"):
            raise
        is_unknown = _says_unknown(error)
    if not is_unknown:
        await service.peers.elsewhere.catch_up()
        return attempt()
    sure = await service.peers.elsewhere.has_all(limits.TOKEN_WAIT_S)
    try:
        return attempt()
    except MatrixError as error:
        if sure or not _says_unknown(error):
            raise
        raise MatrixError(
            429,
            "M_LIMIT_EXCEEDED",
            f"This site ({service.node.config.site}) has not heard from every other site yet, and does not "
            "know your log-in. You stay logged in: try again in a moment, or use another site.",
            headers=_HEADERS,
            retry_after_ms=_RETRY_AFTER_MS,
        ) from None


def _says_unknown(error: MatrixError) -> bool:
    """Whether a client that is told so throws its keys away."""
    return error.errcode == "M_UNKNOWN_TOKEN" and not error.fields.get("soft_logout")
