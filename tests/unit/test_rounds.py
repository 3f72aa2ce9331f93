"""Rounds: done once for all who ask meanwhile, and begun after they asked."""

import asyncio

from bongsu.rounds import Rounds


def test_who_asks_while_a_round_runs_gets_the_next() -> None:
    asyncio.run(_three_ask())


async def _three_ask() -> None:
    begun, has_begun, may_end = 0, asyncio.Event(), asyncio.Event()

    async def work() -> int:
        nonlocal begun
        begun += 1
        has_begun.set()
        mine = begun
        await may_end.wait()
        return mine

    rounds = Rounds(work)
    first = asyncio.ensure_future(rounds.join())
    await has_begun.wait()
    others = [asyncio.ensure_future(rounds.join()) for _ in range(2)]
    await asyncio.sleep(0)
    assert begun == 1, "one round at a time"
    may_end.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2, 2]


def test_a_round_outlives_who_asked_for_it() -> None:
    asyncio.run(_one_goes_away())


async def _one_goes_away() -> None:
    may_end = asyncio.Event()

    async def work() -> str:
        await may_end.wait()
        return "done"

    rounds = Rounds(work)
    gone, stays = asyncio.ensure_future(rounds.join()), asyncio.ensure_future(rounds.join())
    await asyncio.sleep(0)
    gone.cancel()
    may_end.set()
    assert await stays == "done"


def test_a_round_that_failed_does_not_stop_the_next() -> None:
    asyncio.run(_fails_once())


async def _fails_once() -> None:
    begun, has_begun, may_end = 0, asyncio.Event(), asyncio.Event()

    async def work() -> int:
        nonlocal begun
        begun += 1
        has_begun.set()
        await may_end.wait()
        if begun == 1:
            raise ValueError("the first one")
        return begun

    rounds = Rounds(work)
    first = asyncio.ensure_future(rounds.join())
    await has_begun.wait()
    second = asyncio.ensure_future(rounds.join())
    may_end.set()
    failed, done = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(failed, ValueError)
    assert done == 2
