"""Where a node's logs end, as another holds them, and revocations that are handed in (DESIGN 5.2)."""

import re
from collections.abc import Iterable

from bongsu import authority, drafts
from bongsu.authority import Cut
from bongsu.clock import next_stamp
from bongsu.errors import invalid_param, not_found
from bongsu.log.record import NODE_BYTES, Lane, LogName
from bongsu.log.store import LogStore
from bongsu.node import Node

_CUT = re.compile(r"([0-9a-f]{16})/(urgent|text|bulk)/([0-9]{1,15})/([0-9a-f]{64})")
RECORDS_AT_ONCE = 500


def cuts_of(node: Node, name: str, stamp_max: int | None) -> tuple[bytes, list[Cut]]:
    """The node that `name` (its id or site) means, and the ends of its logs as they are held here.

    `stamp_max`: behind the last record before the first whose stamp is later; None: all that is held.
    Raises:
        MatrixError: there is no such node, or several.
    """
    found = _named(node, name)
    cuts = [_cut(node.log, log, seq, stamp_max) for log, seq in node.log.held_of(found)]
    return found, [cut for cut in cuts if cut is not None]


def check_not_last(node: Node, gone: bytes) -> None:
    """Refuse to shut out the last data centre: nothing could be written for the service any more.

    Raises:
        MatrixError: 400 M_INVALID_PARAM.
    """
    authorities = node.context.authorities
    revoked = authorities.revocations()
    cores = {each.node for each in authorities.certificates() if each.role == authority.CORE}
    if cores - revoked.keys() == {gone}:
        raise invalid_param(
            f"{gone.hex()} is the last data centre of this service; without it nobody but hubs goes on. Let "
            "another in first, or say --last if that is what you want."
        )


async def take_revocation(node: Node, text: str) -> bytes:
    """Write a revocation into this node's log, unless a later one is known; the node it is of.

    Raises:
        MatrixError: the root key of this service did not sign it.
    """
    root_key = node.context.authorities.root_key
    if root_key is None:
        raise not_found("This service has no root key, so nobody can be shut out of it.")
    revocation = authority.read_revocation(root_key, text)
    if revocation.replaces(node.context.authorities.revocations().get(revocation.node)):
        await node.write(drafts.revocation(revocation.text, next_stamp(node.now_ms())))
    return revocation.node


def _named(node: Node, name: str) -> bytes:
    if is_node(name):
        return bytes.fromhex(name)
    found = [each.node for each in node.context.authorities.certificates() if each.site == name]
    if len(found) == 1:
        return found[0]
    many = f"{len(found)} nodes" if found else "no node"
    raise invalid_param(f"There is {many} at the site {name}. Name the node as `bongsu site list` shows it.")


def _cut(store: LogStore, log: LogName, seq: int, stamp_max: int | None) -> Cut | None:
    """Behind the last record before the first whose stamp is later; None: before all of them."""
    if stamp_max is None:
        (record,) = store.log_records(log, seq, 1)
        return Cut(log.epoch, log.lane, seq, record.hash)
    last = None
    for first in range(1, seq + 1, RECORDS_AT_ONCE):
        for record in store.log_records(log, first, min(RECORDS_AT_ONCE, seq - first + 1)):
            if record.header.stamp > stamp_max:
                return last
            last = Cut(log.epoch, log.lane, record.header.seq, record.hash)
    return last


def is_node(name: str) -> bool:
    """Whether this is a node's id, and not a site."""
    return re.fullmatch(f"[0-9a-f]{{{2 * NODE_BYTES}}}", name) is not None


def format_cuts(cuts: Iterable[Cut]) -> str:
    """Cuts as text: epoch/lane/seq/hash, with commas between them."""
    return ",".join(f"{cut.epoch:016x}/{cut.lane.name.lower()}/{cut.seq}/{cut.hash.hex()}" for cut in cuts)


def parse_cuts(text: str) -> list[Cut] | None:
    """Read `format_cuts`; None if this is something else."""
    cuts = []
    for part in text.split(",") if text else []:
        match = _CUT.fullmatch(part)
        if match is None:
            return None
        cuts.append(Cut(int(match[1], 16), Lane[match[2].upper()], int(match[3]), bytes.fromhex(match[4])))
    return cuts
