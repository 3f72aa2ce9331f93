"""For whom files can be made, and how far a destination is known to have each log."""

from binascii import Error
from collections.abc import Iterator
from dataclasses import dataclass

from bongsu.canonical import decode_base64
from bongsu.courier.bodies import asked
from bongsu.errors import MatrixError, invalid_param
from bongsu.hub.fill import Dot
from bongsu.hub.interest import interest_of
from bongsu.log.epoch import covered
from bongsu.log.record import LogName
from bongsu.log.vector import Vector
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view import registers

CORE = "core"
HELD = "held"


@dataclass(frozen=True, slots=True)
class Destination:
    """A hub, or all core nodes together. `keys`: (node, its sealing key)."""

    name: str
    keys: tuple[tuple[bytes, bytes], ...]


def destinations(node: Node) -> list[Destination]:
    """Every hub and the core, as far as they have said how to seal for them; never this node itself."""
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    revoked = node.context.authorities.revocations()
    for each in node.context.authorities.certificates():
        key = seal_key(node, each.node)
        if each.node != node.log.key.node and each.node not in revoked and key is not None:
            name = CORE if each.role == CORE else each.site
            found.setdefault(name, []).append((each.node, key))
    return [Destination(name, tuple(keys)) for name, keys in sorted(found.items())]


def destination(node: Node, name: str) -> Destination:
    """The destination of this name: `core`, a hub's site, or a core site's, which means the core.

    Raises:
        MatrixError: 400 M_INVALID_PARAM, there is none; the sentence says which there are.
    """
    found = {each.name: each for each in destinations(node)}
    sites = {each.site: each.role for each in node.context.authorities.certificates()}
    chosen = found.get(CORE if sites.get(name) == CORE else name)
    if chosen is None:
        known = ", ".join(found) or "none; link with another site once, so that their keys are known here"
        raise invalid_param(f"Nothing can be sealed for the site {name}. Destinations: {known}.")
    return chosen


def seal_key(node: Node, name: bytes) -> bytes | None:
    """What a node said others should seal for it with."""
    said = registers.get(node.context, "site", "", "", name.hex())
    text = said.get("seal_key") if isinstance(said, dict) else None
    try:
        key = decode_base64(text) if isinstance(text, str) else b""
    except (MatrixError, Error):
        return None
    return key if len(key) == 32 else None


def scopes_of(node: Node, target: Destination) -> frozenset[bytes] | None:
    """Of which scopes the destination may read the bodies: a hub of what its residents need; None: of all."""
    interests = [interest_of(node.context, name) for name, _ in target.keys]
    sets = [each.scopes for each in interests if each is not None]
    return frozenset.intersection(*sets) if sets else None


def lacks_of(node: Node, target: Destination) -> list[Dot]:
    """The bodies that the destination asked for when it last took a file."""
    found: dict[Dot, None] = {}
    for name, _ in target.keys:
        said = registers.get(node.context, HELD, "", "", name.hex())
        found.update(dict.fromkeys(asked(said.get("lacks") if isinstance(said, dict) else None)))
    return list(found)


class Known:
    """How far a destination has each log: what its nodes last said of themselves, or a live link knows."""

    def __init__(self, node: Node, peers: Peers, target: Destination) -> None:
        self._held = node.log.held()
        self._vectors = {name: held_vector(node, name) for name, _ in target.keys}
        self._links = peers.links

    def after(self, log: LogName) -> int:
        """Up to which seq every node of the destination has the log: any of them may get the file."""
        return min(self._after(log))

    def _after(self, log: LogName) -> Iterator[int]:
        for name, vector in self._vectors.items():
            link = self._links.get(name)
            told = 0 if link is None else link.has(log)
            yield max(told, covered(self._held, vector, log))


def held_vector(node: Node, name: bytes) -> Vector:
    """What a node said it held when it last took a file; nothing if it never did."""
    said = registers.get(node.context, HELD, "", "", name.hex())
    text = said.get("vector") if isinstance(said, dict) else None
    try:
        return Vector.decode(decode_base64(text)) if isinstance(text, str) else Vector.empty()
    except (MatrixError, Error):
        return Vector.empty()
