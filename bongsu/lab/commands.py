"""What `bongsu lab` does: up, start, down."""

import json
import re
import secrets
import shutil
from pathlib import Path

from bongsu import authority
from bongsu.clock import SystemClock
from bongsu.enrolment import FILE_NAME
from bongsu.errors import FatalError
from bongsu.files import write_whole
from bongsu.lab import certificates, network, processes
from bongsu.lab.plan import FILE, HUBS_MAX, SITE_NAMES, SITES_MAX, NodePlan, Plan, make
from bongsu.lab.settings import nats_settings, node_settings
from bongsu.log.key import NodeKey
from bongsu.rootkey import RootKey

# The laboratory's root key and its passphrase lie beside it; those of a real service never lie on a node.
ROOT_FILE = "root.key"
# Of what a modem sends on the air; a hub of the laboratory takes its modem for the slowest.
RADIO_RATES = range(1_200, 19_201)
_RATE = re.compile(r"([0-9]{1,9})(bps|kbps|mbps)")
PASSPHRASE_FILE = "root.passphrase"  # noqa: S105 - a name


def up(folder: Path, sites: int, *, tls: bool, net: bool = False, hubs: int = 0) -> Plan:
    """Make a laboratory in an empty directory, start it, and return when every node is ready.

    `net`: each site in a network namespace of its own, so that links can be cut. Only root can.

    Raises:
        FatalError: it cannot be; the sentence says why. What was started has ended again.
    """
    if not 1 <= sites <= SITES_MAX:
        raise FatalError(f"A laboratory has 1 to {SITES_MAX} sites.")
    if not 0 <= hubs <= HUBS_MAX:
        raise FatalError(f"A laboratory has 0 to {HUBS_MAX} hubs.")
    if hubs and net:
        raise FatalError("Hubs stand on loopback, where their links are wires that can be cut: add --no-net.")
    if folder.exists() and any(folder.iterdir()) and not (folder / FILE).exists():
        raise FatalError(f"{folder} is not empty, and no laboratory. Give another directory.")
    if (folder / FILE).exists():
        if any(processes.is_running(process) for process in Plan.load(folder).processes):
            raise FatalError(f"A laboratory runs in {folder}. End it with `bongsu lab down` first.")
        shutil.rmtree(folder)
    bridge, places = network.make(list(SITE_NAMES[:sites])) if net else ("", {})
    plan = make(folder, sites, tls=tls, bridge=bridge, places=places, hubs=hubs)
    try:
        _write_files(plan)
        start_all(plan)
    except (FatalError, KeyboardInterrupt):
        down(plan)
        raise
    return plan


def start_all(plan: Plan) -> None:
    """Start whatever does not run; returns when every node is ready."""
    plan.save()
    for server in plan.nats:
        if not processes.is_running(server):
            processes.spawn(server)
    hubs = {hub.name for hub in plan.hubs}
    for link in plan.links:
        # Hubs reach the core, and each other only when they are told to.
        if link.other not in hubs and not processes.is_running(link):
            processes.spawn(link)
            processes.wait_wired(link)
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
    if plan.bridge:
        network.remove(plan.bridge, [node.namespace for node in plan.nodes])
    plan.save()


def link(plan: Plan, hub: str, other: str, how: str, loss: float = 0.0) -> None:
    """Make (`lan`) or cut (`none`) the wires between a hub and another node; `core`: all data centres.

    `how` may also be a rate. Between two hubs 1200bps to 19200bps is a radio channel that loses `loss` of its
    frames; every other rate is a wire that is so slow.

    Raises:
        FatalError: there are no such wires, or this is no rate.
    """
    rate = bits_per_second(how)
    others = {node.name for node in plan.core} if other == "core" else {other}
    found = [
        each
        for each in plan.links
        if (each.hub == hub and each.other in others) or (each.other == hub and each.hub in others)
    ]
    if not found:
        wires = ", ".join(each.name for each in plan.links)
        raise FatalError(f"There is no wire between {hub} and {other}. There are: {wires}.")
    by_radio = rate in RADIO_RATES and any(each.radio for each in found)
    if loss and not by_radio:
        raise FatalError("Only radio loses frames: give a rate from 1200bps to 19200bps between two hubs.")
    for each in found:
        lies = how != "none" and each.radio == by_radio
        settings = {"listen": each.listen, "target": each.target, "bits_per_second": rate}
        wire = json.dumps({**settings, "loss": loss} if each.radio else settings)
        path = Path(each.config)
        if not lies or path.read_text(encoding="utf-8") != wire:
            processes.kill(each)
        path.write_text(wire, encoding="utf-8")
        if lies and not processes.is_running(each):
            processes.spawn(each)
            processes.wait_wired(each)
    plan.save()


