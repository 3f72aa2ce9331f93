"""For whom a hub may write is a function of the records alone: any order, and a rebuild, give one view."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.record import Lane
from bongsu.offline import differences
from bongsu.view.rebuild import rebuild
from tests.helpers.service import ROOT, Reader, Site, revoke
from tests.property.test_arrival_order import USERS, Writer, asked

SEEDS = 10
ORDERS = 4
QUESTIONS = (
    "SELECT family, owner, key1, key2, value, stamp, author FROM registers"
    " WHERE family IN ('profile', 'alias') ORDER BY 1, 2, 3, 4",
    "SELECT node, user_id FROM residents ORDER BY 1, 2",
    "SELECT node, user_id, ends, stamp FROM residency_ends ORDER BY 1, 2",
    "SELECT session, user_id, ended FROM sessions ORDER BY 1",
    "SELECT user_id FROM users ORDER BY 1",
    "SELECT count(*) FROM unauthorised",
)


async def write(seed: int, folder: Path) -> list[Site]:
    """A core site and two hubs write a room; some are residents, of one residency there is an end."""
    chosen = random.Random(seed)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    core = Site(folder / "one", "one")
    hubs = [Site(folder / name, name, role="hub") for name in ("jongno", "mapo")]
    sites = [core, *hubs]
    for site in sites:
        if chosen.random() < 0.7:
            await site.introduce()
    writer = Writer(seed)
    writer.scribble(40)
    for number, draft in enumerate(writer.drafts):
        # Hubs write whatever: of residents, and what they have no right to.
        await chosen.choice(sites).write(draft)
        if chosen.random() < 0.3:
            await chosen.choice(sites).write(draft)
        await scribble(chosen, chosen.choice(hubs), number)
    for hub in hubs:
        await move(chosen, core, hub)
    # A hub has no say in who is a resident.
    await hubs[0].write(drafts.residency(USERS[0], hubs[0].key.node.hex(), 99))
    for site in sites:
        await site.introduce()
    if chosen.random() < 0.5:
        thief = hubs[1]
        length = max(seq for log, seq in thief.log.held_of(thief.key.node) if log.lane == Lane.TEXT)
        cut = thief.cut(Lane.TEXT, chosen.randrange(2, length))
        await core.write(drafts.revocation(revoke(thief.key.node, 1, [cut]), 5))
    return sites


async def scribble(chosen: random.Random, hub: Site, number: int) -> None:
    """A hub writes of somebody: an account, a profile, an alias, a log-in."""
    owner = chosen.choice([*USERS, f"@{number}+{hub.site}:town"])
    stamp = chosen.randrange(1, 30)
    await hub.write(drafts.user(owner, 1, number + 1))
    await hub.write(drafts.register("profile", owner, "", "displayname", f"n{number}", stamp, public=True))
    await hub.write(drafts.register("alias", "", "", f"#{number}:town", {"room_id": "!lie:town"}, stamp))
    await hub.write(drafts.session(owner, "DEVICE", f"s{number}", 0, [], 1, 1, 0))


async def move(chosen: random.Random, core: Site, hub: Site) -> None:
    """Two users become residents of a hub; one moves away, and perhaps comes back."""
    name = hub.key.node.hex()
    residents = chosen.sample(USERS, 2)
    for user_id in residents:
        await core.write(drafts.residency(user_id, name, chosen.randrange(1, 5)))
    ends: list[list[int | str]] = [
        [f"{log.epoch:016x}", int(log.lane), chosen.randrange(1, len(records))]
        for log, records in hub.logs().items()
    ]
    await core.write(drafts.residency(residents[0], name, 7, ends))
    if chosen.random() < 0.4:
        await core.write(drafts.residency(residents[0], name, chosen.choice((6, 8))))


async def seen(folder: Path, sites: list[Site], order: int) -> list[Any]:
    reader = Reader(folder)
    await reader.node.introduce()
    await reader.take_all(sites, order)
    await reader.settled()
    context = reader.node.context
    answers = asked(context) + [context.db.all(question) for question in QUESTIONS]
    assert context.db.value("SELECT count(*) FROM registers WHERE family='alias'") == 0
    assert context.db.value("SELECT count(*) FROM users WHERE user_id NOT LIKE '%+%'") == 0
    assert context.db.value("SELECT count(*) FROM users") > 0
    node = reader.node
    again = folder / "again.db"
    built = rebuild(again, node.log, ROOT.public, SystemClock().now_ms, lambda done, total: None)
    assert differences(context.db, built) == []
    built.close()
    reader.close()
    return answers


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_of_residencies_and_records_gives_the_same_view(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        sites = await write(seed, tmp_path / "sites")
        first: list[Any] | None = None
        for order in range(ORDERS):
            answers = await seen(tmp_path / f"{order}", sites, seed * 100 + order)
            first = first or answers
            assert answers == first
        assert first is not None
        profiles, sessions = first[-6], first[-3]
        assert profiles, "something that hubs wrote counts"
        assert sessions
        assert first[-1] != [(0,)], "and something does not"
        for site in sites:
            site.log.close()

    asyncio.run(run())
