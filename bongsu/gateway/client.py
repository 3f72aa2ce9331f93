"""What push gateways and browsers' push services are asked, and what their answers mean."""

from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes, read_object
from bongsu.errors import MatrixError
from bongsu.gateway.request import RequestError, Requests

_ANSWER_BYTES_MAX = 65_536
# RFC 8030: the message was taken; the subscription has ended.
_TAKEN = frozenset({200, 201, 202, 204})
_GONE = frozenset({404, 410})


class GatewayClient(Requests):
    """Keeps connections to gateways."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__(allow_private=allow_private, timeout_s=limits.PUSH_TIMEOUT_S)

    async def post(self, url: str, body: dict[str, Any]) -> list[str]:
        """Send a notification to a Matrix gateway.

        Returns:
            the push keys the gateway rejects.
        Raises:
            RequestError, AddressRefused: it was not taken.
        """
        headers = {"content-type": "application/json"}
        return _rejected(*await self.send("POST", url, _ANSWER_BYTES_MAX, json_bytes(body), headers))

    async def push(self, endpoint: str, body: bytes, headers: dict[str, str]) -> bool:
        """Send a message to a browser's push service. False: the subscription is no more.

        Raises:
            RequestError, AddressRefused: it was not taken.
        """
        status, _ = await self.send("POST", endpoint, _ANSWER_BYTES_MAX, body, headers)
        if status in _GONE:
            return False
        if status not in _TAKEN:
            raise RequestError(f"it answered {status}")
        return True


def _rejected(status: int, answer: bytes) -> list[str]:
    if status != 200:
        raise RequestError(f"it answered {status}")
    try:
        rejected = read_object(answer, floats=True).get("rejected")
    except MatrixError as error:
        raise RequestError("its answer is not JSON") from error
    return [each for each in rejected if isinstance(each, str)] if isinstance(rejected, list) else []
