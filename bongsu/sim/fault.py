"""The register of faults: each with a name, and the row of the reliability research that asks for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bongsu.sim.site import Site
from bongsu.sim.stage import Stage

Inject = Callable[[Stage, random.Random], Awaitable[None]]


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


async def wait(rnd: random.Random, least_s: float, most_s: float) -> None:
    await asyncio.sleep(rnd.uniform(least_s, most_s))


async def back(world: Stage, rnd: random.Random, site: Site, most_s: float = 6.0) -> None:
    await wait(rnd, 0.05, most_s)
    world.start(site)
