"""What a node says of itself on a LAN by mDNS, and what is read of others. RFC 6763. Pure.

Nothing of it is believed: whoever is found is called, and proves who it is by the handshake."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

# How links are taken: by a certificate of the service's authority, by one of the node's own, in plain text.
AUTHORITY, BOUND, PLAIN = "https", "bound", "http"
TYPE = "_bongsu._tcp.local."
VERSION = "1"
HEX = re.compile(rb"[0-9a-f]{32}")
SERVICE_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Announcement:
    """A node of a service on a LAN. `service`: the first half of the SHA-256 of its name, in hex."""

    service: str
    node: str
    scheme: str

    @property
    def name(self) -> str:
        """The instance's name."""
        return f"{self.node}.{TYPE}"

    @property
    def properties(self) -> dict[str, str]:
        """The TXT record."""
        return {"v": VERSION, "service": self.service, "node": self.node, "scheme": self.scheme}


@dataclass(frozen=True, slots=True)
class Found:
    """Who announced itself, and where it takes links. `scheme`: as it says."""

    node: bytes
    scheme: str
    url: str


def service_of(server_name: str) -> str:
    """How a service is named on a LAN."""
    return sha256(server_name.encode()).hexdigest()[:SERVICE_CHARACTERS]


def found(
    own: Announcement, properties: Mapping[bytes, bytes | None], addresses: Iterable[str], port: int | None
) -> Found | None:
    """Who announced this, or None: it is this node, of another service, or what it says leads nowhere.

    Args:
        properties: the TXT record, as it came from the network.
        addresses: what the name resolved to.
    """
    if properties.get(b"v") != VERSION.encode() or properties.get(b"service") != own.service.encode():
        return None
    name = properties.get(b"node") or b""
    if not HEX.fullmatch(name) or name == own.node.encode() or not port or not 0 < port < 65_536:
        return None
    scheme = (properties.get(b"scheme") or b"").decode(errors="replace")
    if scheme not in (AUTHORITY, BOUND, PLAIN):
        return None
    usable = sorted(filter(_is_near, addresses), key=lambda text: (":" in text, text))
    if not usable:
        return None
    host = f"[{usable[0]}]" if ":" in usable[0] else usable[0]
    url = f"{PLAIN if scheme == PLAIN else 'https'}://{host}:{port}"
    return Found(bytes.fromhex(name.decode()), scheme, url)


def _is_near(text: str) -> bool:
    """Whether an address is one of a LAN or of this machine: mDNS must not lead anybody into the Internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return (address.is_private or address.is_loopback) and not (
        address.is_link_local and address.version == 6
    )
