"""What may happen to a laboratory, done to its real processes and files."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from bongsu.drill import bad_release, machines, thief
from bongsu.drill.hub_faults import HUB_ACTS
from bongsu.lab import commands, processes
from bongsu.lab.plan import NatsPlan, NodePlan, Plan, Process


def act(plan: Plan, name: str, target: str) -> None:
    """Do it. `target`: a site, or "" for all."""
    if name == "remove":
        processes.kill(plan.find(target))
        return plan.save()
    if name == "heal":
        return commands.heal(plan, target)
    if name in ("cut", "cut-one-way"):
        return commands.cut(plan, target, one_way=name == "cut-one-way")
    if name in HUB_ACTS:
        return HUB_ACTS[name](plan, target)
    ACTS[name](plan, _of(plan, target))


def _of(plan: Plan, target: str) -> list[Process]:
    machines: list[NodePlan | NatsPlan] = [*plan.nodes, *plan.nats]
    return [process for process in machines if target in ("", process.site)]


def _burn(plan: Plan, struck: list[Process]) -> None:
    for process in struck:
        if processes.is_running(process):
            os.kill(process.pid, signal.SIGKILL)
    for process in struck:
        processes.kill(process)
    plan.save()


def _destroy(plan: Plan, struck: list[Process]) -> None:
    _burn(plan, struck)
    for process in struck:
        shutil.rmtree(Path(process.config).parent, ignore_errors=True)


def _damage(plan: Plan, struck: list[Process]) -> None:
    """The machine dies, and half of its log with it."""
    _burn(plan, struck)
    for process in struck:
        if isinstance(process, NodePlan):
            log = Path(process.data, "log.db")
            os.truncate(log, log.stat().st_size // 2)


def _revive(plan: Plan, struck: list[Process]) -> None:
    commands.start_all(plan)


def _pause(plan: Plan, struck: list[Process]) -> None:
    for process in struck:
        os.kill(process.pid, signal.SIGSTOP)


def _resume(plan: Plan, struck: list[Process]) -> None:
    for process in struck:
        os.kill(process.pid, signal.SIGCONT)


def _restart(plan: Plan, struck: list[Process]) -> None:
    nodes: list[Process] = [process for process in struck if process in plan.nodes]
    processes.end(nodes)
    commands.start_all(plan)


def _wipe(plan: Plan, struck: list[Process]) -> None:
    servers: list[Process] = [process for process in struck if process in plan.nats]
    _burn(plan, servers)
    for server in servers:
        shutil.rmtree(Path(server.config).parent / "jetstream", ignore_errors=True)
    commands.start_all(plan)


ACTS: dict[str, Callable[[Plan, list[Process]], None]] = {
    "burn": _burn,
    "destroy": _destroy,
    "damage": _damage,
    "revive": _revive,
    "pause": _pause,
    "resume": _resume,
    "restart": _restart,
    "wipe": _wipe,
    "deploy corrupting": bad_release.deploy_corrupting,
    "deploy erring": bad_release.deploy_erring,
    "must withdraw": bad_release.must_withdraw,
    "roll back": bad_release.roll_back,
    "steal": thief.steal,
    "revoke": thief.revoke,
    "slow disk": machines.slow,
    "quick disk": machines.quick,
    "small disk": machines.shrink,
    "fill disk": machines.fill,
    "empty disk": machines.empty,
    "fake clock": machines.fake_clock,
    "clock ahead": machines.ahead,
    "clock behind": machines.behind,
    "clock right": machines.right,
}
