"""A start after this node's log forked: the others' history stands, its own part is written again behind it.

So nobody's message is lost, no number changes at others, and all end with the same logs (DESIGN 5.1)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from bongsu.clock import Clock
from bongsu.config import Config
from bongsu.fork_notes import ForkNotes
from bongsu.log.key import NodeKey
from bongsu.log.reader import Reader
from bongsu.log.record import Draft, Kind, Lane, LogName
from bongsu.log.schema import connect
from bongsu.log.store import LogStore
from bongsu.node import Node
from bongsu.operate.repair import Progress, set_aside, take_over
from bongsu.view.db import Database

logger = logging.getLogger(__name__)

DRAFTS_AT_ONCE = 100
RECORDS_AT_ONCE = 500


async def open_forked(
    config: Config, clock: Clock, progress: Progress, open_log: Callable[..., LogStore] = LogStore.open
) -> Node:
    """Open a node whose log forked. Interrupted anywhere, the next start goes on.

    `open_log`: the simulator's to replace.

    Raises:
        FatalError: it cannot be opened; the sentence says what to do.
    """
    notes = ForkNotes(config.data)
    key = NodeKey.load(config.data / "node.key")
    commons = {LogName(key.node, each.epoch, Lane(each.lane)): each.common for each in notes.left}
    aside = config.data / notes.aside if notes.aside else None
    if aside is None or not (config.data / "log.db").exists():
        aside = aside or set_aside(config.data, "forked")
        notes.set_aside(aside.name)
        Database.remove(config.data / "view.db")
        part = config.data / "log.db"
        with closing(open_log(part, key, clock=clock, free_bytes_min=config.free_bytes_min)) as store:
            await take_over(aside, store, commons)
    node = Node.open(config, clock, progress, repaired=True, open_log=open_log)
    written = 0
    drafts = list(_left_out(aside, commons))
    for at in range(0, len(drafts), DRAFTS_AT_ONCE):
        written += len(await node.write(*drafts[at : at + DRAFTS_AT_ONCE]))
    notes.finish()
    logger.error(
        "this node's log had forked: %d records are written again; the log before is kept as %s",
        written,
        aside,
    )
    return node


def _left_out(aside: Path, commons: dict[LogName, int]) -> Iterator[Draft]:
    """What this node wrote behind the point where its logs fork, as drafts with the stamps they had."""
    found = []
    with closing(connect(aside)) as connection:
        reader = Reader(connection)
        for log, common in commons.items():
            log_id, first = reader.log_id(log), common + 1
            while log_id is not None:
                records = reader.log(log_id, first, RECORDS_AT_ONCE)
                found += [record for record in records if record.body and record.header.kind != Kind.EPOCH]
                if not records:
                    break
                first = records[-1].header.seq + 1
    for record in sorted(found, key=lambda each: each.position):
        header = record.header
        yield Draft(header.kind, header.scope, record.log.lane, header.stamp, record.body or b"")
