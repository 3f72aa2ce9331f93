"""Opening a node for service, with what its last end left to be put right."""

import logging

from bongsu import suspicion
from bongsu.clock import Clock
from bongsu.config import Config
from bongsu.errors import FatalError, StoreDamaged
from bongsu.fork_notes import ForkNotes
from bongsu.log.reader import Damaged
from bongsu.node import Node
from bongsu.operate.forked import open_forked
from bongsu.operate.repair import Progress, check, repair
from bongsu.operate.watch import VIEW_SUSPECT
from bongsu.service import Service
from bongsu.suspicion import SUSPECT

logger = logging.getLogger(__name__)


async def open_service(config: Config, clock: Clock, progress: Progress) -> Service:
    """The node, introduced, with all its parts; damage of its log that shows only now is put right, too.

    Raises:
        FatalError: it cannot be opened; the sentence says what to do.
    """
    try:
        return await _introduced(config, clock, progress)
    except Damaged as damage:
        if not config.has_several_sites:
            raise StoreDamaged(f"{damage} Run `bongsu verify`.") from damage
        logger.error("%s", damage)
        suspicion.note(config.data, damage)
    return await _introduced(config, clock, progress)


async def _introduced(config: Config, clock: Clock, progress: Progress) -> Service:
    node = await open_node(config, clock, progress)
    try:
        await node.introduce()
        return Service(node)
    except (FatalError, Damaged):
        node.close()
        raise


async def open_node(config: Config, clock: Clock, progress: Progress) -> Node:
    """Open the node; a log that forked is put right first, and so is a damaged one if others can fill it.

    Raises:
        FatalError: it cannot be opened; the sentence says what to do.
    """
    if ForkNotes(config.data).left:
        return await open_forked(config, clock, progress)
    try:
        if (config.data / SUSPECT).exists():
            problems = check(config, clock)
            if problems:
                raise StoreDamaged(f"log.db is damaged: {problems[0]}")
        return _with_sound_view(config, clock, progress)
    except StoreDamaged as damage:
        if not config.has_several_sites:
            raise
        logger.error("%s", damage)
    done = await repair(config, clock)
    logger.error(
        "log.db was damaged: it is kept as %s; %d of its %d records are whole and were taken over, the other"
        " sites bring the rest",
        done.aside,
        done.taken,
        done.records,
    )
    return Node.open(config, clock, progress, repaired=True)


def _with_sound_view(config: Config, clock: Clock, progress: Progress) -> Node:
    """The node; its view is built anew where the last start showed otherwise than other sites."""
    suspect = config.data / VIEW_SUSPECT
    if suspect.exists():
        logger.warning("view.db did not show what other sites show: it is built anew from the log")
    node = Node.open(config, clock, progress, fresh_view=suspect.exists())
    suspect.unlink(missing_ok=True)
    return node
