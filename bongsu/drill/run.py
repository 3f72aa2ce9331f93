"""Running a drill: a laboratory, people at every site, the plan's faults, and the truth afterwards."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bongsu.drill import faults, machines
from bongsu.drill.check import Findings, check
from bongsu.drill.hub_town import move_in, share_out
from bongsu.drill.merge import Merge, Times, carried, measure
from bongsu.drill.parted import Parted
from bongsu.drill.plans import DrillPlan
from bongsu.drill.storm import log_in
from bongsu.drill.thief import forged
from bongsu.drill.town import Api, Town, histories, settle
from bongsu.errors import FatalError
from bongsu.lab import commands
from bongsu.lab.plan import Plan
from bongsu.operate.against import ask, compare

logger = logging.getLogger(__name__)

LOADS = 2
COLLECT_S = 120
CONVERGE_S = 30.0
PER_HOUR = 20
# What each site tells of each room.
Histories = dict[str, dict[str, list[str]]]
# Acts that take as long as they take: what follows comes so much later.
LASTING = ("talk", "merge")


class Outcome:
    """A finished drill."""

    def __init__(self, plan: DrillPlan, seconds: float) -> None:
        self.plan = plan
        self.seconds = seconds
        self.people: list[dict[str, Any]] = []
        self.happened: list[tuple[float, str, str]] = []
        self.findings = Findings()
        self.settled = 0
        # Of a storm of log-ins, how long each took.
        self.logins_s: list[float] = []
        # Seconds after the end until all sites that are there told the same histories; None: they did not.
        self.agreed_s: float | None = None
        # Where the sides of a cut talked for hours: what came of it.
        self.merge: Merge | None = None
        # Where somebody walked between hubs that are cut off: how often what he brought was seen.
        self.carried: int | None = None
        # Scopes whose digests differed between sites at the end, a sentence each.
        self.differing: list[str] = []
        # What of the drill itself could not be done, a sentence each; what was counted until then stands.
        self.failed: list[str] = []

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, every site holds the same, and the whole drill was done."""
        same = self.agreed_s is not None and not self.differing
        as_it_must = self.merge is None or not self.merge.wrong
        return self.findings.clean and same and as_it_must and self.carried != 0 and not self.failed

    def moment(self, act: str) -> float:
        """When an act of the plan first began, or was done (`… done`), in seconds."""
        return next(at for at, what, _ in self.happened if what == act)

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Note it where `what` fails: a drill that fails half way still has a report."""
        try:
            yield
        except Exception as error:
            logger.warning("%s failed", what, exc_info=error)
            self.failed.append(f"{what} failed: {str(error) or type(error).__name__}")


def run(
    drill: DrillPlan,
    folder: Path,
    *,
    people: int,
    per_second: float,
    seconds: float | None,
    tls: bool,
    progress: Callable[[str], None],
    per_hour: int = PER_HOUR,
) -> Outcome:
    """Run one drill in a new laboratory in `folder`; the laboratory has ended when this returns.

    A step that fails is the last one; what was counted until then is in the outcome, and why.
    `per_hour`: messages an hour that each side writes in each of its rooms, where the plan has hours of talk.

    Raises:
        FatalError: the laboratory or a load process did not start.
    """
    outcome = Outcome(drill, drill.seconds if seconds is None else max(seconds, drill.seconds))
    progress("starting three sites")
    lab = commands.up(folder, 3, tls=tls, net=drill.needs_namespaces, hubs=drill.hubs)
    api = Api(lab)
    try:
        progress(f"settling {people} people")
        town = settle(api, lab, people)
        outcome.settled = len(town.people)
        parted = None
        if drill.hubs:
            progress("making them residents of hubs")
            parted = _move_in(drill, api, lab, town, per_hour)
        start = time.monotonic()
        loads = [_load(drill, lab, town, folder, number, per_second, start) for number in range(LOADS)]
        try:
            _happen(outcome, lab, loads, per_second, start, progress, parted)
            progress("waiting for the last clients")
            told = _collect(outcome, loads, folder, lambda: _converge(outcome, api, lab, town))
        finally:
            for load in loads:
                load.kill()
                load.wait()
        progress("comparing the histories of all sites")
        _judge(outcome, api, lab, town, parted, told)
    finally:
        api.close()
        commands.down(lab)
        machines.undo()
    return outcome


def _move_in(drill: DrillPlan, api: Api, lab: Plan, town: Town, per_hour: int) -> Parted | None:
    """Residents to their hubs; who talks there for hours, where the plan has hours of talk."""
    share_out(lab, town, core_too=bool(drill.hours))
    if not drill.hours:
        move_in(api, lab, town.people)
        return None
    parted = Parted(api, lab, hours=drill.hours, per_hour=per_hour)
    others = parted.settle(town)
    move_in(api, lab, [*town.people, *others])
    return parted


def _load(
    drill: DrillPlan, lab: Plan, town: Town, folder: Path, number: int, per_second: float, start: float
) -> "subprocess.Popen[str]":
    """A load process with its share of the people, running when this returns."""
    spec = {
        "sites": {node.site: node.url for node in lab.nodes},
        "ca": lab.ca,
        # Residents stay: another hub would not know them.
        "stay": bool(lab.hubs),
        "home_after_s": drill.home_after_s,
        "people": [
            {name: value for name, value in person.items() if name not in ("members", "hub")}
            for person in town.people[number::LOADS]
        ],
        "per_second": per_second,
        "start": start,
    }
    file = folder / f"load-{number}.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    load = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "bongsu.drill.load", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdout is not None
    if load.stdout.readline() != "running\n":
        raise FatalError("A load process did not start.")
    return load


def _happen(
    outcome: Outcome,
    lab: Plan,
    loads: list["subprocess.Popen[str]"],
    per_second: float,
    start: float,
    progress: Callable[[str], None],
    parted: Parted | None = None,
) -> None:
    """Let time pass, and the plan's steps come."""
    there = [node.site for node in lab.nodes if node.site not in outcome.plan.gone]
    late_s = 0.0
    for step in outcome.plan.steps_within(outcome.seconds):
        _pass(start, step.at_s + late_s, progress)
        outcome.happened.append((time.monotonic() - start, step.act, step.target))
        words = f"{step.act} {step.target or 'everything'}"
        progress(words)
        with outcome.noting(f"The step “{words}” at {step.at_s:g} s"):
            if step.act == "surge":
                _set_rate(loads, per_second * float(step.target))
            elif step.act == "login-storm":
                outcome.logins_s = log_in(lab, outcome.settled, there)
            elif parted is not None and step.act == "talk":
                parted.talk(start)
            elif parted is not None and step.act == "merge":
                parted.wait(there)
            else:
                faults.act(lab, step.act, step.target)
        if outcome.failed:
            return
        outcome.happened.append((time.monotonic() - start, f"{step.act} done", step.target))
        if step.act in LASTING:
            late_s += outcome.happened[-1][0] - outcome.happened[-2][0]
    outcome.seconds += late_s
    _pass(start, outcome.seconds, progress)


