"""Each run in a process of its own, forked from one that has imported everything: its seed alone decides it.

Nothing that one run leaves behind, a cache or what was killed in the middle, reaches another."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from bongsu.sim.chance import seed_all

T = TypeVar("T")


def each(
    run: Callable[[int], T], seeds: Sequence[int], at_once: int | None = None
) -> Iterator[tuple[int, T | None]]:
    """Run every seed; its outcome in the order of `seeds`, None if its process died.

    `at_once`: how many processes; without it, as many as there are processors.
    """
    fork = multiprocessing.get_context("fork")
    most = at_once or os.cpu_count() or 1
    running: dict[Connection, int] = {}
    done: dict[int, T | None] = {}
    left, told = list(reversed(seeds)), 0
    while told < len(seeds):
        while left and len(running) < most:
            seed = left.pop()
            ours, theirs = fork.Pipe(duplex=False)
            fork.Process(target=_alone, args=(run, seed, theirs)).start()
            theirs.close()
            running[ours] = seed
        for ended in wait(list(running)):
            assert isinstance(ended, Connection)
            seed = running.pop(ended)
            try:
                done[seed] = ended.recv()
            except EOFError:
                continue
            finally:
                ended.close()
        while told < len(seeds) and (seeds[told] in done or seeds[told] not in (*running.values(), *left)):
            yield seeds[told], done.pop(seeds[told], None)
            told += 1


def _alone(run: Callable[[int], T], seed: int, answer: Connection) -> None:
    # Collected at moments of its own, memory would end what was left in the middle at those.
    gc.disable()
    seed_all(seed)
    answer.send(run(seed))
