"""One request to a push gateway or push service: bounded in time, in size and in where it may go."""

import asyncio
from typing import TYPE_CHECKING, Any

from bongsu import limits
from bongsu.canonical import json_bytes, read_object
from bongsu.errors import MatrixError
from bongsu.gateway.addresses import resolve

if TYPE_CHECKING:
    import httpx

_ANSWER_BYTES_MAX = 65_536
# RFC 8030: the message was taken; the subscription has ended.
_TAKEN = frozenset({200, 201, 202, 204})
_GONE = frozenset({404, 410})


class GatewayError(Exception):
    """The gateway did not take the notification."""


class GatewayClient:
    """Keeps connections to gateways. httpx is loaded when the first notification is sent."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._http: httpx.AsyncClient | None = None

    async def post(self, url: str, body: dict[str, Any]) -> list[str]:
        """Send a notification to a Matrix gateway.

        Returns:
            the push keys the gateway rejects.
        Raises:
            GatewayError, AddressRefused: it was not taken.
        """
        headers = {"content-type": "application/json"}
        return _rejected(*await self._request(url, json_bytes(body), headers))

    async def push(self, endpoint: str, body: bytes, headers: dict[str, str]) -> bool:
        """Send a message to a browser's push service. False: the subscription is no more.

        Raises:
            GatewayError, AddressRefused: it was not taken.
        """
        status, _ = await self._request(endpoint, body, headers)
        if status in _GONE:
            return False
        if status not in _TAKEN:
            raise GatewayError(f"it answered {status}")
        return True

    async def _request(self, url: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                follow_redirects=False, trust_env=False, timeout=limits.PUSH_TIMEOUT_S
            )
        target = await resolve(url, allow_private=self._allow_private)
        try:
            async with (
                asyncio.timeout(limits.PUSH_TIMEOUT_S),
                self._http.stream(
                    "POST",
                    target.url,
                    content=content,
                    headers={**headers, "host": target.authority},
                    extensions={"sni_hostname": target.host},
                ) as response,
            ):
                answer = b""
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > _ANSWER_BYTES_MAX:
                        raise GatewayError("its answer is too long")
                return response.status_code, answer
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise GatewayError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()


def _rejected(status: int, answer: bytes) -> list[str]:
    if status != 200:
        raise GatewayError(f"it answered {status}")
    try:
        rejected = read_object(answer, floats=True).get("rejected")
    except MatrixError as error:
        raise GatewayError("its answer is not JSON") from error
    return [each for each in rejected if isinstance(each, str)] if isinstance(rejected, list) else []