def _set_rate(loads: list["subprocess.Popen[str]"], per_second: float) -> None:
    for load in loads:
        assert load.stdin is not None
        load.stdin.write(f"{per_second}\n")
        load.stdin.flush()


def _pass(start: float, until_s: float, progress: Callable[[str], None]) -> None:
    while (left_s := start + until_s - time.monotonic()) > 0:
        progress(f"{time.monotonic() - start:.0f} s")
        time.sleep(min(1.0, left_s))


def _collect(
    outcome: Outcome, loads: list["subprocess.Popen[str]"], folder: Path, converge: Callable[[], Histories]
) -> Histories:
    """What the clients saw, of each load process that can say it; what every site tells.

    Nobody is asked what they saw before all have ended writing, and every site tells the same.
    """
    with outcome.noting("Ending the load"):
        for load in loads:
            assert load.stdin is not None
            load.stdin.write("stop\n")
            load.stdin.flush()
    for load in loads:
        assert load.stdout is not None
        load.stdout.readline()
    told: Histories = {}
    with outcome.noting("Comparing what the sites tell"):
        told = converge()
    for load in loads:
        assert load.stdin is not None
        load.stdin.close()
    for number, load in enumerate(loads):
        with outcome.noting(f"Load process {number}"):
            load.wait(COLLECT_S)
            outcome.people += json.loads((folder / f"load-{number}.result.json").read_text(encoding="utf-8"))
        if load.stdout is not None:
            load.stdout.close()
    return told


def _judge(outcome: Outcome, api: Api, lab: Plan, town: Town, parted: Parted | None, told: Histories) -> None:
    if parted is not None:
        parted.tell(outcome.people)
    with outcome.noting("Comparing what the sites hold"):
        _compare(outcome, api, lab, town)
    fault_s = outcome.happened[0][0] if outcome.happened else None
    outcome.findings = check(outcome.people, told, struck=outcome.plan.struck, fault_s=fault_s)
    if any(step.act == "courier" for step in outcome.plan.steps):
        with outcome.noting("Counting what was carried"):
            sides = {node.site: node.site for node in lab.nodes}
            alone_s, back_s = outcome.moment("hubs-alone done"), outcome.moment("hubs-back")
            outcome.carried = carried(outcome.people, sides, alone_s, back_s)
    if parted is not None:
        outcome.merge = parted.merge
        with outcome.noting("Looking at what the merge brought"):
            times = (outcome.moment(act) for act in ("hubs-cut done", "hubs-back", "hubs-back done"))
            measure(parted.merge, outcome.people, parted.sides, Times(*times))
            parted.judge([node.site for node in lab.nodes if node.site not in outcome.plan.gone])


def _converge(outcome: Outcome, api: Api, lab: Plan, town: Town) -> Histories:
    """The histories of all sites that are there, once they are the same or have had their time."""
    there = [node.site for node in lab.nodes if node.site not in outcome.plan.gone]
    began = time.monotonic()
    hubs = {hub.site for hub in lab.hubs}
    told = histories(api, there, town, hubs)
    while not _agree(told) and time.monotonic() - began < CONVERGE_S:
        told = histories(api, there, town, hubs)
    if _agree(told):
        outcome.agreed_s = time.monotonic() - began
    return told


def _compare(outcome: Outcome, api: Api, lab: Plan, town: Town) -> None:
    """Whether the digests of all sites that are there are the same, and nothing forged is shown."""
    there = [node for node in lab.nodes if node.site not in outcome.plan.gone]
    outcome.differing = compare([partial(ask, node.private) for node in there], CONVERGE_S)
    core = {node.site for node in lab.core}
    outcome.differing += forged(api, [node.site for node in there if node.site in core], town)


def _agree(told: Histories) -> bool:
    said = list(told.values())
    return all(each == said[0] for each in said)
