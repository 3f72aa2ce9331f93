"""The simulator over many seeds, each a process of its own; docs/simulator.md says how to see one again."""

import os
import re
import subprocess
import sys

import pytest

from bongsu.sim.faults import FAULTS
from tests.tidy.tree import ROOT

SEEDS_A_TEST = 20
# Runs that failed once, each with the fault that it was, and the defect that it found.
FOUND = {
    "a second history was promised on what others held of the first": (
        101,
        "message-spoiled,resumed-image,same-name,truncated-file",
    ),
    "a damaged record was told to the loop, too": (
        104,
        "message-spoiled,resumed-image,same-name,truncated-file",
    ),
    "a start forgot what was held here alone": (
        247,
        "all-power,bit-flip,disk-full,message-delay,message-doubled",
    ),
    "a spoiled word was a promise": (18, "message-spoiled,resumed-image,same-name,truncated-file"),
    "two starts that named one end, not knowing of each other": (
        216,
        "amnesia,message-reordered,one-way-link,password-change,torn-write,unknown-kind",
    ),
    "an event that waited was never shown": (7, "flapping"),
    "a log of an earlier start was shown again": (19, "rolling-restart,torn-write"),
    "a node with an old image lowered tokens": (207, "amnesia"),
    "a spoiled message cut a log off for ever": (6, "hung-up,message-spoiled"),
    "transactions and their twins did not commute": (16, "one-way-link,pause"),
    "passwords of one stamp did not commute": (30, "clock-behind,message-doubled,pause,same-name"),
    "sessions kept by a password change did not commute": (
        36,
        "bit-flip,message-delay,password-change,two-killed",
    ),
    "a record without meaning stopped every node": (1, "lying-site"),
    "an event behind one that waited was shown twice": (188, "one-way-link"),
    "a log of a clock that stood still was taken for held": (
        29,
        "clock-1970,disk-destroyed,disk-full,message-doubled,same-name",
    ),
    "a second history of a machine that went on from an image was refused for ever": (0, "resumed-image"),
    "a log was shown again that an unknown start had named": (
        10,
        "bit-flip,disk-destroyed,message-reordered,power-cut,revoked",
    ),
}


def simulate(*arguments: str) -> str:
    """What the simulator says; "" if all went well."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    ran = subprocess.run(
        [sys.executable, "-m", "bongsu.sim", *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "first",
    [
        *range(0, 200, SEEDS_A_TEST),
        *(pytest.param(n, marks=pytest.mark.long) for n in range(200, 300, SEEDS_A_TEST)),
    ],
)
def test_seeds(first: int) -> None:
    assert simulate("--at-once", "1", "--seeds", f"{first}-{first + SEEDS_A_TEST - 1}") == ""


@pytest.mark.long
@pytest.mark.parametrize("first", range(1_000, 3_000, 100))
def test_more_seeds(first: int) -> None:
    assert simulate("--at-once", "1", "--seeds", f"{first}-{first + 99}") == ""


@pytest.fixture(scope="module")
def found_again() -> list[str]:
    """What is said of those runs, each forked from one process that has loaded the program."""
    again = [f"--again={seed}:{faults}" for seed, faults in FOUND.values()]
    ran = subprocess.run(
        [sys.executable, "-m", "bongsu.sim", "--digests", "--at-once", "1", *again],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
        capture_output=True,
        text=True,
    )
    return (ran.stdout + ran.stderr).splitlines()


@pytest.mark.parametrize("defect", FOUND)
def test_what_was_found_stays_repaired(found_again: list[str], defect: str) -> None:
    seed, _ = FOUND[defect]
    told = "\n".join(found_again)
    # It ran to its end, and nothing else is said of it.
    assert re.search(rf"^{seed} [0-9a-f]{{16}}$", told, re.MULTILINE), told
    assert not re.search(rf"\bseed {seed}\b", told), told


def courses(seeds: str, **environment: str) -> list[str]:
    """What each seed came to, in the order of the seeds."""
    ran = subprocess.run(
        [sys.executable, "-m", "bongsu.sim", "--digests", "--at-once", "1", "--seeds", seeds],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0", **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(ran.stdout.splitlines())


def test_a_seed_is_the_same_run_every_time() -> None:
    # Alone or behind others, and wherever its objects lie in memory.
    assert courses("0,61")[1:] == courses("61", PYTHONMALLOC="malloc")


def test_the_faults_are_many() -> None:
    assert len({fault.row for fault in FAULTS.values() if fault.row}) >= 18
    assert len(FAULTS) >= 35
