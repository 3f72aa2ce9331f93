"""Where a record is on its way to the data centres: there, or waiting here for a link or a courier."""

from typing import TYPE_CHECKING

from bongsu.authority import CORE
from bongsu.courier.desk import Desk
from bongsu.courier.destinations import CORE as TO_CORE
from bongsu.courier.destinations import held_vector
from bongsu.log.epoch import covered
from bongsu.log.record import LogName, Record
from bongsu.node import Node
from bongsu.peers import Peers

if TYPE_CHECKING:
    from bongsu.hub.radio import Radio


def route(
    node: Node, peers: Peers, desk: Desk, record: Record, radio: "Radio | None" = None
) -> dict[str, object]:
    """`at_core`: whether a data centre has it, null: unknown; `core_linked`; `courier_ms`: when taken.

    `radio`, where it is in use: whom it reaches.
    """
    at_core: bool | None = core_has(node, peers, record.log, record.header.seq)
    if not at_core and record.position <= peers.started_at:
        at_core = None  # what links told before the start is forgotten
    courier_ms = None if at_core else desk.taken_ms(TO_CORE, record)
    linked = _core_linked(node, peers) or any(name in peers.thin for name in _core_nodes(node))
    found: dict[str, object] = {"at_core": at_core, "core_linked": linked, "courier_ms": courier_ms}
    ways = [] if radio is None else radio.ways(record)
    return {**found, "radio": ways} if ways else found


def core_has(node: Node, peers: Peers, log: LogName, seq: int) -> bool:
    """Whether a core node wrote it, has it by a live link, or said so when it last took a file."""
    held = node.log.held()
    for name in _core_nodes(node):
        if name in (node.log.key.node, log.node):
            return True
        if max(peers.had(name, log), covered(held, held_vector(node, name), log)) >= seq:
            return True
    return False


def alone_since_ms(node: Node, peers: Peers) -> int | None:
    """Since when no data centre is linked with this hub, or its start; None: one is, or this is no hub."""
    if node.config.role == CORE or _core_linked(node, peers):
        return None
    return max((peers.changed_ms.get(name, 0) for name in _core_nodes(node)), default=0) or peers.started_ms


def _core_linked(node: Node, peers: Peers) -> bool:
    return any(name == node.log.key.node or name in peers.links for name in _core_nodes(node))


def _core_nodes(node: Node) -> list[bytes]:
    certificates = node.context.authorities.certificates()
    found = [each.node for each in certificates if each.role == CORE]
    # A service of one node without a root key is its own data centre.
    return found or [node.log.key.node]
