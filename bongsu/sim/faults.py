"""The faults, each with a name and the row of the reliability research that asks for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu import authority, drafts
from bongsu.authority import Cut
from bongsu.clock import next_stamp
from bongsu.cuts import cuts_of, take_revocation
from bongsu.errors import MatrixError
from bongsu.log.record import Draft, Lane, service_scope
from bongsu.sim import disk as disks
from bongsu.sim.network import Wire
from bongsu.sim.site import Site

if TYPE_CHECKING:
    from bongsu.sim.world import World

Inject = Callable[["World", random.Random], Awaitable[None]]
UNKNOWN_KIND = 90


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. `row`: in section 1 of the reliability research; 0: not there."""

    name: str
    row: int
    inject: Inject


FAULTS: dict[str, Fault] = {}


def fault(name: str, row: int) -> Callable[[Inject], Inject]:
    """Give an injector its name."""

    def named(inject: Inject) -> Inject:
        FAULTS[name] = Fault(name, row, inject)
        return inject

    return named


async def _wait(rnd: random.Random, least_s: float, most_s: float) -> None:
    await asyncio.sleep(rnd.uniform(least_s, most_s))


async def _back(world: "World", rnd: random.Random, site: Site, most_s: float = 6.0) -> None:
    await _wait(rnd, 0.05, most_s)
    world.start(site)


# Processes


@fault("process-kill", 1)
async def process_kill(world: "World", rnd: random.Random) -> None:
    """SIGKILL at any moment, and a new start."""
    for _ in range(3):
        await _wait(rnd, 1, 7)
        site = rnd.choice(world.sites)
        site.kill()
        await _back(world, rnd, site)


@fault("power-cut", 8)
async def power_cut(world: "World", rnd: random.Random) -> None:
    """The power goes at one site, with all that was not synced."""
    for _ in range(3):
        await _wait(rnd, 1, 7)
        site = rnd.choice(world.sites)
        site.kill("power")
        await _back(world, rnd, site)


@fault("torn-write", 8)
async def torn_write(world: "World", rnd: random.Random) -> None:
    """The power goes in the middle of a commit."""
    for _ in range(3):
        await _wait(rnd, 1, 5)
        site = rnd.choice(world.sites)
        site.disk.commits_until_cut = rnd.randrange(8)
        await _wait(rnd, 2, 4)
        site.disk.commits_until_cut = None
        world.start(site)


@fault("two-killed", 2)
async def two_killed(world: "World", rnd: random.Random) -> None:
    """Two of three sites go together."""
    await _wait(rnd, 2, 10)
    gone = rnd.sample(world.sites, 2)
    for site in gone:
        site.kill(rnd.choice(["crash", "power"]))
    for site in gone:
        await _back(world, rnd, site)


@fault("all-power", 2)
async def all_power(world: "World", rnd: random.Random) -> None:
    """The power goes everywhere at once."""
    await _wait(rnd, 2, 15)
    for site in world.sites:
        site.kill("power")
    await _wait(rnd, 0.1, 3)
    for site in rnd.sample(world.sites, len(world.sites)):
        world.start(site)
        await _wait(rnd, 0, 2)


@fault("killed-while-starting", 29)
async def killed_while_starting(world: "World", rnd: random.Random) -> None:
    """Again and again, before it is done with what the last end left (also row 32)."""
    await _wait(rnd, 1, 8)
    site = rnd.choice(world.sites)
    for _ in range(6):
        site.kill(rnd.choice(["crash", "power"]))
        world.start(site)
        await _wait(rnd, 0, 1.2)


@fault("rolling-restart", 28)
async def rolling_restart(world: "World", rnd: random.Random) -> None:
    """Every site ends cleanly and starts again, one after the other."""
    await _wait(rnd, 1, 4)
    for site in rnd.sample(world.sites, len(world.sites)):
        await site.stop()
        await _back(world, rnd, site, 3.0)
        await _wait(rnd, 0.5, 3)


@fault("pause", 12)
async def pause(world: "World", rnd: random.Random) -> None:
    """SIGSTOP, and SIGCONT later."""
    for _ in range(2):
        await _wait(rnd, 1, 6)
        process = rnd.choice(world.sites).process
        if process is not None:
            process.stop()
            await _wait(rnd, 0.3, 9)
            process.go_on()


# Disks


