"""Deriving the view again beside the one that serves, after a revocation (docs/decisions/authority.md)."""

import asyncio
import logging
from contextlib import suppress

from bongsu import limits
from bongsu.errors import FatalError
from bongsu.log.record import Record
from bongsu.node import Node
from bongsu.view.apply import apply_records
from bongsu.view.changes import Changes
from bongsu.view.checkpoint import Checkpointer
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.opening import BESIDE
from bongsu.view.rebuild import Seeds, begin

logger = logging.getLogger(__name__)


class Rederiver:
    """Watches for rows that a revocation contradicts. One derivation at a time, on the loop, in small steps.

    Records that arrive meanwhile are judged by the new cut at once, in both views.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on, after every batch."""
        self._node.listeners.append(self._heard)

    def _heard(self, _: Changes) -> None:
        if self._task is None and self._node.context.authorities.stale:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        logger.warning("a node was revoked: the view is derived again without what it wrote beyond the cut")
        try:
            while self._node.context.authorities.stale:
                await self._derive()
        except Exception as error:
            logger.exception("deriving the view again failed")
            self._node.fail(
                FatalError(f"The view could not be derived again ({error}). Run `bongsu rebuild`.")
            )
            raise
        finally:
            self._task = None
        logger.warning("the view is derived again")

    async def _derive(self) -> None:
        context, log = self._node.context, self._node.log
        path, root_key = context.db.path.with_name(BESIDE), context.authorities.root_key
        seeds = Seeds.of(context.db)
        while True:
            beside = begin(path, log, root_key, self._node.now_ms, seeds)
            try:
                await self._catch_up(beside)
            except BaseException:
                beside.db.close()
                raise
            if not beside.authorities.stale:
                # Nothing was awaited since the last record, so both views end at the same one.
                self._node.replace_view(beside.db)
                return
            # It met a revocation that came while it was built, or an event that another node has, too.
            seeds = Seeds.of(beside.db)
            beside.db.close()

    async def _catch_up(self, beside: Context) -> None:
        checkpointer = Checkpointer(beside.db.path)
        try:
            while records := self._shown(beside.db.cursor):
                apply_records(beside, records)
                checkpointer.after_batch()
                # Whoever is served goes first.
                await asyncio.sleep(0)
        finally:
            checkpointer.close()

    def _shown(self, position: int) -> list[Record]:
        """The next records that the view that serves shows: what waits for its promise is in neither."""
        records = self._node.log.after(position, limits.REDERIVE_RECORDS_AT_ONCE)
        return [record for record in records if record.position <= self._node.context.db.cursor]

    async def close(self) -> None:
        """Stop where it is; the next start begins anew."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        Database.remove(self._node.context.db.path.with_name(BESIDE))
