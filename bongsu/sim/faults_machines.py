"""Faults of processes and disks."""

import asyncio
import random

from bongsu.log.epoch import covered
from bongsu.log.record import LogName
from bongsu.sim import disk as disks
from bongsu.sim.fault import back, fault, wait
from bongsu.sim.stage import Stage

# Processes


@fault("process-kill", 1)
async def process_kill(world: Stage, rnd: random.Random) -> None:
    """SIGKILL at any moment, and a new start."""
    for _ in range(3):
        await wait(rnd, 1, 7)
        site = rnd.choice(world.sites)
        site.kill()
        await back(world, rnd, site)


@fault("power-cut", 8)
async def power_cut(world: Stage, rnd: random.Random) -> None:
    """The power goes at one site, with all that was not synced."""
    for _ in range(3):
        await wait(rnd, 1, 7)
        site = rnd.choice(world.sites)
        site.kill("power")
        await back(world, rnd, site)


@fault("torn-write", 8)
async def torn_write(world: Stage, rnd: random.Random) -> None:
    """The power goes in the middle of a commit."""
    for _ in range(3):
        await wait(rnd, 1, 5)
        site = rnd.choice(world.sites)
        site.disk.commits_until_cut = rnd.randrange(8)
        await wait(rnd, 2, 4)
        site.disk.commits_until_cut = None
        world.start(site)


@fault("two-killed", 2)
async def two_killed(world: Stage, rnd: random.Random) -> None:
    """Two of three sites go together."""
    await wait(rnd, 2, 10)
    gone = rnd.sample(world.sites, 2)
    for site in gone:
        site.kill(rnd.choice(["crash", "power"]))
    for site in gone:
        await back(world, rnd, site)


@fault("all-power", 2)
async def all_power(world: Stage, rnd: random.Random) -> None:
    """The power goes everywhere at once."""
    await wait(rnd, 2, 15)
    for site in world.sites:
        site.kill("power")
    await wait(rnd, 0.1, 3)
    for site in rnd.sample(world.sites, len(world.sites)):
        world.start(site)
        await wait(rnd, 0, 2)


@fault("killed-while-starting", 29)
async def killed_while_starting(world: Stage, rnd: random.Random) -> None:
    """Again and again, before it is done with what the last end left (also row 32)."""
    await wait(rnd, 1, 8)
    site = rnd.choice(world.sites)
    for _ in range(6):
        site.kill(rnd.choice(["crash", "power"]))
        world.start(site)
        await wait(rnd, 0, 1.2)


@fault("rolling-restart", 28)
async def rolling_restart(world: Stage, rnd: random.Random) -> None:
    """Every site ends cleanly and starts again, one after the other."""
    await wait(rnd, 1, 4)
    for site in rnd.sample(world.sites, len(world.sites)):
        await site.stop()
        await back(world, rnd, site, 3.0)
        await wait(rnd, 0.5, 3)


@fault("pause", 12)
async def pause(world: Stage, rnd: random.Random) -> None:
    """SIGSTOP, and SIGCONT later."""
    for _ in range(2):
        await wait(rnd, 1, 6)
        process = rnd.choice(world.sites).process
        if process is not None:
            process.stop()
            await wait(rnd, 0.3, 9)
            process.go_on()


# Disks


@fault("slow-disk", 6)
async def slow_disk(world: Stage, rnd: random.Random) -> None:
    """An fsync takes seconds."""
    await wait(rnd, 1, 6)
    disk = rnd.choice(world.sites).disk
    disk.sync_s = rnd.uniform(0.3, 4)
    await wait(rnd, 4, 12)
    disk.sync_s = 0.002


@fault("disk-full", 7)
async def disk_full(world: Stage, rnd: random.Random) -> None:
    """No room, found out in the middle of a write or before it."""
    for _ in range(2):
        await wait(rnd, 1, 5)
        site = rnd.choice(world.sites)
        site.disk.full = True
        if site.up and rnd.random() < 0.5:
            site.node.log.free.bytes_min = 2**62
        await wait(rnd, 1, 6)
        site.disk.full = False
        if site.up:
            site.node.log.free.bytes_min = 0


