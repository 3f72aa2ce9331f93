"""Reading an address that a person named: bounded in time, in size and in where it may go."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bongsu import limits
from bongsu.gateway.addresses import AddressRefused, resolve

if TYPE_CHECKING:
    import httpx


class FetchError(Exception):
    """Nothing came that can be used. The message is a sentence."""


class Fetcher:
    """Keeps connections. httpx is loaded at the first use."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._http: httpx.AsyncClient | None = None

    async def get(self, url: str, bytes_max: int) -> bytes:
        """The body of an answer 200. Redirects are not followed: they could lead anywhere.

        Raises:
            FetchError: with the reason.
        """
        import httpx

        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and self._allow_private):
            raise FetchError(f"{url[:200]} is not an https address.")
        if self._http is None:
            self._http = httpx.AsyncClient(
                follow_redirects=False, trust_env=False, timeout=limits.FEED_TIMEOUT_S
            )
        try:
            target = await resolve(url, allow_private=self._allow_private)
            async with (
                asyncio.timeout(limits.FEED_TIMEOUT_S),
                self._http.stream(
                    "GET",
                    target.url,
                    headers={"host": target.authority},
                    extensions={"sni_hostname": target.host},
                ) as response,
            ):
                return await _read(response, bytes_max)
        except AddressRefused as error:
            raise FetchError(f"{error}.") from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            raise FetchError(f"It does not answer: {str(error) or type(error).__name__}.") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()


async def _read(response: "httpx.Response", bytes_max: int) -> bytes:
    if response.status_code != 200:
        raise FetchError(f"It answered {response.status_code}.")
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > bytes_max:
            raise FetchError(f"It is larger than {bytes_max} bytes. Nothing of it was read.")
    return body
