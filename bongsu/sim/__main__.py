"""`python -m bongsu.sim`: run seeds; a failing one is printed as the line that shows it again."""

import argparse
import sys
import time
from collections.abc import Iterator
from functools import partial

from bongsu.sim import runs
from bongsu.sim.chance import same_order
from bongsu.sim.faults import FAULTS
from bongsu.sim.world import Outcome, run


def main() -> int:
    """Run the seeds asked for; the exit status is 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.sim")
    parser.add_argument("--seed", type=int, help="one seed, told in full")
    parser.add_argument(
        "--seeds", default="0-199", help="the first and last seed, as 0-199, or several with commas"
    )
    parser.add_argument(
        "--faults", help="faults by name, with commas; none; without it, what the seed chooses"
    )
    parser.add_argument(
        "--again",
        action="append",
        metavar="SEED:FAULTS",
        help="a seed with faults of its own; may be repeated",
    )
    parser.add_argument("--digests", action="store_true", help="say of each seed which course it took")
    parser.add_argument("--at-once", type=int, help="how many seeds; else as many as there are processors")
    parser.add_argument("--list", action="store_true", help="list the faults")
    asked = parser.parse_args()
    same_order()
    if asked.list:
        for fault in FAULTS.values():
            print(f"{fault.name}\trow {fault.row}\t{(fault.inject.__doc__ or '').splitlines()[0]}")
        return 0
    names = None if asked.faults is None else _names(asked.faults)
    again = {
        int(seed): _names(faults) for seed, _, faults in (each.partition(":") for each in asked.again or ())
    }
    unknown = {*(names or ()), *(name for each in again.values() for name in each)} - FAULTS.keys()
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}; --list names them")
    if len(again) < len(asked.again or ()):
        parser.error("each seed may be named once")
    if again:
        outcomes = runs.each(lambda seed: run(seed, again[seed]), list(again), asked.at_once)
        return _many(outcomes, len(again), digests=asked.digests)
    simulate = partial(run, faults=names)
    if asked.seed is not None:
        _, outcome = next(runs.each(simulate, [asked.seed]))
        return _tell(outcome)
    seeds: list[int] = []
    for part in asked.seeds.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return _many(runs.each(simulate, seeds, asked.at_once), len(seeds), digests=asked.digests)


def _names(faults: str) -> list[str]:
    return [name for name in faults.split(",") if name != "none"]


def _tell(outcome: Outcome | None) -> int:
    if outcome is None:
        return 1
    print(f"seed {outcome.seed} with {', '.join(outcome.faults) or 'no faults'}: digest {outcome.digest}")
    for what, count in sorted(outcome.counts.items()):
        print(f"  {count:6} {what}")
    for failure in outcome.failures:
        print(f"  FAILED: {failure}")
    return 1 if outcome.failures else 0


def _many(outcomes: Iterator[tuple[int, Outcome | None]], count: int, *, digests: bool) -> int:
    started, failed = time.monotonic(), 0
    for done, (seed, outcome) in enumerate(outcomes, 1):
        if outcome is None:
            failed += 1
            print(f"seed {seed}: its process ended without a word", flush=True)
        elif outcome.failures:
            failed += 1
            print(f"{outcome.line}\n    {outcome.failures[0][:300]}", flush=True)
        if outcome is not None and digests:
            print(f"{seed} {outcome.digest}", flush=True)
        if sys.stderr.isatty() or done == count:
            seconds = time.monotonic() - started
            print(
                f"\r{done} of {count} seeds, {failed} failed, {seconds / done:.2f} s each",
                end="\n" if done == count else "",
                file=sys.stderr,
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
