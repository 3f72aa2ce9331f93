"""Where the program may connect to on a user's behalf: public addresses, resolved once and then held to."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

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


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Look the host up. The connection goes to the address checked here, whatever the name says later.

    Raises:
        AddressRefused: it has no address, or one that is not public.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"{host} has no address") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not addresses or not (allow_private or all(is_public(address) for address in addresses)):
        raise AddressRefused(f"{host} is not a public address")
    literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    query = f"?{parts.query}" if parts.query else ""
    return Target(f"{parts.scheme}://{literal}:{port}{parts.path}{query}", host, parts.netloc)
