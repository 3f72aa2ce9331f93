"""Three sites merge in an order by which state resolution brings a leaving back: nobody is lost by it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bongsu import limits
from bongsu.author import NewEvent
from bongsu.sim.region import Region
from bongsu.sim.site import Site

LEVELS, MEMBER = "m.room.power_levels", "m.room.member"
WAIT_S = 3.0 * (limits.STATE_RESET_S + limits.STATE_RESET_LOOK_S)


async def _state(
    site: Site, room_id: str, sender: str, kind: str, key: str, content: dict[str, object]
) -> str:
    assert site.process is not None
    return await site.process.run(site.service.author.send(room_id, sender, NewEvent(kind, content, key)))


def _membership(site: Site, room_id: str, user_id: str) -> str:
    context = site.node.context
    return context.events.body(context.live.get(room_id).state[MEMBER, user_id]).membership or ""


def _link(region: Region, hub: Site, *, cut: bool) -> None:
    for pair in ((hub.name, region.core.name), (region.core.name, hub.name)):
        region.network.wire(*pair).cut = cut


async def _reset(region: Region) -> tuple[str, str]:
    """Leave a room in which a merge has undone a joining. The room, and who is lost."""
    core, (near, far) = region.core, region.hubs
    await region.begin()
    await region.settle(4)
    alice, carol, dan, bob = "@p1:", "@p0:", "@p3:", "@p2:"
    names = [user for people in region.people.values() for user in people]
    alice, carol, dan, bob = (
        next(u for u in names if u.startswith(name)) for name in (alice, carol, dan, bob)
    )
    room_id = await region.room([alice, carol, dan, bob])
    await _state(core, room_id, alice, LEVELS, "", {"users": {bob: 75}})
    await region.level()
    # Near: the levels change, and who is lost later leaves.
    _link(region, near, cut=True)
    await _state(near, room_id, bob, LEVELS, "", {"users": {bob: 75}, "invite": 75})
    await _state(near, room_id, carol, MEMBER, carol, {"membership": "leave"})
    # The core and the far hub: other levels, which win.
    await _state(core, room_id, alice, LEVELS, "", {"users": {bob: 75, dan: 75}})
    await region.until(lambda: far.node.vector == core.node.vector, "the far hub has the levels")
    _link(region, far, cut=True)
    _link(region, near, cut=False)
    await region.until(
        lambda: (
            _membership(core, room_id, carol) == _membership(near, room_id, carol) == "leave"
            and near.node.vector == core.node.vector
        ),
        "the near hub and the core have merged",
    )
    await _state(near, room_id, carol, MEMBER, carol, {"membership": "join"})
    await region.say(far, room_id, dan, "nobody here has heard of it")
    await region.until(lambda: _membership(core, room_id, carol) == "join", "the core heard of the joining")
    _link(region, far, cut=False)
    await region.level()
    assert {_membership(site, room_id, carol) for site in region.sites} == {"leave"}, "the merge undid it"
    return room_id, carol


async def _core_mends(region: Region) -> None:
    room_id, carol = await _reset(region)
    await asyncio.sleep(WAIT_S)
    await region.level()
    assert {_membership(site, room_id, carol) for site in region.sites} == {"join"}
    said = region.core.node.context.events.rows("type=? AND state_key=?", (MEMBER, carol))
    assert len(said) == 4, "the first joining, the leaving, the second, and that once more"


async def _hub_mends(region: Region) -> None:
    room_id, carol = await _reset(region)
    region.cut()
    await region.until(lambda: not any(hub.service.peers.links for hub in region.hubs), "hubs are alone")
    await asyncio.sleep(WAIT_S)
    assert [_membership(hub, room_id, carol) for hub in region.hubs] == ["join", "leave"]
    region.network.heal()
    await region.level()
    await asyncio.sleep(WAIT_S)
    await region.level()
    assert {_membership(site, room_id, carol) for site in region.sites} == {"join"}


@pytest.mark.parametrize("mends", [_core_mends, _hub_mends])
def test_what_a_merge_undid_is_said_again(mends: Callable[[Region], Coroutine[Any, Any, None]]) -> None:
    region = Region(7, 2)
    region.run(mends(region), 1e5)
    assert region.journal.failures == []