@fault("fsync-error", 9)
async def fsync_error(world: Stage, rnd: random.Random) -> None:
    """An fsync fails: the node stops, and comes back on what is there."""
    await wait(rnd, 1, 10)
    rnd.choice(world.sites).disk.sync_fails = True
    await wait(rnd, 2, 6)


@fault("bit-flip", 10)
async def bit_flip(world: Stage, rnd: random.Random) -> None:
    """A bit of log.db or view.db is another, found at the start or later."""
    await _spoil(world, rnd, cut=False)


@fault("truncated-file", 10)
async def truncated_file(world: Stage, rnd: random.Random) -> None:
    """A file has lost its end."""
    await _spoil(world, rnd, cut=True)


async def _spoil(world: Stage, rnd: random.Random, *, cut: bool) -> None:
    await wait(rnd, 3, 12)
    victim = world.victim
    victim.kill()
    await asyncio.sleep(1)
    world.victim_is_damaged = True
    disks.spoil(victim.image, rnd.choice(["log.db", "log.db-wal", "view.db", "view.db-wal"]), rnd, cut=cut)
    # What an operator does first: look at the log. A node may also go on for a while without that.
    world.burn(victim, {})
    world.start(victim)


@fault("disk-destroyed", 1)
async def disk_destroyed(world: Stage, rnd: random.Random) -> None:
    """A data centre burns; an empty disk takes its place."""
    await wait(rnd, 2, 12)
    world.victim.kill("power")
    await wait(rnd, 0.5, 4)
    if world.victim.process is None:
        world.new_disk(world.victim)
    world.start(world.victim)


@fault("amnesia", 17)
async def amnesia(world: Stage, rnd: random.Random) -> None:
    """A site comes back from an image of some time ago."""
    for _ in range(2):
        await wait(rnd, 1, 5)
        victim = world.victim
        if not victim.up:
            continue
        image = disks.read_image(victim.folder)
        held = {log: state.seq for log, state in victim.node.log.held().items()}
        await wait(rnd, 1, 6)
        victim.kill()
        world.burn(victim, held)
        victim.image, victim.held_when_down = image, held
        await back(world, rnd, victim, 3.0)


@fault("resumed-image", 18)
async def resumed_image(world: Stage, rnd: random.Random) -> None:
    """A machine goes on from an image of its memory: it gives numbers out again that it gave out before."""
    await wait(rnd, 2, 6)
    victim = world.victim
    await victim.stop()
    image, held, drawn = dict(victim.image), dict(victim.held_when_down), victim.random.getstate()
    world.start(victim)
    await wait(rnd, 3, 8)
    victim.kill()
    _tokens_of_what_burns(world, held)
    world.burn(victim, held)
    world.victim_forks = True
    victim.image, victim.held_when_down = image, held
    # The same chance again gives the same start: what is written now has numbers that others hold already.
    victim.random.setstate(drawn)
    alone = [site for site in world.sites if site is not victim and rnd.random() < 0.5]
    for site in alone:
        world.network.wire(site.name, victim.name).cut = True
    world.start(victim)
    # Tokens name records by numbers: who is served by the second history may miss what has the same ones.
    for _ in range(rnd.randrange(5, 30)):
        await asyncio.sleep(0.2)
        for client in world.clients:
            client.steady = client.steady and client.site is not victim
    for site in alone:
        world.network.wire(site.name, victim.name).cut = False


def _tokens_of_what_burns(world: Stage, left: dict[LogName, int]) -> None:
    """Tokens name records by numbers: whose token covers what nobody will hold may miss what gets those now.

    What burns so was held here, on the disk that is put back, and was shown with that label.
    """
    victim, others = world.victim, [site for site in world.sites if site is not world.victim]
    for log, state in victim.states_when_down.items():
        if log.node != victim.key.node or state.seq <= left.get(log, 0):
            continue
        elsewhere = max(site.has(log) for site in others)
        for client in world.clients:
            if covered(victim.states_when_down, client.vector, log) > elsewhere:
                client.steady = False


@fault("cloned-disk", 18)
async def cloned_disk(world: Stage, rnd: random.Random) -> None:
    """Two copies of one site run side by side, until an operator ends one."""
    await wait(rnd, 2, 8)
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
    await wait(rnd, 3, 10)
    await clone.stop()
