"""Faults of the wires between sites, and of clocks."""

import random

from bongsu.sim.fault import fault, wait
from bongsu.sim.network import Wire
from bongsu.sim.stage import Stage

# Wires


def _pairs(world: Stage) -> list[Wire]:
    names = [site.name for site in world.sites]
    return [world.network.wire(one, other) for one in names for other in names if one != other]


@fault("partition", 3)
async def partition(world: Stage, rnd: random.Random) -> None:
    """One site is cut off from the others, or each from each."""
    for _ in range(2):
        await wait(rnd, 1, 5)
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
    await wait(rnd, least_s, most_s)
    for wire in wires:
        wire.cut = False


@fault("one-way-link", 4)
async def one_way_link(world: Stage, rnd: random.Random) -> None:
    """One hears the other, and is not heard."""
    for _ in range(2):
        await wait(rnd, 1, 5)
        await _cut(rnd.sample(_pairs(world), rnd.choice([1, 2])), rnd, 2, 9)


@fault("bridge", 3)
async def bridge(world: Stage, rnd: random.Random) -> None:
    """Two sites see only the third, not each other."""
    await wait(rnd, 1, 5)
    one, other = rnd.sample([site.name for site in world.sites], 2)
    await _cut([world.network.wire(one, other), world.network.wire(other, one)], rnd, 4, 15)


@fault("flapping", 5)
async def flapping(world: Stage, rnd: random.Random) -> None:
    """Wires clog and come back, one after the other."""
    for _ in range(10):
        await wait(rnd, 0.1, 1)
        await _cut(rnd.sample(_pairs(world), 3), rnd, 0.1, 2.5)


@fault("hung-up", 5)
async def hung_up(world: Stage, rnd: random.Random) -> None:
    """Connections end with a word, and are made again."""
    for _ in range(6):
        await wait(rnd, 0.3, 3)
        world.network.gone(rnd.choice(world.sites).name, silent=rnd.random() < 0.3)


async def _worse(world: Stage, rnd: random.Random, name: str, least: float, most: float) -> None:
    await wait(rnd, 0, 3)
    for wire in _pairs(world):
        setattr(wire, name, rnd.uniform(least, most))


@fault("message-loss", 13)
async def message_loss(world: Stage, rnd: random.Random) -> None:
    """On bearers that may lose."""
    await _worse(world, rnd, "lost", 0.02, 0.4)


@fault("message-doubled", 13)
async def message_doubled(world: Stage, rnd: random.Random) -> None:
    """On bearers that may double."""
    await _worse(world, rnd, "doubled", 0.02, 0.5)


@fault("message-reordered", 13)
async def message_reordered(world: Stage, rnd: random.Random) -> None:
    """On bearers that may overtake."""
    await _worse(world, rnd, "reordered", 0.05, 0.6)


@fault("message-delay", 13)
async def message_delay(world: Stage, rnd: random.Random) -> None:
    """Far sites, or a satellite."""
    await _worse(world, rnd, "delay_s", 0.02, 1.5)


@fault("message-spoiled", 14)
async def message_spoiled(world: Stage, rnd: random.Random) -> None:
    """Messages arrive with other bits, or cut off."""
    await _worse(world, rnd, "spoiled", 0.02, 0.3)


@fault("message-replayed", 21)
async def message_replayed(world: Stage, rnd: random.Random) -> None:
    """What was sent long ago comes again."""
    await _worse(world, rnd, "replayed", 0.02, 0.3)


# Clocks


@fault("clock-ahead", 11)
async def clock_ahead(world: Stage, rnd: random.Random) -> None:
    """A clock is far ahead, and is put right."""
    await wait(rnd, 1, 8)
    clock = rnd.choice(world.sites).clock
    clock.ahead_ms = rnd.choice([60_000, 3_600_000, 40 * 365 * 86_400_000])
    await wait(rnd, 2, 12)
    clock.ahead_ms = 0


@fault("clock-behind", 11)
async def clock_behind(world: Stage, rnd: random.Random) -> None:
    """A clock jumps back."""
    await wait(rnd, 1, 8)
    clock = rnd.choice(world.sites).clock
    clock.ahead_ms = -rnd.choice([5_000, 3_600_000])
    await wait(rnd, 2, 12)
    clock.ahead_ms = 0


@fault("clock-1970", 11)
async def clock_1970(world: Stage, rnd: random.Random) -> None:
    """A board without a battery for its clock."""
    await wait(rnd, 0, 3)
    rnd.choice(world.sites).clock.ahead_ms = -(2**50)


@fault("clock-stands", 11)
async def clock_stands(world: Stage, rnd: random.Random) -> None:
    """A clock stands still."""
    await wait(rnd, 1, 6)
    clock = rnd.choice(world.sites).clock
    clock.stands_at_ms = clock.now_ms()
    await wait(rnd, 3, 15)
    clock.stands_at_ms = None