@fault("slow-disk", 6)
async def slow_disk(world: "World", rnd: random.Random) -> None:
    """An fsync takes seconds."""
    await _wait(rnd, 1, 6)
    disk = rnd.choice(world.sites).disk
    disk.sync_s = rnd.uniform(0.3, 4)
    await _wait(rnd, 4, 12)
    disk.sync_s = 0.002


@fault("disk-full", 7)
async def disk_full(world: "World", rnd: random.Random) -> None:
    """No room, found out in the middle of a write or before it."""
    for _ in range(2):
        await _wait(rnd, 1, 5)
        site = rnd.choice(world.sites)
        site.disk.full = True
        if site.up and rnd.random() < 0.5:
            site.node.log.free_bytes_min = 2**62
        await _wait(rnd, 1, 6)
        site.disk.full = False
        if site.up:
            site.node.log.free_bytes_min = 0


@fault("fsync-error", 9)
async def fsync_error(world: "World", rnd: random.Random) -> None:
    """An fsync fails: the node stops, and comes back on what is there."""
    await _wait(rnd, 1, 10)
    rnd.choice(world.sites).disk.sync_fails = True
    await _wait(rnd, 2, 6)


@fault("bit-flip", 10)
async def bit_flip(world: "World", rnd: random.Random) -> None:
    """A bit of log.db or view.db is another, found at the start or later."""
    await _spoil(world, rnd, cut=False)


@fault("truncated-file", 10)
async def truncated_file(world: "World", rnd: random.Random) -> None:
    """A file has lost its end."""
    await _spoil(world, rnd, cut=True)


async def _spoil(world: "World", rnd: random.Random, *, cut: bool) -> None:
    await _wait(rnd, 3, 12)
    victim = world.victim
    victim.kill()
    await asyncio.sleep(1)
    world.victim_is_damaged = True
    disks.spoil(victim.image, rnd.choice(["log.db", "log.db-wal", "view.db", "view.db-wal"]), rnd, cut=cut)
    # What an operator does first: look at the log. A node may also go on for a while without that.
    world.burn(victim, {})
    world.start(victim)


@fault("disk-destroyed", 1)
async def disk_destroyed(world: "World", rnd: random.Random) -> None:
    """A data centre burns; an empty disk takes its place."""
    await _wait(rnd, 2, 12)
    world.victim.kill("power")
    await _wait(rnd, 0.5, 4)
    if world.victim.process is None:
        world.new_disk(world.victim)
    world.start(world.victim)


@fault("amnesia", 17)
async def amnesia(world: "World", rnd: random.Random) -> None:
    """A site comes back from an image of some time ago."""
    for _ in range(2):
        await _wait(rnd, 1, 5)
        victim = world.victim
        if not victim.up:
            continue
        image = disks.read_image(victim.folder)
        held = {log: state.seq for log, state in victim.node.log.held().items()}
        await _wait(rnd, 1, 6)
        victim.kill()
        world.burn(victim, held)
        victim.image, victim.held_when_down = image, held
        await _back(world, rnd, victim, 3.0)


@fault("cloned-disk", 18)
async def cloned_disk(world: "World", rnd: random.Random) -> None:
    """Two copies of one site run side by side, until an operator ends one."""
    await _wait(rnd, 2, 8)
    victim = world.victim
    if not victim.up:
        return
    clone = world.new_site(f"{victim.name}-copy")
    clone.key, clone._config = victim.key, victim._config
    clone.image = disks.read_image(victim.folder)
    clone.fabric = False
    clone.neighbours = [site for site in world.sites if site is not victim]
    world.copies.append(clone)
    world.start(clone)
    await _wait(rnd, 3, 10)
    await clone.stop()


# Wires


def _pairs(world: "World") -> list[Wire]:
    names = [site.name for site in world.sites]
    return [world.network.wire(one, other) for one in names for other in names if one != other]


@fault("partition", 3)
async def partition(world: "World", rnd: random.Random) -> None:
    """One site is cut off from the others, or each from each."""
    for _ in range(2):
        await _wait(rnd, 1, 5)
        alone = rnd.sample([site.name for site in world.sites], rnd.choice([1, 1, 3]))
        cut = [
            world.network.wire(one.name, other.name)
            for one in world.sites
            for other in world.sites
            if one is not other and (one.name in alone or other.name in alone)
        ]
        await _cut(cut, rnd, 2, 10)


async def _cut(wires: list[Wire], rnd: random.Random, least_s: float, most_s: float) -> None:
    for wire in wires:
        wire.cut = True
    await _wait(rnd, least_s, most_s)
    for wire in wires:
        wire.cut = False


