"""People's phones carry files between hubs that nothing links: how much arrives, and when. docs/simulator.md.

The desks, exports and files are the production ones; people, their ways and the clock are simulated."""

import argparse
import asyncio
import math
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from bongsu.sim.chance import same_order, seed_all
from bongsu.sim.hubs import chunks
from bongsu.sim.region import Region
from bongsu.sim.site import Site
from bongsu.view.changes import Changes

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
KM = 25.0
# How far people travel to another hub: the farther, the fewer.
GRAVITY_KM = 6.0
SPEED_KMH = 15.0
TRIPS_A_DAY = 0.15
MESSAGES_A_DAY = 6.0
AWAY, ANYWHERE = 0.4, 0.4  # to another hub; of those, to any hub as likely as to any other
WARM_S = DAY_S
WITHIN_S = 48 * HOUR_S


@dataclass(slots=True)
class Carried:
    """A file on a phone."""

    to: str
    maker: bytes
    created_ms: int
    name: str
    content: bytes


@dataclass(slots=True)
class Phone:
    """What somebody carries: the newest file of each maker for each destination."""

    files: dict[tuple[str, bytes], Carried] = field(default_factory=dict)
    handed: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Sent:
    """A message for people at another hub."""

    event_id: str
    at_s: float
    to: Site
    arrived_s: float | None = None


@dataclass(slots=True)
class Figures:
    """What came of it."""

    sent: list[Sent] = field(default_factory=list)
    legs: int = 0
    exports: int = 0
    export_s: float = 0.0
    export_bytes: int = 0
    empty: int = 0
    taken: int = 0
    take_s: float = 0.0
    phone_bytes_max: int = 0
    box_bytes_max: int = 0


class Couriers:
    """One run of the scenario."""

    def __init__(
        self, seed: int, hubs: int, people: int, days: float, carriers: float, messages: float
    ) -> None:
        self.region = Region(seed, hubs)
        self.random = self.region.random
        self.people, self.carriers, self.messages = people, carriers, messages
        self.end_s = days * DAY_S
        self.began_s = 0.0
        self.figures = Figures()
        place = [(self.random.uniform(0, KM), self.random.uniform(0, KM)) for _ in range(hubs)]
        self.km = [[math.dist(one, other) for other in place] for one in place]
        self.weights = [
            [0.0 if one == other else math.exp(-far / GRAVITY_KM) for other, far in enumerate(row)]
            for one, row in enumerate(self.km)
        ]
        # Of each pair of hubs the room of their people, and of each hub its own.
        self.rooms: dict[tuple[int, int], str] = {}
        self.waiting: dict[Site, dict[str, Sent]] = {hub: {} for hub in self.region.hubs}

    async def run(self) -> None:
        """Settle, part, and let days pass."""
        region = self.region
        await region.begin()
        await region.settle(self.people)
        for one, hub in enumerate(region.hubs):
            self.rooms[one, one] = await region.room(region.people[hub])
            for other in range(one):
                there = region.people[region.hubs[other]]
                room = await region.room([*region.people[hub][:2], *there[:2]])
                self.rooms[one, other] = self.rooms[other, one] = room
        await region.level()
        for hub in region.hubs:
            assert hub.process is not None
            await hub.process.run(hub.service.desk.say_held())
        await region.level()
        await region.part()
        region.core.kill()
        for hub in region.hubs:
            hub.node.listeners.append(self._arrivals(hub))
        self.began_s = region.loop.now
        lives = [asyncio.ensure_future(self._talk(number)) for number in range(self.people)]
        lives += [
            asyncio.ensure_future(self._walk(number))
            for number in range(self.people)
            if self.random.random() < self.carriers
        ]
        await asyncio.gather(*lives)

    @property
    def now_s(self) -> float:
        """Since the hubs were parted."""
        return self.region.loop.now - self.began_s

    def _home(self, person: int) -> int:
        return person % len(self.region.hubs)

    def _arrivals(self, hub: Site) -> Any:
        def look(changes: Changes) -> None:
            for row in changes.events:
                sent = self.waiting[hub].pop(row.event_id, None)
                if sent is not None:
                    sent.arrived_s = self.now_s

        return look

    async def _talk(self, person: int) -> None:
        home = self._home(person)
        while True:
            await asyncio.sleep(self.random.expovariate(self.messages / DAY_S))
            if self.now_s > self.end_s:
                return
            await self._say(home)

    async def _say(self, home: int) -> None:
        region, to = self.region, home
        hub = region.hubs[home]
        if self.random.random() < AWAY:
            near = self.random.random() >= ANYWHERE
            everywhere = range(len(region.hubs))
            to = (
                self.random.choices(everywhere, self.weights[home])[0]
                if near
                else self.random.choice(everywhere)
            )
        sender = self.random.choice(region.people[hub][:2])
        body = f"{self.random.getrandbits(400):0100x}"
        event_id = await region.say(hub, self.rooms[home, to], sender, body)
        if to != home:
            sent = Sent(event_id, self.now_s, region.hubs[to])
            self.figures.sent.append(sent)
            self.waiting[sent.to][event_id] = sent

    async def _walk(self, person: int) -> None:
        """Some days somebody goes to another hub and comes back; a phone takes files as it leaves a hub.

        Visits between two at one's own hub change nothing: what was taken is taken anew before the next way.
        """
        phone, home = Phone(), self._home(person)
        for day in range(math.ceil(self.end_s / DAY_S)):
            there = self.random.choices(range(len(self.km)), self.weights[home])[0]
            way_s = (0.25 + self.km[home][there] / SPEED_KMH) * HOUR_S
            go_s = day * DAY_S + self.random.uniform(7, 17) * HOUR_S
            stay_s = self.random.uniform(0.5, 3) * HOUR_S
            if self.random.random() >= TRIPS_A_DAY:
                continue
            for at_s, left, reached in ((go_s, home, there), (go_s + way_s + stay_s, there, home)):
                await asyncio.sleep(max(0.0, at_s - self.now_s))
                await self._fetch(phone, self.region.hubs[left])
                await asyncio.sleep(max(0.0, at_s + way_s - self.now_s))
                await self._hand_on(phone, self.region.hubs[reached])
            self.figures.legs += 2

    async def _fetch(self, phone: Phone, hub: Site) -> None:
        """What waits at a hub for others, as the web client takes it: its own files and those it keeps."""
        assert hub.process is not None
        desk, figures = hub.service.desk, self.figures
        for waiting in desk.waiting():
            if waiting["to"] == "core":
                continue
            if not waiting["records"]:
                figures.empty += 1
                continue
            began = time.perf_counter()
            path, _ = await hub.process.run(desk.export(str(waiting["to"])))
            figures.export_s += time.perf_counter() - began
            figures.exports += 1
            content = path.read_bytes()
            figures.export_bytes += len(content)
            name = path.name
            created_ms = hub.node.now_ms()
            self._put(phone, Carried(str(waiting["to"]), hub.key.node, created_ms, name, content))
        kept = desk.box.files(hub.node.now_ms())
        figures.box_bytes_max = max(figures.box_bytes_max, sum(each.size for each in kept))
        for each in kept:
            header = each.header
            if (key := (header.destination, header.node)) not in phone.files or (
                phone.files[key].created_ms < header.created_ms
            ):
                file = Carried(*key, header.created_ms, each.name, each.path.read_bytes())
                self._put(phone, file)
        figures.phone_bytes_max = max(
            figures.phone_bytes_max, sum(len(each.content) for each in phone.files.values())
        )

    @staticmethod
    def _put(phone: Phone, file: Carried) -> None:
        phone.files[file.to, file.maker] = file

    async def _hand_on(self, phone: Phone, hub: Site) -> None:
        assert hub.process is not None
        for file in list(phone.files.values()):
            if file.maker == hub.key.node or (hub.name, file.name) in phone.handed:
                continue
            phone.handed.add((hub.name, file.name))
            began = time.perf_counter()
            await hub.process.run(hub.service.desk.bring(chunks(file.content)))
            if file.to == hub.name:
                self.figures.taken += 1
                self.figures.take_s += time.perf_counter() - began
                del phone.files[file.to, file.maker]


