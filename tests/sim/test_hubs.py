"""Hubs on the simulator: cuts, couriers and moves by seeds; many at once; a small town of couriers."""

import ast
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.tidy.tree import ROOT


def simulate(module: str, *arguments: str) -> tuple[int, str]:
    """The exit status, and what was said."""
    ran = subprocess.run(
        [sys.executable, "-m", f"bongsu.sim.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stdout


def figures(said: str) -> dict[str, Any]:
    found: dict[str, Any] = ast.literal_eval(said.splitlines()[0])
    return found


def test_hubs_show_what_they_may_keep_and_nothing_else() -> None:
    status, said = simulate("hubs", "--at-once", "1", "--seeds", "0-3")
    assert status == 0, said


def test_a_bundle_in_pieces_comes_through_whatever_else_is_on_the_wire() -> None:
    status, said = simulate("hubs", "--seed", "6")
    assert status == 0, said


def test_whom_the_state_named_for_a_while_makes_no_difference() -> None:
    status, said = simulate("hubs", "--seed", "26")
    assert status == 0, said


@pytest.mark.long
def test_a_room_whose_people_left_and_came_back_is_filled() -> None:
    status, said = simulate("hubs", "--seed", "9053")
    assert status == 0, said


@pytest.mark.long
@pytest.mark.parametrize("first", range(100, 200, 10))
def test_more_seeds_of_hubs(first: int) -> None:
    status, said = simulate("hubs", "--at-once", "1", "--seeds", f"{first}-{first + 9}")
    assert status == 0, said


def test_hubs_that_come_back_at_once_do_not_all_call_at_once() -> None:
    status, said = simulate("hubs", "--fifty", "12")
    assert status == 0, said
    assert figures(said)["calls_in_one_second_max"] < 8
    assert figures(said)["in_flight_kb_max"] < 2_000


def test_couriers_carry_between_hubs_that_nothing_links() -> None:
    small = ("--seeds", "1", "--hubs", "4", "--people", "40", "--days", "4", "--carriers", "0.8")
    status, said = simulate("couriers", *small, "--least", "0.9")
    assert status == 0, said
    assert figures(said)["counted"] > 50