@fault("one-way-link", 4)
async def one_way_link(world: "World", rnd: random.Random) -> None:
    """One hears the other, and is not heard."""
    for _ in range(2):
        await _wait(rnd, 1, 5)
        await _cut(rnd.sample(_pairs(world), rnd.choice([1, 2])), rnd, 2, 9)


@fault("bridge", 3)
async def bridge(world: "World", rnd: random.Random) -> None:
    """Two sites see only the third, not each other."""
    await _wait(rnd, 1, 5)
    one, other = rnd.sample([site.name for site in world.sites], 2)
    await _cut([world.network.wire(one, other), world.network.wire(other, one)], rnd, 4, 15)


@fault("flapping", 5)
async def flapping(world: "World", rnd: random.Random) -> None:
    """Wires clog and come back, one after the other."""
    for _ in range(10):
        await _wait(rnd, 0.1, 1)
        await _cut(rnd.sample(_pairs(world), 3), rnd, 0.1, 2.5)


@fault("hung-up", 5)
async def hung_up(world: "World", rnd: random.Random) -> None:
    """Connections end with a word, and are made again."""
    for _ in range(6):
        await _wait(rnd, 0.3, 3)
        world.network.gone(rnd.choice(world.sites).name, silent=rnd.random() < 0.3)


async def _worse(world: "World", rnd: random.Random, name: str, least: float, most: float) -> None:
    await _wait(rnd, 0, 3)
    for wire in _pairs(world):
        setattr(wire, name, rnd.uniform(least, most))


@fault("message-loss", 13)
async def message_loss(world: "World", rnd: random.Random) -> None:
    """On bearers that may lose."""
    await _worse(world, rnd, "lost", 0.02, 0.4)


@fault("message-doubled", 13)
async def message_doubled(world: "World", rnd: random.Random) -> None:
    """On bearers that may double."""
    await _worse(world, rnd, "doubled", 0.02, 0.5)


@fault("message-reordered", 13)
async def message_reordered(world: "World", rnd: random.Random) -> None:
    """On bearers that may overtake."""
    await _worse(world, rnd, "reordered", 0.05, 0.6)


@fault("message-delay", 13)
async def message_delay(world: "World", rnd: random.Random) -> None:
    """Far sites, or a satellite."""
    await _worse(world, rnd, "delay_s", 0.02, 1.5)


@fault("message-spoiled", 14)
async def message_spoiled(world: "World", rnd: random.Random) -> None:
    """Messages arrive with other bits, or cut off."""
    await _worse(world, rnd, "spoiled", 0.02, 0.3)


@fault("message-replayed", 21)
async def message_replayed(world: "World", rnd: random.Random) -> None:
    """What was sent long ago comes again."""
    await _worse(world, rnd, "replayed", 0.02, 0.3)


# Clocks


@fault("clock-ahead", 11)
async def clock_ahead(world: "World", rnd: random.Random) -> None:
    """A clock is far ahead, and is put right."""
    await _wait(rnd, 1, 8)
    clock = rnd.choice(world.sites).clock
    clock.ahead_ms = rnd.choice([60_000, 3_600_000, 40 * 365 * 86_400_000])
    await _wait(rnd, 2, 12)
    clock.ahead_ms = 0


@fault("clock-behind", 11)
async def clock_behind(world: "World", rnd: random.Random) -> None:
    """A clock jumps back."""
    await _wait(rnd, 1, 8)
    clock = rnd.choice(world.sites).clock
    clock.ahead_ms = -rnd.choice([5_000, 3_600_000])
    await _wait(rnd, 2, 12)
    clock.ahead_ms = 0


@fault("clock-1970", 11)
async def clock_1970(world: "World", rnd: random.Random) -> None:
    """A board without a battery for its clock."""
    await _wait(rnd, 0, 3)
    rnd.choice(world.sites).clock.ahead_ms = -(2**50)


@fault("clock-stands", 11)
async def clock_stands(world: "World", rnd: random.Random) -> None:
    """A clock stands still."""
    await _wait(rnd, 1, 6)
    clock = rnd.choice(world.sites).clock
    clock.stands_at_ms = clock.now_ms()
    await _wait(rnd, 3, 15)
    clock.stands_at_ms = None


# Sites that come, go and lie


