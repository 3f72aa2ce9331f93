"""What a node says of itself on a LAN by mDNS, and what is read of others. RFC 6763. Pure.

Nothing of it is believed: whoever is found is called, and proves who it is by the handshake."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

TYPE = "_bongsu._tcp.local."
VERSION = "1"
NODE_CHARACTERS = 32
SERVICE_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Announcement:
    """A node of a service on a LAN. `service`: the first half of the SHA-256 of its name, in hex."""

    service: str
    node: str
    encrypted: bool

    @property
    def name(self) -> str:
        """The instance's name."""
        return f"{self.node}.{TYPE}"

    @property
    def properties(self) -> dict[str, str]:
        """The TXT record."""
        scheme = "https" if self.encrypted else "http"
        return {"v": VERSION, "service": self.service, "node": self.node, "scheme": scheme}


def service_of(server_name: str) -> str:
    """How a service is named on a LAN."""
    return sha256(server_name.encode()).hexdigest()[:SERVICE_CHARACTERS]


def url_of(
    own: Announcement, properties: Mapping[bytes, bytes | None], addresses: Iterable[str], port: int | None
) -> str | None:
    """Where to call who announced this, or None: it is this node, of another service, or cannot be called.

    Args:
        properties: the TXT record, as it came from the network.
        addresses: what the name resolved to.
    """
    if properties.get(b"v") != VERSION.encode() or properties.get(b"service") != own.service.encode():
        return None
    node = properties.get(b"node")
    scheme = b"https" if own.encrypted else b"http"
    if node is None or len(node) != NODE_CHARACTERS or node == own.node.encode():
        return None
    # Where one of two encrypts its links, the other cannot be called.
    if properties.get(b"scheme") != scheme or not port or not 0 < port < 65_536:
        return None
    usable = sorted(filter(_is_near, addresses), key=lambda text: (":" in text, text))
    if not usable:
        return None
    host = f"[{usable[0]}]" if ":" in usable[0] else usable[0]
    return f"{scheme.decode()}://{host}:{port}"


def _is_near(text: str) -> bool:
    """Whether an address is one of a LAN or of this machine: mDNS must not lead anybody into the Internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return (address.is_private or address.is_loopback) and not (
        address.is_link_local and address.version == 6
    )
