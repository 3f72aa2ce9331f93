"""Coming and going by a clock of the test's own, and waking nobody more often than need be."""

import asyncio

import pytest

from bongsu.live.expiry import TypingExpiry
from bongsu.live.signs import Signs
from bongsu.live.soon import Soon

ALICE, BOB = "@alice:localhost", "@bob:localhost"


class Monotonic:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Monotonic:
    return Monotonic()


@pytest.fixture
def signs(clock: Monotonic) -> Signs:
    return Signs(clock, 1_000)


def changed(signs: Signs, live: int) -> list[str]:
    return [user_id for user_id, _ in signs.presences.since(live)]


def test_who_stops_syncing_goes_offline(signs: Signs, clock: Monotonic) -> None:
    presences = signs.presences
    assert presences.seen(ALICE, "online", 60)
    seen = signs.count
    assert changed(signs, seen - 1) == [ALICE]
    clock.now += 50
    assert not presences.seen(ALICE, "online", 60)
    clock.now += 50
    assert presences.sweep() == []
    assert presences.get(ALICE).state == "online"
    assert changed(signs, seen) == []
    clock.now += 11
    assert presences.sweep() == [ALICE]
    assert presences.get(ALICE).state == "offline"
    assert changed(signs, seen) == [ALICE]


def test_an_idle_client_does_not_hide_an_active_one(signs: Signs, clock: Monotonic) -> None:
    presences = signs.presences
    assert presences.seen(ALICE, "online", 60)
    assert not presences.seen(ALICE, "unavailable", 90)
    assert presences.get(ALICE).state == "online"
    clock.now += 61
    assert presences.sweep() == [ALICE]
    assert presences.get(ALICE).state == "unavailable"
    clock.now += 30
    assert presences.sweep() == [ALICE]
    assert presences.get(ALICE).state == "offline"


def test_a_status_is_a_change_and_the_last_change_comes_first(signs: Signs, clock: Monotonic) -> None:
    presences = signs.presences
    start = signs.count
    presences.set(ALICE, "online", None, 60)
    presences.set(BOB, "online", None, 60)
    presences.set("@carol:localhost", "offline", None, 60)
    assert changed(signs, start) == [BOB, ALICE]
    assert presences.set(ALICE, "online", "점심", 60)
    assert not presences.set(ALICE, "online", "점심", 60)
    assert changed(signs, start) == [ALICE, BOB]
    assert presences.active(presences.get(ALICE))
    clock.now += 59.5
    assert presences.active_ago_ms(presences.get(ALICE)) == 59_500


def test_the_sweep_is_not_done_at_every_request(signs: Signs, clock: Monotonic) -> None:
    signs.presences.seen(ALICE, "online", 0.5)
    assert signs.presences.sweep() == []
    clock.now += 0.9
    assert signs.presences.sweep() == []
    clock.now += 0.2
    assert signs.presences.sweep() == [ALICE]


async def test_a_burst_wakes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bongsu.limits.SOON_S", 0.01)
    woken: asyncio.Queue[set[str]] = asyncio.Queue()
    soon = Soon(woken.put_nowait)
    for _ in range(500):
        soon.add_rooms(("!a", "!b"))
    soon.add_rooms(())
    assert await woken.get() == {"!a", "!b"}
    soon.add_rooms(("!c",))
    assert await woken.get() == {"!c"}
    assert woken.empty()
    soon.add_rooms(("!d",))
    soon.stop()
    soon.add_rooms(("!e",))
    assert await woken.get() == {"!e"}


async def test_typing_has_a_timer_only_while_somebody_types() -> None:
    loop = asyncio.get_running_loop()
    signs = Signs(loop.time, 1)
    ended: asyncio.Queue[str] = asyncio.Queue()
    expiry = TypingExpiry(signs, loop.time, ended.put_nowait)
    expiry.watch()
    assert not expiry.alarm.is_set
    assert signs.set_typing("!a", ALICE, 30)
    expiry.watch()
    assert signs.set_typing("!b", BOB, 0.01)
    expiry.watch()
    assert await ended.get() == "!b"
    assert signs.typing_since("!b", 0) == []
    assert signs.typing_since("!a", 0) == [ALICE]
    assert expiry.alarm.is_set
    assert not signs.set_typing("!a", ALICE, 30)
    assert signs.set_typing("!a", ALICE, None)
    expiry.watch()
    assert not expiry.alarm.is_set
    assert ended.empty()
