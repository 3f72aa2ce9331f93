"""One request to an address that somebody named: bounded in time, in size and in where it may go."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from bongsu import limits
from bongsu.gateway.addresses import Resolver

if TYPE_CHECKING:
    import httpx


class RequestError(Exception):
    """No answer came that can be used."""


class Requests:
    """Keeps connections. httpx is loaded at the first use."""

    def __init__(self, *, allow_private: bool, timeout_s: float) -> None:
        self._resolver = Resolver(allow_private=allow_private)
        self._timeout_s = timeout_s
        # By address: one that hangs keeps its own waiting, and leaves connections to others.
        self._at_once: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._http: httpx.AsyncClient | None = None

    async def send(
        self,
        method: str,
        url: str,
        bytes_max: int,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """(status, body) of the answer. Redirects are not followed: they could lead anywhere.

        Raises:
            RequestError, AddressRefused: there is none, or it is longer than `bytes_max`.
        """
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=self._timeout_s,
                limits=httpx.Limits(max_connections=limits.REQUESTS_OUT_MAX, max_keepalive_connections=20),
            )
        try:
            target = await self._resolver.resolve(url)
            address = urlsplit(target.url).netloc
            at_once = self._at_once.get(address) or asyncio.Semaphore(limits.REQUESTS_OUT_PER_ADDRESS_MAX)
            self._at_once[address] = at_once
            async with (
                at_once,
                asyncio.timeout(self._timeout_s),
                self._http.stream(
                    method,
                    target.url,
                    content=content,
                    headers={**(headers or {}), "host": target.authority},
                    extensions={"sni_hostname": target.host},
                ) as response,
            ):
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > bytes_max:
                        raise RequestError(f"its answer is larger than {bytes_max} bytes")
                return response.status_code, body
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            raise RequestError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
