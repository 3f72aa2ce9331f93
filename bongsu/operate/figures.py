"""A node's figures for the tower of every site: few and small, told with the status that is told anyway."""

from typing import Any

from bongsu import __version__
from bongsu.operate.metrics import resident_bytes
from bongsu.operate.parts import Parts

_MIB = 1024 * 1024
_FAILED = 500


def figures(parts: Parts) -> dict[str, Any]:
    """Counts are since the node's start; `docs/protocol/tower.md` says what each means."""
    node = parts.service.node
    requests = parts.requests
    return {
        "release": __version__,
        "resident_mib": resident_bytes() // _MIB,
        "records": node.log.head_position,
        "fsyncs": node.log.transactions.commits,
        "requests": sum(requests.values()),
        "failed": sum(count for (_, status), count in requests.items() if status >= _FAILED),
        "push_waiting": parts.sender.waiting,
        "media_lacking": parts.service.media.copies.lacking,
        "batches": dict(node.promises.counts),
        "nats": parts.fabric.connected if node.config.nats else None,
    }