@fault("late-joiner", 0)
async def late_joiner(world: "World", rnd: random.Random) -> None:
    """A fourth site is enrolled, fills itself and serves."""
    await _wait(rnd, 2, 10)
    site = world.new_site("delta")
    world.sites.append(site)
    world.introduce()
    world.start(site)
    for other in world.sites:
        if other is not site and other.up:
            # A running node learns of a new address by its settings; here it is told at once.
            other.learn_of(site)


@fault("unknown-kind", 28)
async def unknown_kind(world: "World", rnd: random.Random) -> None:
    """A newer release writes what this one carries unread."""
    for _ in range(4):
        await _wait(rnd, 0.5, 5)
        site = rnd.choice(world.sites)
        if site.process is not None and site.up:
            draft = Draft(UNKNOWN_KIND, service_scope(), rnd.choice(list(Lane)), 1, rnd.randbytes(20))
            site.process.run(_quietly(site, draft))


@fault("lying-site", 20)
async def lying_site(world: "World", rnd: random.Random) -> None:
    """A valid key writes what no honest node would; the others carry on."""
    from bongsu.sim.lies import lie

    for _ in range(6):
        await _wait(rnd, 0.5, 4)
        site = world.victim
        if site.process is not None and site.up:
            site.process.run(_quietly(site, *lie(site, rnd)))


async def _quietly(site: Site, *written: Draft) -> None:
    try:
        await site.node.log.append(written)
    except MatrixError:
        return


@fault("revoked", 19)
async def revoked(world: "World", rnd: random.Random) -> None:
    """A site is shut out with a cut at what the others hold; later it is replaced under a new key."""
    await _wait(rnd, 4, 14)
    victim = world.victim
    others = [site for site in world.sites if site is not victim]
    if not all(site.up for site in others):
        return
    best: dict[tuple[int, Lane], Cut] = {}
    for site in others:
        try:
            _, cuts = cuts_of(site.node, victim.key.node.hex(), None)
        except MatrixError:
            continue
        for cut in cuts:
            known = best.get((cut.epoch, cut.lane))
            if known is None or known.seq < cut.seq:
                best[cut.epoch, cut.lane] = cut
    world.revoked = victim.key.node
    text = authority.sign_revocation(victim.key.node, 1, best.values(), world.root.sign)
    site = rnd.choice(others)
    assert site.process is not None
    site.process.run(_take(site, text))


async def _take(site: Site, text: str) -> None:
    await take_revocation(site.node, text)


@fault("same-name", 24)
async def same_name(world: "World", rnd: random.Random) -> None:
    """The same name is claimed at several sites at once, as after the loss of the lock."""
    await _wait(rnd, 1, 10)
    name = f"@twin{rnd.randrange(100)}:sim.example"
    for site in rnd.sample(world.sites, 2):
        if site.process is not None and site.up:
            now_ms = site.node.now_ms()
            written = [
                drafts.user(name, now_ms, next_stamp(now_ms)),
                drafts.password(name, f"hash at {site.name}", next_stamp(now_ms)),
                drafts.register(
                    "profile", name, "", "displayname", site.name, next_stamp(now_ms), public=True
                ),
            ]
            site.process.run(_quietly(site, *written))


@fault("password-change", 26)
async def password_change(world: "World", rnd: random.Random) -> None:
    """Somebody changes the password and logs the others out; on both sides, perhaps."""
    client = world.clients[-1]
    client.may_be_out = True
    for _ in range(3):
        await _wait(rnd, 1, 6)
        site = rnd.choice(world.sites)
        if site.process is not None and site.up:
            stamp = next_stamp(site.node.now_ms())
            kept = f"session {rnd.randrange(5)}"
            login = drafts.session(
                client.user_id, "DOTHER", kept, 0, [], site.node.now_ms(), stamp, rnd.randrange(stamp)
            )
            hashed = f"hash {rnd.randrange(10**6)}"
            changed = drafts.password(client.user_id, hashed, stamp + 1, logs_out=True, keeps=kept)
            site.process.run(_quietly(site, *rnd.sample([login, changed], 2)))


# Clients


@fault("lost-answers", 23)
async def lost_answers(world: "World", rnd: random.Random) -> None:
    """What a client asked for is done, and the answer never comes: it asks again, elsewhere."""
    for site in world.sites:
        site.answers_lost = rnd.uniform(0.02, 0.3)


@fault("wandering-clients", 15)
async def wandering_clients(world: "World", rnd: random.Random) -> None:
    """Clients change sites all the time, with tokens the next site has not caught up with."""
    for _ in range(60):
        await _wait(rnd, 0.05, 0.6)
        rnd.choice(world.clients).move()
