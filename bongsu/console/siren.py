"""Runs the operator's program when people here are warned: it may sound a siren or light a lamp.

The program is told once of an alert; that it fails stops nobody else from being warned."""

import asyncio
import logging
from pathlib import Path
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.hook import HookFailed, run_hook
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.tower.alert import brief_id
from bongsu.view import tower_people
from bongsu.view.changes import Changes
from bongsu.view.tower import Shown

logger = logging.getLogger(__name__)


class Siren:
    """One program at a time, in the order in which alerts come."""

    def __init__(self, node: Node, program: Path) -> None:
        self._node = node
        self._program = program
        self._queue: asyncio.Queue[Shown] = asyncio.Queue()
        self._told: set[str] = set()
        self._background = Background(self._run)

    def start(self) -> None:
        """From now on; an alert that was here before has been told of."""
        self._node.listeners.append(self._applied)
        self._background.start()

    async def close(self) -> None:
        """No more. A program that runs is ended."""
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
            await self._background.close()

    def _applied(self, changes: Changes) -> None:
        alerts = self._node.context.tower.alerts() if changes.alerts else {}
        for name in sorted(changes.alerts):
            shown = alerts.get(name)
            # The whole alert follows its brief, and is no second reason to sound a siren.
            told = brief_id(name) in self._told
            if shown is not None and not told and self._concerns_people_here(shown):
                self._told.add(brief_id(name))
                self._queue.put_nowait(shown)

    def _concerns_people_here(self, shown: Shown) -> bool:
        if not shown.warns_at(self._node.now_ms()):
            return False
        areas = shown.content["areas"]
        people = tower_people.areas_of_people(self._node.context)
        return self._node.config.site in areas or not areas or bool(tower_people.asked(people, areas))

    async def _run(self) -> None:
        while True:
            shown = await self._queue.get()
            try:
                await self._tell(shown)
            except (HookFailed, OSError) as error:
                logger.error("the program for the alert %s: %s", shown.id, error)

    async def _tell(self, shown: Shown) -> None:
        content = shown.content
        words = (content["status"], content["msg_type"], content["severity"])
        await run_hook(self._program, words, json_bytes(told(shown)), limits.ALERT_HOOK_S)


def told(shown: Shown) -> dict[str, Any]:
    """What the program reads: of an alert that has come by radio alone there may be fewer words."""
    content = shown.content
    named = ("status", "msg_type", "severity", "event", "areas", "texts")
    return {
        "id": shown.id,
        "expires_ms": int(content["expires"]),
        **{name: content.get(name) for name in named},
    }
