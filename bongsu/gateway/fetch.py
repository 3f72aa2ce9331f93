"""Reading an address that a person named."""

from urllib.parse import urlsplit

from bongsu import limits
from bongsu.gateway.addresses import AddressRefused
from bongsu.gateway.request import RequestError, Requests


class FetchError(Exception):
    """Nothing came that can be used. The message is a sentence."""


class Fetcher(Requests):
    """Keeps connections to those who publish."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__(allow_private=allow_private, timeout_s=limits.FEED_TIMEOUT_S)
        self._http_too = allow_private

    async def get(self, url: str, bytes_max: int) -> bytes:
        """The body of an answer 200.

        Raises:
            FetchError: with the reason.
        """
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and self._http_too):
            raise FetchError(f"{url[:200]} is not an https address.")
        try:
            status, body = await self.send("GET", url, bytes_max)
        except AddressRefused as error:
            raise FetchError(f"{error}.") from error
        except RequestError as error:
            raise FetchError(f"It does not answer as it should: {error}.") from error
        if status != 200:
            raise FetchError(f"It answered {status}.")
        return body
