"""When a device's confirmation is worth a record: after many messages, after a while, and at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu import limits
from bongsu.canonical import read_trusted
from bongsu.clock import SystemClock
from bongsu.live.delivered import Delivered
from bongsu.log.key import NodeKey
from bongsu.log.record import Kind, Lane
from bongsu.log.store import LogStore
from bongsu.log.vector import Vector
from bongsu.view.context import Context
from bongsu.view.db import Database

DEVICE = ("@alice:localhost", "PHONE")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def delivered(tmp_path: Path, clock: Clock) -> Iterator[Delivered]:
    log = LogStore.open(tmp_path / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    view = Database.open(tmp_path / "view.db")
    yield Delivered(Context.build(view, log), clock, lambda: 1)
    view.close()
    log.close()


async def test_nothing_given_is_nothing_to_record(delivered: Delivered, clock: Clock) -> None:
    for _ in range(3):
        clock.now += limits.TO_DEVICE_COVERED_S
        assert delivered.confirmed(DEVICE, 0, Vector.empty()) is None
    assert delivered.rest() == []


async def test_many_messages_are_recorded_at_once(delivered: Delivered) -> None:
    delivered.gave(DEVICE, limits.TO_DEVICE_COVERED_MESSAGES)
    draft = delivered.confirmed(DEVICE, 0, Vector.empty())
    assert draft is not None
    assert (draft.kind, draft.lane) == (Kind.TO_DEVICE_COVERED, Lane.BULK)
    assert (read_trusted(draft.body)["user_id"], read_trusted(draft.body)["device_id"]) == DEVICE
    assert delivered.confirmed(DEVICE, 0, Vector.empty()) is None


async def test_a_few_messages_are_recorded_after_a_while(delivered: Delivered, clock: Clock) -> None:
    # A long time without messages does not count.
    clock.now = limits.TO_DEVICE_COVERED_S
    assert delivered.confirmed(DEVICE, 0, Vector.empty()) is None
    delivered.gave(DEVICE, 1)
    assert delivered.confirmed(DEVICE, 0, Vector.empty()) is None
    clock.now *= 2
    assert delivered.confirmed(DEVICE, 0, Vector.empty()) is not None


async def test_the_rest_is_recorded_in_the_end_if_it_was_confirmed(delivered: Delivered) -> None:
    delivered.gave(DEVICE, 1)
    assert delivered.rest() == []
    delivered.confirmed(DEVICE, 0, Vector.empty())
    assert len(delivered.rest()) == 1
    assert delivered.rest() == []
