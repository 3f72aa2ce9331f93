"""Carrying out drills that officers ordered for this site: in a laboratory, or by cutting the site off."""

import asyncio
import json
import logging
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from bongsu import drafts, limits
from bongsu.errors import MatrixError
from bongsu.log.record import LogName
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.tower.drill import READY, Drill, drills
from bongsu.tower.drill_order import LAB
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
    """One drill at a time, each once, as its report remembers. The setting `drills` says what it may do."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._begun: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, where the setting lets it."""
        self._task = asyncio.ensure_future(self._say_interrupted())
        if self._node.config.drills != "off":
            self._node.listeners.append(self._applied)

    async def close(self) -> None:
        """Stop listening; a laboratory that runs is ended."""
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._peers.isolate(on=False)

    async def _say_interrupted(self) -> None:
        """A drill that this node carried out when it ended: nobody else can say that it is over."""
        node = self._node
        try:
            for drill_id, said in _reports_of(node, node.log.key.node):
                if said["ended"] is None:
                    await self._write(drill_id, {**said, "ended": node.now_ms(), "figures": INTERRUPTED})
        except MatrixError as error:
            logger.warning("that a drill was interrupted could not be written: %s", error.error)
        finally:
            self._task = None

    def _applied(self, changes: Changes) -> None:
        if TOWER in changes.users and self._task is None and (drill := self._next()) is not None:
            self._begun.add(drill.id)
            self._task = asyncio.get_running_loop().create_task(self._carry_out(drill))

    def _next(self) -> Drill | None:
        node = self._node
        tower, allowed = node.context.tower, node.config.drills
        for incident in tower.incidents().values():
            for each in drills(incident, tower.keyring(), node.now_ms()):
                mine = each.state == READY and each.site == node.config.site and each.id not in self._begun
                if mine and allowed in ("real", each.where) and each.id not in reports(node):
                    return each
        return None

    async def _carry_out(self, drill: Drill) -> None:
        started_ms = self._node.now_ms()
        logger.warning("drill %s (%s) begins, ordered by key %s", drill.plan, drill.where, drill.by)
        try:
            await self._report(drill, started_ms, None, {})
            if drill.where == LAB:
                figures = await self._in_laboratory(drill)
            else:
                figures = await self._cut_off(drill)
            await self._report(drill, started_ms, self._node.now_ms(), figures)
        except MatrixError as error:
            logger.warning("the report of a drill could not be written: %s", error.error)
        except Exception:
            logger.exception("a drill failed")
            with suppress(MatrixError):
                await self._report(drill, started_ms, self._node.now_ms(), {"broken": 1})
        finally:
            self._task = None

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
            command = ("drill", drill.plan, "--people", str(limits.DRILL_PEOPLE), "--json", str(file))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", _RUN, *command),
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

    async def _cut_off(self, drill: Drill) -> dict[str, Any]:
        """Cut off from every node for so long; clients still reach this one, and write."""
        node, peers = self._node, self._peers
        others = {link.peer.details.site for link in peers.links.values()}
        before = node.log.head_position
        peers.isolate(on=True)
        try:
            await asyncio.sleep(drill.minutes * limits.DRILL_MINUTE_S)
        finally:
            peers.isolate(on=False)
        written = _written_since(node, before)
        healed_s = node.clock.monotonic()
        linked_s, level_s = None, None
        while node.clock.monotonic() - healed_s < limits.DRILL_LEVEL_S:
            now_s = round(node.clock.monotonic() - healed_s, 3)
            if linked_s is None and peers.links:
                linked_s = now_s
            lacking = _only_here(peers, written)
            if linked_s is not None and lacking == 0 and await peers.elsewhere.has_all(limits.CATCH_UP_S):
                level_s = round(node.clock.monotonic() - healed_s, 3)
                break
            await asyncio.sleep(limits.DRILL_LOOK_S)
        return {
            "sites": len(others),
            "acknowledged": len(written),
            "lost": _only_here(peers, written),
            "linked_after_s": linked_s,
            "level_after_s": level_s,
            "broken": int(level_s is None),
        }


def _written_since(node: Node, position: int) -> list[tuple[LogName, int]]:
    """(log, seq) of what this node wrote beyond a position."""
    found: list[tuple[LogName, int]] = []
    while batch := node.log.after(position, limits.DRILL_BATCH):
        found += [(each.log, each.header.seq) for each in batch if each.log.node == node.log.key.node]
        position = batch[-1].position
    return found


def _only_here(peers: Peers, written: list[tuple[LogName, int]]) -> int:
    return sum(len(peers.sites_with(log, seq)) < 2 for log, seq in written)


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
