"""Where the program may connect to on a user's behalf: public addresses, resolved once and then held to."""

import asyncio
import ipaddress
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from bongsu import limits

# What is given out to the public internet; what translates to IPv4 is judged by the address it stands for.
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """The address leads nowhere, or to where a user has no business."""


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved address: connect to `url`, which names an IP address, and speak to `host`."""

    url: str
    host: str
    authority: str


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) % 2**32)
        if embedded is not None:
            return embedded.is_global
        if address not in _IPV6_PUBLIC:
            return False
    return address.is_global and not address.is_multicast


class Resolver:
    """Looks hosts up in threads of its own: whose name servers do not answer holds up nobody else's work."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, url: str) -> Target:
        """Look the host up. The connection goes to the address checked here, whatever the name says later.

        Raises:
            AddressRefused: it has no address, or one that is not public, or does not say within a bound.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(limits.LOOKUP_S):
                addresses = await asyncio.shield(self._looked_up(host, port))
        except (OSError, UnicodeError) as error:  # a TimeoutError is one, too
            raise AddressRefused(f"{host} has no address") from error
        if not addresses or not (self._allow_private or all(is_public(address) for address in addresses)):
            raise AddressRefused(f"{host} is not a public address")
        literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        query = f"?{parts.query}" if parts.query else ""
        return Target(f"{parts.scheme}://{literal}:{port}{parts.path}{query}", host, parts.netloc)

    def _looked_up(self, host: str, port: int) -> "asyncio.Future[list[str]]":
        """One look-up for all who ask at the same time."""
        place = host, port
        known = self._under_way.get(place)
        if known is not None:
            return known
        if len(self._under_way) >= limits.LOOKUPS_AT_ONCE_MAX:
            raise AddressRefused("too many addresses are being looked up")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()

        def told(found: list[str] | Exception) -> None:
            del self._under_way[place]
            if isinstance(found, Exception):
                future.set_exception(found)
                future.exception()  # whoever asked may not wait any more
            else:
                future.set_result(found)

        def look_up() -> None:
            found: list[str] | Exception
            try:
                entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found = [str(entry[4][0]).partition("%")[0] for entry in entries]
            except (OSError, UnicodeError) as error:
                found = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(told, found)

        self._under_way[place] = future
        # No pool's: the end of the program waits for those.
        threading.Thread(target=look_up, daemon=True).start()
        return future
