"""Who is the odd one out, and when a node takes itself out of service."""

import pytest

from bongsu.agreement import Compared, Said, differing
from bongsu.operate.watch import fault_of


@pytest.mark.parametrize(
    ("others", "odd", "split"),
    [
        (["mine", "mine"], set(), set()),
        (["other", "other"], {"!a"}, set()),
        (["mine", "other"], set(), {"!a"}),
        (["other", "third"], set(), {"!a"}),
        (["other"], set(), {"!a"}),
        (["mine", "other", "other"], set(), {"!a"}),
        ([], set(), set()),
    ],
)
def test_the_odd_one_out_differs_from_two_that_agree(
    others: list[str], odd: set[str], split: set[str]
) -> None:
    assert differing({"!a": "mine"}, [{"!a": each} for each in others]) == (odd, split)


def compared(*peers: tuple[bool, float], odd: str = "") -> Compared:
    said = tuple(Said("", ready, errors, {}) for ready, errors in peers)
    return Compared(frozenset({odd} - {""}), frozenset(), said)


def test_the_last_that_is_ready_stays_whatever_it_shows() -> None:
    assert fault_of(compared((True, 0.0), (False, 0.0), odd="!a"), 0.0) == "view"
    assert fault_of(compared((False, 0.0), (False, 0.0), odd="!a"), 0.9) is None


def test_errors_count_where_others_have_far_fewer() -> None:
    assert fault_of(compared((True, 0.0), (True, 0.0)), 0.3) == "errors"
    assert fault_of(compared((True, 0.0), (True, 0.2)), 0.3) is None
    assert fault_of(compared((True, 0.0), (True, 0.0)), 0.01) is None
