"""Carrying out drills that officers ordered for this site: in a laboratory, or with the site itself."""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bongsu import drafts, limits
from bongsu.config import DRILLS
from bongsu.console import real_drills
from bongsu.errors import MatrixError
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.tower.drill import READY, Drill, drills
from bongsu.tower.drill_order import FABRIC, LAB, RESTART
from bongsu.view import registers
from bongsu.view.apply_tower import TOWER
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)

FAMILY = "drill_report"
INTERRUPTED = {"interrupted": 1, "broken": 1}
_RUN = "import sys; from bongsu.cli import main; main(sys.argv[1:])"
# Of a laboratory's figures what the tower shows; the rest is in no record.
_KEPT = (
    *("clients", "acknowledged", "lost", "gaps", "duplicates", "struck_p95_s", "struck_p99_s"),
    *("sites_agreed_after_s", "digests_differ"),
)


class DrillRunner:
    """One drill at a time, each once, as its report remembers. The setting `drills` says what it may do.

    `restart`: ends this node in order, for a service manager to start it again.
    """

    def __init__(self, node: Node, peers: Peers, restart: Callable[[], None]) -> None:
        self._node = node
        self._peers = peers
        self._restart = restart
        self._begun: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, where the setting lets it."""
        if self._node.config.drills != "off":
            self._node.listeners.append(self._applied)
        self._task = asyncio.ensure_future(self._say_what_became())

    async def close(self) -> None:
        """Stop listening; a laboratory that runs is ended."""
        if self._listens:
            self._node.listeners.remove(self._applied)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._peers.isolate(on=False)
        self._peers.leave_fabric(on=False)

    @property
    def _listens(self) -> bool:
        return self._applied in self._node.listeners

    async def _say_what_became(self) -> None:
        """A drill that this node carried out when it ended: nobody else can say that it is over."""
        node = self._node
        try:
            for drill_id, said in _reports_of(node, node.log.key.node):
                if said["ended"] is not None:
                    continue
                figures: dict[str, Any] = INTERRUPTED
                if said["plan"] == RESTART and said["where"] != LAB:
                    away_ms = node.now_ms() - said["started"]
                    figures = await real_drills.returned(node, self._peers, away_ms)
                await self._write(drill_id, {**said, "ended": node.now_ms(), "figures": figures})
        except MatrixError as error:
            logger.warning("what became of a drill could not be written: %s", error.error)
        finally:
            self._ended()

    def _applied(self, changes: Changes) -> None:
        if TOWER in changes.users and self._task is None:
            self._begin_next()

    def _ended(self) -> None:
        """Look once more: an order that came while this node was busy woke nobody."""
        self._task = None
        if self._listens:
            self._begin_next()

    def _begin_next(self) -> None:
        if (drill := self._next()) is not None:
            self._begun.add(drill.id)
            self._task = asyncio.get_running_loop().create_task(self._carry_out(drill))

    def _next(self) -> Drill | None:
        node = self._node
        tower = node.context.tower
        for incident in tower.incidents().values():
            for each in drills(incident, tower.keyring(), node.now_ms()):
                mine = each.state == READY and each.site == node.config.site and each.id not in self._begun
                if mine and _allows(node.config.drills, each) and each.id not in reports(node):
                    return each
        return None

    async def _carry_out(self, drill: Drill) -> None:
        started_ms = self._node.now_ms()
        logger.warning("drill %s (%s) begins, ordered by key %s", drill.plan, drill.where, drill.by)
        try:
            await self._report(drill, started_ms, None, {})
            figures = await self._done(drill)
            if figures is not None:
                await self._report(drill, started_ms, self._node.now_ms(), figures)
        except MatrixError as error:
            logger.warning("the report of a drill could not be written: %s", error.error)
        except Exception:
            logger.exception("a drill failed")
            with suppress(MatrixError):
                await self._report(drill, started_ms, self._node.now_ms(), {"broken": 1})
        finally:
            self._ended()

    async def _done(self, drill: Drill) -> dict[str, Any] | None:
        """What was measured; None: this node ends, and says it when it is back."""
        node, peers = self._node, self._peers
        if drill.where == LAB:
            return await self._in_laboratory(drill)
        if drill.plan == FABRIC:
            return await real_drills.without_fabric(node, peers, drill.minutes)
        if drill.plan == RESTART:
            refused = real_drills.may_restart(node, peers)
            if refused is None:
                self._restart()
            return refused
        return await real_drills.cut_off(node, peers, drill.minutes)

    async def _report(
        self, drill: Drill, started_ms: int, ended_ms: int | None, figures: dict[str, Any]
    ) -> None:
        said = {
            "plan": drill.plan,
            "where": drill.where,
            "site": drill.site,
            "started": started_ms,
            "ended": ended_ms,
            "figures": figures,
        }
        await self._write(drill.id, said)

    async def _write(self, drill_id: str, said: dict[str, Any]) -> None:
        node = self._node
        key = (FAMILY, "", node.log.key.node.hex(), drill_id)
        stamp = registers.stamp_after(node.context, node.now_ms(), *key)
        await node.write(drafts.register(*key, said, stamp))

    async def _in_laboratory(self, drill: Drill) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="bongsu-drill-") as folder:
            file = Path(folder) / "figures.json"
            people = str(limits.DRILL_PEOPLE)
            command = ("drill", drill.plan, "--ends-with-input", "--people", people, "--json", str(file))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", _RUN, *command),
                # Held until it has ended: a node that is killed takes its laboratory with it.
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(limits.DRILL_S_MAX):
                    await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()
            if not file.exists():
                return {"broken": 1}
            found = json.loads(await asyncio.to_thread(file.read_text, "utf-8"))
            broken = len(found.get("broken", [])) + len(found.get("failed", []))
            return {**{name: found.get(name) for name in _KEPT}, "broken": broken}


def _allows(setting: str, drill: Drill) -> bool:
    """Each word of the setting allows what those before it do, and more."""
    needed = LAB if drill.where == LAB else RESTART if drill.plan == RESTART else "real"
    return DRILLS.index(needed) <= DRILLS.index(setting)


def reports(node: Node) -> dict[str, dict[str, Any]]:
    """What became of drills, by their ids, as the sites that carried them out say."""
    found: dict[str, dict[str, Any]] = {}
    for each in node.context.authorities.certificates():
        found |= dict(_reports_of(node, each.node))
    return found


def _reports_of(node: Node, author: bytes) -> list[tuple[str, dict[str, Any]]]:
    return list(registers.under(node.context, FAMILY, "", author.hex()))


def shown(node: Node) -> list[dict[str, Any]]:
    """Drills and their reports as the tower is shown them, the latest first."""
    tower, known = node.context.tower, reports(node)
    found: list[dict[str, Any]] = [
        {
            "id": each.id,
            "incident": each.incident,
            "plan": each.plan,
            "where": each.where,
            "site": each.site,
            "minutes": each.minutes,
            "by": each.by,
            "by_name": tower.keyring().name(each.by),
            "sent": each.sent,
            "agreed": [tower.keyring().name(key) for key in each.agreed],
            "state": each.state,
            "report": known.get(each.id),
        }
        for incident in tower.incidents().values()
        for each in drills(incident, tower.keyring(), node.now_ms())
    ]
    return sorted(found, key=lambda each: int(each["sent"]), reverse=True)[: limits.DRILLS_SHOWN_MAX]
