"""A hub that comes back lacks a week: what is written now gets through first, and every token stays true."""

import asyncio
import json
from collections import Counter

import pytest

from bongsu import limits
from bongsu.canonical import read_json
from bongsu.sim.region import Region, shows
from bongsu.sim.site import Site
from bongsu.sync.filter import Filter, parse
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import decode
from bongsu.sync.v3 import sync

ROOMS, BACKLOG, FRESH = 6, 16, 8
FAR_S = 0.3  # to the data centre
WHOLE: Filter = parse({"room": {"timeline": {"limit": 1_000}}})


class Week:
    """What a client was shown, and by which tokens it might have gone on elsewhere."""

    def __init__(self, region: Region, user: str) -> None:
        self.region, self.user = region, user
        self.shown: Counter[str] = Counter()
        self.token: str | None = None
        self.tokens: list[tuple[str, Counter[str]]] = []

    async def look(self, site: Site, token: str | None) -> tuple[str, list[str]]:
        """The next token, and the messages that a client with this one is given at a site."""
        request = SyncRequest(self.user, "D", "session", WHOLE, False, "state", 0.0, "offline")
        assert site.process is not None
        found = await site.process.run(sync(site.node, request, token))
        answer = read_json(found.body, floats=True)
        rooms = answer.get("rooms", {}).get("join", {})
        events = [event for room in rooms.values() for event in room["timeline"]["events"]]
        said = [event["content"]["body"] for event in events if event["type"] == "m.room.message"]
        return answer["next_batch"], said

    async def sync_at(self, site: Site) -> None:
        """The client syncs."""
        self.token, said = await self.look(site, self.token)
        self.shown.update(said)
        self.tokens.append((self.token, self.shown.copy()))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A week of a few hundred messages counts as a backlog, and comes in many pieces."""
    monkeypatch.setattr(limits, "BACKLOG_RECORDS", 50)
    monkeypatch.setattr(limits, "FILL_RECORDS_MAX", BACKLOG)
    monkeypatch.setattr(limits, "BUNDLE_RECORDS_GIVEN", 8)


@pytest.mark.usefixtures("small")
def test_what_is_written_now_does_not_wait_for_the_week_before() -> None:
    region = Region(3, 1)
    region.run(_merge(region), 1e5)
    assert region.journal.failures == []


async def _merge(region: Region) -> None:
    core, hub = region.core, region.hubs[0]
    await region.begin()
    await region.settle(4)
    people = region.people[hub]
    rooms = [await region.room(people) for _ in range(ROOMS)]
    await region.level()
    week = Week(region, people[0])
    await week.sync_at(hub)
    region.cut()
    await asyncio.sleep(300)
    backlog = [
        await region.say(core, room_id, people[number % 4], f"{room_id} {number}")
        for number in range(BACKLOG)
        for room_id in rooms
    ]
    region.network.heal()
    for pair in ((core.name, hub.name), (hub.name, core.name)):
        region.network.wire(*pair).delay_s = FAR_S
    await region.until(lambda: hub.service.peers.links, "the link")
    fresh = await region.say(core, rooms[0], people[1], "fresh 0")
    held: list[int] = []

    def is_shown() -> bool:
        if shows(hub, fresh):
            held.append(sum(shows(hub, each) for each in backlog))
        return bool(held)

    while not is_shown():
        await asyncio.sleep(0.1)
        await week.sync_at(hub)
    assert held[0] < len(backlog) // 2, f"{held[0]} of {len(backlog)} were given before what was just said"
    for number in range(1, FRESH):
        await region.say(core, rooms[0], people[1], f"fresh {number}")
        await asyncio.sleep(0.1)
        await week.sync_at(hub)
    await region.level()
    await week.sync_at(hub)
    said = len(backlog) + FRESH
    assert len(week.shown) == said
    assert set(week.shown.values()) == {1}, "at the hub each was shown once"
    late = 0
    for token, shown in week.tokens[1:]:
        # At the data centre, which has had everything all along.
        _, more = await week.look(core, token)
        late += bool(decode(token).late)
        both = shown + Counter(more)
        assert len(both) == said, "nobody who moves misses anything"
        assert set(both.values()) == {1}, json.dumps({k: v for k, v in both.items() if v > 1})
    assert late > 3, "the tokens that were tried were of the time of the merge"
