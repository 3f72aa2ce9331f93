"""A node's figures for the tower of every site: few and small, told with the status that is told anyway."""

import os
from pathlib import Path
from typing import Any

from bongsu import __version__
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
        "nats": None if parts.fabric is None else parts.fabric.connected,
    }


def resident_bytes() -> int:
    """The memory that the process has of the machine's."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
