"""A simulated client: syncs without a pause, fails over with its token, and checks what it is told."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from bongsu.log.epoch import merged
from bongsu.log.vector import Vector
from bongsu.sim.journal import Journal, Kept
from bongsu.sim.site import NAME, Answer, Site, Unreachable
from bongsu.sync.token import decode

FILTER = '{"room":{"timeline":{"limit":500}}}'
TRIES = 12


class Client:
    """One device of a user."""

    def __init__(
        self, name: str, device_id: str, token: str, sites: list[Site], journal: Journal, rnd: random.Random
    ) -> None:
        self.user_id = f"@{name}:{NAME}"
        self.device_id = device_id
        self.token = token
        self.sites = sites
        self.copies: list[Site] = []
        self.journal = journal
        self.random = rnd
        self.site = rnd.choice(sites)
        self.since: str | None = None
        self.vector = Vector.empty()
        # Who is in every room from the start to the end: only they can count what they are shown.
        self.steady = True
        self.running = True
        self.out = False
        # Somebody changed the password here: being logged out is no fault.
        self.may_be_out = False
        self.rooms: set[str] = set()
        self.seen: dict[str, dict[str, int]] = {}
        self.messages: set[str] = set()
        self.sent = 0
        self.syncs = 0

    # Requests

    def move(self) -> None:
        """To another site."""
        others = [site for site in self.sites if site is not self.site]
        self.site = self.random.choice(others)
        self.journal.count("failovers")

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        look: Callable[[Site, Any], Any] | None = None,
    ) -> Answer | None:
        """A request, repeated at other sites until one answers. None: nobody did, or the client is out."""
        for _ in range(TRIES):
            if self.out:
                return None
            try:
                answer = await self.site.request(
                    method, path, token=self.token, query=query, body=body, look=look
                )
            except Unreachable:
                self.move()
                await asyncio.sleep(self.random.uniform(0.05, 0.4))
                continue
            if not self._unusable(answer, path):
                return answer
            self.move()
            await asyncio.sleep(self.random.uniform(0.05, 0.4))
        return None

    def _unusable(self, answer: Answer, path: str) -> bool:
        """Whether another site may answer better."""
        status, value, _ = answer
        if status >= 500:
            self.journal.count(f"status {status}")
            return True
        if status == 401:
            self.out = self.may_be_out
            if not self.out:
                self.journal.fail(f"{self.site.name} called the log-in of {self.user_id} unknown")
            return True
        if status == 429:
            # The log-in may not have arrived there yet.
            self.journal.count("log-ins not heard of yet")
            return True
        return status == 403 and isinstance(value, dict) and value["errcode"] == "M_RESOURCE_LIMIT_EXCEEDED"

    # Sending

    async def send(self, room_id: str, event_type: str, content: dict[str, Any]) -> str | None:
        """Send an event, with one transaction id however often it is tried; the event id."""
        self.sent += 1
        path = f"/_matrix/client/v3/rooms/{room_id}/send/{event_type}/t{self.sent}"
        answer = await self.ask("PUT", path, content, look=self._acknowledged)
        if answer is None or answer[0] != 200:
            return None
        return str(answer[1]["event_id"])

    def _acknowledged(self, site: Site, value: Any) -> None:
        node, event_id = site.node, value["event_id"]
        row = node.context.events.row(event_id)
        if row is None:
            self.journal.fail(f"{site.name} acknowledged {event_id}, which its view does not have")
            return
        record = node.log.read(row.position)
        room_id = node.context.events.room_id(row.room)
        held_here = node.promises.is_held_here(row.position)
        kept = Kept(event_id, room_id, record.log, record.header.seq, record.hash, "was acknowledged")
        self.journal.count("sent, held here" if held_here else "sent, at two sites")
        if held_here:
            self.journal.held_here[event_id] = kept
            return
        self.journal.kept[event_id] = kept
        others = [each for each in (*self.sites, *self.copies) if each is not site]
        disks = site.holds(kept) + sum(each.holds(kept) or each.said(kept, site) for each in others)
        if disks < 2:
            self.journal.fail(f"{site.name} promised two sites for {event_id}, which is on {disks} disk(s)")

    # Receiving

    async def sync_on(self) -> None:
        """Sync until told to end."""
        while self.running and not self.out:
            await self.sync(self.random.choice([0, 1_000, 5_000]))

    async def sync(self, timeout_ms: int) -> bool:
        """One sync, or a move to another site."""
        query = {"timeout": str(timeout_ms), "filter": FILTER}
        if self.since is not None:
            query["since"] = self.since
        try:
            answer = await self.site.request(
                "GET",
                "/_matrix/client/v3/sync",
                token=self.token,
                query=query,
                # An answer that comes too late is to a question that was asked before the client moved on.
                look=partial(self._shown, self.vector),
                timeout_s=timeout_ms / 1000 + 5,
            )
        except Unreachable:
            self.move()
            await asyncio.sleep(self.random.uniform(0.05, 0.4))
            return False
        if self._unusable(answer, "sync") or answer[0] != 200:
            if answer[0] not in (401, 403, 429) and answer[0] < 500:
                self.journal.fail(f"a sync of {self.user_id} at {self.site.name} got {answer[:2]}")
            self.move()
            await asyncio.sleep(self.random.uniform(0.05, 0.4))
            return False
        self._take(answer[1], answer[2])
        return True

    def _shown(self, known: Vector, site: Site, value: Any) -> set[str]:
        """What is shown without a label has to survive."""
        node, labelled = site.node, set()
        vector = decode(value["next_batch"]).vector
        if merged(node.log.held(), vector, known) != vector:
            self.journal.fail(f"the token of {self.user_id} went down at {site.name}")
        for room_id, room in value.get("rooms", {}).get("join", {}).items():
            for event in room["timeline"]["events"]:
                row = node.context.events.row(event["event_id"])
                if row is None:
                    self.journal.fail(f"{site.name} showed {event['event_id']} without a row")
                    continue
                if row.event_id in self.journal.kept:
                    continue  # it has to survive already
                if node.promises.is_held_here(row.position):
                    labelled.add(event["event_id"])
                    continue
                record = node.log.read(row.position)
                name = (record.log, record.header.seq, record.hash)
                kept = Kept(row.event_id, room_id, *name, "was shown")
                self.journal.kept.setdefault(row.event_id, kept)
        return labelled

    def _take(self, value: Any, labelled: set[str]) -> None:
        self.syncs += 1
        self.journal.count("syncs")
        vector = decode(value["next_batch"]).vector
        self.since, self.vector = value["next_batch"], vector
        rooms = value.get("rooms", {})
        for room_id in rooms.get("leave", {}):
            self.rooms.discard(room_id)
        for room_id, room in rooms.get("join", {}).items():
            self.rooms.add(room_id)
            self._take_timeline(room_id, room["timeline"])
        for message in value.get("to_device", {}).get("events", []):
            self._take_message(message)

    def _take_timeline(self, room_id: str, timeline: Any) -> None:
        seen = self.seen.setdefault(room_id, {})
        for event in timeline["events"]:
            event_id = event["event_id"]
            if event_id in seen and self.steady:
                self.journal.fail(f"{self.user_id} was shown {event_id} twice, now by {self.site.name}")
            seen.setdefault(event_id, len(seen))

    def _take_message(self, message: Any) -> None:
        identity = message["content"]["identity"]
        if identity in self.messages:
            self.journal.fail(f"{self.user_id} got the message {identity} twice, now from {self.site.name}")
        self.messages.add(identity)
