"""Who counts is a function of the records alone: any order of arrival, and a rebuild, give the same view."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.record import EMPTY_BODY_HASH, Lane
from bongsu.offline import differences
from bongsu.view.context import Context
from bongsu.view.rebuild import rebuild
from tests.helpers.service import ROOT, Reader, Site, revoke
from tests.property.test_arrival_order import QUESTIONS, USERS, Writer, asked

SEEDS = 10
ORDERS = 3
MORE_QUESTIONS = (
    "SELECT family, owner, key1, key2, value, stamp, author FROM registers"
    " WHERE family='profile' ORDER BY owner, key1",
    "SELECT node, number, text FROM revocations ORDER BY node",
)


async def write(seed: int, folder: Path) -> list[Site]:
    """Three sites write a room and profiles; one of them is revoked, some time."""
    chosen = random.Random(seed)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    sites = [Site(folder / name, name) for name in ("one", "two", "thief")]
    writer = Writer(seed)
    writer.scribble(40)
    for site in sites:
        if chosen.random() < 0.7:
            await site.introduce()
    written = []
    for draft in writer.drafts:
        await chosen.choice(sites).write(draft)
        written.append(draft)
        if chosen.random() < 0.3:
            # The thief writes again what others wrote: it must not decide over their events.
            await sites[2].write(chosen.choice(written))
        name = f"n{chosen.randrange(9)}"
        stamp = chosen.randrange(1, 30)
        owner = chosen.choice(USERS)
        await chosen.choice(sites).write(
            drafts.register("profile", owner, "displayname", "", name, stamp, public=True)
        )
    await sites[2].write(drafts.register("profile", USERS[0], "displayname", "", "lie", 99, public=True))
    for site in sites:
        await site.introduce()
    thief = sites[2]
    length = max(seq for log, seq in thief.log.held_of(thief.key.node) if log.lane == Lane.TEXT)
    cuts = sorted(chosen.sample(range(1, length - 2), 2))
    if seed % 5 == 4:
        await sites[0].write(
            drafts.revocation(revoke(thief.key.node, 7, [thief.cut(Lane.TEXT, cuts[0], EMPTY_BODY_HASH)]), 5)
        )
        return sites
    for number, cut in enumerate(cuts):
        text = revoke(thief.key.node, number + 1, [thief.cut(Lane.TEXT, cut)])
        await sites[number].write(drafts.revocation(text, 5))
        # A second opinion by somebody who has no say.
        await thief.write(drafts.revocation(revoke(sites[0].key.node, 9, [], by=thief.key), 5))
    return sites


async def seen(folder: Path, sites: list[Site], order: int) -> list[Any]:
    reader = Reader(folder)
    await reader.node.introduce()
    await reader.take_all(sites, order)
    await reader.settled()
    context = reader.node.context
    answers = asked(context) + [context.db.all(question) for question in MORE_QUESTIONS]
    lies = "SELECT count(*) FROM registers WHERE stamp=99"
    assert context.db.value(lies) == 0
    cut = [row for row in context.events.rows("verdict=1", ()) if not within_cut(context, row.position)]
    assert cut
    node = reader.node
    built = rebuild(
        folder / "again.db", node.log, ROOT.public, SystemClock().now_ms, lambda done, total: None
    )
    assert differences(context.db, built) == []
    built.close()
    reader.close()
    return answers


def within_cut(context: Context, position: int) -> bool:
    return context.authorities.within_cut(context.log.read(position))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_of_certificates_revocations_and_records_gives_the_same_view(
    seed: int, tmp_path: Path
) -> None:
    async def run() -> None:
        sites = await write(seed, tmp_path / "sites")
        first: list[Any] | None = None
        for order in range(ORDERS):
            answers = await seen(tmp_path / f"{order}", sites, seed * 100 + order)
            first = first or answers
            assert answers == first
        assert first is not None
        assert len(first) > len(QUESTIONS)
        for site in sites:
            site.log.close()

    asyncio.run(run())
