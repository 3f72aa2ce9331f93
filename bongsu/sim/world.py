"""One run: three sites, people and faults, all from one seed; then all heals, and the oracle judges."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bongsu.errors import FatalError
from bongsu.sim import oracle
from bongsu.sim.faults import FAULTS, Fault
from bongsu.sim.loop import Stuck, process_name
from bongsu.sim.stage import Stage

RUN_S = 25.0
BOUND_S = 600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed. `digest`: of the end, and of how much happened until then."""

    seed: int
    faults: tuple[str, ...]
    failures: tuple[str, ...]
    counts: dict[str, int]
    digest: str

    @property
    def line(self) -> str:
        """The command that shows a failure again."""
        named = ",".join(self.faults) or "none"
        return f"python -m bongsu.sim --seed {self.seed} --faults {named}"


class World(Stage):
    """One run."""

    def __init__(self, seed: int, faults: Sequence[str] | None, folder: Path) -> None:
        super().__init__(seed, folder)
        self.faults = self._choose(faults)

    def _choose(self, names: Sequence[str] | None) -> tuple[Fault, ...]:
        """Swarm testing: each seed has a random subset of the faults; every fourth has one alone."""
        rnd = self.split()
        if names is not None:
            return tuple(FAULTS[name] for name in names)
        count = rnd.choice([0, 1, 1, 2, 3, 4, 5, 6])
        return tuple(FAULTS[name] for name in sorted(rnd.sample(sorted(FAULTS), count)))

    async def run(self) -> str:
        """From the first start to the oracle's word; a digest of the end."""
        self.introduce()
        for site in self.sites:
            self.start(site)
        await asyncio.sleep(3)
        await self.people_arrive()
        tasks = [asyncio.ensure_future(client.sync_on()) for client in self.clients]
        tasks += [asyncio.ensure_future(person.live()) for person in self.people]
        faults = [asyncio.ensure_future(fault.inject(self, self.split())) for fault in self.faults]
        await asyncio.sleep(RUN_S)
        for task in faults:
            task.cancel()
        await asyncio.gather(*faults, return_exceptions=True)
        for task in faults:
            if not task.cancelled() and task.exception() is not None:
                self.journal.fail(f"a fault itself failed: {task.exception()!r}")
        await self.heal()
        for client in self.clients:
            client.running = False
        await asyncio.wait(tasks, timeout=60)
        if not all(task.done() for task in tasks):
            self.journal.fail("F: a client is stuck a minute after everything was healed")
        for task in tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                self.journal.fail(f"a client failed: {task.exception()!r}")
        return await oracle.judge(self)


class _Ear(logging.Handler):
    """Hears of defects that the product answered with a sentence."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self.world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is None or record.exc_info[1] is None:
            return
        error = record.exc_info[1]
        site = next((each for each in self.world.sites if each.name == process_name()), None)
        broken = site is not None and (site.disk.full or site.disk.sync_fails)
        if self.world.somebody_lies and "means nothing" in record.getMessage():
            return
        if (
            isinstance(error, FatalError)
            or (site is self.world.victim and self.world.victim_is_damaged)
            or broken
        ):
            return
        self.world.journal.fail(f"{process_name()}: {record.getMessage()}: {error!r}")


def run(seed: int, faults: Sequence[str] | None = None) -> Outcome:
    """Run one seed."""
    memory = Path("/dev/shm")  # noqa: S108 - the runs sync often, and nothing of them is kept
    folder = Path(tempfile.mkdtemp(prefix="bongsu-sim-", dir=memory if memory.is_dir() else None))
    world = World(seed, faults, folder)
    ear = _Ear(world)
    logger = logging.getLogger("bongsu")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(ear)
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    world.loop.set_exception_handler(lambda _, found: _unhandled(world, found))
    asyncio.set_event_loop(world.loop)
    digest = ""
    try:
        main = world.loop.create_task(asyncio.wait_for(world.run(), BOUND_S))
        digest = world.loop.run_until_complete(main)
    except Stuck as stuck:
        world.journal.fail(f"F: {stuck}")
    except TimeoutError:
        world.journal.fail(f"F: the run did not end within {BOUND_S} simulated seconds")
    finally:
        asyncio.set_event_loop(None)
        world.loop.end()
        for site in (*world.sites, *world.copies):
            site.dispose()
        shutil.rmtree(folder, ignore_errors=True)
        logger.removeHandler(ear)
        logger.setLevel(level)
        logger.propagate = propagate
    names = tuple(fault.name for fault in world.faults)
    counts = {**world.journal.counts, "callbacks": world.loop.entered}
    course = sha256(repr((digest, sorted(counts.items()), world.journal.failures)).encode()).hexdigest()[:16]
    return Outcome(seed, names, tuple(world.journal.failures), counts, course)


def _unhandled(world: World, found: dict) -> None:  # type: ignore[type-arg]
    error = found.get("exception")
    with suppress(Exception):
        if error is not None and not isinstance(error, FatalError):
            world.journal.fail(f"nobody caught {error!r}: {found.get('message')}")
