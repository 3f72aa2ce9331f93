"""A region on the simulator: a data centre, hubs, and people who are residents of hubs. Production nodes."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bongsu import authority, drafts
from bongsu.api.registration import account_drafts
from bongsu.api.routes import all_routes
from bongsu.api.static import StaticFiles
from bongsu.author import NewEvent
from bongsu.authority import CORE, HUB, Request
from bongsu.errors import FatalError
from bongsu.hub import residents
from bongsu.hub.interest import interest_of
from bongsu.log.record import Draft
from bongsu.room.versions import VERSIONS
from bongsu.rootkey import RootKey
from bongsu.sim.journal import Journal
from bongsu.sim.loop import Loop
from bongsu.sim.network import Network
from bongsu.sim.site import NAME, Site
from bongsu.view.live import LiveRoom

ROUTES = all_routes()
STATIC = StaticFiles(Path(os.devnull))  # nobody opens a page here
SETTLE_S = 600.0
ACCOUNTS_AT_ONCE = 50


class Region:
    """The sites, and what can be done to them. Hubs call the core, and nobody else."""

    def __init__(self, seed: int, hubs: int) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - nothing of it is kept
        self.folder = Path(tempfile.mkdtemp(prefix="bongsu-sim-", dir=memory if memory.is_dir() else None))
        self.random = random.Random(seed)
        self.loop = Loop(seed)
        self.journal = Journal()
        self.network = Network(self.loop, random.Random(self.random.getrandbits(64)))
        self.root = RootKey(self.random.randbytes(32))
        self.core = self._site("core", CORE)
        self.hubs = [self._site(f"h{number:02}", HUB) for number in range(hubs)]
        for hub in self.hubs:
            hub.neighbours = [self.core]
        # Of each hub its residents.
        self.people: dict[Site, list[str]] = {hub: [] for hub in self.hubs}

    @property
    def sites(self) -> list[Site]:
        """All of them, the data centre first."""
        return [self.core, *self.hubs]

    def _site(self, name: str, role: str) -> Site:
        site = Site(
            name, self.loop, self.network, self.folder / name, random.Random(self.random.getrandbits(64))
        )
        request = Request(site.key.public, role, name)
        text = authority.sign_certificate(request, self.root.sign, issued_ms=1, expires_ms=None)
        site.enrol(self.root.text, text, role)
        site.told_fatal = self._fatal
        return site

    def _fatal(self, site: Site, error: FatalError) -> None:
        self.journal.fail(f"{site.name} stopped itself: {error}")

    def run(self, work: Coroutine[Any, Any, None], bound_s: float) -> None:
        """Do the work, and end everything.

        Raises:
            TimeoutError: it was not done within these simulated seconds.
        """
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self.loop.create_task(asyncio.wait_for(work, bound_s)))
        finally:
            asyncio.set_event_loop(None)
            self.loop.end()
            for site in self.sites:
                site.dispose()
            shutil.rmtree(self.folder, ignore_errors=True)

    async def begin(self) -> None:
        """Start every site, and wait until every hub is linked with the core."""
        for site in self.sites:
            site.start(STATIC, ROUTES)
        await self.until(lambda: all(site.up for site in self.sites), "every site serving")
        await self.until(lambda: len(self.core.service.peers.links) == len(self.hubs), "every hub linked")
        await self.level()

    async def until(self, holds: Any, what: str, bound_s: float = SETTLE_S) -> None:
        """Wait until it holds; a failure after the bound."""
        deadline = self.loop.now + bound_s
        while not holds():
            if self.loop.now > deadline:
                self.journal.fail(f"it never came to be: {what}")
                raise TimeoutError(what)
            await asyncio.sleep(0.25)

    async def level(self) -> None:
        """Wait until every site has the same records, all applied, and hubs what they may keep."""
        await self.until(self._is_level, "the sites have the same")

    def _is_level(self) -> bool:
        first = self.core.node.vector
        return all(
            site.up
            and first <= site.node.vector
            and site.node.vector <= first
            and site.node.position == site.node.log.head_position
            and not self.lacks(site)
            for site in self.sites
        )

    def lacks(self, site: Site) -> set[bytes]:
        """Scopes that a hub may have, by the core's view, and of which it lacks bodies."""
        own = interest_of(self.core.node.context, site.key.node)
        withheld = set(site.node.log.withheld().scopes())
        return withheld if own is None else withheld & own.scopes

    async def write(self, site: Site, *made: Draft) -> None:
        """Append records at a site."""
        assert site.process is not None
        await site.process.run(_write(site, made))

    async def settle(self, count: int) -> None:
        """Make people at the core, each a resident of a hub by turn, and wait until hubs know them."""
        core, made = self.core, []
        for number in range(count):
            hub = self.hubs[number % len(self.hubs)]
            user_id = f"@p{number}:{NAME}"
            self.people[hub].append(user_id)
            stamp = core.node.now_ms()
            made += account_drafts(core.service, user_id, "no password", None)
            made.append(drafts.residency(user_id, hub.key.node.hex(), stamp))
        for first in range(0, len(made), ACCOUNTS_AT_ONCE):
            await self.write(core, *made[first : first + ACCOUNTS_AT_ONCE])
        await self.level()

    async def room(self, members: list[str]) -> str:
        """A public room of these people, made at the core by the first of them."""
        assert self.core.process is not None
        return await self.core.process.run(_room(self.core, members))

    async def say(self, site: Site, room_id: str, sender: str, body: str) -> str:
        """A message at a site; its event id."""
        assert site.process is not None
        content = {"msgtype": "m.text", "body": body}
        return await site.process.run(
            site.service.author.send(room_id, sender, NewEvent("m.room.message", content))
        )

    def cut(self) -> None:
        """Every hub is alone, and calls the core in vain."""
        for hub in self.hubs:
            for pair in ((hub.name, self.core.name), (self.core.name, hub.name)):
                self.network.wire(*pair).cut = True

    async def part(self) -> None:
        """Every hub is alone, and calls nobody any more."""
        self.cut()
        for hub in self.hubs:
            assert hub.process is not None
            await hub.process.run(hub.service.peers.stop())
        assert self.core.process is not None
        await self.core.process.run(self.core.service.peers.stop())

    async def move(self, user_id: str, hub: Site, *, stays: bool) -> None:
        """Make somebody a resident of a hub, or end it."""
        change = residents.added if stays else residents.removed
        made = change(self.core.node, user_id, hub.name)
        if made:
            await self.write(self.core, *made)


def shows(site: Site, event_id: str) -> bool:
    """Whether people at a site can read an event."""
    row = site.node.context.events.row(event_id)
    return row is not None and row.verdict == 0


async def _write(site: Site, made: tuple[Draft, ...]) -> None:
    await site.node.write(*made)


async def _room(core: Site, members: list[str]) -> str:
    author, first = core.service.author, members[0]
    room, create = author.create(VERSIONS["12"], None, first, {"room_version": "12"})
    made = [create, _join(core, room, first)]
    for kind, content in (
        ("m.room.power_levels", {"users": {}}),
        ("m.room.join_rules", {"join_rule": "public"}),
        ("m.room.history_visibility", {"history_visibility": "shared"}),
    ):
        made.append(author.make(room, first, NewEvent(kind, content, ""))[1])
    made += [_join(core, room, member) for member in members[1:]]
    await core.node.write(*made)
    return room.room_id


def _join(core: Site, room: LiveRoom, user_id: str) -> Draft:
    content = {"membership": "join", "displayname": user_id[1:].partition(":")[0]}
    return core.service.author.make(room, user_id, NewEvent("m.room.member", content, user_id))[1]
