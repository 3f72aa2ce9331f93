"""Releases that are wrong, for the drill bad-deploy: real processes, spoiled by what runs before the program.

Python imports `sitecustomize` first: it puts a fault into the program's functions, as a bad commit does."""

import time
from pathlib import Path

import httpx

from bongsu.errors import FatalError
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan, Process

WITHDRAW_S = 40

# Every third event from elsewhere is shown as an answer in a thread that is none. What events build on is not
# spoiled: what a release writes that all others refuse is refused, and no withdrawal brings that back.
CORRUPTS = """
from dataclasses import replace
import msgspec
from bongsu.view import apply_event
insert = apply_event._insert
count = 0

def spoiled(context, record, event, *rest):
    global count
    row = insert(context, record, event, *rest)
    count += record.log.node != context.log.key.node
    if count % 3 == 0:
        sql = "UPDATE events SET relates_to='$none', rel_type='m.thread' WHERE position=?"
        context.db.run(sql, (row.position,))
    return row

apply_event._insert = spoiled
"""

# Every third message that somebody sends ends in a fault of the program's.
ERRS = """
from bongsu.author import Author
send = Author.send
count = 0

async def spoiled(self, *arguments, **named):
    global count
    count += 1
    if count % 3 == 0:
        raise RuntimeError("this release is bad")
    return await send(self, *arguments, **named)

Author.send = spoiled
"""


def deploy_corrupting(plan: Plan, struck: list[Process]) -> None:
    """The site's node starts again with a release that spoils what it shows."""
    _deploy(plan, struck, CORRUPTS)


def deploy_erring(plan: Plan, struck: list[Process]) -> None:
    """The site's node starts again with a release that fails."""
    _deploy(plan, struck, ERRS)


def roll_back(plan: Plan, struck: list[Process]) -> None:
    """The release before is back."""
    _deploy(plan, struck, "")


def must_withdraw(plan: Plan, struck: list[Process]) -> None:
    """Wait until the node has taken itself out of service, and says why.

    Raises:
        FatalError: it does not, in time.
    """
    for node in struck:
        if isinstance(node, NodePlan) and not _withdraws(node):
            raise FatalError(f"The bad release at site {node.site} stayed in service for {WITHDRAW_S} s.")


def _withdraws(node: NodePlan) -> bool:
    deadline = time.monotonic() + WITHDRAW_S
    while time.monotonic() < deadline:
        ready = httpx.get(f"{node.private}/ready", timeout=WITHDRAW_S, trust_env=False)
        health = httpx.get(f"{node.private}/health", timeout=WITHDRAW_S, trust_env=False).json()
        if ready.status_code == 503 and "withdrawn" in {each["name"] for each in health["problems"]}:
            return True
        time.sleep(0.2)
    return False


def _deploy(plan: Plan, struck: list[Process], fault: str) -> None:
    for node in struck:
        if isinstance(node, NodePlan):
            processes.end([node])
            release = Path(node.config).parent / "release"
            release.mkdir(exist_ok=True)
            (release / "sitecustomize.py").write_text(fault, encoding="utf-8")
            node.environment = {"PYTHONPATH": str(release)} if fault else {}
    commands.start_all(plan)
