"""What `bongsu lab` does: up, start, down."""

import shutil
from pathlib import Path

from bongsu.errors import FatalError
from bongsu.lab import certificates, processes
from bongsu.lab.plan import FILE, SITES_MAX, NodePlan, Plan, make
from bongsu.lab.settings import nats_settings, node_settings
from bongsu.log.key import NodeKey


def up(folder: Path, sites: int, *, tls: bool) -> Plan:
    """Make a laboratory in an empty directory, start it, and return when every node is ready.

    Raises:
        FatalError: it cannot be; the sentence says why. What was started has ended again.
    """
    if not 1 <= sites <= SITES_MAX:
        raise FatalError(f"A laboratory has 1 to {SITES_MAX} sites.")
    if folder.exists() and any(folder.iterdir()) and not (folder / FILE).exists():
        raise FatalError(f"{folder} is not empty, and no laboratory. Give another directory.")
    if (folder / FILE).exists():
        if any(processes.is_running(process) for process in Plan.load(folder).processes):
            raise FatalError(f"A laboratory runs in {folder}. End it with `bongsu lab down` first.")
        shutil.rmtree(folder)
    plan = make(folder, sites, tls=tls)
    _write_files(plan)
    try:
        start_all(plan)
    except FatalError:
        processes.end(plan.processes)
        raise
    return plan


def start_all(plan: Plan) -> None:
    """Start whatever does not run; returns when every node is ready."""
    plan.save()
    for server in plan.nats:
        if not processes.is_running(server):
            processes.spawn(server)
    waiting: list[tuple[NodePlan, int]] = []
    for node in plan.nodes:
        if not processes.is_running(node):
            waiting.append((node, processes.words_size(node)))
            processes.spawn(node)
    plan.save()
    for node, offset in waiting:
        processes.wait_ready(node, offset)


def start(plan: Plan, name: str) -> None:
    """Bring one process back.

    Raises:
        FatalError: there is none of that name, it runs already, or it does not get ready.
    """
    process = plan.find(name)
    if processes.is_running(process):
        raise FatalError(f"{name} runs already.")
    offset = processes.words_size(process) if isinstance(process, NodePlan) else 0
    processes.spawn(process)
    plan.save()
    if isinstance(process, NodePlan):
        processes.wait_ready(process, offset)


def down(plan: Plan) -> None:
    """End every process of the laboratory; its files stay."""
    processes.end(plan.processes)
    plan.save()


def _write_files(plan: Plan) -> None:
    authority = certificates.make_authority(Path(plan.folder, "tls")) if plan.ca else None
    node_names = {}
    for node in plan.nodes:
        data = Path(node.data)
        data.mkdir(parents=True, mode=0o700)
        node_names[node.site] = NodeKey.open(data / "node.key").node.hex()
    for server in plan.nats:
        home = Path(server.config).parent
        if authority is not None:
            certificates.issue(authority, home / "tls", f"node-{server.site}")
        Path(server.config).write_text(nats_settings(plan, server, node_names), encoding="utf-8")
    root_key = ""
    for node in plan.nodes:
        Path(node.config).write_text(node_settings(plan, node, root_key), encoding="utf-8")