def bits_per_second(how: str) -> int:
    """The rate that a wire has; 0: it has none, or none of its own.

    Raises:
        FatalError: it is neither a rate nor `lan` nor `none`.
    """
    if how in ("lan", "none"):
        return 0
    found = _RATE.fullmatch(how)
    if found is None or int(found[1]) == 0:
        raise FatalError(f"{how} is neither lan, nor none, nor a rate like 64kbps or 1200bps.")
    return int(found[1]) * {"bps": 1, "kbps": 1_000, "mbps": 1_000_000}[found[2]]


def cut(plan: Plan, site: str, *, one_way: bool = False) -> None:
    """Cut a site off from all others; clients still reach it. `one_way`: it hears them, they do not hear it.

    Raises:
        FatalError: the laboratory is on loopback, or has no such site.
    """
    node, others = _linked(plan, site)
    network.cut(node.namespace, [_address(other) for other in others])
    for other in others if not one_way else ():
        network.cut(other.namespace, [_address(node)])


def heal(plan: Plan, site: str) -> None:
    """Undo `cut`.

    Raises:
        FatalError: as `cut`.
    """
    node, others = _linked(plan, site)
    network.heal(node.namespace, [_address(other) for other in others])
    for other in others:
        network.heal(other.namespace, [_address(node)])


def _linked(plan: Plan, site: str) -> tuple[NodePlan, list[NodePlan]]:
    if not plan.bridge:
        raise FatalError("The links of this laboratory cannot be cut: start it as root, with --net.")
    nodes = {node.site: node for node in plan.nodes}
    if site not in nodes:
        raise FatalError(f"The laboratory has no site {site}. It has: {', '.join(nodes)}.")
    return nodes[site], [node for node in plan.nodes if node.site != site]


def _address(node: NodePlan) -> str:
    return node.listen.rpartition(":")[0]


def _write_files(plan: Plan) -> None:
    issuer = certificates.make_authority(Path(plan.folder, "tls")) if plan.ca else None
    node_names = {}
    for node in plan.nodes:
        data = Path(node.data)
        data.mkdir(parents=True, mode=0o700)
        name = NodeKey.open(data / "node.key").node.hex()
        if node.role == "core":
            node_names[node.site] = name
    for hub in plan.hubs:
        if issuer is not None:
            certificates.issue(issuer, Path(hub.config).parent / "tls", f"node-{hub.site}", "127.0.0.1")
    for server in plan.nats:
        home = Path(server.config).parent
        if issuer is not None:
            certificates.issue(issuer, home / "tls", f"node-{server.site}", server.host)
        Path(server.config).write_text(nats_settings(plan, server, node_names), encoding="utf-8")
    for link in plan.links:
        path = Path(link.config)
        path.parent.mkdir(exist_ok=True)
        wire = {"listen": link.listen, "target": link.target, "bits_per_second": 0}
        path.write_text(json.dumps(wire), encoding="utf-8")
    passphrase = secrets.token_urlsafe(16)
    write_whole(Path(plan.folder, PASSPHRASE_FILE), passphrase.encode() + b"\n")
    root = RootKey.generate()
    root.save(Path(plan.folder, ROOT_FILE), passphrase)
    for node in plan.nodes:
        Path(node.config).write_text(node_settings(plan, node, root.text), encoding="utf-8")
        key = NodeKey.load(Path(node.data, "node.key"))
        request = authority.read_request(
            authority.sign_request(key.public, node.role, node.site, key.sign_bytes)
        )
        now_ms = SystemClock().now_ms()
        text = authority.sign_certificate(request, root.sign, issued_ms=now_ms, expires_ms=None)
        write_whole(Path(node.data, FILE_NAME), text.encode() + b"\n")
