"""The parts of one run: sites, wires, people, and what was promised to them."""

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path

from bongsu import authority, limits
from bongsu.api.registration import account_drafts
from bongsu.api.routes import all_routes
from bongsu.api.static import StaticFiles
from bongsu.authority import Request
from bongsu.cuts import take_revocation
from bongsu.errors import FatalError, MatrixError
from bongsu.rootkey import RootKey
from bongsu.sessions import NewSession
from bongsu.sim.acts import Person
from bongsu.sim.client import Client
from bongsu.sim.journal import Journal
from bongsu.sim.loop import Loop
from bongsu.sim.network import Network
from bongsu.sim.site import NAME, Site

SITES = ("alpha", "bravo", "charlie")
PEOPLE = ("kim", "lee", "park", "choi", "jung", "kang")
STEADY = 4
SETTLE_S = 45.0
LOST_S = 2.0 * (limits.LOST_S + limits.LOST_LOOK_S)
ROUTES = all_routes()
STATIC = StaticFiles(Path(os.devnull))  # nobody opens a page here


class Stage:
    """The parts of one run, and what can be done to them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.loop = Loop(seed)
        self.journal = Journal()
        self.network = Network(self.loop, self.split())
        self.root = RootKey(self.random.randbytes(32))
        self.sites = [self.new_site(name) for name in SITES]
        # Every disk that burns is this site's: a promise is of two disks, and the other must not burn, too.
        self.victim = self.random.choice(self.sites)
        self.victim_is_damaged = False
        self.victim_forks = False
        self.revoked: bytes | None = None
        self.revocation = ""
        self.fabric = self.random.random() < 0.5
        # Copies of the victim's disk that ran beside it.
        self.copies: list[Site] = []
        self.clients: list[Client] = []
        self.people: list[Person] = []
        # Records are written that no honest node writes.
        self.somebody_lies = False

    def split(self) -> random.Random:
        """Chance of its own for one part, so that the others' use does not change it."""
        return random.Random(self.random.getrandbits(64))

    # Sites

    def new_site(self, name: str) -> Site:
        """A site with a certificate and an empty disk."""
        site = Site(name, self.loop, self.network, self.folder / name, self.split())
        request = Request(site.key.public, "core", name)
        text = authority.sign_certificate(request, self.root.sign, issued_ms=1, expires_ms=None)
        site.enrol(self.root.text, text)
        site.told_fatal = self._fatal
        return site

    def introduce(self) -> None:
        """Let every site know every other one."""
        for site in self.sites:
            site.fabric = self.fabric
            site.neighbours = [other for other in self.sites if other is not site]

    def start(self, site: Site) -> None:
        """Start a site that does not run."""
        if site.process is None:
            self.journal.count("starts")
            site.start(STATIC, ROUTES)

    def _fatal(self, site: Site, error: FatalError) -> None:
        """A node stopped because it cannot trust its store: its disk is replaced, if that was it."""
        self.journal.count("stopped itself")
        expected = site.disk.sync_fails or site.disk.full or (site is self.victim and self.victim_is_damaged)
        expected = expected or (site is self.victim and self.victim_forks)
        if not expected:
            self.journal.fail(f"{site.name} stopped itself: {error} ({error.__cause__!r})")
        self.loop.outside(0.01, self._after_fatal, site)

    def _after_fatal(self, site: Site) -> None:
        site.kill()
        if site is self.victim and self.victim_is_damaged:
            self.new_disk(site)
        site.disk.sync_fails = False
        self.loop.outside(1.0, self.start, site)

    def new_disk(self, site: Site) -> None:
        """All a site held is gone but what identifies it; what only it held has burned."""
        self.burn(site, {})
        site.image = {
            name: content
            for name, content in site.image.items()
            if name in ("node.key", "certificate", "root_key")
        }
        site.held_when_down = {}
        self.victim_is_damaged = False

    def burn(self, site: Site, left: dict) -> None:  # type: ignore[type-arg]
        """Note what nobody has any more, once this disk holds only `left`."""
        others = [other for other in (*self.sites, *self.copies) if other is not site]
        site.held_when_lost = dict(site.held_when_down)
        for kept in (*self.journal.kept.values(), *self.journal.held_here.values()):
            if left.get(kept.log, 0) >= kept.seq or any(each.holds(kept) for each in others):
                continue
            if kept.event_id in self.journal.kept and kept.event_id not in self.journal.burned:
                self.journal.fail(f"{kept.event_id} {kept.why} as safe, and burned with {site.name} alone")
            self.journal.burned.add(kept.event_id)

    # People

    async def people_arrive(self) -> None:
        """Accounts are made at the first site; the rooms are made by their first users."""
        for name in PEOPLE:
            site = self.random.choice(self.sites)
            assert site.process is not None
            token = await site.process.run(_account(site, name, f"D{name.upper()}"))
            client = Client(name, f"D{name.upper()}", token, self.sites, self.journal, self.split())
            client.site = site
            client.copies = self.copies
            client.steady = len(self.clients) < STEADY
            self.clients.append(client)
        await asyncio.sleep(2)
        for number in range(2):
            founder = self.clients[number]
            body = {
                "room_version": self.random.choice(["10", "11", "12"]),
                "preset": "public_chat",
                "power_level_content_override": {"invite": 0},
            }
            made = await founder.ask("POST", "/_matrix/client/v3/createRoom", body)
            assert made is not None
            assert made[0] == 200, made
            room_id = made[1]["room_id"]
            await asyncio.sleep(0.5)
            for client in self.clients:
                if client is not founder:
                    await client.ask("POST", f"/_matrix/client/v3/rooms/{room_id}/join", {})
        await asyncio.sleep(1)
        self.people = [Person(client, self.clients, self.journal, self.split()) for client in self.clients]

    # The run

    async def heal(self) -> None:
        """Everything works again, and what is damaged is replaced."""
        self.network.heal()
        for copy in self.copies:
            await copy.stop()
        for site in self.sites:
            site.answers_lost = 0.0
            site.disk.full = site.disk.sync_fails = False
            site.disk.commits_until_cut = None
            site.disk.sync_s = 0.002
            site.clock.ahead_ms = 0
            site.clock.stands_at_ms = None
            if site.process is not None:
                site.process.go_on()
        if self.victim_is_damaged:
            await self._verify()
        for site in self.sites:
            self.start(site)
        if self.revoked is not None:
            # Its operators switch it off; its people use another site.
            self.victim.kill()
            self.sites.remove(self.victim)
        for client in self.clients:
            if client.site not in self.sites:
                client.move()
        await self._revoke_again()
        await self.settled(SETTLE_S)
        await self._nothing_waits()

    async def _revoke_again(self) -> None:
        """A revocation that no site could take, its disk being full, its operators hand in again."""
        deadline = self.loop.now + SETTLE_S
        while self.revoked is not None and self.loop.now < deadline:
            up = [site for site in self.sites if site.up]
            if any(self.revoked in site.node.context.authorities.revocations() for site in up):
                return
            if up:
                assert up[0].process is not None
                up[0].process.run(taken(up[0], self.revocation))
            await asyncio.sleep(1)

    async def _nothing_waits(self) -> None:
        """What waits for events that burned goes on without them, some time after all is healed."""
        deadline = self.loop.now + LOST_S
        while self.loop.now < deadline:
            await asyncio.sleep(0.5)
            if not any(site.up and site.node.holds_back for site in self.members):
                return

    async def _verify(self) -> None:
        """An operator looks at the disk that was spoiled, and replaces it if anything is wrong."""
        victim = self.victim
        if victim.up and not victim.node.log.verify().problems:
            self.victim_is_damaged = False
            return
        victim.kill()
        if self.victim_is_damaged:
            self.new_disk(victim)

    async def settled(self, bound_s: float) -> bool:
        """Wait until every site has the same records, and nothing is on its way."""
        deadline = self.loop.now + bound_s
        while self.loop.now < deadline:
            await asyncio.sleep(0.5)
            if all(site.up for site in self.members) and self._level():
                return True
        return False

    @property
    def members(self) -> list[Site]:
        """The sites that belong to the service still."""
        return [site for site in self.sites if site.key.node != self.revoked]

    def _level(self) -> bool:
        first = self.members[0].node.vector
        return all(
            first <= site.node.vector
            and site.node.vector <= first
            and not site.node.context.authorities.stale
            and site.node.position == site.node.log.head_position
            for site in self.members
        )


async def taken(site: Site, revocation: str) -> None:
    """Hand a revocation in; a site whose disk is full refuses it."""
    with suppress(MatrixError):
        await take_revocation(site.node, revocation)


async def _account(site: Site, name: str, device_id: str) -> str:
    """An account with a log-in, as POST /register makes them, but for the costly hash."""
    service, node = site.service, site.node
    user_id = f"@{name}:{NAME}"
    login = NewSession(node, user_id, 0, device_id=device_id, display_name=None, refresh=False)
    await node.write(*account_drafts(service, user_id, "no password", None), *login.drafts)
    return str(login.answer["access_token"])
