"""Hubs on the simulator: random weeks of cuts, couriers and moves judged by an oracle; and fifty at once.

`python -m bongsu.sim.hubs --seeds 0-19`, `--seed 7`, `--fifty`. docs/simulator.md."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bongsu import limits
from bongsu.author import NewEvent
from bongsu.errors import MatrixError
from bongsu.hub.interest import interest_of
from bongsu.log.record import BodyState, room_scope, scope_id
from bongsu.sim import runs
from bongsu.sim.chance import same_order, seed_all
from bongsu.sim.region import Region, shows
from bongsu.sim.site import Site
from bongsu.view.digests import digests

HUBS, PEOPLE, ROOMS = 3, 9, 4
ACTS = 160
# So few that a week of these is a backlog.
BACKLOG_RECORDS = 12
PAUSE_S = 2.0
ALONE_S = 300.0
# What becomes of a file on its way.
LOST, DOUBLED, SPOILED, LATE_S = 0.2, 0.2, 0.15, 40.0


class Weeks:
    """One run: residents act at their hubs, or at the core, while links come and go and files are carried."""

    def __init__(self, seed: int) -> None:
        self.region = Region(seed, HUBS)
        limits.BACKLOG_RECORDS = BACKLOG_RECORDS
        self.random = random.Random(seed)
        self.rooms: list[str] = []
        self.everybody: list[str] = []
        self.ways: list[asyncio.Task[None]] = []
        # Scopes that a hub was ever allowed, by the view of anybody who could have given them.
        self.allowed: dict[Site, set[bytes]] = {hub: set() for hub in self.region.hubs}
        self.said: list[tuple[str, str]] = []

    async def run(self) -> None:
        """From the first start to the oracle's word."""
        region = self.region
        await region.begin()
        await region.settle(PEOPLE)
        self.everybody = [user for hub in region.hubs for user in region.people[hub]]
        for _ in range(ROOMS):
            self.rooms.append(await region.room(self.random.sample(self.everybody, 4)))
        await region.level()
        for _ in range(ACTS):
            await asyncio.sleep(self.random.expovariate(1 / PAUSE_S))
            self._note_allowed()
            await self.random.choices(
                (self._say, self._member, self._carry, self._move, self._wire), (10, 3, 5, 1, 3)
            )[0]()
            self._note_allowed()
        await asyncio.gather(*self.ways)
        region.network.heal()
        await region.level()
        self._note_allowed()
        self._judge()

    def _note_allowed(self) -> None:
        for hub, seen in self.allowed.items():
            for site in self.region.sites:
                own = interest_of(site.node.context, hub.key.node)
                seen.update(own.scopes if own is not None else ())

    async def _say(self) -> None:
        site, user = self._somebody()
        content = {"msgtype": "m.text", "body": f"{self.random.random()}"}
        await self._author(site, user, NewEvent("m.room.message", content))

    async def _member(self) -> None:
        site, user = self._somebody()
        deed = self.random.choice(("join", "join", "leave", "ban", "invite"))
        other = self.random.choice(self.everybody)
        target = user if deed in ("join", "leave") else other
        await self._author(site, user, NewEvent("m.room.member", {"membership": deed}, target))

    async def _author(self, site: Site, user: str, new: NewEvent) -> None:
        room_id = self.random.choice(self.rooms)
        assert site.process is not None
        try:
            event_id = await site.process.run(site.service.author.send(room_id, user, new))
        except MatrixError:
            return  # not in the room, or not allowed to
        self.region.journal.count(new.type)
        if new.type == "m.room.message":
            self.said.append((room_id, event_id))

    def _somebody(self) -> tuple[Site, str]:
        """Somebody where they may write: at a hub of theirs, or at the core."""
        hub = self.random.choice(self.region.hubs)
        mine = hub.node.certificate_of(hub.key.node)
        there = [] if mine is None else hub.node.context.residencies.residents(mine)
        if there and self.random.random() < 0.8:
            return hub, self.random.choice(sorted(there))
        return self.region.core, self.random.choice(self.everybody)

    async def _move(self) -> None:
        hub, user = self.random.choice(self.region.hubs), self.random.choice(self.everybody)
        try:
            await self.region.move(user, hub, stays=self.random.random() < 0.6)
            self.region.journal.count("moved")
        except MatrixError:
            return

    async def _wire(self) -> None:
        hub, core = self.random.choice(self.region.hubs).name, self.region.core.name
        cut = self.random.random() < 0.6
        for pair in ((hub, core), (core, hub)):
            self.region.network.wire(*pair).cut = cut
        self.region.journal.count("cut" if cut else "linked")

    async def _carry(self) -> None:
        giver, taker = self.random.sample(self.region.sites, 2)
        assert giver.process is not None
        try:
            path, _ = await giver.process.run(giver.service.desk.export(taker.name))
        except MatrixError:
            return
        content = path.read_bytes()
        if self.random.random() < LOST:
            return self.region.journal.count("files lost")
        if self.random.random() < SPOILED:
            content = self._spoiled(content)
        for _ in range(2 if self.random.random() < DOUBLED else 1):
            # Later than others, or sooner: files overtake each other.
            late_s = self.random.uniform(0, LATE_S)
            self.ways.append(asyncio.ensure_future(self._bring(taker, content, late_s)))

    def _spoiled(self, content: bytes) -> bytes:
        if self.random.random() < 0.5:
            return content[: self.random.randrange(len(content))]
        left = bytearray(content)
        left[self.random.randrange(len(left))] ^= 1 << self.random.randrange(8)
        return bytes(left)

    async def _bring(self, taker: Site, content: bytes, late_s: float) -> None:
        await asyncio.sleep(late_s)
        assert taker.process is not None
        try:
            await taker.process.run(taker.service.desk.bring(chunks(content)))
            self.region.journal.count("files brought")
        except MatrixError:
            self.region.journal.count("files refused")

    def _judge(self) -> None:
        """A hub shows what it may keep, as the core does; and holds nothing readable that it never might."""
        region = self.region
        core = digests(region.core.folder / "view.db")
        for hub in region.hubs:
            own = interest_of(region.core.node.context, hub.key.node)
            assert own is not None
            found = digests(hub.folder / "view.db")
            for scope, digest in found.items():
                kind, _, room_id = scope.partition(" ")
                # What it kept of a room whose people have all moved away stays as it was.
                if kind != "room" or scope_id(room_scope(room_id)) not in own.scopes:
                    continue
                if core.get(scope) != digest:
                    region.journal.fail(f"{hub.name} and the core differ in {scope}")
            for room_id in self.rooms:
                kept = f"room {room_id}" in found
                if not kept and any(member in self._residents(hub) for member in self._members(room_id)):
                    region.journal.fail(f"{hub.name} lacks the room {room_id} of its residents")
            self._leaks(hub)
            for problem in hub.node.log.verify().problems[:1]:
                region.journal.fail(f"{hub.name}: {problem}")
        for _, event_id in self.said:
            if region.core.node.context.events.row(event_id) is None:
                region.journal.fail(f"{event_id} was acknowledged and is lost")

    def _residents(self, hub: Site) -> list[str]:
        context = self.region.core.node.context
        mine = context.authorities.certificate(hub.key.node)
        return [] if mine is None else context.residencies.residents(mine)

    def _members(self, room_id: str) -> list[str]:
        context = self.region.core.node.context
        room = context.events.room_number(room_id)
        found = context.db.all("SELECT user_id FROM members WHERE room=? AND membership='join'", (room,))
        return [user_id for (user_id,) in found]

    def _leaks(self, hub: Site) -> None:
        for log in hub.node.log.held():
            after = 1
            while found := hub.node.log.log_records(log, after, 100):
                after = found[-1].header.seq + 1
                for record in found:
                    readable = record.state == BodyState.FULL and log.node != hub.key.node
                    if readable and record.header.scope not in self.allowed[hub]:
                        self.region.journal.fail(f"{hub.name} can read a record it never might")


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """A file as a phone sends it."""
    yield content


