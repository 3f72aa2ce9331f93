"""Where an event may stand in its room."""

import pytest

from bongsu import limits
from bongsu.room.graph import check_place, next_depth
from bongsu.room.rejected import Rejected


def test_an_event_comes_after_all_it_follows() -> None:
    check_place(1, 1, [])
    check_place(8, 4, [(7, 3), (2, 1)])
    check_place(2**70, 4, [(7, 3)])


@pytest.mark.parametrize(
    ("stamp", "depth", "rule"),
    [(7, 4, "stamp"), (6, 4, "stamp"), (8, 3, "depth"), (8, 5, "depth"), (8, 2**53 - 1, "depth")],
)
def test_a_wrong_stamp_or_depth_is_rejected(stamp: int, depth: int, rule: str) -> None:
    with pytest.raises(Rejected) as rejected:
        check_place(stamp, depth, [(7, 3), (2, 1)])
    assert rejected.value.rule == rule


def test_depth_ends_at_the_largest_integer_of_canonical_json() -> None:
    assert next_depth([]) == 1
    assert next_depth([3, 9, 4]) == 10
    assert next_depth([limits.JSON_INTEGER_MAX]) == limits.JSON_INTEGER_MAX