def simulate(
    seed: int, hubs: int, people: int, days: float, carriers: float, messages: float = MESSAGES_A_DAY
) -> dict[str, Any]:
    """One run; its figures. Messages of the first day and of the last two do not count."""
    run = Couriers(seed, hubs, people, days, carriers, messages)
    began = time.perf_counter()
    run.region.run(run.run(), run.end_s + 30 * DAY_S)
    figures, journal = run.figures, run.region.journal
    counted = [each for each in figures.sent if WARM_S <= each.at_s < run.end_s - WITHIN_S]
    delays = sorted(each.arrived_s - each.at_s for each in counted if each.arrived_s is not None)
    within = [delay for delay in delays if delay <= WITHIN_S]
    return {
        "seed": seed,
        "failures": journal.failures,
        "counted": len(counted),
        "within_48h": round(len(within) / max(1, len(counted)), 3),
        "within_6h": round(sum(delay <= 6 * HOUR_S for delay in delays) / max(1, len(counted)), 3),
        "median_h": round(statistics.median(within) / HOUR_S, 1) if within else None,
        "legs": figures.legs,
        "exports": figures.exports,
        "export_ms": round(1000 * figures.export_s / max(1, figures.exports), 1),
        "export_kb": round(figures.export_bytes / max(1, figures.exports) / 1000, 1),
        "files_taken": figures.taken,
        "take_ms": round(1000 * figures.take_s / max(1, figures.taken), 1),
        "phone_mb_max": round(figures.phone_bytes_max / 1e6, 1),
        "box_mb_max": round(figures.box_bytes_max / 1e6, 1),
        "seconds": round(time.perf_counter() - began),
    }


def main() -> int:
    """Run the scenario; the exit status is 1 if too little arrived."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.sim.couriers")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--hubs", type=int, default=20)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--days", type=float, default=5)
    parser.add_argument("--carriers", type=float, default=0.3)
    parser.add_argument("--messages", type=float, default=MESSAGES_A_DAY, help="of each person, a day")
    parser.add_argument(
        "--least", type=float, default=0.66, help="the share that must arrive within 48 hours"
    )
    asked = parser.parse_args()
    same_order("bongsu.sim.couriers")
    shares = []
    for seed in range(asked.seeds):
        seed_all(seed)
        figures = simulate(seed, asked.hubs, asked.people, asked.days, asked.carriers, asked.messages)
        print(figures, flush=True)
        if figures["failures"]:
            return 1
        shares.append(figures["within_48h"])
    print(f"{statistics.mean(shares):.0%} within 48 hours, over {len(shares)} seeds")
    return 0 if statistics.mean(shares) >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