async def fifty(region: Region) -> dict[str, Any]:
    """Hubs that were alone come back in one moment; how long it takes, and how crowded it gets."""
    await region.begin()
    await region.settle(2 * len(region.hubs))
    square = await region.room([region.people[hub][0] for hub in region.hubs])
    own = [await region.room(region.people[hub]) for hub in region.hubs]
    await region.level()
    region.cut()
    # Until every link has ended, and every hub calls as seldom as it ever will.
    await asyncio.sleep(ALONE_S)
    said: list[str] = []
    for hub, room_id in zip(region.hubs, own, strict=True):
        for number in range(3):
            said.append(await region.say(hub, square, region.people[hub][0], f"{number}"))
            await region.say(hub, room_id, region.people[hub][1], f"{number}")
    network, began = region.network, region.loop.now
    network.in_flight_bytes_max = network.in_flight_bytes
    network.connected_s.clear()
    network.heal()
    await region.level()
    took_s = region.loop.now - began
    for site in region.sites:
        if not all(shows(site, event_id) for event_id in said):
            region.journal.fail(f"{site.name} does not show all that was said in the square")
    room = {digests(site.folder / "view.db")[f"room {square}"] for site in region.sites}
    if len(room) != 1:
        region.journal.fail("the sites differ in the square")
    calls = network.connected_s
    return {
        "hubs": len(region.hubs),
        "agreed_s": round(took_s, 1),
        "calls": len(calls),
        "calls_in_one_second_max": max(sum(at <= each < at + 1 for each in calls) for at in calls),
        "in_flight_kb_max": round(network.in_flight_bytes_max / 1000),
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed. `digest`: of how much happened."""

    failures: list[str]
    counts: dict[str, int]
    digest: str


def weeks(seed: int) -> Outcome:
    """One random run."""
    run = Weeks(seed)
    region = _run(run.region, run.run())
    journal = region.journal
    journal.counts["callbacks"] = region.loop.entered
    course = repr((sorted(journal.counts.items()), journal.failures, region.loop.now))
    return Outcome(journal.failures, journal.counts, sha256(course.encode()).hexdigest()[:16])


def _run(region: Region, work: Coroutine[Any, Any, None]) -> Region:
    try:
        region.run(work, 1e6)
    except TimeoutError as error:
        region.journal.fail(f"it did not end: {error}")
    return region


def main() -> int:
    """Run what is asked for; the exit status is 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.sim.hubs")
    parser.add_argument("--seed", type=int, help="one seed, told in full")
    parser.add_argument("--seeds", default="0-19", help="the first and last seed")
    parser.add_argument("--digests", action="store_true", help="say of each seed which course it took")
    parser.add_argument("--at-once", type=int, help="how many seeds; else as many as there are processors")
    parser.add_argument("--fifty", type=int, nargs="?", const=50, help="so many hubs come back at once")
    asked = parser.parse_args()
    same_order("bongsu.sim.hubs")
    if asked.fifty is not None:
        seed_all(0)
        region = Region(0, asked.fifty)

        async def work() -> None:
            print(await fifty(region))

        _run(region, work())
        print(region.journal.failures)
        return 1 if region.journal.failures else 0
    first, _, last = (asked.seeds if asked.seed is None else str(asked.seed)).partition("-")
    failed, began = 0, time.monotonic()
    seeds = range(int(first), int(last or first) + 1)
    for seed, outcome in runs.each(weeks, seeds, asked.at_once):
        if outcome is None or outcome.failures:
            failed += 1
            what = "its process ended without a word" if outcome is None else outcome.failures[:3]
            print(f"python -m bongsu.sim.hubs --seed {seed}\n    {what}", flush=True)
        elif asked.seed is not None:
            print(outcome.counts)
        if outcome is not None and asked.digests:
            print(f"{seed} {outcome.digest}", flush=True)
    print(f"{len(seeds)} seeds, {failed} failed, {(time.monotonic() - began) / len(seeds):.1f} s each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
