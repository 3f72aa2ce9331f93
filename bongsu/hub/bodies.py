"""Bodies given and taken by record, over a link or by file: who may have one, and whose word counts."""

import logging
from collections.abc import Callable, Sequence

from bongsu.hub.fill import Dot, Given
from bongsu.log.record import BodyState
from bongsu.log.store import Damaged, LogStore
from bongsu.log.withheld import Filling

logger = logging.getLogger(__name__)

# Whether the receiver may read the bodies of a scope.
Allowed = Callable[[bytes], bool]
_WHOLE = (BodyState.FULL, BodyState.HOLLOW)


def given(log: LogStore, dot: Dot, allowed: Allowed) -> Given:
    """The body of a record as it is here; None: it is not here, or the receiver may not have it."""
    try:
        found = log.log_records(*dot, 1)
    except Damaged as damage:
        logger.error("%s", damage)
        log.on_damaged(damage)
        return None
    if not found or found[0].header.seq != dot[1] or not allowed(found[0].header.scope):
        return None
    return (found[0].state, found[0].body) if found[0].state in _WHOLE else None


def fillings(dots: Sequence[Dot], bodies: Sequence[Given], giver: bytes, *, core: bool) -> list[Filling]:
    """What counts of it. Nothing proves what a hub says of others' hollow bodies (bearer/bundle.py)."""
    return [
        Filling(log, seq, *each)
        for (log, seq), each in zip(dots, bodies, strict=False)
        if each is not None and (each[0] == BodyState.FULL or core or log.node == giver)
    ]
