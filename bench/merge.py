"""Two hubs that were apart for a week are linked: `python -m bench.merge --events 50000 --rooms 200`.

Real processes on loopback; what hubs wrote alone is written into their data while they are stopped.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.fill import AT_ONCE
from bench.process import cpu_s, rss_mib
from bench.scenarios import TEXT
from bongsu.author import NewEvent
from bongsu.clock import SystemClock
from bongsu.config_load import load
from bongsu.drill.client import API
from bongsu.drill.hub_town import move_in
from bongsu.drill.town import PASSWORD, Api, Town
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.operate.against import ask, compare
from bongsu.service import Service

PEOPLE = 40
MEMBERS = 8
WEEK_MS = 7 * 86_400_000
SETTLED_S = 120.0
MERGED_S = 600.0
EVERY_S = 0.5
# What was written alone lies behind new messages, and a short timeline would leave those out.
WHOLE = '{"room":{"timeline":{"limit":1000}}}'
# Of a thousand events alone, as many change the state of their room, so that the merge has to resolve it.
STATE_IN_1000 = 60


class PastClock(SystemClock):
    """The machine's clock, as it was while the hubs were apart."""

    ago_ms = WEEK_MS

    def now_ms(self) -> int:
        return super().now_ms() - self.ago_ms


def settle(api: Api, plan: Plan, rooms: int) -> Town:
    """People and rooms of people of both hubs; the first person of a room made it."""
    core = plan.core[0].site
    people: list[dict[str, Any]] = []
    for number in range(PEOPLE):
        body = {"username": f"p{number}", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        made = api.call(core, "POST", f"{API}/register", json=body)
        people.append({**made, "name": f"p{number}", "home": core, "room_id": "", "members": 0, "rooms": []})
    choice = random.Random(1)
    for number in range(rooms):
        at = number * MEMBERS % PEOPLE
        members = people[at : at + MEMBERS] if number < PEOPLE // MEMBERS else choice.sample(people, MEMBERS)
        first = members[0]
        body = {"preset": "public_chat", "name": f"room {number}"}
        token = first["access_token"]
        room_id = api.call(core, "POST", f"{API}/createRoom", token, json=body)["room_id"]
        for member in members:
            if member is not first:
                api.call(core, "POST", f"{API}/join/{room_id}", member["access_token"], json={})
            member["rooms"].append(room_id)
            member["room_id"], member["members"] = room_id, len(members)
    return Town(people)


def quiet_room(api: Api, plan: Plan, town: Town) -> str:
    """A room of one of each hub, in which nothing is said while they are apart."""
    core, (first, second) = plan.core[0].site, town.people[:2]
    body = {"preset": "public_chat", "name": "quiet"}
    room_id = str(api.call(core, "POST", f"{API}/createRoom", first["access_token"], json=body)["room_id"])
    api.call(core, "POST", f"{API}/join/{room_id}", second["access_token"], json={})
    return room_id


async def alone(hub: NodePlan, residents: list[dict[str, Any]], events: int, seed: int) -> Counter[str]:
    """What a hub's residents wrote in a week, put into its stopped data; how much in which room."""
    config = load({}, os.environ, Path(hub.config))
    clock = PastClock()
    node = Node.open(config, clock, lambda done, total: None)
    node.promises.nobody()
    await node.introduce()
    service = Service(node)
    choice = random.Random(seed)
    written = 0
    rooms: Counter[str] = Counter()
    while written < events:
        batch: list[Draft] = []
        for _ in range(min(AT_ONCE, events - written)):
            person = choice.choice([each for each in residents if each["rooms"]])
            room = node.context.live.get(choice.choice(person["rooms"]))
            rooms[room.room_id] += 1
            new, sender = something(choice, person["user_id"])
            sent_by = {
                "device_id": person["device_id"],
                "path": "/merge",
                "txn_id": f"{written + len(batch)}",
            }
            batch.append(service.author.make(room, sender, new, sent_by)[1])
        await node.write(*batch)
        written += len(batch)
        clock.ago_ms = WEEK_MS - WEEK_MS * written // events
    node.close()
    return rooms


def something(choice: random.Random, sender: str) -> tuple[NewEvent, str]:
    """A message; now and then a new name of somebody in a room, which is state that both hubs change."""
    if choice.randrange(1000) < STATE_IN_1000:
        content = {"membership": "join", "displayname": f"{sender[1:4]} {choice.randrange(100)}"}
        return NewEvent("m.room.member", content, sender), sender
    return NewEvent("m.room.message", {"msgtype": "m.text", "body": f"{TEXT} {choice.random()}"}), sender


class Talk:
    """Somebody at one hub writes on while the backlog fills; somebody at the other waits for it."""

    def __init__(self, plan: Plan, sender: dict[str, Any], reader: dict[str, Any], room_id: str) -> None:
        self._ends = [httpx.Client(base_url=_url(plan, each), timeout=60) for each in (sender, reader)]
        self._people = (sender, reader)
        self._room_id = room_id
        self.acknowledged_s: list[float] = []
        self.sent_at: dict[str, float] = {}
        self.arrived_s: dict[str, float] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._write, self._read)]

    def start(self) -> None:
        """Begin; the reader has read all there is."""
        token = _token(self._people[1])
        self._since = self._ends[1].get(f"{API}/sync", headers=token).json()["next_batch"]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write no more, and wait for the last to arrive."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def figures(self, linked: float) -> dict[str, Any]:
        """What became of the messages. `linked`: when the two hubs were."""
        delays = sorted(self.arrived_s[each] - self.sent_at[each] for each in self.arrived_s)
        first = min(self.arrived_s.values(), default=linked) - linked
        return {
            "acknowledged_ms_max": round(1000 * max(self.acknowledged_s)),
            "new_messages": len(self.sent_at),
            "lost": len(self.sent_at) - len(self.arrived_s),
            "first_after_s": round(first, 1),
            "p50_s": round(delays[len(delays) // 2], 2) if delays else None,
            "max_s": round(delays[-1], 2) if delays else None,
        }

    def _write(self) -> None:
        number = 0
        while not self._stop.wait(EVERY_S):
            number += 1
            path = f"{API}/rooms/{self._room_id}/send/m.room.message/talk{number}"
            began = time.monotonic()
            answer = self._ends[0].put(
                path, json={"msgtype": "m.text", "body": f"talk {number}"}, headers=_token(self._people[0])
            )
            answer.raise_for_status()
            self.acknowledged_s.append(time.monotonic() - began)
            self.sent_at[answer.json()["event_id"]] = began

    def _read(self) -> None:
        token = _token(self._people[1])
        since = self._since
        deadline = None
        while deadline is None or (len(self.arrived_s) < len(self.sent_at) and time.monotonic() < deadline):
            if self._stop.is_set() and deadline is None:
                deadline = time.monotonic() + 30
            query = {"since": since, "timeout": "1000", "filter": WHOLE}
            answer = self._ends[1].get(f"{API}/sync", params=query, headers=token).json()
            since = answer["next_batch"]
            room = answer.get("rooms", {}).get("join", {}).get(self._room_id, {})
            for event in room.get("timeline", {}).get("events", []):
                if event["content"].get("body", "").startswith("talk "):
                    self.arrived_s[event["event_id"]] = time.monotonic()


def _token(person: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {person['access_token']}"}


def _url(plan: Plan, person: dict[str, Any]) -> str:
    return next(node.url for node in plan.nodes if node.site == person["home"])


def merge(plan: Plan, town: Town, whole: dict[str, int], quiet: str) -> dict[str, Any]:
    """Link the two, and measure until they are one."""
    one, two = plan.hubs
    sender = next(each for each in town.people if each["home"] == one.site and each["rooms"])
    readers = [each for each in town.people if each["home"] == two.site]
    reader, room_id = next((r, room) for r in readers for room in r["rooms"] if room in sender["rooms"])
    pids = [one.pid, two.pid]
    before, load = cpu_s(pids), os.getloadavg()[0]
    talks = [Talk(plan, sender, reader, room_id), Talk(plan, town.people[0], town.people[1], quiet)]
    for talk in talks:
        talk.start()
    commands.link(plan, one.name, two.name, "lan")
    linked = time.monotonic()
    rss = 0.0
    while not _whole(plan, whole) and time.monotonic() < linked + MERGED_S:
        time.sleep(0.25)
        rss = max(rss, *(rss_mib([pid]) for pid in pids))
    whole_s = time.monotonic() - linked
    asks = [partial(ask, hub.private) for hub in (one, two)]
    differing = set(_differing(asks))
    while differing - {f"room {room_id}", f"room {quiet}"} and time.monotonic() < linked + MERGED_S:
        differing &= set(_differing(asks))
    merged_s = time.monotonic() - linked
    for talk in talks:
        talk.stop()
    late = compare(asks, SETTLED_S)
    return {
        "all_events_s": round(whole_s, 1),
        "same_digests_s": round(merged_s, 1),
        "differing": late,
        "cpu_s": round(cpu_s(pids) - before, 1),
        "rss_max_mib": round(rss),
        "in_a_room_with_a_backlog": talks[0].figures(linked),
        "in_a_quiet_room": talks[1].figures(linked),
        "load_before": round(load, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }


def _whole(plan: Plan, whole: dict[str, int]) -> bool:
    """Whether both views have what both wrote alone."""
    return all(_events(hub) >= whole[hub.name] for hub in plan.hubs)


def _events(hub: NodePlan) -> int:
    view = sqlite3.connect(f"{Path(hub.data, 'view.db').as_uri()}?mode=ro", uri=True)
    (found,) = view.execute("SELECT count(*) FROM events").fetchone()
    view.close()
    return int(found)


def _kept(hub: NodePlan, written: Counter[str]) -> int:
    """How much of it is of rooms that the hub keeps: those of its residents."""
    view = sqlite3.connect(f"{Path(hub.data, 'view.db').as_uri()}?mode=ro", uri=True)
    found = sum(written[room_id] for (room_id,) in view.execute("SELECT room_id FROM rooms"))
    view.close()
    return found


def _differing(asks: list[Any]) -> list[str]:
    """Rooms that both keep and do not show the same: one without a resident of a hub is not there."""
    one, two = (each().digests for each in asks)
    return [scope for scope in one.keys() & two.keys() if scope[:5] == "room " and one[scope] != two[scope]]


def measure(folder: Path, events: int, rooms: int) -> dict[str, Any]:
    """The whole of it, in a new laboratory."""
    plan = commands.up(folder, 1, tls=False, hubs=2)
    api = Api(plan)
    try:
        town = settle(api, plan, rooms)
        quiet = quiet_room(api, plan, town)
        move_in(api, plan, town)
        asks = [partial(ask, node.private) for node in plan.nodes]
        assert compare(asks, SETTLED_S) == [], "the hubs have their residents' rooms"
        processes.end(plan.processes)
        began = time.monotonic()
        written = []
        for seed, hub in enumerate(plan.hubs):
            residents = [each for each in town.people if each["home"] == hub.site]
            written.append(asyncio.run(alone(hub, residents, events // 2, seed)))
        filled_s = time.monotonic() - began
        whole = {
            hub.name: _events(hub) + _kept(hub, theirs)
            for hub, theirs in zip(plan.hubs, reversed(written), strict=True)
        }
        for hub in plan.hubs:
            commands.start(plan, hub.name)
        figures = merge(plan, town, whole, quiet)
        return {"events": events, "rooms": rooms, "written_s": round(filled_s), **figures}
    finally:
        api.close()
        commands.down(plan)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rooms", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder, "lab"), arguments.events, arguments.rooms), indent=1))


if __name__ == "__main__":
    main()
